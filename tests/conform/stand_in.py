"""What stands in for Step Functions' TestState where there is no account: a few states of the Amazon States Language,
told anew from its specification and from what AWS is known to answer. It must share nothing with the interpreter of the
rehearsal, or the two would agree on the same mistakes.

Sources: Amazon States Language specification; SDK TestState; SFN guide, testing state machines with the TestState API;
refusals as AWS words them are recorded in localstack's tests (services/stepfunctions/v2/test_state)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from tests.conform.engines import Engine, EvaluationError, evaluated

Json = Any
TARGETS = ("Next", "Default")
CONTEXT = {
    "Execution": {"Id", "Input", "Name", "RoleArn", "StartTime"},
    "State": {"EnteredTime", "Name", "RetryCount"},
    "StateMachine": {"Id", "Name"},
}
NEVER_CAUGHT = {"States.Runtime", "States.DataLimitExceeded"}


class Refused(Exception):
    """An error of the API: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Failed(Exception):
    """A state that fails: error and cause."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error, self.cause = error, cause


class StandIn:
    """Answers TestState."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def test_state(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        state = _state_under_test(asked)
        mock = asked.get("mock")
        if mock is not None and state["Type"] != "Task":
            raise _invalid(f"State type '{state['Type']}' is not supported when a mock is specified")
        if mock is None and state["Type"] == "Task":
            raise _invalid("RoleArn must be specified when testing a Task state")
        if "context" in asked:
            _check_context(asked, mock)
        if mock is not None and "result" in mock:
            _check_result(state["Resource"], json.loads(mock["result"]), mock.get("fieldValidationMode", "STRICT"))
        return _Test(self.engine, asked, state).answer()


