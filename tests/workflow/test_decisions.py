"""The choices on which data and money depend, each asked with every kind of answer it can be given."""

from __future__ import annotations

import itertools
import string
from typing import Any

import pytest

from tests.graph.recording import record_stack
from tests.workflow.asl import sdk_tasks
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, NOW, RUN, STACK, choose, evaluate

LATE, EARLY = NOW + 1, NOW - 1  # after and before the last job's end
STATUSES = ["PENDING", "EXECUTING", "SUCCEEDED", "FAILED", "CANCELED", "CANCELING"]
LIFECYCLES = ["CREATING", "AVAILABLE", "MISCONFIGURED", "UPDATING", "DELETING", "FAILED"]
LISTS: dict[str, Any] = {"pending": [], "retained": [], "removed": [], "leaveReason": ""}
REASON = {"type": "file-system", "id": FILE_SYSTEM, "reason": "an earlier one"}


def pending(assigned: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["type"], each["id"]) for each in assigned.get("pending", [])]


def left(assigned: dict[str, Any]) -> bool:
    """Whether the file system is left to the next clean-up, which is told why."""
    return bool(assigned.get("leaveReason"))


@pytest.fixture(scope="module")
def by_metrics() -> Definition:
    return definition_of(record_stack({"exportVerification": "metrics"}), "clean_up")


# ---------------------------------------------------------------------- rule 1, asked twice
@pytest.mark.parametrize(("written", "verified"), list(itertools.product([True, False], repeat=2)))
def test_a_file_system_is_considered_for_deletion_only_when_verified_or_never_written_to(
    clean_up: Definition, written: bool, verified: bool
) -> None:
    given = {"fileSystemId": FILE_SYSTEM, "deleting": False, **LISTS}
    target, assigned = choose(clean_up, "MayDeleteFileSystem", **given, wasWrittenTo=written, verified=verified)
    may_go = verified or not written
    assert target == ("ReadAssociationBeforeDeletion" if may_go else "LookAtFileSystem")
    assert left(assigned) is not may_go


@pytest.mark.parametrize("list_", ["pending", "retained", "removed"])
def test_a_file_system_that_is_named_as_staying_or_gone_is_not_deleted_whatever_was_verified(
    clean_up: Definition, list_: str
) -> None:
    given = {"fileSystemId": FILE_SYSTEM, "deleting": False, "wasWrittenTo": False, "verified": True}
    lists = LISTS | {list_: [REASON]}
    assert choose(clean_up, "MayDeleteFileSystem", **given, **lists) == ("IsTemplateReleased", {})


@pytest.mark.parametrize("verified", [True, False])
def test_a_file_system_that_is_left_to_the_next_clean_up_is_looked_at_and_named_if_it_is_there(
    clean_up: Definition, verified: bool
) -> None:
    given = {"fileSystemId": FILE_SYSTEM, "deleting": False, "wasWrittenTo": True, "verified": verified, **LISTS}
    assert choose(clean_up, "MayDeleteFileSystem", **(given | {"leaveReason": "why"})) == ("LookAtFileSystem", {})
    look, leave = clean_up.states["LookAtFileSystem"], clean_up.states["LeaveFileSystem"]
    assert [catcher["Next"] for catcher in look["Catch"]] == ["IsTemplateReleased", "LeaveFileSystem"]
    assert look["Catch"][0]["ErrorEquals"] == ["Fsx.FileSystemNotFoundException", "FSx.FileSystemNotFoundException"]
    assert (look["Next"], leave["Next"]) == ("LeaveFileSystem", "IsTemplateReleased")
    of_others = evaluate(look["Assign"], {"result": {"FileSystems": [{"Lifecycle": "DELETING"}]}}, failure={}, **given)
    assert (of_others["failure"].get("Error") == "ExportIncomplete") is not verified
    named = evaluate(leave["Assign"], fileSystemId=FILE_SYSTEM, leaveReason="why", pending=[])
    assert named == {"pending": [{"type": "file-system", "id": FILE_SYSTEM, "reason": "why"}]}


@pytest.mark.parametrize("change", ["none", "failure", "verified", "deleting", "not written to"])
def test_what_somebody_else_deletes_before_its_export_was_verified_fails_the_run(
    clean_up: Definition, change: str
) -> None:
    given: dict[str, Any] = {"fileSystemId": FILE_SYSTEM, "verified": False, "deleting": False, "failure": {}}
    given |= {"wasWrittenTo": change != "not written to", "removed": []}
    changes: dict[str, dict[str, Any]] = {
        "failure": {"failure": FAILURE},
        "verified": {"verified": True},
        "deleting": {"deleting": True},
    }
    given |= changes.get(change, {})
    for name in ("DisableAutoExport", "FindExportTasks", "CreateExportTask", "DescribeQueuedAssociation"):
        gone = clean_up.states[name]["Catch"][0]
        assert (gone["Next"], gone["ErrorEquals"][0]) == ("IsEnvironmentReleased", "Fsx.FileSystemNotFoundException")
        told = evaluate(gone["Assign"], **given)
        assert told["removed"] == [{"type": "file-system", "id": FILE_SYSTEM}]
        assert (told["failure"].get("Error") == "ExportIncomplete") is (change == "none")


def test_without_a_file_system_there_is_nothing_to_delete_and_a_deletion_under_way_is_waited_for(
    clean_up: Definition,
) -> None:
    given = {"wasWrittenTo": True, "verified": False, **LISTS}
    nothing = choose(clean_up, "MayDeleteFileSystem", fileSystemId="", deleting=False, **given)
    assert nothing == ("IsTemplateReleased", {})
    under_way = choose(clean_up, "MayDeleteFileSystem", fileSystemId=FILE_SYSTEM, deleting=True, **given)
    assert under_way[0] == "WaitForDeletion"


def task(status: str, failed: int = 0, created_at: int = LATE, number: int = 1) -> dict[str, Any]:
    return {
        "id": f"task-{number}",
        "status": status,
        "createdAt": created_at,
        "total": 10,
        "failed": failed,
        "reason": "",
    }


GOOD = [task("SUCCEEDED")]
NOT_GOOD = {
    "none": [],
    "failed": [task("FAILED")],
    "failed files": [task("SUCCEEDED", 3)],
    "before the job's end": [task("SUCCEEDED", created_at=EARLY)],
    "at the job's end": [task("SUCCEEDED", created_at=NOW)],
    "under way": [task("EXECUTING")],
    "cancelled": [task("CANCELED")],
}


def may_delete_now(definition: Definition, **changes: Any) -> tuple[str, dict[str, Any]]:
    given: dict[str, Any] = {
        "importing": [],
        "since": NOW,
        "wasWrittenTo": True,
        "reclaim": False,
        "wasBroken": False,
        "exportEvents": 0,
        "associationStatus": "AVAILABLE",
        "tasks": GOOD,
        "jobStoppedAt": NOW,
        "pending": [],
        "fileSystemId": FILE_SYSTEM,
    }
    return choose(definition, "MayDeleteNow", **(given | changes))


@pytest.mark.parametrize("events", [0, 1, 3])
@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("reclaim", [True, False])
@pytest.mark.parametrize("tasks", ["good", *NOT_GOOD])
def test_right_before_the_deletion_export_is_off_and_a_task_over_everything_has_succeeded_since_the_jobs_end(
    clean_up: Definition, events: int, written: bool, reclaim: bool, tasks: str
) -> None:
    listed = {"good": GOOD, **NOT_GOOD}[tasks]
    target, assigned = may_delete_now(
        clean_up, exportEvents=events, wasWrittenTo=written, tasks=listed, reclaim=reclaim
    )
    may_go = not written or (events == 0 and tasks == "good")
    assert target == ("DeleteFileSystem" if may_go else "LookAtFileSystem")
    assert left(assigned) is not may_go


