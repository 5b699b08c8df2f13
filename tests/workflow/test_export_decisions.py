"""Whether everything is in S3: the queue, the log, the task, and what is kept."""

from __future__ import annotations

import string
from typing import Any

import pytest

from tests.workflow.answers import (
    EARLY,
    LATE,
    LIFECYCLES,
    STATUSES,
    data_repository_task,
    left,
    task,
)
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FILE_SYSTEM, NOW, choose, evaluate


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
        "wasVerified": False,
        "failure": {},
        "leaveReason": "",
    }
    return choose(clean_up, "IsThereAnythingToExport", **(given | changes))


def test_what_holds_nothing_or_goes_already_needs_no_export(clean_up: Definition) -> None:
    for nothing in ({"fileSystemId": ""}, {"deleting": True}, {"wasWrittenTo": False}, {"leaveReason": "busy"}):
        assert anything_to_export(clean_up, **nothing)[0] == "IsEnvironmentReleased", nothing


@pytest.mark.parametrize("status", LIFECYCLES)
@pytest.mark.parametrize("events", [0, 1, 2, 3])
def test_how_a_file_system_is_exported_depends_on_its_link_alone(
    clean_up: Definition, status: str, events: int
) -> None:
    target, _ = anything_to_export(clean_up, associationStatus=status, exportEvents=events)
    by_status = {"FAILED": "GiveUpExport", "DELETING": "GiveUpExport", "MISCONFIGURED": "MendAssociation"}
    by_events = ["FindExportTasks", "MendAssociation", "MendAssociation", "WaitForFirstDatapoint"][events]
    assert target == by_status.get(status, by_events)


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("ours", [True, False])
def test_what_somebody_else_is_deleting_was_not_verified(clean_up: Definition, written: bool, ours: bool) -> None:
    given = {"deleting": True, "wasWrittenTo": written, "wasVerified": ours}
    target, assigned = anything_to_export(clean_up, **given)
    assert target == "IsEnvironmentReleased"
    assert (assigned["failure"].get("Error") == "ExportIncomplete") is (written and not ours)


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
    given: dict[str, Any] = {"associationStatus": status, "exportEvents": events, "since": 0 if late else NOW}
    given |= {"associationId": "dra-1", "associationReason": "why"}
    target, assigned = choose(clean_up, "IsAssociationMended", **given)
    if status in ("AVAILABLE", "FAILED") and events in (0, 3):
        assert target == "IsThereAnythingToExport"
    else:
        assert target == ("IsEnvironmentReleased" if late or status == "MISCONFIGURED" else "WaitForMending")
        assert left(assigned) is (target == "IsEnvironmentReleased")
        assert assigned.get("lasting", False) is (status == "MISCONFIGURED")


def test_a_link_that_could_not_be_told_to_mend_waits_for_nobody(clean_up: Definition) -> None:
    catcher = clean_up.states["MendAssociation"]["Catch"][-1]
    given = {"associationId": "dra-1", "associationStatus": "MISCONFIGURED"}
    said = evaluate(catcher["Assign"], {"errorOutput": {"Error": "States.Timeout"}}, **given)
    assert said["leaveReason"].endswith("dra-1 is MISCONFIGURED and could not be mended: States.Timeout")
    assert "lasting" not in said
    assert clean_up.states["MendAssociation"]["Assign"]["needsTask"] is True


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
    given = {"queueIsEmpty": True, "mayDelete": delete, "reclaim": reclaim, "needsTask": False, "since": 0}
    target, _ = choose({"task": clean_up, "metrics": by_metrics}[verification], "IsQueueEmpty", **given)
    by_task = delete and (verification == "task" or reclaim)
    assert target == ("DisableAutoExport" if by_task else "DescribeExportingAssociation")


