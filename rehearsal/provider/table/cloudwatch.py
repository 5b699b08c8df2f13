"""Rows of the table for CloudWatch: metric alarms and dashboards. PutMetricAlarm and PutDashboard overwrite what has
the same name; a row must never take one over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .kind import Aws, Enumeration, Failure, Kind, Naming, Props, ResourceError, given, gone_is_none, put_again
from .tags import retag, tag_list, tag_map

# SDK PutMetricAlarm, under the provider's names.
_MEMBERS = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluationPeriods": "EvaluationPeriods",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "treatMissingData": "TreatMissingData",
}
_DASHBOARD_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def _found(aws: Aws, name: str) -> dict[str, Any] | None:
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return alarms[0] if alarms else None


def _put_alarm(aws: Aws, inputs: Props) -> str:
    dimensions = [{"Name": name, "Value": value} for name, value in sorted((inputs.get("dimensions") or {}).items())]
    request = given(**{member: inputs.get(name) for name, member in _MEMBERS.items()})
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=inputs["name"],
        **request,
        **given(Dimensions=dimensions or None, Tags=tag_list(inputs.get("tagsAll")) or None),
    )
    return str(inputs["name"])


def _create_alarm(aws: Aws, inputs: Props) -> str:
    if _found(aws, inputs["name"]) is not None:
        raise ResourceError(f"an alarm with the name {inputs['name']} exists already")
    return _put_alarm(aws, inputs)


def _read_alarm(aws: Aws, identity: str, state: Props) -> Props | None:
    found = _found(aws, identity)
    if found is None:
        return None
    tags = aws.client("cloudwatch").list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"]
    return {
        "arn": found["AlarmArn"],
        "name": found["AlarmName"],
        **{name: found.get(member) for name, member in _MEMBERS.items()},
        "dimensions": {one["Name"]: one["Value"] for one in found.get("Dimensions", [])} or None,
        "tagsAll": tag_map(tags),
    }


def _delete_alarm(aws: Aws, identity: str, state: Props) -> None:
    aws.client("cloudwatch").delete_alarms(AlarmNames=[identity])


def _check_alarm(inputs: Props) -> Iterator[Failure]:
    # terraform-provider-aws, cloudwatch/metric_alarm.go: validatePeriod, StringLenBetween.
    period, description = inputs.get("period"), inputs.get("alarmDescription")
    if isinstance(period, int | float) and period not in (10, 20, 30) and (period < 60 or period % 60):
        yield Failure("period", f"expected 10, 20, 30 or a multiple of 60, got {period}")
    if isinstance(description, str) and len(description) > 1024:
        yield Failure("alarmDescription", "expected length to be in the range (0 - 1024)")


def _put_dashboard(aws: Aws, inputs: Props) -> str:
    aws.client("cloudwatch").put_dashboard(DashboardName=inputs["dashboardName"], DashboardBody=inputs["dashboardBody"])
    return str(inputs["dashboardName"])


def _create_dashboard(aws: Aws, inputs: Props) -> str:
    if _read_dashboard(aws, inputs["dashboardName"], {}) is not None:
        raise ResourceError(f"a dashboard with the name {inputs['dashboardName']} exists already")
    return _put_dashboard(aws, inputs)


@gone_is_none("ResourceNotFound", "DashboardNotFoundError")
def _read_dashboard(aws: Aws, identity: str, state: Props) -> Props:
    found = aws.client("cloudwatch").get_dashboard(DashboardName=identity)
    return {
        "dashboardArn": found["DashboardArn"],
        "dashboardName": found["DashboardName"],
        "dashboardBody": found["DashboardBody"],
    }


def _delete_dashboard(aws: Aws, identity: str, state: Props) -> None:
    aws.client("cloudwatch").delete_dashboards(DashboardNames=[identity])


def _check_dashboard(inputs: Props) -> Iterator[Failure]:
    # terraform-provider-aws, cloudwatch/dashboard.go: validDashboardName, StringIsJSON.
    name, body = inputs.get("dashboardName"), inputs.get("dashboardBody")
    if isinstance(name, str) and not _DASHBOARD_NAME.fullmatch(name):
        yield Failure("dashboardName", f"1 to 255 letters, digits, hyphens and underscores, got {name!r}")
    if isinstance(body, str):
        try:
            json.loads(body)
        except ValueError as error:
            yield Failure("dashboardBody", f"contains an invalid JSON: {error}")


KINDS = (
    Kind(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        _create_alarm,
        _read_alarm,
        _delete_alarm,
        update=dict.fromkeys([*_MEMBERS, "dimensions"], put_again(_put_alarm))
        | {"tags": retag("cloudwatch", "ResourceARN")},
        naming=Naming(limit=255),
        # terraform-provider-aws, cloudwatch/metric_alarm.go.
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        unordered=frozenset({"alarmActions"}),
        enumerations={
            "comparisonOperator": Enumeration("cloudwatch", "ComparisonOperator"),
            "statistic": Enumeration("cloudwatch", "Statistic"),
        },
        check=_check_alarm,
    ),
    Kind(
        "aws:cloudwatch/dashboard:Dashboard",
        _create_dashboard,
        _read_dashboard,
        _delete_dashboard,
        update={"dashboardBody": put_again(_put_dashboard)},
        documents=frozenset({"dashboardBody"}),
        check=_check_dashboard,
    ),
)
