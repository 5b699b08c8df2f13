"""`doctor`: each check finds nothing where nothing is wrong, and says what to do where something is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from lustre_batch.operate import doctor

from rehearsal.aws.calls import Fault, ModelError, internally
from rehearsal.aws.quotas import QuotaPlan
from tests.operate.conftest import Desk


def found(desk: Desk) -> dict[str, dict[str, str]]:
    facts: dict[str, Any] = desk.type("doctor", "--json").facts
    return {one["check"]: one for one in facts["findings"]}


@pytest.fixture
def push(desk: Desk) -> Iterator[Any]:
    """Pushes an image under the tag that jobs use, made for an architecture, with a manifest of either kind."""
    name = desk.session.exports["repositoryUrl"].partition("/")[2]
    client = desk.account.client("ecr")

    def image(architecture: str, *, index: bool = True) -> None:
        digest = "sha256:" + "ab" * 32
        listed = [{"digest": digest, "size": 1, "platform": {"architecture": architecture, "os": "linux"}}]
        media = "application/vnd.oci.image." + ("index.v1+json" if index else "manifest.v1+json")
        content = {"manifests": listed} if index else {"config": {"digest": digest, "size": 1}, "layers": []}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": media, **content, "annotations": {"of": architecture}})
        with internally():
            client.put_image(
                repositoryName=name, imageManifest=manifest, imageManifestMediaType=media, imageTag="latest"
            )

    yield image
    with internally():
        client.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "latest"}])


def test_a_new_stack_lacks_what_its_account_and_its_people_have_to_add(desk: Desk) -> None:
    typed = desk.type("doctor")
    lines = {line[9:].partition(": ")[0]: line for line in typed.lines}
    assert typed.status == 1
    assert [name for name, line in lines.items() if line.startswith("trouble")] == [
        "Spot role",
        "image",
        "notifications",
    ]
    assert lines["Spot role"].endswith("aws iam create-service-linked-role --aws-service-name spot.amazonaws.com")
    assert "push it: docker push " in lines["image"]
    assert lines["notifications"].endswith("set notificationEmail, or subscribe to it")


def test_nothing_is_found_once_they_have(desk: Desk, push: Any) -> None:
    push("amd64")
    with internally():
        # The name that AWS gives it, which moto does not.
        desk.account.client("iam").create_role(RoleName="AWSServiceRoleForEC2Spot", AssumeRolePolicyDocument="{}")
        desk.account.client("sns").subscribe(
            TopicArn=desk.session.exports["notificationTopicArn"], Protocol="email", Endpoint="oncall@example.com"
        )
    assert [one for one in found(desk).values() if one["result"] != "ok"] == []
    assert desk.type("doctor").status == 0


@pytest.mark.parametrize("index", [True, False])
def test_an_image_for_other_instances_is_found(
    desk: Desk, push: Any, index: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    push("arm64", index=index)
    monkeypatch.setattr(doctor, "downloaded", lambda url: b'{"architecture": "arm64"}')
    desk.account.calls.answer("ecr", GetDownloadUrlForLayer=lambda params: {"downloadUrl": "https://example.com/"})
    image = found(desk)["image"]
    assert image["result"] == "trouble"
    assert "is for arm64, and the instances are amd64" in image["words"]
    assert image["to_do"] == "build it with --platform linux/amd64"


@contextlib.contextmanager
def without_role(desk: Desk, name: str) -> Iterator[None]:
    """The account's role of that name is away meanwhile."""
    roles = desk.account.context.backend("iam").roles
    away = {key: role for key, role in roles.items() if role.name == name}
    for key in away:
        del roles[key]
    try:
        yield
    finally:
        if not any(role.name == name for role in roles.values()):  # it may have been made again
            roles.update(away)


def test_the_roles_that_batch_and_fsx_make_are_there_once_they_were_used_or_may_be_made(desk: Desk) -> None:
    before = found(desk)
    assert (before["Batch role"]["result"], before["FSx roles"]["result"]) == ("ok", "ok")
    desk.play(lambda: desk.type("run"))
    assert found(desk)["FSx roles"]["words"].startswith("AWSServiceRoleForAmazonFSx exists")
    with without_role(desk, "AWSServiceRoleForAmazonFSx"):
        seen = found(desk)["FSx roles"]
    assert (seen["result"], seen["words"]) == (
        "ok",
        "FSx makes AWSServiceRoleForAmazonFSx with the account's first file system",
    )


