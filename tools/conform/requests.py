"""What is asked of Step Functions' TestState. Owns the request that each attempt becomes, and the reasons why one is
not sent. It never sends anything.

Sources: SDK TestState (botocore's model of it); SFN guide, testing state machines with the TestState API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.model import Shape, StructureShape
from botocore.validate import ParamValidator

from tools.conform.attempts import Attempt, Call

# SDK TestState: what a mock stands for; all others are evaluated as they are.
MOCKED = {"Task"}
# Members of the context object that a mocked one may have (SFN guide, context object). `RedriveCount`, which executions
# have beside them, is not read by any expression.
CONTEXT = {
    "Execution": ("Id", "Input", "Name", "RoleArn", "StartTime"),
    "State": ("EnteredTime", "Name", "RetryCount"),
    "StateMachine": ("Id", "Name"),
}
# How strictly TestState holds a mock against botocore's shape of the answer, where it cannot be STRICT.
VALIDATION = {
    # These two give JSON where the API's answer has text (SFN guide, invoke Lambda with Step Functions; start a new
    # state machine from a running execution), and TestState refuses that as a mock (boto3 #4683).
    ":states:::lambda:invoke": "NONE",
    ":states:::states:startExecution.sync:2": "NONE",
    # The model of JobDetail requires `startedAt`, which Batch leaves out until a job has started (moto #2202).
    ":states:::aws-sdk:batch:describeJobs": "PRESENT",
}
# What `$states` holds besides the context object.
_READS_CONTEXT = re.compile(r"\$states\b(?!\s*\.\s*(?:input|result|errorOutput)\b)")
_EVER_DIFFERENT = re.compile(r"\$(now|random|uuid)\s*\(")
_CLOCK = re.compile(r"\$millis\s*\(\s*\)")

Json = Any


class LeftOut(Exception):
    """Why an attempt is not sent."""


def request(attempt: Attempt) -> dict[str, Any]:
    """The parameters of TestState for an attempt, or LeftOut."""
    state = attempt.definition
    if state["Type"] == "Wait":
        raise LeftOut("a Wait state would wait")
    mocked = state["Type"] in MOCKED
    if mocked and not attempt.calls:
        raise LeftOut("it failed before its call, and there is nothing to mock")
    texts = list(expressions(state))
    if not mocked and any(_READS_CONTEXT.search(text) for text in texts):
        raise LeftOut("it reads the context object, which TestState takes with a mock only")
    if any(_EVER_DIFFERENT.search(text) for text in texts):
        raise LeftOut("it reads a value that is another each time")
    asked: dict[str, Any] = {
        "definition": _json(_at_its_time(attempt)),
        "stateName": attempt.state,
        "input": _json(attempt.input),
        "variables": _json(attempt.variables),
        "inspectionLevel": "DEBUG",  # variables and arguments are told from here on
    }
    if mocked:
        call = attempt.calls[-1]
        asked["mock"] = _mock(call, state["Resource"])
        asked["context"] = _json(_context(attempt.context))
        if (retrier := retrier_of(state, call)) is not None:
            earlier = sum(retrier_of(state, one) == retrier for one in attempt.calls[:-1])
            asked["stateConfiguration"] = {"retrierRetryCount": earlier}
    if too_long := list(_too_long(asked, _input_shape())):
        raise LeftOut(f"{too_long[0]} is longer than TestState takes")
    return asked


def problems(asked: Mapping[str, Any]) -> str:
    """What botocore's model of TestState has against a request; nothing, if it is valid."""
    return str(ParamValidator().validate(asked, _input_shape()).generate_report())


def expressions(value: Json) -> Iterator[str]:
    """Every JSONata expression in a part of a definition."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif isinstance(value, str) and value.startswith("{%"):
        yield value


def retrier_of(state: Mapping[str, Json], call: Call) -> int | None:
    """Which retrier of a Task an error is for (Amazon States Language, Errors; SFN guide, error names)."""
    if call.error is None:
        return None
    name = call.error[0]
    for number, retrier in enumerate(state.get("Retry", [])):
        listed = retrier["ErrorEquals"]
        everything = name not in {"States.DataLimitExceeded", "States.Runtime"}
        if (
            name in listed
            or ("States.ALL" in listed and everything)
            or ("States.TaskFailed" in listed and everything and name != "States.Timeout")
        ):
            return number
    return None


def _at_its_time(attempt: Attempt) -> dict[str, Json]:
    """The machine's definition with the state's `$millis()` as it was: the clock of a rehearsal is not that of AWS."""
    state = {
        key: _fixed(value, attempt.calls[-1].at_millis if key == "Arguments" else attempt.at_millis)
        for key, value in attempt.definition.items()
    }
    return {**attempt.machine, "States": {**attempt.machine["States"], attempt.state: state}}


def _fixed(value: Json, millis: int) -> Json:
    if isinstance(value, dict):
        return {key: _fixed(item, millis) for key, item in value.items()}
    if isinstance(value, list):
        return [_fixed(item, millis) for item in value]
    return _CLOCK.sub(str(millis), value) if isinstance(value, str) and value.startswith("{%") else value


def _mock(call: Call, resource: str) -> dict[str, Any]:
    if call.error is not None:
        name, cause = call.error
        return {"errorOutput": {"error": name, "cause": cause}}
    mode = VALIDATION.get(resource[resource.index(":states:::") :], "STRICT")
    return {"result": _json(call.result), "fieldValidationMode": mode}


def _context(context: Mapping[str, Json]) -> dict[str, Json]:
    return {
        group: {name: context[group][name] for name in names if name in context.get(group, {})}
        for group, names in CONTEXT.items()
    }


def _json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@cache
def _input_shape() -> StructureShape:
    shape = botocore.session.get_session().get_service_model("stepfunctions").operation_model("TestState").input_shape
    assert shape is not None
    return shape


def _too_long(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What is over its greatest length, which botocore does not check itself; a text's is counted in bytes."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if name in value:
                yield from _too_long(value[name], member, f"{path}{name}.")
    elif isinstance(value, str) and len(value.encode()) > shape.metadata.get("max", len(value.encode())):
        yield path.rstrip(".")