@pytest.mark.parametrize("events", [0, 1, 2, 3])
@pytest.mark.parametrize("status", LIFECYCLES)
@pytest.mark.parametrize("reclaim", [True, False])
def test_without_a_task_the_association_must_still_export_everything_right_before_the_deletion(
    by_metrics: Definition, events: int, status: str, reclaim: bool
) -> None:
    target, _ = may_delete_now(by_metrics, tasks=[], exportEvents=events, associationStatus=status, reclaim=reclaim)
    assert (target == "DeleteFileSystem") is (events == 3 and status == "AVAILABLE" and not reclaim)


def test_a_setting_that_asks_for_a_task_is_not_content_with_a_quiet_queue(clean_up: Definition) -> None:
    assert may_delete_now(clean_up, tasks=[], exportEvents=3)[0] == "LookAtFileSystem"


def test_after_a_link_was_broken_only_a_task_verifies_the_export(by_metrics: Definition) -> None:
    """What changed meanwhile never entered the queue."""
    given = {"queueIsEmpty": True, "mayDelete": True, "reclaim": False, "since": NOW}
    assert choose(by_metrics, "IsQueueEmpty", **given, wasBroken=True)[0] == "DisableAutoExport"
    assert may_delete_now(by_metrics, tasks=[], exportEvents=3, wasBroken=True)[0] == "LookAtFileSystem"
    assert may_delete_now(by_metrics, exportEvents=0, wasBroken=True)[0] == "DeleteFileSystem"


def test_an_import_in_the_way_of_a_deletion_is_cancelled_until_its_time_is_up(clean_up: Definition) -> None:
    assert may_delete_now(clean_up, importing=["task-9"])[0] == "CancelImport"
    assert may_delete_now(clean_up, importing=["task-9"], since=0)[0] == "DeleteFileSystem"
    not_verified = may_delete_now(clean_up, importing=["task-9"], since=0, tasks=[])
    assert not_verified[0] == "LookAtFileSystem"


def data_repository_task(kind: str, status: str, number: int) -> dict[str, Any]:
    return {
        "TaskId": f"task-{number}",
        "Type": kind,
        "Lifecycle": status,
        "CreationTime": "2024-05-06T07:08:09.123Z",
        "Paths": ["scratch"],
    }


def test_only_imports_that_have_not_ended_are_in_the_way_and_export_tasks_never_are(clean_up: Definition) -> None:
    listed = [
        data_repository_task(kind, status, number)
        for number, (kind, status) in enumerate(
            itertools.product(["EXPORT_TO_REPOSITORY", "IMPORT_METADATA_FROM_REPOSITORY"], STATUSES)
        )
    ]
    read = evaluate(clean_up.states["ReadTasksBeforeDeletion"]["Assign"], {"result": {"DataRepositoryTasks": listed}})
    assert read["importing"] == ["task-6", "task-7", "task-11"]
    assert [each["id"] for each in read["tasks"]] == [f"task-{number}" for number in range(6)]
    assert evaluate(clean_up.states["CancelImport"]["Arguments"], **read) == {"TaskId": "task-6"}


# ---------------------------------------------------------------------- is there anything to export
def anything_to_export(clean_up: Definition, **changes: Any) -> tuple[str, dict[str, Any]]:
    given: dict[str, Any] = {
        "fileSystemId": FILE_SYSTEM,
        "deleting": False,
        "wasWrittenTo": True,
        "associationId": "dra-1",
        "associationStatus": "AVAILABLE",
        "associationReason": "so FSx says",
        "exportEvents": 3,
        "reclaim": False,
    }
    return choose(clean_up, "IsThereAnythingToExport", **(given | changes))


def test_what_holds_nothing_or_goes_already_needs_no_export(clean_up: Definition) -> None:
    for nothing in ({"fileSystemId": ""}, {"deleting": True}, {"wasWrittenTo": False}):
        assert anything_to_export(clean_up, **nothing)[0] == "IsEnvironmentReleased", nothing


@pytest.mark.parametrize("status", LIFECYCLES)
@pytest.mark.parametrize("events", [0, 1, 2, 3])
def test_how_a_file_system_is_exported_depends_on_its_link_alone(
    clean_up: Definition, status: str, events: int
) -> None:
    target, _ = anything_to_export(clean_up, associationStatus=status, exportEvents=events)
    by_status = {"FAILED": "KeepFileSystem", "DELETING": "KeepFileSystem", "MISCONFIGURED": "NoteBrokenAssociation"}
    by_events = ["FindExportTasks", "NoteBrokenAssociation", "NoteBrokenAssociation", "WaitForFirstDatapoint"][events]
    assert target == by_status.get(status, by_events)


def test_a_reclaim_wants_a_task_of_its_own(clean_up: Definition) -> None:
    """What an earlier task exported says nothing about what other hands wrote since."""
    for reclaim in (True, False):
        _, assigned = anything_to_export(clean_up, exportEvents=0, reclaim=reclaim)
        assert assigned["taskWanted"] is reclaim


@pytest.mark.parametrize("status", [*LIFECYCLES, "UNKNOWN"])
@pytest.mark.parametrize("events", [0, 1, 2, 3])
@pytest.mark.parametrize("late", [True, False])
def test_a_link_is_mended_once_and_then_left_to_the_sweep(
    clean_up: Definition, status: str, events: int, late: bool
) -> None:
    given = {"associationStatus": status, "exportEvents": events, "since": 0 if late else NOW}
    target, _ = choose(clean_up, "IsAssociationMended", **given)
    if status in ("AVAILABLE", "FAILED") and events in (0, 3):
        assert target == "IsThereAnythingToExport"
    else:
        assert target == ("LeaveMisconfigured" if late or status == "MISCONFIGURED" else "WaitForMending")


def test_a_link_that_cannot_be_mended_is_said_to_wait_for_somebody(clean_up: Definition) -> None:
    given = {"associationId": "dra-1", "associationStatus": "MISCONFIGURED", "associationReason": "why"}
    said = evaluate(clean_up.states["LeaveMisconfigured"]["Assign"], **given, exportEvents=3)
    assert said["lasting"] is True
    assert said["leaveReason"].endswith("dra-1 is MISCONFIGURED and exports 3 of 3 kinds of changes: why")


def test_mending_sends_the_policies_as_they_were(clean_up: Definition) -> None:
    sent = clean_up.states["MendAssociation"]["Arguments"]["S3"]
    every = ["NEW", "CHANGED", "DELETED"]
    assert evaluate(sent, exportEvents=3) == {
        "AutoImportPolicy": {"Events": every},
        "AutoExportPolicy": {"Events": every},
    }
    assert evaluate(sent, exportEvents=0)["AutoExportPolicy"] == {"Events": []}


# ---------------------------------------------------------------------- the queue
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("reclaim", [True, False])
@pytest.mark.parametrize("verification", ["task", "metrics"])
def test_a_queue_that_was_seen_empty_is_followed_by_the_proof_that_was_asked_for(
    clean_up: Definition, by_metrics: Definition, delete: bool, reclaim: bool, verification: str
) -> None:
    given = {"queueIsEmpty": True, "mayDelete": delete, "reclaim": reclaim, "wasBroken": False, "since": 0}
    target, _ = choose({"task": clean_up, "metrics": by_metrics}[verification], "IsQueueEmpty", **given)
    by_task = delete and (verification == "task" or reclaim)
    assert target == ("DisableAutoExport" if by_task else "DescribeExportingAssociation")


