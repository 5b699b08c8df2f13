"""A run for every upload that is complete: whoever uploads puts `incoming/ready` into the bucket last.

A run imports what is in the bucket by then: the job finds the upload under `/scratch/incoming`. It must not write that
one object itself, whose export would start the next run.
"""

import pulumi
import pulumi_aws as aws
from lustre_batch import LustreBatchAutoExport

READY = "incoming/ready"

on_upload = LustreBatchAutoExport("on-upload")

# While a run lasts, FSx has a notification of its own on the bucket, and the link breaks if it goes (FSx guide, "Data
# repository association lifecycle state"). Events for EventBridge stand beside it, and whatever is there stays.
aws.s3.BucketNotification(
    "uploads",
    bucket=on_upload.bucket_name,
    eventbridge=True,
    opts=pulumi.ResourceOptions(ignore_changes=["lambdaFunctions", "queues", "topics"], retain_on_delete=True),
)
rule = aws.cloudwatch.EventRule(
    "uploads",
    description="An upload is complete",
    event_pattern=pulumi.Output.json_dumps(
        {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {"bucket": {"name": [on_upload.bucket_name]}, "object": {"key": [READY]}},
        }
    ),
)
role = aws.iam.Role(
    "uploads",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"ArnEquals": {"aws:SourceArn": rule.arn}},
                }
            ],
        }
    ),
)
may_start = aws.iam.RolePolicy(
    "uploads",
    role=role.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "states:StartExecution", "Resource": on_upload.state_machine_arn}
            ],
        }
    ),
)
aws.cloudwatch.EventTarget(
    "uploads",
    rule=rule.name,
    arn=on_upload.state_machine_arn,
    role_arn=role.arn,
    input="{}",  # instead of the event, which is no input of a run
    opts=pulumi.ResourceOptions(depends_on=[may_start]),
)
pulumi.export("stateMachineArn", on_upload.state_machine_arn)
pulumi.export("bucketName", on_upload.bucket_name)
pulumi.export("repositoryUrl", on_upload.repository_url)
