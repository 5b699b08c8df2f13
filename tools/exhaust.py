"""Every call of a run and of its clean-ups failed in every way, and every state of it stopped: `make exhaust`.

Some plays are recorded as they go undisturbed. Then each is played again once for every call that it made and every way
in which that may fail, and once for every moment at which it may be stopped. A case passes only if nothing was lost,
stale or left, a file system stays for none but the four reasons of rule 5, and what was said is true. There are no
excuses. The result is the table in docs/faults.md.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from rehearsal.play.output import whole_number
from rehearsal.play.purposes import is_sweep
from rehearsal.play.scenario import parse
from rehearsal.play.session import Session
from rehearsal.play.turns import overtaken
from rehearsal.play.verdict import judge
from rehearsal.provider.mocks import deploy

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
VERIFICATIONS = ("task", "metrics")

# A job that leaves deletions and renames behind up to its last second, so that nothing that travels by the queue alone
# can be missed unseen.
JOB = {
    "runtime": 600,
    "writes": [
        {"at": 0, "over": 600, "files": 30, "deletes_previous": True},
        {"at": 300, "over": 300, "files": 20, "renames": True},
        {"at": 570, "over": 30, "files": 2000, "bytes_each": 10240},
    ],
}
# What is recorded. Calls of a later play are played only in states that no earlier one visits.
BASES: dict[str, dict[str, Any]] = {
    "a run": {"job": JOB},
    "a run that is stopped": {"job": JOB, "execution": {"abort_at": 1000}, "expect": "ABORTED"},
    "a run that the sweep finds": {
        "job": JOB,
        "execution": {"abort_at": 1000},
        "events": {"delivered": False},
        "expect": "ABORTED",
    },
    "a run whose export an import precedes": {
        "job": JOB,
        "association": {"import": 40000},
        "execution": {"abort_at": 700},
        "expect": "ABORTED",
    },
    "a reclaim": {"job": JOB, "input": {"deleteLustre": False}, "execution": {"reclaim": True}},
    "two runs": {"job": JOB, "execution": {"again_at": 60}},
    "a run that waits for one that died": {
        "job": JOB,
        "events": {"delivered": False},
        "runs": [
            {"at": 0, "execution": {"abort_at": 1000, "clean_up_abort_at": 0}, "expect": "ABORTED"},
            {"at": 60},
        ],
    },
}

MINUTES_20, HOURS_5 = 1200, 18_000
# More often than any step asks again; `throttled` outlasts every retry of one visit.
THROTTLES = 35
# A refusal as each service words it, which no retry of the definition takes for a passing one.
REFUSALS = {"fsx": "BadRequest", "batch": "ClientException", "dynamodb": "ResourceNotFoundException"}
KINDS = ("refused", "throttled to the end", "away for 20 minutes", "away for 5 hours", "answer lost", "hangs")
STOPS = ("stopped", "stopped, FSx away for 5 hours", "stopped, event twice", "stopped, event late", "stopped, no event")
CLEAN_UP_STOP = "clean-up stopped"


@dataclass(frozen=True)
class Case:
    """One play: a recorded one with one thing done to it."""

    base: str
    verification: str
    state: str
    occurrence: int
    kind: str
    content: dict[str, Any] = field(compare=False)

    @property
    def name(self) -> str:
        return f"{self.base}, {self.verification}: {self.state} #{self.occurrence}, {self.kind}"


@dataclass(frozen=True)
class Result:
    case: Case
    ending: str
    gone_at: float  # when the last execution that worked on it had ended
    why_not: tuple[str, ...]


@dataclass
class Recording:
    """What an undisturbed play did: its calls with their state, and when each state was entered."""

    calls: list[dict[str, Any]]
    entered: list[tuple[float, str, bool]]  # at, state, whether by a clean-up


@functools.cache
def _account() -> Account:
    return Account().__enter__()  # until `close`, or for the life of the process


def close() -> None:
    """Leave the account that the plays shared, so that whatever comes next in this process has one of its own."""
    if _account.cache_info().currsize:
        _account().__exit__(None, None, None)
    session.cache_clear()
    _account.cache_clear()


@functools.cache
def session(verification: str) -> Session:
    account = _account()
    return Session(account, deploy(account, config={"exportVerification": verification}).exports)


def record(base: str, verification: str) -> Recording:
    """Play a base undisturbed."""
    stage, entered = session(verification), []
    began: list[float] = []
    clean_up = stage.exports["cleanUpStateMachineArn"]

    def watch(execution: Execution, state: str, kind: str) -> None:
        began.append(execution.started)
        if not is_sweep(execution):
            at = execution.clock.now() - began[0]
            entered.append((at, state, execution.machine_arn == clean_up))

    played = stage.play(parse(BASES[base], base), watch, log_calls=True)
    verdict = judge(stage, played)
    if not verdict.passed:
        raise SystemExit(f"exhaust: {base}, {verification}, undisturbed: {'; '.join(verdict.why_not)}")
    assert played.calls is not None
    return Recording(played.calls.calls, entered)


def cases(verification: str) -> Iterator[Case]:
    """Every case of one way of verifying."""
    known: set[str] = set()
    for base in BASES:
        recording = record(base, verification)
        yield from _faults(base, verification, recording, known)
        if base == "a run":
            yield from _stops(base, verification, recording)
        known |= {str(call["state"]) for call in recording.calls}


def _faults(base: str, verification: str, recording: Recording, known: set[str]) -> Iterator[Case]:
    occurrences: dict[str, int] = defaultdict(int)
    for call in recording.calls:
        operation = f"{call['service']}:{call['operation']}"
        state = call["state"]
        if state is None or state in known:
            continue
        occurrence = occurrences[state] = occurrences[state] + 1
        for kind in KINDS:
            fault = _fault(kind, call, operation, state, occurrence)
            yield Case(base, verification, state, occurrence, kind, {**BASES[base], "faults": [fault]})


def _fault(kind: str, call: dict[str, Any], operation: str, state: str, occurrence: int) -> dict[str, Any]:
    service, at = call["service"], max(0.0, call["at"] - 0.05)
    once = {"call": operation, "state": state, "skip": occurrence - 1}
    away = {"call": f"{service}:*", "error": "InternalServerError", "at": at}
    return {
        "refused": once | {"error": REFUSALS.get(service, "AccessDeniedException"), "times": 1},
        "throttled to the end": once | {"error": "ThrottlingException", "times": THROTTLES},
        "away for 20 minutes": away | {"for": MINUTES_20},
        "away for 5 hours": away | {"for": HOURS_5},
        "answer lost": once | {"error": "InternalServerError", "times": 1, "after": True},
        "hangs": once | {"error": "hang", "times": 1},
    }[kind]


def _stops(base: str, verification: str, recording: Recording) -> Iterator[Case]:
    """StopExecution right after each state was entered, once before and once after the call of a Task takes effect."""
    content = BASES[base] | {"expect": "ABORTED"}
    occurrences: dict[str, int] = defaultdict(int)
    begun = next(at for at, _, by_clean_up in recording.entered if by_clean_up)
    for at, state, by_clean_up in recording.entered:
        occurrence = occurrences[state] = occurrences[state] + 1
        for seconds in (0.05, 0.15):
            stop = {"abort_at": round(at + seconds, 3)}
            away = {"call": "fsx:*", "error": "InternalServerError", "at": stop["abort_at"], "for": HOURS_5}
            how: tuple[dict[str, Any], ...] = (
                {},
                {"faults": [away]},
                {"events": {"twice": True}},
                {"events": {"delay": 7200}},
                {"events": {"delivered": False}},
            )
            for kind, extra in zip(STOPS, how, strict=True):
                if seconds == 0.05 or kind == "stopped":
                    yield Case(base, verification, state, occurrence, kind, {**content, "execution": stop, **extra})
            if by_clean_up:
                stop = {"clean_up_abort_at": round(at - begun + seconds, 3)}
                died = {**content, "expect": "FAILED", "execution": stop}
                yield Case(base, verification, state, occurrence, CLEAN_UP_STOP, died)


def play(case: Case) -> Result:
    """Play one case; how it ended is not judged by what the base expected, only by what is left of it."""
    stage = session(case.verification)
    scenario = parse(case.content, case.name)
    verdict = judge(stage, stage.play(scenario, log_calls=True))
    facts = verdict.facts
    # Trouble may change how the run itself ended (`CleanUpPending`, or an error of its own before the job), not more.
    why_not = [reason for reason in verdict.why_not if not reason.startswith("the execution ended ")]
    why_not += overtaken(verdict.played)
    ending = facts["error"] or facts["outcome"]
    return Result(case, str(ending), verdict.played.ended - verdict.played.began, tuple(why_not))


def run(chosen: list[Case], processes: int, progress: bool = True) -> list[Result]:
    """Play the cases on several processes."""
    results: list[Result] = []
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for result in pool.imap_unordered(play, chosen, chunksize=4):
            results.append(result)
            if progress and result.why_not:
                print(f"\r{_failure(result)}", file=sys.stderr)
            if progress and (len(results) % 10 == 0 or len(results) == len(chosen)):
                failed = sum(bool(one.why_not) for one in results)
                line = f"\r{len(results):,} of {len(chosen):,} cases, {failed} failed, {_pace(results, began)}"
                print(line, end="", file=sys.stderr, flush=True)
    if progress:
        print(file=sys.stderr)
    return results


def _failure(result: Result) -> str:
    return f"{result.case.name}: {result.ending}: {'; '.join(result.why_not)}"


def _pace(results: list[Result], began: float) -> str:
    return f"{(time.perf_counter() - began) / len(results):.2f} s each"


def table(results: Iterable[Result], kinds: Iterable[str]) -> str:
    """State × kind → how the run ended, and when the last of it was gone in the worst case."""
    cells: dict[tuple[str, str], list[Result]] = defaultdict(list)
    states: dict[str, None] = {}
    for result in results:
        cells[result.case.state, result.case.kind].append(result)
        states[result.case.state] = None
    kinds = list(kinds)
    lines = ["| state | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for state in states:
        if any((state, kind) in cells for kind in kinds):
            lines.append(f"| `{state}` | " + " | ".join(_cell(cells[state, kind]) for kind in kinds) + " |")
    return "\n".join(lines)


def _cell(results: list[Result]) -> str:
    if not results:
        return "–"
    failed = sum(bool(one.why_not) for one in results)
    endings = ", ".join(sorted({one.ending for one in results}))
    last = max(one.gone_at for one in results)
    words = f"{endings}; gone after {last / 3600:.1f} h"
    return f"**{failed} of {len(results)} failed** ({words})" if failed else words


def page(results: list[Result]) -> str:
    parts = [
        "# What happens when calls fail",
        "",
        "Made by `make exhaust`, which plays each case on the embedded AWS: every call that a state of a run, of its",
        "clean-up or of the sweep makes, each time it is made, failed in every way; and StopExecution in every state.",
        "A case passes only if no byte was lost, nothing in S3 is stale, nothing is left, and what was said is true.",
        "There are no exceptions. A cell says how the run ended and after how many hours, in the slowest of its cases,",
        "the last of what it created was gone. An undisturbed run takes half an hour.",
        "",
        "- **refused**: one call is answered with an error that no retry is made for.",
        "- **throttled to the end**: the call is throttled more often than it is asked again.",
        "- **away**: the whole service answers with server errors for that time.",
        "- **answer lost**: the call takes effect, and is answered with a server error.",
        "- **hangs**: no answer comes until the state's time-out.",
        "- **stopped**: StopExecution of the run; *event late* is two hours, *no event* leaves it to the sweep.",
        "- **clean-up stopped**: StopExecution of the clean-up that the run waits for.",
        "",
    ]
    failed = [one for one in results if one.why_not]
    parts += [f"{len(results):,} cases, {len(failed)} of them failed.", ""]
    for verification in VERIFICATIONS:
        mine = [one for one in results if one.case.verification == verification]
        parts += [f"## `exportVerification: {verification}`: calls that fail", "", table(mine, KINDS), ""]
        parts += [f"## `exportVerification: {verification}`: executions that are stopped", ""]
        parts += [table(mine, (*STOPS, CLEAN_UP_STOP)), ""]
    return "\n".join(parts)


def sample(chosen: list[Case], number: int) -> list[Case]:
    """So many cases, evenly spread."""
    number = min(number, len(chosen))
    return [chosen[index * len(chosen) // number] for index in range(number)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.exhaust", description=__doc__)
    parser.add_argument("--cases", default=None, metavar="N", help="only N of them, evenly spread")
    parser.add_argument("--only", default="", metavar="WORDS", help="only those whose name has these words")
    parser.add_argument("--processes", default="2", metavar="N", help="how many at once")
    parser.add_argument("--write", action="store_true", help="write docs/faults.md as well")
    options = parser.parse_args(arguments)
    chosen = [case for verification in VERIFICATIONS for case in cases(verification)]
    chosen = [case for case in chosen if options.only in case.name]
    if options.cases is not None:
        chosen = sample(chosen, whole_number("exhaust", "N", options.cases))
    results = run(chosen, whole_number("exhaust", "--processes", options.processes))
    order = {case.name: number for number, case in enumerate(chosen)}
    results.sort(key=lambda one: order[one.case.name])
    failed = [one for one in results if one.why_not]
    for one in failed:
        print(_failure(one))
    if failed:
        print("a scenario file that shows the first:\n" + yaml.safe_dump(failed[0].case.content, sort_keys=False))
    print(f"{len(results):,} cases, {len(failed)} failed")
    if options.write:
        PAGE.write_text(page(results), "utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
