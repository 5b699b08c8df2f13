"""What is deleted and when: the file system, the launch template, the lane."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.workflow.answers import (
    EARLY,
    LIFECYCLES,
    REASON,
    STATUSES,
    data_repository_task,
    left,
    pending,
    task,
)
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, NOW, choose, evaluate

LISTS: dict[str, Any] = {"pending": [], "retained": [], "removed": [], "leaveReason": ""}


# ---------------------------------------------------------------------- rule 1, asked twice
@pytest.mark.parametrize(("written", "verified"), list(itertools.product([True, False], repeat=2)))
def test_a_file_system_is_considered_for_deletion_only_when_verified_or_never_written_to(
    clean_up: Definition, written: bool, verified: bool
) -> None:
    given = {"fileSystemId": FILE_SYSTEM, "deleting": False, **LISTS}
    target, assigned = choose(clean_up, "MayDeleteFileSystem", **given, wasWrittenTo=written, verified=verified)
    may_go = verified or not written
    assert target == ("NoteVerified" if may_go else "LookAtFileSystem")
    assert left(assigned) is not may_go
    if may_go:  # what is read right before the deletion begins with nothing of an earlier look
        assert (assigned["nextToken"], assigned["tasks"], assigned["importing"]) == ("", [], [])


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
    by_another = {"Lifecycle": "DELETING", "Tags": [{"Key": "lustre-batch:verified", "Value": "true"}]}
    by_clean_up = evaluate(look["Assign"], {"result": {"FileSystems": [by_another]}}, failure={}, **given)
    assert by_clean_up["failure"] == {}, "another clean-up deletes it"
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
    for name in ("FindExportTasks", "CreateExportTask", "DescribeQueuedAssociation"):
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
        "nextToken": "",
        "since": NOW,
        "wasWrittenTo": True,
        "reclaim": False,
        "needsTask": False,
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
    assert choose(by_metrics, "IsQueueEmpty", **given, needsTask=True)[0] == "DisableAutoExport"
    assert may_delete_now(by_metrics, tasks=[], exportEvents=3, needsTask=True)[0] == "LookAtFileSystem"
    assert may_delete_now(by_metrics, exportEvents=0, needsTask=True)[0] == "DeleteFileSystem"


def test_tasks_are_read_to_their_last_page(clean_up: Definition) -> None:
    """FSx API, DescribeDataRepositoryTasks: NextToken. Tasks that failed pile up as long as nobody mends the cause."""
    assert may_delete_now(clean_up, nextToken="more")[0] == "ReadTasksBeforeDeletion"
    given = {"taskWanted": False, "mayDelete": True, "seen": True, "began": NOW, "since": NOW, "jobStoppedAt": NOW}
    assert choose(clean_up, "IsExportVerified", **given, nextToken="more", tasks=GOOD)[0] == "FindExportTasks"
    page = {"result": {"DataRepositoryTasks": [data_repository_task("EXPORT_TO_REPOSITORY", "FAILED", 2)]}}
    for name in ("FindExportTasks", "ReadTasksBeforeDeletion"):
        state = clean_up.states[name]
        known = {"tasks": [{"id": "task-1"}], "importing": ["task-9"]}
        read = evaluate(state["Assign"], page, **known, nextToken="more")
        assert [each["id"] for each in read["tasks"]] == ["task-1", "task-2"]
        assert read.get("importing", ["task-9"]) == ["task-9"]
        assert (read["nextToken"], read["seen"]) == ("", True)
        longer = {"result": page["result"] | {"NextToken": "x"}}
        assert evaluate(state["Assign"], longer, **known, nextToken="more")["nextToken"] == "x"
        again = evaluate(state["Assign"], page, **known, nextToken="")
        assert [each["id"] for each in again["tasks"]] == ["task-2"]
        for token, wanted in [("", {}), ("more", {"NextToken": "more"})]:
            asked = evaluate(state["Arguments"], fileSystemId=FILE_SYSTEM, nextToken=token)
            assert (
                asked == {"Filters": [{"Name": "file-system-id", "Values": [FILE_SYSTEM]}], "MaxResults": 10} | wanted
            )


def test_an_import_in_the_way_of_a_deletion_is_cancelled_until_its_time_is_up(clean_up: Definition) -> None:
    assert may_delete_now(clean_up, importing=["task-9"])[0] == "CancelImport"
    assert may_delete_now(clean_up, importing=["task-9"], since=0)[0] == "DeleteFileSystem"
    not_verified = may_delete_now(clean_up, importing=["task-9"], since=0, tasks=[])
    assert not_verified[0] == "LookAtFileSystem"


def test_only_imports_that_have_not_ended_are_in_the_way_and_export_tasks_never_are(clean_up: Definition) -> None:
    listed = [
        data_repository_task(kind, status, number)
        for number, (kind, status) in enumerate(
            itertools.product(["EXPORT_TO_REPOSITORY", "IMPORT_METADATA_FROM_REPOSITORY"], STATUSES)
        )
    ]
    text = clean_up.states["ReadTasksBeforeDeletion"]["Assign"]
    read = evaluate(text, {"result": {"DataRepositoryTasks": listed}}, nextToken="", tasks=["x"], importing=["x"])
    assert read["importing"] == ["task-6", "task-7", "task-11"]
    assert [each["id"] for each in read["tasks"]] == [f"task-{number}" for number in range(6)]
    assert evaluate(clean_up.states["CancelImport"]["Arguments"], **read) == {"TaskId": "task-6"}


# ---------------------------------------------------------------------- the environment, templates, the lane
@pytest.mark.parametrize("status", ["VALID", "INVALID", "UPDATING", "UNKNOWN", "DELETED"])
@pytest.mark.parametrize("template", ["", "lt-1", "lt-other"])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("draining", [True, False])
def test_lane_and_template_go_only_when_the_environment_surely_names_it_no_more(
    clean_up: Definition, status: str, template: str, late: bool, draining: bool
) -> None:
    given = {"environmentStatus": status, "environmentTemplateId": template, "templateIds": ["lt-1"]}
    free = status not in ("UPDATING", "UNKNOWN") and template != "lt-1"
    again = "WaitForRelease" if status in ("UPDATING", "UNKNOWN") else "ReleaseEnvironmentAgain"
    for lane in ("arn:lane", ""):
        known = {"since": 0 if late else NOW, "draining": draining, "laneEnvironmentArn": lane}
        waited, told = choose(clean_up, "HasEnvironmentLetGo", **given, **known)
        gone = "ReadHolders" if lane else "MayDeleteFileSystem"
        not_yet = "WaitForCheckMetrics" if draining else "MayDeleteFileSystem" if late else again
        assert waited == (gone if free else not_yet)
        assert told == ({"giving": "lane", "tries": 0} if free and lane else {})
    target, assigned = choose(clean_up, "IsTemplateReleased", **given, environmentReason="x", pending=[])
    assert target == ("DeleteLaunchTemplate" if free else "Answer")
    assert pending(assigned) == ([] if free else [("launch-template", "lt-1")])


def test_the_environment_is_looked_after_as_long_as_a_template_is_there_and_the_lane_given_back_in_any_case(
    clean_up: Definition,
) -> None:
    looked_after = {"draining": False}
    given_back = {"draining": False, "giving": "lane", "tries": 0}
    for environment, templates, lane, wanted in [
        ("arn", ["lt-1"], "arn", ("DescribeReleasedEnvironment", looked_after)),
        ("arn", [], "arn", ("ReadHolders", given_back)),
        ("", ["lt-1"], "", ("MayDeleteFileSystem", {})),
        ("arn", [], "", ("MayDeleteFileSystem", {})),
    ]:
        given = {"environmentArn": environment, "templateIds": templates, "laneEnvironmentArn": lane}
        assert choose(clean_up, "IsEnvironmentReleased", **given) == wanted
    for lane, environment, wanted in [
        ("arn", "arn", ("DescribeReleasedEnvironment", {"draining": True})),
        ("", "arn", ("WaitForCheckMetrics", {})),
        ("arn", "", ("WaitForCheckMetrics", {})),
    ]:
        assert choose(clean_up, "IsLaneHeld", laneEnvironmentArn=lane, environmentArn=environment) == wanted


def test_only_an_environment_that_names_one_of_the_runs_templates_is_released(clean_up: Definition) -> None:
    for named, templates, released in [("lt-1", ["lt-1"], True), ("lt-2", ["lt-1"], False), ("", [], False)]:
        target, _ = choose(clean_up, "NamesEnvironmentTemplate", environmentTemplateId=named, templateIds=templates)
        assert (target == "ReleaseEnvironment") is released
    for name in ("ReleaseEnvironment", "ReleaseEnvironmentAgain"):
        resources = clean_up.states[name]["Arguments"]["ComputeResources"]
        assert resources == {"LaunchTemplate": {"LaunchTemplateId": ""}}


def test_the_prefix_is_held_until_nothing_of_the_run_may_export_or_mount_any_more(clean_up: Definition) -> None:
    given = {"environmentStatus": "VALID", "environmentTemplateId": "", "templateIds": []}
    assert choose(clean_up, "IsTemplateReleased", **given, pending=[])[0] == "ReadHolders"
    assert choose(clean_up, "IsTemplateReleased", **given, pending=[REASON])[0] == "Answer"
    of_no_matter = [{"type": "job-definition", "id": "x", "reason": "y"}]
    assert choose(clean_up, "IsTemplateReleased", **given, pending=of_no_matter)[0] == "ReadHolders"


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