def test_without_the_role_of_batch_no_run_gets_instances_and_that_is_found_before(desk: Desk) -> None:
    with without_role(desk, "AWSServiceRoleForBatch"):
        role = found(desk)["Batch role"]
        played = desk.play(lambda: desk.type("run"))
    assert role["result"] == "trouble"
    assert role["to_do"] == "aws iam create-service-linked-role --aws-service-name batch.amazonaws.com"
    assert (played.first.status, played.first.error) == ("FAILED", "ComputeEnvironmentInvalid")


def test_another_role_of_an_environment_is_found(desk: Desk) -> None:
    for environment in desk.account.environments.all.values():
        environment.request["serviceRole"] = "arn:aws:iam::123456789012:role/own"
    try:
        role = found(desk)["Batch role"]
    finally:
        for environment in desk.account.environments.all.values():
            del environment.request["serviceRole"]
    assert role["result"] == "trouble"
    assert "has arn:aws:iam::123456789012:role/own in place of AWSServiceRoleForBatch" in role["words"]


@pytest.mark.parametrize(
    ("service", "words"),
    [
        ("s3.data-source.lustre.fsx.amazonaws.com", "may not let FSx make a role for each file system"),
        ("fsx.amazonaws.com", "the account has no role AWSServiceRoleForAmazonFSx, and "),
    ],
)
def test_a_boundary_that_keeps_fsx_from_making_its_roles_is_found_and_a_run_fails_by_it(
    desk: Desk, service: str, words: str
) -> None:
    iam = desk.account.client("iam")
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:*", "Resource": f"arn:aws:iam::*:role/aws-service-role/{service}/*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    role = desk.stack.role_arn.rpartition("/")[2]
    with internally(), contextlib.ExitStack() as undone:
        arn = iam.create_policy(PolicyName=service, PolicyDocument=document)["Policy"]["Arn"]
        undone.callback(iam.delete_policy, PolicyArn=arn)
        iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=arn)
        undone.callback(iam.delete_role_permissions_boundary, RoleName=role)
        undone.enter_context(without_role(desk, "AWSServiceRoleForAmazonFSx"))
        seen = found(desk)["FSx roles"]
        played = desk.play(lambda: desk.type("run"))
    assert seen["result"] == "trouble"
    assert words in seen["words"]
    assert service in seen["to_do"]
    assert played.first.status == "FAILED"
    assert "is not authorized to perform: iam:CreateServiceLinkedRole" in str(played.first.cause)


@pytest.mark.parametrize(
    ("who", "operator", "error"),
    [("FSx's role", "ArnLike", "AssociationFailed"), ("the run's role", "ArnNotLike", "FSx.BadRequestException")],
)
def test_a_bucket_policy_that_denies_fsx_the_bucket_is_found_and_a_run_fails_by_it(
    desk: Desk, who: str, operator: str, error: str
) -> None:
    s3, name = desk.account.client("s3"), desk.session.exports["bucketName"]
    condition = {operator: {"aws:PrincipalArn": "arn:aws:iam::*:role/aws-service-role/s3.data-source*"}}
    denied = {"Sid": "NoPuts", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Condition": condition}
    with internally():
        before = s3.get_bucket_policy(Bucket=name)["Policy"]
    assert found(desk)["bucket policy"]["result"] == "ok"
    statements = [*json.loads(before)["Statement"], denied | {"Resource": f"arn:aws:s3:::{name}/*"}]
    try:
        with internally():
            s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
        seen = found(desk)["bucket policy"]
        played = desk.play(lambda: desk.type("run"))
    finally:
        with internally():
            s3.put_bucket_policy(Bucket=name, Policy=before)
    assert seen["result"] == "trouble"
    assert seen["words"].startswith(f"statement NoPuts denies {who}")
    assert seen["words"].endswith(" s3:PutObject")
    assert "aws:PrincipalArn, arn:aws:iam::123456789012:role/aws-service-role/s3.data-source" in seen["to_do"]
    assert (played.first.status, played.first.error) == ("FAILED", error)
    assert "s3:PutObject" in str(played.first.cause)


def test_a_bucket_policy_that_cannot_be_judged_is_not_and_a_bucket_without_one_is_fine(desk: Desk) -> None:
    answers = desk.account.calls.operations
    condition = {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}

    def none(params: dict[str, Any]) -> Any:
        raise ModelError("NoSuchBucketPolicy", "The bucket policy does not exist")

    exe = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::*/*.exe"}
    try:
        answers["s3", "GetBucketPolicy"] = lambda params: {"Policy": json.dumps({"Statement": [denied]})}
        unknown = found(desk)["bucket policy"]
        answers["s3", "GetBucketPolicy"] = lambda params: {"Policy": json.dumps({"Statement": [denied, exe]})}
        part = found(desk)["bucket policy"]
        answers["s3", "GetBucketPolicy"] = none
        absent = found(desk)["bucket policy"]
    finally:
        del answers["s3", "GetBucketPolicy"]
    assert unknown["result"] == "unknown"
    assert unknown["words"].endswith("statement number 1 depends on aws:SourceIp")
    assert (absent["result"], absent["words"][-9:]) == ("ok", " has none")
    assert part["result"] == "unknown"
    denies = "denies part of it: statement number 2 denies FSx's role s3:PutObject on arn:aws:s3:::*/*.exe; "
    assert part["words"].startswith(denies)
    assert part["words"].endswith("statement number 1 depends on aws:SourceIp")