def test_export_stays_on_until_the_queue_was_seen_empty(clean_up: Definition, by_metrics: Definition) -> None:
    """An export task carries neither deletions nor the old names of renames."""
    given: dict[str, Any] = {"queueIsEmpty": False, "mayDelete": True, "reclaim": True, "wasBroken": False}
    given |= {"fileSystemId": FILE_SYSTEM, "pending": []}
    for definition in (clean_up, by_metrics):
        assert choose(definition, "IsQueueEmpty", **given, queueReason="x", since=NOW) == ("WaitForCheckMetrics", {})
        target, assigned = choose(definition, "IsQueueEmpty", **given, queueReason="no datapoint", since=0)
        assert target == "IsEnvironmentReleased"
        assert "no datapoint" in assigned["leaveReason"]
        assert "retained" not in assigned


@pytest.mark.parametrize(("waited_minutes", "looked_at"), [(0, False), (14, False), (16, True), (60, True)])
def test_a_queue_that_takes_long_is_asked_whether_anything_leaves_it(
    clean_up: Definition, waited_minutes: int, looked_at: bool
) -> None:
    since = evaluate(f"{{% $millis() - {waited_minutes} * 60000 %}}")
    given = {"queueIsEmpty": False, "mayDelete": True, "reclaim": False, "wasBroken": False, "queueReason": "x"}
    target, _ = choose(clean_up, "IsQueueEmpty", **given, since=since)
    assert target == ("DescribeQueuedAssociation" if looked_at else "WaitForCheckMetrics")


@pytest.mark.parametrize("status", ["", *LIFECYCLES])
@pytest.mark.parametrize("events", [0, 1, 2, 3])
def test_a_link_that_broke_while_its_queue_drains_is_noted_and_left_to_the_next_clean_up_which_mends_it(
    clean_up: Definition, status: str, events: int
) -> None:
    given = {"associationId": "dra-1", "associationReason": "why"}
    target, assigned = choose(clean_up, "IsQueueServed", associationStatus=status, exportEvents=events, **given)
    served = status in ("AVAILABLE", "UPDATING") and events == 3
    assert target == ("WaitForCheckMetrics" if served else "NoteBreakWhileDraining")
    assert left(assigned) is not served
    assert clean_up.states["NoteBreakWhileDraining"]["Next"] == "IsEnvironmentReleased"


def test_the_function_is_asked_for_a_quiet_window_only_where_no_task_verifies(
    clean_up: Definition, by_metrics: Definition
) -> None:
    given = {
        "fileSystemId": FILE_SYSTEM,
        "jobStoppedAt": NOW,
        "parameters": {"lambdaPeriodSeconds": 60, "lambdaTimeDiffMinutes": 15},
    }
    asked = {"fileSystemId": FILE_SYSTEM, "jobStoppedAt": NOW, "periodSeconds": 60, "timeDiffMinutes": 15}
    for definition, reclaim, quiet in [
        (clean_up, False, {}),
        (clean_up, True, {}),
        (by_metrics, False, {"quietMinutes": 15}),
        (by_metrics, True, {}),
    ]:
        payload = definition.states["CheckMetrics"]["Arguments"]["Payload"]
        assert evaluate(payload, **given, reclaim=reclaim, wasBroken=False, mayDelete=True) == asked | quiet
        assert evaluate(payload, **given, reclaim=reclaim, wasBroken=True, mayDelete=True) == asked
        kept = evaluate(payload, **given, reclaim=reclaim, wasBroken=False, mayDelete=False)
        assert kept == asked | {"quietMinutes": 15}


# ---------------------------------------------------------------------- verification without a task
@pytest.mark.parametrize("status", [*LIFECYCLES, "not known (Fsx.InternalServerErrorException)"])
@pytest.mark.parametrize("events", [0, 1, 2, 3])
def test_without_a_task_only_an_association_that_exports_everything_proves_anything(
    clean_up: Definition, status: str, events: int
) -> None:
    given = {"associationId": "dra-1", "associationReason": "", "fileSystemId": FILE_SYSTEM, "pending": []}
    target, assigned = choose(
        clean_up, "IsAssociationExporting", associationStatus=status, exportEvents=events, **given
    )
    exports = (status, events) == ("AVAILABLE", 3)
    assert target == ("FindExportLog" if exports else "NoteBreakWhileDraining")
    assert left(assigned) is not exports


def test_a_log_that_does_not_exist_proves_nothing_so_that_a_task_has_to(clean_up: Definition) -> None:
    seen = clean_up.states["FindExportLog"]["Assign"]["logExists"]
    assert evaluate(seen, {"result": {"LogStreams": []}}) is False
    assert evaluate(seen, {"result": {}}) is False
    assert evaluate(seen, {"result": {"LogStreams": [{"LogStreamName": "x"}]}}) is True
    assert choose(clean_up, "DoesExportLogExist", logExists=True, mayDelete=True)[0] == "ReadExportErrors"
    assert choose(clean_up, "DoesExportLogExist", logExists=True, mayDelete=False)[0] == "ReadExportErrors"
    assert choose(clean_up, "DoesExportLogExist", logExists=False, mayDelete=True)[0] == "DisableAutoExport"
    target, assigned = choose(clean_up, "DoesExportLogExist", logExists=False, mayDelete=False)
    assert (target, assigned["keepReason"]) == ("KeepFileSystem", "deleteLustre is false")
    assert "verified" not in assigned


@pytest.mark.parametrize(
    ("messages", "refused"),
    [
        ([], 0),
        (["S3ExportResourceBusy: tried again"], 0),
        (["S3ImportUnsupportedTier", "S3ImportPathSizeTooLong"], 0),
        (["S3ExportAccessDenied"], 1),
        (["PathSizeTooLong", "FileSizeTooLarge", "S3ExportResourceBusy"], 2),
        (["something that nobody has seen yet"], 1),
        (["PathSizeTooLong: /scratch/S3Import/a.dat"], 1),
        (["PathSizeTooLong: key S3ImportantFiles/a.dat"], 1),
        (["S3ExportAccessDenied: S3ImportThing"], 1),
        (["S3ImportUnsupportedTier: /scratch/S3ExportedFiles/a"], 0),
        (['{"code":"S3ImportUnsupportedTier","path":"/scratch/a"}', '{"path":"/S3Import","code":"AccessDenied"}'], 1),
    ],
)
def test_of_the_log_only_exports_that_failed_count(clean_up: Definition, messages: list[str], refused: int) -> None:
    events = [{"Message": message} for message in messages]
    read = evaluate(clean_up.states["ReadExportErrors"]["Assign"], {"result": {"Events": events}})
    assert read == {"refused": refused, "nextToken": ""}


@pytest.mark.parametrize("refused", [0, 1, 10])
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("next_token", ["", "more"])
@pytest.mark.parametrize("broken", [True, False])
def test_a_single_logged_failure_keeps_the_file_system_and_a_log_is_read_to_its_last_page(
    clean_up: Definition, refused: int, delete: bool, next_token: str, broken: bool
) -> None:
    """SDK FilterLogEvents: a page may be empty although more follow; only the absence of nextToken is the end."""
    given = {"mayDelete": delete, "fileSystemId": FILE_SYSTEM, "nextToken": next_token, "wasBroken": broken}
    target, assigned = choose(clean_up, "WereExportErrorsLogged", refused=refused, **given)
    if refused:
        assert (target, assigned["failure"]["Error"]) == ("KeepFileSystem", "ExportIncomplete")
        assert assigned["keepReason"] == "files could not be exported"
    elif next_token:
        assert (target, assigned) == ("ReadExportErrors", {})
    else:
        assert target == ("IsEnvironmentReleased" if delete else "KeepFileSystem")
        assert assigned.get("keepReason") == (None if delete else "deleteLustre is false")
    # With a broken link a task verifies before this, unless the file system stays.
    assert assigned.get("verified", False) is (not refused and not next_token and (delete or not broken))


