"""What a run waited for before it had a lane, from the looks at the lanes' table that its history has."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..operate.queueing import Entry, Queue
from ..operate.screen import clock_time
from .record import Record


@dataclass(frozen=True)
class Wait:
    """For a lane, or for the prefix of other runs."""

    what: str
    runs: tuple[str, ...]  # who held it, by their ARNs
    seconds: float


def waits(record: Record, until: datetime.datetime) -> list[Wait]:
    """In their order. A look holds until the next one: a run looks every minute or so, and sees no more than that."""
    ticket = record.last("TakeTicket")
    if ticket is None:
        return []
    item = ticket.given.get("Item", {})
    own = Entry(record.arn, _text(item, "prefix"))
    looks = list(_looks(record, int(_text(item, "lanes") or 1), own))
    ends = [*(at for at, _ in looks[1:]), until]
    return merged(
        Wait(facts.get("waits_for_a", ""), tuple(facts.get("waits_for", ())), (end - at).total_seconds())
        for (at, queue), end in zip(looks, ends, strict=True)
        for facts in [queue.facts(record.arn)]
    )


def _looks(record: Record, lanes: int, own: Entry) -> Iterator[tuple[datetime.datetime, Queue]]:
    """What the table said, and when: who holds what, and, if it was looked at, who waits in front."""
    found: tuple[datetime.datetime, Queue] | None = None
    for task in record.tasks:
        if task.state == "ReadLanes":
            if found is not None:
                yield found
            listed = task.answer.get("Item", {}).get("holders", {}).get("L", [])
            holders = [one["M"] for one in listed if _text(one["M"], "run")]
            held = tuple(Entry(_text(one, "run"), _text(one, "prefix"), int(_text(one, "lane"))) for one in holders)
            found = task.at, Queue(lanes, held, (own,))
        elif task.state == "ReadTickets" and found is not None:
            ahead = [Entry(_text(one, "run"), _text(one, "prefix")) for one in task.answer.get("Items", [])]
            at, queue = found
            found = at, replace(queue, waiting=(*queue.waiting[:-1], *ahead, own))
    if found is not None:
        yield found


def merged(found: Iterable[Wait]) -> list[Wait]:
    """Without what waits for nothing but its turn, and those that follow each other for the same as one."""
    whole: list[Wait] = []
    for one in found:
        if not one.what or one.seconds <= 0:
            continue
        if whole and (whole[-1].what, whole[-1].runs) == (one.what, one.runs):
            whole[-1] = replace(whole[-1], seconds=whole[-1].seconds + one.seconds)
        else:
            whole.append(one)
    return whole


def words(found: Iterable[Wait]) -> str:
    """What it waited for, and how long for each."""
    seconds: dict[str, float] = {}
    for one in found:
        names = ", ".join(run.rpartition(":")[2] for run in one.runs)
        what = f"the prefix of {names}" if one.what == "prefix" else f"a {one.what}"
        seconds[what] = seconds.get(what, 0.0) + one.seconds
    return "; ".join(f"{clock_time(total)} for {what}" for what, total in seconds.items())


def _text(item: Mapping[str, Any], key: str) -> str:
    """A text or a number, as DynamoDB has it."""
    return str(next(iter(item.get(key, {"S": ""}).values())))
