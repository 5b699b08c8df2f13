"""Rules 5 and 6: trouble that passes changes nothing but the time it takes, and what is said about the end is true."""

from __future__ import annotations

from typing import Any

import pytest
from lustre_batch import Settings

from tests.graph.recording import record_stack
from tests.workflow.answers import file_system, task
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, NOW, RUN, choose, evaluate

MINUTE_MS = 60_000


def test_the_environments_time_counts_from_when_everything_else_was_ready_and_is_the_one_that_is_named(
    run: Definition,
) -> None:
    for name, given in (
        ("IsAssociationAvailable", {"associationStatus": "AVAILABLE", "launchTemplateId": "lt-1", **ALL_LINKED}),
        ("IsFileSystemReady", {"associationStatus": "AVAILABLE", "fileSystemStatus": "AVAILABLE"}),
    ):
        assert choose(run, name, **given)[1]["since"] > 10**12
    minutes = Settings().provisioning_timeout_minutes
    bounds = [rule["Condition"] for rule in run.states["IsComputeEnvironmentValid"]["Choices"]]
    assert f"{{% $millis() - $since > {minutes} * {MINUTE_MS} %}}" in bounds


ALL_LINKED: dict[str, Any] = {"associationIds": ["dra-1"], "links": [{}]}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_task_that_ended_with_failed_files_is_not_created_again_and_again(clean_up: Definition, status: str) -> None:
    given = {"taskWanted": False, "jobStoppedAt": NOW, "mayDelete": True, "since": NOW, "seen": True, "began": NOW}
    rest = {"tasks": [task(status, 3)], "fileSystemId": FILE_SYSTEM, "taskError": "", "nextToken": ""}
    target, assigned = choose(clean_up, "IsExportVerified", **given, **rest)
    assert (target, assigned["failure"]["Error"]) == ("KeepFileSystem", "ExportIncomplete")


@pytest.mark.parametrize(
    ("association", "said"),
    [
        ({"associationId": "dra-1", "associationStatus": "FAILED"}, "dra-1 is FAILED: broken"),
        ({"associationId": "dra-1", "associationStatus": "DELETING"}, "dra-1 is DELETING: broken"),
        ({"associationId": "", "associationStatus": "gone"}, "it has no data repository association"),
    ],
)
def test_a_link_that_is_broken_for_good_fails_the_run_although_its_job_succeeded(
    run: Definition, clean_up: Definition, association: dict[str, str], said: str
) -> None:
    given = {"fileSystemId": FILE_SYSTEM, "deleting": False, "wasWrittenTo": True, "associationReason": "broken"}
    assert choose(clean_up, "IsThereAnythingToExport", **given, **association, leaveReason="") == ("GiveUpExport", {})
    give_up = clean_up.states["GiveUpExport"]
    assigned = evaluate(give_up["Assign"], **given, **association)
    assert (give_up["Next"], assigned["failure"]["Error"]) == ("KeepFileSystem", "ExportIncomplete")
    assert said in assigned["failure"]["Cause"]
    answer = {"pending": [], "failure": assigned["failure"]}
    _, told = choose(run, "IsAnythingLeft", cleanUpStarts=0, cleanUpError="", cleanedUp=answer, failure={})
    assert told["failure"] == assigned["failure"]


