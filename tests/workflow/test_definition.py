"""The definition as a document: valid, readable in Workflow Studio, whole, and with a way out of every failure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from cfnlint.config import ManualArgs

from rehearsal.provider.deployment import ROOT
from tests.graph.recording import Mocks, record_stack
from tests.workflow.asl import all_edges, edges, loops, reachable, sdk_tasks
from tests.workflow.conftest import PARTS, Definition, calling, definition_of

PACKAGE = ROOT / "components" / "lustre_batch"

# Amazon States Language, "State fields" for JSONata.
FIELDS = {
    "Choice": {"Type", "Comment", "Choices", "Default", "Assign", "Output"},
    "Fail": {"Type", "Comment", "Error", "Cause"},
    "Pass": {"Type", "Comment", "Assign", "Output", "Next"},
    "Succeed": {"Type", "Comment", "Output"},
    "Task": {
        "Type",
        "Comment",
        "Resource",
        "Arguments",
        "Retry",
        "Catch",
        "Assign",
        "Output",
        "Next",
        "TimeoutSeconds",
    },
    "Wait": {"Type", "Comment", "Seconds", "Assign", "Output", "Next"},
}
THROTTLING_AND_5XX = ["States.TaskFailed", "States.Timeout"]


def tasks(definition: Definition) -> Iterator[tuple[str, Any]]:
    return ((name, state) for name, state in definition.states.items() if state["Type"] == "Task")


# ---------------------------------------------------------------------- the document
def test_cfn_lint_finds_nothing_to_say_about_the_definition(definition: Definition, tmp_path: Path) -> None:
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/workflow", "Definition": definition.whole}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}))
    found = cfnlint.lint_file(template, ManualArgs(regions=["us-east-1"]))
    assert [str(each) for each in found] == []


def test_cfn_lint_would_have_something_to_say_about_a_wrong_one(run: Definition, tmp_path: Path) -> None:
    broken = run.whole
    broken["States"]["CreateFileSystem"]["Retry"][0]["MaxAttempts"] = "many"
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/workflow", "Definition": broken}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}))
    assert cfnlint.lint_file(template, ManualArgs(regions=["us-east-1"]))


def test_the_definition_is_far_below_the_size_that_step_functions_takes(longest: Definition) -> None:
    """Step Functions guide, quotas: 1 MB; tags at their limit included."""
    tags = json.dumps({f"key-{number:02}" + "k" * 100: "v" * 256 for number in range(40)})
    tagged = record_stack({"tags": tags})
    for name in PARTS:
        assert len(definition_of(tagged, name).rendered.encode()) < 1_048_576 / 2
    assert len(longest.rendered.encode()) < 1_048_576 / 2


def test_every_placeholder_is_filled(definition: Definition) -> None:
    assert re.findall(r"\$\{\w+\}", definition.rendered) == []
    assert re.findall(r"\$\{\w+\}", definition.policy) == []


def test_every_value_that_is_given_is_used(run: Definition, clean_up: Definition) -> None:
    source = (PACKAGE / "workflow.py").read_text(encoding="utf-8")
    given = set(re.findall(r'^        "(\w+)": ', source, re.M))
    policies = [(PACKAGE / "policies" / f"{name}.json").read_text(encoding="utf-8") for name in PARTS]
    used = set(re.findall(r"\$\{(\w+)\}", "".join([run.source, clean_up.source, *policies])))
    assert used == given


@pytest.mark.parametrize(
    "hostile", ["O'Brien", 'say "hi"', "back\\slash", "{% $states %}", "${Tags}", "naïve ✓", "a\nb"]
)
def test_a_value_with_quotes_or_braces_arrives_as_it_is(hostile: str) -> None:
    definition = definition_of(record_stack(mocks=Mocks(default_tags=(("note", hostile),))))
    expression = definition.states["PrepareTicket"]["Assign"]["tags"]
    literal = re.search(r"\$parse\('(.*?)'\)", expression)
    assert literal
    text = json.loads(f'"{literal.group(1)}"')
    assert json.loads(text)["note"] == hostile


# ---------------------------------------------------------------------- the graph
def test_every_state_has_only_the_fields_its_type_knows(definition: Definition) -> None:
    unknown = {name: set(state) - FIELDS[state["Type"]] for name, state in definition.states.items()}
    assert {name: fields for name, fields in unknown.items() if fields} == {}


def test_every_way_leads_to_a_state_and_every_state_has_one(definition: Definition) -> None:
    states = definition.states
    for edge in all_edges(states):
        assert edge.target in states, edge
    for name, state in states.items():
        ends = state["Type"] in ("Succeed", "Fail")
        assert ends != bool(list(edges(name, state))), name
        if state["Type"] == "Choice":
            assert "Default" in state, name
        elif not ends:
            assert "Next" in state, name


def test_every_state_can_be_reached_and_leads_to_an_end(definition: Definition) -> None:
    states, ways = definition.states, all_edges(definition.states)
    assert reachable(definition.whole["StartAt"], ways) == set(states)
    for name in states:
        assert reachable(name, ways) & {end for end, state in states.items() if state["Type"] in ("Succeed", "Fail")}, (
            name
        )


def test_no_timeout_of_the_machine_may_end_it_without_its_clean_up(definition: Definition) -> None:
    """Step Functions guide, TimeoutSeconds: an execution that runs out of it runs no catcher."""
    assert "TimeoutSeconds" not in definition.whole


# A few words for whoever looks into the history.
SHOWN = {"CountTickets": {"place", "waitsFor"}}


def test_each_state_hands_on_nothing_of_its_input(definition: Definition) -> None:
    """What is needed is in variables; whole answers would eat the 256 KiB that an execution's data may have."""
    passing = [
        name
        for name, state in definition.states.items()
        if state["Type"] in ("Task", "Pass", "Wait") and set(state.get("Output", "?")) != SHOWN.get(name, set())
    ]
    assert passing == []


