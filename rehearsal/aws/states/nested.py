"""Executions that a Task state starts: `states:startExecution`, which returns at once, and `.sync:2`, which waits for
the end. Owns what the wait needs in IAM, how the nested execution's end arrives, and the names of errors, which differ
from those of `aws-sdk:sfn`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import ClientError

from ..calls import acting_as
from ..context import Context
from . import naming
from .expressions import to_json
from .interpreter import TaskFailure

# SFN guide, starting executions from a task: what the wait is made with, in the role's name.
RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
WAIT_CALLS = (("PutRule", {"Name": RULE}), ("PutTargets", {"Rule": RULE}), ("DescribeRule", {"Name": RULE}))
TASK_LIMIT_SECONDS = 99_999_999  # SFN guide, Task state, TimeoutSeconds: the default
ARGUMENTS = {"StateMachineArn", "Name", "Input", "TraceHeader"}


class Waiting(Protocol):
    """An execution that performs a task."""

    @property
    def arn(self) -> str: ...
    @property
    def role_arn(self) -> str: ...


class Nested:
    """Carries out the tasks of the optimised integration of Step Functions with itself."""

    def __init__(self, context: Context, call: Callable[..., Any]) -> None:
        self._context = context
        self._call = call
        # Lets the first execution sleep until the one of that ARN has ended, and describes it; None at the deadline.
        self.await_end: Callable[[Any, str, float], dict[str, Any] | None] = lambda waiting, arn, deadline: None
        # Told how long an execution waited for a nested one.
        self.on_waited: Callable[[float], None] = lambda seconds: None

    def perform(
        self, execution: Waiting, resource: Any, arguments: dict[str, Any], timeout_seconds: float | None
    ) -> Any:
        """Start an execution, and with `.sync:2` return the description of its end."""
        if resource.api_action != "startExecution" or resource.condition not in (None, "sync:2"):
            raise NotImplementedError(f"{resource.resource_arn}: this integration is not rehearsed")
        unknown = sorted(set(arguments) - ARGUMENTS)
        if unknown:
            raise TaskFailure("States.Runtime", f"The field '{unknown[0]}' is not supported by Step Functions")
        began = self._context.clock.now()
        if resource.condition is not None:
            self._check_permissions(execution.role_arn, arguments)
        given = arguments.get("Input", {})
        # Text is handed on as it is, anything else as JSON (SFN guide, starting executions from a task).
        text = given if isinstance(given, str) else to_json(given)
        started = self._call(
            "stepfunctions", "startExecution", {**arguments, "Input": text}, naming.NESTED_PREFIX, naming.NESTED_BASE
        )
        if resource.condition is None:
            return started
        arn: str = started["ExecutionArn"]
        limit = TASK_LIMIT_SECONDS if timeout_seconds is None else timeout_seconds
        ended = self.await_end(execution, arn, began + limit)
        self.on_waited(self._context.clock.now() - began)
        if ended is None:
            raise TaskFailure("States.Timeout", "")
        return self._result(ended)

    def _check_permissions(self, role_arn: str, arguments: dict[str, Any]) -> None:
        """Ask for all the wait needs before anything starts; AWS asks for the rule when the machine is created."""
        machine = str(arguments.get("StateMachineArn", ""))
        execution = machine.replace(":stateMachine:", ":execution:") + f":{arguments.get('Name', '*')}"
        needed = [
            *(("events", operation, params) for operation, params in WAIT_CALLS),
            ("stepfunctions", "DescribeExecution", {"executionArn": execution}),
            ("stepfunctions", "StopExecution", {"executionArn": execution}),
        ]
        for service, operation, params in needed:
            try:
                self._context.calls.authorise(service, operation, params)
            except ClientError as error:
                raise TaskFailure(f"{naming.NESTED_PREFIX}.{naming.NESTED_BASE}", str(error)) from None

    def may_stop(self, execution: Waiting, arn: str) -> bool:
        """Whether the role of an execution that is stopped may stop what it waits for."""
        with acting_as(execution.role_arn):
            try:
                self._context.calls.authorise("stepfunctions", "StopExecution", {"executionArn": arn})
            except ClientError:
                return False
        return True

    def _result(self, ended: dict[str, Any]) -> dict[str, Any]:
        shape = self._context.client("stepfunctions").meta.service_model.operation_model("DescribeExecution")
        result: dict[str, Any] = naming.from_boto(ended, shape.output_shape)
        if ended["status"] != "SUCCEEDED":
            raise TaskFailure("States.TaskFailed", to_json(result))
        # SFN guide, starting executions from a task: `:2` gives input and output as JSON, not as text.
        return {**result, **{key: json.loads(result[key]) for key in ("Input", "Output")}}
