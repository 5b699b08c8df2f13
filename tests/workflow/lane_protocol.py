"""The protocol by which runs share lanes and prefixes, as a model whose every state can be visited: ticket, take, wait,
enable the lane's queue and disable it, give back, take back from the dead, and hold a prefix once more to export what
was kept. What is decided at each step is asked of the definitions themselves; what can come between two steps (other
runs, a lost answer, a death, somebody else's job, a reclaim) is the model's.

All writes of the table are conditional on the version that was read, so one that follows a stale read changes nothing
and leads back to the read. That makes a read and its write one step here, but for a run that decides: tickets, which no
version covers, may come and go before its write. A clean-up that disables a queue, or terminates a job in it, has read
the table just before: a run that takes the lane needs minutes before it enables the queue, so that is one step, too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import choose, evaluate

# Which states of the definitions each step of the model stands for.
STEPS = {
    "place a ticket": {"TakeTicket"},
    "decide": {"ReadLanes", "MayLaneBeTaken", "ReadTickets", "IsItOurTurn"},
    "take": {"TakeLane"},
    # A state of a run that is left alone is the same as before; nothing but a clean-up gives back what the dead hold.
    "wait": {"CountTickets", "MayWait", "WaitForTurn", "DescribeHolder", "IsHolderOver", "CleanUpHolder"},
    "return the ticket": {"ReturnTicket", "WasTicketReturned"},
    "begin to clean up": {
        *("SweepLanes", "SweepTickets", "FindHolding", "IsItReallyOver", "FindTicket", "IsTicketOld", "HasQueue"),
    },
    "mount": {"ReadLaneBeforeUpdate", "IsLaneOurs", "UpdateComputeEnvironment", "IsComputeEnvironmentValid"},
    "enable": {"EnableJobQueue", "DescribeJobQueue", "IsJobQueueEnabled"},
    # Of the clean-up, DescribeJobQueue too: until it is seen disabled, the step is taken again.
    "disable": {"ReadLaneBeforeDisabling", "MayQueueBeDisabled", "DisableJobQueue", "IsJobQueueDisabled"},
    "stop the jobs": {
        *("FindJobs", "AreJobsStopped", "FindEarlierJobs", "AreEarlierJobsStopped"),
        *("ReadLaneBeforeStopping", "MayJobsBeStopped", "StopJob"),
    },
    "release": {"ReleaseEnvironment", "HasEnvironmentLetGo"},
    "give back": {
        "ReadHolders",
        "IsAnythingHeld",
        "GiveBack",
        "WasLaneGivenBack",
        "MayGiveBackAgain",
        "WaitToGiveBack",
    },
    "remove the ticket": {"RemoveTicket"},
    "hold the prefix": {"ReadPrefixHolders", "IsPrefixFree", "HoldPrefix"},
}
OVER = {"over", "dead"}


class Held(NamedTuple):
    """An entry of the table; the lane is 0 once that was given back."""

    run: int
    lane: int
    prefix: str


class Lane(NamedTuple):
    """What others see of a lane: whose file system its instances mount, and whether jobs get in and are in."""

    mounts: int | None = None
    enabled: bool = False
    has_job: bool = False


class World(NamedTuple):
    """Runs are `new`, `waiting`, `taking` (decided, not written yet), `holding`, `working`, `mounting`, `open`, and
    `over` or `dead`; their clean-ups are `idle` or about to `disable` the queue, to `stop` the jobs in it, to `release`
    the environment, and to give back the `lane`, `all`, and the `ticket`; or, of a reclaim, to `hold` the prefix, to
    `export`, and to `wait` for the task. The file system of each run that keeps one is `used`, then `kept`,
    `reclaimed`, `exporting` while a task is at work on it, `exported`, and `gone`; of the others it is nothing."""

    holders: tuple[Held, ...]
    tickets: frozenset[int]
    runs: tuple[str, ...]
    clean_ups: tuple[tuple[str, ...], ...]  # several of each run may be at work at once
    lanes: tuple[Lane, ...] = ()
    file_systems: tuple[str, ...] = ()

    def lane_of(self, number: int) -> int:
        """That which a run holds; 0: none."""
        return next((held.lane for held in self.holders if held.run == number), 0)

    def changed(self, lane: int, **parts: Any) -> World:
        return self._replace(
            lanes=(*self.lanes[: lane - 1], self.lanes[lane - 1]._replace(**parts), *self.lanes[lane:])
        )

    def run(self, number: int, phase: str) -> World:
        return self._replace(runs=(*self.runs[:number], phase, *self.runs[number + 1 :]))

    def clean_up(self, number: int, which: int, phase: str) -> World:
        mine = (*self.clean_ups[number][:which], phase, *self.clean_ups[number][which + 1 :])
        return self._replace(clean_ups=(*self.clean_ups[:number], mine, *self.clean_ups[number + 1 :]))

    def file_system(self, number: int, status: str) -> World:
        return self._replace(
            file_systems=(*self.file_systems[:number], status, *self.file_systems[number + 1 :]),
        )

    def written(self, holders: tuple[Held, ...]) -> World:
        """Whoever had decided by the table as it was begins again."""
        runs = tuple("waiting" if phase == "taking" else phase for phase in self.runs)
        return self._replace(holders=holders, runs=runs)

    @property
    def is_finished(self) -> bool:
        held = self.holders or self.tickets or set(self.lanes) - {Lane()} or set(self.file_systems) - {"", "gone"}
        return set(self.runs) <= OVER and not held


class Protocol:
    """The steps that can be taken in a world, by the rules of the definitions."""

    def __init__(self, run: Definition, clean_up: Definition, prefixes: tuple[str, ...], lanes: int) -> None:
        self._run, self._clean_up = run, clean_up
        self._prefixes, self._lanes = prefixes, lanes
        self.decide = functools.cache(self._decide)
        self.given_back = functools.cache(self._given_back)
        self.first_step = functools.cache(self._first_step)
        self.held_again = functools.cache(self._held_again)

    def begin(self, clean_ups: tuple[int, ...], strangers: bool = False, keep: tuple[int, ...] = ()) -> World:
        """Nobody has a ticket yet; so many clean-ups of each run may be at work at once. Without strangers nobody but
        runs submits jobs, and what a lane is besides held is left out. The file systems of some are kept."""
        lanes = (Lane(),) * self._lanes if strangers else ()
        idle = tuple(("idle",) * count for count in clean_ups)
        runs = range(len(self._prefixes))
        file_systems = tuple("used" if number in keep else "" for number in runs)
        return World((), frozenset(), ("new",) * len(runs), idle, lanes, file_systems)

    def steps(self, world: World) -> Iterator[World]:
        for at, lane in enumerate(world.lanes, start=1):
            if lane.enabled and not lane.has_job:
                yield world.changed(at, has_job=True)  # somebody submits one
            elif lane.has_job:
                yield world.changed(at, has_job=False)  # it ends
        for number, status in enumerate(world.file_systems):
            if status == "kept":
                yield world.file_system(number, "reclaimed")  # somebody asks for it, and that is noted
            elif status == "exporting":
                yield world.file_system(number, "exported")
        for number, phase in enumerate(world.runs):
            yield from self._of_run(world, number, phase)
            if phase not in OVER | {"new"}:
                yield world.run(number, "dead")
            for which, done in enumerate(world.clean_ups[number]) if phase in OVER else ():
                yield from self._of_clean_up(world, number, which, done)

    def _of_run(self, world: World, number: int, phase: str) -> Iterator[World]:
        if phase == "new":
            yield world.run(number, "waiting")._replace(tickets=world.tickets | {number})
        elif phase == "waiting":
            decision, _ = self.decide(number, world.holders, self._ahead(world, number))
            if decision != "wait":
                yield world.run(number, decision)
        elif phase == "taking":
            lane = min(set(range(1, self._lanes + 1)) - {held.lane for held in world.holders})
            taken = world.written((*world.holders, Held(number, lane, self._prefixes[number])))
            yield taken.run(number, "holding")
            yield taken.run(number, "waiting")  # the answer is lost
        elif phase == "holding":
            yield world.run(number, "working")._replace(tickets=world.tickets - {number})
            yield world.run(number, "working")  # the ticket could not be returned
        elif phase == "working":
            yield world.run(number, "over")
            if world.lanes:
                yield world.run(number, "mounting").changed(world.lane_of(number), mounts=number)
        elif phase == "mounting":
            yield world.run(number, "over")
            opened = world.changed(world.lane_of(number), enabled=True)
            yield opened.run(number, "open")
            yield opened.run(number, "over")  # the answer is lost, and the run gives up
        elif phase == "open":
            yield world.run(number, "over")

    def _of_clean_up(self, world: World, number: int, which: int, phase: str) -> Iterator[World]:
        status = world.file_systems[number]
        if phase == "idle":
            if status in {"reclaimed", "exporting", "exported"}:
                yield world.clean_up(number, which, "hold")
            elif number in world.tickets or any(held.run == number for held in world.holders):
                yield world.clean_up(number, which, self.first_step(number, world.holders) if world.lanes else "lane")
            return
        yield world.clean_up(number, which, "idle")  # it dies; a sweep starts another
        if phase in {"disable", "stop", "release"}:
            yield from self._of_queue(world, number, which, phase)
            return
        if phase == "ticket":
            yield world.clean_up(number, which, "idle")._replace(tickets=world.tickets - {number})
            return
        if phase in {"hold", "export", "wait"}:
            yield from self._of_reclaim(world, number, which, phase)
            return
        if phase == "all" and status == "used":
            world = world.file_system(number, "kept")
        after = world.clean_up(number, which, "all" if phase == "lane" else "ticket")
        holders = self.given_back(number, phase, world.holders)
        if holders is None:
            yield after
        else:
            yield after.written(holders)
            yield world.written(holders)  # the answer is lost

    def _of_reclaim(self, world: World, number: int, which: int, phase: str) -> Iterator[World]:
        """What is left to the next clean-up holds what it held."""
        status = world.file_systems[number]
        if phase == "hold":
            decision, holders = self.held_again(number, world.holders)
            after = world.clean_up(number, which, "idle" if decision == "leave" else "export")
            if decision == "write":
                yield after.written(holders)
                yield world.written(holders)  # the answer is lost
            else:
                yield after
        elif phase == "export" and status in {"reclaimed", "exported"}:  # one task at a time
            yield world.file_system(number, "exporting").clean_up(number, which, "wait")
        elif phase == "wait" and status == "exported":
            yield world.file_system(number, "gone").clean_up(number, which, "all")
            yield world.file_system(number, "kept").clean_up(number, which, "all")  # S3 refused files

    def _of_queue(self, world: World, number: int, which: int, phase: str) -> Iterator[World]:
        """What a clean-up does before it gives back the lane; first of all it reads who holds it."""
        lane = world.lane_of(number) if self.first_step(number, world.holders) == "disable" else 0
        if phase == "release":
            held = [at for at, one in enumerate(world.lanes, start=1) if one.mounts == number]
            after = world.clean_up(number, which, "lane")
            yield functools.reduce(lambda known, at: known.changed(at, mounts=None), held, after)
        elif not lane:  # another clean-up has given it back
            yield world.clean_up(number, which, "release")
        elif phase == "disable":
            disabled = world.changed(lane, enabled=False)
            yield disabled.clean_up(number, which, "stop")
            yield disabled  # the answer is lost
        elif world.lanes[lane - 1].has_job:
            yield world.changed(lane, has_job=False)  # terminated
        elif not world.lanes[lane - 1].enabled:
            yield world.clean_up(number, which, "release")

    @staticmethod
    def _ahead(world: World, number: int) -> frozenset[int]:
        return frozenset(other for other in world.tickets if other < number)

    # ------------------------------------------------------------------ what the definitions decide

    def _decide(self, number: int, holders: tuple[Held, ...], ahead: frozenset[int]) -> tuple[str, int]:
        """The phase that follows for a run which read these holders and these tickets ahead of its own, and the lane
        that it takes."""
        given = {"prefix": self._prefixes[number], "target": _name(number)}
        seen = assigned(self._run, "ReadLanes", item(1, holders), **given)
        known = {key: seen[key] for key in ("lane", "waitsFor", "free", "holders")}
        leads_to, _ = choose(self._run, "MayLaneBeTaken", polls=0, **known)
        if leads_to == "ReturnTicket":
            return "holding", seen["lane"]
        if leads_to == "CountTickets":
            return "wait", 0
        known_lanes = {"lanes": {"N": str(self._lanes)}}
        tickets = [
            {"run": {"S": _name(one)}, "prefix": {"S": self._prefixes[one]}, **known_lanes} for one in sorted(ahead)
        ]
        looked = assigned(
            self._run,
            "ReadTickets",
            {"Items": tickets},
            prefix=given["prefix"],
            holders=seen["holders"],
            free=seen["free"],
            ahead=seen["ahead"],
        )
        leads_to, _ = choose(self._run, "IsItOurTurn", free=seen["free"], **looked)
        if leads_to == "CountTickets":
            return "wait", 0
        assert leads_to == "TakeLane"
        self._is_fair(number, holders, ahead)
        lane = assigned(self._run, "TakeLane", {}, free=seen["free"], ahead=looked["ahead"])["lane"]
        return "taking", lane

    def _first_step(self, number: int, holders: tuple[Held, ...]) -> str:
        """What a clean-up begins with that has read these holders."""
        given = {"target": _name(number), "found": [], "isOld": False}
        seen = assigned(self._clean_up, "FindHolding", item(1, holders), **given)
        leads_to, _ = choose(self._clean_up, "HasQueue", queueArn=seen["queueArn"], holdsLane=seen["holdsLane"])
        if leads_to == "ReadLaneBeforeDisabling":
            again = assigned(self._clean_up, leads_to, item(1, holders), target=given["target"])
            leads_to, _ = choose(self._clean_up, "MayQueueBeDisabled", holdsLane=again["holdsLane"])
        return {"DisableJobQueue": "disable", "NoteEndOfJobs": "release"}[leads_to]

    def _given_back(self, number: int, giving: str, holders: tuple[Held, ...]) -> tuple[Held, ...] | None:
        """The holders that a clean-up writes, if it writes any."""
        seen = assigned(self._clean_up, "ReadHolders", item(1, holders))
        given = {"holders": seen["holders"], "target": _name(number), "giving": giving}
        if choose(self._clean_up, "IsAnythingHeld", **given)[0] != "GiveBack":
            return None
        values = self._clean_up.states["GiveBack"]["Arguments"]["ExpressionAttributeValues"]
        return _held(evaluate(values, version=seen["version"], wasWrittenTo=True, jobStoppedAt=1, **given))

    def _held_again(self, number: int, holders: tuple[Held, ...]) -> tuple[str, tuple[Held, ...]]:
        """What a reclaim does that has read these holders, and the holders that it writes."""
        given = {"prefix": self._prefixes[number], "target": _name(number)}
        seen = assigned(self._clean_up, "ReadPrefixHolders", item(1, holders), **given)
        asked = {"target": given["target"], "noted": True, "tries": 0, "holdingError": ""}
        leads_to, decided = choose(self._clean_up, "IsPrefixFree", **seen, **asked)
        if leads_to != "HoldPrefix":
            return ("leave" if "leaveReason" in decided else "go on"), holders
        values = self._clean_up.states["HoldPrefix"]["Arguments"]["ExpressionAttributeValues"]
        written = evaluate(values, **seen, **given, executionTag=given["target"], jobStoppedAt=1)
        return "write", _held(written)

    # ------------------------------------------------------------------ what must hold

    def check(self, world: World) -> None:
        """That nobody shares what must not be shared, and no run that lives was robbed."""
        lanes = [held.lane for held in world.holders if held.lane]
        assert len(lanes) == len(set(lanes)), f"two runs hold a lane: {world}"
        prefixes = [held.prefix for held in world.holders]
        clashes = [
            (one, other) for at, one in enumerate(prefixes) for other in prefixes[at + 1 :] if overlap(one, other)
        ]
        assert not clashes, f"two runs hold overlapping prefixes: {world}"
        for number, phase in enumerate(world.runs):
            if phase in {"holding", "working", "mounting", "open"}:
                held = [one for one in world.holders if one.run == number]
                assert any(one.lane for one in held), f"run {number} lives and was robbed: {world}"
            if phase == "open":
                assert world.lanes[world.lane_of(number) - 1].enabled, f"run {number} lives without its queue: {world}"
        for number, status in enumerate(world.file_systems):
            if status == "exporting":
                held = [one for one in world.holders if one.run == number]
                assert held, f"the file system of run {number} exports under a prefix that anybody may take: {world}"
        for lane, seen in enumerate(world.lanes, start=1):
            holder = next((one.run for one in world.holders if one.lane == lane), None)
            if seen.enabled or seen.has_job:  # which may start at any moment
                assert seen.mounts is not None, f"a job starts without a file system: {world}"
                assert seen.mounts == holder, f"a job starts on the file system of another run: {world}"

    def _is_fair(self, number: int, holders: tuple[Held, ...], ahead: frozenset[int]) -> None:
        """The earliest run whose prefix is free takes the next lane."""
        free = self._lanes - sum(held.lane > 0 for held in holders)
        taken = [held.prefix for held in holders]
        for other in sorted(ahead):
            if not any(overlap(self._prefixes[other], prefix) for prefix in taken):
                taken.append(self._prefixes[other])
                free -= 1
        fair = free > 0 and not any(overlap(self._prefixes[number], prefix) for prefix in taken)
        assert fair, f"run {number} takes a lane before an earlier one: {holders}, ahead are {set(ahead)}"


def overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def assigned(definition: Definition, state: str, result: Any, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = evaluate(definition.states[state]["Assign"], {"result": result}, **variables)
    return found


def _name(number: int) -> str:
    return f"run-{number}"


def _held(values: dict[str, Any]) -> tuple[Held, ...]:
    """The holders that a write leaves behind."""
    return tuple(
        Held(int(one["M"]["run"]["S"].removeprefix("run-")), int(one["M"]["lane"]["N"]), one["M"]["prefix"]["S"])
        for one in values[":holders"]["L"]
    )


def item(version: int, holders: tuple[Held, ...]) -> dict[str, Any]:
    """The item that GetItem answers with."""
    entries = [
        {
            "M": {
                "run": {"S": _name(held.run)},
                "tag": {"S": _name(held.run)},
                "lane": {"N": str(held.lane)},
                "prefix": {"S": held.prefix},
                "takenAt": {"S": "2026-01-15T09:00:00Z"},
                "writtenUntil": {"N": "-1"},
            }
        }
        for held in holders
    ]
    return {"Item": {"version": {"N": str(version)}, "holders": {"L": entries}}}