QUESTIONS = ("MayDeleteFileSystem", "ReadAssociationBeforeDeletion", "ReadTasksBeforeDeletion", "MayDeleteNow")


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_way_to_the_deletion_of_the_file_system_leads_past_each_question(
    clean_up: Definition, question: str
) -> None:
    ways = all_edges(clean_up.states)
    assert calling(clean_up, "deleteFileSystem") == ["DeleteFileSystem"]
    assert [(edge.source, edge.kind) for edge in ways if edge.target == "DeleteFileSystem"] == [
        ("MayDeleteNow", "choice")
    ]
    start = clean_up.whole["StartAt"]
    assert "DeleteFileSystem" in reachable(start, ways)
    assert "DeleteFileSystem" not in reachable(start, ways, without=frozenset({question}))


def test_association_and_tasks_are_read_between_the_question_and_the_deletion(clean_up: Definition) -> None:
    """What they read overwrites what was known before; a failure to read leads away."""
    states = clean_up.states
    assert states["MayDeleteFileSystem"]["Default"] == "NoteVerified"
    assert {edge.target for edge in edges("NoteVerified", states["NoteVerified"])} == {"ReadAssociationBeforeDeletion"}
    assert states["ReadAssociationBeforeDeletion"]["Next"] == "ReadTasksBeforeDeletion"
    assert {"associationStatus", "exportEvents"} <= set(states["ReadAssociationBeforeDeletion"]["Assign"])
    assert states["ReadTasksBeforeDeletion"]["Next"] == "MayDeleteNow"
    assert {"tasks", "importing"} <= set(states["ReadTasksBeforeDeletion"]["Assign"])
    for name in QUESTIONS[1:3]:
        assert {catcher["Next"] for catcher in states[name]["Catch"]} == {"IsTemplateReleased", "LookAtFileSystem"}


# Calls that end, delete or change what exists; what creates, describes, tags and tells may be in either machine.
ENDING = ("delete", "deregister", "cancel", "terminate", "updateDataRepositoryAssociation")


def test_the_run_deletes_nothing_stops_nothing_and_never_switches_export_off(run: Definition) -> None:
    operations = [task.operation for task in sdk_tasks(run.states)]
    assert [each for each in operations if each.startswith(ENDING)] == ["deleteItem"]
    assert calling(run, "deleteItem") == ["ReturnTicket"]
    assert run.states["ReturnTicket"]["Arguments"]["Key"]["kind"] == {"S": "ticket"}
    assert "createFileSystem" in operations
    assert not {"fsx:DeleteFileSystem", "fsx:UpdateDataRepositoryAssociation"} & set(re.findall(r"\w+:\w+", run.policy))


