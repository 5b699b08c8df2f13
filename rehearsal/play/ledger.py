"""Who held which lane and which prefix, and when. Owns reading the table of the lanes after every write to it, and what
follows from that about a run. It must never ask the workflow: a write whose answer was lost counts as any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from lustre_batch.operate import queueing
from lustre_batch.operate.queueing import Queue
from lustre_batch.report.queued import Wait, merged

from ..aws.account import Account

WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


class Holding(NamedTuple):
    """An entry of the table; the lane is 0 once that was given back."""

    run: str
    lane: int
    prefix: str


class Entry(NamedTuple):
    """What the table said from some moment on."""

    at: float
    holders: tuple[Holding, ...]
    waiting: tuple[Holding, ...] = ()  # in the order of their starts; none has a lane


class Ledger:
    """Takes note during one play."""

    def __init__(self, account: Account, queue_arns: Sequence[str] = ()) -> None:
        self._account = account
        self._queue_arns = queue_arns
        self.entries: list[Entry] = []
        self._tickets: dict[str, tuple[str, Holding]] = {}  # by the name of each: since when, and whose

    def look(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """After a call, whatever its answer was."""
        if service != "dynamodb" or operation not in WRITES:
            return
        key = params["Key"] if "Key" in params else {name: params["Item"][name] for name in ("kind", "id")}
        item = self._account.tables.item(params["TableName"], key)
        last = self.entries[-1] if self.entries else Entry(0.0, ())
        holders = last.holders
        if key["kind"]["S"] == "ticket":
            self._tickets.pop(key["id"]["S"], None)
            if item is not None:
                ticket = Holding(item["run"]["S"], 0, item["prefix"]["S"])
                self._tickets[key["id"]["S"]] = (item["since"]["S"], ticket)
        elif item is not None and "holders" in item:
            holders = tuple(
                Holding(one["M"]["run"]["S"], int(one["M"]["lane"]["N"]), one["M"]["prefix"]["S"])
                for one in item["holders"]["L"]
            )
        waiting = tuple(ticket for _, ticket in sorted(self._tickets.values()))
        if (holders, waiting) != (last.holders, last.waiting):
            self.entries.append(Entry(self._account.clock.now(), holders, waiting))

    def taken(self, run: str) -> tuple[float, int] | None:
        """When a run first held a lane, and which."""
        for entry in self.entries:
            for one in entry.holders:
                if one.run == run and one.lane:
                    return entry.at, one.lane
        return None

    def lane(self, queue_arn: str) -> int | None:
        """The number of the lane that a queue is of."""
        return self._queue_arns.index(queue_arn) + 1 if queue_arn in self._queue_arns else None

    def holder_of_queue(self, queue_arn: str, at: float) -> str | None:
        """Who held the lane of a queue at some moment."""
        lane = self.lane(queue_arn)
        return None if lane is None else self.holder(lane, at)

    def holder(self, lane: int, at: float) -> str | None:
        """Who held a lane at some moment."""
        last = next((entry for entry in reversed(self.entries) if entry.at <= at), None)
        return next((one.run for one in last.holders if one.lane == lane), None) if last is not None else None

    def waits(self, run: str, until: float) -> list[Wait]:
        """What a run with a ticket waited for, in its order."""
        ends = [*(entry.at for entry in self.entries[1:]), until]
        return merged(
            Wait(facts.get("waits_for_a", ""), tuple(facts.get("waits_for", ())), end - entry.at)
            for entry, end in zip(self.entries, ends, strict=False)
            if any(one.run == run for one in entry.waiting)
            for facts in [self._queue(entry).facts(run)]
        )

    def _queue(self, entry: Entry) -> Queue:
        """As whoever waits has to see it."""
        holders, waiting = (
            tuple(queueing.Entry(one.run, one.prefix, one.lane) for one in some)
            for some in (entry.holders, entry.waiting)
        )
        return Queue(len(self._queue_arns) or 1, holders, waiting)

    def clashes(self) -> Iterator[str]:
        """Where two runs held what only one may."""
        for entry in self.entries:
            for one, other in combinations(entry.holders, 2):
                who = f"{one.run} and {other.run} both held"
                if one.lane and one.lane == other.lane:
                    yield f"{who} lane {one.lane}"
                if overlap(one.prefix, other.prefix):
                    yield f"{who} the prefix {one.prefix or other.prefix!r}"


def overlap(one: str, other: str) -> bool:
    """Whether results under one prefix may overwrite those under the other."""
    return one.startswith(other) or other.startswith(one)
