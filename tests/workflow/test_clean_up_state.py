"""What a clean-up knows after each answer, and after each call that was refused."""

from __future__ import annotations

import json
import re
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


@pytest.mark.parametrize("name", ["DescribeReleasedEnvironment", "DescribeComputeEnvironment"])
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


def test_jobs_are_looked_for_only_by_who_may_have_some(clean_up: Definition) -> None:
    assert choose(clean_up, "HasFileSystem", fileSystemId=FILE_SYSTEM)[0] == "FindAssociation"
    assert choose(clean_up, "HasFileSystem", fileSystemId="")[0] == "RemoveSession"
    (gone, _) = clean_up.states["FindAssociation"]["Catch"]
    assert (gone["Next"], gone["ErrorEquals"][0]) == ("RemoveSession", "Fsx.FileSystemNotFoundException")


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
        given = {"reclaim": False, "fileSystemId": "", "deleting": False, "associationStatus": "gone"}
        assert choose(clean_up, "HasJobDefinition", **given, jobDefinitionArn=arn, nextToken=token)[0] == target
    known: dict[str, Any] = {"jobDefinitionArn": DEFINITION, "deregistered": [], "removed": [], "pending": []}
    gone = assigned(clean_up, "DeregisterJobDefinition", {}, **known)
    removed = [{"type": "job-definition", "id": DEFINITION}]
    assert gone == {"deregistered": [DEFINITION], "removed": removed, "nextToken": ""}
    target, kept = when_refused(clean_up, "DeregisterJobDefinition", **known)
    assert (target, kept["deregistered"], kept["nextToken"]) == ("FindJobDefinition", [DEFINITION], "")
    assert kept["pending"][0]["reason"] == "deregistering it failed: Batch.ClientException"


@pytest.mark.parametrize("status", ["SUCCEEDED", "UNKNOWN"])
@pytest.mark.parametrize("old", [True, False])
def test_an_unknown_execution_is_over_when_something_of_it_is_older_than_a_day(
    clean_up: Definition, status: str, old: bool
) -> None:
    target, _ = choose(clean_up, "IsItReallyOver", targetStatus=status, isOld=old)
    assert target == ("HasFileSystem" if status != "UNKNOWN" or old else "FindTicket")
    for token, target in [("more", "FindLaunchTemplates"), ("", "FindHolding")]:
        assert choose(clean_up, "AreThereMoreLaunchTemplatesOfIt", nextToken=token)[0] == target


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
@pytest.mark.parametrize(("hours", "old"), [(30, True), (1, False)])
def test_a_ticket_that_is_older_than_a_day_shows_that_its_run_is_over(
    clean_up: Definition, reclaim: bool, hours: int, old: bool
) -> None:
    taken = evaluate(f"{{% $fromMillis($millis() - {hours} * 3600000) %}}")
    assert assigned(clean_up, "FindTicket", {"Item": {"takenAt": {"S": taken}}}) == {"isOld": old}
    assert assigned(clean_up, "FindTicket", {}) == {"isOld": False}
    target, told = choose(clean_up, "IsTicketOld", isOld=old, reclaim=reclaim, target=RUN)
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
        ("AreThereMoreJobDefinitions", "SweepJobDefinitions", "SweepLanes"),
    ],
)
def test_a_sweep_reads_every_list_to_its_end(clean_up: Definition, state: str, again: str, done: str) -> None:
    assert choose(clean_up, state, nextToken="more")[0] == again
    assert choose(clean_up, state, nextToken="")[0] == done
    for result, token in [({"NextToken": "more"}, "more"), ({}, "")]:
        assert assigned(clean_up, again, result, candidates=[])["nextToken"] == token


def test_a_sweep_goes_on_with_the_next_whatever_becomes_of_one(clean_up: Definition) -> None:
    left = {"candidates": ["next"]}
    given = {"candidates": [RUN, "next"], "first": False, "fileSystems": [], "hoursWithoutRun": 0, "running": []}
    assert assigned(clean_up, "StartCleanUp", {}, **given) == left
    for state in ("StartCleanUp", "DescribeCandidate"):
        target, noted = when_refused(clean_up, state, **given)
        assert (target, noted["candidates"]) == ("NextCandidate", ["next"])
    unknown = clean_up.states["DescribeCandidate"]["Catch"][0]
    assert unknown["ErrorEquals"] == ["Sfn.ExecutionDoesNotExistException"]
    assert (unknown["Next"], unknown["Assign"]["targetStatus"]) == ("IsCandidateRunning", "UNKNOWN")
    names = assigned(clean_up, "FindRunningCleanUps", {"Executions": [{"Name": "a"}, {"Name": "b"}]})
    assert names == {"running": ["a", "b"]}


def test_a_launch_template_is_named_as_removed_when_its_deletion_was_answered(clean_up: Definition) -> None:
    known = {"templateIds": ["lt-1", "lt-2"], "removed": []}
    assert assigned(clean_up, "DeleteLaunchTemplate", {}, **known) == {"removed": [TEMPLATE], "templateIds": ["lt-2"]}
    target, unseen = when_refused(clean_up, "DescribeDeletedLaunchTemplate", **known, deletionError="y")
    assert target == "NoteLaunchTemplate"
    assert unseen["remaining"] == ["lt-1", "lt-2"]
    assert unseen["deletionError"] == "it could not be observed since (y)"


