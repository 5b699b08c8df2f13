"""What a clean-up knows after each answer, and after each call that was refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FILE_SYSTEM, RUN, choose, evaluate

TEMPLATE = {"type": "launch-template", "id": "lt-1"}
DEFINITION = "arn:aws:batch:us-east-1:123456789012:job-definition/x:1"
REFUSED = {"errorOutput": {"Error": "Batch.ClientException", "Cause": "x"}}


def assigned(definition: Definition, state: str, result: Any, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = evaluate(definition.states[state]["Assign"], {"result": result}, **variables)
    return found


def when_refused(definition: Definition, state: str, **variables: Any) -> tuple[str, dict[str, Any]]:
    catcher = definition.states[state]["Catch"][-1]
    return catcher["Next"], evaluate(catcher.get("Assign", {}), REFUSED, **variables)


LOOKS_AT_LINK = [
    "FindAssociation",
    "DescribeMendedAssociation",
    "DescribeQueuedAssociation",
    "DescribeExportingAssociation",
    "DescribeAutoExport",
    "ReadAssociationBeforeDeletion",
    "WatchAssociation",
]


@pytest.mark.parametrize("name", LOOKS_AT_LINK)
def test_every_look_at_the_link_sees_its_state_its_reason_and_what_it_exports(
    run: Definition, clean_up: Definition, name: str
) -> None:
    """And only our own: others may have linked something beside it."""
    definition = run if name in run.states else clean_up
    others = {"AssociationId": "dra-9", "FileSystemPath": "/inputs", "Lifecycle": "DELETING"}
    ours = {"AssociationId": "dra-1", "FileSystemPath": "/scratch", "Lifecycle": "AVAILABLE"}
    exporting = {"S3": {"AutoExportPolicy": {"Events": ["NEW", "CHANGED", "DELETED"]}}}
    broken = {"Lifecycle": "FAILED", "FailureDetails": {"Message": "why"}}
    for links, wanted in [
        ([others, ours | exporting], ("AVAILABLE", "no reason given", 3)),
        ([ours | broken, others], ("FAILED", "why", 0)),
        ([others], ("gone", "no reason given", 0)),
        ([], ("gone", "no reason given", 0)),
    ]:
        seen = assigned(definition, name, {"Associations": links})
        assert (seen["associationStatus"], seen["associationReason"], seen["exportEvents"]) == wanted
    if name == "FindAssociation":
        assert assigned(definition, name, {"Associations": [others, ours]})["associationId"] == "dra-1"
        assert assigned(definition, name, {"Associations": [others]})["associationId"] == ""
        assert assigned(definition, name, {"Associations": [ours]})["associationId"] == "dra-1"
        assert assigned(definition, name, {"Associations": []})["associationId"] == ""


@pytest.mark.parametrize("name", ["FindEnvironment", "DescribeReleasedEnvironment", "DescribeComputeEnvironment"])
def test_every_look_at_the_environment_sees_its_state_its_reason_and_its_template(
    run: Definition, clean_up: Definition, name: str
) -> None:
    definition = run if name in run.states else clean_up
    template = {"ComputeResources": {"LaunchTemplate": {"LaunchTemplateId": "lt-1"}}}
    for environments, wanted in [
        ([{"Status": "VALID", **template}], ("VALID", "no reason given", "lt-1")),
        ([{"Status": "INVALID", "StatusReason": "why"}], ("INVALID", "why", "")),
        ([{"Status": "UPDATING", "StatusReason": ""}], ("UPDATING", "no reason given", "")),
        ([], ("DELETED", "no reason given", "")),
    ]:
        seen = assigned(definition, name, {"ComputeEnvironments": environments})
        assert (seen["environmentStatus"], seen["environmentReason"], seen["environmentTemplateId"]) == wanted


def test_jobs_are_looked_up_and_waited_for_only_if_there_are_any(clean_up: Definition) -> None:
    listed = assigned(clean_up, "FindJobs", {"JobSummaryList": [{"JobId": "a"}, {"JobId": "a"}, {"JobId": "b"}]})
    assert (listed["jobIds"], listed["since"] > 10**12) == (["a", "b"], True)
    assert choose(clean_up, "HasJobs", jobIds=["a"])[0] == "DescribeJobs"
    assert choose(clean_up, "HasJobs", jobIds=[])[0] == "NoteEndOfJobs"
    assert choose(clean_up, "HasFileSystem", fileSystemId=FILE_SYSTEM)[0] == "FindAssociation"
    assert choose(clean_up, "HasFileSystem", fileSystemId="")[0] == "FindJobs"
    (gone, _) = clean_up.states["FindAssociation"]["Catch"]
    assert (gone["Next"], gone["ErrorEquals"][0]) == ("FindJobs", "Fsx.FileSystemNotFoundException")


def test_every_job_definition_of_the_run_is_deregistered_once(clean_up: Definition) -> None:
    def listed(name: str, execution: str) -> dict[str, Any]:
        return {"JobDefinitionArn": name, "Tags": {"lustre-batch:execution": execution}}

    page = {"JobDefinitions": [listed("other", "x"), listed("done", RUN), listed(DEFINITION, RUN)], "NextToken": "more"}
    found = assigned(clean_up, "FindJobDefinition", page, executionTag=RUN, deregistered=["done"])
    assert found == {"nextToken": "more", "jobDefinitionArn": DEFINITION}
    nothing = assigned(clean_up, "FindJobDefinition", {"JobDefinitions": []}, executionTag=RUN, deregistered=[])
    assert nothing == {"nextToken": "", "jobDefinitionArn": ""}
    for arn, token, target in [
        (DEFINITION, "", "DeregisterJobDefinition"),
        ("", "more", "FindJobDefinition"),
        ("", "", "FindEnvironment"),
    ]:
        assert choose(clean_up, "HasJobDefinition", jobDefinitionArn=arn, nextToken=token)[0] == target
    known: dict[str, Any] = {"jobDefinitionArn": DEFINITION, "deregistered": [], "removed": [], "pending": []}
    gone = assigned(clean_up, "DeregisterJobDefinition", {}, **known)
    removed = [{"type": "job-definition", "id": DEFINITION}]
    assert gone == {"deregistered": [DEFINITION], "removed": removed, "nextToken": ""}
    target, kept = when_refused(clean_up, "DeregisterJobDefinition", **known)
    assert (target, kept["deregistered"], kept["nextToken"]) == ("FindJobDefinition", [DEFINITION], "")
    assert kept["pending"][0]["reason"] == "deregistering it failed: Batch.ClientException"


@pytest.mark.parametrize("status", ["SUCCEEDED", "UNKNOWN"])
@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("token", ["", "more"])
def test_an_unknown_execution_is_over_when_something_of_it_is_older_than_a_day(
    clean_up: Definition, status: str, old: bool, token: str
) -> None:
    target, _ = choose(clean_up, "IsItReallyOver", nextToken=token, targetStatus=status, isOld=old)
    over = "HasFileSystem" if status != "UNKNOWN" or old else "DescribeLock"
    assert target == ("FindLaunchTemplates" if token else over)


def test_launch_templates_are_read_to_their_last_page(clean_up: Definition) -> None:
    now = evaluate("{% $fromMillis($millis() - 1000) %}")
    old = evaluate("{% $fromMillis($millis() - 90000000) %}")
    for created, known, found, is_old in [
        (now, False, [], False), (old, False, [], True), (now, True, [], True), (now, False, [{"id": "fs"}], True),
    ]:  # fmt: skip
        page = {"LaunchTemplates": [{"LaunchTemplateId": "lt-2", "CreateTime": created}], "NextToken": "more"}
        seen = assigned(clean_up, "FindLaunchTemplates", page, templateIds=["lt-1"], isOld=known, found=found)
        assert seen == {"nextToken": "more", "templateIds": ["lt-1", "lt-2"], "isOld": is_old}


@pytest.mark.parametrize("reclaim", [True, False])
@pytest.mark.parametrize(("holder", "hours", "old"), [(RUN, 30, True), (RUN, 1, False), ("arn:other", 30, False)])
def test_a_lock_that_is_older_than_a_day_shows_that_its_holder_is_over(
    clean_up: Definition, reclaim: bool, holder: str, hours: int, old: bool
) -> None:
    taken = evaluate(f"{{% $fromMillis($millis() - {hours} * 3600000) %}}")
    item = {"Item": {"holder": {"S": holder}, "takenAt": {"S": taken}}}
    assert assigned(clean_up, "DescribeLock", item, target=RUN) == {"isOld": old}
    assert assigned(clean_up, "DescribeLock", {}, target=RUN) == {"isOld": False}
    target, told = choose(clean_up, "IsLockOld", isOld=old, reclaim=reclaim, target=RUN)
    assert target == ("HasFileSystem" if old else "CouldNotWork" if reclaim else "Answer")
    assert told.get("error") == ("InvalidParameter" if reclaim and not old else None)


def test_what_was_found_counts_whether_it_is_reclaimed_or_not(clean_up: Definition) -> None:
    state = clean_up.states["AreThereMoreFileSystems"]
    assert state["Choices"][1]["Assign"] == state["Assign"]


@pytest.mark.parametrize(
    ("state", "again", "done"),
    [
        ("AreThereMoreToSweep", "SweepFileSystems", "SweepLaunchTemplates"),
        ("AreThereMoreLaunchTemplates", "SweepLaunchTemplates", "SweepJobDefinitions"),
        ("AreThereMoreJobDefinitions", "SweepJobDefinitions", "SweepLock"),
    ],
)
def test_a_sweep_reads_every_list_to_its_end(clean_up: Definition, state: str, again: str, done: str) -> None:
    assert choose(clean_up, state, nextToken="more")[0] == again
    assert choose(clean_up, state, nextToken="")[0] == done
    for result, token in [({"NextToken": "more"}, "more"), ({}, "")]:
        assert assigned(clean_up, again, result, candidates=[])["nextToken"] == token


def test_a_sweep_goes_on_with_the_next_whatever_becomes_of_one(clean_up: Definition) -> None:
    left = {"candidates": ["next"]}
    given = {"candidates": [RUN, "next"], "first": False}
    assert assigned(clean_up, "StartCleanUp", {}, **given) == left
    for state in ("StartCleanUp", "DescribeCandidate"):
        assert when_refused(clean_up, state, **given) == ("NextCandidate", left)
    unknown = clean_up.states["DescribeCandidate"]["Catch"][0]
    assert unknown["ErrorEquals"] == ["Sfn.ExecutionDoesNotExistException"]
    assert (unknown["Next"], unknown["Assign"]) == ("IsCandidateRunning", {"targetStatus": "UNKNOWN"})
    names = assigned(clean_up, "FindRunningCleanUps", {"Executions": [{"Name": "a"}, {"Name": "b"}]})
    assert names == {"running": ["a", "b"]}


def test_a_launch_template_is_named_as_removed_when_its_deletion_was_answered(clean_up: Definition) -> None:
    known = {"templateIds": ["lt-1", "lt-2"], "removed": []}
    assert assigned(clean_up, "DeleteLaunchTemplate", {}, **known) == {"removed": [TEMPLATE], "templateIds": ["lt-2"]}
    target, unseen = when_refused(clean_up, "DescribeDeletedLaunchTemplate", **known, deletionError="y")
    assert target == "NoteLaunchTemplate"
    assert unseen["remaining"] == ["lt-1", "lt-2"]
    assert unseen["deletionError"] == "it could not be observed since (y)"
    for templates, target in [(["lt-1"], "DescribeReleasedEnvironment"), ([], "MayDeleteFileSystem")]:
        assert choose(clean_up, "IsEnvironmentReleased", templateIds=templates)[0] == target


def test_the_lock_is_named_as_removed_by_who_held_it_alone(clean_up: Definition) -> None:
    (lock,) = assigned(clean_up, "ReleaseLock", {}, removed=[])["removed"]
    assert lock["type"] == "lock"
    not_ours = clean_up.states["ReleaseLock"]["Catch"][0]
    assert (not_ours["ErrorEquals"], not_ours["Next"]) == (["DynamoDb.ConditionalCheckFailedException"], "Answer")
    assert "Assign" not in not_ours
    target, unseen = when_refused(clean_up, "ReleaseLock", pending=[])
    assert (target, unseen["pending"][0]["type"]) == ("Answer", "lock")


def test_what_is_kept_is_named_and_what_is_gone_instead_is_not(clean_up: Definition) -> None:
    named = evaluate(clean_up.states["NoteKeptFileSystem"]["Assign"], retained=[], fileSystemId="fs", keepReason="why")
    assert named == {"retained": [{"type": "file-system", "id": "fs", "reason": "why"}]}
    gone = clean_up.states["KeepFileSystem"]["Catch"][0]
    assert gone["ErrorEquals"] == ["Fsx.ResourceNotFoundException", "FSx.ResourceNotFoundException"]
    assert gone["Next"] == "IsTemplateReleased"


SAYS_NOT_FOUND = [
    "DescribeQueuedAssociation",
    "FindExportTasks",
    "CreateExportTask",
    "LookAtFileSystem",
    "ReadAssociationBeforeDeletion",
    "ReadTasksBeforeDeletion",
    "DeleteFileSystem",
    "DescribeDeletedFileSystem",
    "KeepFileSystem",
]


@pytest.mark.parametrize("name", SAYS_NOT_FOUND)
def test_a_file_system_that_is_not_found_is_named_as_removed_and_waits_for_nobody(
    clean_up: Definition, name: str
) -> None:
    gone = clean_up.states[name]["Catch"][0]
    assert "NotFoundException" in gone["ErrorEquals"][0]
    given = {"failure": {}, "verified": True, "deleting": False, "wasWrittenTo": True, "removed": []}
    told = evaluate(gone["Assign"], **given, fileSystemId=FILE_SYSTEM)
    assert told.pop("since") > 10**12
    assert told == {"lasting": False, "removed": [{"type": "file-system", "id": FILE_SYSTEM}], "failure": {}}


def test_a_deletion_that_was_asked_for_is_our_own_whatever_it_answered(clean_up: Definition) -> None:
    done = assigned(clean_up, "DeleteFileSystem", {})
    target, refused = when_refused(clean_up, "DeleteFileSystem")
    assert (done["deleting"], done["deletionError"], done["since"] > 10**12) == (True, "", True)
    assert (target, refused["deleting"]) == ("DescribeDeletedFileSystem", True)
    assert refused["deletionError"] == "Batch.ClientException: x"
    assert refused["since"] > 10**12


def test_reasons_to_leave_a_file_system_name_the_error(clean_up: Definition) -> None:
    for name, target in [
        ("ReadExportErrors", "IsEnvironmentReleased"),
        ("DisableAutoExport", "IsEnvironmentReleased"),
        ("ReadAssociationBeforeDeletion", "LookAtFileSystem"),
        ("ReadTasksBeforeDeletion", "LookAtFileSystem"),
    ]:
        leads_to, told = when_refused(clean_up, name)
        assert leads_to == target
        assert "Batch.ClientException" in told["leaveReason"], name


def test_a_task_that_was_created_is_wanted_no_more(clean_up: Definition) -> None:
    assert assigned(clean_up, "CreateExportTask", {}) == {"taskWanted": False}
    for rule in (
        clean_up.states["IsThereAnythingToExport"]["Choices"][-1],
        clean_up.states["IsQueueEmpty"]["Choices"][1],
    ):
        assert rule["Next"] in ("WaitForFirstDatapoint", "DescribeExportingAssociation")
    assert clean_up.states["IsQueueEmpty"]["Choices"][1]["Assign"] == {"nextToken": ""}
    begun = evaluate(clean_up.states["IsThereAnythingToExport"]["Choices"][-1]["Assign"])
    assert begun["queueReason"] == "not checked yet"
    for name, rule in [("IsThereAnythingToExport", None), ("IsAutoExportOff", 0)]:
        state = clean_up.states[name]
        blank = evaluate((state if rule is None else state["Choices"][rule])["Assign"], reclaim=True)
        assert (blank["tasks"], blank["nextToken"], blank["taskError"], blank["taskWanted"]) == ([], "", "", True)
