"""No run comes near the history's limit: every poll has a bound, and slows down on its way to it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from jsonata.jsonata import Jsonata
from lustre_batch import Settings
from lustre_batch.settings import run_time_names
from lustre_batch.validation import run_time_rules
from lustre_batch.workflow import SETTLE_SECONDS

from functions.check_metrics import handler
from tests.workflow.asl import all_edges, cycles_through, loops, reachable
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import NOW, choose, evaluate

LIMIT = 25_000  # Step Functions guide, quotas: events in an execution's history
# Step Functions API, GetExecutionHistory: a task is entered, scheduled, started, succeeds and is exited.
EVENTS = {"Task": 5, "Choice": 2, "Wait": 2, "Pass": 2, "Succeed": 2, "Fail": 2}
EVENTS_OF_A_FAILED_ATTEMPT = 3  # scheduled, started, failed
BOUND = re.compile(r"\$millis\(\) - \$since [<>] (\d+) \* 60000")
DAY_SECONDS = 86_400
SMALLEST = {rule["key"]: rule["minimum"] for rule in run_time_rules(Settings()) if "minimum" in rule}


@dataclass(frozen=True)
class Poll:
    """A loop around one wait: what it costs a round, and how long it may go on."""

    wait: str
    events_a_round: int
    tasks_a_round: int
    bound_seconds: int | None  # None: counted, not timed
    seconds: Any

    def rounds(self, duration_seconds: int | None = None) -> int:
        """How often it goes round, each pause as the definition computes it from the time already waited."""
        limit = duration_seconds if duration_seconds is not None else self.bound_seconds
        assert limit is not None
        waited, count = 0, 0
        while waited <= limit:
            waited += pause(self.seconds, waited, count)
            count += 1
        return count


def pause(seconds: Any, waited_seconds: int, polls: int = 0) -> int:
    """The length of a wait with every run-time parameter at its smallest, after so many before it."""
    if not isinstance(seconds, str):
        return int(seconds)
    expression = seconds.removeprefix("{%").removesuffix("%}").replace("$millis()", "$clock")
    # The jobs stopped as long ago as can be, so that the first datapoint is not waited for.
    given = {
        "clock": waited_seconds * 1000,
        "since": 0,
        "parameters": SMALLEST,
        "submissions": 1,
        # The next in a queue of which a thousand have gone, one of them just now: it asks most often.
        "place": 0,
        "firstPlace": 1000,
        "countedSince": 0,
        "movedAt": waited_seconds * 1000,
        "polls": polls,
        "idleMinutes": 1,
        "jobStoppedAt": 0,
        "jobs": [],
    }
    value = _compiled(expression).evaluate(None, given)
    assert value == int(value)
    return int(value)


_CACHE: dict[str, Jsonata] = {}


def _compiled(expression: str) -> Jsonata:
    return _CACHE.setdefault(expression, Jsonata(expression))


def conditions(state: Mapping[str, Any]) -> Iterator[str]:
    return (rule["Condition"] for rule in state.get("Choices", []))


def polls(definition: Definition) -> dict[str, Poll]:
    """Every loop with a wait in it, at its dearest: the longest way round, the widest bound."""
    states, found = definition.states, {}
    for loop in loops(states):
        for wait in sorted(name for name in loop if states[name]["Type"] == "Wait"):
            rounds = list(cycles_through(wait, states, loop))
            often = [way for way in rounds if set(way) & A_LINK_EACH != A_LINK_EACH]
            rare = PAGED | set(SELDOM)
            cost = max(sum(EVENTS[states[name]["Type"]] for name in way if name not in rare) for way in often)
            tasks = max(sum(states[name]["Type"] == "Task" for name in way) for way in rounds)
            bounds = [
                int(minutes) * 60
                for way in rounds
                for name in way
                for condition in conditions(states[name])
                for minutes in BOUND.findall(condition)
            ]
            found[wait] = Poll(wait, cost, tasks, max(bounds, default=None), states[wait]["Seconds"])
    return found


def events(definition: Definition, job_seconds: int | None) -> dict[str, int]:
    """The most events that each poll can leave, and what the rest of the run leaves when every state is taken once."""
    total = {}
    for wait, poll in polls(definition).items():
        duration = job_seconds if wait == "WaitForJobCompletion" else None
        total[wait] = poll.events_a_round * (COUNTED.get(wait) or poll.rounds(duration))
    states = definition.states
    for counter, (most, counted) in ROUNDS.items():
        costs = [sum(EVENTS[states[name]["Type"]] for name in loop) for loop in counted if loop[0] in states]
        total[counter] = most * max(costs, default=0)
    # By status, and for each whether there is one; a run has a session or a job.
    total["WaitForSession"] = total.get("WaitForSession", 0) + STATUSES_MORE * 7 * (
        polls(definition)["WaitForSession"].rounds() if "WaitForSession" in states else 0
    )
    passed = SELDOM | dict.fromkeys(A_LINK_EACH, LINKS)
    total["seldom"] = sum(
        times * EVENTS[definition.states[name]["Type"]] for name, times in passed.items() if name in definition.states
    )
    alternatives = [total.pop("WaitForSession"), total.pop("WaitForJobCompletion", 0)]
    total["job or session"] = max(alternatives)
    # Who holds no prefix any more has no lane whose queue it waits for.
    alternatives = [total.pop("WaitForJobQueue"), total.pop("WaitToHoldPrefix", 0)]
    total["queue or prefix"] = max(alternatives)
    ways = all_edges(states)
    entered = [reachable(edge.target, ways) for edge in ways if edge.source == "Route"]
    total["once"] = max(sum(EVENTS[states[name]["Type"]] for name in way) for way in entered) + EVENTS["Choice"] + 2
    return total


# States on a way round that are not passed in every round, and how often a run passes them.
LINKS = 8
HOLDER_LOOKS = 32  # in two weeks: after ten minutes, then after a quarter more than was waited
NOT_OURS = 40  # a lane is free, but the one for whom it is has not looked yet, or another was quicker
SELDOM = {
    **dict.fromkeys(
        ("CreateLaunchTemplate", "ReadLaneBeforeUpdate", "IsLaneOurs", "UpdateComputeEnvironment", "IsFileSystemReady"),
        1,
    ),
    **dict.fromkeys(("DescribeHolder", "IsHolderOver", "CleanUpHolder"), HOLDER_LOOKS),
    **dict.fromkeys(("ReadTickets", "IsItOurTurn", "TakeLane"), NOT_OURS),
}
IN_THE_QUEUE = (
    *(
        "WaitForTurn",
        "ReadLanes",
        "MayLaneBeTaken",
        "ReadTickets",
        "IsItOurTurn",
        "TakeLane",
        "CountTickets",
        "MayWait",
    ),
    *("DescribeHolder", "IsHolderOver", "CleanUpHolder"),
)
A_LINK_EACH = {"DescribeAssociation", "CreateAssociation"}
# A look at a session asks for every status until there is one: so often more than a simple way round.
STATUSES_MORE = 3


# Loops that all rounds of a run together go round so often at most.
PAGES = 200
PAGED_LOOPS = (("FindRefusedInstances", "CanInstancesMount"), ("FindFailedChildren", "AreThereMoreFailedChildren"))
PAGES_OF_JOBS, STOPS = 400, 200
# What is counted -> how often at most, and the loops that go round so often together.
ROUNDS = {
    "pages": (PAGES, PAGED_LOOPS),
    "pages of jobs": (PAGES_OF_JOBS, (("FindJobs", "AreJobsStopped"),)),
    "stops": (STOPS, (("StopJob", "AreThereMoreJobsToStop"),)),
}
PAGED = {name for _, counted in ROUNDS.values() for loop in counted for name in loop}


def test_all_looks_at_the_jobs_of_a_queue_together_have_a_bounded_number_of_pages_and_of_jobs_to_stop(
    clean_up: Definition,
) -> None:
    (again,) = [rule for rule in clean_up.states["AreJobsStopped"]["Choices"] if rule["Next"] == "FindJobs"]
    assert f"$pages < {PAGES_OF_JOBS}" in again["Condition"]
    going_on = {"ReadLaneBeforeStopping", "WaitForJobsToStop", "FindEarlierJobs", "AreJobsInDoubt"}
    for looks, alive, by_name in itertools.product((0, 1), ([], ["job-1"]), (False, True)):
        given: dict[str, Any] = {"nextToken": "more", "pages": PAGES_OF_JOBS, "looks": looks, "alive": alive}
        known = given | {
            "aliveSince": 1,
            "jobsSince": 1,
            "sawStarted": False,
            "stoppedAt": 0,
            "told": [],
            "pending": [],
        }
        target, assigned = choose(clean_up, "AreJobsStopped", **known, byName=by_name, since=NOW)
        assert (target in going_on, assigned["nextToken"]) == (True, ""), "it goes on from the newest, and ends"
    for name in ("MayJobsBeStopped", "AreThereMoreJobsToStop"):
        (stop,) = [rule for rule in clean_up.states[name]["Choices"] if rule["Next"] == "StopJob"]
        assert f"$stops < {STOPS}" in stop["Condition"]


def test_all_lists_of_instances_and_children_together_have_a_bounded_number_of_pages(run: Definition) -> None:
    instances = PAGED_LOOPS[0][0]
    (entrance,) = [rule for rule in run.states["IsJobDone"]["Choices"] if rule["Next"] == instances]
    assert f"$pages < {PAGES}" in entrance["Condition"]
    for find, decide in PAGED_LOOPS:
        (again,) = [rule for rule in run.states[decide]["Choices"] if rule["Next"] == find]
        assert f"$pages < {PAGES}" in again["Condition"]
        assert evaluate(run.states[find]["Assign"]["pages"], pages=7) == 8
    assert [name for name, state in run.states.items() if state.get("Assign", {}).get("pages") == 0] == [
        "NoteSubmission"
    ]


# Loops with a count for a bound: the pause in them, and how often it is taken.
SUBMISSIONS = 8
GIVING_BACK = 20
COUNTED = {"WaitForJobList": SUBMISSIONS, "WaitToGiveBack": 2 * GIVING_BACK, "WaitToHoldPrefix": GIVING_BACK}


def test_every_poll_has_a_bound_on_every_way_round(definition: Definition) -> None:
    """A clock that is looked at, or a count of attempts."""
    states = definition.states
    for loop in loops(states):
        for wait in (name for name in loop if states[name]["Type"] == "Wait"):
            for way in cycles_through(wait, states, loop):
                asked = " ".join(condition for name in way for condition in conditions(states[name]))
                counted = (f"$submissions < {SUBMISSIONS}", f"$tries < {GIVING_BACK}")
                assert BOUND.search(asked) or any(count in asked for count in counted), way


def test_every_bound_counts_from_a_moment_that_is_set_before_the_loop_and_not_again_inside(
    definition: Definition,
) -> None:
    states = definition.states
    for loop in loops(states):
        timed = any(BOUND.search(condition) for name in loop for condition in conditions(states[name]))
        for name in loop if timed else []:
            state = states[name]
            inside = [state] if state.get("Next") in loop or state.get("Default") in loop else []
            inside += [each for each in state.get("Catch", []) + state.get("Choices", []) if each["Next"] in loop]
            assert [each for each in inside if "since" in each.get("Assign", {})] == [], name


# It waits three minutes at most, and they count: the queue drains meanwhile.
COUNTED_AS_WELL = {"WaitForFirstDatapoint"}
# A lane is given back in a minute or two, and the way leads back to the wait that it left, which goes on.
DETOURS = {"GoOn"}


def test_every_wait_begins_with_a_moment_of_its_own(definition: Definition) -> None:
    """The bound of a wait must not count from the beginning of the wait before it."""
    states = definition.states
    ways = all_edges(states)
    for loop in loops(states):
        if not any(BOUND.search(condition) for name in loop for condition in conditions(states[name])):
            continue
        entrances = [edge for edge in ways if edge.target in loop and edge.source not in loop | DETOURS]
        looked_at = set(entrances)
        while entrances:
            edge = entrances.pop()
            if "since" in edge.assigns:
                continue
            pauses = states[edge.source]["Type"] == "Wait" and edge.source not in COUNTED_AS_WELL
            assert not pauses, f"{edge} into {sorted(loop)}"
            before = [each for each in ways if each.target == edge.source]
            assert before, f"nothing sets the moment on {edge} into {sorted(loop)}"
            assert edge.source not in loop
            entrances += [each for each in before if each not in looked_at]
            looked_at.update(before)


def test_a_job_of_thirty_days_at_the_smallest_polls_stays_within_the_history(run: Definition) -> None:
    left = events(run, job_seconds=30 * DAY_SECONDS)
    assert 5_000 < left["job or session"] < LIMIT * 0.7
    assert sum(left.values()) < LIMIT, left


def test_no_setting_of_the_limits_lets_a_run_reach_the_historys_end(longest: Definition) -> None:
    left = events(longest, job_seconds=None)
    assert sum(left.values()) < LIMIT, left


def test_a_run_that_waits_for_two_weeks_stays_far_from_the_historys_end(longest: Definition) -> None:
    """By whatever way, with whatever luck: at each look somebody ahead of it has just gone."""
    poll = polls(longest).get("WaitForTurn")
    if poll is None:
        return
    assert poll.bound_seconds == 14 * DAY_SECONDS, "laneTimeoutMinutes"
    assert (poll.events_a_round, 150 < poll.rounds() <= 210) == (16, True)
    dearest = sum(EVENTS[longest.states[name]["Type"]] for name in IN_THE_QUEUE)
    assert dearest * poll.rounds() < LIMIT / 3


def test_a_holder_is_looked_after_ever_less_often(run: Definition) -> None:
    (condition,) = [rule["Condition"] for rule in run.states["MayWait"]["Choices"] if rule["Next"] == "DescribeHolder"]
    looked, looks = 0, 0
    given = {"waitsFor": "x", "place": 0, "since": 0}
    for minute in range(0, 14 * 24 * 60, 5):
        clock = minute * 60_000
        if evaluate(condition.replace("$millis()", "$clock"), **given, clock=clock, lookedAfter=looked):
            looked, looks = clock, looks + 1
    assert 20 < looks <= HOLDER_LOOKS


def test_a_poll_that_never_slowed_down_would_be_noticed(run: Definition) -> None:
    poll = polls(run)["WaitForJobCompletion"]
    steady = Poll(poll.wait, poll.events_a_round, poll.tasks_a_round, poll.bound_seconds, 300)
    assert steady.events_a_round * steady.rounds(30 * DAY_SECONDS) > LIMIT


@pytest.mark.parametrize("waited_seconds", [0, 59, 600, DAY_SECONDS, 90 * DAY_SECONDS])
def test_every_pause_is_a_whole_number_of_seconds_that_step_functions_takes(
    longest: Definition, waited_seconds: int
) -> None:
    """Amazon States Language, Wait: a non-negative integer; Step Functions guide: at most a year, 99,999,999 s."""
    for poll in polls(longest).values():
        assert 1 <= pause(poll.seconds, waited_seconds) <= 99_999_999, poll.wait


@pytest.mark.parametrize("submissions", range(1, SUBMISSIONS))
def test_the_pause_between_two_submissions_grows_to_five_minutes(run: Definition, submissions: int) -> None:
    seconds = evaluate(run.states["WaitForJobList"]["Seconds"], submissions=submissions)
    assert seconds == [15, 30, 60, 120, 240, 300, 300][submissions - 1]


def test_pauses_grow_to_a_few_percent_of_what_was_waited_and_no_more(longest: Definition) -> None:
    """Slower polls save events; slower than this, a file system would stand idle for nothing."""
    for poll in polls(longest).values():
        waited = 20 * DAY_SECONDS
        if poll.bound_seconds is not None:
            assert pause(poll.seconds, waited) <= waited * 0.051, poll.wait


def test_the_smallest_polls_are_the_ones_that_the_settings_allow() -> None:
    assert {key for key in SMALLEST if key.startswith("waitFor")} == {
        "waitForLustreCreationSeconds",
        "waitForJobCompletionSeconds",
        "waitForCheckMetricsSeconds",
    }
    assert len(run_time_names()) == len(Settings().run_time_values())


def test_the_patience_of_retries_alone_cannot_fill_the_history(definition: Definition) -> None:
    """Every task of a run failing as often as its retriers allow, outside of the polls."""
    attempts = sum(retrier["MaxAttempts"] for state in definition.states.values() for retrier in state.get("Retry", []))
    assert attempts * EVENTS_OF_A_FAILED_ATTEMPT < LIMIT / 10


# ---------------------------------------------------------------------- how soon a job's end is noticed
@pytest.mark.parametrize(
    ("waited_seconds", "ran_seconds", "pause_seconds"),
    [
        (0, None, 120),
        (3000, None, 120),
        (4000, None, 120),
        (8000, None, 160),
        (200, 1, 120),
        (800, 600, 120),
        (2600, 2400, 120),
        (3800, 3600, 180),
        (6200, 6000, 300),
        (10_200, 10_000, 300),
        (20_000, 19_800, 400),
    ],
)
def test_a_short_job_is_looked_at_after_a_twentieth_of_the_time_it_has_run_a_long_one_after_a_fiftieth(
    run: Definition, waited_seconds: int, ran_seconds: int | None, pause_seconds: int
) -> None:
    """waitForJobCompletionSeconds is the longest pause of a short job. Two minutes at
    least: the first datapoint that counts cannot be read sooner after the job's end."""
    seconds = run.states["WaitForJobCompletion"]["Seconds"].replace("$millis()", "$clock")
    started = 0 if ran_seconds is None else (waited_seconds - ran_seconds) * 1000
    for jobs in [[{"startedAt": started}]] + ([[]] if ran_seconds is None else []):
        given = {"parameters": {"waitForJobCompletionSeconds": 300}, "since": 0, "clock": waited_seconds * 1000}
        assert evaluate(seconds, **given, jobs=jobs) == pause_seconds
    few = {"parameters": {"waitForJobCompletionSeconds": 5}, "since": 0, "clock": 200_000}
    assert evaluate(seconds, **few, jobs=[{"startedAt": 1}]) == 5


