"""docs/metrics.md: what the stack publishes, what its dashboard shows and what its alarms stand on, from the package's
catalogue and its alarms."""

from __future__ import annotations

from typing import Any

import yaml

from tools.package import FOLDER

_HEAD = """# Metrics, dashboard and alarms

What the stack puts into CloudWatch, what its dashboard shows, and what its alarms stand on: made by `make docs` from
the [catalogue](../components/lustre_batch/metrics_catalogue.yaml) and the
[alarms](../components/lustre_batch/alarms.yaml). What to do about an alarm is in
[operations](operations.md#when-you-are-told-something). The dashboard is in the CloudWatch console
under the name of the topic (`notificationTopicArn`).
"""
_OWN = """## What the stack puts

Namespace `LustreBatch`, with the dimension `Stack`, the name of the topic. A run puts its own when it ends, a clean-up
when it is done, and a sweep what it finds. A sweep that finds no file system puts nothing: metrics come only while
something lives or is kept.
"""
_AWS = """## What AWS publishes

The dashboard finds the metrics of file systems by a search, since each file system lives for one run only. A search
does not know the stack: it shows every file system of the account and region.
"""
_ALARMS = """## Alarms

Each publishes to the stack's topic when it goes off, and then not again until it has gone back to OK: one that stays on
hides a second trouble of its kind. Missing data breaches nothing, but CloudWatch looks at more than the last period for
data, so an alarm goes back to OK later than the trouble ends; and it evaluates those that look at more than a day only
once an hour. None stands on a metric of a file system, since no alarm can stand on a search. `run-failed` watches the
state machine of runs, reclaims included, `clean-up-failed` that of clean-ups and sweeps. What they say:
"""


def page() -> str:
    groups, alarms = (yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")) for name in _FILES)
    own = [group for group in groups if group["namespace"] == "LustreBatch"]
    of_aws = [group for group in groups if group["namespace"] != "LustreBatch"]
    parts = [
        _HEAD,
        _OWN,
        _table(("metric", "unit", "put by", "meaning"), [row for group in own for row in _own_rows(group)]),
        _AWS,
        _table(
            ("metric", "namespace", "dimensions", "unit", "statistics", "meaning", "source"),
            [row for group in of_aws for row in _aws_rows(group)],
        ),
        _ALARMS,
        _table(("alarm", "goes off at", "over"), [_alarm_row(alarm) for alarm in alarms]),
        *(_said(alarm) for alarm in alarms),
    ]
    return "\n".join(parts)


_FILES = ("metrics_catalogue", "alarms")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def _own_rows(group: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", one["unit"], group["from"], one["meaning"]) for name, one in group["metrics"].items()]


def _aws_rows(group: dict[str, Any]) -> list[tuple[str, ...]]:
    dimensions = ", ".join(
        f"`{name}: {value}`" if value and not value.startswith("${") else f"`{name}`"
        for name, value in group["dimensions"].items()
    )
    return [
        (
            f"`{name}`",
            f"`{group['namespace']}`",
            dimensions,
            one["unit"],
            ", ".join(f"`{each}`" for each in one["statistics"]),
            one["meaning"],
            group["from"],
        )
        for name, one in group["metrics"].items()
    ]


def _alarm_row(alarm: dict[str, Any]) -> tuple[str, ...]:
    sign, threshold = ("less than", alarm["below"]) if "below" in alarm else ("at least", alarm["at_least"])
    if isinstance(threshold, str):
        threshold = "`keptAlarmHours`"
    over = f"{alarm['minutes']} minutes" if "minutes" in alarm else f"{alarm['sweeps']} intervals of the sweep"
    return f"`{alarm['name']}`", f"{alarm['statistic']} of `{alarm['metric']}` {sign} {threshold}", over


def _said(alarm: dict[str, Any]) -> str:
    return f"### `{alarm['name']}`\n\n```text\n{alarm['says']}\n```\n"
