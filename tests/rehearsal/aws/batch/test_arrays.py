"""Array jobs are as strict as Batch: a parent that runs nothing, children with attempts, instances and paths of their
own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.batch import work as work_module
from rehearsal.play.scenario import ScenarioError
from tests.rehearsal.aws.world import World

WRITES = {"runtime": 600, "writes": [{"over": 600, "files": 10}]}
RETRY_RECLAIMS = [{"onStatusReason": "Host EC2*", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}]


def listed(world: World, parent: str, **asked: Any) -> list[str]:
    """The indexes of the children on one page."""
    page = world.account.client("batch").list_jobs(arrayJobId=parent, **asked)
    return [child["jobId"].removeprefix(f"{parent}:") for child in page["jobSummaryList"]]


def summary(world: World, parent: str) -> dict[str, int]:
    counts = world.job(parent)["arrayProperties"]["statusSummary"]
    return {status: count for status, count in counts.items() if count}


def test_a_parent_is_pending_while_its_children_run_and_ends_after_the_last_of_them(world: World) -> None:
    """Batch guide, array jobs: it can be SUBMITTED, PENDING, FAILED or SUCCEEDED."""
    world.scenario(job=WRITES)
    _, parent = world.running(array_size=3)
    seen = []
    for seconds in (0, 2, 160, 30, 500, 89.5, 1, 1):
        world.account.clock.advance(seconds)
        seen.append(world.job(parent)["status"])
    assert seen == ["SUBMITTED", *["PENDING"] * 6, "SUCCEEDED"]
    children = [world.job(f"{parent}:{index}") for index in range(3)]
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 3
    assert [child["arrayProperties"] for child in children] == [{"index": index} for index in range(3)]
    assert [len(child["attempts"]) for child in children] == [1, 1, 1]


def test_a_parent_tells_how_many_children_are_in_which_status_a_little_late(world: World) -> None:
    world.scenario(job=WRITES)
    _, parent = world.running(array_size=3)
    assert (world.job(parent)["arrayProperties"]["size"], summary(world, parent)) == (3, {})
    world.account.clock.advance(2)
    assert summary(world, parent) == {"RUNNABLE": 3}
    world.account.clock.advance(200)
    assert summary(world, parent) == {"RUNNING": 3}
    world.account.clock.advance(585)
    assert (world.job(parent)["status"], summary(world, parent)) == ("SUCCEEDED", {"RUNNING": 3})
    world.account.clock.advance(10)
    assert summary(world, parent) == {"SUCCEEDED": 3}


def test_a_parent_has_no_moments_of_its_own_and_a_child_no_start(world: World) -> None:
    """The SDK gives a start to neither; what the end of a parent, which never runs, would be, nobody says."""
    world.scenario(job=WRITES)
    _, parent = world.running(array_size=2)
    world.account.clock.advance(2000)
    assert {"startedAt", "stoppedAt"} & set(world.job(parent)) == set()
    child = world.job(f"{parent}:1")
    assert "startedAt" not in child
    assert child["stoppedAt"] == child["attempts"][0]["stoppedAt"]


def test_one_failed_child_fails_the_parent_and_leaves_the_others_alone(world: World) -> None:
    world.scenario(
        job={**WRITES, "outcome": "FAILED", "exit_code": 3, "only_children": [1]}, set={"jobDefinitionArraySize": 3}
    )
    _, parent = world.running(array_size=3)
    world.account.clock.advance(2000)
    job = world.job(parent)
    assert (job["status"], job["statusReason"], summary(world, parent)) == (
        "FAILED",
        "Array Child Job failed",
        {"FAILED": 1, "SUCCEEDED": 2},
    )
    assert listed(world, parent, jobStatus="FAILED") == ["1"]
    assert world.job(f"{parent}:1")["container"]["exitCode"] == 3


def test_each_child_has_attempts_of_its_own(world: World) -> None:
    world.scenario(job={**WRITES, "interruptions": [100, 100], "only_children": [0]}, set={"jobDefinitionArraySize": 2})
    _, parent = world.running(array_size=2, attempts=2, evaluateOnExit=RETRY_RECLAIMS)
    world.account.clock.advance(4000)
    assert [len(world.job(f"{parent}:{index}")["attempts"]) for index in range(2)] == [2, 1]
    assert world.job(parent)["status"] == "FAILED"


def test_only_as_many_children_run_at_once_as_there_are_vcpus_and_the_others_take_their_instances(
    world: World,
) -> None:
    world.scenario(job=WRITES)
    _, parent = world.running(vcpus=24, array_size=5)  # of 64
    world.account.clock.advance(200)
    assert summary(world, parent) == {"RUNNING": 2, "RUNNABLE": 3}
    world.account.clock.advance(620)
    assert summary(world, parent) == {"SUCCEEDED": 2, "RUNNING": 2, "RUNNABLE": 1}
    world.account.clock.advance(2000)
    assert world.job(parent)["status"] == "SUCCEEDED"
    starts = [world.job(f"{parent}:{index}")["attempts"][0]["startedAt"] for index in range(5)]
    assert [round((start - starts[0]) / 1000) for start in starts] == [0, 0, 630, 630, 1260]
    instances = list(world.account.instances.all.values())
    assert len(instances) == 2
    assert all(instance.ended is not None for instance in instances)


def test_a_reclaimed_instance_is_nobodys_and_its_child_waits_behind_the_others(world: World) -> None:
    world.scenario(job={**WRITES, "interruptions": [100], "only_children": [0]}, set={"jobDefinitionArraySize": 2})
    _, parent = world.running(vcpus=48, array_size=2, attempts=2, evaluateOnExit=RETRY_RECLAIMS)
    world.account.clock.advance(4000)
    first, second = (world.job(f"{parent}:{index}") for index in range(2))
    assert first["attempts"][0]["stoppedAt"] + 180_000 == second["attempts"][0]["startedAt"]
    assert second["attempts"][0]["stoppedAt"] + 30_000 == first["attempts"][1]["startedAt"]
    assert world.job(parent)["status"] == "SUCCEEDED"


def test_terminating_a_parent_terminates_every_child_and_it_ends_after_them(world: World) -> None:
    world.scenario(job=WRITES)
    _, parent = world.running(vcpus=48, array_size=3)
    world.account.clock.advance(300)
    world.account.client("batch").terminate_job(jobId=parent, reason="enough")
    assert [world.job(f"{parent}:{index}")["status"] for index in range(3)] == ["RUNNING", "FAILED", "FAILED"]
    world.account.clock.advance(6)
    assert (world.job(f"{parent}:0")["status"], world.job(parent)["status"]) == ("FAILED", "PENDING")
    world.account.clock.advance(2)
    assert (world.job(parent)["status"], world.job(parent)["statusReason"]) == ("FAILED", "enough")
    world.account.clock.advance(1000)
    assert all(instance.ended is not None for instance in world.account.instances.all.values())
    assert len(world.account.instances.all) == 1


def test_cancelling_a_parent_lets_those_go_on_that_have_started(world: World) -> None:
    world.scenario(job=WRITES)
    _, parent = world.running(vcpus=48, array_size=2)
    world.account.clock.advance(300)
    world.account.client("batch").cancel_job(jobId=parent, reason="enough")
    assert [world.job(f"{parent}:{index}")["status"] for index in range(2)] == ["RUNNING", "FAILED"]
    world.account.clock.advance(1000)
    assert [world.job(one)["status"] for one in (f"{parent}:0", parent)] == ["SUCCEEDED", "FAILED"]


def test_a_parent_that_is_terminated_before_it_has_children_has_none(world: World) -> None:
    world.scenario(job=WRITES)
    _, parent = world.running(array_size=2)
    world.account.client("batch").terminate_job(jobId=parent, reason="enough")
    world.account.clock.advance(1000)
    assert (world.job(parent)["status"], summary(world, parent), listed(world, parent)) == ("FAILED", {}, [])


def test_children_are_listed_by_status_page_by_page_and_in_no_order_to_rely_on(world: World) -> None:
    world.scenario(job=WRITES)
    _, parent = world.running(vcpus=1, array_size=70)
    world.account.clock.advance(200)
    assert len(listed(world, parent)) == 64, "RUNNING unless said otherwise"
    assert listed(world, parent, jobStatus="RUNNABLE") == ["69", "68", "67", "66", "65", "64"]
    batch = world.account.client("batch")
    found: list[str] = []
    token: dict[str, str] = {}
    for _ in range(3):
        page = batch.list_jobs(arrayJobId=parent, jobStatus="RUNNING", maxResults=30, **token)
        found += [child["jobId"] for child in page["jobSummaryList"]]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    assert (len(set(found)), token) == (64, {})
    by_name = batch.list_jobs(jobQueue="queue", filters=[{"name": "JOB_NAME", "values": ["work"]}])
    assert [job["jobId"] for job in by_name["jobSummaryList"]] == [parent]
    with pytest.raises(ClientError, match="Exactly one"):
        batch.list_jobs(arrayJobId=parent, jobQueue="queue")


@pytest.mark.parametrize("size", [1, 10_001])
def test_an_array_has_from_two_to_ten_thousand_children(world: World, size: int) -> None:
    world.linked()
    with pytest.raises(ClientError, match="Array size is from 2 to 10000"):
        world.submit(array_size=size)


def test_each_child_writes_files_of_its_own_in_the_order_of_time(world: World) -> None:
    world.scenario(job=WRITES)
    world.running(array_size=3)
    world.account.clock.advance(181 + 600 + 60)
    world.account.associations.settle(world.account.clock.now())
    content = world.account.associations.all[0].content
    assert Counter(key.split("/")[1] for key in content.groups) == {"0": 10, "1": 10, "2": 10}
    written = [group.written_at for group in content.groups.values()]
    assert written == sorted(written)
    assert content.lost()[0] == 0


def test_children_that_together_fill_the_file_system_fail_when_it_is_full(world: World) -> None:
    gib = 1024**3
    world.scenario(job={"runtime": 1000, "writes": [{"over": 1000, "files": 100, "bytes_each": 5 * gib}]})
    _, parent = world.running(array_size=3)
    world.account.clock.advance(1500)
    ended = [world.job(f"{parent}:{index}") for index in range(3)]
    assert {child["status"] for child in ended} == {"FAILED"}
    assert all("No space left on device" in child["container"]["reason"] for child in ended)


def test_what_only_some_children_do_is_said_of_an_array_alone(world: World) -> None:
    with pytest.raises(ScenarioError) as caught:
        world.scenario(job={**WRITES, "only_children": [0]})
    assert str(caught.value) == "test: job.only_children: [0]: the job is no array (jobDefinitionArraySize)"
    with pytest.raises(ScenarioError) as caught:
        world.scenario(job={**WRITES, "only_children": [1, 2]}, set={"jobDefinitionArraySize": 2})
    assert str(caught.value) == (
        "test: job.only_children: [1, 2]: an array of 2 has the children 0 to 1 (jobDefinitionArraySize)"
    )


SCRIPT = """
echo "$AWS_BATCH_JOB_ARRAY_INDEX of $AWS_BATCH_JOB_ARRAY_SIZE, attempt $AWS_BATCH_JOB_ATTEMPT" \\
    >> "$SCRATCH_DIR/$AWS_BATCH_JOB_ARRAY_INDEX"
