"""What a rehearsal showed. Owns the judgement of its facts: whether what stays may, whether what was said is true, and
whether all that is what the scenario expects of each run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from . import facts
from .belongings import Thing
from .session import Played, Session
from .words import contradictions


@dataclass
class Verdict:
    """The facts of the JSON report; times are seconds of virtual time since the scenario's start."""

    facts: dict[str, Any]
    passed: bool
    why_not: list[str]
    played: Played

    def json(self) -> str:
        return json.dumps(self.facts, default=str)


def judge(session: Session, played: Played) -> Verdict:
    account = session.account
    account.associations.settle(account.clock.now())
    remaining = session.belongings.all()
    found = facts.of_play(session, played, remaining)
    why_not = _why_not(session, played, found, remaining)
    return Verdict(found, not why_not, why_not, played)


def _why_not(session: Session, played: Played, found: dict[str, Any], remaining: list[Thing]) -> list[str]:
    reasons = _unexpected(played)
    if found["lost_files"]:
        reasons.append(f"{found['lost_files']} files were lost")
    if found["stale_objects"]:
        reasons.append(f"{found['stale_objects']} objects are stale")
    if found["foreign_mounts"]:
        which = "that mounted no file system or that of another run"
        reasons.append(f"{found['foreign_mounts']} attempts ran on an instance {which}")
    if found["leaked"]:
        reasons.append("left behind: " + ", ".join(f"{thing['type']} {thing['id']}" for thing in found["leaked"]))
    reasons += [
        f"{thing['type']} {thing['id']} stays ({thing['reason']}), although the trouble has passed"
        for thing in found["retained"]
        if not may_stay(session, played, str(thing["type"]), str(thing["id"]), remaining)
    ]
    reasons += [
        f"{one.key}, a job of somebody else, was " + ("taken" if one.job is not None else f"refused: {one.refusal}")
        for one in played.strangers.made
        if not one.is_as_planned
    ]
    reasons += dict.fromkeys(played.witness.ledger.clashes())
    reasons += contradictions(played.witness.statements)
    reasons += [f"{one.name} never ended" for one in played.executions if one.status == "RUNNING"]
    if any(run.execution.reclaim for run, _ in played.runs) and found["retained"]:
        reasons.append("the reclaim did not remove what was kept")
    expected = played.scenario.expect_alarms
    if expected is not None and sorted(expected) != sorted(found["alarms"]):
        words = [", ".join(names) or "none" for names in (found["alarms"], expected)]
        reasons.append(f"the alarms that went off: {words[0]}, expected: {words[1]}")
    if played.undelivered:
        reasons.append("events were not delivered: " + "; ".join(played.undelivered))
    return reasons


def _unexpected(played: Played) -> list[str]:
    """Which of the runs ended otherwise than the scenario says, and how."""
    reasons = []
    for number, (run, execution) in enumerate(played.runs, 1):
        which = f" (run {number})" if played.are_several else ""
        if execution.status != run.expect:
            reasons.append(f"the execution ended {execution.status}, expected was {run.expect}{which}")
        if run.expect_error is not None and execution.error != run.expect_error:
            reasons.append(f"its error was {execution.error}, expected was {run.expect_error}{which}")
    return reasons


def may_stay(session: Session, played: Played, kind: str, identifier: str, remaining: list[Thing]) -> bool:
    """Rule 5 of the workflow: a file system is kept for good for four reasons only, and nothing else is, but for what a
    job stands on that will not stop. Trouble that is planned for good is none that passes."""
    account, scenario = session.account, played.scenario
    mine = next((thing.execution for thing in remaining if thing.id == identifier), None)
    whose = [run for run, execution in played.runs if execution.arn == mine] or [run for run, _ in played.runs]
    if any(scenario.never_passes_for(run) for run in whose):
        return True
    if any(thing.type == "job" and thing.execution == mine for thing in remaining):
        return True
    if kind == "lane":  # it is held as long as there is something to remove
        return any(
            may_stay(session, played, thing.type, thing.id, remaining)
            for thing in remaining
            if thing.execution == mine and thing.type == "file-system"
        )
    if kind != "file-system":
        return False
    if any(session.parameter(scenario, run, "deleteLustre") in (False, "false") for run in whose):
        return True
    links = account.associations.of(account.file_systems.all[identifier])
    if any(link.lifecycle in {"FAILED", "MISCONFIGURED"} for link in links):
        return True
    return any(group.refused and not group.deleted for link in links for group in link.content.groups.values())
