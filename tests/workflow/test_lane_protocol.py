"""Lanes and prefixes: every state that three runs on two lanes can reach."""

from __future__ import annotations

import json
import re
from collections import deque

import pytest
from lustre_batch import definition as definitions

from tests.graph.recording import record_stack
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import evaluate
from tests.workflow.lane_protocol import STEPS, Protocol, World


def explored(protocol: Protocol, begin: World) -> dict[World, list[World]]:
    """Every world that can be reached, with those that it can be reached from; each is checked."""
    came_from: dict[World, list[World]] = {begin: []}
    waiting = deque([begin])
    while waiting:
        world = waiting.popleft()
        for after in protocol.steps(world):
            if after not in came_from:
                protocol.check(after)
                came_from[after] = []
                waiting.append(after)
            came_from[after].append(world)
    return came_from


@pytest.mark.parametrize("prefixes", [("", "", ""), ("a/", "b/", "a/"), ("a/", "b/", "c/")])
def test_no_interleaving_of_lost_answers_and_deaths_loses_a_lane_or_gives_it_to_two(
    run: Definition, clean_up: Definition, prefixes: tuple[str, ...]
) -> None:
    protocol = Protocol(run, clean_up, prefixes, lanes=2)
    worlds = explored(protocol, protocol.begin(clean_ups=(1, 1, 1)))
    assert_each_can_end(worlds)


def test_no_job_submitted_at_any_moment_starts_on_an_instance_without_the_file_system_of_who_holds_the_lane() -> None:
    """Two runs share a lane; two clean-ups of the first may be at work at once, one of which is late."""
    one_lane = record_stack({"maxConcurrentRuns": "1"})
    protocol = Protocol(definition_of(one_lane), definition_of(one_lane, "clean_up"), ("a/", "b/"), lanes=1)
    worlds = explored(protocol, protocol.begin(clean_ups=(2, 1), strangers=True))
    assert any(lane.has_job for world in worlds for lane in world.lanes)
    assert_each_can_end(worlds)


@pytest.mark.parametrize("prefixes", [("a/", "a/"), ("a/", "")])
def test_a_reclaim_never_exports_under_a_prefix_that_somebody_else_holds_or_could_take(
    run: Definition, clean_up: Definition, prefixes: tuple[str, ...]
) -> None:
    """The first run's file system is kept; whoever reclaims it may die at any moment, and the other run come at any."""
    protocol = Protocol(run, clean_up, prefixes, lanes=2)
    worlds = explored(protocol, protocol.begin(clean_ups=(1, 1), keep=(0,)))
    exporting = [world for world in worlds if "exporting" in world.file_systems]
    assert {world.runs[1] for world in exporting} >= {"new", "waiting", "dead", "over"}
    assert_each_can_end(worlds)


def assert_each_can_end(worlds: dict[World, list[World]]) -> None:
    """From everywhere there is a way to where all runs are over and nothing is held."""
    ends = [world for world in worlds if world.is_finished]
    reached, waiting = set(ends), deque(ends)
    while waiting:
        for before in worlds[waiting.popleft()]:
            if before not in reached:
                reached.add(before)
                waiting.append(before)
    stuck = next((world for world in worlds if world not in reached), None)
    assert stuck is None, f"nothing leads on from {stuck}"


# What a state that takes part in the protocol reads or writes.
PART_OF_IT = re.compile(
    r"LanesTableName|\$(holders|free|ahead|waitsFor|ticketError|giving|laneEnvironmentArn|holdsLane|writtenUntil)\b"
    r"|\$lane\b|updateJobQueue"
)
# These only pass on what was decided: the lane's number as a tag, and whether there is something to give back.
USERS = {
    *("CreateFileSystem", "FindEnvironment", "IsLaneHeld", "IsEnvironmentReleased", "NoteEndOfJobs", "Summarise"),
    # A session's item says where to submit jobs, while its run holds the lane; nobody takes or gives a lane by it.
    *("OpenSession", "ReadSession", "RemoveSession"),
}


@pytest.mark.parametrize("name", definitions.names())
def test_every_state_that_touches_lane_ticket_or_prefix_has_a_step_in_the_model(name: str) -> None:
    states = definitions.read(name)["States"]
    touching = {state for state, content in states.items() if PART_OF_IT.search(json.dumps(content))}
    assert touching - USERS <= set().union(*STEPS.values())


def test_every_state_of_the_model_exists() -> None:
    there = {state for name in definitions.names() for state in definitions.read(name)["States"]}
    assert set().union(*STEPS.values()) | USERS <= there


def test_no_write_of_the_table_ignores_the_version_that_was_read(run: Definition, clean_up: Definition) -> None:
    for state in (run.states["TakeLane"], clean_up.states["GiveBack"]):
        condition = state["Arguments"]["ConditionExpression"]
        assert evaluate(condition, version=0) == "attribute_not_exists(version)"
        assert evaluate(condition, version=7) == "version = :version"
        assert state["Arguments"]["UpdateExpression"] == "SET version = :next, holders = :holders"
    taken = {
        "version": 7,
        "holders": [],
        "free": [2],
        "ahead": {"count": 0},
        "target": "run-1",
        "prefix": "",
        "executionTag": "run-1",
    }
    values = evaluate(run.states["TakeLane"]["Arguments"]["ExpressionAttributeValues"], **taken)
    assert (values[":version"], values[":next"]) == ({"N": "7"}, {"N": "8"})
    assert values[":holders"]["L"][0]["M"]["lane"] == {"N": "2"}