def holding(run: str = RUN, lane: int = 2, hours: float = 1, until: int | None = -1) -> dict[str, Any]:
    """An entry of the table's item."""
    taken = evaluate(f"{{% $fromMillis($millis() - {hours} * 3600000) %}}")
    names = {"run": {"S": run}, "tag": {"S": "tag"}, "lane": {"N": str(lane)}, "prefix": {"S": "a/"}}
    known = {} if until is None else {"writtenUntil": {"N": str(until)}}
    return {"M": {**names, "takenAt": {"S": taken}, **known}}


def arns(clean_up: Definition, name: str) -> list[str]:
    """The ARNs of the lanes' parts, in their order."""
    found = re.search(r"\$parse\('(.*?)'\)", clean_up.states["FindHolding"]["Assign"][name])
    assert found is not None
    listed: list[str] = json.loads(json.loads(f'"{found.group(1)}"'))
    return listed


def test_what_a_run_holds_says_in_which_lane_it_is(clean_up: Definition) -> None:
    environments, queues = arns(clean_up, "laneEnvironmentArn"), arns(clean_up, "queueArn")
    assert (len(environments), len(queues)) == (2, 2)
    given: dict[str, Any] = {"target": RUN, "found": [], "isOld": False}
    on_it = given | {"found": [{"lane": 1}]}
    for held, environment, queue in [
        ([holding(lane=2)], environments[1], queues[1]),
        ([holding("arn:other", 1), holding(lane=2)], environments[1], queues[1]),
        ([holding(lane=0)], "", ""),  # given back
        ([holding(lane=3)], "", ""),  # there are two
        ([], "", ""),
    ]:
        for known in (given, on_it):
            seen = assigned(clean_up, "FindHolding", {"Item": {"holders": {"L": held}}}, **known)
            ours = [one for one in held if one["M"]["run"]["S"] == RUN]
            # A run from before there were lanes is known by its file system alone.
            wanted = queue if ours or known is given else queues[0]
            assert (seen["laneEnvironmentArn"], seen["queueArn"], seen["isOld"]) == (environment, wanted, False)
            assert seen["holdsLane"] is bool(ours and ours[0]["M"]["lane"]["N"] != "0")
            assert (seen["jobsSince"] > 10**12) is bool(ours)
    assert assigned(clean_up, "FindHolding", {}, **given)["queueArn"] == ""
    assert assigned(clean_up, "FindHolding", {}, **given | {"found": [{"lane": 3}]})["queueArn"] == ""
    # One that a deployment has noted, of a run that began before there was a table: its jobs are known by their name.
    for until in (None, -2):
        item = {"Item": {"holders": {"L": [holding(lane=1, until=until)]}}}
        earlier = assigned(clean_up, "FindHolding", item, **given)
        assert (earlier["holdsLane"], earlier["queueArn"]) == (False, queues[0])
    # What was seen of its jobs before the lane was given back.
    for lane, until, seen_until in [(0, 7, 7), (0, 0, 0), (0, None, -1), (2, -1, -1), (2, 7, -1)]:
        item = {"Item": {"holders": {"L": [holding(lane=lane, until=until)]}}}
        assert assigned(clean_up, "FindHolding", item, **given)["writtenUntil"] == seen_until
    for hours, was_old, old in [(30, False, True), (1, False, False), (1, True, True)]:
        item = {"Item": {"holders": {"L": [holding(hours=hours)]}}}
        assert assigned(clean_up, "FindHolding", item, **given | {"isOld": was_old})["isOld"] is old


def test_the_environment_is_that_of_the_lane_or_one_that_names_a_template_of_the_run(clean_up: Definition) -> None:
    def environment(arn: str, template: str) -> dict[str, Any]:
        return {
            "ComputeEnvironmentArn": arn,
            "ComputeResources": {"LaunchTemplate": {"LaunchTemplateId": template}} if template else {},
        }

    one, other = environment("one", "lt-1"), environment("other", "")
    for lane, templates, wanted in [
        ("one", ["lt-1"], ("one", "lt-1")),
        ("other", ["lt-9"], ("other", "")),
        ("", ["lt-1"], ("one", "lt-1")),
        ("", ["lt-9"], ("", "")),
        ("", [], ("", "")),
    ]:
        answer = {"ComputeEnvironments": [one, other]}
        seen = assigned(clean_up, "FindEnvironment", answer, laneEnvironmentArn=lane, templateIds=templates)
        assert (seen["environmentArn"], seen["environmentTemplateId"]) == wanted
        assert (seen["environmentStatus"], seen["environmentReason"]) == ("VALID", "no reason given")


