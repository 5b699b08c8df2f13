"""Executions of state machines. Owns starting, stopping and describing them, and what is recorded about each. What an
end leads to is not decided here: whoever listens is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.stepfunctions.parser.api import StateMachineType
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError

from ..calls import ModelError, internally, whereabouts
from ..clock import Clock, Strand, Timer, moment
from ..context import Context
from . import history, naming
from .corrections import parse
from .expressions import Evaluator, bound, python, to_json
from .integrations import Integrations
from .interpreter import HISTORY_LIMIT, PAYLOAD_LIMIT_BYTES, HistoryLimit, RehearsedEnvironment, Terminated

# SFN API reference, StartExecution: what a name may hold.
NAME_LIMIT = 80
LIST_SIZE = 100  # SFN API reference, ListExecutions, maxResults
# A .sync task learns of the end by an event (SFN guide, run a job); those take "about half a second" (EventBridge FAQ).
NOTICE_SECONDS = 1.0


@dataclass
class Execution:
    """One run of a state machine, and the runtime its interpreter asks for."""

    clock: Clock
    evaluator: Evaluator
    integrations: Integrations
    arn: str
    name: str
    machine_arn: str
    role_arn: str
    input: str
    started: float
    status: str = "RUNNING"
    stopped: float | None = None
    output: Any = None
    error: str | None = None
    cause: str | None = None
    transitions: int = 0
    history_events: int = 0
    events: list[history.Event] = field(default_factory=list)
    strand: Strand | None = None
    timeout: Timer | None = None
    watcher: Callable[[Execution, str, str], None] | None = None
    awaited: Execution | None = None  # the nested execution that it waits for
    machine_deleted: bool = False
    transition_delay: Callable[[], float] = lambda: 0.0

    def entered(self, state: str, kind: str, given: Any) -> None:
        delay = self.transition_delay()
        if delay > 0:
            self.clock.sleep(delay)
        if self.machine_deleted:
            raise Terminated
        self.transitions += 1
        whereabouts.set((self.arn, state))
        self.recorded("StateEntered", {"name": state, "kind": kind}, given)
        if self.watcher is not None:
            self.watcher(self, state, kind)

    def recorded(self, event: str, details: dict[str, Any], data: Any = None) -> None:
        self.history_events += 1
        self.events.append(history.Event(self.clock.now(), event, details, data))
        if self.history_events >= HISTORY_LIMIT and not event.startswith("Execution"):
            raise HistoryLimit

    def perform(self, task: Any, arguments: Any, timeout_seconds: float | None) -> Any:
        return self.integrations.perform(self, task, arguments, timeout_seconds)


class Executions:
    """All executions of the account."""

    def __init__(self, context: Context, evaluator: Evaluator, integrations: Integrations) -> None:
        self._context = context
        self._evaluator = evaluator
        self._integrations = integrations
        self.all: dict[str, Execution] = {}
        # Told of every state that an execution enters: the execution, the state's name and its type.
        self.watcher: Callable[[Execution, str, str], None] | None = None
        # Told when an execution has started, and when it has ended.
        self.on_start: Callable[[Execution], None] = lambda execution: None
        self.on_end: Callable[[Execution], None] = lambda execution: None
        # How long the account's rate of transitions holds up the next one.
        self.transition_delay: Callable[[], float] = lambda: 0.0
        integrations.nested.await_end = self.await_end
        context.calls.answer(
            "stepfunctions",
            StartExecution=self.start,
            StopExecution=self.stop,
            DescribeExecution=self.describe,
            GetExecutionHistory=self.history,
            ListExecutions=self.list,
            DeleteStateMachine=self.delete_machine,
        )

    def reset(self) -> None:
        self.all = {}

    def start(self, params: dict[str, Any]) -> dict[str, Any]:
        machine = self._machine(params["stateMachineArn"])
        text = params.get("input", "{}")
        try:
            json.loads(text)
        except ValueError as error:
            raise ModelError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None
        if len(text.encode()) > PAYLOAD_LIMIT_BYTES:
            raise ModelError("InvalidExecutionInput", "The input is larger than 256 KiB")
        name = params.get("name") or self._evaluator.uuid()
        if len(name) > NAME_LIMIT:
            raise ModelError("InvalidName", f"Invalid Name: '{name}'")
        arn = machine["stateMachineArn"].replace(":stateMachine:", ":execution:") + f":{name}"
        known = self.all.get(arn)
        if known is not None and not (known.status == "RUNNING" and known.input == text):
            raise ModelError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        if known is None:
            known = self._run(machine, arn, name, text)
        return {"executionArn": arn, "startDate": moment(known.started)}

    def stop(self, params: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(params["executionArn"])
        if execution.status == "RUNNING":
            execution.error, execution.cause = params.get("error"), params.get("cause")
            self._halt(execution, "ABORTED")
        return {"stopDate": moment(execution.stopped or 0.0)}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(params["executionArn"])
        answer = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": moment(execution.started),
            "input": execution.input,
            "inputDetails": {"included": True},
        }
        if execution.stopped is not None:
            answer["stopDate"] = moment(execution.stopped)
        if execution.status == "SUCCEEDED":
            answer |= {"output": to_json(execution.output), "outputDetails": {"included": True}}
        answer |= {key: value for key in ("error", "cause") if (value := getattr(execution, key)) is not None}
        return answer

    def history(self, params: dict[str, Any]) -> dict[str, Any]:
        execution = self._execution(params["executionArn"])
        return history.page(execution, params, self._context.region)

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Newest first (SFN API reference, ListExecutions)."""
        self._machine(params["stateMachineArn"])
        wanted = params.get("statusFilter")
        members = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
        found = [
            {key: value for key, value in self.describe({"executionArn": execution.arn}).items() if key in members}
            for execution in reversed(self.all.values())
            if execution.machine_arn == params["stateMachineArn"] and wanted in (None, execution.status)
        ]
        start, size = int(params.get("nextToken", 0)), params.get("maxResults") or LIST_SIZE
        answer: dict[str, Any] = {"executions": found[start : start + size]}
        if start + size < len(found):
            answer["nextToken"] = str(start + size)
        return answer

    def delete_machine(self, params: dict[str, Any]) -> dict[str, Any]:
        """SFN API reference, DeleteStateMachine: "On the next state transition, the executions are terminated"."""
        for execution in self.all.values():
            if execution.machine_arn == params["stateMachineArn"]:
                execution.machine_deleted = True
        return self._context.calls.ask_moto(self._context.client("stepfunctions"), "DeleteStateMachine", params)

    def await_end(self, waiting: Any, arn: str, deadline: float) -> dict[str, Any] | None:
        """Let an execution sleep until the nested one has ended, and describe that; None when the deadline comes first.

        Whoever waits is asleep in its own strand; the end of the nested execution wakes it (`_ended`).
        """
        nested = self.all[arn]
        clock = self._context.clock
        waiting.awaited = nested
        try:
            while nested.status == "RUNNING" and clock.now() < deadline:
                clock.sleep(deadline - clock.now())
        finally:
            waiting.awaited = None
        return None if nested.status == "RUNNING" else self.describe({"executionArn": arn})

    def _machine(self, arn: str) -> dict[str, Any]:
        with internally():
            client = self._context.client("stepfunctions")
            try:
                return dict(client.describe_state_machine(stateMachineArn=arn))
            except client.exceptions.StateMachineDoesNotExist as error:
                raise ModelError("StateMachineDoesNotExist", str(error)) from None

    def _execution(self, arn: str) -> Execution:
        if arn not in self.all:
            raise ModelError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return self.all[arn]

    def _run(self, machine: dict[str, Any], arn: str, name: str, text: str) -> Execution:
        clock = self._context.clock
        execution = Execution(
            clock=clock,
            evaluator=self._evaluator,
            integrations=self._integrations,
            arn=arn,
            name=name,
            machine_arn=machine["stateMachineArn"],
            role_arn=machine["roleArn"],
            input=text,
            started=clock.now(),
            watcher=self.watcher,
            transition_delay=self.transition_delay,
        )
        self.all[arn] = execution
        program = parse(machine["definition"])[0]
        execution.strand = clock.spawn(lambda: self._interpret(execution, program, machine), name=name)
        if program.timeout_seconds is not None:
            seconds = program.timeout_seconds.timeout_seconds
            execution.timeout = clock.after(seconds, lambda: self._halt(execution, "TIMED_OUT"))
        self.on_start(execution)
        return execution

    def _environment(self, execution: Execution, machine: dict[str, Any]) -> RehearsedEnvironment:
        context: Any = {
            "Execution": {
                "Id": execution.arn,
                "Input": bound(json.loads(execution.input)),
                "Name": execution.name,
                "RoleArn": execution.role_arn,
                "StartTime": naming.iso(moment(execution.started)),
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": execution.machine_arn, "Name": machine["name"]},
        }
        environment = RehearsedEnvironment(
            aws_execution_details=AWSExecutionDetails(
                account=self._context.account_id, region=self._context.region, role_arn=execution.role_arn
            ),
            execution_type=StateMachineType.STANDARD,
            context=context,
            event_history_context=EventHistoryContext.of_program_start(),
            cloud_watch_logging_session=None,
            activity_store={},
        )
        environment.runtime = execution
        environment.states.reset(json.loads(execution.input))
        return environment

    def _interpret(self, execution: Execution, program: Any, machine: dict[str, Any]) -> None:
        environment = self._environment(execution, machine)
        execution.recorded("ExecutionStarted", {})
        environment.next_state_name = program.start_at.start_at_name
        try:
            program._eval_body(environment)
        except HistoryLimit:
            execution.error = "States.Runtime"
            execution.cause = f"The execution reached the maximum number of history events ({HISTORY_LIMIT})."
            self._ended(execution, "FAILED")
            return
        except Terminated:
            self._ended(execution, "ABORTED")
            return
        state = environment.program_state()
        if isinstance(state, ProgramEnded):
            execution.output = python(environment.states.get_input())
            self._ended(execution, "SUCCEEDED")
        elif isinstance(state, ProgramError):
            details = state.error or {}
            execution.error, execution.cause = details.get("error"), details.get("cause")
            self._ended(execution, "FAILED")
        else:
            raise RuntimeError(f"{execution.arn} ended in {state!r}")

    def _halt(self, execution: Execution, status: str) -> None:
        if execution.status != "RUNNING" or execution.strand is None:
            return
        nested = execution.awaited
        execution.strand.stop()
        execution.history_events += 1
        self._ended(execution, status)
        # SFN guide, run a job (.sync): when the execution is stopped, so is what it waits for, in its role's name.
        if nested is not None and self._integrations.nested.may_stop(execution, nested.arn):
            self._halt(nested, "ABORTED")

    def _ended(self, execution: Execution, status: str) -> None:
        execution.status = status
        execution.stopped = self._context.clock.now()
        if execution.timeout is not None:
            execution.timeout.cancel()
        for other in self.all.values():
            if other.awaited is execution and other.strand is not None:
                other.strand.wake(NOTICE_SECONDS)
        self.on_end(execution)