def test_export_stays_on_until_the_queue_was_seen_empty(clean_up: Definition, by_metrics: Definition) -> None:
    """An export task carries neither deletions nor the old names of renames."""
    given: dict[str, Any] = {"queueIsEmpty": False, "mayDelete": True, "reclaim": True, "needsTask": False}
    given |= {"fileSystemId": FILE_SYSTEM, "pending": []}
    for definition in (clean_up, by_metrics):
        assert choose(definition, "IsQueueEmpty", **given, queueReason="x", since=NOW) == ("IsLaneHeld", {})
        target, assigned = choose(definition, "IsQueueEmpty", **given, queueReason="no datapoint", since=0)
        assert target == "IsEnvironmentReleased"
        assert "no datapoint" in assigned["leaveReason"]
        assert "retained" not in assigned


@pytest.mark.parametrize(("waited_minutes", "looked_at"), [(0, False), (14, False), (16, True), (60, True)])
def test_a_queue_that_takes_long_is_asked_whether_anything_leaves_it(
    clean_up: Definition, waited_minutes: int, looked_at: bool
) -> None:
    since = evaluate(f"{{% $millis() - {waited_minutes} * 60000 %}}")
    given = {"queueIsEmpty": False, "mayDelete": True, "reclaim": False, "needsTask": False, "queueReason": "x"}
    target, _ = choose(clean_up, "IsQueueEmpty", **given, since=since)
    assert target == ("DescribeQueuedAssociation" if looked_at else "IsLaneHeld")


@pytest.mark.parametrize("status", ["", *LIFECYCLES])
@pytest.mark.parametrize("events", [0, 1, 2, 3])
def test_a_link_that_broke_while_its_queue_drains_is_left_to_the_next_clean_up_which_mends_it(
    clean_up: Definition, status: str, events: int
) -> None:
    given = {"associationId": "dra-1", "associationReason": "why"}
    target, assigned = choose(clean_up, "IsQueueServed", associationStatus=status, exportEvents=events, **given)
    served = status in ("AVAILABLE", "UPDATING") and events == 3
    for_good = status == "FAILED"
    assert target == ("IsLaneHeld" if served else "GiveUpExport" if for_good else "IsEnvironmentReleased")
    assert left(assigned) is not (served or for_good)


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
        assert evaluate(payload, **given, reclaim=reclaim, needsTask=False, mayDelete=True) == asked | quiet
        assert evaluate(payload, **given, reclaim=reclaim, needsTask=True, mayDelete=True) == asked
        kept = evaluate(payload, **given, reclaim=reclaim, needsTask=False, mayDelete=False)
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
    for_good = status == "FAILED"
    assert target == ("FindExportLog" if exports else "GiveUpExport" if for_good else "IsEnvironmentReleased")
    assert left(assigned) is not (exports or for_good)


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
    read = evaluate(clean_up.states["ReadExportErrors"]["Assign"], {"result": {"Events": events}}, logPages=4)
    assert read == {"refused": refused, "nextToken": "", "logPages": 5}


@pytest.mark.parametrize("refused", [0, 1, 10])
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("next_token", ["", "more"])
@pytest.mark.parametrize("broken", [True, False])
def test_a_single_logged_failure_keeps_the_file_system_and_a_log_is_read_to_its_last_page(
    clean_up: Definition, refused: int, delete: bool, next_token: str, broken: bool
) -> None:
    """SDK FilterLogEvents: a page may be empty although more follow; only the absence of nextToken is the end."""
    given = {"mayDelete": delete, "fileSystemId": FILE_SYSTEM, "nextToken": next_token, "needsTask": broken}
    given |= {"logPages": 99}
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


def test_a_log_without_end_is_left_to_a_task(clean_up: Definition) -> None:
    given = {"refused": 0, "fileSystemId": FILE_SYSTEM, "nextToken": "more", "needsTask": False, "logPages": 100}
    assert choose(clean_up, "WereExportErrorsLogged", mayDelete=True, **given) == ("DisableAutoExport", {})
    target, assigned = choose(clean_up, "WereExportErrorsLogged", mayDelete=False, **given)
    assert (target, assigned["verified"]) == ("KeepFileSystem", False)


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
        "reportPath": "s3://results/runs/lustre-batch-reports",
        "taskError": "",
        "nextToken": "",
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