# ---------------------------------------------------------------------- verification by a task
@pytest.mark.parametrize("status", [*LIFECYCLES, "UNKNOWN"])
@pytest.mark.parametrize("events", [0, 1, 3])
@pytest.mark.parametrize("late", [True, False])
def test_automatic_export_counts_as_off_only_when_the_association_is_available_and_reads_back_so(
    clean_up: Definition, status: str, events: int, late: bool
) -> None:
    given = {"associationId": "dra-1", "associationReason": "", "fileSystemId": FILE_SYSTEM, "pending": []}
    target, assigned = choose(
        clean_up,
        "IsAutoExportOff",
        associationStatus=status,
        exportEvents=events,
        since=0 if late else NOW,
        reclaim=False,
        **given,
    )
    if status == "AVAILABLE" and events == 0:
        assert (target, assigned["tasks"], assigned["taskWanted"]) == ("FindExportTasks", [], False)
    elif late or status in ("MISCONFIGURED", "FAILED", "DELETING"):
        assert (target, left(assigned)) == ("IsEnvironmentReleased", True)
    else:
        assert (target, assigned) == ("WaitForAutoExportOff", {})


def verified(clean_up: Definition, *tasks: dict[str, Any], **changes: Any) -> tuple[str, dict[str, Any]]:
    given: dict[str, Any] = {
        "taskWanted": False,
        "jobStoppedAt": NOW,
        "mayDelete": True,
        "since": NOW,
        "seen": True,
        "began": NOW,
        "fileSystemId": FILE_SYSTEM,
        "taskError": "",
        "pending": [],
    }
    return choose(clean_up, "IsExportVerified", tasks=list(tasks), **(given | changes))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("failed", [0, 3])
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("created_at", [EARLY, NOW, LATE])
@pytest.mark.parametrize("wanted", [True, False])
def test_only_a_task_that_began_after_the_jobs_end_and_succeeded_without_a_failed_file_verifies(
    clean_up: Definition, status: str, failed: int, delete: bool, created_at: int, wanted: bool
) -> None:
    one = task(status, failed, created_at)
    target, assigned = verified(clean_up, one, mayDelete=delete, taskWanted=wanted)
    counts = created_at == LATE and not wanted
    if counts and status == "SUCCEEDED" and failed == 0:
        assert assigned["verified"] is True
        assert target == ("IsEnvironmentReleased" if delete else "KeepFileSystem")
        assert assigned.get("keepReason") == (None if delete else "deleteLustre is false")
        assert "failure" not in assigned
        return
    assert "verified" not in assigned
    if status in ("PENDING", "EXECUTING", "CANCELING"):
        assert (target, assigned) == ("WaitForExportTask", {})
    elif counts and failed and status in ("SUCCEEDED", "FAILED"):
        assert (target, assigned["failure"]["Error"]) == ("KeepFileSystem", "ExportIncomplete")
        assert assigned["keepReason"] == "3 files could not be exported"
    else:
        assert (target, assigned) == ("CreateExportTask", {})


def test_an_incomplete_export_says_how_many_files_and_where_they_are_listed(clean_up: Definition) -> None:
    cause = verified(clean_up, task("FAILED", 3))[1]["failure"]["Cause"]
    assert cause.startswith(f"3 of 10 files of {FILE_SYSTEM} could not be exported (task task-1 FAILED)")
    assert "/lustre-batch-reports/task-task-1/failures.csv" in cause


def test_a_task_that_failed_as_a_whole_is_followed_by_one_more_and_the_next_by_the_next_sweep(
    clean_up: Definition,
) -> None:
    assert verified(clean_up)[0] == "CreateExportTask"
    assert verified(clean_up, task("FAILED"))[0] == "CreateExportTask"
    target, assigned = verified(clean_up, task("FAILED"), task("CANCELED", number=2))
    assert (target, left(assigned), assigned["lasting"]) == ("IsEnvironmentReleased", True, True)
    of_earlier_clean_ups = [task("FAILED", created_at=EARLY), task("CANCELED", created_at=EARLY, number=2)]
    assert verified(clean_up, *of_earlier_clean_ups)[0] == "CreateExportTask"
    assert verified(clean_up, task("FAILED"), task("SUCCEEDED", number=2))[1]["verified"] is True


def test_a_task_that_is_not_seen_is_not_created_twice(clean_up: Definition) -> None:
    assert verified(clean_up, seen=False)[0] == "WaitForExportTask"
    late, assigned = verified(clean_up, seen=False, since=0, taskError="Fsx.InternalServerErrorException")
    assert late == "IsEnvironmentReleased"
    assert assigned["leaveReason"].endswith("(cleanupTimeoutMinutes): Fsx.InternalServerErrorException")


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "SUCCEEDED"])
def test_a_task_that_is_not_over_in_time_leaves_the_file_system_to_the_next_sweep(
    clean_up: Definition, status: str
) -> None:
    target, assigned = verified(clean_up, task(status), since=0)
    assert (target, left(assigned)) == ("IsEnvironmentReleased", True)


def test_somebodys_own_task_over_a_part_proves_nothing(clean_up: Definition) -> None:
    whole = data_repository_task("EXPORT_TO_REPOSITORY", "SUCCEEDED", 1)
    part = data_repository_task("EXPORT_TO_REPOSITORY", "SUCCEEDED", 2) | {"Paths": ["scratch/part"]}
    imported = data_repository_task("IMPORT_METADATA_FROM_REPOSITORY", "SUCCEEDED", 3)
    answer = {"result": {"DataRepositoryTasks": [part, whole, imported]}}
    read = evaluate(clean_up.states["FindExportTasks"]["Assign"], answer)
    assert [each["id"] for each in read["tasks"]] == ["task-1"]
    assert read["tasks"][0]["createdAt"] == 1714979289123
    assert read["seen"] is True


# ---------------------------------------------------------------------- what is kept, and for how long
# Rule 5: kept for good by deleteLustre: false, by files that S3 refused, by a link that is broken for good. The fourth,
# a job that will not stop, is looked at again by every sweep.
KEPT_FOR = {
    "DoesExportLogExist": "deleteLustre is false",
    "WereExportErrorsLogged": "files could not be exported",
    "IsExportVerified": "files could not be exported",
    "IsThereAnythingToExport": "its data repository association",
}


def test_a_file_system_is_kept_for_good_for_the_reasons_of_rule_5_alone(clean_up: Definition) -> None:
    reasons: dict[str, list[str]] = {}
    for name, state in clean_up.states.items():
        for each in [state, *state.get("Choices", []), *state.get("Catch", [])]:
            if "keepReason" in each.get("Assign", {}):
                target = each.get("Next", state.get("Default"))
                assert target == "KeepFileSystem", name
                reasons.setdefault(name, []).append(each["Assign"]["keepReason"])
            else:
                ways = [each.get("Next")] if "Choices" not in each else [each["Default"]]
                assert "KeepFileSystem" not in ways, name
    assert set(reasons) == set(KEPT_FOR)
    for name, texts in reasons.items():
        for text in texts:
            assert text == "deleteLustre is false" or KEPT_FOR[name] in text, (name, text)