def test_no_clean_up_cancels_an_export_task(clean_up: Definition) -> None:
    """SDK, CancelDataRepositoryTask: what was not exported by then stays so. Only imports are cancelled."""
    assert calling(clean_up, "cancelDataRepositoryTask") == ["CancelImport"]
    assert clean_up.states["CancelImport"]["Arguments"] == {"TaskId": "{% $importing[0] %}"}
    states = clean_up.states
    setters = [state["Assign"]["importing"] for state in states.values() if "importing" in state.get("Assign", {})]
    assert [each for each in setters if each and "Type != 'EXPORT_TO_REPOSITORY'" not in each] == []


def test_export_is_switched_off_only_once_the_queue_was_seen_empty(clean_up: Definition) -> None:
    ways = all_edges(clean_up.states)
    off = {
        name
        for name in calling(clean_up, "updateDataRepositoryAssociation")
        if clean_up.states[name]["Arguments"]["S3"]["AutoExportPolicy"]["Events"] == []
    }
    assert off == {"DisableAutoExport"}
    assert "DisableAutoExport" not in reachable(clean_up.whole["StartAt"], ways, without=frozenset({"IsQueueEmpty"}))
    assert [edge.source for edge in ways if edge.target == "StopImport"] == ["MayImportGoOn"]


def test_verified_is_only_ever_set_after_an_export_task_or_a_quiet_window(clean_up: Definition) -> None:
    setters = {
        name: [rule for rule in [state, *state.get("Choices", [])] if rule.get("Assign", {}).get("verified") is True]
        for name, state in clean_up.states.items()
    }
    assert {name for name, rules in setters.items() if rules} == {"IsExportVerified", "WereExportErrorsLogged"}
    for rule in setters["IsExportVerified"]:
        assert "status = 'SUCCEEDED' and failed = 0 and createdAt > $jobStoppedAt" in rule["Condition"]


def test_a_run_that_fails_after_it_took_a_lane_passes_through_the_clean_up(run: Definition) -> None:
    """From the lane on, no catcher and no verdict leads straight to the end."""
    ways = all_edges(run.states)
    before = reachable("RegisterJobDefinition", ways, without=frozenset({"CleanUp"}))
    assert {"CreateFileSystem", "CreateAssociation", "CreateLaunchTemplate", "SubmitJob", "DescribeJob"} <= before
    assert {edge.target for edge in ways if edge.source in before} - before == {"CleanUp"}
    lost_answer = [catcher for catcher in run.states["TakeTicket"]["Catch"] if catcher["ErrorEquals"] == ["States.ALL"]]
    assert [catcher["Next"] for catcher in lost_answer] == ["CleanUp"]


def test_without_a_lane_nothing_is_created(run: Definition) -> None:
    ways = all_edges(run.states)
    before = reachable(
        run.whole["StartAt"], ways, without=frozenset({"RegisterJobDefinition", "CreateFileSystem", "CleanUp"})
    )
    assert {task.operation for task in sdk_tasks(run.states) if task.name in before} == {
        "deleteItem",
        "describeExecution",
        "getItem",
        "getSecretValue",
        "getServiceQuota",
        "publish",
        "putItem",
        "putMetricData",
        "query",
        "updateItem",
    }


# ---------------------------------------------------------------------- failures
# SubmitJob is no idempotent call: after any answer but a refusal the job is looked for, with a pause that grows.
# The wait for a clean-up retries only what says that it was not started.
RETRIED_OTHERWISE = {"SubmitJob": "WaitForJobList", "Reclaim": "Failed", "WaitForCleanUp": "IsAnythingLeft"}


def test_every_task_retries_throttling_and_server_errors_with_backoff_and_full_jitter(definition: Definition) -> None:
    for name, state in tasks(definition):
        last = state["Retry"][-1]
        if name in RETRIED_OTHERWISE:
            assert "States.TaskFailed" not in last["ErrorEquals"], name
            assert state["Catch"][-1]["Next"] == RETRIED_OTHERWISE[name]
            continue
        polled = last["MaxAttempts"] == 3  # the loop around it asks again
        assert last["ErrorEquals"] == THROTTLING_AND_5XX, name
        assert last["IntervalSeconds"] >= 1, name
        assert last["BackoffRate"] > 1, name
        assert last["MaxDelaySeconds"] <= 60, name
        assert polled or 5 <= last["MaxAttempts"] <= (60 if name in REFUSED_FOR_NOW else 10), name
    for name, retrier in retriers(definition):
        if retrier["MaxAttempts"] > 0:
            assert retrier["JitterStrategy"] == "FULL", name
            assert retrier["BackoffRate"] > 1, name
            assert retrier["MaxDelaySeconds"] > retrier["IntervalSeconds"], name