@pytest.mark.parametrize(
    ("reason", "error"),
    [("deleteLustre is false", None), ("3 files could not be exported", "ExportIncomplete")],
)
def test_what_an_earlier_clean_up_kept_is_neither_worked_on_nor_forgotten(
    clean_up: Definition, reason: str, error: str | None
) -> None:
    """A run whose clean-up was started twice would otherwise succeed, and say that nothing is left."""
    given = {"found": [], "kept": [], "executionTag": RUN, "targetStatus": "RUNNING", "byTarget": True}
    answer = {"result": {"FileSystems": [file_system(retained=reason)]}}
    seen = evaluate(
        clean_up.states["FindFileSystems"]["Assign"], answer, **given, nextToken="", dollarsADay=0, reclaim=False
    )
    listed = [{"type": "file-system", "id": FILE_SYSTEM, "reason": reason}]
    assert (seen["found"], seen["kept"]) == ([], listed)
    _, assigned = choose(
        clean_up, "AreThereMoreFileSystems", **seen, retained=[], pending=[], reclaim=False
    )  # fmt: skip
    assert (assigned["fileSystemId"], assigned["retained"]) == ("", listed)
    assert assigned["failure"].get("Error") == error
    taken_up = evaluate(
        clean_up.states["FindFileSystems"]["Assign"], answer, **given, nextToken="", dollarsADay=0, reclaim=True
    )
    assert ([each["id"] for each in taken_up["found"]], taken_up["kept"]) == ([FILE_SYSTEM], [])


def test_a_sweep_does_not_tell_every_hour_of_what_was_told_before(clean_up: Definition) -> None:
    kept = [{"type": "file-system", "id": FILE_SYSTEM, "reason": "3 files could not be exported"}]
    given = {"byTarget": False, "removed": [], "asked": False, "first": False, "pending": [], "began": NOW}
    assert choose(clean_up, "IsAnythingToTell", **given, retained=kept, kept=kept)[0] == "CleanedUp"
    assert choose(clean_up, "IsAnythingToTell", **given, retained=kept, kept=[])[0] == "Notify"


@pytest.mark.parametrize(("clock", "told"), [("2024-05-06T00:30:00Z", True), ("2024-05-06T01:30:00Z", False)])
def test_what_cannot_be_removed_is_told_of_by_the_first_sweep_of_a_day(
    clean_up: Definition, clock: str, told: bool
) -> None:
    now = evaluate(f"{{% $toMillis('{clock}') %}}")
    text = str(clean_up.states["IsAnythingToTell"]["Choices"][0]["Condition"]).replace("$millis()", "$clock")
    given = {"byTarget": False, "removed": [], "retained": [], "kept": [], "asked": False, "pending": PENDING}
    assert evaluate(text, **given, first=False, began=now - 60_000, clock=now) is told
    long_at_it = evaluate(text, **given, first=False, began=now - 20 * 3_600_000, clock=now)
    assert long_at_it is True, "midnight passed while it worked"
    assert evaluate(text, **(given | {"pending": []}), first=False, began=now - 60_000, clock=now) is False


@pytest.mark.parametrize("error", ["CleanUpIncomplete", "InvalidParameter"])
@pytest.mark.parametrize("by_target", [True, False])
@pytest.mark.parametrize(("first", "hours_ago"), [(True, 0), (False, 0), (False, 30)])
def test_a_clean_up_that_could_not_work_tells_as_often_as_one_that_could_not_finish(
    clean_up: Definition, error: str, by_target: bool, first: bool, hours_ago: int
) -> None:
    noon = evaluate("{% $toMillis('2024-05-06T12:00:00Z') %}")
    (rule,) = clean_up.states["CouldNotWork"]["Choices"]
    text = str(rule["Condition"]).replace("$millis()", "$clock")
    given = {"error": error, "byTarget": by_target, "first": first, "began": noon - hours_ago * 3_600_000}
    told = error == "CleanUpIncomplete" and not by_target and (first or hours_ago == 30)
    assert evaluate(text, **given, clock=noon) is told
    assert (rule["Next"], clean_up.states["CouldNotWork"]["Default"]) == ("NotifyOfFailure", "Failed")
    said = evaluate(clean_up.states["NotifyOfFailure"]["Arguments"], target=RUN, cause="why")
    assert "The clean-up after run run could not work." in said["Message"]
    assert "Why: why" in said["Message"]


PENDING = [{"type": "launch-template", "id": "lt-1", "reason": "the compute environment may still name it"}]