@pytest.mark.parametrize(
    ("one", "result"),
    [
        ({"events": ["s3:ObjectCreated:*"]}, "trouble"),
        ({"prefix": "incoming/", "events": ["s3:ObjectRemoved:Delete"]}, "trouble"),
        ({"events": ["s3:ObjectRestore:*"]}, "ok"),
    ],
)
def test_event_notifications_that_break_the_link_are_found_and_those_that_do_not_are_not(
    desk: Desk, one: dict[str, Any], result: str
) -> None:
    seen: list[dict[str, str]] = []

    def doing() -> None:
        seen.append(found(desk)["bucket events"])
        desk.type("run")

    played = desk.play(doing, bucket={"notifications": [one]})
    assert seen[0]["result"] == result
    assert played.first.error == ("AssociationFailed" if result == "trouble" else None)
    assert ("give runs another prefix" in seen[0]["to_do"]) == (result == "trouble")


def test_what_fsx_has_configured_itself_is_no_trouble_nor_what_goes_to_eventbridge(desk: Desk) -> None:
    answers = desk.account.calls.operations
    own = {"Id": "FSx", "QueueArn": "arn:aws:sqs:us-east-1:1:q", "Events": ["s3:ObjectCreated:*"]}
    answers["s3", "GetBucketNotificationConfiguration"] = lambda params: {
        "QueueConfigurations": [own], "EventBridgeConfiguration": {}
    }  # fmt: skip
    try:
        assert found(desk)["bucket events"]["result"] == "ok"
    finally:
        del answers["s3", "GetBucketNotificationConfiguration"]


SERVICES = [
    "logs.us-east-1.amazonaws.com",
    "delivery.logs.amazonaws.com",
    "events.amazonaws.com",
    "cloudwatch.amazonaws.com",
]