# What a service refuses for good: asking again would not change the answer. By service, and by state where a state's
# call has such errors of its own (SDK, errors of the operation).
REFUSED_FOR_GOOD = {
    "batch": ["Batch.ClientException"],
    "fsx": [
        f"{prefix}.{error}Exception"
        for prefix in ("Fsx", "FSx")
        for error in ("BadRequest", "FileSystemNotFound", "IncompatibleParameterError", "UnsupportedOperation")
    ],
    "CancelImport": [
        f"{prefix}.{error}Exception"
        for prefix in ("Fsx", "FSx")
        for error in ("BadRequest", "DataRepositoryTaskEnded", "DataRepositoryTaskNotFound")
    ],
    "CheckMetrics": ["InvalidEvent"],
    "CreateExportTask": [f"{prefix}.DataRepositoryTaskExecutingException" for prefix in ("Fsx", "FSx")],
    "DescribeCandidate": ["Sfn.ExecutionDoesNotExistException"],
    "DescribeTarget": ["Sfn.ExecutionDoesNotExistException"],
    "GetQuota": [f"ServiceQuotas.{error}Exception" for error in ("AccessDenied", "IllegalArgument", "NoSuchResource")],
    "GetParameters": ["SecretsManager.ResourceNotFoundException", "States.QueryEvaluationError"],
    "DescribeHolder": ["Sfn.ExecutionDoesNotExistException"],
    "GiveBack": ["DynamoDb.ConditionalCheckFailedException"],
    "TakeLane": ["DynamoDb.ConditionalCheckFailedException"],
}
# Refusals that pass: the environment or the association is being updated, the file system is being created or a task
# still ends on it.
REFUSED_FOR_NOW = {
    "UpdateComputeEnvironment": (["Batch.ClientException"], 5),
    "LetJobFinish": (["Batch.ClientException"], 5),
    "EnableJobQueue": (["Batch.ClientException"], 6),
    "DisableAutoExport": (["Fsx.BadRequestException", "FSx.BadRequestException"], 6),
    "StopImport": (["Fsx.BadRequestException", "FSx.BadRequestException"], 6),
    "DeleteFileSystem": (["Fsx.BadRequestException", "FSx.BadRequestException"], 30),
    # Nobody comes back to a reclaim that has not begun.
    "DescribeReclaimedFileSystem": (
        [error for error in REFUSED_FOR_GOOD["fsx"] if "FileSystemNotFound" not in error],
        60,
    ),
}


def test_what_is_refused_for_good_is_not_asked_for_again_and_what_passes_is_asked_for_patiently(
    definition: Definition,
) -> None:
    services = {task.name: task.service for task in sdk_tasks(definition.states)}
    for name, state in tasks(definition):
        for_now, patience = REFUSED_FOR_NOW.get(name, ([], 0))
        of_service = [] if name == "CancelImport" else REFUSED_FOR_GOOD.get(services.get(name, ""), [])
        for error in {*of_service, *REFUSED_FOR_GOOD.get(name, []), *for_now}:
            met = next(each for each in state["Retry"] if {error, "States.TaskFailed"} & set(each["ErrorEquals"]))
            assert met["MaxAttempts"] == (patience if error in for_now else 0), f"{name}: {error}"


def test_every_failed_end_of_a_run_says_why(run: Definition) -> None:
    """Whatever leads to the end without the job's success assigns the failure that the run will end with."""
    silent = {
        (edge.source, edge.kind)
        for edge in all_edges(run.states)
        if edge.target in ("CleanUp", "Summarise", "Failed") and "failure" not in edge.assigns
    }
    assert silent == {
        ("IsJobDone", "choice"),  # the job succeeded
        ("IsSessionOver", "choice"),  # told to end
        ("MaySessionGoOn", "choice"),  # no job was left when its time was over
        ("IsSessionIdle", "choice"),
        ("IsAnythingLeft", "default"),  # as it was before the clean-up
        ("HasFailed", "choice"),
        # Without a lane: MayWait has said why.
        ("WasTicketReturned", "choice"),
        ("WasTicketReturned", "default"),
    }


