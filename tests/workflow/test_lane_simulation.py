"""A queue of runs in time: lanes that stand idle, calls, and AWS's rates. `make bench` plays a thousand."""

from __future__ import annotations

import pytest

from tests.graph.recording import record_stack
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.lane_simulation import Simulation


@pytest.fixture(scope="module")
def ten_lanes() -> tuple[Definition, Definition]:
    graph = record_stack({"maxConcurrentRuns": "10", "laneTimeoutMinutes": "20160"})
    return definition_of(graph, "run"), definition_of(graph, "clean_up")


def test_a_hundred_runs_take_hardly_longer_than_their_work(ten_lanes: tuple[Definition, Definition]) -> None:
    outcome = Simulation(*ten_lanes, runs=100).play()
    assert sorted(outcome.taken) == list(range(100)), "every run got a lane"
    assert outcome.ideal < outcome.makespan
    assert outcome.over_ideal < 0.10
    assert (outcome.overtaken, sum(outcome.refused.values()) - outcome.refused["conflict"]) == (0, 0)
    assert max(outcome.polls) < 100


def test_the_order_of_the_queue_survives_throttling(ten_lanes: tuple[Definition, Definition]) -> None:
    """A fiftieth of the rates: a hundred runs ask as much of them as some thousands of all."""
    outcome = Simulation(*ten_lanes, runs=100, starts_within=5, scale=0.02).play()
    assert outcome.refused["Query"] > 50
    assert outcome.delayed_seconds > 60
    assert sorted(outcome.taken) == list(range(100))
    assert outcome.overtaken == 0
    assert outcome.over_ideal < 0.15
