"""The account as a whole: it comes back to a baseline, and its models can be told apart."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.plans import Plans
from tests.rehearsal.aws.world import World


def test_a_reset_brings_back_the_baseline_and_applies_every_plan(world: World) -> None:
    account = world.account
    world.scenario(job={"writes": [{"over": 60}], "runtime": 60}, faults=[{"call": "fsx:CreateFileSystem", "skip": 9}])
    file_system_id, job_id = world.running()
    account.clock.advance(1000)
    assert world.job(job_id)["status"] == "SUCCEEDED"
    template = world.environment()["computeResources"]["launchTemplate"]["launchTemplateId"]
    account.client("s3").put_object(Bucket="results-bucket", Key="a", Body=b"")

    account.reset(world.baseline, Plans.model_validate({"file_system": {"create": 5}}))

    assert account.clock.now() == world.baseline.at
    assert account.calls.faults == []
    assert account.client("fsx").describe_file_systems()["FileSystems"] == []
    assert account.client("batch").describe_jobs(jobs=[job_id])["jobs"] == []
    assert "launchTemplate" not in world.environment()["computeResources"]
    templates = account.client("ec2").describe_launch_templates()["LaunchTemplates"]
    assert template not in [one["LaunchTemplateId"] for one in templates]
    assert account.client("s3").list_objects_v2(Bucket="results-bucket")["KeyCount"] == 0
    created = world.file_system()["FileSystemId"]
    assert created == file_system_id, "identifiers are repeatable"
    account.clock.advance(6)
    assert account.client("fsx").describe_file_systems()["FileSystems"][0]["Lifecycle"] == "AVAILABLE"


def test_tags_of_batch_resources_are_changed_and_listed_by_arn(world: World) -> None:
    batch = world.account.client("batch")
    arn = world.environment()["computeEnvironmentArn"]
    batch.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
    batch.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}
    with pytest.raises(batch.exceptions.ClientException):
        batch.tag_resource(resourceArn=arn + "x", tags={"a": "1"})


def test_a_log_groups_key_can_be_changed_after_its_creation(account: Account) -> None:
    logs = account.client("logs")
    logs.create_log_group(logGroupName="group")

    def key() -> Any:
        return logs.describe_log_groups(logGroupNamePrefix="group")["logGroups"][0].get("kmsKeyId")

    logs.associate_kms_key(logGroupName="group", kmsKeyId="arn:aws:kms:us-east-1:123456789012:key/k")
    assert key() == "arn:aws:kms:us-east-1:123456789012:key/k"
    logs.disassociate_kms_key(logGroupName="group")
    assert key() is None
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.associate_kms_key(logGroupName="nobody", kmsKeyId="arn:aws:kms:us-east-1:123456789012:key/k")
