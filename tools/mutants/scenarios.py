"""What the tests let live meets the scenarios that visit its state."""

from __future__ import annotations

from typing import Any

from lustre_batch import definition

from rehearsal.play.scenario import load, names
from rehearsal.play.verdict import judge
from tools.mutants.definitions import as_broken
from tools.mutants.mutant import Key, Mutant
from tools.scenarios import PAGE, row, sessions

SCENARIOS_EACH = 12  # the shortest that visit its state


def visits() -> dict[str, set[Key]]:
    """Which states each scenario visits, undisturbed; those that do not end as they expect are left out."""
    visited: dict[str, set[Key]] = {}
    for session, scenario in sessions(map(load, names())):
        seen: set[Key] = set()
        clean_up = session.exports["cleanUpStateMachineArn"]

        def watch(execution: Any, state: str, kind: str, *, seen: set[Key] = seen, clean_up: str = clean_up) -> None:
            seen.add(("clean_up" if execution.machine_arn == clean_up else "run", state))

        if judge(session, session.play(scenario, watch)).passed:
            visited[scenario.name] = seen
    return visited


def scenarios_notice(visited: dict[str, set[Key]], mutant: Mutant) -> bool:
    """By the verdict, or by a line of docs/scenarios.md that is not true any more, as the tests would."""
    read, lines = definition.read, PAGE.read_text("utf-8").splitlines()
    definition.read = lambda name: as_broken(mutant, name, read(name))
    chosen = sorted((name for name in visited if mutant.key in visited[name]), key=lambda name: len(visited[name]))
    for session, scenario in sessions(map(load, chosen[:SCENARIOS_EACH])):
        verdict = judge(session, session.play(scenario))
        if not verdict.passed or row(verdict.facts, scenario.description) not in lines:
            return True
    return False
