"""Metrics of whoever publishes them, as CloudWatch's API gives them: GetMetricData, GetMetricStatistics, ListMetrics.
Owns periods and pages, and the limits of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..calls import ModelError
from ..clock import moment
from ..context import Context
from . import moments
from .custom import CustomMetrics
from .series import MINUTE, STATISTICS, Metric, Series, Source, first, minute_of, together

# CloudWatch API reference, GetMetricData: at most 100,800 datapoints in one answer.
DATAPOINTS_LIMIT = 100_800
# SDK GetMetricStatistics: at most 1,440 datapoints; the shortest period of what is older than that.
STATISTICS_DATAPOINTS_LIMIT = 1440
RETAINED = ((63 * 86_400, 3600), (15 * 86_400, 300))
LIST_SIZE = 500  # SDK ListMetrics


class Metrics:
    """Answers cloudwatch: what concerns metrics."""

    def __init__(self, context: Context, custom: CustomMetrics, sources: Sequence[Source]) -> None:
        self._clock = context.clock
        self._sources = sources
        context.calls.answer(
            "cloudwatch",
            PutMetricData=custom.put,
            GetMetricData=self.get_data,
            GetMetricStatistics=self.get_statistics,
            ListMetrics=self.list,
        )

    def _points(
        self, series: Series | None, statistic: str, period: int, start: float, end: float
    ) -> list[tuple[float, float]]:
        """(period's start, value) from that moment on, oldest first."""
        if statistic not in STATISTICS:
            raise ModelError("ValidationError", f"Statistic {statistic} is not modelled")
        end, found = min(end, self._clock.now()), []
        while series is not None and start < end:
            minutes = range(int(start), int(min(start + period, math.ceil(end))), MINUTE)
            if (sample := together(series.of_minute(minute) for minute in minutes)) is not None:
                found.append((start, float(STATISTICS[statistic](sample))))
            start += period
        return found

    def get_data(self, params: dict[str, Any]) -> dict[str, Any]:
        begin, end = _range(params, "ValidationError")
        found: list[tuple[str, tuple[float, float]]] = []
        labels = {}
        for query in params["MetricDataQueries"]:
            if "MetricStat" not in query:
                raise ModelError("ValidationError", "Metric math is not modelled")
            stated = query["MetricStat"]
            metric, period = Metric.of(stated["Metric"]), max(stated["Period"], MINUTE)
            if stated["Period"] < 1 or (stated["Period"] % MINUTE and stated["Period"] not in {1, 5, 10, 30}):
                raise ModelError(
                    "ValidationError", f"Period {stated['Period']} is not 1, 5, 10, 30 or a multiple of 60"
                )
            start = math.ceil(begin / period) * period
            points = self._points(first(self._sources, metric), stated["Stat"], period, start, end)
            if params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
                points.reverse()
            labels[query["Id"]] = query.get("Label", metric.name)
            found += [(query["Id"], point) for point in points]
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
        begin, end = _range(params, "InvalidParameterValue")
        statistics = params.get("Statistics", [])
        if not statistics:
            raise ModelError("MissingParameter", "The parameters ExtendedStatistics or Statistics are required.")
        if params.get("ExtendedStatistics"):
            raise ModelError("ValidationError", "ExtendedStatistics are not modelled")
        start, period = minute_of(begin), self._period(params, begin)
        asked = math.ceil((end - start) / period)
        if asked > STATISTICS_DATAPOINTS_LIMIT:
            raise ModelError(
                "InvalidParameterCombination",
                f"You have requested up to {asked:,} datapoints, which exceeds the limit of "
                f"{STATISTICS_DATAPOINTS_LIMIT:,}. You may reduce the datapoints requested by increasing Period, or "
                "decreasing the time range.",
            )
        series = first(self._sources, Metric.of(params))
        if series is not None and params.get("Unit", series.unit) != series.unit:
            series = None  # SDK GetMetricStatistics, Unit: data of another unit is not returned
        points: dict[float, dict[str, Any]] = {}
        for statistic in statistics:
            for at, value in self._points(series, statistic, period, start, end):
                points.setdefault(at, {"Timestamp": moment(at), "Unit": series.unit if series else "None"})
                points[at][statistic] = value
        # "Data points are not returned in chronological order."
        return {"Label": params["MetricName"], "Datapoints": list(reversed(points.values()))}

    def _period(self, params: Mapping[str, Any], begin: float) -> int:
        period, age = int(params["Period"]), self._clock.now() - begin
        shortest = next((shortest for older, shortest in RETAINED if age > older), MINUTE)
        if period < MINUTE or period % shortest:
            raise ModelError(
                "InvalidParameterValue",
                f"The parameter Period must be a multiple of {shortest} for a StartTime that long ago: {period}",
            )
        return period

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = {(one["Name"], one.get("Value")) for one in params.get("Dimensions", [])}
        found = [
            metric.described()
            for source in self._sources
            for metric in source.all()
            if params.get("Namespace", metric.namespace) == metric.namespace
            and params.get("MetricName", metric.name) == metric.name
            and all(
                any(name == has and value in (None, its) for has, its in metric.dimensions) for name, value in wanted
            )
        ]
        start = int(params.get("NextToken", 0))
        answer: dict[str, Any] = {"Metrics": found[start : start + LIST_SIZE]}
        if start + LIST_SIZE < len(found):
            answer["NextToken"] = str(start + LIST_SIZE)
        return answer


def _range(params: Mapping[str, Any], code: str) -> tuple[float, float]:
    begin, end = (moments.seconds(params[name], name) for name in ("StartTime", "EndTime"))
    if begin >= end:
        raise ModelError(code, "The parameter StartTime must be less than the parameter EndTime")
    return begin, end