def test_the_tag_of_a_kept_file_system_is_one_that_fsx_takes(clean_up: Definition) -> None:
    """FSx API, Tag, Value: at most 256 characters of [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]."""
    tags = {tag["Key"]: tag for tag in clean_up.states["KeepFileSystem"]["Arguments"]["Tags"]}
    assert tags["lustre-batch:reclaimed"]["Value"] == "false"  # kept again, after a reclaim
    tag = tags["lustre-batch:retained"]
    value = evaluate(
        tag["Value"], keepReason="its link (dra-1) is FAILED: it's “broken”; see https://x/y?z=1 " + "é" * 300
    )
    assert len(value) <= 250
    assert set(value) <= set(string.ascii_letters + string.digits + " _.:/=+-@")
    assert evaluate(tag["Value"], keepReason="deleteLustre is false") == "deleteLustre is false"


@pytest.mark.parametrize("events", [0, 1, 3])
@pytest.mark.parametrize("status", LIFECYCLES)
def test_import_stops_on_a_kept_file_system_only_where_nothing_is_exported_any_more(
    clean_up: Definition, events: int, status: str
) -> None:
    target, _ = choose(clean_up, "MayImportGoOn", exportEvents=events, associationStatus=status)
    assert target == ("StopImport" if events == 0 and status == "AVAILABLE" else "IsEnvironmentReleased")


# ---------------------------------------------------------------------- the environment, templates, the lock
@pytest.mark.parametrize("status", ["VALID", "INVALID", "UPDATING", "UNKNOWN", "DELETED"])
@pytest.mark.parametrize("template", ["", "lt-1", "lt-other"])
@pytest.mark.parametrize("late", [True, False])
def test_a_template_is_deleted_only_when_the_environment_surely_names_it_no_more(
    clean_up: Definition, status: str, template: str, late: bool
) -> None:
    given = {"environmentStatus": status, "environmentTemplateId": template, "templateIds": ["lt-1"]}
    free = status not in ("UPDATING", "UNKNOWN") and template != "lt-1"
    waited = choose(clean_up, "HasEnvironmentLetGo", **given, since=0 if late else NOW)[0]
    again = "WaitForRelease" if status in ("UPDATING", "UNKNOWN") else "ReleaseEnvironmentAgain"
    assert waited == ("MayDeleteFileSystem" if free or late else again)
    target, assigned = choose(clean_up, "IsTemplateReleased", **given, environmentReason="x", pending=[])
    assert target == ("DeleteLaunchTemplate" if free else "Answer")
    assert pending(assigned) == ([] if free else [("launch-template", "lt-1")])


def test_only_an_environment_that_names_one_of_the_runs_templates_is_released(clean_up: Definition) -> None:
    for named, templates, released in [("lt-1", ["lt-1"], True), ("lt-2", ["lt-1"], False), ("", [], False)]:
        target, _ = choose(clean_up, "NamesEnvironmentTemplate", environmentTemplateId=named, templateIds=templates)
        assert (target == "ReleaseEnvironment") is released
    for name in ("ReleaseEnvironment", "ReleaseEnvironmentAgain"):
        resources = clean_up.states[name]["Arguments"]["ComputeResources"]
        assert resources == {"LaunchTemplate": {"LaunchTemplateId": ""}}


def test_the_lock_is_held_until_nothing_of_the_run_may_export_or_mount_any_more(clean_up: Definition) -> None:
    given = {"environmentStatus": "VALID", "environmentTemplateId": "", "templateIds": []}
    assert choose(clean_up, "IsTemplateReleased", **given, pending=[])[0] == "ReleaseLock"
    assert choose(clean_up, "IsTemplateReleased", **given, pending=[REASON])[0] == "Answer"
    of_no_matter = [{"type": "job-definition", "id": "x", "reason": "y"}]
    assert choose(clean_up, "IsTemplateReleased", **given, pending=of_no_matter)[0] == "ReleaseLock"


@pytest.mark.parametrize("remaining", [[], ["lt-1"], ["lt-2"]])
def test_a_template_counts_as_deleted_when_it_is_gone_whatever_the_deletion_answered(
    clean_up: Definition, remaining: list[str]
) -> None:
    given = {"templateIds": ["lt-1", "lt-2"], "removed": [], "pending": [], "deletionError": "x"}
    noted = evaluate(clean_up.states["NoteLaunchTemplate"]["Assign"], **given, remaining=remaining)
    gone = "lt-1" not in remaining
    assert [each["id"] for each in noted["removed"]] == (["lt-1"] if gone else [])
    assert pending(noted) == ([] if gone else [("launch-template", "lt-1")])
    assert noted["templateIds"] == ["lt-2"]


@pytest.mark.parametrize("status", ["CREATING", "AVAILABLE", "FAILED", "DELETING", "UNKNOWN"])
@pytest.mark.parametrize("error", ["", "Fsx.BadRequestException: no"])
@pytest.mark.parametrize("late", [True, False])
def test_a_file_system_counts_as_deleted_only_when_fsx_does_not_find_it(
    clean_up: Definition, status: str, error: str, late: bool
) -> None:
    given = {"fileSystemStatus": status, "deletionError": error, "since": 0 if late else NOW}
    target, assigned = choose(clean_up, "IsFileSystemDeleted", **given)
    given_up = late or (bool(error) and status not in ("DELETING", "UNKNOWN"))
    assert target == ("LookAtFileSystem" if given_up else "WaitForDeletion")
    assert left(assigned) is given_up
    gone = [
        each["Assign"]["removed"]
        for state in clean_up.states.values()
        for each in state.get("Catch", [])
        if "Fsx.FileSystemNotFoundException" in each["ErrorEquals"] and "removed" in each.get("Assign", {})
    ]
    assert len(set(gone)) == 1
    assert evaluate(gone[0], removed=[], fileSystemId=FILE_SYSTEM) == [{"type": "file-system", "id": FILE_SYSTEM}]


# ---------------------------------------------------------------------- finding what a run created
def file_system(execution: str = RUN, age_days: int = 400, **tags: str) -> dict[str, Any]:
    all_tags = {"execution": execution, "stack": STACK} | tags
    created = evaluate(f"{{% $fromMillis($millis() - {age_days} * 86400000 - 1000) %}}")
    pairs = [{"Key": f"lustre-batch:{key}", "Value": value} for key, value in all_tags.items()]
    return {"FileSystemId": FILE_SYSTEM, "Lifecycle": "AVAILABLE", "CreationTime": created, "Tags": pairs}


def found(clean_up: Definition, *file_systems: dict[str, Any], status: str = "FAILED", reclaim: bool = False) -> Any:
    text = clean_up.states["FindFileSystems"]["Assign"]["found"]
    given = {"executionTag": RUN, "targetStatus": status, "reclaim": reclaim, "found": []}
    return evaluate(text, {"result": {"FileSystems": list(file_systems)}}, **given)


def test_only_the_file_system_of_the_execution_in_question_is_found(clean_up: Definition) -> None:
    ours, others = file_system(), file_system(RUN + "-2")
    bare = {"FileSystemId": "fs-2", "Tags": [], "Lifecycle": "AVAILABLE", "CreationTime": ours["CreationTime"]}
    untagged = {"FileSystemId": "fs-3", "Lifecycle": "AVAILABLE", "CreationTime": ours["CreationTime"]}
    for reclaim in (True, False):
        listed = found(clean_up, others, ours, bare, untagged, reclaim=reclaim)
        assert [each["id"] for each in listed] == [FILE_SYSTEM]
        assert found(clean_up, others, bare, untagged, reclaim=reclaim) == []
        assert found(clean_up, reclaim=reclaim) == []


