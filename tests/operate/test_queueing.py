"""Who waits for whom, as `list` and `watch` say it: place, lane, prefix, and what runs that do not wait end with."""

from __future__ import annotations

from typing import Any

import pytest
from lustre_batch.operate.follow import Follower
from lustre_batch.operate.queueing import Entry, Queue, words

from tests.operate.conftest import Desk, Typed

PREFIX = "arn:aws:states:us-east-1:123456789012:execution:s:"


def queue(holders: dict[str, tuple[str, int]], waiting: dict[str, str], lanes: int = 2) -> Queue:
    return Queue(
        lanes,
        tuple(Entry(PREFIX + name, prefix, lane) for name, (prefix, lane) in holders.items()),
        tuple(Entry(PREFIX + name, prefix) for name, prefix in waiting.items()),
    )


@pytest.mark.parametrize(
    ("holders", "waiting", "said"),
    [
        ({"a": ("a/", 1), "b": ("b/", 2)}, {"x": "x/"}, "place 1 of 1; every lane is held: by a, b"),
        ({"a": ("a/", 1)}, {"x": "x/"}, "place 1 of 1; a lane is free"),
        ({"a": ("x/1/", 0)}, {"x": "x/"}, "place 1 of 1; its results would go below the same prefix as those of a"),
        (
            {"a": ("", 1)},
            {"y": "y/", "x": "x/"},
            "place 2 of 2; its results would go below the same prefix as those of a",
        ),
        ({}, {"y": "x/1/", "x": "x/"}, "place 2 of 2; its results would go below the same prefix as those of y"),
    ],
)
def test_a_run_waits_for_a_prefix_first_and_then_for_a_lane(
    holders: dict[str, tuple[str, int]], waiting: dict[str, str], said: str
) -> None:
    assert words(queue(holders, waiting).facts(PREFIX + "x")) == said


def test_whoever_holds_a_lane_has_it_and_its_prefix_and_no_place() -> None:
    seen = queue({"x": ("x/", 2)}, {})
    assert (seen.facts(PREFIX + "x"), seen.facts(PREFIX + "other")) == ({"lane": 2, "prefix": "x/"}, {})
    assert words(seen.facts(PREFIX + "x")) == ""


def test_list_and_watch_say_whom_a_run_waits_for(desk: Desk) -> None:
    typed: dict[str, Typed] = {}
    looks: list[Any] = []

    def doing() -> None:
        for name in ("one", "two", "three"):
            assert desk.type("run", "--name", name, "--prefix", f"{name}/", "--detach").status == 4
            desk.account.clock.advance(1)
        typed["no wait"] = desk.type("run", "--name", "hasty", "--prefix", "hasty/", "--no-wait", "--json")
        typed["list"], typed["json"] = desk.type("list"), desk.type("list", "--json")
        looks.append(Follower(desk.stack, desk.stack.execution_arn("three")).look())
        typed["query"] = desk.type("list", "--query", "runs[?name=='three'].place | [0]")

    desk.play(doing)
    runs = {one["name"]: one for one in typed["json"].facts["runs"]}
    arns = [desk.stack.execution_arn(name) for name in ("one", "two")]
    assert [(runs[name]["lane"], runs[name]["prefix"]) for name in ("one", "two")] == [(1, "one/"), (2, "two/")]
    assert (runs["three"]["place"], runs["three"]["waits_for"]) == (1, arns)
    assert (
        "waiting for a lane and its prefix (place 1 of 1; every lane is held: by one, two)"
        in typed["list"].result.stdout
    )
    assert (looks[0].facts()["place"], looks[0].facts()["waits_for"]) == (1, arns)
    assert looks[0].words == "waiting for a lane and its prefix (place 1 of 1; every lane is held: by one, two)"
    assert typed["query"].answer == 1
    hasty = typed["no wait"]
    assert (hasty.status, hasty.facts["error"]) == (1, "NoFreeLane")
    assert arns[0] in hasty.facts["cause"]
    assert runs["hasty"]["error"] == "NoFreeLane"


def test_a_run_that_waits_for_a_prefix_is_not_said_to_wait_for_a_lane_alone(desk: Desk) -> None:
    looks: list[Any] = []

    def doing() -> None:
        for name in ("early", "late"):
            desk.type("run", "--name", name, "--prefix", "same/", "--detach")
            desk.account.clock.advance(1)
        looks.append(Follower(desk.stack, desk.stack.execution_arn("late")).look())

    desk.play(doing)
    assert looks[0].words == (
        "waiting for a lane and its prefix (place 1 of 1; its results would go below the same prefix as those of early)"
    )


def test_a_run_that_waits_is_stopped_with_the_word_that_it_has_created_nothing(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        for name in ("one", "two", "three"):
            desk.type("run", "--name", f"{name}-", "--prefix", f"{name}/", "--detach")
        desk.account.clock.advance(5)
        typed.append(desk.type("stop", "three-", text="n\n"))
        typed.append(desk.type("stop", "two-", text="n\n"))
        typed.append(desk.type("stop", "three-", "--yes"))
        desk.account.clock.advance(120)
        typed.append(desk.type("stop", "two-", text="n\n"))

    desk.play(doing)
    assert "Stop three-? It has created nothing." in typed[0].result.stdout
    assert typed[2].lines == ["stopped three-"]
    assert "Its jobs are ended" in typed[3].result.stdout