class _Test:
    """One state, evaluated once."""

    def __init__(self, engine: Engine, asked: Mapping[str, Any], state: dict[str, Json]) -> None:
        self.engine, self.asked, self.state = engine, asked, state
        self.input = json.loads(asked.get("input", "{}"))
        self.variables: dict[str, Json] = json.loads(asked.get("variables", "{}"))
        self.states: dict[str, Json] = {"input": self.input, "context": json.loads(asked.get("context", "{}"))}
        self.inspection: dict[str, Any] = {"input": json.dumps(self.input)}

    def answer(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = getattr(self, f"_{self.state['Type'].lower()}")()
        except EvaluationError as error:
            found = self._handled(Failed("States.QueryEvaluationError", str(error)))
        except Failed as failure:
            found = self._handled(failure)
        if self.variables:
            self.inspection["variables"] = json.dumps(self.variables)
        if self.asked.get("inspectionLevel") == "DEBUG":
            found["inspectionData"] = self.inspection
        return found

    def _evaluated(self, template: Json) -> Json:
        return evaluated(self.engine, template, {"states": self.states, **self.variables})

    def _left(self, place: Mapping[str, Json], otherwise: Json, target: str | None, **more: Any) -> dict[str, Any]:
        """Output and Assign read the same variables; then both take effect."""
        output = self._evaluated(place["Output"]) if "Output" in place else otherwise
        assigned = self._evaluated(place.get("Assign", {}))
        self.variables = {**self.variables, **assigned}
        found = {"status": "SUCCEEDED", "output": json.dumps(output), **more}
        return found if target is None else {**found, "nextState": target}

    def _task(self) -> dict[str, Any]:
        arguments = self._evaluated(self.state.get("Arguments", {}))
        self.inspection["afterArguments"] = json.dumps(arguments)
        mock = self.asked["mock"]
        if (failure := mock.get("errorOutput")) is not None:
            raise Failed(failure["error"], failure["cause"])
        self.inspection["result"] = mock["result"]
        self.states["result"] = json.loads(mock["result"])
        return self._left(self.state, self.states["result"], self.state.get("Next"))

    def _pass(self) -> dict[str, Any]:
        return self._left(self.state, self.input, self.state.get("Next"))

    _succeed = _pass

    def _choice(self) -> dict[str, Any]:
        for rule in self.state["Choices"]:
            holds = self._evaluated(rule["Condition"])
            if not isinstance(holds, bool):
                raise Failed("States.QueryEvaluationError", f"{rule['Condition']} is no boolean")
            if holds:
                return self._left(rule, self.input, rule["Next"])
        if "Default" not in self.state:
            raise Failed("States.NoChoiceMatched", "no rule matched")
        return self._left(self.state, self.input, self.state["Default"])

    def _fail(self) -> dict[str, Any]:
        raise Failed(self._evaluated(self.state.get("Error", "")), self._evaluated(self.state.get("Cause", "")))

    def _handled(self, failure: Failed) -> dict[str, Any]:
        """The first retrier that an error matches, as long as it has attempts left, then the first catcher."""
        named = {"error": failure.error, "cause": failure.cause}
        details = self.inspection["errorDetails"] = {}
        for number, retrier in enumerate(self.state.get("Retry", [])):
            if _matches(retrier["ErrorEquals"], failure.error):
                details["retryIndex"] = number
                if self.asked.get("stateConfiguration", {}).get("retrierRetryCount", 0) < retrier.get("MaxAttempts", 3):
                    return {"status": "RETRIABLE", **named}
                break
        for number, catcher in enumerate(self.state.get("Catch", [])):
            if _matches(catcher["ErrorEquals"], failure.error):
                details["catchIndex"] = number
                self.states["errorOutput"] = {"Error": failure.error, "Cause": failure.cause}
                self.states.pop("result", None)
                left = self._left(catcher, self.states["errorOutput"], catcher["Next"], **named)
                return {**left, "status": "CAUGHT_ERROR"}
        return {"status": "FAILED", **named}


def _matches(listed: list[str], error: str) -> bool:
    if error in listed:
        return True
    wild = error not in NEVER_CAUGHT and ("States.ALL" in listed)
    return wild or ("States.TaskFailed" in listed and error not in NEVER_CAUGHT | {"States.Timeout"})


# ---------------------------------------------------------------------- what is refused
def _state_under_test(asked: Mapping[str, Any]) -> dict[str, Json]:
    machine = json.loads(asked["definition"])
    states = machine["States"]
    if machine.get("QueryLanguage") != "JSONata":
        raise Refused("InvalidDefinition", "only JSONata is told here")
    for name, state in states.items():
        places = [state, *state.get("Choices", []), *state.get("Catch", [])]
        for target in (place[key] for place in places for key in TARGETS if key in place):
            if target not in states:
                raise Refused("InvalidDefinition", f"Missing 'Next' target: {target} at /States/{name}")
    if asked["stateName"] not in states:
        raise _invalid(f"there is no state {asked['stateName']}")
    found: dict[str, Json] = states[asked["stateName"]]
    return found


def _check_context(asked: Mapping[str, Any], mock: Any) -> None:
    if mock is None:
        raise _invalid("a context is taken with a mock only")
    for group, members in json.loads(asked["context"]).items():
        for name in members if group in CONTEXT else (group,):
            if name not in CONTEXT.get(group, set()):
                raise _invalid(f"Invalid Context object provided: Field '{name}' is not allowed")


def _invalid(message: str) -> Refused:
    return Refused("ValidationException", message)


def _check_result(resource: str, result: Json, mode: str) -> None:
    if mode == "NONE":
        return
    shape = _answer_of(resource)
    if shape is not None:
        _check(result, shape, strict=mode == "STRICT", name="")


def _answer_of(resource: str) -> Shape | None:
    """The shape that a result is held against; an answer that waits is that of the call which looks."""
    action = resource.split(":states:::")[1].removeprefix("aws-sdk:")
    service, operation = action.split(":", 1)
    if action == "states:startExecution.sync:2":
        service, operation = "sfn", "describeExecution"
    model = _models()[{"states": "sfn"}.get(service, service)]
    return model.operation_model(operation[0].upper() + operation[1:]).output_shape


@cache
def _models() -> dict[str, ServiceModel]:
    session = botocore.session.get_session()
    names = (
        "batch",
        "cloudwatch",
        "dynamodb",
        "ec2",
        "fsx",
        "lambda",
        "logs",
        "secretsmanager",
        "service-quotas",
        "sns",
        "stepfunctions",
    )
    models = [session.get_service_model(name) for name in names]
    return {re.sub(r"\W", "", str(model.metadata["serviceId"])).lower(): model for model in models}


def _check(value: Json, shape: Shape, strict: bool, name: str) -> None:
    """SDK MockInput: what is required is there, and what is there is of its type."""

    def wrong(what: str) -> Refused:
        return _invalid(f"Mock result schema validation error: {what}")

    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise wrong(f"Field '{name}' must be an object")
        members = {member.lower(): member for member in shape.members}
        known = [key for key in value if key[0].isupper() and key.lower() in members]
        there = {members[key.lower()]: value[key] for key in known}
        if missing := [each for each in shape.required_members if strict and each not in there]:
            raise wrong(f"Required field '{missing[0][0].upper()}{missing[0][1:]}' is missing")
        for member, item in there.items():
            _check(item, shape.members[member], strict, member)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            raise wrong(f"Field '{name}' must be an array")
        for item in value:
            _check(item, shape.member, strict, name)
    elif isinstance(shape, MapShape):
        if not isinstance(value, dict):
            raise wrong(f"Field '{name}' must be an object")
        for item in value.values():
            _check(item, shape.value, strict, name)
    elif shape.type_name == "boolean":
        if not isinstance(value, bool):
            raise wrong(f"Field '{name}' must be a boolean")
    elif shape.type_name in {"integer", "long", "float", "double"}:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(f"Field '{name}' must be a number")
        _check_bounds(value, shape, wrong(f"Field '{name}' is out of its bounds"))
    elif not isinstance(value, str):
        raise wrong(f"Field '{name}' must be a string")
    elif isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            raise wrong(f"Field '{name}' is not an expected value")
        _check_bounds(len(value), shape, wrong(f"Field '{name}' is too short or too long"))


def _check_bounds(number: float, shape: Shape, otherwise: Refused) -> None:
    if not shape.metadata.get("min", number) <= number <= shape.metadata.get("max", number):
        raise otherwise
