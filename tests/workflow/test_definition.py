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
from tests.graph.recording import record_stack
from tests.workflow.asl import all_edges, edges, loops, reachable
from tests.workflow.conftest import Definition, definition_of

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


def test_cfn_lint_would_have_something_to_say_about_a_wrong_one(definition: Definition, tmp_path: Path) -> None:
    broken = definition.whole
    broken["States"]["CreateFileSystem"]["Retry"][0]["MaxAttempts"] = "many"
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/workflow", "Definition": broken}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    template = tmp_path / "template.json"
    template.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}}))
    assert cfnlint.lint_file(template, ManualArgs(regions=["us-east-1"]))


def test_the_definition_is_far_below_the_size_that_step_functions_takes(longest: Definition) -> None:
    """Step Functions guide, quotas: 1 MB; tags at their limit included."""
    tags = json.dumps({f"key-{number:02}" + "k" * 100: "v" * 256 for number in range(40)})
    tagged = definition_of(record_stack({"tags": tags}))
    assert len(tagged.rendered.encode()) < 1_048_576 / 2
    assert len(longest.rendered.encode()) < 1_048_576 / 2


def test_every_placeholder_is_filled_and_every_value_that_is_given_is_used(definition: Definition) -> None:
    assert re.findall(r"\$\{\w+\}", definition.rendered) == []
    assert re.findall(r"\$\{\w+\}", definition.policy) == []
    source = (PACKAGE / "workflow.py").read_text(encoding="utf-8")
    given = set(re.findall(r'^        "(\w+)": ', source, re.M))
    policy = (PACKAGE / "policies" / "workflow.json").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)\}", definition.source + policy))
    assert used == given


@pytest.mark.parametrize(
    "hostile", ["O'Brien", 'say "hi"', "back\\slash", "{% $states %}", "${Tags}", "naïve ✓", "a\nb"]
)
def test_a_value_with_quotes_or_braces_arrives_as_it_is(hostile: str) -> None:
    definition = definition_of(record_stack({"tags": json.dumps({"note": hostile})}))
    expression = definition.states["StartRun"]["Assign"]["tags"]
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
        assert reachable(name, ways) & {"Succeeded", "Failed"}, name


def test_no_timeout_of_the_machine_may_end_it_without_its_clean_up(definition: Definition) -> None:
    """Step Functions guide, TimeoutSeconds: an execution that runs out of it runs no catcher."""
    assert "TimeoutSeconds" not in definition.whole


def test_each_state_hands_on_nothing_of_its_input(definition: Definition) -> None:
    """What is needed is in variables; whole answers would eat the 256 KiB that an execution's data may have."""
    passing = [
        name
        for name, state in definition.states.items()
        if state["Type"] in ("Task", "Pass", "Wait") and state.get("Output") != {}
    ]
    assert passing == []


def test_the_only_way_to_delete_the_file_system_leads_past_the_question_whether_it_may_be(
    definition: Definition,
) -> None:
    ways = all_edges(definition.states)
    deleting = [
        name for name, state in definition.states.items() if state.get("Resource", "").endswith(":deleteFileSystem")
    ]
    assert deleting == ["DeleteFileSystem"]
    assert [(edge.source, edge.kind) for edge in ways if edge.target == "DeleteFileSystem"] == [
        ("FindTasksInTheWay", "catch"),
        ("IsTaskInTheWay", "choice"),
    ]
    assert [(edge.source, edge.kind) for edge in ways if edge.target == "FindTasksInTheWay"] == [
        ("MayDeleteFileSystem", "default"),
        ("WaitForCancellation", "next"),
    ]
    assert "DeleteFileSystem" not in reachable(
        definition.whole["StartAt"], ways, without=frozenset({"MayDeleteFileSystem"})
    )


def test_verified_is_only_ever_set_after_an_export_task_or_a_quiet_window(definition: Definition) -> None:
    def sets_verified(value: Any) -> bool:
        if isinstance(value, dict):
            return value.get("Assign", {}).get("verified") is True or any(map(sets_verified, value.values()))
        return isinstance(value, list) and any(map(sets_verified, value))

    setters = {name for name, state in definition.states.items() if sets_verified(state)}
    assert setters == {"IsExportComplete", "WereExportErrorsLogged"}
    (succeeded, kept, *others) = definition.states["IsExportComplete"]["Choices"]
    for rule in (succeeded, kept):
        assert rule["Assign"]["verified"] is True
        assert "$task.status = 'SUCCEEDED' and $task.failed = 0" in rule["Condition"]
    assert [rule for rule in others if sets_verified(rule)] == []


def test_a_run_that_fails_after_it_created_something_passes_through_the_clean_up(definition: Definition) -> None:
    """From the creation of the file system on, no catcher and no verdict leads straight to the end."""
    ways = all_edges(definition.states)
    clean_up = frozenset({"FindWhatWasCreated", "FindJobs", "StopJobs"})
    before = reachable("CreateFileSystem", ways, without=clean_up)
    assert {"CreateAssociation", "CreateLaunchTemplate", "RegisterJobDefinition", "SubmitJob", "DescribeJob"} <= before
    assert {edge.target for edge in ways if edge.source in before} - before == clean_up


# ---------------------------------------------------------------------- failures
def test_every_task_retries_throttling_and_server_errors_with_backoff_and_full_jitter(definition: Definition) -> None:
    for name, state in tasks(definition):
        last = state["Retry"][-1]
        assert last["ErrorEquals"] == THROTTLING_AND_5XX, name
        assert last["IntervalSeconds"] >= 1, name
        assert last["BackoffRate"] > 1, name
        assert last["MaxDelaySeconds"] <= 60, name
        assert 5 <= last["MaxAttempts"] <= 10, name
    for name, retrier in retriers(definition):
        if retrier["MaxAttempts"] > 0:
            assert retrier["JitterStrategy"] == "FULL", name
            assert retrier["BackoffRate"] > 1, name
            assert retrier["MaxDelaySeconds"] > retrier["IntervalSeconds"], name


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


def test_every_catcher_of_the_clean_up_keeps_the_first_failure(definition: Definition) -> None:
    """The error of the execution is the original one: what goes wrong while cleaning up must not hide it."""
    cleaning = reachable("FindWhatWasCreated", all_edges(definition.states))
    for name in cleaning:
        state = definition.states[name]
        assigned = [state, *state.get("Catch", []), *state.get("Choices", [])]
        for each in assigned:
            failures = each.get("Assign", {}).get("failures")
            if failures:  # an empty list begins anew
                assert isinstance(failures, str), f"{name} forgets earlier failures"
                assert failures.startswith("{% $append($failures, ["), name


# Loops that need no pause, because each round brings them nearer to their end.
ENDING_BY_THEMSELVES = {
    frozenset({"FindWhatWasCreated", "HasMoreFileSystems"}): "reads the next of a list's pages",
    frozenset({"ReadExportErrors", "WereExportErrorsLogged"}): "reads the next of a log's pages",
    frozenset({"FindJobDefinition", "HasJobDefinition", "DeregisterJobDefinition"}): "takes one away",
}


def test_every_loop_has_a_pause_or_comes_nearer_to_its_end_each_time(definition: Definition) -> None:
    for loop in loops(definition.states):
        waits = {name for name in loop if definition.states[name]["Type"] == "Wait"}
        assert waits or frozenset(loop) in ENDING_BY_THEMSELVES, f"spins without a pause: {sorted(loop)}"
