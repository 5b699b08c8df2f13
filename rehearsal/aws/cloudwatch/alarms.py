"""Metric alarms: what they watch, when they are evaluated, whom they tell. Owns their states. It must never look at a
metric other than as anybody can read it at that moment."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from ..calls import ModelError, internally
from ..clock import moment
from ..context import Context
from .alarm_rules import COMPARISONS, check
from .notices import Change, notice
from .series import MINUTE, STATISTICS, Metric, Source, first, together

# CloudWatch guide, alarm evaluation: more datapoints are read than there are evaluation periods, in the guide's example
# five for three; how many it is in each case is not said.
MORE_PERIODS = 2
LIST_SIZE = 100  # SDK DescribeAlarms, MaxRecords


@dataclass
class Alarm:
    """One alarm, as PutMetricAlarm described it."""

    request: dict[str, Any]
    arn: str
    updated: float
    tags: dict[str, str] = field(default_factory=dict)
    # SDK PutMetricAlarm: the state of a new alarm.
    state: str = "INSUFFICIENT_DATA"
    reason: str = "Unchecked: Initial alarm creation"
    changed: float = 0.0

    @property
    def name(self) -> str:
        return str(self.request["AlarmName"])

    @property
    def metric(self) -> Metric:
        return Metric.of(self.request)

    @property
    def periods(self) -> int:
        """How many periods are read."""
        return int(self.request["EvaluationPeriods"]) + MORE_PERIODS


class Alarms:
    """Answers cloudwatch: what concerns metric alarms."""

    def __init__(self, context: Context, sources: Sequence[Source]) -> None:
        self._context = context
        self._sources = sources
        self.all: dict[str, Alarm] = {}
        # Told of every alarm whose action has been carried out.
        self.on_action: Callable[[Alarm], None] = lambda alarm: None
        context.calls.answer(
            "cloudwatch",
            PutMetricAlarm=self.put,
            DescribeAlarms=self.describe,
            DeleteAlarms=self.delete,
            ListTagsForResource=self.list_tags,
            TagResource=self.tag,
            UntagResource=self.untag,
        )

    def reset(self) -> None:
        """Alarms belong to the deployment; so long after it, each has been evaluated, and there was nothing."""
        for alarm in self.all.values():
            alarm.state, alarm.reason = "OK", "no datapoints were received"

    def put(self, params: dict[str, Any]) -> None:
        """SDK PutMetricAlarm: an update leaves the state unchanged, and ignores tags."""
        check(params)
        metric, clock = Metric.of(params), self._context.clock
        if not any(source.knows(metric) for source in self._sources):
            named = f"{metric.namespace} {metric.name} by {', '.join(sorted(dict(metric.dimensions))) or 'nothing'}"
            raise ModelError("ValidationError", f"an alarm on {named} is not modelled")
        name, tags = params["AlarmName"], {one["Key"]: one["Value"] for one in params.pop("Tags", [])}
        known = self.all.get(name)
        if known is None:
            arn = self._context.arn("cloudwatch", f"alarm:{name}")
            known = self.all[name] = Alarm(params, arn, clock.now(), tags, changed=clock.now())
        known.request, known.updated = params, clock.now()
        self._evaluate_at(known, clock.now() + MINUTE)

    def told(self, metric: Metric, minute: float, readable_at: float) -> None:
        """A datapoint comes: the state can change when it can be read, and when it leaves each of the periods."""
        for alarm in self.all.values():
            if alarm.metric == metric:
                period = int(alarm.request["Period"])
                leaves = [minute + MINUTE + number * period for number in range(1, alarm.periods + 1)]
                for at in sorted({readable_at, *(each for each in leaves if each > readable_at)}):
                    self._evaluate_at(alarm, at)

    def _evaluate_at(self, alarm: Alarm, at: float) -> None:
        """CloudWatch guide, alarm evaluation: every minute. Between two datapoints nothing can change."""
        self._context.clock.at(math.ceil(at / MINUTE) * MINUTE, lambda: self._evaluate(alarm))

    def _evaluate(self, alarm: Alarm) -> None:
        if self.all.get(alarm.name) is not alarm:
            return
        real = self._datapoints(alarm)
        request = alarm.request
        considered = real[: request["EvaluationPeriods"]]  # the newest; what is missing beside them is not breaching
        breaching = [point for point in considered if COMPARISONS[request["ComparisonOperator"]](point, request)]
        alarming = len(breaching) >= request.get("DatapointsToAlarm", request["EvaluationPeriods"])
        state = "ALARM" if alarming else "OK"
        if state != alarm.state:
            self._change(alarm, state, considered)

    def _datapoints(self, alarm: Alarm) -> list[float]:
        """Of each period that has one, newest first. The window slides (SDK PutMetricAlarm, EvaluationWindow)."""
        series = first(self._sources, alarm.metric)
        if series is None:
            return []
        period, end = int(alarm.request["Period"]), int(self._context.clock.now())
        found = []
        for number in range(alarm.periods):
            begin = end - (number + 1) * period
            sample = together(series.of_minute(minute) for minute in range(begin, begin + period, MINUTE))
            if sample is not None:
                found.append(float(STATISTICS[alarm.request["Statistic"]](sample)))
        return found

    def _change(self, alarm: Alarm, state: str, points: Sequence[float]) -> None:
        now = self._context.clock.now()
        change = Change(alarm.state, state, points, now)
        alarm.state, alarm.reason, alarm.changed = state, change.reason(alarm.request), now
        if state != "ALARM" or not alarm.request.get("ActionsEnabled", True):
            return
        subject, message = notice(alarm.request, alarm.arn, alarm.updated, change, self._context)
        for topic in alarm.request.get("AlarmActions", []):
            try:
                with internally():
                    self._context.client("sns").publish(TopicArn=topic, Subject=subject, Message=json.dumps(message))
            except ClientError:  # CloudWatch guide, alarm actions: it does not tell of a topic that is not there
                continue
            self.on_action(alarm)

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        names, prefix = params.get("AlarmNames"), params.get("AlarmNamePrefix", "")
        found = [
            {
                **alarm.request,
                "AlarmArn": alarm.arn,
                "AlarmConfigurationUpdatedTimestamp": moment(alarm.updated),
                "StateValue": alarm.state,
                "StateReason": alarm.reason,
                "StateUpdatedTimestamp": moment(alarm.changed),
            }
            for name, alarm in sorted(self.all.items())
            if (names is None or name in names)
            and name.startswith(prefix)
            and params.get("StateValue", alarm.state) == alarm.state
        ]
        start, size = int(params.get("NextToken", 0)), params.get("MaxRecords", LIST_SIZE)
        answer: dict[str, Any] = {"MetricAlarms": found[start : start + size], "CompositeAlarms": []}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer

    def delete(self, params: dict[str, Any]) -> None:
        """SDK DeleteAlarms: if one of several does not exist, none is deleted; one that does not is no error."""
        if len(params["AlarmNames"]) > 1 and any(name not in self.all for name in params["AlarmNames"]):
            raise ModelError("ResourceNotFound", "One of the alarms does not exist")
        for name in params["AlarmNames"]:
            self.all.pop(name, None)

    def list_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self._by_arn(params).tags.items()]}

    def tag(self, params: dict[str, Any]) -> None:
        self._by_arn(params).tags |= {one["Key"]: one["Value"] for one in params["Tags"]}

    def untag(self, params: dict[str, Any]) -> None:
        alarm = self._by_arn(params)
        alarm.tags = {key: value for key, value in alarm.tags.items() if key not in params["TagKeys"]}

    def _by_arn(self, params: dict[str, Any]) -> Alarm:
        found = next((one for one in self.all.values() if one.arn == params["ResourceARN"]), None)
        if found is None:
            raise ModelError("ResourceNotFoundException", f"{params['ResourceARN']} does not exist")
        return found
