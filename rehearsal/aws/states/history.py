"""What GetExecutionHistory answers: the events that were recorded of an execution, as AWS names them. Owns their form;
what is recorded, and when, the interpreter says. Inputs and outputs of states, tasks and executions are there unless
they are not asked for; what a state assigns to variables is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ..clock import moment
from .expressions import to_json

# SFN API reference, GetExecutionHistory, maxResults.
PAGE_SIZE, LARGEST_PAGE = 100, 1000
_ENDS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "ABORTED": "ExecutionAborted",
    "TIMED_OUT": "ExecutionTimedOut",
}


@dataclass(frozen=True)
class Event:
    """Something that was recorded: when, what, and the names that belong to it."""

    at: float
    type: str
    details: dict[str, Any]
    data: Any = None  # the input or output of a state, or of a task; nobody changes it afterwards


class Recorded(Protocol):
    """An execution, as far as its history goes."""

    events: list[Event]
    status: str
    stopped: float | None
    error: str | None
    cause: str | None
    input: str
    output: Any
    role_arn: str


def page(execution: Recorded, params: dict[str, Any], region: str) -> dict[str, Any]:
    """One page of it, in either order."""
    # SFN API reference, GetExecutionHistory, includeExecutionData: "The default is true".
    with_data = params.get("includeExecutionData", True)
    events = [shown for event in execution.events if (shown := _shown(execution, event, with_data, region)) is not None]
    if execution.stopped is not None:
        kind = _ENDS[execution.status]
        if kind == "ExecutionSucceeded":
            told = _data("output", to_json(execution.output)) if with_data else {}
        else:
            told = {key: value for key in ("error", "cause") if (value := getattr(execution, key)) is not None}
        details = {f"{kind[0].lower()}{kind[1:]}EventDetails": told}
        events.append({"timestamp": moment(execution.stopped), "type": kind, **details})
    numbered = [{**event, "id": number, "previousEventId": number - 1} for number, event in enumerate(events, 1)]
    if params.get("reverseOrder"):
        numbered.reverse()
    begin, size = int(params.get("nextToken", 0)), min(params.get("maxResults") or PAGE_SIZE, LARGEST_PAGE)
    answer: dict[str, Any] = {"events": numbered[begin : begin + size]}
    return answer if begin + size >= len(numbered) else answer | {"nextToken": str(begin + size)}


def _data(name: str, text: str) -> dict[str, Any]:
    """An input or output, whole: SDK HistoryEventExecutionDataDetails, truncated, "Always false for API calls"."""
    return {name: text, f"{name}Details": {"truncated": False}}


def _task(event: Event, with_data: bool, region: str) -> dict[str, Any]:
    """What a task was given, and what it answered (SDK TaskScheduledEventDetails, TaskSucceededEventDetails)."""
    service, _, action = event.details["resource"].partition(":::")[2].partition(":")
    if service == "aws-sdk":
        api, _, action = action.partition(":")
        service = f"{service}:{api}"
    named = {"resourceType": service, "resource": action}
    if event.type == "TaskScheduled":
        given = to_json(event.data) if with_data else ""
        return {"taskScheduledEventDetails": {**named, "region": region, "parameters": given}}
    answer = _data("output", to_json(event.data)) if with_data else {}
    return {"taskSucceededEventDetails": named | answer}


def _shown(execution: Recorded, event: Event, with_data: bool, region: str) -> dict[str, Any] | None:
    at = {"timestamp": moment(event.at)}
    if event.type == "ExecutionStarted":
        data = _data("input", execution.input) if with_data else {}
        return at | {"type": event.type, "executionStartedEventDetails": data | {"roleArn": execution.role_arn}}
    if event.type in ("StateEntered", "StateExited"):
        kind, details = event.details["kind"], {"name": event.details["name"]}
        if (kind, event.type) == ("Fail", "StateExited"):  # SDK HistoryEventType has no such type
            return None
        if with_data:
            details |= _data("input" if event.type == "StateEntered" else "output", to_json(event.data))
        return at | {"type": f"{kind}{event.type}", f"state{event.type[5:]}EventDetails": details}
    if event.type == "ExecutionEnded":  # how, its status says
        return None
    if event.type in ("TaskScheduled", "TaskSucceeded"):
        return at | {"type": event.type, **_task(event, with_data, region)}
    details = {"taskFailedEventDetails": event.details} if event.type == "TaskFailed" else {}
    return at | {"type": event.type, **details}
