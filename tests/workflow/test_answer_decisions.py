"""What a clean-up answers, whom it tells, and how the run ends with that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.answers import (
    REASON,
)
from tests.workflow.asl import sdk_tasks
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, RUN, choose, evaluate


@pytest.mark.parametrize("by_target", [True, False])
@pytest.mark.parametrize(
    ("left", "told"),
    [
        ({}, False),
        ({"removed": [REASON]}, True),
        ({"retained": [REASON]}, True),
        ({"pending": [REASON]}, False),
        ({"pending": [REASON], "first": True}, True),
        ({"first": True}, False),
        ({"asked": True}, True),
    ],
)
def test_a_clean_up_tells_what_it_did_and_the_run_tells_of_its_own(
    clean_up: Definition, by_target: bool, left: dict[str, Any], told: bool
) -> None:
    began = evaluate("{% ($day := $floor($millis() / 86400000); $max([$day * 86400000 + 3600001, $millis()])) %}")
    blank = {"removed": [], "retained": [], "kept": [], "pending": [], "first": False, "asked": False, "began": began}
    target, _ = choose(clean_up, "IsAnythingToTell", byTarget=by_target, **(blank | left))
    assert target == ("Notify" if told and not by_target else "CleanedUp")


def test_a_run_whose_clean_up_has_to_be_left_to_the_sweep_says_how_its_job_ended(run: Definition) -> None:
    waiting = {"pending": [REASON], "lasting": False}
    given = {"target": RUN, "cleanUpStarts": 0}
    well = choose(run, "IsAnythingLeft", cleanUpError="", cleanedUp=waiting, failure={}, **given)
    badly = choose(run, "IsAnythingLeft", cleanUpError="", cleanedUp=waiting, failure=FAILURE, **given)
    unknown = choose(run, "IsAnythingLeft", cleanUpError="States.X: y", cleanedUp={}, failure={}, **given)
    for target, assigned in (well, badly, unknown):
        assert (target, assigned["failure"]["Error"]) == ("Summarise", "CleanUpPending")
        advice = "mend the cause, unless it passes" if assigned is unknown[1] else "nothing needs to be done"
        assert f"{advice}. It is tried again every 60 minutes" in assigned["failure"]["Cause"]
    assert well[1]["failure"]["Cause"].startswith("The job succeeded.")
    assert badly[1]["failure"]["Cause"].startswith("The run failed (First: the original one).")
    assert unknown[1]["failure"]["Cause"].endswith("The clean-up did not finish: States.X: y")
    lasting = {"cleanedUp": waiting | {"lasting": True}, "cleanUpError": "", "failure": {}}
    cause = choose(run, "IsAnythingLeft", **lasting, **given)[1]["failure"]["Cause"]
    assert "mend what is named. It is tried again every 60 minutes" in cause


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("starts", [0, 1])
@pytest.mark.parametrize("stays", ["retained", "pending", None])
@pytest.mark.parametrize("failure", [{}, FAILURE])
@pytest.mark.parametrize("started", [True, False])
def test_a_file_system_that_somebody_else_deleted_fails_the_run_unless_its_export_was_verified(
    run: Definition, verified: bool, starts: int, stays: str | None, failure: dict[str, str], started: bool
) -> None:
    """A clean-up that was asked for second comes after one that may have removed everything."""
    answer: dict[str, Any] = {"exportVerified": verified, "retained": [], "pending": [], "failure": {}}
    answer |= {stays: [REASON]} if stays else {}
    given = {"cleanUpStarts": starts, "fileSystemId": FILE_SYSTEM, "jobs": [{"started": started}]}
    told = evaluate(run.states["WaitForCleanUp"]["Assign"], {"result": {"Output": answer}}, **given)
    gone = started and not verified and starts == 0 and stays is None
    assert (told["cleanedUp"]["failure"].get("Error") == "ExportIncomplete") is gone
    assert told["cleanedUp"] | {"failure": {}} == answer
    _, assigned = choose(run, "IsAnythingLeft", target=RUN, cleanUpStarts=starts, failure=failure, **told)
    assert (assigned.get("failure", {}).get("Error") == "ExportIncomplete") is (gone and not failure)


def test_a_failed_job_stays_the_runs_error_when_everything_is_gone_or_kept(run: Definition) -> None:
    given = {"cleanUpError": "", "failure": FAILURE, "target": RUN, "cleanUpStarts": 0}
    nothing_left: dict[str, Any] = {"pending": [], "failure": {}}
    incomplete = {"pending": [], "failure": {"Error": "ExportIncomplete", "Cause": "3 files"}}
    assert choose(run, "IsAnythingLeft", cleanedUp=nothing_left, **given) == ("Summarise", {})
    assert choose(run, "IsAnythingLeft", cleanedUp=incomplete, **given) == ("Summarise", {})
    own = choose(run, "IsAnythingLeft", cleanedUp=incomplete, **(given | {"failure": {}}))
    assert own == ("Summarise", {"failure": incomplete["failure"]})


def test_an_execution_fails_with_its_failure_and_succeeds_without_one(run: Definition) -> None:
    assert choose(run, "HasFailed", failure=FAILURE)[0] == "Failed"
    assert choose(run, "HasFailed", failure={})[0] == "Succeeded"


def test_a_clean_up_that_could_not_look_fails_and_touches_nothing(clean_up: Definition) -> None:
    """What exists could not be determined: guessing would be dangerous."""
    looking = {task.name for task in sdk_tasks(clean_up.states) if task.name.startswith(("Find", "Describe"))}
    loops_or_asides = {name for name in looking if clean_up.states[name]["Catch"][-1]["Next"] != "CouldNotWork"}
    assert loops_or_asides == {
        "DescribeAutoExport",
        "DescribeCandidate",
        "DescribeDeletedFileSystem",
        "DescribeDeletedLaunchTemplate",
        "DescribeExportingAssociation",
        "DescribeJobQueue",
        "DescribeJobs",
        "DescribeMendedAssociation",
        "DescribeQueuedAssociation",
        "DescribeReleasedEnvironment",
        "FindExportLog",
        "FindExportTasks",
        "FindRunningCleanUps",
    }