def test_a_file_system_that_is_kept_is_found_by_a_reclaim_only(clean_up: Definition) -> None:
    kept = file_system(retained="ExportIncomplete")
    assert [len(found(clean_up, kept, reclaim=reclaim)) for reclaim in (False, True)] == [0, 1]


def test_a_reclaim_that_could_not_finish_is_finished_by_the_next_sweep(clean_up: Definition) -> None:
    begun = file_system(retained="deleteLustre is false", deleteLustre="false", reclaimed="true")
    again = file_system(retained="ExportIncomplete", reclaimed="false")
    assert [len(found(clean_up, each, reclaim=False)) for each in (begun, again)] == [1, 0]
    given = {"nextToken": "", "kept": [], "retained": [], "pending": []}
    listed = found(clean_up, begun, reclaim=False)
    _, assigned = choose(clean_up, "AreThereMoreFileSystems", found=listed, reclaim=False, **given)
    assert (assigned["reclaim"], assigned["mayDelete"]) == (True, True)
    for name in ("NoteReclaim", "KeepFileSystem"):
        keys = [tag["Key"] for tag in clean_up.states[name]["Arguments"]["Tags"]]
        assert "lustre-batch:reclaimed" in keys, name


@pytest.mark.parametrize(("age_days", "seen"), [(0, 0), (2, 1)])
def test_an_execution_that_step_functions_does_not_know_is_over_only_if_what_it_made_is_older_than_a_day(
    clean_up: Definition, age_days: int, seen: int
) -> None:
    young = file_system(age_days=age_days)
    assert len(found(clean_up, young, status="UNKNOWN")) == seen
    assert len(found(clean_up, young, status="FAILED")) == 1


def test_a_clean_up_knows_whether_the_run_was_to_delete_its_file_system_and_whether_a_job_was_submitted(
    clean_up: Definition,
) -> None:
    given = {"nextToken": "", "kept": [], "retained": [], "pending": []}
    for tags, reclaim, delete, submitted in [
        ({"deleteLustre": "false"}, False, False, False),
        ({"deleteLustre": "false"}, True, True, False),
        ({"deleteLustre": "true", "submitted": "true"}, False, True, True),
        ({}, False, True, False),
    ]:
        listed = found(clean_up, file_system(RUN, 400, **tags), reclaim=reclaim)
        target, assigned = choose(clean_up, "AreThereMoreFileSystems", found=listed, reclaim=reclaim, **given)
        assert target == ("NoteReclaim" if reclaim else "FindLaunchTemplates")
        assert (assigned["mayDelete"], assigned["submitted"]) == (delete, submitted)
        assert (assigned["fileSystemId"], assigned["deleting"]) == (FILE_SYSTEM, False)


def test_every_file_system_of_a_run_is_named_and_each_clean_up_takes_one(clean_up: Definition) -> None:
    two = found(clean_up, file_system(), file_system() | {"FileSystemId": "fs-2", "Lifecycle": "DELETING"})
    given = {"nextToken": "", "kept": [], "retained": [], "pending": [], "reclaim": False}
    _, assigned = choose(clean_up, "AreThereMoreFileSystems", found=two, **given)
    assert (assigned["fileSystemId"], pending(assigned)) == (FILE_SYSTEM, [("file-system", "fs-2")])
    _, assigned = choose(clean_up, "AreThereMoreFileSystems", found=[], **given)
    assert (assigned["fileSystemId"], assigned["mayDelete"], assigned["submitted"], assigned["deleting"]) == (
        "",
        True,
        False,
        False,
    )
    more = given | {"nextToken": "more"}
    assert choose(clean_up, "AreThereMoreFileSystems", found=two, **more)[0] == "FindFileSystems"


@pytest.mark.parametrize("answer", [{"Tags": []}, {}, {"Tags": [{"Key": "Name", "Value": "x"}]}])
def test_a_file_system_without_our_tag_is_refused_rather_than_reclaimed(
    clean_up: Definition, answer: dict[str, Any]
) -> None:
    read = clean_up.states["DescribeReclaimedFileSystem"]["Assign"]["itsTags"]
    tags = evaluate(read, {"result": {"FileSystems": [answer]}})
    target, assigned = choose(clean_up, "IsReclaimedFileSystemOurs", itsTags=tags, fileSystemId=FILE_SYSTEM)
    assert (target, assigned["error"]) == ("CouldNotWork", "InvalidParameter")


@pytest.mark.parametrize(
    "name", ["run", "a=b", "=29", "=3D", "=3D29", "x!y'z(1)", "==''!!(())", "=21=27=28=29=3D", "naïve.2+1@-_"]
)
def test_the_tag_of_an_execution_leads_back_to_it(run: Definition, clean_up: Definition, name: str) -> None:
    execution = f"arn:aws:states:us-east-1:123456789012:execution:{STACK}:{name}"
    tag = evaluate(run.states["NameTag"]["Assign"]["executionTag"], target=execution)
    assert not set(tag) & set("!'()"), "FSx takes none of them (FSx API, Tag)"
    assert tag == evaluate(clean_up.states["MayCleanUp"]["Assign"]["executionTag"], target=execution)
    tags = file_system(execution=tag)["Tags"]
    assert choose(clean_up, "IsReclaimedFileSystemOurs", itsTags=tags) == ("DescribeTarget", {"target": execution})
    decode = clean_up.states["DecodeCandidates"]["Assign"]["candidates"]
    assert evaluate(decode, candidates=[tag, tag]) == [execution]
    assert evaluate(decode, candidates=[]) == []


def test_an_execution_name_is_taken_if_its_tag_can_be_made_and_refused_at_once_if_not(run: Definition) -> None:
    def after(name: str) -> str:
        context = {"context": {"Execution": {"Id": RUN, "Name": name}}}
        target = f"arn:aws:states:us-east-1:123456789012:execution:{STACK}:{name}"
        tag = evaluate(run.states["NameTag"]["Assign"]["executionTag"], target=target)
        leads_to, assigned = choose(run, "IsNameTaggable", context, executionTag=tag)
        if leads_to == "Summarise":
            assert assigned["failure"]["Error"] == "InvalidParameter"
        return leads_to

    # Step Functions API, StartExecution, name: without white space and <>{}[]?*"#%\^|~`$&,;:/
    taken = string.ascii_letters + string.digits + "-_.+=@!'()"
    assert {sign: after(f"a{sign}b") for sign in taken} == dict.fromkeys(taken, "GetParameters")
    assert after("a" * 80) == "GetParameters"
    assert after("(" * 80) == "Summarise"
    assert after("naïve") == after("日本") == "Summarise"


# ---------------------------------------------------------------------- who may work on what
@pytest.mark.parametrize(
    "status", ["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "UNKNOWN"]
)
@pytest.mark.parametrize("by_target", [True, False])
@pytest.mark.parametrize("reclaim", [True, False])
def test_only_a_clean_up_that_the_execution_itself_started_may_work_on_one_that_runs(
    clean_up: Definition, status: str, by_target: bool, reclaim: bool
) -> None:
    target, assigned = choose(
        clean_up, "MayCleanUp", targetStatus=status, byTarget=by_target, reclaim=reclaim, target=RUN
    )
    runs = status in ("RUNNING", "PENDING_REDRIVE")
    if by_target or not runs:
        assert target == "FindFileSystems"
    elif reclaim:
        assert (target, assigned["error"]) == ("CouldNotWork", "InvalidParameter")
    else:
        assert target == "Answer"


def test_the_execution_that_asks_is_known_to_run_although_step_functions_does_not_know_it_yet(
    clean_up: Definition,
) -> None:
    (unknown, _) = clean_up.states["DescribeTarget"]["Catch"]
    assert unknown["ErrorEquals"] == ["Sfn.ExecutionDoesNotExistException"]
    assert evaluate(unknown["Assign"], byTarget=True) == {"targetStatus": "RUNNING"}
    assert evaluate(unknown["Assign"], byTarget=False) == {"targetStatus": "UNKNOWN"}


# ---------------------------------------------------------------------- how a clean-up is entered
EVENT = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": {
        "executionArn": f"arn:aws:states:us-east-1:123456789012:execution:{STACK}:run",
        "stateMachineArn": f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK}",
        "status": "ABORTED",
    },
}
OURS = EVENT["detail"]["executionArn"]  # type: ignore[index]


