"""Corrections of Task states. Owns how an attempt ends: its result, its retries, its catchers, and which names an error
matches. The backoff is moto's, on the virtual clock."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.asl.component.common.catch.catcher_outcome import (
    CatcherOutcomeCaught,
    CatcherOutcomeNotCaught,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome

from .expressions import bound, python
from .interpreter import TaskFailure, check_size, evaluate, fail, finish

# SFN guide, error names: States.ALL does not catch these two.
UNCATCHABLE = {"States.Runtime", "States.DataLimitExceeded"}


def error_equals(self: Any, env: Any) -> None:
    """SFN guide, error names: what the two wildcards match."""
    error: str = env.stack.pop().error_name or ""
    listed = {name.error_name for name in self.error_names}
    env.stack.append(
        error in listed
        or ("States.ALL" in listed and error not in UNCATCHABLE)
        or ("States.TaskFailed" in listed and error not in UNCATCHABLE | {"States.Timeout"})
    )


def catcher(self: Any, env: Any) -> None:
    failure = env.stack.pop()
    env.stack.append(failure.error_name)
    if not evaluate(env, self.error_equals):
        env.stack.append(failure)
        env.stack.append(CatcherOutcomeNotCaught())
        return
    finish(env, self.output, self.assign, env.states.get_error_output())
    env.next_state_name = self.next_decl.name
    env.jumped = True
    env.stack.append(CatcherOutcomeCaught())


def execution_state(self: Any, env: Any) -> None:
    """Task states: try, retry, catch; all in the execution's own thread."""
    given = env.states.get_input()
    while True:
        env.stack.clear()
        try:
            result = bound(evaluate_task(self, env))
            env.states.set_result(result)
            finish(env, self.output, self.assign_decl, result)
            return
        except FailureEventException as exception:
            failure = exception.failure_event
        details: Any = next(iter((failure.event_details or {}).values()))
        env.states.set_error_output({"Error": details["error"], "Cause": details["cause"]})
        if self.retry is not None:
            env.stack.append(failure.error_name)
            if evaluate(env, self.retry) == RetryOutcome.CanRetry:
                env.states.context_object.context_object_data["State"]["RetryCount"] += 1
                env.states.reset(given)
                continue
        if self.catch is not None:
            env.stack.append(failure)
            self.catch.eval(env)
            if env.jumped:
                return
        raise FailureEventException(failure)


def evaluate_task(self: Any, env: Any) -> Any:
    arguments = python(evaluate(env, self.parargs)) if self.parargs is not None else {}
    timeout = None if self.timeout.is_default_value() else evaluate(env, self.timeout)
    env.runtime.recorded("TaskScheduled", {"resource": self.resource.resource_arn}, arguments)
    env.runtime.recorded("TaskStarted", {})
    try:
        result = env.runtime.perform(self, arguments, timeout)
    except TaskFailure as error:
        env.runtime.recorded("TaskFailed", {"error": error.error, "cause": error.cause})
        raise fail(env, error.error, error.cause) from None
    env.runtime.recorded("TaskSucceeded", {"resource": self.resource.resource_arn}, result)
    check_size(env, result, "The task's result")
    return result


def task_output(self: Any, env: Any) -> None:
    """Output and Assign took effect with the attempt that succeeded, or with the catcher."""
