"""Who holds the stack's lanes, and who waits for one, as the table has it (lanes.py says what it holds). Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .stack import Stack


@dataclass(frozen=True)
class Entry:
    """A run with its prefix, and the lane that it holds: 0 while it waits, or once it has given it back."""

    run: str
    prefix: str
    lane: int = 0

    def overlaps(self, other: Entry) -> bool:
        """Whether the results of one would go below those of the other."""
        return self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)


@dataclass(frozen=True)
class Queue:
    """One look at the table."""

    lanes: int  # how many are open
    holders: tuple[Entry, ...]
    waiting: tuple[Entry, ...]  # in the order of their starts

    def facts(self, run: str) -> dict[str, Any]:
        """Of one run: its lane and prefix, or its place in the queue and whom it waits for; {} when it has neither."""
        for holder in self.holders:
            if holder.run == run:
                return {"lane": holder.lane or None, "prefix": holder.prefix}
        for place, ticket in enumerate(self.waiting, 1):
            if ticket.run == run:
                why, others = self._in_the_way(ticket, self.waiting[: place - 1])
                found: dict[str, Any] = {"place": place, "waiting": len(self.waiting), "prefix": ticket.prefix}
                return found | {"waits_for": [one.run for one in others], "waits_for_a": why}
        return {}

    def _in_the_way(self, ticket: Entry, earlier: Sequence[Entry]) -> tuple[str, list[Entry]]:
        """As ReadLanes and ReadTickets decide it: a prefix first, since no lane helps while it is held."""
        for other in (*self.holders, *earlier):
            if other.overlaps(ticket):
                return "prefix", [other]
        held = [one for one in self.holders if one.lane]
        return ("lane", held) if len(held) >= self.lanes else ("", [])


def words(facts: dict[str, Any]) -> str:
    """What a run waits for."""
    if "place" not in facts:
        return ""
    place = f"place {facts['place']} of {facts['waiting']}"
    names = ", ".join(run.rpartition(":")[2] for run in facts["waits_for"])
    if facts["waits_for_a"] == "prefix":
        return f"{place}; its results would go below the same prefix as those of {names}"
    if facts["waits_for_a"] == "lane":
        return f"{place}; every lane is held: by {names}"
    return f"{place}; a lane is free"


def items(stack: Stack, kind: str) -> list[dict[str, Any]]:
    """What the table has of that kind; text and numbers as they are, and nothing for what is neither."""
    pages = (
        stack.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=stack.value("LanesTableName"),
            ConsistentRead=True,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": kind}},
        )
    )
    return [{key: _plain(value) for key, value in item.items()} for page in pages for item in page["Items"]]


def look(stack: Stack) -> Queue:
    """Everybody who holds something or waits."""
    (lanes,) = items(stack, "lanes") or [{}]
    tickets = sorted(items(stack, "ticket"), key=lambda one: str(one["since"]))
    return Queue(
        lanes=int(lanes.get("open") or stack.value("MaxConcurrentRuns")),
        holders=tuple(
            Entry(one["run"], one["prefix"], int(one["lane"])) for one in lanes.get("holders", []) if one["run"]
        ),
        waiting=tuple(Entry(one["run"], one["prefix"]) for one in tickets),
    )


def _plain(value: dict[str, Any]) -> Any:
    (kind, content), *_ = value.items()
    if kind == "L":
        return [_plain(one) for one in content]
    return {key: _plain(one) for key, one in content.items()} if kind == "M" else content
