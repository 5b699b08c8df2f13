"""A real job: a process in virtual time, in a directory whose files arrive in the bucket byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.aws.batch import work as work_module
from rehearsal.aws.batch.job_plan import WritesPlan
from rehearsal.aws.batch.work import schedule, writing_seconds
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
    assert [step.previous for step in changes][:2] == [None, "/0:0"]


def test_a_burst_is_one_group() -> None:
    assert schedule([WritesPlan(at=5, files=1000)]) == [(5, "/0:0", 1000, 1_048_576, None, None)]


def test_renamed_files_lie_under_the_other_name_while_they_are_written() -> None:
    steps = schedule([WritesPlan(over=120, files=2, renames=True, deletes_previous=True)])
    assert [(step.offset, step.key, step.renamed_from, step.previous) for step in steps] == [
        (0, "/0:0.part", None, None),
        (60, "/0:0", "/0:0.part", None),
        (60, "/0:1.part", None, None),
        (120, "/0:1", "/0:1.part", "/0:0"),
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


def lost(world: World, file_system_id: str) -> tuple[int, int]:
    """What is lost and what is stale once the file system is deleted."""
    world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    content = world.account.associations.all[0].content
    return content.lost()[0], content.stale()


EVERY_KIND = """
cd "$SCRATCH_DIR"
mkdir -p empty 'a directory/below'
echo one > 'a directory/file'; ln 'a directory/file' 'a directory/hard link'
ln -s nowhere dangling; ln -s 'a directory' link
mkfifo pipe
printf x > '#0:0'; printf y > 0.part; printf z > -rf; printf n > "$(printf 'a\nb')"
sleep 60
"""


def test_every_kind_of_entry_is_an_object_as_fsx_makes_it_whatever_its_name(world: World, script: Path) -> None:
    script.write_text(EVERY_KIND)
    file_system_id, _ = world.running()
    world.account.clock.advance(181 + 60)
    export_all(world)
    assert objects(world) == {
        "runs/empty/": b"",
        "runs/a directory/": b"",
        "runs/a directory/below/": b"",
        "runs/a directory/file": b"one\n",
        "runs/a directory/hard link": b"one\n",
        "runs/dangling": b"nowhere",
        "runs/link": b"a directory",
        "runs/#0:0": b"x",
        "runs/0.part": b"y",
        "runs/-rf": b"z",
        "runs/a\nb": b"n",
    }
    s3 = world.account.client("s3")
    described = s3.head_object(Bucket="results-bucket", Key="runs/link")["Metadata"]
    assert (described["file-permissions"], described["user-agent"]) == ("0120777", "aws-fsx-lustre")
    for key in ("runs/empty/", "runs/dangling", "runs/#0:0"):
        s3.delete_object(Bucket="results-bucket", Key=key)
    assert lost(world, file_system_id) == (3, 0)


RENAMES_A_DIRECTORY = """
cd "$SCRATCH_DIR"
mkdir old; echo 1 > old/one; ln old/one old/two; ln -s one old/link
sleep 60
mv old new
sleep 60
rm -r new/one
"""


def test_a_renamed_directory_takes_all_of_its_objects_along(world: World, script: Path) -> None:
    script.write_text(RENAMES_A_DIRECTORY)
    file_system_id, _ = world.running()
    world.account.clock.advance(181 + 60 + 30)
    content = world.account.associations.all[0].content
    content.settle(world.account.clock.now())
    assert set(objects(world)) == {"runs/new/", "runs/new/one", "runs/new/two", "runs/new/link"}
    assert content.groups["new/one"].renamed
    world.account.clock.advance(32)
    assert set(objects(world)) >= {"runs/new/one"}, "its removal is still on its way"
    assert lost(world, file_system_id) == (0, 1)


REFUSED = """
cd "$SCRATCH_DIR"
long=$(printf '%0210d' 0)
mkdir -p $long/$long/$long/$long/$long
echo far > $long/$long/$long/$long/$long/file
printf bytes > "$(printf '\\377')"
echo near > file
"""


def test_names_that_s3_cannot_hold_are_refused_and_logged_and_nothing_else_is(world: World, script: Path) -> None:
    script.write_text(REFUSED)
    world.account.client("logs").create_log_group(logGroupName="/aws/fsx/events")
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/fsx/events:*"
    logged = {"DeploymentType": "SCRATCH_2", "LogConfiguration": {"Level": "WARN_ERROR", "Destination": arn}}
    identifier = world.file_system(LustreConfiguration=logged)["FileSystemId"]
    world.account.clock.advance(421)
    world.link(identifier)
    world.account.clock.advance(61)
    world.point(world.template(identifier))
    world.account.clock.advance(121)
    world.submit()
    world.account.clock.advance(400)
    export_all(world)
    assert objects(world)["runs/file"] == b"near\n"
    assert max(map(len, objects(world))) <= 1024
    events = world.account.client("logs").filter_log_events(logGroupName="/aws/fsx/events")["events"]
    codes = sorted(event["message"].split(":")[0] for event in events)
    # The fifth directory, the file in it, and the name that is not UTF-8.
    assert codes == ["ERROR S3ExportInternalError", *["ERROR S3ExportPathSizeTooLong"] * 2]
    assert lost(world, identifier) == (3, 0)


def test_large_files_are_compared_and_not_read(world: World, script: Path) -> None:
    script.write_text('truncate -s 50G "$SCRATCH_DIR/sparse"; printf end >> "$SCRATCH_DIR/sparse"; sleep 60\n')
    file_system_id, _ = world.running()
    world.account.clock.advance(181 + 3600)
    export_all(world)
    head = world.account.client("s3").head_object(Bucket="results-bucket", Key="runs/sparse")
    assert head["ContentLength"] == 50 * 1024**3 + 3
    file_system = world.account.file_systems.all[file_system_id]
    assert round(file_system.space.peak / 1024**3) == 50
    assert lost(world, file_system_id) == (0, 0)


def test_a_real_job_that_writes_more_than_fits_fails_and_what_fits_is_kept(world: World, script: Path) -> None:
    script.write_text('cd "$SCRATCH_DIR"; echo first > a; sleep 60; truncate -s 5000G b; sleep 60; echo never > c\n')
    file_system_id, job_id = world.running()
    world.account.clock.advance(600)
    job = world.job(job_id)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 1)
    assert "No space left on device" in job["container"]["reason"]
    assert job["stoppedAt"] - job["startedAt"] == 60_000
    folder = world.account.file_systems.all[file_system_id].folder
    assert folder is not None
    assert sorted(path.name for path in (folder / "scratch").iterdir()) == ["a", "b"]
    space = world.account.file_systems.all[file_system_id].space
    assert space.peak <= space.capacity < space.peak + 2


def test_a_modelled_job_that_writes_more_than_fits_fails_when_the_file_system_is_full(world: World) -> None:
    gib = 1024**3
    world.scenario(job={"runtime": 1000, "writes": [{"over": 1000, "files": 100, "bytes_each": 50 * gib}]})
    file_system_id, job_id = world.running()
    world.account.clock.advance(1200)
    job = world.job(job_id)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 1)
    assert "No space left on device" in job["container"]["reason"]
    assert job["stoppedAt"] - job["startedAt"] == pytest.approx(230_000, abs=100), "the 23rd file does not fit"
    assert world.account.file_systems.all[file_system_id].space.peak == 22 * 50 * gib


def test_what_is_removed_or_replaced_makes_room(world: World) -> None:
    gib = 1024**3
    writes = [{"over": 1000, "files": 100, "bytes_each": 500 * gib, "deletes_previous": True, "renames": True}]
    world.scenario(job={"runtime": 1000, "writes": writes})
    file_system_id, job_id = world.running()
    world.account.clock.advance(1200)
    assert world.job(job_id)["status"] == "SUCCEEDED"
    assert world.account.file_systems.all[file_system_id].space.peak == 1000 * gib


def test_a_job_cannot_go_on_when_its_file_system_is_deleted(world: World) -> None:
    world.scenario(job={"runtime": 1000, "writes": [{"over": 1000, "files": 100}]})
    file_system_id, job_id = world.running()
    world.account.clock.advance(181 + 500)
    export_all(world)
    assert lost(world, file_system_id)[0] < 10, "what is on its way and no more"
    world.account.clock.advance(5)
    job = world.job(job_id)
    assert (job["status"], job["container"]["exitCode"]) == ("FAILED", 1)
    assert "Input/output error" in job["container"]["reason"]


def test_a_job_ends_with_its_container_not_with_what_that_left_behind(world: World, script: Path) -> None:
    script.write_text('sleep 600 & setsid sleep 600 & echo done > "$SCRATCH_DIR/done"; sleep 30\n')
    _, job_id = world.running()
    world.account.clock.advance(181 + 40)
    job = world.job(job_id)
    assert (job["status"], job["stoppedAt"] - job["startedAt"]) == ("SUCCEEDED", 30_000)


def test_directories_are_written_with_their_files() -> None:
    steps = schedule([WritesPlan(over=10, files=1000, directories=100)])
    assert sum(step.files for step in steps if step.key.endswith("/")) == 100
    assert sum(step.files for step in steps if not step.key.endswith("/")) == 1000
    assert [step.files for step in schedule([WritesPlan(files=0, directories=7)])] == [7, 0]


def test_what_waits_for_its_export_slows_a_jobs_writes_as_measured(world: World) -> None:
    """Measured by others: sequential writes are 24 % slower while 100,000 files wait for their export."""
    burst = {"files": 200_000, "bytes_each": 1}
    writes = [burst, {"at": 100, "over": 76, "files": 4, "bytes_each": 1}]
    world.scenario(
        job={"runtime": 400, "writes": writes}, export={"files_per_second": 100, "bytes_per_second": 1_000_000}
    )
    _, job_id = world.running()
    world.account.clock.advance(1000)
    job = world.job(job_id)
    assert job["status"] == "SUCCEEDED"
    assert (job["stoppedAt"] - job["startedAt"]) / 1000 == pytest.approx(400 + 76 / 0.76 - 76)


def test_computing_is_as_fast_as_ever_while_files_wait(world: World) -> None:
    writes = [{"files": 200_000, "bytes_each": 1}]
    world.scenario(job={"runtime": 400, "writes": writes}, export={"files_per_second": 100})
    _, job_id = world.running()
    world.account.clock.advance(1000)
    job = world.job(job_id)
    assert (job["stoppedAt"] - job["startedAt"]) / 1000 == pytest.approx(400)


@pytest.mark.parametrize(
    ("begin", "end", "expected"), [(0, 100, 30), (0, 15, 5), (12, 100, 28), (25, 35, 5), (50, 60, 0)]
)
def test_overlapping_writes_count_once(begin: float, end: float, expected: float) -> None:
    plans = [WritesPlan(at=10, over=20), WritesPlan(at=15, over=10), WritesPlan(at=70, over=10), WritesPlan(at=5)]
    assert writing_seconds(plans, begin, end) == expected
