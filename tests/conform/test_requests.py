"""What becomes of one attempt: a request, or a reason why there is none; and how two values are compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.conform.attempts import Attempt, Call, Outcome
from tools.conform.comparison import compared, differences
from tools.conform.requests import LeftOut, request


def attempt(state: dict[str, Any], *calls: Call, **more: Any) -> Attempt:
    machine = {"QueryLanguage": "JSONata", "StartAt": "It", "States": {"It": state, "End": {"Type": "Succeed"}}}
    given: dict[str, Any] = {
        "input": {},
        "variables": {},
        "context": {
            "Execution": {"Id": "arn", "Input": {}, "RedriveCount": 0},
            "State": {"Name": "It"},
            "StateMachine": {"Id": "arn"},
        },
        "at_millis": 2000,
        "outcome": Outcome("SUCCEEDED", "End"),
    }
    return Attempt(scenario="one", part="run", state="It", machine=machine, calls=calls, **{**given, **more})


def passing(output: str) -> dict[str, Any]:
    return {"Type": "Pass", "Output": output, "Next": "End"}


TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:fsx:describeFileSystems",
    "Arguments": {"MaxResults": "{% $millis() %}"},
    "Output": "{% $states.context.Execution.Id & $string($millis()) %}",
    "Retry": [
        {"ErrorEquals": ["FSx.InternalServerErrorException"], "MaxAttempts": 2},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9},
    ],
    "Next": "End",
}


@pytest.mark.parametrize(
    "expression",
    ["$states.context.Execution.Id", "$states . context.State", "$string($states)", "$lookup($states, 'context')"],
)
def test_a_state_without_a_mock_that_reads_the_context_is_left_out(expression: str) -> None:
    with pytest.raises(LeftOut, match="context"):
        request(attempt(passing(f"{{% {expression} %}}")))


@pytest.mark.parametrize("expression", ["$states.input.context", "$context", "$statesman", "$states.\n  input"])
def test_one_that_reads_anything_else_is_sent(expression: str) -> None:
    asked = request(attempt(passing(f"{{% {expression} %}}")))
    assert not {"context", "mock"} & set(asked)


@pytest.mark.parametrize("expression", ["$now()", "$random()", "$uuid()"])
def test_what_is_another_value_each_time_is_left_out(expression: str) -> None:
    with pytest.raises(LeftOut, match="each time"):
        request(attempt(passing(f"{{% {expression} %}}")))


def test_a_wait_is_left_out() -> None:
    with pytest.raises(LeftOut, match="wait"):
        request(attempt({"Type": "Wait", "Seconds": 1, "Next": "End"}))


def test_a_task_that_failed_before_its_call_is_left_out() -> None:
    with pytest.raises(LeftOut, match="nothing to mock"):
        request(attempt(TASK))


def test_what_is_longer_than_teststate_takes_is_left_out() -> None:
    with pytest.raises(LeftOut, match="variables is longer"):
        request(attempt(passing("{% 1 %}"), variables={"long": "é" * 140_000}))


def test_the_clock_stands_where_it_stood_for_arguments_and_for_results() -> None:
    asked = request(attempt(TASK, Call({}, at_millis=1000, result={})))
    state = json.loads(asked["definition"])["States"]["It"]
    assert state["Arguments"] == {"MaxResults": "{% 1000 %}"}
    assert state["Output"] == "{% $states.context.Execution.Id & $string(2000) %}"


def test_a_task_brings_its_answer_and_the_context_that_a_mock_may_have() -> None:
    asked = request(attempt(TASK, Call({}, at_millis=1000, result={"FileSystems": []})))
    assert asked["mock"] == {"result": '{"FileSystems":[]}', "fieldValidationMode": "STRICT"}
    assert json.loads(asked["context"])["Execution"] == {"Id": "arn", "Input": {}}
    assert "stateConfiguration" not in asked


def test_an_error_brings_how_often_its_own_retrier_was_used() -> None:
    server, other = ("FSx.InternalServerErrorException", "away"), ("FSx.BadRequestException", "no")
    calls = [Call({}, 1000, error=error) for error in (server, other, server, server)]
    asked = request(attempt(TASK, *calls))
    assert asked["mock"] == {"errorOutput": {"error": server[0], "cause": "away"}}
    assert asked["stateConfiguration"] == {"retrierRetryCount": 2}


@pytest.mark.parametrize(
    ("resource", "mode"),
    [
        ("arn:aws:states:::lambda:invoke", "NONE"),
        ("arn:aws:states:::states:startExecution.sync:2", "NONE"),
        ("arn:aws:states:::aws-sdk:batch:describeJobs", "PRESENT"),
        ("arn:aws-us-gov:states:::aws-sdk:batch:submitJob", "STRICT"),
    ],
)
def test_answers_are_held_to_their_model_as_far_as_aws_itself_keeps_to_it(resource: str, mode: str) -> None:
    asked = request(attempt(TASK | {"Resource": resource}, Call({}, 1000, result={})))
    assert asked["mock"]["fieldValidationMode"] == mode


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (1, 1.0, []),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}, []),
        (True, 1, ["it: true in the rehearsal, 1 on AWS"]),
        ({"a": None}, {}, ["it.a: null in the rehearsal, none on AWS"]),
        ({}, {"a": 1}, ["it.a: none in the rehearsal, 1 on AWS"]),
        ([1], [1, 2], ["it: [1] in the rehearsal, [1, 2] on AWS"]),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, ['it.a[0].b: "x" in the rehearsal, "y" on AWS']),
    ],
)
def test_values_are_compared_as_json(one: Any, other: Any, what: list[str]) -> None:
    assert list(compared("it", one, other)) == what


def test_an_error_in_aws_s_own_words_is_compared_by_its_name() -> None:
    failed = attempt(passing("{% $x %}"), outcome=Outcome("FAILED", error=("States.QueryEvaluationError", "ours")))
    answer = {"status": "FAILED", "error": "States.QueryEvaluationError", "cause": "theirs"}
    assert differences(failed, answer) == []
    assert differences(failed, answer | {"error": "States.Runtime"})


def test_an_error_where_the_rehearsal_had_none_is_told_with_its_cause() -> None:
    answer = {"status": "FAILED", "error": "States.QueryEvaluationError", "cause": "no such function"}
    what = differences(attempt(passing("{% $f() %}")), answer)
    assert 'error: none in the rehearsal, "States.QueryEvaluationError" on AWS (no such function)' in what