def key_statement(services: list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": {"Service": services}, "Action": "kms:*", "Resource": "*", **more}


@pytest.mark.parametrize(
    ("added", "result", "said"),
    [
        ([], "trouble", "cloudwatch.amazonaws.com (kms:Decrypt, kms:GenerateDataKey) for alarms that publish"),
        ([key_statement(SERVICES)], "ok", "admits the services that use it"),
        ([key_statement(SERVICES[:3])], "trouble", " does not admit cloudwatch.amazonaws.com (kms:Decrypt, "),
        (
            [key_statement(SERVICES[:3]), key_statement(SERVICES[3:], Action=["kms:GenerateDataKey*"])],
            "trouble",
            " does not admit cloudwatch.amazonaws.com (kms:Decrypt) for ",
        ),
        (
            [
                key_statement(SERVICES[1:]),
                key_statement(
                    SERVICES[:1],
                    Condition={
                        "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:*"}
                    },
                ),
            ],
            "ok",
            "admits the services that use it",
        ),
        (
            [key_statement(SERVICES, Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}})],
            "unknown",
            "depends on conditions of its policy",
        ),
        (
            [key_statement(SERVICES), key_statement([], Effect="Deny", Principal="*", Action="kms:Decrypt")],
            "trouble",
            "cloudwatch.amazonaws.com (kms:Decrypt)",
        ),
    ],
)  # fmt: skip
def test_a_key_that_does_not_admit_who_publishes_alarms_is_found(
    desk: Desk, added: list[dict[str, Any]], result: str, said: str
) -> None:
    kms, sns = desk.account.client("kms"), desk.account.client("sns")
    topic = {"TopicArn": desk.session.exports["notificationTopicArn"], "AttributeName": "KmsMasterKeyId"}
    with internally():
        key = kms.create_key()["KeyMetadata"]["Arn"]
        before = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        document = before | {"Statement": [*before["Statement"], *added]}
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))
    assert found(desk)["KMS key"] == {"check": "KMS key", "result": "ok", "words": "the stack has none of yours"} | {
        "to_do": ""
    }
    with internally():
        sns.set_topic_attributes(**topic, AttributeValue=key)
    try:
        seen = found(desk)["KMS key"]
        desk.account.calls.faults = [Fault(call="kms:GetKeyPolicy", error="AccessDeniedException", times=9)]
        unread = found(desk)["KMS key"]
    finally:
        desk.account.calls.disarm()
        with internally():
            sns.set_topic_attributes(**topic, AttributeValue="")
    assert (seen["result"], said in seen["words"]) == (result, True), seen
    assert ("alarms reach nobody" in seen["to_do"]) == (result == "trouble")
    assert unread["result"] == "unknown"


def test_a_quota_that_no_job_fits_is_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.account.quotas, "plan", QuotaPlan(vcpus=5))
    quota = found(desk)["vCPU quota"]
    assert quota["result"] == "trouble"
    assert "jobDefinitionVcpus: 32 exceeds the quota" in quota["words"]


def test_a_bucket_of_another_region_and_types_that_no_zone_has_are_found(desk: Desk) -> None:
    answers = desk.account.calls.operations
    answers["s3", "GetBucketLocation"] = lambda params: {"LocationConstraint": "eu-west-1"}
    answers["ec2", "DescribeInstanceTypeOfferings"] = lambda params: {"InstanceTypeOfferings": []}
    try:
        seen = found(desk)
    finally:
        del answers["s3", "GetBucketLocation"], answers["ec2", "DescribeInstanceTypeOfferings"]
    assert "is in eu-west-1, and FSx links buckets of its own region" in seen["bucket"]["words"]
    assert seen["instance types"]["result"] == "trouble"
    assert "not on offer: " in seen["instance types"]["words"]


def test_parameters_in_the_secret_that_a_run_would_refuse_are_found(desk: Desk) -> None:
    client, secret = desk.account.client("secretsmanager"), desk.session.exports["parametersSecretArn"]
    with internally():
        before = client.get_secret_value(SecretId=secret)["SecretString"]
        client.put_secret_value(SecretId=secret, SecretString='{"lustreStorageCapacity": 1000}')
    try:
        parameters = found(desk)["parameters"]
    finally:
        with internally():
            client.put_secret_value(SecretId=secret, SecretString=before)
    assert parameters["result"] == "trouble"
    assert parameters["words"].startswith("lustreStorageCapacity: 1000 is not ")


def test_a_check_that_is_not_allowed_is_no_trouble_and_without_credentials_there_is_one_alone(desk: Desk) -> None:
    desk.account.calls.faults = [Fault(call="sns:ListSubscriptionsByTopic", error="AuthorizationError", times=9)]
    try:
        assert found(desk)["notifications"]["result"] == "unknown"
        desk.account.calls.faults = [Fault(call="sts:GetCallerIdentity", error="ExpiredToken", times=9)]
        seen = found(desk)
    finally:
        desk.account.calls.disarm()
    assert list(seen) == ["credentials"]
    assert "sign in again" in seen["credentials"]["words"]
