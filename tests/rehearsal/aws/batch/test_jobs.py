"""Jobs and their attempts are as strict as Batch."""

from __future__ import annotations

import pytest

from rehearsal.play.scenario import ScenarioError
from tests.rehearsal.aws.world import USER_DATA, World

WRITES = {"writes": [{"over": 3000, "files": 100}]}
RETRY_RECLAIMS = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]


def test_a_job_runs_through_its_states(world: World) -> None:
    world.scenario(job=WRITES)
    _, job_id = world.running()
    seen = []
    for seconds in (0, 2, 160, 30, 3600):
        world.account.clock.advance(seconds)
        seen.append(world.job(job_id)["status"])
    assert seen == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    job = world.job(job_id)
    assert job["stoppedAt"] - job["startedAt"] == pytest.approx(3_600_000, abs=100), "next to nothing waits for export"
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
    assert [groups["/0:0"].version, groups["/0:99"].version] == [2, 1]


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


def test_a_job_that_is_cancelled_while_it_starts_still_names_its_task(world: World) -> None:
    """SDK ContainerDetail, taskArn: received at STARTING, when a container may run (Batch guide, job states)."""
    world.scenario(job=WRITES)
    _, job_id = world.running()
    world.account.clock.advance(100)
    assert "taskArn" not in world.job(job_id)["container"]
    world.account.clock.advance(60)
    assert world.job(job_id)["status"] == "STARTING"
    world.account.client("batch").terminate_job(jobId=job_id, reason="enough")
    world.account.clock.advance(60)
    ended = world.job(job_id)
    assert (ended["status"], ended.get("startedAt"), ended["attempts"]) == ("FAILED", None, [])
    assert ended["container"]["taskArn"].startswith("arn:aws:ecs:")


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


RETRY_STARTS = [
    {"onReason": "CannotPullContainerError*", "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"},
]
STARTS = [{"onStatusReason": "Task failed to start*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]


@pytest.mark.parametrize("evaluate", [RETRY_STARTS, STARTS])
def test_a_container_that_does_not_start_is_tried_again_when_the_strategy_says_so(
    world: World, evaluate: list[dict[str, str]]
) -> None:
    reason = "CannotPullContainerError: the registry did not answer"
    world.scenario(job={**WRITES, "fails_to_start": {"times": 2, "reason": reason}})
    _, job_id = world.running(attempts=3, evaluateOnExit=evaluate)
    world.account.clock.advance(200)
    job = world.job(job_id)
    attempt = job["attempts"][0]
    assert (attempt["statusReason"], attempt["container"]["reason"]) == ("Task failed to start", reason)
    assert "startedAt" not in attempt
    assert "startedAt" not in job
    assert job["status"] == "RUNNABLE"
    world.account.clock.advance(6000)
    job = world.job(job_id)
    assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 3)


def test_a_start_that_fails_for_another_reason_is_the_end(world: World) -> None:
    world.scenario(job={**WRITES, "fails_to_start": {"reason": "ResourceInitializationError: no disk"}})
    _, job_id = world.running(attempts=3, evaluateOnExit=RETRY_STARTS)
    world.account.clock.advance(300)
    job = world.job(job_id)
    assert (job["status"], job["statusReason"], len(job["attempts"])) == ("FAILED", "Task failed to start", 1)
    assert job["container"]["reason"].startswith("ResourceInitializationError")
    assert "exitCode" not in job["container"]


def test_a_job_names_its_log_stream_from_the_start_and_its_exit_code_at_the_end(world: World) -> None:
    world.scenario(job={**WRITES, "outcome": "FAILED", "exit_code": 137})
    _, job_id = world.running()
    world.account.clock.advance(300)
    stream = world.job(job_id)["container"]["logStreamName"]
    assert stream.startswith("work/default/")
    world.account.clock.advance(6000)
    container = world.job(job_id)["container"]
    assert (container["logStreamName"], container["exitCode"]) == (stream, 137)
    assert container["reason"].startswith("OutOfMemoryError")


def test_a_job_whose_instances_cannot_mount_never_runs(world: World) -> None:
    world.scenario(job={**WRITES, "mounts": False})
    _, job_id = world.running()
    world.account.clock.advance(86_400)
    assert world.job(job_id)["status"] == "RUNNABLE"


def test_a_failure_with_the_exit_code_of_a_success_is_refused(world: World) -> None:
    with pytest.raises(ScenarioError) as caught:
        world.scenario(job={"outcome": "FAILED", "exit_code": 0})
    assert str(caught.value) == (
        "test: job.exit_code: 0: a job with the outcome FAILED ends with another exit code than 0"
    )


@pytest.mark.parametrize(
    ("instance_types", "vcpus", "memory", "status"),
    [
        (["c7i.large"], 4, 2000, "RUNNABLE"),
        (["optimal"], 256, 30_000, "RUNNABLE"),
        (["m7i.2xlarge"], 8, 32_000, "RUNNABLE"),  # Batch guide, memory management: less registers than is installed.
        (["m7i.2xlarge"], 8, 30_000, "SUCCEEDED"),
    ],
)
def test_a_job_that_fits_no_instance_type_stays_runnable_with_batchs_reason(
    world: World, instance_types: list[str], vcpus: int, memory: int, status: str
) -> None:
    world.account.client("batch").update_compute_environment(
        computeEnvironment="environment", computeResources={"instanceTypes": instance_types, "maxvCpus": 512}
    )
    world.account.clock.advance(121)
    _, job = world.running(vcpus=vcpus, memory=memory)
    world.account.clock.advance(3600 * 5)
    assert world.job(job)["status"] == status
    reason = world.job(job).get("statusReason", "")
    assert reason.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT") == (status == "RUNNABLE")


def test_an_instance_that_booted_from_another_template_is_replaced_before_the_job_runs_on_it(world: World) -> None:
    world.scenario(job=WRITES)
    first, job_id = world.running()
    second = world.file_system()["FileSystemId"]
    world.account.clock.advance(30)  # the instance for the job boots
    world.account.file_systems.all[second].lifecycle = "AVAILABLE"
    world.point(world.template(second))
    world.account.clock.advance(1000)
    assert world.job(job_id)["status"] == "RUNNING"
    [(at, host)] = world.account.jobs.all[job_id].hosts
    assert host.file_system is world.account.file_systems.all[second]
    assert at > world.account.jobs.all[job_id].created + 180 + 120  # the update, and another boot
    assert first != second


def test_what_is_mounted_is_what_the_user_data_names_whatever_its_comments_say(world: World) -> None:
    world.scenario(job=WRITES)
    file_system_id, _ = world.linked()
    other = world.file_system()["FileSystemId"]
    mount = world.account.file_systems.all[file_system_id].mount_name
    dns = f"{file_system_id}.fsx.us-east-1.amazonaws.com"
    text = USER_DATA.replace("mount -t", f"# not {other}\nmount -t").format(dns=dns, mount=mount)
    world.point(world.template(file_system_id, text))
    world.account.clock.advance(121)
    job_id = world.submit()
    world.account.clock.advance(400)
    [(_, host)] = world.account.jobs.all[job_id].hosts
    assert host.file_system is world.account.file_systems.all[file_system_id]