def test_one_file_is_told_of_in_the_singular(clean_up: Definition) -> None:
    alone = task("FAILED", 1) | {"total": 1}
    _, assigned = verified(clean_up, alone, mayDelete=True, taskWanted=False)
    assert assigned["keepReason"] == "1 file could not be exported"
    assert f"1 of 1 file of {FILE_SYSTEM} that was not in S3 yet could not be exported" in assigned["failure"]["Cause"]
    _, assigned = verified(clean_up, alone | {"total": 9}, mayDelete=True, taskWanted=False)
    assert (
        f"1 of 9 files of {FILE_SYSTEM} that were not in S3 yet could not be exported" in assigned["failure"]["Cause"]
    )


def test_an_incomplete_export_says_how_many_files_and_where_they_are_listed(clean_up: Definition) -> None:
    cause = verified(clean_up, task("FAILED", 3))[1]["failure"]["Cause"]
    assert cause.startswith(
        f"3 of 10 files of {FILE_SYSTEM} that were not in S3 yet could not be exported (task task-1 FAILED)"
    )
    assert "s3://results/runs/lustre-batch-reports/task-1/failures.csv" in cause


def test_a_task_that_failed_as_a_whole_is_followed_by_one_more_and_the_next_by_the_next_sweep(
    clean_up: Definition,
) -> None:
    assert verified(clean_up)[0] == "CreateExportTask"
    assert verified(clean_up, task("FAILED"))[0] == "CreateExportTask"
    target, assigned = verified(clean_up, task("FAILED"), task("CANCELED", number=2))
    assert (target, left(assigned), assigned["lasting"]) == ("IsEnvironmentReleased", True, True)
    of_earlier_clean_ups = [task("FAILED", created_at=EARLY), task("CANCELED", created_at=EARLY, number=2)]
    assert verified(clean_up, *of_earlier_clean_ups)[0] == "CreateExportTask"
    assert left(verified(clean_up, *of_earlier_clean_ups, task("FAILED"))[1]), "one by each later clean-up"
    assert verified(clean_up, task("FAILED"), task("SUCCEEDED", number=2))[1]["verified"] is True


def test_what_runs_out_of_time_needs_somebody(clean_up: Definition) -> None:
    """The next sweep waits again, but what kept the queue or the task for a day rarely goes away by itself."""
    late = {"since": 0, "fileSystemId": FILE_SYSTEM, "queueReason": "why", "queueIsEmpty": False}
    late |= {"mayDelete": True, "reclaim": False, "needsTask": False}
    target, assigned = choose(clean_up, "IsQueueEmpty", **late)
    assert (target, left(assigned), assigned["lasting"]) == ("IsEnvironmentReleased", True, True)
    target, assigned = verified(clean_up, task("EXECUTING"), since=0)
    assert (target, left(assigned), assigned["lasting"]) == ("IsEnvironmentReleased", True, True)


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
    read = evaluate(clean_up.states["FindExportTasks"]["Assign"], answer, nextToken="", tasks=[{"id": "before"}])
    assert [each["id"] for each in read["tasks"]] == ["task-1"]
    assert read["tasks"][0]["createdAt"] == 1714979289123
    assert read["seen"] is True


# ---------------------------------------------------------------------- what is kept, and for how long
# Rule 5: kept for good by deleteLustre: false, by files that S3 refused, by a link that is broken for good. The fourth,
# a job that will not stop, is looked at again by every sweep.
KEPT_FOR = {
    "DoesExportLogExist": "deleteLustre is false",
    "WereExportErrorsLogged": "files could not be exported",
    "IsExportVerified": " could not be exported",
    "GiveUpExport": "its data repository association",
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
def test_import_stops_on_a_kept_file_system_and_its_export_goes_on(
    clean_up: Definition, events: int, status: str
) -> None:
    target, _ = choose(clean_up, "MayImportGoOn", exportEvents=events, associationStatus=status)
    assert target == ("StopImport" if status == "AVAILABLE" else "IsEnvironmentReleased")
    sent = evaluate(clean_up.states["StopImport"]["Arguments"]["S3"], exportEvents=events)
    assert sent["AutoImportPolicy"]["Events"] == []
    assert sent["AutoExportPolicy"]["Events"] == (["NEW", "CHANGED", "DELETED"] if events else [])
