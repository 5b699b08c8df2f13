"""The metrics that are put: PutMetricData. Owns what of it CloudWatch takes, and when what was taken can be read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..calls import ModelError
from ..context import Context
from . import moments
from .series import MINUTE, READABLE_AFTER_SECONDS, Metric, Sample, Series, Told, minute_of, nobody, together

# SDK PutMetricData and MetricDatum, to which all limits below belong.
MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES = 1000, 30, 150
LONGEST_NAME, LONGEST_DIMENSION_VALUE = 255, 1024
LARGEST_VALUE = 2.0**360
OLDEST_SECONDS, NEWEST_SECONDS = 14 * 86_400, 2 * 3600
# How long what is that old when it arrives takes at the most to become readable.
LATE = ((24 * 3600, 48 * 3600), (3 * 3600, 2 * 3600))


@dataclass
class Stored:
    """One metric: what was put for each minute, and when each can be read."""

    unit: str
    minutes: dict[float, list[tuple[float, Sample]]] = field(default_factory=dict)


class CustomMetrics:
    """What the stack publishes of itself."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stored: dict[Metric, Stored] = {}
        self.told: Told = nobody

    def reset(self) -> None:
        self._stored = {}

    def series(self, metric: Metric) -> Series | None:
        stored = self._stored.get(metric)
        if stored is None:
            return None
        now = self._context.clock.now()
        return Series(
            stored.unit,
            lambda minute: together(one for at, one in stored.minutes.get(minute, ()) if at <= now),
        )

    def all(self) -> Iterator[Metric]:
        yield from self._stored

    def knows(self, metric: Metric) -> bool:
        return not metric.namespace.startswith("AWS/")

    def put(self, params: dict[str, Any]) -> None:
        namespace, data = params["Namespace"], params.get("MetricData", [])
        if params.get("EntityMetricData"):
            raise ModelError("ValidationError", "EntityMetricData is not modelled")
        if namespace.startswith(("AWS/", ":")) or not 0 < len(namespace) <= LONGEST_NAME:
            raise _invalid(namespace, "Namespace")
        if not data:
            raise ModelError("MissingParameter", "The parameter MetricData is required.")
        if len(data) > MOST_METRICS:
            raise ModelError(
                "InvalidParameterValue",
                f"The collection MetricData must not have a size greater than {MOST_METRICS}.",
            )
        taken = [self._taken(namespace, datum, f"MetricData.member.{n}.") for n, datum in enumerate(data, 1)]
        for metric, unit, at, sample in taken:  # one that is refused refuses all
            self._store(metric, unit, at, sample)

    def _taken(self, namespace: str, datum: Mapping[str, Any], path: str) -> tuple[Metric, str, float, Sample]:
        name, dimensions, unit = datum["MetricName"], datum.get("Dimensions", []), datum.get("Unit", "None")
        if not 0 < len(name) <= LONGEST_NAME:
            raise _invalid(name, f"{path}MetricName")
        if len(dimensions) > MOST_DIMENSIONS:
            raise _invalid(len(dimensions), f"{path}Dimensions")
        for number, one in enumerate(dimensions, 1):
            for key, longest in (("Name", LONGEST_NAME), ("Value", LONGEST_DIMENSION_VALUE)):
                # SDK Dimension: ASCII, at least one character that is not white space; a name does not begin with a
                # colon.
                text = one[key]
                if not (text.strip() and text.isascii() and text.isprintable() and len(text) <= longest) or (
                    key == "Name" and text.startswith(":")
                ):
                    raise _invalid(text, f"{path}Dimensions.member.{number}.{key}")
        units = self._context.client("cloudwatch").meta.service_model.shape_for("StandardUnit").enum
        if unit not in units:
            raise _invalid(unit, f"{path}Unit")
        if datum.get("StorageResolution", MINUTE) != MINUTE:
            raise ModelError("ValidationError", "StorageResolution other than 60 is not modelled")
        metric = Metric.of({"Namespace": namespace, "MetricName": name, "Dimensions": dimensions})
        return metric, unit, self._moment(datum, path), _sample(datum, path)

    def _moment(self, datum: Mapping[str, Any], path: str) -> float:
        now = self._context.clock.now()
        at = moments.seconds(datum["Timestamp"], f"{path}Timestamp") if "Timestamp" in datum else now
        if not now - OLDEST_SECONDS <= at <= now + NEWEST_SECONDS:
            raise ModelError(
                "InvalidParameterValue",
                f"The parameter {path}Timestamp must specify a time no more than two weeks in the past and no more "
                "than two hours in the future.",
            )
        return at

    def _store(self, metric: Metric, unit: str, at: float, sample: Sample) -> None:
        stored = self._stored.setdefault(metric, Stored(unit))
        if stored.unit != unit:  # each unit is aggregated apart (SDK PutMetricAlarm, Unit)
            raise ModelError("ValidationError", f"{metric.name} in another unit than {stored.unit} is not modelled")
        now, minute = self._context.clock.now(), minute_of(at)
        delay = next((longest for age, longest in LATE if now - at >= age), READABLE_AFTER_SECONDS)
        stored.minutes.setdefault(minute, []).append((now + delay, sample))
        self.told(metric, minute, now + delay)


def _sample(datum: Mapping[str, Any], path: str) -> Sample:
    given = [key for key in ("Value", "Values", "StatisticValues") if key in datum]
    if not given:
        raise ModelError("MissingParameter", f"The parameter {path}Value is required.")
    if len(given) > 1:
        raise ModelError(
            "InvalidParameterCombination",
            f"The parameters {path}{given[0]} and {path}{given[1]} are mutually exclusive and you have specified both.",
        )
    if given == ["Value"]:
        return Sample.of(_number(datum["Value"], f"{path}Value"))
    if given == ["Values"]:
        values, counts = datum["Values"], datum.get("Counts", [1.0] * len(datum["Values"]))
        if not 0 < len(values) <= MOST_VALUES or len(counts) != len(values):
            raise _invalid(len(values), f"{path}Values")
        numbers = [_number(value, f"{path}Values") for value in values]
        found = together(
            Sample.of(value, _number(count, f"{path}Counts")) for value, count in zip(numbers, counts, strict=True)
        )
        assert found is not None
        return found
    stated = datum["StatisticValues"]
    count, total, lowest, highest = (
        _number(stated[key], f"{path}StatisticValues.{key}") for key in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    return Sample(count, total, lowest, highest)


def _number(value: float, path: str) -> float:
    if not math.isfinite(value) or abs(value) > LARGEST_VALUE:
        raise _invalid(value, path)
    return float(value)


def _invalid(value: object, path: str) -> ModelError:
    return ModelError("InvalidParameterValue", f"The value {value} for parameter {path} is invalid.")