def entered(clean_up: Definition, given: Any) -> tuple[str, dict[str, Any]]:
    return choose(clean_up, "Route", {"input": given, "context": {"Execution": {"Id": RUN, "Input": given}}})


def test_the_event_of_an_execution_that_ended_badly_starts_its_clean_up_after_a_minute(clean_up: Definition) -> None:
    target, assigned = entered(clean_up, EVENT)
    assert (target, assigned["candidates"], assigned["first"]) == ("WaitForLists", [OURS], True)
    assert clean_up.states["WaitForLists"]["Seconds"] == 60


@pytest.mark.parametrize(
    ("given", "target", "told"),
    [
        ({"sweep": True}, "SweepFileSystems", {"candidates": []}),
        ({"fileSystemId": FILE_SYSTEM}, "DescribeReclaimedFileSystem", {"fileSystemId": FILE_SYSTEM, "reclaim": True}),
        ({"execution": OURS}, "DescribeTarget", {"target": OURS, "byTarget": False, "reclaim": False}),
        ({"execution": OURS, "reclaim": True}, "DescribeTarget", {"target": OURS, "reclaim": True}),
        ({"execution": OURS, "first": True}, "DescribeTarget", {"target": OURS, "first": True}),
        (
            {"execution": OURS, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": OURS},
            "DescribeTarget",
            {"target": OURS, "byTarget": True},
        ),
        (
            {"execution": OURS, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": OURS + "-2"},
            "DescribeTarget",
            {"target": OURS, "byTarget": False},
        ),
    ],
)
def test_a_clean_up_takes_an_execution_a_file_system_or_a_sweep(
    clean_up: Definition, given: Any, target: str, told: dict[str, Any]
) -> None:
    leads_to, assigned = entered(clean_up, given)
    assert leads_to == target
    assert {key: assigned[key] for key in told} == told


def test_the_runs_parameters_count_for_its_clean_up_above_the_deployments(clean_up: Definition) -> None:
    own = entered(clean_up, {"execution": OURS, "parameters": {"waitForCheckMetricsSeconds": 7}})[1]["parameters"]
    default = entered(clean_up, {"execution": OURS, "parameters": "none"})[1]["parameters"]
    assert own == default | {"waitForCheckMetricsSeconds": 7}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"execution": ""},
        {"execution": "arn:aws:states:us-east-1:123456789012:execution:other:run"},
        {"execution": f"arn:aws:states:us-east-1:123456789012:execution:{STACK}:"},
        {"execution": "x" + f"arn:aws:states:us-east-1:123456789012:execution:{STACK}:run"},
        {"execution": [OURS]},
        {"execution": None},
        {"fileSystemId": ""},
        {"fileSystemId": "fs-"},
        {"fileSystemId": [FILE_SYSTEM]},
        {"sweep": "true"},
        {"sweep": False},
        EVENT | {"detail": EVENT["detail"] | {"stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:other"}},  # type: ignore[operator]
        EVENT | {"source": "aws.scheduler"},
        "text",
        "",
        5,
        [],
        [{"sweep": True}, {"sweep": True}],
        None,
        True,
    ],
)
def test_whatever_else_is_the_input_is_refused_at_once(clean_up: Definition, given: Any) -> None:
    target, assigned = entered(clean_up, given)
    assert (target, assigned["error"]) == ("CouldNotWork", "InvalidParameter")
    assert assigned["cause"].startswith("The input ")


@pytest.mark.parametrize("given", ["", "fs-", "fs-xyz", "text", 5, None, [], ["fs-1"], {}, True])
def test_a_reclaim_of_nothing_is_handed_on_and_refused_there_at_once(
    run: Definition, clean_up: Definition, given: Any
) -> None:
    context = {"input": {"reclaim": given}, "context": {"Execution": {"Id": RUN}}}
    assert choose(run, "Route", context)[0] == "Reclaim"
    handed_on = evaluate(run.states["Reclaim"]["Arguments"]["Input"], context)
    target, assigned = entered(clean_up, handed_on)
    assert (target, assigned["error"]) == ("CouldNotWork", "InvalidParameter")
    # The first catcher gives the nested execution's own error and cause.
    nested = '{"Error": "InvalidParameter", "Cause": "The input is not one", "Status": "FAILED"}'
    first = run.states["Reclaim"]["Catch"][0]
    assert first["ErrorEquals"] == ["States.TaskFailed"]
    said = evaluate(first["Assign"], {"errorOutput": {"Error": "States.TaskFailed", "Cause": nested}})
    assert said == {"failure": {"Error": "InvalidParameter", "Cause": "The input is not one"}}
    unsaid = evaluate(first["Assign"], {"errorOutput": {"Error": "States.TaskFailed", "Cause": "{}"}})
    assert unsaid == {"failure": {"Error": "CleanUpIncomplete", "Cause": "no reason given"}}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (FILE_SYSTEM, ("DescribeReclaimedFileSystem", {"fileSystemId": FILE_SYSTEM, "byTarget": False})),
        (OURS, ("DescribeTarget", {"target": OURS, "byTarget": False, "reclaim": True})),
    ],
)
def test_what_is_to_be_reclaimed_is_handed_on_as_what_it_is(
    run: Definition, clean_up: Definition, given: str, wanted: tuple[str, dict[str, Any]]
) -> None:
    context = {"input": {"reclaim": given}, "context": {"Execution": {"Id": RUN}}}
    handed_on = evaluate(run.states["Reclaim"]["Arguments"], context)
    target, assigned = entered(clean_up, handed_on["Input"])
    assert (target, {key: assigned[key] for key in wanted[1]}) == wanted
    of_sweep = evaluate(clean_up.states["StartCleanUp"]["Arguments"]["Name"], candidates=[given])
    assert handed_on["Name"][:32] == of_sweep[:32]
    assert len(handed_on["Name"]) <= 80  # Step Functions API, StartExecution, name


# ---------------------------------------------------------------------- the sweep
def test_a_sweep_looks_at_what_carries_the_stacks_tag_is_older_than_15_minutes_and_not_kept_for_good(
    clean_up: Definition,
) -> None:
    def swept(*file_systems: dict[str, Any]) -> Any:
        assign = clean_up.states["SweepFileSystems"]["Assign"]["candidates"]
        return evaluate(assign, {"result": {"FileSystems": list(file_systems)}}, candidates=["before"])

    young = file_system() | {"CreationTime": evaluate("{% $fromMillis($millis() - 890000) %}")}
    old = file_system() | {"CreationTime": evaluate("{% $fromMillis($millis() - 910000) %}")}
    others = file_system(stack="other-1234567")
    assert swept() == ["before"]
    assert swept(young, old, file_system(retained="x"), others, {"FileSystemId": "fs-3"}) == ["before", RUN]


