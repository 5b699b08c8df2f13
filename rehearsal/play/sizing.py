"""One job on many file systems: which are tried, and what each comes to when it is rehearsed. Owns the grid. It must
never reckon what it can play: every figure is of a run that was played to its end."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..aws.fsx import speed
from ..aws.fsx.creation_rules import DEPLOYMENT_TYPES, SMALLEST_GIB, STEP_GIB
from ..aws.fsx.space import Space
from .measures import lifetime_seconds
from .prices import file_system_dollars, transition_dollars
from .scenario import Scenario, parse
from .session import Session
from .verdict import judge

TYPE, THROUGHPUT, CAPACITY, EXPORT = (
    "lustreDeploymentType",
    "lustrePerUnitStorageThroughput",
    "lustreStorageCapacity",
    "autoExport",
)
CAPACITIES: Final = 5  # each twice the one before
MOST_PROCESSES: Final = 4
Values = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """What the job does: it writes so many files, evenly over a time that no file system changes."""

    files: int
    bytes_each: int
    runtime_seconds: float

    def scenario(self, values: Mapping[str, Any]) -> Scenario:
        writes = {"over": self.runtime_seconds, "files": self.files, "bytes_each": self.bytes_each}
        job = {"runtime": self.runtime_seconds, "writes": [writes]}
        return parse({"job": job, "input": dict(values)}, "plan", "plan")

    @property
    def megabytes_per_second(self) -> float:
        """How fast it writes."""
        return self.files * self.bytes_each / 1e6 / self.runtime_seconds

    def fits(self, capacity_gib: int) -> bool:
        return self.files * self.bytes_each <= Space.of(capacity_gib).capacity

    def smallest_gib(self) -> int:
        """The smallest capacity that holds all of it."""
        if self.fits(SMALLEST_GIB):
            return SMALLEST_GIB
        steps = max(1, int(self.files * self.bytes_each / Space.of(STEP_GIB).capacity))
        return STEP_GIB * next(each for each in range(steps, steps + 3) if self.fits(STEP_GIB * each))


def grid(work: Work, own: Mapping[str, Any], refused: Callable[[Values], object]) -> list[Values]:
    """The file systems to try, by the parameters that make them: the stack's own, and every type, with each throughput
    that FSx has of it, from the smallest capacity that holds the data on. What is refused is left out."""
    smallest = work.smallest_gib()
    doubled = (SMALLEST_GIB * 2**power for power in range(64))
    larger = [each for each in (next(doubled) for _ in range(32)) if each > smallest][: CAPACITIES - 1]
    tried = [{key: own[key] for key in (TYPE, THROUGHPUT, CAPACITY, EXPORT)}] if work.fits(own[CAPACITY]) else []
    tried += [
        {TYPE: name, THROUGHPUT: throughput, CAPACITY: capacity, EXPORT: exports}
        for name, known in DEPLOYMENT_TYPES.items()
        for throughput in known.throughputs or (0,)
        for capacity in sorted({smallest, *larger, *(each[CAPACITY] for each in tried)})
        for exports in (True, False)
    ]
    found = {json.dumps(values): values for values in tried}
    return [values for values in found.values() if not refused(values)]


def played(session: Session, work: Work, values: Mapping[str, Any]) -> dict[str, Any]:
    """What the job comes to on one file system."""
    play = session.play(work.scenario(values), with_sweeps=False)
    verdict = judge(session, play)
    facts, systems = verdict.facts, list(session.account.file_systems.all.values())
    dollars = sum(file_system_dollars(one.request, lifetime_seconds(one, play.ended)) for one in systems)
    return {
        "values": dict(values),
        "status": facts["outcome"],
        "error": facts["error"],
        "cause": facts["cause"],
        "job_ended_seconds": facts["job_ended_at"],
        "in_s3_seconds": facts["drained_at"],
        "over_seconds": facts["virtual_seconds"],
        "file_system_dollars": round(dollars, 4),
        "transition_dollars": round(transition_dollars(facts["transitions"]), 4),
        "throughput_mb_per_second": max((speed.throughput(one.request) for one in systems), default=0.0),
        "is_too_slow": any(work.megabytes_per_second > speed.written_at_most(one.request) for one in systems),
    }


def each(session: Session, work: Work, tried: Iterable[Values]) -> Iterator[dict[str, Any]]:
    """What the job comes to on each of them, in their order; several processes play at once, where there are several
    processors."""
    processes = min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    if processes < 2:
        yield from (played(session, work, values) for values in tried)
        return
    # A fork has the account with the stack in it, and plays there by itself.
    with multiprocessing.get_context("fork").Pool(processes, _take, (session, work)) as pool:
        yield from pool.imap(_played_here, tried)


_TAKEN: list[tuple[Session, Work]] = []


def _take(session: Session, work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever waits for it ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _TAKEN[:] = [(session, work)]


def _played_here(values: Values) -> dict[str, Any]:
    return played(*_TAKEN[0], values)