def test_what_is_retried_briefly_is_asked_again_by_the_loop_around_it_or_looked_at_afterwards(
    definition: Definition,
) -> None:
    """Or belongs to what a later look decides: whether the environment let go, whether a template is gone."""
    looping = {name for loop in loops(definition.states) for name in loop}
    looked_at = {"ReleaseEnvironment": "DescribeReleasedEnvironment", "DeleteLaunchTemplate": "NoteLaunchTemplate"}
    looked_at["LookAtFileSystem"] = "LeaveFileSystem"  # unseen, it counts as there
    looked_at["GetQuota"] = "PrepareTicket"  # unseen, it counts as enough
    looked_at["DescribeJobs"] = "NoteEndOfJobs"  # unseen, they count as having run
    for name, state in tasks(definition):
        if ":cloudwatch:" in state["Resource"]:
            continue  # how it went is told after it, and should not have to wait for a number
        if state["Retry"][-1]["MaxAttempts"] == 3 and name not in looping:
            assert looked_at[name] in definition.states, name


def retriers(definition: Definition) -> Iterator[tuple[str, Any]]:
    return ((name, retrier) for name, state in tasks(definition) for retrier in state["Retry"])


def test_every_task_catches_whatever_its_retries_could_not_mend(definition: Definition) -> None:
    for name, state in tasks(definition):
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert [catcher for catcher in state["Catch"][:-1] if "States.ALL" in catcher["ErrorEquals"]] == [], name


def test_every_retrier_and_catcher_names_at_least_one_error(definition: Definition) -> None:
    """Amazon States Language, "Errors": ErrorEquals is a non-empty array."""
    for name, state in tasks(definition):
        for each in state["Retry"] + state["Catch"]:
            assert each["ErrorEquals"], name
            assert len(each["ErrorEquals"]) == len(set(each["ErrorEquals"])), name


def test_a_retrier_that_stands_before_another_takes_nothing_from_it(definition: Definition) -> None:
    for name, state in tasks(definition):
        named = [error for retrier in state["Retry"] for error in retrier["ErrorEquals"]]
        assert len(named) == len(set(named)), f"{name}: the second mention is never looked at"


# Loops that need no pause, because each round brings them nearer to their end.
ENDING_BY_THEMSELVES = {
    frozenset({"FindFileSystems", "AreThereMoreFileSystems"}): "reads the next of a list's pages",
    frozenset({"FindLaunchTemplates", "AreThereMoreLaunchTemplatesOfIt"}): "reads the next of a list's pages",
    frozenset({"FindRefusedInstances", "CanInstancesMount"}): "reads the next of a list's pages",
    frozenset({"FindFailedChildren", "AreThereMoreFailedChildren"}): "reads the next of a list's pages",
    frozenset({"SweepFileSystems", "AreThereMoreToSweep"}): "reads the next of a list's pages",
    frozenset({"SweepLaunchTemplates", "AreThereMoreLaunchTemplates"}): "reads the next of a list's pages",
    frozenset({"SweepJobDefinitions", "AreThereMoreJobDefinitions"}): "reads the next of a list's pages",
    frozenset({"ReadExportErrors", "WereExportErrorsLogged"}): "reads the next of a log's pages",
    frozenset({"FindJobDefinition", "HasJobDefinition", "DeregisterJobDefinition"}): "takes one away",
    frozenset(
        {"IsTemplateReleased", "DeleteLaunchTemplate", "DescribeDeletedLaunchTemplate", "NoteLaunchTemplate"}
    ): "takes one away",
    frozenset({"NextCandidate", "DescribeCandidate", "IsCandidateRunning", "StartCleanUp"}): "takes one away",
    frozenset({"WaitForCleanUp", "MayStartCleanUpAgain", "IsAnythingLeft"}): "is counted",
}


def test_every_loop_has_a_pause_or_comes_nearer_to_its_end_each_time(definition: Definition) -> None:
    for loop in loops(definition.states):
        waits = {name for name in loop if definition.states[name]["Type"] == "Wait"}
        assert waits or frozenset(loop) in ENDING_BY_THEMSELVES, f"spins without a pause: {sorted(loop)}"


def test_whatever_is_created_under_a_name_has_the_same_one_when_it_is_asked_for_again(definition: Definition) -> None:
    """A retry evaluates the arguments anew; the moment at which the state was entered stays (SFN guide, context)."""
    named = {
        name: json.dumps(
            [state["Arguments"][key] for key in state["Arguments"] if key.endswith(("Name", "Token", "Tag"))]
        )
        for name, state in tasks(definition)
        if isinstance(state.get("Arguments"), dict)
    }
    assert any("EnteredTime" in each for each in named.values())
    for name, each in named.items():
        assert not re.search(r"\$(millis|now|random|uuid)\(", each), name
