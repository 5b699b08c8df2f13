"""What an execution's interpretation stands on. Owns the environment, failures with AWS's names and the limits on
payload and history; `corrections` puts moto's interpreter on it."""

from __future__ import annotations

from typing import Any, Protocol

from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.eval.environment import Environment

from ..clock import Clock
from .expressions import Evaluator, QueryError, bound, to_json

# SFN guide, Step Functions service quotas.
HISTORY_LIMIT = 25_000
PAYLOAD_LIMIT_BYTES = 256 * 1024


class HistoryLimit(BaseException):
    """The execution's history is full: nothing in the definition can catch that."""


class Terminated(BaseException):
    """The state machine is being deleted: nothing in the definition can catch that either."""


class TaskFailure(Exception):
    """What an integration ends with when it fails: the error's name and cause as the definition sees them."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(cause)
        self.error = error
        self.cause = cause


class Runtime(Protocol):
    """What an execution needs from around it."""

    history_events: int

    @property
    def clock(self) -> Clock: ...
    @property
    def evaluator(self) -> Evaluator: ...
    def entered(self, state: str, kind: str, given: Any) -> None: ...
    def recorded(self, event: str, details: dict[str, Any], data: Any = None) -> None: ...
    def perform(self, task: Any, arguments: Any, timeout_seconds: float | None) -> Any: ...


class RehearsedEnvironment(Environment):
    """moto's evaluation environment with the runtime at hand."""

    runtime: Runtime
    jumped = False


def fail(env: Any, error: str, cause: str, kind: Any = "TaskFailed") -> FailureEventException:
    details: Any = {"taskFailedEventDetails": {"error": error, "cause": cause}}
    return FailureEventException(
        FailureEvent(env=env, error_name=ErrorNameOf(error), event_type=kind, event_details=details)
    )


class ErrorNameOf(ErrorName):
    """Any error name, `States.…` too (a Fail state may pass one on)."""


def query_failure(env: Any, error: QueryError) -> FailureEventException:
    env.runtime.recorded("EvaluationFailed", {"cause": str(error)})
    return fail(env, "States.QueryEvaluationError", str(error), "EvaluationFailed")


def evaluate(env: Any, component: Any) -> Any:
    component.eval(env)
    return env.stack.pop()


def check_size(env: Any, value: Any, what: str) -> None:
    size = len(to_json(value).encode())
    if size > PAYLOAD_LIMIT_BYTES:
        cause = f"{what} has {size} bytes, more than the service limit of {PAYLOAD_LIMIT_BYTES}."
        raise fail(env, "States.DataLimitExceeded", cause)


def finish(env: Any, output: Any, assign: Any, default: Any) -> None:
    """Evaluate Output and Assign over the same variables, then let both take effect."""
    value = evaluate(env, output.jsonata_template_value) if output is not None else default
    value = bound(value)
    if assign is not None:
        assign.eval(env)
    check_size(env, value, "The state's output")
    env.states.reset(value)
