"""What the interpreter of the rehearsal did, attempt by attempt. Owns recording: of every attempt of a state its input,
its variables, what its call was answered, and how it ended. It must never change what is played."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField

from rehearsal.aws.calls import internally
from rehearsal.aws.states.executions import Execution
from rehearsal.aws.states.expressions import python
from rehearsal.aws.states.interpreter import TaskFailure
from rehearsal.play.scenario import Scenario, names
from rehearsal.play.session import Session
from tools.scenarios import sessions

PARTS = {"stateMachineArn": "run", "cleanUpStateMachineArn": "clean_up"}

GOES_ON = {"Next", "Choices"}  # what a state has that is not the last

Json = Any
Error = tuple[str, str]  # its name and its cause


@dataclass(frozen=True)
class Call:
    """One call of a Task: what it was asked, and its result or its error."""

    arguments: Json
    at_millis: int  # what `$millis()` gave the arguments
    result: Json = None
    error: Error | None = None


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended, in TestState's words: SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR."""

    status: str
    next_state: str | None = None
    output: Json = None
    variables: Json = None
    error: Error | None = None


@dataclass(frozen=True)
class Attempt:
    """One attempt of a state: what it found, what its call was answered, how it ended."""

    scenario: str
    part: str
    state: str
    machine: dict[str, Json]  # the definition as it was deployed
    input: Json
    variables: dict[str, Json]
    context: dict[str, Json]
    calls: tuple[Call, ...]  # of this visit so far, this attempt's own the last; none but a Task makes any
    at_millis: int  # what `$millis()` gave everything but the arguments
    outcome: Outcome

    @property
    def definition(self) -> dict[str, Json]:
        found: dict[str, Json] = self.machine["States"][self.state]
        return found


@dataclass(frozen=True)
class Machine:
    """A state machine of a session: which of the definitions it has, as it was deployed."""

    part: str
    whole: dict[str, Json]


def included() -> list[str]:
    """The scenarios that are played: all but one whose hundred runs meet each other as chance will have it."""
    return [name for name in names() if name != "hundred-runs"]


def record(scenarios: Iterable[Scenario]) -> list[Attempt]:
    """Play scenarios: one attempt of every state for every way in which it ended and every set of variables that it
    changed. A state in which an execution was stopped did not end."""
    recorder = _Recorder()
    for session, scenario in sessions(scenarios):
        recorder.scenario, recorder.machines = scenario.name, _machines(session)
        with recorder.watching():
            session.play(scenario)
    return list(recorder.attempts.values())


def _machines(session: Session) -> dict[str, Machine]:
    client = session.account.context.client("stepfunctions")
    with internally():
        return {
            arn: Machine(part, json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"]))
            for arn, part in ((session.exports[output], part) for output, part in PARTS.items())
        }


class _Recorder:
    """Stands around two steps of the interpreter: the body of a state, and the call of a Task."""

    def __init__(self) -> None:
        self.scenario = ""
        self.machines: dict[str, Machine] = {}
        self.attempts: dict[Any, Attempt] = {}
        self._calls: dict[str, list[Call]] = {}  # of the state an execution is in, by the execution's ARN

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        body, perform = CommonStateField._eval_body, Execution.perform
        with (
            mock.patch.object(CommonStateField, "_eval_body", lambda state, env: self._visit(body, state, env)),
            mock.patch.object(Execution, "perform", lambda *given: self._perform(perform, *given)),
        ):
            yield

    def _perform(self, original: Any, execution: Execution, task: Any, arguments: Any, timeout: float | None) -> Any:
        at_millis, calls = _millis(execution), self._calls[execution.arn]
        try:
            result = original(execution, task, arguments, timeout)
        except TaskFailure as failure:
            calls.append(Call(arguments, at_millis, error=(failure.error, failure.cause)))
            raise
        calls.append(Call(arguments, at_millis, result))
        return result

    def _visit(self, original: Any, state: Any, env: Any) -> None:
        calls = self._calls[env.runtime.arn] = []
        # Values are replaced by others, never changed: it is enough to remember which they were.
        found = env.states.get_input(), dict(env.variable_store._inner_scope)
        try:
            original(state, env)
        except FailureEventException as exception:
            details: Any = next(iter((exception.failure_event.event_details or {}).values()))
            self._keep(state.name, env, found, calls, Outcome("FAILED", error=(details["error"], details["cause"])))
            raise
        # Anything else that is raised stops the execution, and says nothing about the state.
        goes_on = env.jumped or GOES_ON & set(self.machines[env.runtime.machine_arn].whole["States"][state.name])
        ended = Outcome(
            status="CAUGHT_ERROR" if env.jumped else "SUCCEEDED",
            next_state=env.next_state_name if goes_on else None,
            output=env.states.get_input(),
            variables=dict(env.variable_store._inner_scope),
            error=calls[-1].error if env.jumped and calls else None,
        )
        self._keep(state.name, env, found, calls, ended)

    def _keep(self, state: str, env: Any, found: tuple[Any, dict[str, Any]], calls: list[Call], ended: Outcome) -> None:
        """Keep the attempts of a visit that tell anything new: all but the last were retried."""
        machine = self.machines[env.runtime.machine_arn]
        given, variables = found
        for number, outcome in enumerate([*(Outcome("RETRIABLE", error=call.error) for call in calls[:-1]), ended]):
            after = outcome.variables or {}
            changed = tuple(name for name in after if name not in variables or variables[name] != after[name])
            error = outcome.error[0] if outcome.error else None
            key = (machine.part, state, outcome.status, outcome.next_state, error, changed)
            if key in self.attempts:
                continue
            context = env.states.context_object.context_object_data
            self.attempts[key] = Attempt(
                scenario=self.scenario,
                part=machine.part,
                state=state,
                machine=machine.whole,
                input=python(given),
                variables=python(variables),
                context=python({**context, "State": {**context["State"], "RetryCount": number}}),
                calls=tuple(calls[: number + 1]),
                at_millis=_millis(env.runtime),
                outcome=dataclasses.replace(
                    outcome, output=python(outcome.output), variables=python(outcome.variables)
                ),
            )


def _millis(execution: Execution) -> int:
    return int(execution.evaluator.evaluate("$millis()", {}))