@pytest.mark.parametrize(
    ("waited_seconds", "pause_seconds"), [(0, 10), (60, 11), (180, 20), (900, 45), (1200, 60), (3600, 180)]
)
def test_the_pauses_of_the_check_grow_with_the_root_of_the_time_waited(
    clean_up: Definition, waited_seconds: int, pause_seconds: int
) -> None:
    """A poll is three transitions and costs as much as a second or two of the file system."""
    seconds = clean_up.states["WaitForCheckMetrics"]["Seconds"].replace("$millis()", "$clock")
    given = {"since": 0, "clock": waited_seconds * 1000}
    assert evaluate(seconds, **given, parameters={"waitForCheckMetricsSeconds": 60}) == pause_seconds
    assert evaluate(seconds, **given, parameters={"waitForCheckMetricsSeconds": 5}) == max(5, waited_seconds // 20)


@pytest.mark.parametrize("after_seconds", [0, 1, 44, 45, 46, 59, 60, 104, 105, 106, 164, 165, 1000])
@pytest.mark.parametrize("stopped_second", [0, 1, 30, 44, 45, 46, 59])
def test_the_first_check_comes_when_a_datapoint_that_counts_can_first_be_readable(
    clean_up: Definition, stopped_second: int, after_seconds: int
) -> None:
    """The first whole minute that began SETTLE_SECONDS after the job's end; its datapoint comes a minute after it."""
    stopped_ms = 1_700_000_040_000 // 60_000 * 60_000 + stopped_second * 1000
    now_ms = stopped_ms + after_seconds * 1000
    seconds = clean_up.states["WaitForFirstDatapoint"]["Seconds"].replace("$millis()", "$clock")
    wait = evaluate(seconds, jobStoppedAt=stopped_ms, clock=now_ms)
    begins_ms = next(
        at for at in range(stopped_ms + SETTLE_SECONDS * 1000, stopped_ms + 200_000, 1000) if at % 60_000 == 0
    )
    assert wait == max(0, (begins_ms + 120_000 - now_ms) // 1000)


def test_the_minute_that_counts_is_the_same_for_the_state_machine_and_the_function() -> None:
    assert handler.SETTLE_SECONDS == SETTLE_SECONDS
