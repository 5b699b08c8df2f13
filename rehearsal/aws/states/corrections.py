"""What is replaced in moto's Step Functions interpreter. Owns the corrections that make a JSONata definition behave as
in AWS and in virtual time: values bound instead of pasted into the expression's text, Assign and Output reading the
same variables, error matching, waits and backoff on the clock."""

from __future__ import annotations

import contextlib
import datetime
import functools
import random
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.catch.catcher_decl import CatcherDecl
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.fail.state_fail import StateFail
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.state_pass.state_pass import StatePass
from moto.stepfunctions.parser.asl.component.state.wait.state_wait import StateWait
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.states import States
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from ..clock import Clock
from . import naming
from .expressions import QueryError, bound, to_json
from .interpreter import check_size, evaluate, fail, finish, query_failure
from .task_corrections import catcher, error_equals, execution_state, task_output

_INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


# What replaces moto's methods; each function is named after what it replaces.


def component_eval(self: Any, env: Any) -> None:
    if env.is_running():
        self._eval_body(env)


def string_jsonata(self: Any, env: Any) -> None:
    bindings = {"states": env.states._states_data, **env.variable_store._outer_scope, **env.variable_store._inner_scope}
    try:
        env.stack.append(env.runtime.evaluator.evaluate(self.expression, bindings))
    except QueryError as error:
        raise query_failure(env, error) from None


def program_body(self: Any, env: Any) -> None:
    """States until the end; what is not a failure of the definition is a fault of the rehearsal and is not hidden."""
    try:
        while env.is_running():
            self._get_state(env.next_state_name).eval(env)
            env.stack.clear()
            env.heap.clear()
    except FailureEventException as exception:
        env.set_error(error=exception.get_execution_failed_event_details())
    env.runtime.recorded("ExecutionEnded", {})


def state_body(self: Any, env: Any) -> None:
    kind = type(self).__name__.removeprefix("State")
    kind = "Task" if kind.startswith("Task") else kind
    runtime = env.runtime
    # What is recorded is no copy: whatever comes next takes its place (States.reset), and nothing changes it.
    runtime.entered(self.name, kind, env.states._states_data["input"])
    env.states.context_object.context_object_data["State"] = {
        "EnteredTime": naming.iso(runtime.clock.datetime()),
        "Name": self.name,
        "RetryCount": 0,
    }
    if self._is_language_query_jsonpath() or kind in {"Map", "Parallel"}:
        raise NotImplementedError(f"state {self.name}: JSONPath, Map and Parallel are not rehearsed")
    env.stack.append(env.states.get_input())
    env.jumped = False
    self._eval_state(env)
    self._eval_state_output(env)
    if not env.jumped:
        self._set_next(env)
    runtime.recorded("StateExited", {"name": self.name, "kind": kind}, env.states._states_data["input"])


def state_output(self: Any, env: Any) -> None:
    """Pass, Wait and Succeed."""
    finish(env, self.output, self.assign_decl, env.states.get_input())


def nothing(self: Any, env: Any) -> None:
    """A Pass state only has Output and Assign."""


def wait_state(self: Any, env: Any) -> None:
    self.wait_function.eval(env)


def wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
    env.runtime.clock.sleep(wait_seconds)


def wait_seconds_jsonata(self: Any, env: Any) -> int:
    seconds = evaluate(env, self.string_jsonata)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= 99_999_999:
        raise query_failure(env, QueryError(f"Seconds must be an integer from 0 to 99999999, not {to_json(seconds)}"))
    return seconds


def wait_timestamp(self: Any, env: Any) -> float:
    text = evaluate(env, self.string)
    if not isinstance(text, str) or not _INSTANT.match(text):
        raise query_failure(env, QueryError(f"Timestamp must be an RFC 3339 instant, not {to_json(text)}"))
    until = datetime.datetime.fromisoformat(text).timestamp()
    return max(0.0, until - float(env.runtime.clock.now()))


