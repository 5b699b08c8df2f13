"""Alarms that publish to the topic: one for each entry of alarms.yaml that this stack can have.

None stands on a file system's own metrics, since no alarm can search for what lives for one run only.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from .metrics_catalogue import Metric, entries, metric
from .owner import Owner
from .settings import Settings
from .templates import render


def create_alarms(
    owner: Owner, watched: Mapping[str, pulumi.Input[str]], topic: aws.sns.Topic
) -> list[aws.cloudwatch.MetricAlarm]:
    """Create the alarms; `watched` are the values of placeholders, dimensions among them."""
    settings = owner.settings
    values = {"EnvName": settings.env_name, "KeptAlarmHours": settings.kept_alarm_hours, **watched}
    return [_alarm(owner, entry, values, topic) for entry in alarms_of(settings)]


def alarms_of(settings: Settings) -> Iterator[dict[str, Any]]:
    """The entries that a stack has, with threshold and period in seconds."""
    for entry in entries("alarms"):
        threshold = entry.get("below", entry.get("at_least"))
        if isinstance(threshold, str):
            threshold = getattr(settings, threshold)
        minutes = entry.get("minutes", entry.get("sweeps", 0) * settings.sweep_interval_minutes)
        if threshold and minutes:
            yield entry | {"threshold": threshold, "period": minutes * 60}


def _alarm(
    owner: Owner, entry: Mapping[str, Any], values: Mapping[str, pulumi.Input[Any]], topic: aws.sns.Topic
) -> aws.cloudwatch.MetricAlarm:
    found: Metric = metric(entry["metric"], entry["statistic"])
    filled = pulumi.Output.all(**values).apply(
        lambda known: json.loads(render(json.dumps([entry["says"], entry.get("of", found.dimensions)]), known))
    )
    return aws.cloudwatch.MetricAlarm(
        owner.named(entry["name"]),
        alarm_description=filled.apply(lambda pair: str(pair[0])),
        namespace=found.namespace,
        metric_name=found.name,
        dimensions=filled.apply(lambda pair: dict(pair[1])),
        statistic=entry["statistic"],
        comparison_operator="LessThanThreshold" if "below" in entry else "GreaterThanOrEqualToThreshold",
        threshold=entry["threshold"],
        period=entry["period"],
        evaluation_periods=1,
        # Metrics come only while something lives: none means that nothing does.
        treat_missing_data="notBreaching",
        alarm_actions=[topic.arn],
        tags=owner.tags(),
        opts=owner.child(),
    )
