"""What PutMetricAlarm takes, as far as it is modelled. Everything else is refused."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..calls import ModelError
from .series import MINUTE, STATISTICS

Request = Mapping[str, Any]


def _compared(compare: Callable[[float, float], bool]) -> Callable[[float, Request], bool]:
    return lambda point, request: compare(point, float(request["Threshold"]))


# SDK PutMetricAlarm, ComparisonOperator: those of static thresholds.
COMPARISONS: Mapping[str, Callable[[float, Request], bool]] = {
    "GreaterThanOrEqualToThreshold": _compared(operator.ge),
    "GreaterThanThreshold": _compared(operator.gt),
    "LessThanThreshold": _compared(operator.lt),
    "LessThanOrEqualToThreshold": _compared(operator.le),
}
_MODELLED = {
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "AlarmName",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluationPeriods",
    "MetricName",
    "Namespace",
    "Period",
    "Statistic",
    "Tags",
    "Threshold",
    "TreatMissingData",
}
_REQUIRED = ("MetricName", "Namespace", "Period", "Statistic", "Threshold")
# SDK PutMetricAlarm: AlarmDescription; AlarmActions, which may not be given twice; Tags.
LONGEST_NAME, LONGEST_DESCRIPTION, MOST_ACTIONS, MOST_TAGS = 255, 1024, 5, 50
# SDK PutMetricAlarm, EvaluationPeriods: a week at most, a day with periods of less than an hour.
LONGEST_SECONDS, LONGEST_OF_SHORT_SECONDS = 604_800, 86_400
_TOPIC = re.compile(r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


def check(request: Request) -> None:
    """Refuse what CloudWatch refuses, and what is not modelled.

    Raises
    ------
    ModelError
    """
    for problem in (_unknown, _missing, _text, _actions, _times, _missing_data):
        if (found := problem(request)) is not None:
            raise ModelError("ValidationError", found)


def _unknown(request: Request) -> str | None:
    more = sorted(name for name, value in request.items() if name not in _MODELLED and value not in (None, [], {}))
    return f"{more[0]} of an alarm is not modelled" if more else None


def _missing(request: Request) -> str | None:
    lacking = [name for name in _REQUIRED if name not in request]
    return f"{lacking[0]} is required of an alarm on one metric" if lacking else None


def _text(request: Request) -> str | None:
    if not 0 < len(request["AlarmName"]) <= LONGEST_NAME:
        return f"AlarmName has 1 to {LONGEST_NAME} characters: {request['AlarmName']}"
    if len(request.get("AlarmDescription", "")) > LONGEST_DESCRIPTION:
        return f"AlarmDescription has more than {LONGEST_DESCRIPTION} characters"
    if len(request.get("Tags", [])) > MOST_TAGS:
        return f"more than {MOST_TAGS} tags"
    for name, known in (("Statistic", STATISTICS), ("ComparisonOperator", COMPARISONS)):
        if request[name] not in known:
            return f"{name} {request[name]} is not modelled"
    return None


def _actions(request: Request) -> str | None:
    actions = request.get("AlarmActions", [])
    if len(actions) > MOST_ACTIONS or len(set(actions)) != len(actions):
        return f"AlarmActions has more than {MOST_ACTIONS}, or one twice"
    other = next((action for action in actions if not _TOPIC.fullmatch(action)), None)
    return f"an action that is no topic is not modelled: {other}" if other is not None else None


def _times(request: Request) -> str | None:
    period, periods = int(request["Period"]), int(request["EvaluationPeriods"])
    if period < MINUTE or period % MINUTE:
        return f"Period {period} is no multiple of 60"
    longest = LONGEST_SECONDS if period >= 3600 else LONGEST_OF_SHORT_SECONDS
    if period * periods > longest:
        return f"Period {period} times EvaluationPeriods {periods} is more than {longest} seconds"
    if not 0 < int(request.get("DatapointsToAlarm", periods)) <= periods:
        return f"DatapointsToAlarm {request['DatapointsToAlarm']} is not from 1 to EvaluationPeriods {periods}"
    return None


def _missing_data(request: Request) -> str | None:
    given = request.get("TreatMissingData", "missing")
    return f"TreatMissingData {given} is not modelled" if given != "notBreaching" else None
