"""A queue of runs for lanes, simulated event by event: what a run decides at each look is asked of the definitions' own
expressions, what calls cost is charged to the rates of AWS, and writes meet the version that they were conditional on.
Owns what the protocol's model (`lane_protocol`) leaves out: time.

Runs have prefixes of their own here. What they decide does not depend on names, so that each question is asked once.
The pause is asked for too often for that: it is computed here as well, and a test holds the two together.
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field

from jsonata.jsonata import Jsonata

from rehearsal.aws.rates import IN_LARGE_REGIONS, RATES, READ_UNITS, TRANSITION, WRITE_UNITS, Bucket, Rate
from rehearsal.aws.states.integrations import TASK_SECONDS
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import choose
from tests.workflow.lane_protocol import Held, assigned, item

Steps = Generator[float, None, None]

COUNTED = 200  # CountTickets, Limit
TICKET_BYTES = 600  # with ARNs of 110 signs and a short prefix
STATES_BEFORE_THE_TICKET = 12
# The retriers `polled` and `transient`: attempts after the first, and the longest pause between two.
POLLED, TRANSIENT = (3, 10.0), (8, 60.0)


@dataclass
class Outcome:
    """What came of all runs together."""

    runs: int
    lanes: int
    makespan: float = 0.0
    lane_seconds: float = 0.0  # from the write that takes a lane to the write that gives it back
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    polls: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)  # the runs, in the order in which they took lanes
    overtaken: int = 0  # how often a run took a lane that an earlier one could have had
    delayed_seconds: float = 0.0  # by the rate of transitions, the longest

    @property
    def ideal(self) -> float:
        return self.lane_seconds / self.lanes

    @property
    def over_ideal(self) -> float:
        return self.makespan / self.ideal - 1

    @property
    def idle_seconds_a_run(self) -> float:
        """For which a lane stands idle before each run."""
        return (self.makespan * self.lanes - self.lane_seconds) / self.runs

    @property
    def calls_a_run(self) -> float:
        return sum(self.calls.values()) / self.runs


class Simulation:
    """So many runs that start within some seconds, and so many lanes, each held for about as long."""

    def __init__(
        self,
        run: Definition,
        clean_up: Definition,
        runs: int,
        lane_seconds: float = 5400.0,
        starts_within: float = 60.0,
        large_region: bool = False,
        spread: float = 0.05,
        scale: float = 1.0,  # of AWS's rates
        seed: int = 0,
    ) -> None:
        self._run, self._lane_seconds, self._spread = run, lane_seconds, spread
        self._random = random.Random(seed)
        self._again = Jsonata(clean_up.states["WaitToGiveBack"]["Seconds"][2:-2].replace("$random()", "$drawn"))
        lanes = assigned(run, "ReadLanes", {}, prefix="", target="none")["free"]
        self.outcome = Outcome(runs, len(lanes))
        self.now, self._version, self._tickets = 0.0, 1, [False] * runs
        self._holders: tuple[Held, ...] = ()
        rates = RATES | (IN_LARGE_REGIONS if large_region else {})
        self._buckets = {name: _bucket(rates[name], scale) for name in (READ_UNITS, WRITE_UNITS, TRANSITION)}
        self._due: list[tuple[float, int, Steps]] = []
        self._numbers = itertools.count()
        for number in range(runs):
            heapq.heappush(self._due, (starts_within * number / runs, next(self._numbers), self._life(number)))

    def play(self) -> Outcome:
        while self._due:
            self.now, _, steps = heapq.heappop(self._due)
            try:
                pause = next(steps)
            except StopIteration:
                continue
            heapq.heappush(self._due, (self.now + pause, next(self._numbers), steps))
        return self.outcome

    # ------------------------------------------------------------------ what takes time

    def _states(self, count: int) -> Steps:
        """Transitions are delayed beyond their rate."""
        bucket = self._buckets[TRANSITION]
        bucket.refill(self.now)
        bucket.tokens -= count
        delay = max(0.0, -bucket.tokens / bucket.rate.per_second)
        self.outcome.delayed_seconds = max(self.outcome.delayed_seconds, delay)
        if delay:
            yield delay

    def _call(self, operation: str, units: float, patience: tuple[int, float]) -> Generator[float, None, bool]:
        """One task up to the moment at which its call takes effect; false when it was refused once too often."""
        yield from self._states(1)
        kind = READ_UNITS if operation in {"GetItem", "Query"} else WRITE_UNITS
        attempts, longest = patience
        for attempt in range(attempts + 1):
            yield TASK_SECONDS / 2
            self.outcome.calls[operation] += 1
            if self._buckets[kind].refill(self.now) >= 1:
                self._buckets[kind].tokens -= units
                return True
            self.outcome.refused[operation] += 1
            if attempt < attempts:
                yield self._random.uniform(0, min(longest, 2 * 2.0**attempt))
        return False

    # ------------------------------------------------------------------ a run

    def _life(self, number: int) -> Steps:
        yield from self._states(STATES_BEFORE_THE_TICKET)
        yield from self._call("PutItem", 2, TRANSIENT)
        self._tickets[number] = True
        yield TASK_SECONDS / 2
        since = moved_at = counted_since = self.now
        place = first = polls = 0
        while not (yield from self._look(number)):
            ahead = min(COUNTED, self._ahead(number))
            if (yield from self._call("Query", max(1, math.ceil(ahead * TICKET_BYTES / 4096)), POLLED)):
                moved_at = self.now if ahead < place else moved_at
                counted_since = self.now if ahead == COUNTED else counted_since
                place, first = ahead, max(first, ahead)
            yield TASK_SECONDS / 2
            yield from self._states(2)
            seconds = pause(
                self.outcome.lanes, place, first, self.now - since, self.now - counted_since, self.now - moved_at, polls
            )
            polls += 1
            yield seconds
        taken_at = self.now
        self.outcome.polls.append(polls)
        self.outcome.taken.append(number)
        yield from self._call("DeleteItem", 2, TRANSIENT)
        self._tickets[number] = False
        yield self._lane_seconds * self._random.uniform(1 - self._spread, 1 + self._spread)
        yield from self._give_back(number)
        self.outcome.lane_seconds += self.now - taken_at
        self.outcome.makespan = max(self.outcome.makespan, self.now)

    def _look(self, number: int) -> Generator[float, None, bool]:
        """Read who holds what and who is ahead, and try to take a lane when it is this run's turn."""
        if not (yield from self._call("GetItem", 2, POLLED)):
            return False
        version, held = self._version, tuple(sorted(one.lane for one in self._holders))
        yield TASK_SECONDS / 2
        yield from self._states(1)
        if self._may(len(held), 0) is None:
            return False
        if not (yield from self._call("Query", 10, POLLED)):
            return False
        # The first page of tickets decides: it has more than there are lanes.
        leads_to = self._may(len(held), min(self._ahead(number), self.outcome.lanes + 1))
        yield TASK_SECONDS / 2
        yield from self._states(1)
        if leads_to != "TakeLane" or not (yield from self._call("UpdateItem", 4, TRANSIENT)):
            return False
        if version != self._version:
            self.outcome.refused["conflict"] += 1
            return False
        lane = min(set(range(1, self.outcome.lanes + 1)) - set(held))
        holding = {one.run for one in self._holders}
        waiting = sum(ticket and other not in holding for other, ticket in enumerate(self._tickets[:number]))
        self.outcome.overtaken += waiting >= self.outcome.lanes - len(self._holders)
        self._version, self._holders = version + 1, (*self._holders, Held(number, lane, f"r{number}/"))
        return True

    def _give_back(self, number: int) -> Steps:
        while True:
            yield from self._call("GetItem", 2, TRANSIENT)
            version = self._version
            yield TASK_SECONDS / 2
            yield from self._states(1)
            yield from self._call("UpdateItem", 4, TRANSIENT)
            if version == self._version:
                break
            self.outcome.refused["conflict"] += 1
            yield self._again.evaluate(None, {"drawn": self._random.random()})
        self._version = version + 1
        self._holders = tuple(one for one in self._holders if one.run != number)

    def _ahead(self, number: int) -> int:
        return sum(self._tickets[:number])

    # ------------------------------------------------------------------ what the definitions decide

    @functools.cache  # noqa: B019 (a simulation lives as long as its answers are wanted)
    def _may(self, held: int, ahead: int) -> str | None:
        """Where a run goes that finds so many lanes held and sees so many tickets ahead; None when it need not look."""
        holders = tuple(Held(lane, lane, f"h{lane}/") for lane in range(1, held + 1))
        own = {"prefix": "own/", "target": "own"}
        seen = assigned(self._run, "ReadLanes", item(1, holders), **own)
        known = {key: seen[key] for key in ("lane", "waitsFor", "free", "holders")}
        if choose(self._run, "MayLaneBeTaken", polls=0, **known)[0] != "ReadTickets":
            return None
        tickets = [{"run": {"S": f"t{one}"}, "prefix": {"S": f"t{one}/"}} for one in range(ahead)]
        known = {"prefix": "own/"} | {key: seen[key] for key in ("holders", "free", "ahead")}
        looked = assigned(self._run, "ReadTickets", {"Items": tickets}, **known)
        return choose(self._run, "IsItOurTurn", free=seen["free"], **looked)[0]


def _bucket(rate: Rate, scale: float) -> Bucket:
    scaled = Rate(rate.size * scale, rate.per_second * scale, rate.source, rate.error)
    return Bucket(scaled, scaled.size, 0.0)


def pause(lanes: int, place: int, first_place: int, waited: float, counted: float, stuck: float, polls: int) -> int:
    """WaitForTurn, Seconds."""
    waited, counted, stuck = math.floor(waited), math.floor(counted), math.floor(stuck)
    held = max(counted * min(1, lanes / (first_place - place + 1)), stuck)
    rounds = max(0, place + 1 - lanes) / lanes
    sleep = math.floor(min(max(3600, waited / 20), held * (1 / 16 + rounds / 3)))
    return max(15, sleep, 0 if polls < 120 else math.floor(waited / 12))
