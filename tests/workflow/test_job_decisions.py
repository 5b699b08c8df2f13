"""When a job counts as started, as ended and as stuck: whether anything was written, and whether anything still is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FAILURE, NOW, choose, evaluate


def detail(status: str, **members: Any) -> dict[str, Any]:
    return {"JobId": "job-1", "Status": status, "CreatedAt": 1000, **members}


def jobs(definition: Definition, *details: dict[str, Any]) -> Any:
    text = definition.states["DescribeStoppingJobs"]["Assign"]["jobs"]
    assert text == definition.states["DescribeJob"]["Assign"]["jobs"]
    return evaluate(text, {"result": {"Jobs": list(details)}})


@pytest.mark.parametrize(
    ("given", "started"),
    [
        (detail("SUBMITTED"), False),
        (detail("RUNNABLE"), False),
        (detail("FAILED"), False),
        (detail("STARTING"), True),
        (detail("RUNNING", StartedAt=2000), True),
        (detail("RUNNABLE", Attempts=[{"StartedAt": 2000, "StoppedAt": 3000}]), True),
        (detail("FAILED", Attempts=[{"StoppedAt": 3000}]), True),
        (detail("SUCCEEDED", StartedAt=2000, StoppedAt=3000), True),
    ],
)
def test_a_job_counts_as_started_as_soon_as_it_may_have_written(
    definition: Definition, given: dict[str, Any], started: bool
) -> None:
    listed = jobs(definition, given)
    assert [each["started"] for each in listed] == [started]
    ever = evaluate(
        definition.states["DescribeJob"]["Assign"]["everStarted"], {"result": {"Jobs": [given]}}, everStarted=False
    )
    noted = evaluate(
        definition.states["NoteEndOfJobs"]["Assign"], jobs=listed, entry="run", everStarted=ever, submitted=True
    )
    assert noted["jobsStarted"] is started


def test_a_job_that_was_seen_started_stays_so_and_one_that_batch_has_forgotten_counts_as_started(
    definition: Definition,
) -> None:
    note = definition.states["NoteEndOfJobs"]["Assign"]["jobsStarted"]
    known = jobs(definition, detail("FAILED"))
    assert evaluate(note, jobs=known, entry="run", everStarted=True, submitted=True) is True
    assert evaluate(note, jobs=[], entry="clean-up", everStarted=False, submitted=True) is True
    assert evaluate(note, jobs=[], entry="clean-up", everStarted=False, submitted=False) is False


def test_the_queue_has_to_be_seen_empty_since_the_last_job_stopped(definition: Definition) -> None:
    note = definition.states["NoteEndOfJobs"]["Assign"]
    ended = jobs(definition, detail("FAILED", StoppedAt=3000), detail("SUCCEEDED", StoppedAt=5000))
    assert evaluate(note, jobs=ended, entry="run", everStarted=True, submitted=True)["jobStoppedAt"] == 5000
    for entry, listed in [("reclaim", ended), ("run", jobs(definition, detail("FAILED"))), ("clean-up", [])]:
        assert evaluate(note, jobs=listed, entry=entry, everStarted=False, submitted=True)["jobStoppedAt"] > 10**12, (
            entry
        )


def test_what_is_reclaimed_may_have_been_written_to_by_other_hands(definition: Definition) -> None:
    assert (
        evaluate(
            definition.states["NoteEndOfJobs"]["Assign"], jobs=[], entry="reclaim", everStarted=False, submitted=False
        )["jobsStarted"]
        is True
    )


@pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"])
def test_clean_up_goes_on_only_when_no_job_can_write_any_more(definition: Definition, status: str) -> None:
    given = {"since": NOW, "jobIds": ["job-1"], "failures": [], "retained": []}
    target, _ = choose(definition, "AreJobsStopped", jobs=jobs(definition, detail(status)), **given)
    assert (target == "NoteEndOfJobs") is (status in ("SUCCEEDED", "FAILED"))


def test_jobs_that_batch_does_not_describe_are_not_taken_for_stopped(definition: Definition) -> None:
    given = {"since": NOW, "jobIds": ["job-1"], "failures": [], "retained": []}
    assert choose(definition, "AreJobsStopped", jobs=[], **given)[0] != "NoteEndOfJobs"


def test_a_job_that_will_not_stop_keeps_its_file_system_and_is_named(definition: Definition) -> None:
    given = {"since": 0, "jobIds": ["job-1"], "failures": [FAILURE], "retained": []}
    target, assigned = choose(definition, "AreJobsStopped", jobs=jobs(definition, detail("RUNNING")), **given)
    assert target == "NoteEndOfJobs"
    assert assigned["failures"][0] == FAILURE
    assert assigned["keepReason"]
    assert [(each["type"], each["id"]) for each in assigned["retained"]] == [("job", "job-1")]


def test_the_failure_of_a_job_is_told_in_its_own_words(definition: Definition) -> None:
    listed = jobs(
        definition,
        detail("FAILED", StatusReason="Essential container in task exited", Container={"Reason": "OutOfMemory"}),
    )
    target, assigned = choose(definition, "IsJobDone", jobs=listed, jobIds=["job-1"], since=NOW)
    assert (target, assigned["failures"][0]["Error"]) == ("FindJobs", "JobFailed")
    assert assigned["failures"][0]["Cause"] == "Job job-1 failed: Essential container in task exited (OutOfMemory)"


def test_a_job_is_waited_for_even_when_batch_does_not_describe_it_yet(definition: Definition) -> None:
    assert choose(definition, "IsJobDone", jobs=[], jobIds=["job-1"], since=NOW)[0] == "WaitForJobCompletion"


def test_a_job_that_finds_no_instance_is_stopped_after_its_time_counted_from_its_last_attempt(
    definition: Definition,
) -> None:
    waiting = jobs(definition, detail("RUNNABLE", StatusReason="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT"))
    target, assigned = choose(definition, "IsJobDone", jobs=waiting, jobIds=["job-1"], since=NOW)
    assert (target, assigned["failures"][0]["Error"]) == ("StopJobs", "JobStartTimedOut")
    assert "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" in assigned["failures"][0]["Cause"]
    retried = jobs(definition, detail("RUNNABLE", Attempts=[{"StoppedAt": NOW}]))
    assert choose(definition, "IsJobDone", jobs=retried, jobIds=["job-1"], since=NOW)[0] == "WaitForJobCompletion"
