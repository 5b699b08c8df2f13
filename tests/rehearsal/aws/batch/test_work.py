"""A real job: a process in virtual time, in a directory whose files arrive in the bucket byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.aws.batch import work as work_module
from rehearsal.aws.batch.job_plan import WritesPlan
from rehearsal.aws.batch.work import schedule
from tests.rehearsal.aws.world import World

SCRIPT = """
i=$(cat "$SCRATCH_DIR/count" 2>/dev/null || echo 0)
while [ "$i" -lt 4 ]; do
  echo "file $i" > "$SCRATCH_DIR/$i"
  i=$((i + 1)); echo "$i" > "$SCRATCH_DIR/count"
  rm -f "$SCRATCH_DIR/$((i - 2))"
  sleep 60
done
echo "$AWS_BATCH_JOB_ATTEMPT" > "$SCRATCH_DIR/done"
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "job.sh"
    path.write_text(SCRIPT)
    monkeypatch.setattr(work_module, "SAMPLE_JOB", path)
    return path


def objects(world: World) -> dict[str, bytes]:
    client = world.account.client("s3")
    keys = [entry["Key"] for entry in client.list_objects_v2(Bucket="results-bucket").get("Contents", [])]
    return {key: client.get_object(Bucket="results-bucket", Key=key)["Body"].read() for key in keys}


def export_all(world: World) -> None:
    world.account.clock.advance(60)
    world.account.associations.all[0].content.settle(world.account.clock.now())


def test_a_real_script_sleeps_in_virtual_time_and_its_files_are_exported(world: World, script: Path) -> None:
    _, job_id = world.running()
    world.account.clock.advance(181 + 245)
    assert world.job(job_id)["status"] == "SUCCEEDED"
    job = world.job(job_id)
    assert job["stoppedAt"] - job["startedAt"] == 240_000
    export_all(world)
    assert objects(world) == {"runs/3": b"file 3\n", "runs/count": b"4\n", "runs/done": b"1\n"}


def test_a_killed_script_resumes_on_what_it_left(world: World, script: Path) -> None:
    world.scenario(job={"interruptions": [130]})
    _, job_id = world.running(attempts=2)
    world.account.clock.advance(1000)
    job = world.job(job_id)
    assert (job["status"], len(job["attempts"])) == ("SUCCEEDED", 2)
    assert job["attempts"][1]["stoppedAt"] - job["attempts"][1]["startedAt"] == 60_000
    export_all(world)
    assert objects(world)["runs/done"] == b"2\n"


def test_a_script_that_fails_fails_the_job_with_its_exit_code(world: World, script: Path) -> None:
    script.write_text("echo half > $SCRATCH_DIR/half; sleep 10; exit 7\n")
    _, job_id = world.running()
    world.account.clock.advance(600)
    assert world.job(job_id)["status"] == "FAILED"
    assert world.job(job_id)["container"]["exitCode"] == 7


def test_a_terminated_script_may_clean_up(world: World, script: Path) -> None:
    script.write_text("trap 'echo bye > $SCRATCH_DIR/bye; exit 0' TERM\nwhile :; do sleep 30; done\n")
    _, job_id = world.running()
    world.account.clock.advance(300)
    world.account.client("batch").terminate_job(jobId=job_id, reason="enough")
    world.account.clock.advance(10)
    assert world.job(job_id)["status"] == "FAILED"
    export_all(world)
    assert objects(world) == {"runs/bye": b"bye\n"}


def test_an_object_that_differs_from_its_file_counts_as_lost(world: World, script: Path) -> None:
    file_system_id, _ = world.running()
    world.account.clock.advance(181 + 245)
    export_all(world)
    world.account.client("s3").put_object(Bucket="results-bucket", Key="runs/done", Body=b"tampered")
    world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    assert world.account.associations.all[0].content.lost()[0] == 1


def test_deleting_a_file_system_removes_its_directory(world: World, script: Path) -> None:
    file_system_id, _ = world.running()
    world.account.clock.advance(500)
    folder = world.account.file_systems.all[file_system_id].folder
    assert folder is not None
    assert folder.exists()
    world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    world.account.clock.advance(121)
    assert not folder.exists()


def test_planned_writes_are_spread_evenly_and_add_up() -> None:
    changes = schedule([WritesPlan(at=10, over=100, files=1001, bytes_each=1, deletes_previous=True)])
    assert sum(step.files for step in changes) == 1001
    assert changes[0][0] > 10
    assert changes[-1][0] == 110
    assert [step.previous for step in changes][:2] == [None, "#0:0"]


def test_a_burst_is_one_group() -> None:
    assert schedule([WritesPlan(at=5, files=1000)]) == [(5, "#0:0", 1000, 1_048_576, None, None)]


def test_renamed_files_lie_under_the_other_name_while_they_are_written() -> None:
    steps = schedule([WritesPlan(over=120, files=2, renames=True, deletes_previous=True)])
    assert [(step.offset, step.key, step.renamed_from, step.previous) for step in steps] == [
        (0, "#0:0.part", None, None),
        (60, "#0:0", "#0:0.part", None),
        (60, "#0:1.part", None, None),
        (120, "#0:1", "#0:1.part", "#0:0"),
    ]


def test_a_modelled_attempt_renames_and_leaves_nothing_stale_once_the_queue_is_empty(world: World) -> None:
    world.scenario(job={"runtime": 600, "writes": [{"over": 598, "files": 10, "renames": True}]})
    world.running()
    world.account.clock.advance(181 + 600)
    world.account.associations.settle(world.account.clock.now())
    content = world.account.associations.all[0].content
    assert content.stale() == 1, "the last old name is still in S3"
    world.account.clock.advance(60)
    world.account.associations.settle(world.account.clock.now())
    assert (content.lost()[0], content.stale()) == (0, 0)


RENAMING = """
echo one > "$SCRATCH_DIR/a.part"
sleep 60
mv "$SCRATCH_DIR/a.part" "$SCRATCH_DIR/a"
sleep 60
"""


def test_a_real_rename_is_seen_as_one(world: World, script: Path) -> None:
    script.write_text(RENAMING)
    world.running()
    world.account.clock.advance(181 + 50)
    world.account.associations.settle(world.account.clock.now())
    assert objects(world) == {"runs/a.part": b"one\n"}
    world.account.clock.advance(15)
    content = world.account.associations.all[0].content
    assert content.groups["a"].renamed
    assert content.to_export() == []
    export_all(world)
    assert objects(world) == {"runs/a": b"one\n"}
