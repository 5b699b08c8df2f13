"""Environments, definitions and jobs are as strict as Batch."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

World = Any  # the fixture's type, in conftest.py

WRITES = {"writes": [{"over": 3000, "files": 100}]}
RETRY_RECLAIMS = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]


def refused(words: str) -> Any:
    return pytest.raises(ClientError, match=rf"ClientException.*{words}")


# --- compute environments and queues


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


def test_a_taken_name_is_refused(world: World) -> None:
    with refused("already exists"):
        world.account.client("batch").create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=[])


# --- job definitions


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vcpus": 4, "memory": 2048}, "deprecated"),
        ({"resourceRequirements": [{"type": "VCPU", "value": "4"}]}, "MEMORY"),
        ({"image": ""}, "image"),
        ({"mountPoints": [{"sourceVolume": "x", "containerPath": "/x"}]}, "unknown volume"),
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


# --- jobs


def test_a_job_runs_through_its_states(world: World) -> None:
    world.scenario(job=WRITES)
    _, job_id = world.running()
    seen = []
    for seconds in (0, 2, 160, 30, 3600):
        world.account.clock.advance(seconds)
        seen.append(world.job(job_id)["status"])
    assert seen == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    job = world.job(job_id)
    assert job["stoppedAt"] - job["startedAt"] == 3_600_000
    assert job["attempts"][0]["container"]["exitCode"] == 0


def test_a_reclaimed_attempt_is_tried_again_with_the_same_files_in_a_new_version(world: World) -> None:
    world.scenario(job={**WRITES, "interruptions": [600]})
    _, job_id = world.running(attempts=3, evaluateOnExit=RETRY_RECLAIMS)
    world.account.clock.advance(6000)
    job = world.job(job_id)
    assert job["status"] == "SUCCEEDED"
    assert job["attempts"][0]["statusReason"].startswith("Host EC2 (instance i-")
    assert "exitCode" not in job["attempts"][0]["container"]
    groups = world.account.associations.all[0].content.groups
    assert [groups["#0:0"].version, groups["#0:99"].version] == [2, 1]


def test_an_application_error_is_not_tried_again(world: World) -> None:
    world.scenario(job={**WRITES, "outcome": "FAILED", "exit_code": 3})
    _, job_id = world.running(attempts=3, evaluateOnExit=RETRY_RECLAIMS)
    world.account.clock.advance(6000)
    job = world.job(job_id)
    assert (job["status"], len(job["attempts"])) == ("FAILED", 1)
    assert job["container"]["exitCode"] == 3


def test_the_last_attempt_is_the_last_even_when_it_was_reclaimed(world: World) -> None:
    world.scenario(job={**WRITES, "interruptions": [600, 600]})
    _, job_id = world.running(attempts=2, evaluateOnExit=RETRY_RECLAIMS)
    world.account.clock.advance(6000)
    job = world.job(job_id)
    assert (job["status"], len(job["attempts"])) == ("FAILED", 2)
    assert job["statusReason"].startswith("Host EC2")


def test_a_job_that_needs_too_much_stays_runnable_and_says_why(world: World) -> None:
    world.scenario(job=WRITES)
    _, _ = world.running()
    job_id = world.submit(vcpus=128)
    world.account.clock.advance(86_400)
    job = world.job(job_id)
    assert job["status"] == "RUNNABLE"
    assert job["statusReason"].startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")


def test_a_job_waits_for_the_environment_to_become_valid(world: World) -> None:
    world.scenario(job=WRITES)
    file_system_id, _ = world.linked()
    world.point(world.template(file_system_id))
    job_id = world.submit()
    world.account.clock.advance(60)
    assert world.job(job_id)["statusReason"].startswith("MISCONFIGURATION")
    world.account.clock.advance(61 + 181)
    assert world.job(job_id)["status"] == "RUNNING"


def test_a_deleted_launch_template_shows_at_the_next_scale_out(world: World) -> None:
    world.scenario(job=WRITES)
    file_system_id, _ = world.linked()
    template = world.template(file_system_id)
    world.point(template)
    world.account.clock.advance(121)
    world.account.client("ec2").delete_launch_template(LaunchTemplateId=template)
    assert world.environment()["status"] == "VALID"
    job_id = world.submit()
    world.account.clock.advance(600)
    assert world.environment()["status"] == "INVALID"
    assert world.job(job_id)["status"] == "RUNNABLE"


def test_an_instance_that_cannot_mount_never_runs_the_job(world: World) -> None:
    world.scenario(job=WRITES)
    file_system_id, _ = world.linked()
    text = f"MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nmount {file_system_id}@tcp:/wrong\n"
    world.point(world.template(file_system_id, text))
    world.account.clock.advance(121)
    job_id = world.submit()
    world.account.clock.advance(7200)
    assert world.job(job_id)["status"] == "RUNNABLE"


def test_without_a_launch_template_the_writes_are_lost_on_a_local_disk(world: World) -> None:
    world.scenario(job=WRITES)
    world.linked()
    job_id = world.submit()
    world.account.clock.advance(6000)
    assert world.job(job_id)["status"] == "SUCCEEDED"
    assert sum(content.lost()[0] for content in world.account.jobs.all[job_id].unmounted) == 100


def test_a_running_job_is_terminated_a_few_seconds_later_and_not_tried_again(world: World) -> None:
    world.scenario(job=WRITES)
    _, job_id = world.running(attempts=5)
    world.account.clock.advance(600)
    world.account.client("batch").terminate_job(jobId=job_id, reason="enough")
    assert world.job(job_id)["status"] == "RUNNING"
    world.account.clock.advance(10)
    job = world.job(job_id)
    assert (job["status"], job["statusReason"], len(job["attempts"])) == ("FAILED", "enough", 1)


def test_a_job_that_has_not_started_is_cancelled_at_once(world: World) -> None:
    world.scenario(job=WRITES)
    _, job_id = world.running()
    world.account.clock.advance(10)
    world.account.client("batch").cancel_job(jobId=job_id, reason="enough")
    assert world.job(job_id)["status"] == "FAILED"
    world.account.clock.advance(600)
    assert world.job(job_id)["status"] == "FAILED"


def test_jobs_are_listed_by_name_in_any_state_or_by_state(world: World) -> None:
    world.scenario(job=WRITES)
    batch = world.account.client("batch")
    _, job_id = world.running()
    by_name = batch.list_jobs(jobQueue="queue", filters=[{"name": "JOB_NAME", "values": ["wo*"]}])
    assert [job["jobId"] for job in by_name["jobSummaryList"]] == [job_id]
    assert batch.list_jobs(jobQueue="queue")["jobSummaryList"] == [], "RUNNING unless said otherwise"
    world.account.clock.advance(300)
    assert len(batch.list_jobs(jobQueue="queue", jobStatus="RUNNING")["jobSummaryList"]) == 1


def test_an_update_takes_the_instances_from_under_a_running_job_after_half_an_hour(world: World) -> None:
    world.scenario(job={**WRITES, "runtime": 7200})
    _, job_id = world.running(attempts=5, evaluateOnExit=RETRY_RECLAIMS)
    world.account.clock.advance(600)
    world.account.client("batch").update_compute_environment(
        computeEnvironment="environment", computeResources={"launchTemplate": {"launchTemplateId": ""}}
    )
    world.account.clock.advance(1799)
    assert world.job(job_id)["attempts"] == []
    world.account.clock.advance(2)
    assert world.job(job_id)["attempts"][0]["statusReason"].startswith("Host EC2")
