"""What CloudWatch publishes when an alarm changes its state: the words and the members of its message to a topic, and
the reason that is kept with the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import botocore.loaders

from ..clock import moment
from ..context import Context

LONGEST_SUBJECT = 100  # SNS API, Publish
_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


@dataclass(frozen=True)
class Change:
    """From one state to another, and the datapoints that led to it, newest first."""

    before: str
    after: str
    points: Sequence[float]
    at: float

    def reason(self, request: Mapping[str, Any]) -> str:
        words, threshold = _WORDS[request["ComparisonOperator"]], float(request["Threshold"])
        if not self.points:
            return (
                f"Threshold Crossed: no datapoints were received for {request['EvaluationPeriods']} periods and "
                f"{request['EvaluationPeriods']} missing datapoints were treated as [NonBreaching]."
            )
        negation = "" if self.after == "ALARM" else "not "
        found = ", ".join(str(point) for point in self.points)
        return (
            f"Threshold Crossed: {len(self.points)} out of the last {request['EvaluationPeriods']} datapoints "
            f"[{found}] was {negation}{words} the threshold ({threshold})."
        )


def notice(
    request: Mapping[str, Any], arn: str, updated: float, change: Change, context: Context
) -> tuple[str, dict[str, Any]]:
    """The subject and the message (CloudWatch guide, alarm actions: the SNS message's members)."""
    place = _place(context)
    subject = f'{change.after}: "{request["AlarmName"]}" in {place}'
    return subject[:LONGEST_SUBJECT], {
        "AlarmName": request["AlarmName"],
        "AlarmDescription": request.get("AlarmDescription"),
        "AWSAccountId": context.account_id,
        "AlarmConfigurationUpdatedTimestamp": _written(updated),
        "NewStateValue": change.after,
        "NewStateReason": change.reason(request),
        "StateChangeTime": _written(change.at),
        "Region": place,
        "AlarmArn": arn,
        "OldStateValue": change.before,
        "OKActions": [],
        "AlarmActions": list(request.get("AlarmActions", [])),
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": request["MetricName"],
            "Namespace": request["Namespace"],
            "StatisticType": "Statistic",
            "Statistic": request["Statistic"].upper(),
            "Unit": None,
            "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in request.get("Dimensions", [])],
            "Period": request["Period"],
            "EvaluationPeriods": request["EvaluationPeriods"],
            "DatapointsToAlarm": request.get("DatapointsToAlarm", request["EvaluationPeriods"]),
            "ComparisonOperator": request["ComparisonOperator"],
            "Threshold": request["Threshold"],
            "TreatMissingData": request["TreatMissingData"],
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def _written(at: float) -> str:
    return moment(at).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _place(context: Context) -> str:
    """The region as people call it."""
    partitions = botocore.loaders.create_loader().load_data("endpoints")["partitions"]
    regions = next(each["regions"] for each in partitions if each["partition"] == context.partition)
    return str(regions.get(context.region, {}).get("description", context.region))
