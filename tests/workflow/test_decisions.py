"""The choices on which data and money depend, each asked with every kind of answer it can be given."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.graph.recording import record_stack
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, NOW, RUN, STACK, choose, evaluate

# ---------------------------------------------------------------------- rule 1
STANDING = {"fileSystemId": FILE_SYSTEM, "associationId": "dra-1", "deleting": False, "jobsMayLive": False}


@pytest.mark.parametrize(
    ("started", "verified", "keep"), list(itertools.product([True, False], [True, False], ["", "a reason"]))
)
@pytest.mark.parametrize("failures", [[], [FAILURE]], ids=["well", "failed"])
def test_a_file_system_is_deleted_only_when_its_export_is_verified_or_nothing_was_written(
    definition: Definition, started: bool, verified: bool, keep: str, failures: list[Any]
) -> None:
    given = {"jobsStarted": started, "verified": verified, "keepReason": keep, "failures": failures}
    target, assigned = choose(definition, "MayDeleteFileSystem", **STANDING, **given)
    may_go = not keep and (verified or not started)
    assert target == ("FindTasksInTheWay" if may_go else "StopImport")
    if not may_go and not keep:
        assert assigned["keepReason"]
        assert assigned["failures"][0]["Error"] == (failures or [{"Error": "ExportIncomplete"}])[0]["Error"]


def test_without_a_file_system_there_is_nothing_to_delete(definition: Definition) -> None:
    given = {"jobsStarted": True, "verified": False, "keepReason": "", "failures": []}
    nothing = STANDING | {"fileSystemId": ""}
    assert choose(definition, "MayDeleteFileSystem", **nothing, **given)[0] == "MayDeleteLaunchTemplate"


def test_under_a_job_that_may_live_nothing_is_deleted_and_the_file_system_is_left_to_the_next_attempt(
    definition: Definition,
) -> None:
    given = {"jobsStarted": False, "verified": True, "keepReason": "", "failures": []}
    living = STANDING | {"jobsMayLive": True}
    assert choose(definition, "MayDeleteFileSystem", **living, **given)[0] == "NoteKeptFileSystem"
    assert choose(definition, "AfterJobDefinitions", jobsMayLive=True) == (
        "MayDeleteFileSystem",
        {"templateKeepReason": "a job may still need it"},
    )
    assert choose(definition, "AfterJobDefinitions", jobsMayLive=False)[0] == "DoesEnvironmentNameTemplate"


def test_a_deletion_under_way_is_waited_for_rather_than_asked_for_or_undone(definition: Definition) -> None:
    given = {"jobsStarted": True, "verified": False, "keepReason": "", "failures": []}
    assert choose(definition, "MayDeleteFileSystem", **(STANDING | {"deleting": True}), **given)[0] == "WaitForDeletion"


def test_a_task_in_the_way_of_a_deletion_is_cancelled_until_its_time_is_up(definition: Definition) -> None:
    def after(task: str, since: int) -> str:
        return choose(definition, "IsTaskInTheWay", taskInTheWay=task, since=since)[0]

    assert after("", NOW) == "DeleteFileSystem"
    assert after("task-1", NOW) == "CancelTaskInTheWay"
    assert after("task-1", 0) == "DeleteFileSystem"


def test_without_a_task_only_an_association_that_exports_everything_proves_anything(definition: Definition) -> None:
    given = {"associationId": "dra-1", "associationReason": "", "fileSystemId": FILE_SYSTEM, "failures": []}
    for status, events in (("AVAILABLE", 3), ("AVAILABLE", 0), ("AVAILABLE", 2), ("MISCONFIGURED", 3), ("FAILED", 3)):
        target, assigned = choose(
            definition, "IsAssociationExporting", associationStatus=status, exportEvents=events, **given
        )
        exports = (status, events) == ("AVAILABLE", 3)
        assert (target == "ReadExportErrors") is exports
        assert bool(assigned.get("keepReason")) is not exports


def task(status: str, failed: int = 0) -> dict[str, Any]:
    return {"status": status, "total": 10, "succeeded": 10 - failed, "failed": failed, "reason": ""}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "CANCELED", "CANCELING", "PENDING", "EXECUTING"])
@pytest.mark.parametrize("failed", [0, 3])
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_only_an_export_task_that_succeeded_without_a_failed_file_verifies(
    definition: Definition, status: str, failed: int, delete: bool, late: bool
) -> None:
    since = 0 if late else NOW
    given = {"task": task(status, failed), "deleteLustre": delete, "since": since, "failures": []}
    target, assigned = choose(
        definition, "IsExportComplete", taskId="task-1", fileSystemId=FILE_SYSTEM, keepReason="earlier", **given
    )
    good = status == "SUCCEEDED" and failed == 0
    assert assigned.get("verified", False) is good
    if good:
        assert assigned["keepReason"] == ("" if delete else "deleteLustre is false")
        assert "failures" not in assigned
    elif status in ("PENDING", "EXECUTING") and not late:
        assert (target, assigned) == ("WaitForExportTask", {})
    else:
        assert assigned["keepReason"]
        assert assigned["failures"][0]["Error"] == (
            "ExportTimedOut" if status in ("PENDING", "EXECUTING") else "ExportIncomplete"
        )
        assert FILE_SYSTEM in assigned["failures"][0]["Cause"]


def test_an_incomplete_export_says_how_many_files_and_where_they_are_listed(definition: Definition) -> None:
    given = {"task": task("FAILED", 3), "deleteLustre": True, "since": NOW, "failures": [], "keepReason": ""}
    _, assigned = choose(definition, "IsExportComplete", taskId="task-1", fileSystemId=FILE_SYSTEM, **given)
    cause = assigned["failures"][0]["Cause"]
    assert cause.startswith(f"3 of 10 files of {FILE_SYSTEM} could not be exported")
    assert "/lustre-batch-reports/task-task-1/failures.csv" in cause


def test_automatic_export_counts_as_off_only_when_the_association_is_available_and_reads_back_so(
    definition: Definition,
) -> None:
    given = {"associationId": "dra-1", "associationReason": "", "fileSystemId": FILE_SYSTEM, "failures": []}
    for status in ("CREATING", "AVAILABLE", "MISCONFIGURED", "UPDATING", "DELETING", "FAILED"):
        for on in (True, False):
            target, assigned = choose(
                definition, "IsAutoExportOff", associationStatus=status, exportIsOn=on, since=NOW, **given
            )
            assert (target == "CreateExportTask") is (status == "AVAILABLE" and not on), (status, on)
            assert bool(assigned.get("keepReason")) is (status in ("MISCONFIGURED", "DELETING", "FAILED")), status


def test_a_queue_that_was_seen_empty_is_followed_by_the_proof_that_was_asked_for(definition: Definition) -> None:
    def after(empty: bool, by_task: bool, delete: bool, since: int = NOW) -> tuple[str, dict[str, Any]]:
        given = {"queueReason": "", "fileSystemId": FILE_SYSTEM, "failures": [], "since": since}
        asked = {"queueIsEmpty": empty, "verifyByTask": by_task, "deleteLustre": delete}
        return choose(definition, "IsQueueEmpty", **given, **asked)

    assert after(True, by_task=True, delete=True)[0] == "DisableAutoExport"
    assert after(True, by_task=True, delete=False)[0] == "DescribeExportingAssociation"
    assert after(True, by_task=False, delete=True)[0] == "DescribeExportingAssociation"
    assert after(False, by_task=True, delete=True) == ("WaitForCheckMetrics", {})
    target, assigned = after(False, by_task=True, delete=True, since=0)
    assert (target, assigned["failures"][0]["Error"]) == ("QueueNotSeenEmpty", "ExportQueueTimedOut")


@pytest.mark.parametrize("logged", [0, 1, 10])
@pytest.mark.parametrize("delete", [True, False])
def test_without_a_task_a_single_logged_failure_keeps_the_file_system(
    definition: Definition, logged: int, delete: bool
) -> None:
    given = {"deleteLustre": delete, "failures": [], "fileSystemId": FILE_SYSTEM, "nextToken": ""}
    _, assigned = choose(definition, "WereExportErrorsLogged", logged=logged, **given)
    assert assigned.get("verified", False) is (logged == 0)
    assert bool(assigned.get("keepReason")) is (logged > 0 or not delete)
    if logged:
        assert assigned["failures"][0]["Error"] == "ExportIncomplete"


def test_how_the_export_is_verified_is_what_the_settings_say(definition: Definition) -> None:
    by_metrics = definition_of(record_stack({"exportVerification": "metrics"}))
    for given, wanted in ((definition, True), (by_metrics, False)):
        assert evaluate(given.states["StartRun"]["Assign"]["verifyByTask"]) is wanted


# ---------------------------------------------------------------------- finding what a run created
def file_system(execution: str = RUN, **tags: str) -> dict[str, Any]:
    all_tags = {"lustre-batch:execution": execution, "lustre-batch:stack": STACK} | {
        key.replace("_", ":", 1): value for key, value in tags.items()
    }
    pairs = [{"Key": key.replace("lustre:batch:", "lustre-batch:"), "Value": value} for key, value in all_tags.items()]
    return {"FileSystemId": FILE_SYSTEM, "Tags": pairs}


def found(definition: Definition, entry: str, *file_systems: dict[str, Any]) -> Any:
    text = definition.states["FindWhatWasCreated"]["Assign"]["found"]
    return evaluate(text, {"result": {"FileSystems": list(file_systems)}}, target=RUN, entry=entry)


RETAINED = {"Key": "lustre-batch:retained", "Value": "ExportIncomplete"}
KEPT = {"Key": "lustre-batch:deleteLustre", "Value": "false"}


def test_only_the_file_system_of_the_execution_in_question_is_found(definition: Definition) -> None:
    ours, others = file_system(), file_system(RUN + "-2")
    bare = {"FileSystemId": "fs-2", "Tags": []}
    untagged = {"FileSystemId": "fs-3"}
    for entry in ("run", "reclaim", "clean-up"):
        assert [each["id"] for each in found(definition, entry, others, ours, bare, untagged)] == [FILE_SYSTEM]
        assert found(definition, entry, others, bare, untagged) == []
        assert found(definition, entry) == []


def test_a_file_system_that_is_kept_is_found_by_a_reclaim_only(definition: Definition) -> None:
    kept = file_system()
    kept["Tags"].append(RETAINED)
    assert [len(found(definition, entry, kept)) for entry in ("run", "clean-up", "reclaim")] == [0, 0, 1]


def test_a_clean_up_run_knows_whether_the_run_was_to_delete_its_file_system(definition: Definition) -> None:
    kept = file_system()
    kept["Tags"].append(KEPT)
    given = {"nextToken": "", "associationId": ""}
    for entry, listed, delete in [
        ("clean-up", found(definition, "clean-up", kept), False),
        ("reclaim", found(definition, "reclaim", kept), True),
        ("clean-up", found(definition, "clean-up", file_system()), True),
    ]:
        target, assigned = choose(definition, "HasMoreFileSystems", found=listed, entry=entry, **given)
        assert target == "FindAssociation"
        assert assigned["deleteLustre"] is delete
        assert assigned["fileSystemId"] == FILE_SYSTEM


@pytest.mark.parametrize("answer", [{"Tags": []}, {}, {"Tags": [{"Key": "Name", "Value": "x"}]}])
def test_a_file_system_without_our_tag_is_refused_rather_than_reclaimed(
    definition: Definition, answer: dict[str, Any]
) -> None:
    read = definition.states["FindReclaimedFileSystem"]["Assign"]["reclaimedTags"]
    tags = evaluate(read, {"result": {"FileSystems": [answer]}})
    target, assigned = choose(definition, "IsReclaimedFileSystemOurs", reclaimedTags=tags, fileSystemId=FILE_SYSTEM)
    assert (target, assigned["failures"][0]["Error"]) == ("Summarise", "InvalidParameter")


def test_a_file_system_with_our_tag_is_reclaimed_for_the_execution_that_made_it(definition: Definition) -> None:
    read = definition.states["FindReclaimedFileSystem"]["Assign"]["reclaimedTags"]
    tags = evaluate(read, {"result": {"FileSystems": [file_system()]}})
    assert choose(definition, "IsReclaimedFileSystemOurs", reclaimedTags=tags) == ("IsTargetRunning", {"target": RUN})


# ---------------------------------------------------------------------- the end
@pytest.mark.parametrize(
    ("failures", "end"),
    [([], "Succeeded"), ([FAILURE], "Failed"), ([{"Error": "CleanUpGaveUp", "Cause": "x"}], "Succeeded")],
)
def test_an_execution_fails_with_its_failure_but_one_that_gave_up_must_not_start_another(
    definition: Definition, failures: list[Any], end: str
) -> None:
    over = {"entry": "run", "attempt": 1, "blind": False, "jobsMayLive": False, "retained": []}
    assert choose(definition, "HasFailed", failures=failures, **over)[0] == end


@pytest.mark.parametrize(
    ("left", "again"),
    [
        ({}, False),
        ({"blind": True}, True),
        ({"jobsMayLive": True}, True),
        ({"retained": [{"type": "launch-template", "id": "lt-1", "reason": "x"}]}, True),
        ({"retained": [{"type": "file-system", "id": FILE_SYSTEM, "reason": "x"}]}, False),
        ({"blind": True, "attempt": 4}, False),
        ({"blind": True, "entry": "run"}, False),
        ({"blind": True, "failures": [{"Error": "CleanUpGaveUp", "Cause": "x"}]}, False),
    ],
)
def test_a_clean_up_run_tries_again_a_counted_number_of_times_while_anything_is_left_or_unknown(
    definition: Definition, left: dict[str, Any], again: bool
) -> None:
    given = {
        "entry": "clean-up",
        "attempt": 1,
        "blind": False,
        "jobsMayLive": False,
        "retained": [],
        "failures": [FAILURE],
    }
    assert (choose(definition, "HasFailed", **(given | left))[0] == "WaitBeforeNextCleanUp") is again
    assert evaluate(definition.states["StartNextCleanUp"]["Assign"]["attempt"], attempt=3) == 4


def test_the_first_failure_stays_the_executions_error(definition: Definition) -> None:
    """Whatever else goes wrong afterwards, in every catcher and verdict of the clean-up."""
    failures = [
        each["Assign"]["failures"]
        for state in definition.states.values()
        for each in [state, *state.get("Catch", []), *state.get("Choices", [])]
        if str(each.get("Assign", {}).get("failures", "")).startswith("{% $append($failures, ")
    ]
    assert len(failures) > 20
    for text in failures:
        assert evaluate(text, {"errorOutput": {"Error": "E", "Cause": "C"}}, failures=[FAILURE])[0] == FAILURE


def test_a_clean_up_finds_the_job_of_a_run_that_began_before_the_environment_was_renamed(
    definition: Definition,
) -> None:
    """A job that is not found counts as never started: its file system would be deleted unexported, under its feet."""
    renamed = definition_of(record_stack({"envName": "Renamed"}))
    assert renamed.states["FindJobs"]["Arguments"] == definition.states["FindJobs"]["Arguments"]


def test_a_log_is_read_to_its_last_page_before_it_counts_as_empty(definition: Definition) -> None:
    """SDK FilterLogEvents: a page may be empty although more follow; only the absence of nextToken is the end."""
    ahead = evaluate(
        definition.states["ReadExportErrors"]["Assign"], {"result": {"Events": [], "NextToken": "more"}}, logged=0
    )
    assert "more" in ahead.values()
    assert choose(definition, "WereExportErrorsLogged", logged=0, nextToken="more")[0] == "ReadExportErrors"
