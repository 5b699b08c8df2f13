"""What is on a file system and what of it is in S3. Owns the content as groups of files with versions, auto export's
queue (first in, first out, a rate in files and one in bytes, stalls) and what an export task finds to do. It must never
look at single files of a group: a million files are a few hundred groups."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

from pydantic import Field

from ..plan import Count, Plan, Window
from . import tree
from .space import NoSpaceLeft, Space

# FSx guide, auto export, and measurements by others: a closed file is an object 8 to 10 s later on an idle queue. The
# first part of that passes before the change shows in the queue at all.
VISIBLE_AFTER_SECONDS = 5.0
EXPORT_LATENCY_SECONDS = 9.0


class ExportPlan(Plan):
    # Without these two they follow from the file system (speed).
    files_per_second: Annotated[float, Field(gt=0, json_schema_extra={"unit": "files/s"})] | None = None
    """Speed of automatic export for small files; `null`: [as measured](#how-fast-fsx-is)."""
    bytes_per_second: Annotated[float, Field(gt=0, json_schema_extra={"unit": "bytes/s"})] | None = None
    """Speed of automatic export for large files; `null`: as measured."""
    refused: Count = 0
    """Number of files that can never be exported."""
    stalls: list[Window] = Field(default=[])
    """Times in which nothing is exported."""
    warnings: Count = 0
    """Lines in the event log that are no failed exports."""


@dataclass
class Group:
    """Files that are written together; `version` counts up, 0 is none."""

    count: int
    bytes_each: int
    version: int = 0
    deleted: bool = False
    planned_refusals: int = 0
    refused: int = 0  # of `count`, never to be exported: as planned, or because S3 cannot hold them
    exported_version: int = 0
    exported: int = 0  # of `count`, in `exported_version`
    renamed: bool = False  # it has not changed since it was exported under another name: nothing for a task
    refusal: str = tree.PATH_TOO_LONG  # why those are refused
    written_at: float = 0.0
    last_export: tuple[float, float] | None = None  # when it last was exported, and when that version was written
    imported: bool = False  # as it is in the bucket, whence it came

    @property
    def size(self) -> int:
        """Of what is on the file system."""
        return 0 if self.deleted else self.count * self.bytes_each

    def missing(self) -> int:
        """How many of these files S3 lacks in the version the file system has."""
        if self.deleted or self.version == 0:
            return 0
        return self.count - (self.exported if self.exported_version == self.version else 0)

    def export(self, count: int, at: float) -> None:
        self.last_export = (at, self.written_at)
        if self.exported_version != self.version:
            self.exported_version, self.exported = self.version, 0
        self.exported = min(self.count - self.refused, self.exported + count)

    def stale(self) -> int:
        return self.exported if self.deleted and self.exported_version else 0


@dataclass
class Change:
    """A group that was written or removed, on its way through the queue."""

    key: str
    removed: bool
    closed_at: float
    starts_at: float
    done_at: float


class Passed(NamedTuple):
    """Files that were written, or exported, from one moment to another; directories are none."""

    began: float
    ended: float
    files: int
    size: int


@dataclass
class Rates:
    """How fast the queue is worked off; stalls are (from, to) instants."""

    files_per_second: float = 213
    bytes_per_second: float = 147_000_000
    stalls: list[tuple[float, float]] = field(default_factory=list)

    def finish(self, start: float, files: int, size: int) -> float:
        """When work that starts then is done."""
        left = max(files / self.files_per_second, size / self.bytes_per_second)
        for begin, end in sorted(self.stalls):
            if end <= start:
                continue
            if start + left <= begin:
                break
            left -= max(0.0, begin - start)
            start = end
        return start + left


class Content:
    """The files under one association, and auto export's queue."""

    def __init__(self, rates: Rates, refused: int = 0, space: Space | None = None) -> None:
        self.rates = rates
        self.space = Space() if space is None else space
        self.groups: dict[str, Group] = {}
        self.seen: dict[str, tree.Entry] = {}  # of a real job's directory, when it was last looked at
        # Why S3 cannot hold a file of that key and size, if it cannot.
        self.refusal: Callable[[str, int], str | None] = lambda key, size: None
        self.exporting = False
        self.on_export: Callable[[str, bool], None] | None = None
        self.on_refused: Callable[[str, int], None] | None = None
        self.last_exported_at: float | None = None
        # Everything that was closed, and everything that was exported, each time.
        self.written: list[Passed] = []
        self.exported: list[Passed] = []
        self._refused_left = refused
        self._queue: list[Change] = []
        self._done: list[float] = []
        self._queued: list[int] = []  # files in all changes up to that one
        self._settled = 0
        self._cut_at: float | None = None

    def write(self, key: str, at: float, count: int = 1, bytes_each: int = 0) -> None:
        """Files were closed at that time; calls come in order of time.

        Raises
        ------
        NoSpaceLeft
            When not all of them fit; those that do are written.
        """
        self.settle(at)
        group = self.groups.get(key)
        fit = count if tree.is_real(key) else self._fitting(group, count, bytes_each)
        if fit:
            self._write(key, at, fit, bytes_each)
        if fit < count:
            raise NoSpaceLeft

    def _fitting(self, group: Group | None, count: int, bytes_each: int) -> int:
        """How many of these modelled files there is room for; what they replace makes room."""
        room = self.space.free + (group.size if group is not None else 0)
        return count if count * bytes_each <= room else int(room // bytes_each)

    def _write(self, key: str, at: float, count: int, bytes_each: int) -> None:
        group = self.groups.get(key)
        if group is None:
            refused = min(count, self._refused_left)
            self._refused_left -= refused
            group = self.groups[key] = Group(0, bytes_each, planned_refusals=refused)
        reason = self.refusal(key, bytes_each)
        group.refused = min(count, group.planned_refusals) if reason is None else count
        group.refusal = reason or tree.PATH_TOO_LONG
        if not tree.is_real(key):
            self.space.take(count * bytes_each - group.size, at)
        group.count, group.bytes_each, group.deleted, group.renamed = count, bytes_each, False, False
        group.imported = False
        group.version += 1
        group.written_at = at
        self._note(self.written, key, at, at, count)
        self._enqueue(key, False, at, count - group.refused, count * bytes_each)

    def rename(self, key: str, new_key: str, at: float) -> None:
        """Files were given other names: the objects under the old ones are deleted, others created (FSx guide,
        automatic export).

        A task exports what was created or changed since the last export (FSx guide, exporting changes), and a new name
        changes no file: what was in S3 under the old name already is, for a task, exported. Assumed: AWS says no more.
        What S3 refused under the old name never was.
        """
        self.settle(at)
        group = self.groups[key]
        exported = group.version > 0 and group.missing() <= group.refused < group.count
        self.remove(key, at)
        self.groups.setdefault(new_key, Group(0, group.bytes_each, planned_refusals=group.planned_refusals))
        self.write(new_key, at, group.count, group.bytes_each)
        self.groups[new_key].renamed = exported

    def remove(self, key: str, at: float) -> None:
        self.settle(at)
        group = self.groups.get(key)
        if group is None or group.deleted:
            return
        if not tree.is_real(key):
            self.space.take(-group.size, at)
        group.deleted = True
        self._enqueue(key, True, at, group.count, 0)

    def _enqueue(self, key: str, removed: bool, at: float, files: int, size: int) -> None:
        if not self.exporting:
            return
        before = self._done[-1] if self._done else 0.0
        starts = max(before, at + EXPORT_LATENCY_SECONDS - min(1.0, EXPORT_LATENCY_SECONDS))
        done = max(self.rates.finish(starts, files, size), at + EXPORT_LATENCY_SECONDS)
        self._queue.append(Change(key, removed, at, starts, done))
        self._done.append(done)
        self._queued.append(files + (self._queued[-1] if self._queued else 0))

    def waiting(self, at: float) -> int:
        """How many files wait for their export at that instant, which no later change was made before."""
        if not self._queue or (self._cut_at is not None and at >= self._cut_at):
            return 0
        exported = bisect.bisect_right(self._done, at)
        return self._queued[-1] - (self._queued[exported - 1] if exported else 0)

    def age(self, at: float) -> float:
        """The age of the oldest change that shows in the queue at that instant (any instant up to now)."""
        if self._cut_at is not None and at >= self._cut_at:
            return 0.0
        index = bisect.bisect_right(self._done, at)
        if index == len(self._queue):
            return 0.0
        oldest = self._queue[index].closed_at
        return at - oldest if at >= oldest + VISIBLE_AFTER_SECONDS else 0.0

    def settle(self, now: float) -> None:
        """Let everything take effect that the queue has done by now."""
        while self._settled < len(self._queue) and self._queue[self._settled].done_at <= now:
            change = self._queue[self._settled]
            self._settled += 1
            self._take_effect(change)

    def _take_effect(self, change: Change) -> None:
        group = self.groups[change.key]
        if group.deleted == change.removed:
            if change.removed:
                group.exported_version = group.exported = 0
            else:
                group.export(group.count, change.done_at)
                self._note(self.exported, change.key, change.starts_at, change.done_at, group.exported)
            self.last_exported_at = change.done_at
            if self.on_export is not None:
                self.on_export(change.key, change.removed)
            if self.on_refused is not None and group.refused and not change.removed:
                self.on_refused(change.key, group.refused)

    def switch_on(self) -> None:
        if self._cut_at is not None:
            self._queue, self._done, self._queued, self._settled, self._cut_at = [], [], [], 0, None
        self.exporting = True

    def switch_off(self, now: float) -> None:
        """Drop what is queued: what was half done stays half done, deletions that did not travel never will."""
        self.settle(now)
        self.exporting = False
        if self._settled < len(self._queue):
            change = self._queue[self._settled]
            group = self.groups[change.key]
            if not change.removed and not group.deleted and change.starts_at < now and group.count > 1:
                share = (now - change.starts_at) / (change.done_at - change.starts_at)
                group.export(int(group.count * share), now)
                self._note(self.exported, change.key, change.starts_at, now, group.exported)
        self._cut_at = now
        self._settled = len(self._queue)

    def _note(self, where: list[Passed], key: str, began: float, ended: float, files: int) -> None:
        if not tree.is_directory(key) and files:
            where.append(Passed(began, ended, files, files * self.groups[key].bytes_each))

    def to_export(self) -> list[tuple[str, int, int]]:
        """What an export task finds: key, files it can export, files it cannot."""
        found = []
        for key, group in self.groups.items():
            missing = group.missing()
            if missing and not group.renamed:
                found.append((key, max(0, missing - group.refused), min(missing, group.refused)))
        return found

    def export_by_task(self, key: str, version: int, at: float) -> None:
        group = self.groups[key]
        if group.deleted or group.version != version:
            return
        before = group.exported if group.exported_version == group.version else 0
        group.export(group.count, at)
        self._note(self.exported, key, at, at, group.exported - before)
        self.last_exported_at = at
        if self.on_export is not None:
            self.on_export(key, False)

    def lost(self) -> tuple[int, int]:
        """Files and bytes that are on the file system and not in S3 in that version."""
        missing = [(group.missing(), group.bytes_each) for group in self.groups.values()]
        return sum(count for count, _ in missing), sum(count * size for count, size in missing)

    def stale(self) -> int:
        return sum(group.stale() for group in self.groups.values())