def test_files_that_are_not_in_s3_weigh_more_than_what_is_still_being_removed(run: Definition) -> None:
    refused = {"Error": "ExportIncomplete", "Cause": "3 files"}
    answer = {"pending": PENDING, "failure": refused}
    given = {"cleanUpError": "", "cleanedUp": answer, "cleanUpStarts": 0}
    assert choose(run, "IsAnythingLeft", **given, failure={})[1] == {"failure": refused}
    said = choose(run, "IsAnythingLeft", **given, failure=FAILURE)[1]["failure"]
    assert said["Error"] == "CleanUpPending"
    assert "The run failed (First: the original one)." in said["Cause"]


def test_nobody_is_told_to_wait_for_a_sweep_that_is_switched_off(run: Definition) -> None:
    off = record_stack({"sweepIntervalMinutes": "0"})
    given = {"cleanUpError": "", "cleanedUp": {"pending": PENDING}, "failure": {}, "target": RUN, "cleanUpStarts": 0}
    by_hand = choose(definition_of(off, "run"), "IsAnythingLeft", **given)[1]["failure"]["Cause"]
    assert f'start the state machine with {{"reclaim": "{RUN}"}}' in by_hand
    assert "nothing needs to be done" not in by_hand
    by_itself = choose(run, "IsAnythingLeft", **given)[1]["failure"]["Cause"]
    assert "nothing needs to be done. It is tried again every 60 minutes until everything is gone" in by_itself
    for name in ("run", "clean_up"):
        assert "${SweepIntervalMinutes} = 0" in definition_of(off, name).source


def test_what_was_kept_for_good_by_a_reclaim_is_not_said_to_be_tried_again(run: Definition) -> None:
    kept = {"pending": [], "retained": [{"type": "file-system", "id": FILE_SYSTEM, "reason": "x"}], "failure": FAILURE}
    assert choose(run, "WasReclaimed", cleanedUp=kept) == ("Failed", {"failure": FAILURE})
    pending = {"pending": PENDING, "retained": [], "failure": {}}
    target, assigned = choose(run, "WasReclaimed", cleanedUp=pending)
    assert (target, assigned["failure"]["Error"]) == ("Failed", "CleanUpPending")
    assert "launch-template lt-1: the compute environment may still name it" in assigned["failure"]["Cause"]
    assert choose(run, "WasReclaimed", cleanedUp={"pending": [], "retained": [], "failure": {}})[0] == "Succeeded"


LINKS = [{"repository": "s3://results/"}, {"repository": "s3://genomes/hg38/"}]


def imported(
    run: Definition, *tasks: tuple[str, int], go_on: bool = False, since: int = NOW, links: int = 1, paths: bool = True
) -> tuple[str, Any]:
    answer: list[dict[str, Any]] = [
        {
            "Type": "IMPORT_METADATA_FROM_REPOSITORY",
            "Lifecycle": status,
            "Status": {"FailedCount": failed},
            "Paths": [LINKS[number % 2]["repository"]] if paths else [],
        }
        for number, (status, failed) in enumerate(tasks)
    ]
    answer.append({"Type": "EXPORT_TO_REPOSITORY", "Lifecycle": "FAILED", "Status": {"FailedCount": 1}})
    known = {"links": LINKS[:links]}
    seen = evaluate(run.states["FindImportTask"]["Assign"], {"result": {"DataRepositoryTasks": answer}}, **known)
    choice = {"parameters": {"continueAfterImportFailure": go_on}, "since": since}
    return choose(run, "IsImported", **seen, **known, **choice)


