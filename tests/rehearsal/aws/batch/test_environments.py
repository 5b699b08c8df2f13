"""Compute environments and job queues are as strict as Batch."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.aws.world import World

WRITES = {"writes": [{"over": 3000, "files": 100}]}
RETRY_RECLAIMS = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]


def refused(words: str) -> Any:
    return pytest.raises(ClientError, match=rf"ClientException.*{words}")


def test_a_new_launch_template_is_an_update_that_takes_its_time(world: World) -> None:
    file_system_id, _ = world.linked()
    world.point(world.template(file_system_id))
    assert world.environment()["status"] == "UPDATING"
    world.account.clock.advance(119)
    assert world.environment()["status"] == "UPDATING"
    world.account.clock.advance(2)
    assert world.environment()["status"] == "VALID"
    assert world.environment()["computeResources"]["launchTemplate"]["version"] == "1"


def test_an_environment_that_is_updating_refuses_another_update(world: World) -> None:
    file_system_id, _ = world.linked()
    template = world.template(file_system_id)
    world.point(template)
    with refused("resource is being modified"):
        world.point(template)


def test_an_empty_id_drops_the_launch_template(world: World) -> None:
    file_system_id, _ = world.linked()
    world.point(world.template(file_system_id))
    world.account.clock.advance(121)
    world.account.client("batch").update_compute_environment(
        computeEnvironment="environment", computeResources={"launchTemplate": {"launchTemplateId": ""}}
    )
    world.account.clock.advance(121)
    assert "launchTemplate" not in world.environment()["computeResources"]


@pytest.mark.parametrize(
    ("text", "reason"), [("#!/bin/bash\n", "not MIME multipart"), ("MIME-Version: 1.0\nContent-Type: x\n", None)]
)
def test_user_data_that_is_not_mime_multipart_makes_the_environment_invalid(
    world: World, text: str, reason: str | None
) -> None:
    file_system_id, _ = world.linked()
    world.point(world.template(file_system_id, text))
    world.account.clock.advance(121)
    assert world.environment()["status"] == ("VALID" if reason is None else "INVALID")
    assert reason is None or reason in world.environment()["statusReason"]


def test_a_launch_template_that_does_not_exist_makes_the_environment_invalid(world: World) -> None:
    world.point("lt-0123456789abcdef0")
    world.account.clock.advance(121)
    assert world.environment()["status"] == "INVALID"


@pytest.mark.parametrize(
    "change",
    [
        {"allocationStrategy": "BEST_FIT"},
        {"minvCpus": 100},
        {"launchTemplate": {"launchTemplateId": "a", "launchTemplateName": "b"}},
    ],
)
def test_changes_that_batch_cannot_make_are_refused(world: World, change: dict[str, Any]) -> None:
    with refused(""):
        world.account.client("batch").update_compute_environment(
            computeEnvironment="environment", computeResources=change
        )


def test_a_custom_service_role_cannot_make_infrastructure_updates(world: World) -> None:
    with refused("service-linked role"):
        world.account.client("batch").update_compute_environment(
            computeEnvironment="environment",
            serviceRole="arn:aws:iam::123456789012:role/custom",
            computeResources={"launchTemplate": {"launchTemplateId": "lt-0123456789abcdef0"}},
        )


def test_an_environment_is_deleted_only_when_disabled_and_named_by_no_queue(world: World) -> None:
    batch, clock = world.account.client("batch"), world.account.clock
    with refused("must be disabled"):
        batch.delete_compute_environment(computeEnvironment="environment")
    batch.update_compute_environment(computeEnvironment="environment", state="DISABLED")
    clock.advance(10)
    with refused("JobQueue relationship"):
        batch.delete_compute_environment(computeEnvironment="environment")
    with refused("must be disabled"):
        batch.delete_job_queue(jobQueue="queue")
    batch.update_job_queue(jobQueue="queue", state="DISABLED")
    clock.advance(10)
    batch.delete_job_queue(jobQueue="queue")
    clock.advance(10)
    batch.delete_compute_environment(computeEnvironment="environment")
    clock.advance(10)
    assert batch.describe_compute_environments()["computeEnvironments"] == []


def test_an_environment_takes_its_instances_along(world: World) -> None:
    """Nothing says what becomes of a job then; as strict as can be, it ends with its instance."""
    world.scenario(job={"runtime": 7200, "writes": []})
    _, job = world.running()
    batch, clock = world.account.client("batch"), world.account.clock
    clock.advance(600)
    batch.create_compute_environment(
        computeEnvironmentName="another",
        type="MANAGED",
        computeResources=world.environment()["computeResources"],
    )
    clock.advance(10)
    order = [{"order": 1, "computeEnvironment": "another"}]
    batch.update_job_queue(jobQueue="queue", computeEnvironmentOrder=order)
    batch.update_compute_environment(computeEnvironment="environment", state="DISABLED")
    clock.advance(10)
    batch.delete_compute_environment(computeEnvironment="environment")
    clock.advance(10)
    (attempt,) = world.job(job)["attempts"]
    assert attempt["statusReason"].startswith("Host EC2")


def test_a_taken_name_is_refused(world: World) -> None:
    with refused("already exists"):
        world.account.client("batch").create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=[])


def test_a_running_job_holds_an_update_of_instances_open_and_is_given_as_long_as_the_policy_says(world: World) -> None:
    world.scenario(job={"runtime": 90_000, "writes": []})
    _, job = world.running()
    world.account.clock.advance(600)
    batch = world.account.client("batch")
    policy = {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 7200}
    batch.update_compute_environment(
        computeEnvironment="environment", computeResources={"maxvCpus": 256}, updatePolicy=policy
    )
    world.account.clock.advance(3)
    assert world.environment()["status"] == "VALID"
    assert world.environment()["updatePolicy"] == policy
    batch.update_compute_environment(computeEnvironment="environment", computeResources={"instanceTypes": ["c7i"]})
    world.account.clock.advance(3600)
    assert world.environment()["status"] == "UPDATING"
    assert world.job(job)["status"] == "RUNNING"
    world.account.clock.advance(90_000)
    assert world.job(job)["status"] == "SUCCEEDED"
    assert world.environment()["status"] == "VALID"


def test_an_update_has_to_name_a_resource_beside_its_policy(world: World) -> None:
    with refused("compute-resources .* is required"):
        world.account.client("batch").update_compute_environment(
            computeEnvironment="environment", updatePolicy={"jobExecutionTimeoutMinutes": 7200}
        )


def test_a_root_volume_smaller_than_its_image_makes_the_environment_invalid(world: World) -> None:
    devices = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}}]
    template = world.account.client("ec2").create_launch_template(
        LaunchTemplateName="small", LaunchTemplateData={"BlockDeviceMappings": devices}
    )
    world.point(template["LaunchTemplate"]["LaunchTemplateId"])
    world.account.clock.advance(121)
    assert world.environment()["status"] == "INVALID"
    assert "smaller than snapshot, expect size >= 30GB" in world.environment()["statusReason"]


@pytest.mark.parametrize(
    ("types", "words"), [(["c7i.gigantic"], "not c7i.gigantic"), (["optimal", "c7g"], "more than one architecture")]
)
def test_instance_types_that_batch_cannot_start_are_refused(world: World, types: list[str], words: str) -> None:
    with refused(words):
        world.account.client("batch").update_compute_environment(
            computeEnvironment="environment", computeResources={"instanceTypes": types}
        )
