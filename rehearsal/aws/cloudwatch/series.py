"""What a metric is made of, for those who publish and those who read: its identity, and for each minute a statistic
set of what can be read of it by now. It must never interpolate: a minute of which nothing was published has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

MINUTE = 60
# CloudWatch guide, publishing custom metrics: up to two minutes until the statistics of a new metric can be read. That
# it is as much for each datapoint, and for what AWS's services publish, is assumed.
READABLE_AFTER_SECONDS = 120


@dataclass(frozen=True)
class Sample:
    """A statistic set (SDK StatisticSet)."""

    count: float
    total: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, value: float, count: float = 1) -> Sample:
        """The same value, so many times."""
        return cls(count, value * count, value, value)

    def __add__(self, other: Sample) -> Sample:
        return Sample(
            self.count + other.count,
            self.total + other.total,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
        )


STATISTICS: Mapping[str, Callable[[Sample], float]] = {
    "Maximum": lambda sample: sample.highest,
    "Minimum": lambda sample: sample.lowest,
    "Sum": lambda sample: sample.total,
    "Average": lambda sample: sample.total / sample.count,
    "SampleCount": lambda sample: sample.count,
}


def together(samples: Iterable[Sample | None]) -> Sample | None:
    """What several minutes say, as far as there is anything."""
    found: Sample | None = None
    for sample in samples:
        if sample is not None:
            found = sample if found is None else found + sample
    return found


class Metric(NamedTuple):
    """A metric's identity: each combination of dimensions is one of its own (SDK GetMetricStatistics, Dimensions)."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> Metric:
        """As requests describe it."""
        given = described.get("Dimensions", [])
        return cls(
            described.get("Namespace", ""),
            described.get("MetricName", ""),
            frozenset((one["Name"], one["Value"]) for one in given),
        )

    def value(self, *names: str) -> str | None:
        """The value of the first dimension, if it has just these."""
        given = dict(self.dimensions)
        return given[names[0]] if set(given) == set(names) else None

    def described(self) -> dict[str, Any]:
        dimensions = [{"Name": name, "Value": value} for name, value in sorted(self.dimensions)]
        return {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}


@dataclass(frozen=True)
class Series:
    """A metric as it can be read now."""

    unit: str
    of_minute: Callable[[float], Sample | None]
    """By the moment at which the minute begins."""


class Source(Protocol):
    """Whoever publishes metrics."""

    def series(self, metric: Metric) -> Series | None:
        """What there is of a metric; None if the source has no such."""

    def all(self) -> Iterable[Metric]:
        """Everything that has been published."""

    def knows(self, metric: Metric) -> bool:
        """Whether an alarm on it is told of each of its datapoints."""


# Told of a datapoint that has been or will be published: of which metric, of which minute, and when it can be read.
Told = Callable[[Metric, float, float], None]


def nobody(metric: Metric, minute: float, readable_at: float) -> None:
    """Told of a datapoint, and does nothing."""


def minute_of(moment: float) -> float:
    """When the minute of that moment began."""
    return math.floor(moment / MINUTE) * MINUTE


def first(sources: Sequence[Source], metric: Metric) -> Series | None:
    """What there is of a metric, whoever publishes it."""
    return next((found for source in sources if (found := source.series(metric)) is not None), None)
