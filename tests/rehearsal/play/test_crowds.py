"""Whoever arrives whenever, whatever fails: no lane and no prefix is ever held by two, nobody is overtaken, no job sees
another run's file system, every run ends, and nothing is lost or left, lanes and tickets included.

`make soak N=5000` plays more crowds than the default; a failure prints a scenario file that shows it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from rehearsal.play.scenario import parse
from rehearsal.play.schedules import crowd, seeded
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.turns import overtaken
from rehearsal.play.verdict import judge

LANES = 2
# A small part of the schedules that `make soak` is told: each has several runs.
CROWDS = max(1, int(os.environ.get("SCHEDULES", "75")) // 25)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged({"maxConcurrentRuns": str(LANES)}) as stage:
        yield stage.session


@pytest.mark.parametrize("seed", range(CROWDS))
def test_no_crowd_shares_what_is_held_by_one_or_leaves_anything(session: Session, seed: int) -> None:
    content: dict[str, Any] = crowd(seeded(seed))
    played = session.play(parse(content, "crowd"), log_calls=True)
    verdict = judge(session, played)
    # How a run ends is up to the schedule. What is left of it, and what is said about that, is not.
    found = [reason for reason in verdict.why_not if not reason.startswith("the execution ended ")]
    found += overtaken(played)
    found += [f"{thing.type} {thing.id} is held for good" for thing in session.belongings.all()]
    assert found == [], "a scenario file that shows it:\n" + yaml.safe_dump(
        {"set": {"maxConcurrentRuns": LANES}, **content}, sort_keys=False
    )
