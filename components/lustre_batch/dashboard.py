"""The stack's dashboard: the widgets of dashboard.yaml, laid out, below what says where it comes from and which alarms
are on.

It only names metrics; which there are is in metrics_catalogue.yaml.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from .metrics_catalogue import entries, metric
from .owner import Owner
from .templates import render

PERIOD_SECONDS = 300
# CloudWatch API reference, dashboard body structure: 24 columns.
_COLUMNS, _WIDTH, _HEIGHT, _TOP = 24, 8, 6, 3
_WHOSE = "every file system of the account and region"
_HEAD = (
    "## Lustre Batch ${EnvName}\n"
    "Made by the deployment of the stack `${StackId}`, which overwrites what is changed here. Metrics come only while "
    "something lives: gaps are times in which nothing was billed."
)


def create_dashboard(
    owner: Owner, watched: Mapping[str, pulumi.Input[str]], alarms: Sequence[aws.cloudwatch.MetricAlarm]
) -> None:
    """Create it, if it is wanted; `watched` are the values of placeholders, dimensions among them."""
    if not owner.settings.dashboard:
        return
    values = {"EnvName": owner.settings.env_name, "Region": owner.surroundings.region, **watched}
    filled = pulumi.Output.all(**values).apply(lambda known: render(json.dumps(widgets()), known))
    body = pulumi.Output.all(filled, *(alarm.arn for alarm in alarms)).apply(lambda known: _body(known[0], known[1:]))
    # Its name is the stack's identity, as a dashboard cannot be named by Pulumi.
    aws.cloudwatch.Dashboard(
        owner.named("dashboard"), dashboard_name=watched["StackId"], dashboard_body=body, opts=owner.child()
    )


def widgets() -> list[dict[str, Any]]:
    """All but the alarms, laid out, with the placeholders of a stack."""
    head = {"type": "text", **_at(0, 0, _COLUMNS // 2, _TOP), "properties": {"markdown": _HEAD}}
    return [head, *(_widget(number, entry) for number, entry in enumerate(entries("dashboard")))]


def _widget(number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    row, column = divmod(number, _COLUMNS // _WIDTH)
    place = _at(column * _WIDTH, _TOP + row * _HEIGHT, _WIDTH, _HEIGHT)
    return {"type": "metric", **place, "properties": _graph(entry)}


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height}


def _graph(entry: Mapping[str, Any]) -> dict[str, Any]:
    lines = [_line(number, each) for number, each in enumerate(entry["metrics"], 1)]
    searched = any(metric(each["metric"], each["statistic"]).is_searched for each in entry["metrics"])
    return {
        "title": f"{entry['title']}: {_WHOSE}" if searched else entry["title"],
        "region": "${Region}",
        "view": "timeSeries",
        "stacked": bool(entry.get("stacked", False)),
        "period": PERIOD_SECONDS,
        "metrics": lines,
    }


def _line(number: int, entry: Mapping[str, Any]) -> list[Any]:
    """CloudWatch API reference, format of each metric; CloudWatch guide, search expression syntax."""
    found, statistic = metric(entry["metric"], entry["statistic"]), entry["statistic"]
    period = entry.get("period", PERIOD_SECONDS)
    if not found.is_searched:
        named = [text for pair in found.dimensions.items() for text in pair]
        return [found.namespace, found.name, *named, {"stat": statistic, "period": period, "label": entry["label"]}]
    schema = ",".join([found.namespace, *found.dimensions])
    terms = [f'MetricName="{found.name}"', *(f'{key}="{value}"' for key, value in found.dimensions.items() if value)]
    return [
        {
            "id": f"e{number}",
            "expression": f"SEARCH('{{{schema}}} {' '.join(terms)}', '{statistic}', {period})",
            # CloudWatch guide, dynamic labels.
            "label": "${PROP('Dim.FileSystemId')}",
        }
    ]


def _body(rendered: str, alarm_arns: Sequence[str]) -> str:
    properties = {"title": "Alarms", "alarms": list(alarm_arns)}
    alarms = {"type": "alarm", **_at(_COLUMNS // 2, 0, _COLUMNS // 2, _TOP), "properties": properties}
    return json.dumps({"start": "-P1D", "widgets": [alarms, *json.loads(rendered)]})
