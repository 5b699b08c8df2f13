"""What a rehearsal showed. Owns the judgement: what was lost or stale, what was left behind, what stays and whether it
may, whether what was said is true, and whether all that is what the scenario expects. It must never take the workflow's
word for anything it can see in the account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..aws.fsx.space import GIB
from ..aws.fsx.tree import is_directory
from ..aws.states.executions import Execution
from . import measures
from .belongings import Thing
from .scenario import Scenario
from .session import Played, Session
from .words import contradictions


@dataclass
class Verdict:
    """The facts of the JSON report; times are seconds of virtual time since the execution started."""

    facts: dict[str, Any]
    passed: bool
    why_not: list[str]
    played: Played

    def json(self) -> str:
        return json.dumps(self.facts, default=str)


def judge(session: Session, played: Played) -> Verdict:
    account, began, witness = session.account, played.began, played.witness
    account.associations.settle(account.clock.now())
    lost_files, lost_bytes = _lost(session)
    remaining = session.belongings.all()
    reasons = [(thing, witness.reason(thing)) for thing in remaining]
    retained = [
        {"type": thing.type, "id": thing.id, "reason": reason} for thing, reason in reasons if reason is not None
    ]
    leaked = [{"type": thing.type, "id": thing.id} for thing, reason in reasons if reason is None]
    first = played.first
    exported_files, exported_objects, exported_bytes = _exported(session)
    drained_at, deleted_at = measures.drained_at(account), measures.deleted_at(account)
    overhead = measures.overhead_seconds(account)
    facts: dict[str, Any] = {
        "scenario": played.scenario.name,
        "outcome": first.status,
        "error": first.error,
        "cause": first.cause,
        "output": first.output,
        "lost_files": lost_files,
        "lost_bytes": lost_bytes,
        "stale_objects": _stale(session),
        "leaked": leaked,
        "retained": retained,
        "drained_at": _since(began, drained_at),
        "deleted_at": _since(began, deleted_at),
        "idle_seconds": _difference(deleted_at, drained_at),
        "overhead_seconds": None if overhead is None else round(overhead, 3),
        "job_started_at": _since(began, measures.job_started_at(account)),
        "job_ended_at": _since(began, measures.job_ended_at(account)),
        "attempts": [
            one | {key: _since(began, one[key]) for key in ("started_at", "stopped_at")}
            for one in measures.attempts(account)
        ],
        "virtual_seconds": round(played.ended - began, 3),
        "wall_seconds": round(played.wall_seconds, 3),
        "transitions": sum(one.transitions for one in played.at_work),
        "history_events": max(one.history_events for one in played.executions),
        "api_calls": played.api_calls,
        "executions": [_execution(one, began) for one in played.executions],
        "exported_files": exported_files,
        "exported_objects": exported_objects,
        "exported_bytes": exported_bytes,
        "peak_gib": round(max((one.space.peak for one in account.file_systems.all.values()), default=0) / GIB, 3),
        "unmet_faults": [fault.model_dump(by_alias=True, exclude_unset=True) for fault in played.unmet],
        "messages": [message | {"at": _since(began, message["at"])} for message in witness.messages],
    }
    why_not = _why_not(session, played, facts, remaining)
    return Verdict(facts, not why_not, why_not, played)


def _why_not(session: Session, played: Played, facts: dict[str, Any], remaining: list[Thing]) -> list[str]:
    scenario = played.scenario
    reasons = []
    if facts["outcome"] != scenario.expect:
        reasons.append(f"the execution ended {facts['outcome']}, expected was {scenario.expect}")
    if scenario.expect_error is not None and facts["error"] != scenario.expect_error:
        reasons.append(f"its error was {facts['error']}, expected was {scenario.expect_error}")
    if facts["lost_files"]:
        reasons.append(f"{facts['lost_files']} files were lost")
    if facts["stale_objects"]:
        reasons.append(f"{facts['stale_objects']} objects are stale")
    if facts["leaked"]:
        reasons.append("left behind: " + ", ".join(f"{thing['type']} {thing['id']}" for thing in facts["leaked"]))
    reasons += [
        f"{thing['type']} {thing['id']} stays ({thing['reason']}), although the trouble has passed"
        for thing in facts["retained"]
        if not may_stay(session, scenario, str(thing["type"]), str(thing["id"]), remaining)
    ]
    reasons += contradictions(played.witness.statements)
    reasons += [f"{one.name} never ended" for one in played.executions if one.status == "RUNNING"]
    if scenario.execution.reclaim and facts["retained"]:
        reasons.append("the reclaim did not remove what was kept")
    if played.undelivered:
        reasons.append("events were not delivered: " + "; ".join(played.undelivered))
    return reasons


def may_stay(session: Session, scenario: Scenario, kind: str, identifier: str, remaining: list[Thing]) -> bool:
    """Rule 5 of the workflow: a file system is kept for good for four reasons only, and nothing else is, but for what a
    job stands on that will not stop. Trouble that is planned for good is none that passes."""
    account = session.account
    if scenario.never_passes:
        return True
    mine = next((thing.execution for thing in remaining if thing.id == identifier), None)
    if any(thing.type == "job" and thing.execution == mine for thing in remaining):
        return True
    if kind == "lane":  # it is held as long as there is something to remove
        return any(
            may_stay(session, scenario, thing.type, thing.id, remaining)
            for thing in remaining
            if thing.execution == mine and thing.type == "file-system"
        )
    if kind != "file-system":
        return False
    if session.parameter(scenario, "deleteLustre") in (False, "false"):
        return True
    links = account.associations.of(account.file_systems.all[identifier])
    if any(link.lifecycle in {"FAILED", "MISCONFIGURED"} for link in links):
        return True
    return any(group.refused and not group.deleted for link in links for group in link.content.groups.values())


def _lost(session: Session) -> tuple[int, int]:
    """Files on deleted file systems that S3 lacks, and files that never got onto one."""
    account = session.account
    contents = [content for job in account.jobs.all.values() for content in job.unmounted]
    for file_system in account.file_systems.all.values():
        if file_system.deleting_at is not None:
            contents += [association.content for association in account.associations.of(file_system)]
            contents += [file_system.local] if file_system.local is not None else []
    counts = [content.lost() for content in contents]
    return sum(files for files, _ in counts), sum(size for _, size in counts)


def _stale(session: Session) -> int:
    """Objects of deleted file systems whose files were removed, renamed or replaced; with automatic export only, since
    an export task carries neither (rule 1 of the workflow)."""
    return sum(
        link.content.stale()
        for link in session.account.associations.all
        if link.file_system.deleting_at is not None and link.request.get("S3", {}).get("AutoExportPolicy")
    )


def _exported(session: Session) -> tuple[int, int, int]:
    """Files and links, objects (a directory is one), and bytes that are in buckets."""
    held = [
        (key, group.exported, group.bytes_each)
        for link in session.account.associations.all
        for key, group in link.content.groups.items()
        if group.exported_version and not group.imported
    ]
    files = sum(count for key, count, _ in held if not is_directory(key))
    return files, sum(count for _, count, _ in held), sum(count * size for _, count, size in held)


def _execution(execution: Execution, began: float) -> dict[str, Any]:
    return {
        "arn": execution.arn,
        "machine": execution.machine_arn.rpartition(":")[2],
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "output": execution.output,
        "started_at": _since(began, execution.started),
        "stopped_at": _since(began, execution.stopped),
        "transitions": execution.transitions,
        "history_events": execution.history_events,
    }


def _since(began: float, moment: float | None) -> float | None:
    return None if moment is None else round(moment - began, 3)


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else round(later - earlier, 3)
