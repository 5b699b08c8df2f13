"""Whether a run took a lane before its turn is computed from the calls alone."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.play.turns import Life, jumped

Calls = list[dict[str, Any]]
LIVES = {"a": Life(0, None), "b": Life(1, None), "c": Life(2, None)}


def call(at: float, run: str, operation: str, answered: bool = True, **parameters: Any) -> dict[str, Any]:
    made = {"at": at, "execution": run, "service": "dynamodb", "operation": operation, "parameters": parameters}
    return made | ({"answer": {}} if answered else {"error": {"code": "InternalServerError"}})


def ticket(at: float, run: str, prefix: str, **more: Any) -> dict[str, Any]:
    return call(at, run, "PutItem", Item={"id": {"S": run}, "run": {"S": run}, "prefix": {"S": prefix}}, **more)


def look(at: float, run: str) -> dict[str, Any]:
    return call(at, run, "Query")


def take(at: float, run: str, *holders: tuple[str, int, str], **more: Any) -> dict[str, Any]:
    held = [
        {"M": {"run": {"S": one}, "lane": {"N": str(lane)}, "prefix": {"S": prefix}}} for one, lane, prefix in holders
    ]
    return call(at, run, "UpdateItem", ExpressionAttributeValues={":holders": {"L": held}}, **more)


def back(at: float, run: str) -> dict[str, Any]:
    return call(at, run, "DeleteItem", Key={"id": {"S": run}})


WAITING = [ticket(0, "a", "x/"), ticket(1, "b", "y/"), ticket(2, "c", "z/")]


@pytest.mark.parametrize(
    ("calls", "lanes", "who"),
    [
        ([*WAITING, look(5, "a"), take(6, "a", ("a", 1, "x/"))], 1, []),
        ([*WAITING, look(5, "b"), take(6, "b", ("b", 1, "y/"))], 1, ["b"]),
        # There is another lane for the earlier one, but not for two of them.
        ([*WAITING, look(5, "b"), take(6, "b", ("b", 1, "y/"))], 2, []),
        ([*WAITING, look(5, "c"), take(6, "c", ("c", 1, "z/"))], 2, ["c"]),
        # Nobody is held up by one that waits for a prefix, or has gone.
        ([*WAITING, look(5, "b"), take(6, "b", ("d", 0, "x/in/"), ("b", 1, "y/"))], 1, []),
        ([*WAITING, back(4, "a"), look(5, "b"), take(6, "b", ("b", 1, "y/"))], 1, []),
        # A ticket that came later, or that nobody knows to have come, accuses nobody.
        ([*WAITING[1:], look(5, "b"), ticket(5.5, "a", "x/"), take(6, "b", ("b", 1, "y/"))], 1, []),
        ([ticket(0, "a", "x/", answered=False), *WAITING[1:], look(5, "b"), take(6, "b", ("b", 1, "y/"))], 1, []),
        ([*WAITING, look(5, "b"), take(6, "b", ("b", 1, "y/"), answered=False)], 1, []),
        # A prefix that is held, or that an earlier one waits with, is not free.
        ([*WAITING, look(5, "a"), take(6, "a", ("d", 0, "x/in/"), ("a", 1, "x/"))], 2, ["a"]),
        ([ticket(0, "a", "x/"), look(5, "b"), take(6, "b", ("b", 1, "x/y/"))], 2, ["b"]),
        # What a clean-up writes is no take.
        ([*WAITING, take(6, "clean-up", ("b", 1, "y/"))], 1, []),
    ],
)
def test_whoever_jumps_the_queue_is_seen(calls: Calls, lanes: int, who: list[str]) -> None:
    assert [line.split()[0] for line in jumped(calls, LIVES, lanes)] == who


def test_a_dead_run_is_overtaken_by_nobody() -> None:
    calls = [*WAITING, look(5, "b"), take(6, "b", ("b", 1, "y/"))]
    assert list(jumped(calls, LIVES | {"a": Life(0, 4)}, 1)) == []
    assert len(list(jumped(calls, LIVES | {"a": Life(0, 5.5)}, 1))) == 1
