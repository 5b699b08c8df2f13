"""The metrics of FSx for Lustre that are modelled: the age of auto export's queue, what was written, what is free. Owns
when a datapoint of theirs exists and when it can be read."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator

from pydantic import Field

from ..context import Context
from ..fsx.association import Association
from ..fsx.associations import Associations
from ..fsx.file_systems import FileSystem, FileSystems
from ..plan import Plan, Seconds, Tags, Window
from .series import MINUTE, Metric, Sample, Series, minute_of

NAMESPACE = "AWS/FSx"
AGE = "AgeOfOldestQueuedMessage"
WRITTEN = "DataWriteBytes"
FREE = "FreeDataStorageCapacity"
# FSx guide, striping data: an object storage target of an SSD file system has 1.2 TB.
TARGET_GIB = 1200


class MetricPlan(Plan):
    delay: Seconds = 90
    """From the end of a minute until its datapoint can be read."""
    gaps: list[Window] = Field(default=[])
    """Times without datapoints."""
    published: bool = True
    """`false`: there is never a datapoint."""


class FsxMetrics:
    """What FSx publishes of every file system."""

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

    def series(self, metric: Metric) -> Series | None:
        if metric.namespace != NAMESPACE:
            return None
        self._settle_writers(self._clock.now())
        by_queue, by_system = metric.value("FileSystemId", "Publisher"), metric.value("FileSystemId")
        if metric.name == AGE and ("Publisher", "AutoExport") in metric.dimensions:
            link = self._exporting(by_queue)
            return None if link is None else Series("Seconds", functools.partial(self._age_sample, link))
        system = self._file_systems.all.get(by_system or "")
        if system is None or metric.name not in (WRITTEN, FREE):
            return None
        sample = self._written if metric.name == WRITTEN else self._free
        return Series("Bytes", functools.partial(sample, system))

    def all(self) -> Iterator[Metric]:
        for system in self._file_systems.all.values():
            of_it = ("FileSystemId", system.id)
            if self._associations.of(system):
                yield Metric(NAMESPACE, AGE, frozenset({of_it, ("Publisher", "AutoExport")}))
            yield from (Metric(NAMESPACE, name, frozenset({of_it})) for name in (WRITTEN, FREE))

    def knows(self, metric: Metric) -> bool:
        return False  # an alarm stands on no file system that lives for one run only

    def _exporting(self, file_system_id: str | None) -> Association | None:
        file_system = self._file_systems.all.get(file_system_id or "")
        linked = self._associations.of(file_system) if file_system is not None else []
        return next((link for link in linked if not link.is_input), None)

    def _age_sample(self, association: Association, minute: float) -> Sample | None:
        age = self._age(association, minute)
        return None if age is None else Sample.of(age)

    def _age(self, association: Association, minute: float) -> float | None:
        """What is published for the minute that begins then and readable now."""
        linked = association.linked_at
        if linked is None or minute + MINUTE < linked or not self._is_readable(association.file_system, minute):
            return None
        return math.floor(association.content.age(minute))

    def _written(self, file_system: FileSystem, minute: float) -> Sample | None:
        """FSx guide, network I/O metrics: what clients wrote in the period. Assumed: to all targets alike."""
        if not self._is_usable(file_system, minute):
            return None
        contents = [link.content for link in self._associations.of(file_system)]
        contents += [file_system.local] if file_system.local is not None else []
        passed = [one for content in contents for one in content.written]
        return self._spread(file_system, sum(one.size for one in passed if minute <= one.began < minute + MINUTE))

    def _free(self, file_system: FileSystem, minute: float) -> Sample | None:
        """FSx guide, storage capacity metrics: Sum is what is free in the file system, Minimum in its fullest target,
        Maximum in its emptiest. Assumed: all targets are filled alike, and the minute's last moment counts."""
        if not self._is_usable(file_system, minute):
            return None
        space = file_system.space
        return self._spread(file_system, space.capacity - space.taken_before(minute + MINUTE))

    @staticmethod
    def _spread(file_system: FileSystem, size: float) -> Sample:
        targets = max(1, round(int(file_system.request["StorageCapacity"]) / TARGET_GIB))
        return Sample.of(size / targets, targets)

    def _is_usable(self, file_system: FileSystem, minute: float) -> bool:
        """Assumed: nothing is published of a file system that is still CREATING."""
        since = file_system.available_at
        return since is not None and minute + MINUTE >= since and self._is_readable(file_system, minute)

    def _is_readable(self, file_system: FileSystem, minute: float) -> bool:
        """Whether the datapoint of the minute that begins then was published and can be read now."""
        plan = self._plan_of(file_system.tags)
        ends = file_system.deleting_at if file_system.deleting_at is not None else math.inf
        if not plan.published or minute + MINUTE > ends or minute + MINUTE + plan.delay > self._clock.now():
            return False
        origin = file_system.first_attempt_at
        return origin is None or not any(origin + gap.at <= minute < origin + gap.at + gap.for_ for gap in plan.gaps)

    def published(self, association: Association) -> list[tuple[float, float, float]]:
        """Each age that can be read by now: the end of its minute, its value, and since when."""
        delay = self._plan_of(association.file_system.tags).delay
        now = self._clock.now()
        self._settle_writers(now)
        begin, last = minute_of(association.linked_at or now), association.file_system.deleting_at or now
        found: list[tuple[float, float, float]] = []
        for minute in range(int(begin), int(last), MINUTE):
            if (value := self._age(association, minute)) is not None:
                found.append((minute + MINUTE, value, minute + MINUTE + delay))
        return found