def test_a_sweep_finds_what_each_kind_of_left_over_belongs_to(clean_up: Definition) -> None:
    def swept(name: str, result: dict[str, Any]) -> Any:
        return evaluate(clean_up.states[name]["Assign"]["candidates"], {"result": result}, candidates=[])

    tags = [{"Key": "lustre-batch:execution", "Value": RUN}, {"Key": "Name", "Value": "x"}]
    assert swept("SweepLaunchTemplates", {"LaunchTemplates": [{"Tags": tags}, {"Tags": tags}]}) == [RUN, RUN]
    assert swept("SweepLaunchTemplates", {"LaunchTemplates": []}) == []
    assert swept("SweepJobDefinitions", {"JobDefinitions": [{"Tags": {"lustre-batch:execution": RUN}}]}) == [RUN]
    assert swept("SweepJobDefinitions", {"JobDefinitions": [{}]}) == []
    assert swept("SweepLock", {"Item": {"holder": {"S": RUN}, "tag": {"S": "tag of run"}}}) == ["tag of run"]
    assert swept("SweepLock", {}) == []


def test_a_sweep_goes_on_to_the_next_kind_when_one_cannot_be_listed(clean_up: Definition) -> None:
    order = ["SweepFileSystems", "SweepLaunchTemplates", "SweepJobDefinitions", "SweepLock", "DecodeCandidates"]
    for name, following in itertools.pairwise(order):
        assert [catcher["Next"] for catcher in clean_up.states[name]["Catch"]] == [following]
        # Where its pages were read to does not begin the next list.
        if following in ("SweepLaunchTemplates", "SweepJobDefinitions"):
            assert clean_up.states[name]["Catch"][0]["Assign"] == {"nextToken": ""}


@pytest.mark.parametrize("running", [[], ["other"], ["named after it"]])
def test_a_sweep_leaves_alone_what_a_running_clean_up_works_on(clean_up: Definition, running: list[str]) -> None:
    name = clean_up.states["StartCleanUp"]["Arguments"]["Name"]
    ours = evaluate(name, candidates=[OURS])
    of_run = ours[:32] + "-run"
    listed = [of_run if each == "named after it" else each for each in running]
    target, assigned = choose(clean_up, "NextCandidate", candidates=[OURS, "next"], running=listed)
    if running == ["named after it"]:
        assert (target, assigned) == ("NextCandidate", {"candidates": ["next"]})
    else:
        assert (target, assigned) == ("DescribeCandidate", {})
    assert choose(clean_up, "NextCandidate", candidates=[], running=listed)[0] == "Swept"


def test_the_clean_up_that_a_run_waits_for_is_named_so_that_a_sweep_knows_it(
    run: Definition, clean_up: Definition
) -> None:
    by_run = evaluate(run.states["CleanUp"]["Assign"]["cleanUpName"], target=OURS)
    by_sweep = evaluate(clean_up.states["StartCleanUp"]["Arguments"]["Name"], candidates=[OURS])
    assert by_run[:32] == by_sweep[:32]
    assert by_run != by_sweep
    (taken, _) = run.states["WaitForCleanUp"]["Catch"]
    assert taken["ErrorEquals"] == ["StepFunctions.ExecutionAlreadyExistsException"]
    second = evaluate(taken["Assign"], target=OURS, cleanUpStarts=0)
    assert (second["cleanUpStarts"], second["cleanUpName"]) == (1, f"{by_run}-1")
    third = evaluate(taken["Assign"], target=OURS, cleanUpStarts=1)
    assert third["cleanUpName"] == f"{by_run}-2"
    for starts, target in [(1, "WaitForCleanUp"), (2, "WaitForCleanUp"), (3, "IsAnythingLeft")]:
        assert choose(run, "MayStartCleanUpAgain", cleanUpStarts=starts)[0] == target


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "ABORTED", "UNKNOWN"])
def test_a_sweep_starts_a_clean_up_for_every_execution_that_does_not_run(clean_up: Definition, status: str) -> None:
    target, assigned = choose(clean_up, "IsCandidateRunning", targetStatus=status, candidates=[OURS, "next"])
    if status in ("RUNNING", "PENDING_REDRIVE"):
        assert (target, assigned) == ("NextCandidate", {"candidates": ["next"]})
    else:
        assert target == "StartCleanUp"


# ---------------------------------------------------------------------- the answer
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
        ({"reclaim": True}, True),
    ],
)
def test_a_clean_up_tells_what_it_did_and_the_run_tells_of_its_own(
    clean_up: Definition, by_target: bool, left: dict[str, Any], told: bool
) -> None:
    began = evaluate("{% ($day := $floor($millis() / 86400000); $max([$day * 86400000 + 3600001, $millis()])) %}")
    blank = {"removed": [], "retained": [], "kept": [], "pending": [], "first": False, "reclaim": False, "began": began}
    target, _ = choose(clean_up, "Answer", byTarget=by_target, **(blank | left))
    assert target == ("Notify" if told and not by_target else "CleanedUp")


def test_a_run_whose_clean_up_has_to_be_left_to_the_sweep_says_how_its_job_ended(run: Definition) -> None:
    waiting = {"pending": [REASON], "lasting": False}
    given = {"target": RUN, "cleanUpStarts": 0}
    well = choose(run, "IsAnythingLeft", cleanUpError="", cleanedUp=waiting, failure={}, **given)
    badly = choose(run, "IsAnythingLeft", cleanUpError="", cleanedUp=waiting, failure=FAILURE, **given)
    unknown = choose(run, "IsAnythingLeft", cleanUpError="States.X: y", cleanedUp={}, failure={}, **given)
    for target, assigned in (well, badly, unknown):
        assert (target, assigned["failure"]["Error"]) == ("Summarise", "CleanUpPending")
        assert "nothing needs to be done, it is tried again every 60 minutes" in assigned["failure"]["Cause"]
    assert well[1]["failure"]["Cause"].startswith("The job succeeded.")
    assert badly[1]["failure"]["Cause"].startswith("The run failed (First: the original one).")
    assert unknown[1]["failure"]["Cause"].endswith("The clean-up does not answer: States.X: y")
    lasting = {"cleanedUp": waiting | {"lasting": True}, "cleanUpError": "", "failure": {}}
    cause = choose(run, "IsAnythingLeft", **lasting, **given)[1]["failure"]["Cause"]
    assert "mend what is named, it is tried again every 60 minutes" in cause


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("starts", [0, 1])
@pytest.mark.parametrize("stays", ["retained", "pending", None])
@pytest.mark.parametrize("failure", [{}, FAILURE])
def test_a_file_system_that_somebody_else_deleted_fails_the_run_unless_its_export_was_verified(
    run: Definition, verified: bool, starts: int, stays: str | None, failure: dict[str, str]
) -> None:
    """A clean-up that was asked for second comes after one that may have removed everything."""
    answer: dict[str, Any] = {"exportVerified": verified, "retained": [], "pending": [], "failure": {}}
    answer |= {stays: [REASON]} if stays else {}
    given = {"cleanedUp": answer, "cleanUpStarts": starts, "failure": failure, "fileSystemId": FILE_SYSTEM}
    _, assigned = choose(run, "IsAnythingLeft", cleanUpError="", target=RUN, **given)
    alone = not verified and starts == 0 and stays is None and not failure
    assert (assigned.get("failure", {}).get("Error") == "ExportIncomplete") is alone


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
        "DescribeJobs",
        "DescribeMendedAssociation",
        "DescribeQueuedAssociation",
        "DescribeReleasedEnvironment",
        "FindExportLog",
        "FindExportTasks",
        "FindRunningCleanUps",
    }
