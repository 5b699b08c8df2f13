"""`doctor`: each check finds nothing where nothing is wrong, and says what to do where something is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from lustre_batch.operate import doctor

from rehearsal.aws.calls import Fault, internally
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