def choice_state(self: Any, env: Any) -> None:
    for rule in self.choices_decl.rules:
        holds = evaluate(env, getattr(rule.comparison, "string_jsonata", rule.comparison))
        if not isinstance(holds, bool):
            raise query_failure(env, QueryError(f"Condition must be a boolean, not {to_json(holds)}"))
        if holds:
            finish(env, rule.output, rule.assign, env.states.get_input())
            env.next_state_name = rule.next_stmt.name
            return
    if self.default_state is None:
        raise fail(env, "States.NoChoiceMatched", f"No rule of the Choice state '{self.name}' matched and no Default.")
    finish(env, self.output, self.assign_decl, env.states.get_input())
    env.next_state_name = self.default_state.state_name


def fail_state(self: Any, env: Any) -> None:
    details: dict[str, str] = {}
    for member, declaration in (("error", self.error), ("cause", self.cause)):
        if declaration is None:
            continue
        details[member] = evaluate(env, declaration)
        if not isinstance(details[member], str):
            raise query_failure(env, QueryError(f"{member.capitalize()} must be a string"))
    raise fail(env, details.get("error", ""), details.get("cause", ""), "FailState")


def assign_body(self: Any, env: Any) -> None:
    values: dict[str, Any] = {}
    for binding in self.declaration_bindings:
        values.update(evaluate(env, binding))
    for name, value in values.items():
        check_size(env, value, f"Variable '{name}'")
    for name, value in values.items():
        env.variable_store.set(variable_identifier=name, variable_value=bound(value))


def program_state(self: Any) -> Any:
    return self._program_state


def reset(self: Any, input_value: Any) -> None:
    self._states_data.clear()
    self._states_data.update(input=bound(input_value), context=self.context_object.context_object_data)


def setter(member: str) -> Callable[[Any, Any], None]:
    def set_member(self: Any, value: Any) -> None:
        self._states_data[member] = bound(value)

    return set_member


def getter(member: str) -> Callable[..., Any]:
    def get_member(self: Any, query: str | None = None) -> Any:
        return self._states_data[member]

    return get_member


def error_init(self: Any, error_name: str | None) -> None:
    self.error_name = error_name


REPLACEMENTS: list[tuple[Any, str, Any]] = [
    (EvalComponent, "eval", component_eval),
    (StringJSONata, "_eval_body", string_jsonata),
    (Program, "_eval_body", program_body),
    (CommonStateField, "_eval_body", state_body),
    (CommonStateField, "_eval_state_output", state_output),
    (StatePass, "_eval_state", nothing),
    (StateWait, "_eval_state", wait_state),
    (WaitFunction, "_wait_interval", wait_interval),
    (SecondsJSONata, "_get_wait_seconds", wait_seconds_jsonata),
    (Timestamp, "_get_wait_seconds", wait_timestamp),
    (StateChoice, "_eval_state", choice_state),
    (StateChoice, "_eval_state_output", task_output),
    (StateFail, "_eval_state", fail_state),
    (ErrorEqualsDecl, "_eval_body", error_equals),
    (CatcherDecl, "_eval_body", catcher),
    (ExecutionState, "_eval_state", execution_state),
    (ExecutionState, "_eval_state_output", task_output),
    (AssignDecl, "_eval_body", assign_body),
    (Environment, "program_state", program_state),
    (States, "reset", reset),
    (States, "set_result", setter("result")),
    (States, "set_error_output", setter("errorOutput")),
    (States, "get_input", getter("input")),
    (States, "get_error_output", getter("errorOutput")),
    (CustomErrorName, "__init__", error_init),
]


@functools.lru_cache(maxsize=8)
def parse(definition: str) -> Any:
    """moto's own parser, asked once per definition: creating a machine and running it need the same program."""
    return _parse(definition)


_parse = AmazonStateLanguageParser.parse


@contextlib.contextmanager
def corrected(clock: Clock, jitter: random.Random) -> Iterator[None]:
    """moto's interpreter with every correction in place and its sleeps on the clock."""
    with contextlib.ExitStack() as stack:
        for owner, name, replacement in REPLACEMENTS:
            stack.enter_context(mock.patch.object(owner, name, replacement))
        stack.enter_context(mock.patch.object(AmazonStateLanguageParser, "parse", staticmethod(parse)))
        stack.enter_context(mock.patch.object(retrier_decl, "time", SimpleNamespace(sleep=clock.sleep)))
        stack.enter_context(mock.patch.object(jitter_strategy_decl, "random", jitter))
        yield