@pytest.mark.parametrize(
    ("tasks", "target", "target_that_goes_on"),
    [
        ([], "WaitForImport", "WaitForImport"),
        ([("PENDING", 0)], "WaitForImport", "WaitForImport"),
        ([("EXECUTING", 0)], "WaitForImport", "WaitForImport"),
        ([("CANCELING", 0)], "WaitForImport", "WaitForImport"),
        ([("SUCCEEDED", 0)], "NoteSubmission", "NoteSubmission"),
        ([("SUCCEEDED", 0), ("EXECUTING", 0)], "WaitForImport", "WaitForImport"),
        ([("FAILED", 1)], "CleanUp", "NoteSubmission"),
        ([("CANCELED", 0)], "CleanUp", "NoteSubmission"),
        ([("SUCCEEDED", 2)], "CleanUp", "NoteSubmission"),
    ],
)
def test_a_job_is_started_only_when_every_object_was_seen_imported_or_the_user_chose_to_go_on(
    run: Definition, tasks: list[tuple[str, int]], target: str, target_that_goes_on: str
) -> None:
    assert imported(run, *tasks)[0] == target
    assert imported(run, *tasks, go_on=True)[0] == target_that_goes_on


@pytest.mark.parametrize(
    ("tasks", "target", "target_that_goes_on"),
    [
        ([("SUCCEEDED", 0)], "WaitForImport", "WaitForImport"),
        ([("SUCCEEDED", 0), ("PENDING", 0)], "WaitForImport", "WaitForImport"),
        ([("SUCCEEDED", 0), ("SUCCEEDED", 0)], "NoteSubmission", "NoteSubmission"),
        ([("SUCCEEDED", 0), ("SUCCEEDED", 1)], "CleanUp", "NoteSubmission"),
        ([("SUCCEEDED", 0), ("FAILED", 1)], "CleanUp", "NoteSubmission"),
        ([("FAILED", 1), ("EXECUTING", 0)], "CleanUp", "WaitForImport"),
        ([("FAILED", 1), ("PENDING", 0)], "CleanUp", "WaitForImport"),
        ([("FAILED", 1), ("CANCELING", 0)], "CleanUp", "WaitForImport"),
        ([("FAILED", 1)], "CleanUp", "WaitForImport"),
    ],
)
def test_a_job_with_inputs_waits_for_the_listing_of_each_of_them(
    run: Definition, tasks: list[tuple[str, int]], target: str, target_that_goes_on: str
) -> None:
    assert imported(run, *tasks, links=2)[0] == target
    assert imported(run, *tasks, links=2, go_on=True)[0] == target_that_goes_on


def test_an_import_that_failed_is_named_by_what_was_to_be_imported(run: Definition) -> None:
    both = [("FAILED", 1), ("CANCELED", 0)]
    assert imported(run, ("SUCCEEDED", 0), both[1], links=2)[1]["failure"]["Cause"].startswith(
        "The listing of s3://genomes/hg38/ could not be imported completely, so the job would not see every object: "
        "the import is CANCELED"
    )
    assert imported(run, *both, links=2, go_on=True)[1]["importWarning"] == (
        "The listing of s3://results/ could not be imported completely: the import is FAILED; "
        "The listing of s3://genomes/hg38/ could not be imported completely: the import is CANCELED"
    )
    unsaid = imported(run, ("FAILED", 1), links=2, paths=False)[1]["failure"]["Cause"]
    assert unsaid.startswith("The listing of s3://results/, s3://genomes/hg38/ could not be")
    late = imported(run, ("SUCCEEDED", 0), links=2, since=0)[1]["failure"]["Cause"]
    assert late.startswith("The listing of s3://results/, s3://genomes/hg38/ was not seen imported within")


def test_an_import_that_is_incomplete_is_told_whether_the_job_runs_or_not(run: Definition) -> None:
    failure = imported(run, ("CANCELED", 0))[1]["failure"]
    assert failure["Error"] == "ImportFailed"
    assert "the import is CANCELED" in failure["Cause"]
    assert "continueAfterImportFailure" in failure["Cause"]
    assert "the import is CANCELED" in imported(run, ("CANCELED", 0), go_on=True)[1]["importWarning"]


def test_an_import_that_is_never_seen_to_end_has_its_time(run: Definition) -> None:
    for tasks in ([], [("EXECUTING", 0)]):
        target, assigned = imported(run, *tasks, since=0)
        assert (target, assigned["failure"]["Error"]) == ("CleanUp", "ImportTimedOut")
