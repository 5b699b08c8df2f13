"""Whether runs took lanes in their turn. Owns the rule, computed from the calls alone (`--calls`) and from when each
execution began and ended: the earliest run whose prefix is free takes the next lane. What cannot be decided (a ticket
that was under way while somebody looked, a write without an answer) speaks for the accused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .ledger import Holding, overlap
from .session import Played

Call = Mapping[str, Any]


class Life(NamedTuple):
    """When an execution began and ended, if it has, on the clock of the calls."""

    began: float
    ended: float | None


class Ticket(NamedTuple):
    """What a run waits with, from when it is surely there until it may be gone."""

    run: str
    prefix: str
    placed: float
    returned: float


class Take(NamedTuple):
    """A write by which a run took a lane, with what it had seen."""

    at: float
    mine: Holding
    others: tuple[Holding, ...]
    looked: float  # at the tickets


def overtaken(played: Played) -> list[str]:
    """Who took a lane before its turn in a play whose calls were logged."""
    if played.calls is None:
        raise ValueError("the calls of the play were not logged")
    lives = {
        one.arn: Life(one.started - played.began, None if one.stopped is None else one.stopped - played.began)
        for _, one in played.runs
    }
    return list(jumped(played.calls.calls, lives, len(played.exports["jobQueueArns"])))


def jumped(calls: Sequence[Call], lives: Mapping[str, Life], lanes: int) -> Iterator[str]:
    """Who took a lane before an earlier run that could have run, one line each."""
    tickets = _tickets(calls)
    for take in _takes(calls):
        began = lives[take.mine.run].began
        prefixes = [other.prefix for other in take.others]
        free = lanes - sum(other.lane > 0 for other in take.others)
        ahead = []
        for ticket in sorted(tickets, key=lambda one: lives[one.run].began):
            life = lives[ticket.run]
            waits = ticket.placed < take.looked < min(ticket.returned, _end(life))
            if waits and life.began < began and not any(overlap(ticket.prefix, one) for one in prefixes):
                ahead.append(ticket.run)
                prefixes.append(ticket.prefix)
        if len(ahead) >= free or any(overlap(take.mine.prefix, prefix) for prefix in prefixes):
            before = ", ".join(ahead) or "it was free"
            yield f"{take.mine.run} took lane {take.mine.lane} at {take.at:g} before {before}"


def _end(life: Life) -> float:
    return float("inf") if life.ended is None else life.ended


def _tickets(calls: Sequence[Call]) -> list[Ticket]:
    placed: dict[str, tuple[str, str, float]] = {}
    returned: dict[str, float] = {}
    for call in calls:
        if call["service"] != "dynamodb":
            continue
        parameters = call["parameters"]
        if call["operation"] == "PutItem" and "answer" in call and "run" in parameters["Item"]:
            item = parameters["Item"]
            placed.setdefault(item["id"]["S"], (item["run"]["S"], item["prefix"]["S"], call["at"]))
        elif call["operation"] == "DeleteItem":
            returned.setdefault(parameters["Key"]["id"]["S"], call["at"])
    return [Ticket(*ticket, returned.get(identifier, float("inf"))) for identifier, ticket in placed.items()]


def _takes(calls: Sequence[Call]) -> Iterator[Take]:
    """The writes that gave a run a lane which it did not have, as far as they were answered."""
    looked: dict[str, float] = {}
    for call in calls:
        if call["service"] != "dynamodb" or "answer" not in call:
            continue
        run = call["execution"]
        if call["operation"] == "Query" and call["parameters"].get("Select") != "COUNT":
            looked[run] = call["at"]
        if call["operation"] != "UpdateItem" or run not in looked:
            continue
        written = call["parameters"].get("ExpressionAttributeValues", {}).get(":holders", {}).get("L", [])
        holders = [
            Holding(one["M"]["run"]["S"], int(one["M"]["lane"]["N"]), one["M"]["prefix"]["S"]) for one in written
        ]
        mine = next((one for one in holders if one.run == run and one.lane), None)
        if mine is not None:
            yield Take(call["at"], mine, tuple(one for one in holders if one.run != run), looked[run])
