"""Events of executions and of buckets. Owns what EventBridge does when the status of an execution changes, or an object
is created in a bucket that says so: the event as AWS words it, the rules whose pattern matches, the targets that are
state machines. Step Functions sends its events on a best-effort basis (EventBridge events reference), so a plan may
delay, double or lose them."""

from __future__ import annotations

import json
from typing import Any

from .context import Context
from .deliveries import LONGEST_SECONDS, MOST_ATTEMPTS, Deliveries, Delivery
from .plan import Plan, Seconds
from .states import naming
from .states.executions import Execution
from .states.expressions import Evaluator, to_json

# EventBridge delivers "typically in about half a second" (EventBridge guide, FAQ); a little later to be safe.
EVENT_DELIVERY_SECONDS = 1.0


class EventsPlan(Plan):
    delivered: bool = True
    """`false`: no change of an execution's status ever arrives."""
    delay: Seconds = 0
    """How much later they arrive."""
    twice: bool = False
    """Each arrives a second time, a second later."""


class Events:
    """The default event bus, as far as executions and objects concern it."""

    def __init__(self, context: Context, evaluator: Evaluator, deliveries: Deliveries) -> None:
        self._context = context
        self._evaluator = evaluator
        self._deliveries = deliveries
        self.plan = EventsPlan()

    def reset(self, plan: EventsPlan) -> None:
        self.plan = plan

    def changed(self, execution: Execution) -> None:
        """An execution has started or ended."""
        if not self.plan.delivered:
            return
        event = self._event(execution)
        for number in range(2 if self.plan.twice else 1):
            seconds = self.plan.delay + EVENT_DELIVERY_SECONDS * (1 + number)
            self._context.clock.after(seconds, lambda: self._deliver(event))

    def created(self, bucket: str, key: str, size: int) -> None:
        """An object was created in a bucket whose events go to EventBridge (S3 guide, event message structure)."""
        detail = {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {"key": key, "size": size, "sequencer": self._evaluator.uuid().replace("-", "")[:18].upper()},
            "requester": self._context.account_id,
            "reason": "PutObject",
        }
        event = self._envelope("aws.s3", "Object Created", f"arn:{self._context.partition}:s3:::{bucket}", detail)
        self._context.clock.after(EVENT_DELIVERY_SECONDS, lambda: self._deliver(event))

    def _event(self, execution: Execution) -> dict[str, Any]:
        """SFN guide, Step Functions events in EventBridge: dates in epoch milliseconds, input and output as text."""
        detail = {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine_arn,
            "name": execution.name,
            "status": execution.status,
            "startDate": int(execution.started * 1000),
            "stopDate": int(execution.stopped * 1000) if execution.stopped is not None else None,
            "input": execution.input,
            "inputDetails": {"included": True},
            "output": to_json(execution.output) if execution.status == "SUCCEEDED" else None,
            "outputDetails": {"included": True} if execution.status == "SUCCEEDED" else None,
            "error": execution.error,
            "cause": execution.cause,
        }
        return self._envelope("aws.states", "Step Functions Execution Status Change", execution.arn, detail)

    def _envelope(self, source: str, kind: str, resource: str, detail: dict[str, Any]) -> dict[str, Any]:
        return {
            "version": "0",
            "id": self._evaluator.uuid(),
            "detail-type": kind,
            "source": source,
            "account": self._context.account_id,
            "time": naming.iso(self._context.clock.datetime())[:19] + "Z",
            "region": self._context.region,
            "resources": [resource],
            "detail": detail,
        }

    def _deliver(self, event: Any) -> None:
        bus = self._context.backend("events").event_buses["default"]
        for rule in list(bus.rules.values()):
            if rule.state == "ENABLED" and rule.event_pattern._pattern and rule.event_pattern.matches_event(event):
                for target in rule.targets:
                    self._send(rule, target, event)

    def _send(self, rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
        if ":stateMachine:" not in target["Arn"]:
            return
        unsupported = {"InputPath", "InputTransformer"} & set(target)
        if unsupported:
            raise NotImplementedError(f"rule {rule.name}: {sorted(unsupported)} of a target are not rehearsed")
        policy = target.get("RetryPolicy") or {}
        self._deliveries.send(
            Delivery(
                service="events",
                sender=rule.arn,
                source=rule.arn,
                target=target["Arn"],
                role_arn=target.get("RoleArn"),
                input=target.get("Input") or json.dumps(event),
                queue=(target.get("DeadLetterConfig") or {}).get("Arn"),
                longest_seconds=float(policy.get("MaximumEventAgeInSeconds", LONGEST_SECONDS)),
                most_attempts=int(policy.get("MaximumRetryAttempts", MOST_ATTEMPTS)),
            )
        )

    @property
    def undelivered(self) -> list[str]:
        """What rules and schedules could not deliver."""
        return self._deliveries.undelivered
