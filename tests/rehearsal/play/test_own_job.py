"""A job of somebody's own: it runs as a process that sees its file system where a container would, and what it writes,
prints and ends with is what the rehearsal shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.__main__ import main
from rehearsal.aws.batch import processes
from rehearsal.aws.batch.real_attempt import JobComputes
from rehearsal.play.scenario import OPENS_ONE, ScenarioError, load, parse
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import Verdict, judge

# A system in which nothing can be mounted: user_namespaces(7), namespaces(7), /proc/sys/user.
WITHOUT_MOUNTS = ["unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_mnt_namespaces; exec "$@"', "sh"]


def can(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


# Distributions restrict user namespaces (AppArmor on Ubuntu 24.04, for one), and containers take the right to mount.
# What such a system says instead is shown in a namespace that forbids it, so that needs one as well.
mounts = pytest.mark.skipif(not can("unshare", "-Urm", "true"), reason="this system allows no mounts")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged() as stage:
        yield stage.session


def shell(session: Session, script: str, interruptions: tuple[int, ...] = (), **keys: Any) -> Verdict:
    job = {"command": ["sh", "-euc", script], "interruptions": [*interruptions]}
    return judge(session, session.play(parse({"job": job, **keys}, "test")))


def held(session: Session) -> dict[str, bytes]:
    name, buckets = session.exports["bucketName"], session.account.buckets
    return {key: buckets.read(name, key) or b"" for key in buckets.keys(name, "")}


@mounts
def test_it_sees_its_file_system_as_scratch_and_what_it_writes_there_arrives(session: Session) -> None:
    script = 'cat /scratch/in.txt; test -z "${SCRATCH_DIR:-}"; sleep 60; mv /scratch/in.txt /scratch/out.txt'
    verdict = shell(session, script, bucket={"files": {"in.txt": "seen\n"}})
    assert verdict.why_not == []
    assert verdict.facts["attempts"][0]["output"] == ["seen"]
    assert held(session) == {"out.txt": b"seen\n"}
    assert not Path("/scratch").exists()


@mounts
def test_where_nothing_can_be_mounted_a_variable_says_where_it_is_and_so_does_a_line(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SUPERVISOR", [*WITHOUT_MOUNTS, *processes.SUPERVISOR])
    verdict = shell(session, 'test ! -e /scratch; echo here > "$SCRATCH_DIR/out.txt"; sleep 60')
    assert verdict.why_not == []
    assert held(session) == {"out.txt": b"here\n"}
    (line,) = verdict.facts["attempts"][0]["output"]
    assert line.startswith("rehearsal: nothing can be mounted here (unshare: ")
    assert "SCRATCH_DIR=" in line
    assert line.endswith(", not /scratch")


def test_its_environment_is_what_batch_sets_and_nothing_else(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MINE", "not the job's")
    verdict = shell(session, "env; sleep 100", interruptions=(60,))
    first, second = verdict.facts["attempts"]
    assert (first["exit_code"], second["exit_code"]) == (None, 0)
    seen = dict(line.split("=", 1) for line in second["output"] if "=" in line)
    batch = {"AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT", "AWS_BATCH_JQ_NAME", "AWS_BATCH_CE_NAME"}
    assert set(seen) - {"PWD", "OLDPWD", "SHLVL", "_"} == {"HOME", "PATH", *batch}, "but for what the shell sets itself"
    assert seen["HOME"] == str(Path.home())
    assert seen["PATH"].partition(":")[2] == os.environ["PATH"], "after the folder of what stands in for sleep"
    assert seen["AWS_BATCH_JOB_ATTEMPT"] == "2"
    assert seen["AWS_BATCH_JOB_ID"] == second["job"]
    assert session.exports["jobQueueArn"].endswith("/" + seen["AWS_BATCH_JQ_NAME"])
    assert session.exports["computeEnvironmentArn"].endswith("/" + seen["AWS_BATCH_CE_NAME"])


def test_its_failure_is_the_runs_with_its_exit_code_and_its_output_is_in_its_log(session: Session) -> None:
    verdict = shell(session, "echo half; sleep 5; echo 'no more' >&2; printf 'the end'; exit 3", expect="FAILED")
    assert verdict.why_not == []
    assert verdict.facts["error"] == "JobFailed"
    assert "exit code 3" in verdict.facts["cause"]
    (attempt,) = verdict.facts["attempts"]
    assert (attempt["exit_code"], attempt["output"]) == (3, ["half", "no more", "the end"])
    group, stream = verdict.facts["cause"].split("log group ")[1].split(", log stream ")
    assert session.account.logs.read(group, stream) == attempt["output"]


def test_it_is_heard_whenever_it_sleeps_or_ends(session: Session) -> None:
    heard: list[list[str]] = []
    scenario = parse(
        {"job": {"command": ["sh", "-c", "echo one; sleep 60; printf '10%%\\r20%%\\n'; echo three"]}}, "test"
    )
    session.play(scenario, listener=heard.append)
    assert heard == [["one"], ["20%", "three"]]


def test_files_that_s3_cannot_hold_are_refused_as_the_sample_jobs_would_be(session: Session) -> None:
    script = 'cd "${SCRATCH_DIR:-/scratch}"; echo 1 > good; echo 2 > "$(printf "\\377")"; sleep 60'
    verdict = shell(session, script, expect="FAILED", expect_error="ExportIncomplete")
    assert verdict.why_not == []
    assert held(session)["good"] == b"1\n"
    assert [thing["type"] for thing in verdict.facts["retained"]] == ["file-system"]


def test_one_that_computes_for_too_long_ends_the_rehearsal_with_one_line(session: Session) -> None:
    job = {"command": [sys.executable, "-c", "while True: pass"], "real_seconds": 0.3}
    with pytest.raises(JobComputes, match=r"neither slept nor ended within 0\.3 s of real time"):
        session.play(parse({"job": job}, "test"))
    assert shell(session, "exit 0").why_not == [], "nothing of it is left"


def test_a_script_lies_beside_its_scenario_and_starts_there(session: Session, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("job: {script: bin/mine.sh}\n")
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "mine.sh"
    script.write_text("#!/bin/sh\npwd\n")
    script.chmod(0o755)
    verdict = judge(session, session.play(load(str(tmp_path / "mine.yaml"))))
    assert verdict.facts["attempts"][0]["output"] == [str(script.parent)]


def test_a_folders_files_are_in_the_bucket_before_it_starts(session: Session, tmp_path: Path) -> None:
    (tmp_path / "data" / "deep" / "empty").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.bin").write_bytes(b"\xff\x00")
    (tmp_path / "data" / "link").symlink_to("deep/a.bin")
    (tmp_path / "mine.yaml").write_text("bucket: {folder: data, files: {b.txt: b}}\n")
    seen = {"deep/a.bin": b"\xff\x00", "link": b"\xff\x00"}
    script = 'cd "${SCRATCH_DIR:-/scratch}"; find . -type f | sort; test ! -e deep/empty; cp link out; sleep 60'
    job = {"command": ["sh", "-euc", script]}
    verdict = judge(session, session.play(load(str(tmp_path / "mine.yaml"), job)))
    assert verdict.facts["attempts"][0]["output"] == ["./b.txt", "./deep/a.bin", "./link"]
    assert held(session) == {**seen, "b.txt": b"b", "out": b"\xff\x00"}
    session.play(load("bad-parameter", bucket_folder=tmp_path / "data"))
    assert held(session) == seen, "and what another scenario had there is gone"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        (b"data/" + b"a" * 200 + (b"/" + b"b" * 200) * 5, "cannot be the key of an object: it is over 1,024 bytes"),
        (b"data/\xff", r"\xff cannot be the key of an object: it is not UTF-8"),
        (b"elsewhere/file", "there is no folder {folder}/data"),
    ],
)
def test_a_folder_that_no_bucket_can_hold_is_one_line(name: bytes, rule: str, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.parent.mkdir(parents=True)
    path.write_text("x")
    with pytest.raises(ScenarioError) as caught:
        parse({"bucket": {"folder": "data"}}, "my.yaml", folder=tmp_path)
    assert str(caught.value).startswith('my.yaml: bucket.folder: "data": ')
    assert str(caught.value).endswith(rule.format(folder=tmp_path))


def test_it_takes_the_place_of_the_job_that_a_scenario_models() -> None:
    scenario = load("job-fails", {"command": ["sh", "-c", "exit 1"]})
    assert scenario.job.words == ["sh", "-c", "exit 1"]
    assert scenario.expect == "FAILED"
    assert scenario.description.endswith("; in place of the job: sh -c 'exit 1'")


@pytest.mark.parametrize("option", ["--job", "--image"])
def test_a_job_that_is_given_to_a_session_is_refused_by_the_name_of_its_option(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scenario := tmp_path / "session.yaml").write_text("input: {session: {}}\n", "utf-8")
    (job := tmp_path / "job.sh").write_text("#!/bin/sh\n", "utf-8")
    job.chmod(0o755)
    assert main(["--scenario", str(scenario), option, str(job) if option == "--job" else "busybox"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f"{option}: --scenario {scenario}: {OPENS_ONE}")


@pytest.mark.parametrize(
    ("job", "line"),
    [
        ({"script": "mine.sh", "writes": []}, "job.writes: []: a job of one's own (job.script) decides that itself"),
        ({"command": ["true"], "runtime": 60}, "job.runtime: 60: a job of one's own (job.command) decides that itself"),
        (
            {"command": ["true"], "script": "mine.sh"},
            'job.command: ["true"]: a job is a script (job.script) or a command',
        ),
        ({"command": []}, "job.command: []: a command has at least one word, the program"),
        ({"command": ["pyhton"]}, 'job.command: ["pyhton"]: there is no program pyhton on this machine'),
        ({"script": "no.sh"}, 'job.script: "no.sh": there is no file {folder}/no.sh'),
        ({"script": "plain.sh"}, 'job.script: "plain.sh": it may not be executed: chmod +x {folder}/plain.sh'),
        (
            {"real_seconds": 5},
            "job.real_seconds: 5: only a job of one's own (job.script, job.command, job.image) takes real time",
        ),
    ],
)
def test_what_cannot_be_run_is_one_line(job: dict[str, Any], line: str, tmp_path: Path) -> None:
    for name, mode in (("mine.sh", 0o755), ("plain.sh", 0o644)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    with pytest.raises(ScenarioError) as caught:
        parse({"job": job}, "my.yaml", folder=tmp_path)
    assert str(caught.value) == f"my.yaml: {line.format(folder=tmp_path)}"
