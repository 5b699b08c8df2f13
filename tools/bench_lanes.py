"""Measures how well many runs share a few lanes: part of `make bench`, or `python -m tools.bench_lanes`.

A hundred runs go over ten lanes with the real definitions, a thousand over twenty in the simulation beside the tests,
which asks the definitions for its decisions. The ideal is the sum of the times for which runs held a lane, from the
write that takes it to the write that gives it back, divided by the number of lanes.
"""

import functools
import json
import time
from typing import Any

from rehearsal.aws.calls import internally
from rehearsal.aws.clock import ORIGIN
from rehearsal.play.call_log import CallLog
from rehearsal.play.scenario import Scenario
from rehearsal.play.stage import staged
from tests.graph.recording import record_stack
from tests.workflow.conftest import definition_of
from tests.workflow.lane_simulation import Outcome, Simulation

JOB = {"start_delay": 180, "runtime": 1800, "writes": [{"at": 0, "over": 1700, "files": 10, "bytes_each": 1000}]}
STARTS_WITHIN_SECONDS = 60.0
# Nobody waits longer for a benchmark.
LONGEST_SECONDS = 30 * 86_400.0


def real(runs: int, lanes: int) -> Outcome:
    """So many runs of the deployed definitions, each with a prefix of its own, started within a minute."""
    outcome = Outcome(runs, lanes)
    scenario = Scenario.model_validate({"name": "bench", "description": "a queue", "job": JOB})
    with staged({"maxConcurrentRuns": str(lanes), "laneTimeoutMinutes": "20160"}) as stage:
        account, exports = stage.session.account, stage.session.exports
        account.reset(account.snapshot(), scenario)
        account.authorise()
        account.schedules.start(exports["cleanUpStateMachineArn"])
        log = CallLog(account.clock, ORIGIN)
        account.calls.observer = log.observe
        client, executions = account.client("stepfunctions"), account.executions.all

        def start(number: int) -> None:
            with internally():
                given = json.dumps({"keyPrefix": f"run-{number}/"})
                client.start_execution(stateMachineArn=exports["stateMachineArn"], input=given)

        began = account.clock.now() - ORIGIN
        for number in range(runs):
            account.clock.after(STARTS_WITHIN_SECONDS * number / runs, functools.partial(start, number))
        account.clock.advance(STARTS_WITHIN_SECONDS)
        account.clock.run(
            account.clock.now() + LONGEST_SECONDS,
            stop=lambda: all(one.status != "RUNNING" for one in executions.values()),
        )
        failed = [one for one in executions.values() if one.status != "SUCCEEDED"]
        if failed:
            raise SystemExit(f"bench: {failed[0].name}: {failed[0].error}: {failed[0].cause}")
        outcome.calls.update(account.calls.counts)
        outcome.refused.update(
            f"{call['service']}:{call['operation']}" for call in log.calls if _is_throttled(call.get("error", {}))
        )
    held: dict[str, float] = {}
    for call in log.calls:
        if call["operation"] != "UpdateItem" or "answer" not in call or call["service"] != "dynamodb":
            continue
        entries = call["parameters"]["ExpressionAttributeValues"].get(":holders", {"L": []})["L"]
        now = {entry["M"]["run"]["S"] for entry in entries if entry["M"]["lane"]["N"] != "0"}
        for run in now - set(held):
            held[run] = call["at"]
        for run in set(held) - now:
            outcome.lane_seconds += call["at"] - held.pop(run)
            outcome.makespan = call["at"] - began
    return outcome


def _is_throttled(error: dict[str, Any]) -> bool:
    return error.get("message") == "Rate exceeded"


def simulated(runs: int, lanes: int) -> Outcome:
    graph = record_stack({"maxConcurrentRuns": str(lanes), "laneTimeoutMinutes": "20160"})
    return Simulation(definition_of(graph, "run"), definition_of(graph, "clean_up"), runs).play()


def line(outcome: Outcome, what: str) -> str:
    throttled = sum(outcome.refused.values()) - outcome.refused["conflict"]
    return (
        f"{outcome.runs:>5} runs over {outcome.lanes:>2} lanes, {what:<15}"
        f" {outcome.makespan / 3600:6.1f} h, {outcome.over_ideal:5.1%} over the ideal (aim: 10 %),"
        f" a lane idle {outcome.idle_seconds_a_run:4.0f} s a run, {outcome.calls_a_run:4.0f} calls a run,"
        f" {throttled} throttled"
    )


def main() -> None:
    for runs, lanes in ((20, 10), (100, 10)):
        began = time.perf_counter()
        print(f"{line(real(runs, lanes), 'the definitions')} ({time.perf_counter() - began:.0f} s)", flush=True)
    for runs, lanes in ((100, 10), (100, 20), (300, 20), (1000, 20)):
        began = time.perf_counter()
        print(f"{line(simulated(runs, lanes), 'only the queue')} ({time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
