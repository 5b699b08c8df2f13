"""What CloudWatch has measured of a run's file system: the age of its export queue, and the bytes written to it. Owns
how long that is kept, and what can be concluded from it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from ..operate.problems import code_of
from .evidence import Evidence
from .story import Datapoint, Series

# CloudWatch API reference, GetMetricData: for a start so long ago, so fine.
_PERIODS: Final = ((15 * 86_400, 60), (63 * 86_400, 300), (455 * 86_400, 3600))
READABLE: Final = "When each datapoint became readable: CloudWatch does not say; rehearsals do."
FILES: Final = "How many files were written and exported: FSx counts bytes written, and nothing of what it exports."


def add(seen: Evidence) -> None:
    """Add what was measured, and say what was not."""
    if seen.file_system is None or seen.created is None:
        return
    seen.unknown.append(FILES)
    ago = seen.now - seen.created
    period = next((seconds for most, seconds in _PERIODS if ago < most), None)
    if period is None:
        seen.unknown.append("The export queue and the bytes written: CloudWatch forgets them after 455 days.")
        return
    try:
        found = _measured(seen, period)
    except ClientError as error:
        if "AccessDenied" not in code_of(error):
            raise
        seen.unknown.append("The export queue and the bytes written: cloudwatch:GetMetricData is not allowed.")
        return
    seen.ages = [Datapoint(at, value) for at, value in found["age"]]
    total, points = 0.0, []
    for at, value in found["written"]:
        points.append((at, total := total + value))
    if points:
        first = (points[0][0] - period, 0.0)
        seen.series = [Series("bytes written", "bytes", (first, *points))]
    if not seen.ages:
        seen.unknown.append("The export queue: CloudWatch has no datapoint of it.")
        return
    seen.unknown.append(READABLE)
    _conclude(seen, period)


def _conclude(seen: Evidence, period: int) -> None:
    """When the last change was in S3: within the last minutes whose datapoint had one waiting, or by a task."""
    ended = seen.job_ended_at
    if ended is None or seen.ages[-1].at < ended:
        seen.unknown.append("When the last change was in S3: no datapoint is from after the job's end.")
        return
    waiting = [one.at for one in seen.ages if one.age_seconds > 0]
    moments = [*waiting[-1:], *_tasks(seen)]
    seen.drained_at = max(moments, default=ended)
    if not moments:
        seen.facts |= {"drained_at": None, "idle_seconds": None}
    elif seen.drained_at == max(waiting, default=None):
        minutes = "minute" if period == 60 else f"{period // 60} minutes"
        seen.unknown.append(f"The moment of the last export: it is told to the {minutes}, from the metric.")


def _tasks(seen: Evidence) -> Iterator[float]:
    """The ends of export tasks that had something left to export."""
    for record, _ in seen.clean_ups:
        listed = record.last("FindExportTasks")
        for one in (listed.answer if listed is not None else {}).get("DataRepositoryTasks") or []:
            exported = (one.get("Status") or {}).get("SucceededCount", 0)
            if one.get("Type") == "EXPORT_TO_REPOSITORY" and exported and one.get("EndTime"):
                yield datetime.datetime.fromisoformat(str(one["EndTime"])).timestamp() - seen.origin


def _measured(seen: Evidence, period: int) -> dict[str, list[tuple[float, float]]]:
    """Each datapoint: the end of its minutes, and its value (FSx guide, Lustre metrics and dimensions)."""
    of_it = {"Name": "FileSystemId", "Value": seen.file_system}

    def asked(name: str, metric: str, statistic: str, *dimensions: dict[str, Any]) -> dict[str, Any]:
        stated = {"Namespace": "AWS/FSx", "MetricName": metric, "Dimensions": [of_it, *dimensions]}
        return {"Id": name, "MetricStat": {"Metric": stated, "Period": period, "Stat": statistic}}

    begin = seen.origin + (seen.created or 0.0)
    end = seen.origin + (seen.gone_at if seen.gone_at is not None else seen.until)
    pages = (
        seen.stack.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=[
                asked("age", "AgeOfOldestQueuedMessage", "Maximum", {"Name": "Publisher", "Value": "AutoExport"}),
                asked("written", "DataWriteBytes", "Sum"),
            ],
            StartTime=datetime.datetime.fromtimestamp(begin // period * period, datetime.UTC),
            EndTime=datetime.datetime.fromtimestamp(end + period, datetime.UTC),
            ScanBy="TimestampAscending",
        )
    )
    found: dict[str, list[tuple[float, float]]] = {"age": [], "written": []}
    for page in pages:
        for result in page["MetricDataResults"]:
            moments = (seen.since(at) + period for at in result["Timestamps"])
            found[result["Id"]] += zip(moments, result["Values"], strict=True)
    return found
