"""The sample job: whatever interrupts it, the files at the end are those of an uninterrupted run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

JOB = Path(__file__).parents[2] / "examples" / "sample_job" / "job.sh"
FILES = 4
# Every external command the script can be interrupted around.
COMMANDS = ("sleep", "rm", "sync", "head", "cksum", "mkdir", "yes")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run one attempt; `kill_at` ends its process group with SIGKILL before its n-th command (of a kind)."""
    shims = tmp_path / "bin"
    shims.mkdir()
    for command in COMMANDS:
        shim = shims / command
        shim.write_text(
            "#!/bin/sh\n"
            'case $KILL_ON in "${0##*/}" | any) (\n'
            '  flock 9; echo x >>"$CALLS"\n'
            '  if [ "$(wc -l <"$CALLS")" -eq "$KILL_AT" ]; then kill -KILL 0; fi\n'
            ') 9>"$CALLS.lock" ;; esac\n'
            f'exec {shutil.which(command)} "$@"\n'
        )
        shim.chmod(0o755)

    def attempt(
        scratch: Path, kill_at: int = 0, kill_on: str = "any", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        calls = tmp_path / "calls"
        calls.write_text("")
        settings = {"SAMPLE_FILES": str(FILES), "SAMPLE_INTERVAL_SECONDS": "0", "SAMPLE_FILE_KIB": "1", **environment}
        return subprocess.run(
            [JOB],
            env={
                "PATH": f"{shims}:{os.environ['PATH']}",
                "SCRATCH_DIR": str(scratch),
                "CALLS": str(calls),
                "KILL_AT": str(kill_at),
                "KILL_ON": kill_on,
                **settings,
            },
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=30,
        )

    return attempt


def contents(scratch: Path) -> dict[str, bytes]:
    return {str(path.relative_to(scratch)): path.read_bytes() for path in scratch.rglob("*") if path.is_file()}


def test_it_leaves_the_last_checkpoint_and_a_result(run: Run, tmp_path: Path) -> None:
    finished = run(tmp_path / "scratch", AWS_BATCH_JOB_ID="1234", SAMPLE_FILE_KIB="3")
    left = contents(tmp_path / "scratch")
    assert finished.returncode == 0
    assert sorted(left) == ["sample-1234/part-00004.txt", "sample-1234/result.txt"]
    part = left["sample-1234/part-00004.txt"]
    assert len(part) == 3 * 1024
    assert part.startswith(b"part 00004\n")
    assert part.endswith(b"end 00004\n")
    assert left["sample-1234/result.txt"].endswith(b"\ncomplete\n")


def test_killed_before_any_of_its_commands_it_resumes_to_the_same_files(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path / "whole").returncode == 0
    whole = contents(tmp_path / "whole")
    kills = 0
    while True:
        scratch = tmp_path / f"killed-{kills + 1}"
        first = run(scratch, kill_at=kills + 1)
        if first.returncode == 0:
            break
        assert first.returncode == -signal.SIGKILL
        kills += 1
        second = run(scratch)
        assert second.returncode == 0, second.stderr
        assert contents(scratch) == whole, f"killed before command {kills}"
    assert kills > 5 * FILES


def test_reclaimed_again_and_again_it_gets_on(run: Run, tmp_path: Path) -> None:
    assert run(tmp_path / "whole", SAMPLE_FILES="6").returncode == 0
    codes: list[int] = []
    while not codes or codes[-1] != 0:
        codes.append(run(tmp_path / "scratch", SAMPLE_FILES="6", kill_on="sleep", kill_at=2).returncode)
        assert len(codes) < 12
    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert contents(tmp_path / "scratch") == contents(tmp_path / "whole")


def test_it_goes_on_after_the_last_complete_part_instead_of_starting_again(run: Run, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    run(scratch, kill_on="sleep", kill_at=2)
    assert list(contents(scratch)) == ["sample-job/part-00002.txt"]
    again = run(scratch)
    assert "going on after part 2 of 4\npart 3 of 4\n" in again.stdout


@pytest.mark.parametrize("torn", [b"", b"part 00003\n", bytes(1024)], ids=["empty", "short", "zeros"])
def test_a_torn_checkpoint_is_written_again(run: Run, tmp_path: Path, torn: bytes) -> None:
    run(tmp_path / "whole")
    directory = tmp_path / "scratch" / "sample-job"
    directory.mkdir(parents=True)
    run(tmp_path / "two", SAMPLE_FILES="2")
    shutil.copy(tmp_path / "two" / "sample-job" / "part-00002.txt", directory)
    (directory / "part-00003.txt").write_bytes(torn)
    again = run(tmp_path / "scratch")
    assert "going on after part 2 of 4" in again.stdout
    assert contents(tmp_path / "scratch") == contents(tmp_path / "whole")


def test_a_finished_job_started_again_changes_nothing(run: Run, tmp_path: Path) -> None:
    run(tmp_path / "scratch")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch").rglob("*")}
    assert "already finished" in run(tmp_path / "scratch").stdout
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch").rglob("*")} == before


def test_another_jobs_files_are_left_alone(run: Run, tmp_path: Path) -> None:
    run(tmp_path / "scratch", AWS_BATCH_JOB_ID="first")
    first = contents(tmp_path / "scratch")
    assert "part 1 of 4" in run(tmp_path / "scratch", AWS_BATCH_JOB_ID="second").stdout
    assert first.items() <= contents(tmp_path / "scratch").items()


def test_asked_to_stop_it_stops_at_once_and_can_go_on(run: Run, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    environment = {"SCRATCH_DIR": str(scratch), "SAMPLE_FILES": str(FILES), "SAMPLE_FILE_KIB": "1"}
    job = subprocess.Popen(
        [JOB],
        env={**os.environ, **environment, "SAMPLE_INTERVAL_SECONDS": "600"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert job.stdout is not None
    assert job.stdout.readline() == "part 1 of 4\n"
    time.sleep(0.2)  # into the pause
    job.terminate()
    rest, _ = job.communicate(timeout=10)
    assert job.returncode == 143
    assert "the next attempt goes on" in rest
    with pytest.raises(ProcessLookupError):
        os.killpg(job.pid, 0)  # the sleeper went too
    assert "going on after part 1 of 4" in run(scratch).stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAMPLE_FILES", "0"),
        ("SAMPLE_FILES", "many"),
        ("SAMPLE_FILES", "100000"),
        ("SAMPLE_INTERVAL_SECONDS", "1.5"),
        ("SAMPLE_FILE_KIB", "-1"),
        ("SAMPLE_FILE_KIB", "08"),
        ("SAMPLE_FILE_KIB", "0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_before_anything_is_written(
    run: Run, tmp_path: Path, name: str, value: str
) -> None:
    refused = run(tmp_path / "scratch", **{name: value})
    assert refused.returncode == 2
    assert name in refused.stderr
    assert not (tmp_path / "scratch").exists()
