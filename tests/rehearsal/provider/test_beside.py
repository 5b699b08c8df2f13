"""What people put beside the component in their programs is created in the embedded account, too."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pytest

from rehearsal.aws.account import Account
from rehearsal.provider.deployment import DeployError
from rehearsal.provider.mocks import deploy
from rehearsal.provider.table import KINDS


def test_a_program_may_send_a_buckets_events_to_eventbridge() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket("uploads", bucket="uploads")
        aws.s3.BucketNotification("uploads", bucket=bucket.bucket, eventbridge=True)

    with Account() as account:
        made = deploy(account, program=program).resources[-1]
        read = KINDS[made.type].read(account, made.id, made.outputs)
        account.client("s3").delete_bucket(Bucket="uploads")
        assert read == {"bucket": "uploads", "eventbridge": True}
        assert KINDS[made.type].read(account, made.id, made.outputs) is None


def test_notifications_that_the_account_would_not_send_are_refused_rather_than_left_out() -> None:
    def program() -> None:
        bucket = aws.s3.Bucket("uploads", bucket="uploads")
        queue = aws.s3.BucketNotificationQueueArgs(
            queue_arn="arn:aws:sqs:us-east-1:123456789012:mine", events=["s3:ObjectCreated:*"]
        )
        aws.s3.BucketNotification("uploads", bucket=bucket.bucket, queues=[queue])

    with Account() as account, pytest.raises(DeployError, match="queues"):
        deploy(account, program=program)


def test_a_policy_that_the_provider_puts_together_is_what_the_program_says() -> None:
    def program() -> None:
        document = aws.iam.get_policy_document_output(
            statements=[
                {
                    "sid": "Start",
                    "actions": ["states:StartExecution"],
                    "resources": [
                        "arn:aws:states:*:*:*",
                        "arn:aws:states:*:*:stateMachine:&{aws:username}",
                    ],
                    "principals": [{"type": "Service", "identifiers": ["events.amazonaws.com"]}],
                    "conditions": [{"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1"]}],
                },
                aws.iam.GetPolicyDocumentStatementArgs(
                    effect="Deny",
                    not_actions=["s3:*"],
                    principals=[aws.iam.GetPolicyDocumentStatementPrincipalArgs(type="*", identifiers=["*"])],
                ),
            ]
        )
        pulumi.export("document", document.json)

    with Account() as account:
        said = json.loads(deploy(account, program=program).exports["document"])
    assert said == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Start",
                "Effect": "Allow",
                "Action": "states:StartExecution",
                "Resource": ["arn:aws:states:*:*:*", "arn:aws:states:*:*:stateMachine:${aws:username}"],
                "Principal": {"Service": "events.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "1"}},
            },
            {"Effect": "Deny", "NotAction": "s3:*", "Principal": "*"},
        ],
    }


def test_documents_that_are_merged_are_refused_in_one_line() -> None:
    def program() -> None:
        aws.iam.get_policy_document_output(source_policy_documents=["{}"])

    with Account() as account, pytest.raises(DeployError, match="sourcePolicyDocuments of a policy document is not"):
        deploy(account, program=program)
