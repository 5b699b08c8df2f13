"""What there is to tell of one run or several: the model of the page, and what follows from it. It asks nobody.

Moments are seconds since the story began, which is when its first run was started. What is not known is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..operate import phases

IDLE: Final = "idle"
DELETING: Final = phases.DELETING
KEPT: Final = "kept"
# What time, and with it money, is spent on, in the order in which it is told.
KINDS: Final = {
    phases.WAITING: "waiting for AWS or for others",
    phases.WORKING: "the job works",
    phases.DRAINING: "results are exported",
    IDLE: "all is exported, the file system is still there",
    DELETING: "FSx deletes the file system",
    KEPT: "the file system is kept",
}
_AT_WORK: Final = (phases.JOB, phases.SESSION)


@dataclass(frozen=True)
class Span:
    """A phase, or a part of one, of one kind."""

    name: str
    words: str
    kind: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Attempt:
    """Of a job; it never began if its container was never started."""

    label: str
    began: float | None
    ended: float
    succeeded: bool
    reclaimed: bool  # by Spot
    words: str
    running: bool = False  # then its end is the moment at which that was seen


@dataclass(frozen=True)
class Series:
    """Something that adds up over time."""

    words: str
    unit: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Datapoint:
    """The age of the oldest change in the export queue, of the minutes that end then."""

    at: float
    age_seconds: float
    readable_at: float | None = None


@dataclass(frozen=True)
class Look:
    """What the clean-up was told of the export queue."""

    at: float
    is_empty: bool
    words: str


@dataclass(frozen=True)
class Decision:
    """What was decided about a file system, and why."""

    at: float
    words: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class FileSystem:
    """What a run had created, for how long it was billed as far as is known, and its list price."""

    id: str
    created: float
    billed_until: float
    dollars_per_second: float
    price_words: str
    is_there: bool = False


@dataclass(frozen=True)
class Run:
    """One run."""

    name: str
    began: float
    until: float  # the last that is known of it
    spans: tuple[Span, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    series: tuple[Series, ...] = ()
    ages: tuple[Datapoint, ...] = ()
    looks: tuple[Look, ...] = ()
    decision: Decision | None = None
    file_system: FileSystem | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    unknown: tuple[str, ...] = ()  # sentences

    @property
    def lane(self) -> int | None:
        lane: int | None = self.facts.get("lane")
        return lane

    @property
    def dollars(self) -> dict[str, float]:
        """What the file system cost, by the kind of what the run was at; FSx bills by the second."""
        system = self.file_system
        if system is None:
            return {}
        end = system.billed_until
        parts = dict.fromkeys(KINDS, 0.0)
        for span in self.spans:
            parts[span.kind] += max(0.0, min(span.ended, end) - max(span.began, system.created))
        last = max((span.ended for span in self.spans), default=system.created)
        parts[KEPT] += max(0.0, end - max(last, system.created))
        return {kind: seconds * system.dollars_per_second for kind, seconds in parts.items() if seconds > 0}


@dataclass(frozen=True)
class Story:
    """What the page tells."""

    title: str
    subtitle: str
    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()

    @property
    def until(self) -> float:
        return max((run.until for run in self.runs), default=0.0)


def spans(
    phases_of_run: Iterable[Span],
    attempts: Iterable[Attempt],
    *,
    jobs_ended_at: float | None,
    drained_at: float | None,
    deleted_at: float | None,
    gone_at: float | None,
) -> tuple[Span, ...]:
    """The phases, cut where what they are for changes.

    A phase of the job works while an attempt does, and waits otherwise; if no attempt is known, it is taken to work.
    Everything after the job is draining until the last change is in S3 (which may not be known), idle until the
    deletion is asked for, and waits once the file system is gone.
    """
    works = _merged((one.began, one.ended) for one in attempts if one.began is not None)
    found: list[Span] = []
    for step in phases_of_run:
        for kind, began, ended in _cut(step, works, jobs_ended_at, drained_at, deleted_at, gone_at):
            if ended > began:
                found.append(Span(step.name, step.words, kind, began, ended))
    return tuple(_joined(found))


def _cut(
    step: Span,
    works: list[tuple[float, float]],
    jobs_ended_at: float | None,
    drained_at: float | None,
    deleted_at: float | None,
    gone_at: float | None,
) -> Iterator[tuple[str, float, float]]:
    began, ended = step.began, step.ended
    if step.name in _AT_WORK:
        if not works and jobs_ended_at is None:
            yield step.kind, began, ended
            return
        over = ended if jobs_ended_at is None else min(max(jobs_ended_at, began), ended)
        at = began
        for begin, end in works:
            begin, end = min(max(begin, at), over), min(max(end, at), over)
            yield phases.WAITING, at, begin
            yield phases.WORKING, begin, end
            at = end
        yield phases.WAITING, at, over
        began = over
    elif step.kind != phases.DRAINING:
        yield step.kind, began, ended
        return
    marks = [
        (phases.DRAINING, drained_at if drained_at is not None else deleted_at),
        (IDLE, deleted_at),
        (DELETING, gone_at if deleted_at is not None else None),
    ]
    at = began
    for kind, mark in marks:
        end = ended if mark is None else min(max(mark, at), ended)
        yield kind, at, end
        at = end
    yield phases.WAITING, at, ended


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def _joined(parts: list[Span]) -> Iterator[Span]:
    """Without a cut between two parts that are alike."""
    last: Span | None = None
    for part in parts:
        if last is not None and (last.name, last.kind, last.ended) == (part.name, part.kind, part.began):
            last = Span(last.name, last.words, last.kind, last.began, part.ended)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last
