"""Jobs that nobody of the stack submits: whose they count as, what became of them, and what people are told of that."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from rehearsal.play.beside import SideBySide
from rehearsal.play.report import show
from rehearsal.play.scenario import parse
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.timeline import Timeline
from rehearsal.play.verdict import Verdict, judge

HOUR = {"runtime": 3600, "writes": [{"over": 3500, "files": 350}]}
THREE = {
    "runs": [
        {
            "input": {"session": {"idleMinutes": 15}, "keyPrefix": "a/"},
            "session": {"jobs": [{"at": 60, "runtime": 600, "writes": [{"files": 7}]}, {"at": 900_000}]},
        },
        {
            "at": 60,
            "input": {"session": {}, "keyPrefix": "b/"},
            "session": {"jobs": [{"at": 60, "start_delay": 30, **HOUR}], "end_at": 600},
        },
        {
            "at": 120,
            "input": {"keyPrefix": "c/"},
            "job": {"runtime": 300, "outcome": "FAILED", "exit_code": 3},
            "expect": "FAILED",
        },
    ],
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged({"maxConcurrentRuns": "3"}) as stage:
        yield stage.session


def play(session: Session, content: dict[str, Any], width: int = 300) -> tuple[Verdict, list[str]]:
    """The verdict, and every line that people see."""
    written = io.StringIO()
    console, scenario = Console(file=written, width=width), parse(content, "test")
    runs = len(scenario.each())
    timeline = Timeline(console) if runs == 1 else SideBySide(console, runs)
    verdict = judge(session, session.play(scenario, timeline, jobs_watcher=timeline.job))
    timeline.close()
    show(console, session, verdict, 0.0)
    return verdict, written.getvalue().splitlines()


@pytest.fixture(scope="module")
def three(session: Session) -> tuple[Verdict, list[str]]:
    return play(session, THREE)


def test_a_job_in_the_queue_of_a_session_counts_as_its_runs(three: tuple[Verdict, list[str]]) -> None:
    verdict, _ = three
    assert verdict.why_not == []
    first, second, third = verdict.facts["runs"]
    assert [one["exit_code"] for one in first["attempts"]] == [0]
    assert [one["exit_code"] for one in second["attempts"]] == [137]
    assert [one["exit_code"] for one in third["attempts"]] == [3]
    for run in (first, second):
        [attempt] = run["attempts"]
        assert run["job_started_at"] == pytest.approx(attempt["started_at"], abs=0.002)
        assert run["job_ended_at"] == pytest.approx(attempt["stopped_at"], abs=0.002)
    assert first["job_ended_at"] == first["job_started_at"] + 600
    # A file system's time without the ten minutes of the job, and without what FSx needs.
    assert first["overhead_seconds"] < first["deleted_at"] - 600 - 420


def test_a_job_that_starts_at_once_runs_earlier(three: tuple[Verdict, list[str]]) -> None:
    first, second, _ = three[0].facts["runs"]
    assert first["job_started_at"] - second["job_started_at"] == pytest.approx(180 - 30 - 60, abs=31)


def test_a_job_that_is_terminated_is_named(three: tuple[Verdict, list[str]]) -> None:
    verdict, lines = three
    first, second, third = verdict.facts["runs"]
    assert (first["terminated_jobs"], third["terminated_jobs"]) == ([], [])
    [job] = second["terminated_jobs"]
    assert verdict.facts["terminated_jobs"] == [job]
    assert (job["name"], second["execution"] in job["reason"]) == ("session-jobs-0", True)
    assert job["stopped_at"] == second["job_ended_at"]
    assert f"terminated: 1 job: session-jobs-0 ({job['job']})" in "\n".join(lines)


def test_what_was_planned_for_a_session_and_never_happened_is_named(three: tuple[Verdict, list[str]]) -> None:
    verdict, lines = three
    [unmet] = verdict.facts["unmet_plans"]
    assert (unmet["key"], unmet["at"]) == ("runs.0.session.jobs.1", 900_000)
    [row] = [line for line in lines if line.strip().startswith("unmet")]
    assert row.endswith(
        "runs.0.session.jobs.1 (at: 900000) was never submitted: the session had ended before, or never opened"
    )


def test_of_several_runs_people_read_why_one_failed_and_where_the_results_of_each_are(
    session: Session, three: tuple[Verdict, list[str]]
) -> None:
    verdict, lines = three
    bucket = session.exports["bucketName"]
    runs = verdict.facts["runs"]
    assert [run["exported_to"] for run in runs] == [f"s3://{bucket}/{prefix}/" for prefix in "abc"]
    assert verdict.facts["exported_to"] == runs[0]["exported_to"]
    told = " ".join(" ".join(lines).split())
    assert f"run 1 SUCCEEDED 7 files, 7.0 MiB, in s3://{bucket}/a/" in told
    assert f"run 3 JobFailed: {' '.join(runs[2]['cause'].split())}" in told
    assert "outcome SUCCEEDED" not in told  # the first run's is not everybody's


def test_live_lines_tell_of_the_jobs_of_others_in_the_column_of_their_run(three: tuple[Verdict, list[str]]) -> None:
    _, lines = three
    column = (300 - 11) // 3
    told = [line[11:] for line in lines if "│" in line]
    assert [line.strip() for line in told if not line.startswith(" ")] == [
        "│ SUBMITTED session-jobs-0",
        "│ RUNNING session-jobs-0",
        "│ SUCCEEDED session-jobs-0",
    ]
    assert [line[column:] for line in told if line.startswith(" ")] == [
        "│ SUBMITTED session-jobs-0",
        "│ RUNNING session-jobs-0",
        "│ FAILED session-jobs-0, terminated",
    ]


def test_whoever_comes_after_the_end_of_a_session_is_told_of(session: Session) -> None:
    """The engine tells a session to end that is over; a job is submitted to a queue that takes none any more."""
    jobs = [{"at": 0, "runtime": 60}, {"at": 480}]
    late = {"input": {"session": {"idleMinutes": 1}}, "session": {"jobs": jobs, "end_at": 500}}
    verdict, lines = play(session, late)
    [unmet] = verdict.facts["unmet_plans"]
    assert (unmet["key"], unmet["reason"]) == (
        "session.end_at", "told nobody: the session had ended before, or never opened",
    )  # fmt: skip
    [reason] = verdict.why_not
    assert reason.startswith("session.jobs.1, a job of somebody else, was refused: JobQueue ")
    told = [line.partition("│ ")[2] for line in lines if "│" in line]
    assert told == [f"{status} session-jobs-0" for status in ("SUBMITTED", "RUNNING", "SUCCEEDED")]
    assert any(line.endswith("2 jobs submitted: 1 SUCCEEDED, 1 refused") for line in lines)


def test_a_stop_that_comes_after_the_end_is_told_of(session: Session) -> None:
    stopped = {"input": {"nonsense": 1}, "expect": "FAILED", "execution": {"abort_at": 60, "clean_up_abort_at": 6000}}
    verdict, _ = play(session, stopped)
    assert verdict.why_not == []
    assert [plan["key"] for plan in verdict.facts["unmet_plans"]] == [
        "execution.abort_at", "execution.clean_up_abort_at",
    ]  # fmt: skip
