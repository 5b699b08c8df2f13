"""EventBridge Scheduler. Owns when the schedules of the account fire in virtual time and what they start; moto keeps
them and fires nothing. Schedules never come to rest by themselves: whoever drives the clock says when they stop."""

from __future__ import annotations

import json
import re
from typing import Any

from .clock import Timer, moment
from .context import Context
from .cron import next_moment
from .deliveries import LONGEST_SECONDS, MOST_ATTEMPTS, Deliveries, Delivery

RATE = re.compile(r"^rate\((\d+) (minute|minutes|hour|hours|day|days)\)$")  # Scheduler guide, rate-based schedules
UNIT_SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0}


class Schedules:
    """The schedules of the account: silent until they are started."""

    def __init__(self, context: Context, deliveries: Deliveries) -> None:
        self._context = context
        self._deliveries = deliveries
        self._timers: dict[str, Timer] = {}
        self.firing = False

    @property
    def _all(self) -> dict[str, Any]:
        groups = self._context.backend("scheduler").schedule_groups.values()
        return {one.arn: one for group in groups for one in group.schedules.values()}

    def start(self, target: str | None = None) -> None:
        """Let every schedule, or every one that starts that target, fire from now on, as if it had just been created.

        A rate counts from the creation, and the first period passes before anything is fired (assumed: the guide only
        says that a schedule without a start date begins at once).
        """
        self.stop()
        self.firing = True
        for arn, schedule in self._all.items():
            if target in (None, schedule.target["Arn"]):
                self._plan(arn, self._context.clock.now())

    def stop(self) -> None:
        """Fire nothing any more, and forget what was due."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers = {}
        self.firing = False

    def next_due(self) -> float | None:
        """When the next schedule fires; None when none does."""
        return min((timer.at for timer in self._timers.values()), default=None)

    def _plan(self, arn: str, last: float) -> None:
        schedule = self._all.get(arn)
        if schedule is None:
            self._timers.pop(arn, None)
            return
        found = RATE.match(schedule.schedule_expression)
        if found is None:
            zone = schedule.schedule_expression_timezone or "UTC"
            due = next_moment(schedule.schedule_expression, zone, last)
        else:
            due = last + int(found[1]) * UNIT_SECONDS[found[2].removesuffix("s")]
        if due is None:  # a single moment that has passed
            self._timers.pop(arn, None)
            return
        # Scheduler guide, flexible time windows: at any time within; here at its end, the latest.
        window = float(schedule.flexible_time_window.get("MaximumWindowInMinutes") or 0) * 60
        self._timers[arn] = self._context.clock.at(due + window, lambda: self._fire(arn, due))

    def _fire(self, arn: str, due: float) -> None:
        schedule = self._all.get(arn)
        if schedule is not None and schedule.state == "ENABLED":
            self._deliveries.send(self._delivery(schedule, due))
        self._plan(arn, due)

    def _delivery(self, schedule: Any, due: float) -> Delivery:
        target = schedule.target
        if ":stateMachine:" not in target["Arn"]:
            raise NotImplementedError(f"schedule {schedule.name}: only state machines as targets are rehearsed")
        policy = target.get("RetryPolicy") or {}
        return Delivery(
            service="scheduler",
            sender=schedule.arn,
            # Scheduler guide, confused deputy prevention: the ARN of the schedule's group.
            source=self._context.arn("scheduler", f"schedule-group/{schedule.group_name}"),
            target=target["Arn"],
            role_arn=target["RoleArn"],
            input=self._input(schedule, due),
            queue=(target.get("DeadLetterConfig") or {}).get("Arn"),
            longest_seconds=float(policy.get("MaximumEventAgeInSeconds", LONGEST_SECONDS)),
            most_attempts=int(policy.get("MaximumRetryAttempts", MOST_ATTEMPTS)),
        )

    def _input(self, schedule: Any, due: float) -> str:
        """The target's input with its context attributes, or the event that Scheduler sends without one."""
        text = schedule.target.get("Input")
        scheduled = moment(due).strftime("%Y-%m-%dT%H:%M:%SZ")
        if text:
            # Scheduler guide, context attributes.
            known = {"schedule-arn": schedule.arn, "scheduled-time": scheduled}
            return re.sub(r"<aws\.scheduler\.([a-z-]+)>", lambda match: known.get(match[1], match[0]), str(text))
        return json.dumps(
            {
                "version": "0",
                "id": self._context.ids.uuid(),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "account": self._context.account_id,
                "time": scheduled,
                "region": self._context.region,
                "resources": [schedule.arn],
                "detail": "{}",
            }
        )
