"""FSx's metrics: AgeOfOldestQueuedMessage of auto export, and DataWriteBytes. Owns when a datapoint exists and when it
can be read, and the parts of CloudWatch's API that read it. It must never interpolate: a minute that was not published
has no datapoint."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from pydantic import Field

from .calls import ModelError
from .clock import moment
from .context import Context
from .fsx.association import Association
from .fsx.associations import Associations
from .fsx.file_systems import FileSystem, FileSystems
from .plan import Plan, Seconds, Tags, Window

NAMESPACE = "AWS/FSx"
NAME = "AgeOfOldestQueuedMessage"
WRITTEN = "DataWriteBytes"
MINUTE = 60
# CloudWatch API reference, GetMetricData: at most 100,800 datapoints in one answer.
DATAPOINTS_LIMIT = 100_800
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Maximum": max,
    "Minimum": min,
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "SampleCount": len,
}


class MetricPlan(Plan):
    delay: Seconds = 90
    """From the end of a minute until its datapoint can be read."""
    gaps: list[Window] = Field(default=[])
    """Times without datapoints."""
    published: bool = True
    """`false`: there is never a datapoint."""


class ExportMetric:
    """Answers cloudwatch."""

    def __init__(
        self,
        context: Context,
        file_systems: FileSystems,
        associations: Associations,
        settle_writers: Callable[[float], None],
        plan_of: Callable[[Tags], MetricPlan],
    ) -> None:
        self._clock = context.clock
        self._file_systems = file_systems
        self._associations = associations
        self._settle_writers = settle_writers
        self._plan_of = plan_of
        context.calls.answer(
            "cloudwatch",
            GetMetricData=self.get_data,
            GetMetricStatistics=self.get_statistics,
            ListMetrics=self.list,
        )

    def _association(self, dimensions: list[dict[str, str]]) -> Association | None:
        given = {dimension["Name"]: dimension["Value"] for dimension in dimensions}
        if set(given) != {"FileSystemId", "Publisher"} or given["Publisher"] != "AutoExport":
            return None
        file_system = self._file_systems.all.get(given["FileSystemId"])
        linked = self._associations.of(file_system) if file_system is not None else []
        exporting = [link for link in linked if not link.is_input]
        return exporting[0] if exporting else None

    def _values(self, metric: dict[str, Any]) -> Callable[[float], float | None] | None:
        """What a metric says of a minute; nothing, if there is no such metric."""
        dimensions = metric.get("Dimensions", [])
        name = (metric.get("Namespace"), metric.get("MetricName"))
        if name == (NAMESPACE, NAME) and (association := self._association(dimensions)) is not None:
            return functools.partial(self._value, association)
        given = {one["Name"]: one["Value"] for one in dimensions}
        system = self._file_systems.all.get(given.get("FileSystemId", ""))
        if name == (NAMESPACE, WRITTEN) and system is not None and set(given) == {"FileSystemId"}:
            return functools.partial(self._written, system)
        return None

    def _value(self, association: Association, minute: float) -> float | None:
        """What is published for the minute that begins then and readable now."""
        linked = association.linked_at
        if linked is None or minute + MINUTE < linked or not self._is_readable(association.file_system, minute):
            return None
        return math.floor(association.content.age(minute))

    def _written(self, file_system: FileSystem, minute: float) -> float | None:
        """FSx guide, network I/O metrics: the Sum of DataWriteBytes is what clients wrote in the period."""
        if minute + MINUTE < file_system.created or not self._is_readable(file_system, minute):
            return None
        contents = [link.content for link in self._associations.of(file_system)]
        contents += [file_system.local] if file_system.local is not None else []
        passed = [one for content in contents for one in content.written]
        return float(sum(one.size for one in passed if minute <= one.began < minute + MINUTE))

    def _is_readable(self, file_system: FileSystem, minute: float) -> bool:
        """Whether the datapoint of the minute that begins then was published and can be read now."""
        plan = self._plan_of(file_system.tags)
        ends = file_system.deleting_at if file_system.deleting_at is not None else math.inf
        if not plan.published or minute + MINUTE > ends or minute + MINUTE + plan.delay > self._clock.now():
            return False
        origin = file_system.first_attempt_at
        return origin is None or not any(origin + gap.at <= minute < origin + gap.at + gap.for_ for gap in plan.gaps)

    def published(self, association: Association) -> list[tuple[float, float, float]]:
        """Each datapoint that can be read by now: the end of its minute, its value, and since when."""
        delay = self._plan_of(association.file_system.tags).delay
        now = self._clock.now()
        self._settle_writers(now)
        first = math.floor((association.linked_at or now) / MINUTE) * MINUTE
        last = association.file_system.deleting_at or now
        found: list[tuple[float, float, float]] = []
        for minute in range(int(first), int(last), MINUTE):
            if (value := self._value(association, minute)) is not None:
                found.append((minute + MINUTE, value, minute + MINUTE + delay))
        return found

    def _series(self, metric: dict[str, Any], params: dict[str, Any]) -> list[tuple[float, float]]:
        """(period's start, value), oldest first."""
        value = self._values(metric["Metric"])
        if value is None:
            return []
        period, statistic = metric["Period"], STATISTICS.get(metric["Stat"])
        if period < 1 or (period % MINUTE and period not in {1, 5, 10, 30}):
            raise ModelError("ValidationError", f"Period {period} is not 1, 5, 10, 30 or a multiple of 60")
        if statistic is None:
            raise ModelError("ValidationError", f"Statistic {metric['Stat']} is not modelled")
        now = self._clock.now()
        self._settle_writers(now)
        begin, end = params["StartTime"].timestamp(), min(params["EndTime"].timestamp(), now)
        step = max(period, MINUTE)
        series = []
        start = math.ceil(begin / step) * step
        while start < end:
            minutes = [value(start + offset) for offset in range(0, step, MINUTE)]
            values = [one for one in minutes if one is not None]
            if values:
                series.append((start, float(statistic(values))))
            start += step
        return series

    def get_data(self, params: dict[str, Any]) -> dict[str, Any]:
        if params["StartTime"] >= params["EndTime"]:
            raise ModelError("ValidationError", "The parameter StartTime must be less than the parameter EndTime")
        found: list[tuple[str, tuple[float, float]]] = []
        labels = {}
        for query in params["MetricDataQueries"]:
            if "MetricStat" not in query:
                raise ModelError("ValidationError", "Metric math is not modelled")
            series = self._series(query["MetricStat"], params)
            if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
                series.reverse()
            labels[query["Id"]] = query.get("Label", query["MetricStat"]["Metric"]["MetricName"])
            found += [(query["Id"], point) for point in series]
        start, size = int(params.get("NextToken", 0)), params.get("MaxDatapoints", DATAPOINTS_LIMIT)
        page = found[start : start + size]
        more = start + size < len(found)
        results = [
            {
                "Id": identifier,
                "Label": label,
                "Timestamps": [moment(point[0]) for owner, point in page if owner == identifier],
                "Values": [point[1] for owner, point in page if owner == identifier],
                "StatusCode": "PartialData" if more else "Complete",
            }
            for identifier, label in labels.items()
        ]
        answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
        if more:
            answer["NextToken"] = str(start + size)
        return answer

    def get_statistics(self, params: dict[str, Any]) -> dict[str, Any]:
        metric = {key: params[key] for key in ("Namespace", "MetricName", "Dimensions") if key in params}
        unit = "Bytes" if params["MetricName"] == WRITTEN else "Seconds"
        points: dict[float, dict[str, Any]] = {}
        for statistic in params.get("Statistics", []):
            for start, value in self._series({"Metric": metric, "Period": params["Period"], "Stat": statistic}, params):
                points.setdefault(start, {"Timestamp": moment(start), "Unit": unit})[statistic] = value
        return {"Label": params["MetricName"], "Datapoints": list(points.values())}

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        names = {"Namespace": NAMESPACE, "MetricName": NAME}
        if any(params.get(key, value) != value for key, value in names.items()):
            return {"Metrics": []}
        published = [one for one in self._file_systems.all.values() if self._associations.of(one)]
        return {
            "Metrics": [
                names
                | {
                    "Dimensions": [
                        {"Name": "FileSystemId", "Value": file_system.id},
                        {"Name": "Publisher", "Value": "AutoExport"},
                    ]
                }
                for file_system in published
            ]
        }
