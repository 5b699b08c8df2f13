"""What a clean-up is told, what it may work on and what it finds."""

from __future__ import annotations

import string
from typing import Any

import pytest

from tests.workflow.answers import (
    EVENT,
    OURS,
    file_system,
    pending,
)
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FILE_SYSTEM, RUN, STACK, choose, evaluate


# ---------------------------------------------------------------------- how a clean-up is entered
def entered(clean_up: Definition, given: Any) -> tuple[str, dict[str, Any]]:
    return choose(clean_up, "Route", {"input": given, "context": {"Execution": {"Id": RUN, "Input": given}}})


def test_the_event_of_an_execution_that_ended_badly_starts_its_clean_up_after_a_minute(clean_up: Definition) -> None:
    target, assigned = entered(clean_up, EVENT)
    assert (target, assigned["candidates"]) == ("WaitForLists", [OURS])
    assert clean_up.states["WaitForLists"]["Seconds"] == 60


@pytest.mark.parametrize(
    ("detail", "first"),
    [
        ({"status": "ABORTED"}, True),
        ({"status": "TIMED_OUT", "error": None, "cause": None}, True),
        ({"status": "FAILED", "error": "States.DataLimitExceeded", "cause": "too long"}, True),
        ({"status": "FAILED", "error": "CleanUpPending", "cause": "Not everything"}, False),
        ({"status": "FAILED", "error": "CleanUpPending", "cause": "x\nNobody was told of it: SNS.SnsException"}, True),
    ],
)
def test_what_a_run_has_told_itself_is_not_told_again_a_minute_later(
    run: Definition, clean_up: Definition, detail: dict[str, Any], first: bool
) -> None:
    given = EVENT | {"detail": EVENT["detail"] | detail}
    assert entered(clean_up, given)[1]["first"] is first
    untold = {"errorOutput": {"Error": "SNS.SnsException"}}
    told = evaluate(run.states["Notify"]["Catch"][0]["Assign"]["left"], untold, left="x")
    assert told == "x\nNobody was told of it: SNS.SnsException"
    assert evaluate(run.states["Notify"]["Catch"][0]["Assign"]["left"], untold, left="").startswith("Nobody")


@pytest.mark.parametrize(
    ("given", "target", "told"),
    [
        ({"sweep": True}, "SweepFileSystems", {"candidates": []}),
        ({"fileSystemId": FILE_SYSTEM}, "DescribeReclaimedFileSystem", {"fileSystemId": FILE_SYSTEM, "reclaim": True}),
        ({"execution": OURS}, "DescribeTarget", {"target": OURS, "byTarget": False, "reclaim": False}),
        ({"waitedFor": OURS}, "FindRunningCleanUps", {"candidates": [OURS], "first": False}),
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
        EVENT | {"detail": EVENT["detail"] | {"stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:other"}},
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
def test_a_reclaim_of_nothing_is_refused_at_once(run: Definition, given: Any) -> None:
    context = {"input": {"reclaim": given}, "context": {"Execution": {"Id": RUN}}}
    target, assigned = choose(run, "Route", context)
    assert (target, assigned["failure"]["Error"]) == ("Failed", "InvalidParameter")
    said = assigned["failure"]["Cause"]
    assert said.startswith('The input {"reclaim":')
    assert f'is not {{"reclaim": "fs-…"}} or {{"reclaim": "{OURS.removesuffix("run")}…"}} alone' in said


def test_a_reclaim_stands_alone_but_for_awss_own_key(run: Definition) -> None:
    def leads_to(**more: Any) -> str:
        content = {"reclaim": FILE_SYSTEM, **more}
        return choose(run, "Route", {"input": content, "context": {"Execution": {"Id": RUN}}})[0]

    assert leads_to() == leads_to(AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID="arn:x") == "Reclaim"
    assert leads_to(jobDefinitionVcpus=3) == "Failed"


def test_what_the_clean_up_says_of_a_reclaim_is_what_the_run_says(run: Definition) -> None:
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


# ---------------------------------------------------------------------- finding what a run created
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


def test_a_file_system_that_does_not_exist_is_refused_rather_than_reclaimed(clean_up: Definition) -> None:
    catcher = clean_up.states["DescribeReclaimedFileSystem"]["Catch"][0]
    assert set(catcher["ErrorEquals"]) == {"FSx.FileSystemNotFoundException", "Fsx.FileSystemNotFoundException"}
    refused = evaluate(catcher["Assign"], fileSystemId=FILE_SYSTEM)
    assert (catcher["Next"], refused["error"]) == ("CouldNotWork", "InvalidParameter")
    assert refused["cause"] == f"{FILE_SYSTEM} is not the id of a file system that exists"


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