sleep $((60 + 10 * AWS_BATCH_JOB_ARRAY_INDEX))
echo "$AWS_BATCH_JOB_ID" > "$SCRATCH_DIR/id-$AWS_BATCH_JOB_ARRAY_INDEX"
"""


def test_real_children_know_their_index_the_arrays_size_and_their_attempt(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch guide, job environment variables."""
    path = tmp_path / "job.sh"
    path.write_text(SCRIPT)
    monkeypatch.setattr(work_module, "SAMPLE_JOB", path)
    world.scenario(job={"interruptions": [30], "only_children": [1]}, set={"jobDefinitionArraySize": 3})
    _, parent = world.running(array_size=3, attempts=2)
    world.account.clock.advance(1000)
    assert world.job(parent)["status"] == "SUCCEEDED"
    world.account.associations.settle(world.account.clock.now())
    client = world.account.client("s3")
    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="results-bucket")["Contents"]]
    read = {key: client.get_object(Bucket="results-bucket", Key=key)["Body"].read().decode() for key in keys}
    assert read == {
        "runs/0": "0 of 3, attempt 1\n",
        "runs/1": "1 of 3, attempt 1\n1 of 3, attempt 2\n",
        "runs/2": "2 of 3, attempt 1\n",
        **{f"runs/id-{index}": f"{parent}:{index}\n" for index in range(3)},
    }