def test_one_environment_is_looked_at_because_the_tags_of_many_would_not_fit(clean_up: Definition) -> None:
    """SFN guide, quotas: 256 KiB; of 20 lanes, with 50 tags of 384 characters, twice each, it would be 750 KiB."""
    arguments = clean_up.states["FindEnvironment"]["Arguments"]
    known = evaluate("{% $parse(" + re.findall(r"\$parse\(('.*?')\)", arguments["ComputeEnvironments"])[0] + ") %}")
    assert len(known) == 2
    for lane, found, wanted in [
        ("own", [], ["own"]),
        ("", [{"lane": 2}], ["environment-2"]),
        ("", [{"lane": 7}], ["environment-1"]),
        ("", [], ["environment-1"]),
    ]:
        asked = evaluate(arguments, laneEnvironmentArn=lane, found=found)["ComputeEnvironments"]
        names = {"own": "own"} | {f"environment-{number}": arn for number, arn in enumerate(known, 1)}
        assert asked == [names[one] for one in wanted]
    for name in ("FindLaunchTemplates", "SweepLaunchTemplates"):
        asked = evaluate(clean_up.states[name]["Arguments"], executionTag=RUN, nextToken="")
        assert asked["MaxResults"] == 10, "with 50 tags each"


def test_a_lane_and_what_is_held_with_it_is_given_back_and_a_ticket_removed_by_who_held_it_alone(
    clean_up: Definition,
) -> None:
    known: dict[str, Any] = {"target": RUN, "removed": []}
    assert assigned(clean_up, "GiveBack", {}, **known, giving="lane") == {"removed": []}
    (lane,) = assigned(clean_up, "GiveBack", {}, **known, giving="all")["removed"]
    assert lane["type"] == "lane"
    (ticket,) = assigned(clean_up, "RemoveTicket", {"Attributes": {"run": {"S": RUN}}}, **known)["removed"]
    assert ticket["type"] == "ticket"
    assert assigned(clean_up, "RemoveTicket", {}, **known) == {"removed": []}
    target, unseen = when_refused(clean_up, "RemoveTicket", pending=[], target=RUN)
    assert (target, unseen["pending"][0]["type"]) == ("Answer", "ticket")
    for state in ("ReadHolders", "GiveBack"):
        target, again = when_refused(clean_up, state, tries=3)
        assert (target, again["tries"]) == ("MayGiveBackAgain", 4)
        assert again["givingError"] == "Batch.ClientException"


@pytest.mark.parametrize("giving", ["lane", "all"])
@pytest.mark.parametrize("draining", [True, False])
def test_what_cannot_be_given_back_is_tried_again_and_then_left_to_the_next_clean_up(
    clean_up: Definition, giving: str, draining: bool
) -> None:
    given = {"giving": giving, "givingError": "x", "pending": [], "target": RUN}
    assert choose(clean_up, "MayGiveBackAgain", tries=19, **given)[0] == "WaitToGiveBack"
    target, told = choose(clean_up, "MayGiveBackAgain", tries=20, **given)
    assert target == ("GoOn" if giving == "lane" else "RemoveTicket")
    assert [each["type"] for each in told.get("pending", [])] == ([] if giving == "lane" else ["lane"])
    target, told = choose(clean_up, "WasLaneGivenBack", giving=giving)
    others = {"laneEnvironmentArn": "", "environmentArn": "", "environmentStatus": "VALID", "environmentTemplateId": ""}
    assert (target, told) == (("GoOn", others) if giving == "lane" else ("RemoveTicket", {}))
    assert choose(clean_up, "GoOn", draining=draining)[0] == (
        "WaitForCheckMetrics" if draining else "MayDeleteFileSystem"
    )


def test_who_gives_back_a_lane_says_until_when_its_jobs_wrote(clean_up: Definition) -> None:
    ours, others = ({"run": run, "tag": "t", "prefix": "", "takenAt": "x"} for run in (RUN, "arn:other"))
    holders = [others | {"lane": 1, "writtenUntil": 3}, ours | {"lane": 2, "writtenUntil": -1}]
    values = clean_up.states["GiveBack"]["Arguments"]["ExpressionAttributeValues"]
    for written, until in [(True, "5000"), (False, "0")]:
        known: dict[str, Any] = {"version": 1, "holders": holders, "target": RUN, "jobStoppedAt": 5000}
        given = evaluate(values, **known, wasWrittenTo=written, giving="lane")[":holders"]["L"]
        entries = [(one["M"]["run"]["S"], one["M"]["lane"]["N"], one["M"]["writtenUntil"]["N"]) for one in given]
        assert entries == [("arn:other", "1", "3"), (RUN, "0", until)]


def test_a_lane_is_given_back_once_and_only_by_who_holds_it(clean_up: Definition) -> None:
    ours, given_back, others = ({"run": run, "lane": lane} for run, lane in [(RUN, 2), (RUN, 0), ("arn:other", 1)])
    for holders, giving, target in [
        ([others, ours], "lane", "GiveBack"),
        ([others, given_back], "lane", "GoOn"),
        ([others, given_back], "all", "GiveBack"),
        ([others], "lane", "GoOn"),
        ([others], "all", "RemoveTicket"),
    ]:
        assert choose(clean_up, "IsAnythingHeld", holders=holders, giving=giving, target=RUN)[0] == target


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
