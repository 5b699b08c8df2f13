"""Events of executions. Owns what EventBridge does with the end of an execution: the event as AWS words it, the rules
whose pattern matches, the targets that are state machines. A delivery that fails is noted and never dropped."""

from __future__ import annotations

import json
from typing import Any

from .calls import acting_as
from .context import Context
from .states import naming
from .states.executions import Execution
from .states.expressions import Evaluator, to_json

# EventBridge delivers "typically in about half a second" (EventBridge guide, FAQ); a little later to be safe.
EVENT_DELIVERY_SECONDS = 1.0


class Events:
    """The default event bus, as far as executions concern it."""

    def __init__(self, context: Context, evaluator: Evaluator) -> None:
        self._context = context
        self._evaluator = evaluator
        self.undelivered: list[str] = []

    def reset(self) -> None:
        self.undelivered = []

    def ended(self, execution: Execution) -> None:
        event = self._event(execution)
        self._context.clock.after(EVENT_DELIVERY_SECONDS, lambda: self._deliver(event))

    def _event(self, execution: Execution) -> dict[str, Any]:
        """SFN guide, Step Functions events in EventBridge: dates in epoch milliseconds, input and output as text."""
        detail = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": int(execution.started * 1000),
            "stopDate": int((execution.stopped or 0.0) * 1000),
            "input": execution.input,
            "inputDetails": {"included": True},
            "output": to_json(execution.output) if execution.status == "SUCCEEDED" else None,
            "outputDetails": {"included": True} if execution.status == "SUCCEEDED" else None,
            "error": execution.error,
            "cause": execution.cause,
        }
        return {
            "version": "0",
            "id": self._evaluator.uuid(),
            "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states",
            "account": self._context.account_id,
            "time": naming.iso(self._context.clock.datetime())[:19] + "Z",
            "region": self._context.region,
            "resources": [execution.arn],
            "detail": detail,
        }

    def _deliver(self, event: Any) -> None:
        bus = self._context.backend("events").event_buses["default"]
        for rule in list(bus.rules.values()):
            if rule.state == "ENABLED" and rule.event_pattern._pattern and rule.event_pattern.matches_event(event):
                for target in rule.targets:
                    self._send(rule.name, target, event)

    def _send(self, rule: str, target: dict[str, Any], event: dict[str, Any]) -> None:
        if ":stateMachine:" not in target["Arn"]:
            return
        unsupported = {"InputPath", "InputTransformer"} & set(target)
        if unsupported:
            raise NotImplementedError(f"rule {rule}: {sorted(unsupported)} of a target are not rehearsed")
        text = target.get("Input") or json.dumps(event)
        try:
            with acting_as(target.get("RoleArn")):
                self._context.client("stepfunctions").start_execution(stateMachineArn=target["Arn"], input=text)
        except Exception as error:
            self.undelivered.append(f"{rule}: {error}")
