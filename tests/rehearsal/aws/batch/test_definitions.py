"""Job definitions are as strict as Batch."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.aws.world import World

WRITES = {"writes": [{"over": 3000, "files": 100}]}
RETRY_RECLAIMS = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbCdEf"
ROLE = "arn:aws:iam::123456789012:role/execution"


def refused(words: str) -> Any:
    return pytest.raises(ClientError, match=rf"ClientException.*{words}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vcpus": 4, "memory": 2048}, "deprecated"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "4"}]}, "MEMORY"),
        ({"image": ""}, "image"),
        ({"mountPoints": [{"sourceVolume": "x", "containerPath": "/x"}]}, "unknown volume"),
        ({"environment": [{"name": "AWS_BATCH_X", "value": "1"}]}, "AWS_BATCH are reserved"),
        ({"environment": [{"name": "A=B", "value": "1"}]}, "not the name of a variable"),
        ({"environment": [{"name": "A", "value": "1"}] * 2}, "there twice"),
        ({"command": ["a\0b"]}, "zero byte"),
        ({"ulimits": [{"name": "files", "softLimit": 1, "hardLimit": 1}]}, "there is no files"),
        ({"ulimits": [{"name": "nofile", "softLimit": -1, "hardLimit": 1}]}, "of nofile, -1 is above 1"),
        ({"ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 1}] * 2}, "there twice"),
        ({"user": ""}, "user: it is empty"),
        ({"linuxParameters": {"sharedMemorySize": 0}}, "sharedMemorySize is positive"),
        ({"jobRoleArn": "job"}, "jobRoleArn: job is not the ARN of a role"),
        ({"secrets": [{"name": "A", "valueFrom": SECRET}]}, "need an executionRoleArn"),
        (
            {"secrets": [{"name": "A", "valueFrom": "mine"}], "executionRoleArn": ROLE},
            "mine is not the ARN",
        ),
        ({"secrets": [{"name": "A", "valueFrom": SECRET}] * 2, "executionRoleArn": ROLE}, "there twice"),
        (
            {"secrets": [{"name": "A", "valueFrom": SECRET}], "executionRoleArn": ROLE}
            | {"environment": [{"name": "A", "value": "1"}]},
            "that of a variable in environment",
        ),
        ({"command": ["x" * 24_500]}, "at most 24576 bytes"),
    ],
)
def test_a_definition_that_batch_would_not_take_is_refused(world: World, change: dict[str, Any], words: str) -> None:
    needs = [{"type": "VCPU", "value": "4"}, {"type": "MEMORY", "value": "2048"}]
    properties = {"image": "image", "resourceRequirements": needs, **change}
    with refused(words):
        world.account.client("batch").register_job_definition(
            jobDefinitionName="work", type="container", containerProperties=properties
        )


def test_a_deregistered_revision_takes_no_jobs_and_its_number_is_not_used_again(world: World) -> None:
    batch = world.account.client("batch")
    world.submit()
    batch.deregister_job_definition(jobDefinition="work:1")
    with refused("not active"):
        batch.submit_job(jobName="work", jobQueue="queue", jobDefinition="work:1")
    world.submit()
    found = batch.describe_job_definitions(jobDefinitionName="work", status="ACTIVE")["jobDefinitions"]
    assert [one["revision"] for one in found] == [2]
