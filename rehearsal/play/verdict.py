"""What a rehearsal showed. Owns the judgement: what was lost, what was left behind, what was kept on purpose, and
whether that is what the scenario expects. It must never take the workflow's word for anything it can see in the
account."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ..aws.batch.job import TERMINAL
from ..aws.fsx.file_systems import FileSystem
from ..aws.states.executions import Execution
from .session import Played, Session

KEPT = re.compile(r"^Kept: (.+?) (\S+): (.*)$", re.MULTILINE)


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
    account, began = session.account, played.began
    account.associations.settle(account.clock.now())
    lost_files, lost_bytes = _lost(session)
    named = _named(played.executions)
    remaining = _remaining(session, named)
    retained = [
        {"type": thing["type"], "id": thing["id"], "reason": named[thing["id"]]}
        for thing in remaining
        if thing["id"] in named
    ]
    leaked = [thing for thing in remaining if thing["id"] not in named]
    first = played.first
    file_systems = list(account.file_systems.all.values())
    drained_at = _latest(one.content.last_exported_at for one in account.associations.all)
    deleted_at = _latest(one.deleting_at for one in file_systems)
    job_ended_at = _latest(job.stopped for job in account.jobs.all.values())
    exported_files, exported_bytes = _exported(session)
    facts: dict[str, Any] = {
        "scenario": played.scenario.name,
        "outcome": first.status,
        "error": first.error,
        "cause": first.cause,
        "output": first.output,
        "lost_files": lost_files,
        "lost_bytes": lost_bytes,
        "stale_objects": sum(one.content.stale() for one in account.associations.all),
        "leaked": leaked,
        "retained": retained,
        "drained_at": _since(began, drained_at),
        "deleted_at": _since(began, deleted_at),
        "idle_seconds": _difference(deleted_at, drained_at),
        "job_ended_at": _since(began, job_ended_at),
        "virtual_seconds": round(played.ended - began, 3),
        "wall_seconds": round(played.wall_seconds, 3),
        "transitions": sum(one.transitions for one in played.executions),
        "history_events": max(one.history_events for one in played.executions),
        "api_calls": played.api_calls,
        "executions": [_execution(one, began) for one in played.executions],
        "exported_files": exported_files,
        "exported_bytes": exported_bytes,
        "messages": played.messages,
    }
    why_not = _why_not(played, facts)
    return Verdict(facts, not why_not, why_not, played)


def _why_not(played: Played, facts: dict[str, Any]) -> list[str]:
    scenario = played.scenario
    reasons = []
    if facts["outcome"] != scenario.expect:
        reasons.append(f"the execution ended {facts['outcome']}, expected was {scenario.expect}")
    if scenario.expect_error is not None and facts["error"] != scenario.expect_error:
        reasons.append(f"its error was {facts['error']}, expected was {scenario.expect_error}")
    if facts["lost_files"]:
        reasons.append(f"{facts['lost_files']} files were lost")
    if facts["leaked"]:
        reasons.append("left behind: " + ", ".join(f"{thing['type']} {thing['id']}" for thing in facts["leaked"]))
    if scenario.execution.reclaim and facts["retained"]:
        reasons.append("the reclaim did not remove what was kept")
    if played.undelivered:
        reasons.append("events were not delivered: " + "; ".join(played.undelivered))
    return reasons


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


def _exported(session: Session) -> tuple[int, int]:
    groups = [group for link in session.account.associations.all for group in link.content.groups.values()]
    held = [(group.exported, group.bytes_each) for group in groups if group.exported_version]
    return sum(count for count, _ in held), sum(count * size for count, size in held)


def _named(executions: list[Execution]) -> dict[str, str]:
    """What the executions say they kept, by id: `retained` of an output, `Kept:` lines of a cause."""
    found: dict[str, str] = {}
    for execution in executions:
        if isinstance(execution.output, dict):
            for thing in execution.output.get("retained") or []:
                found[thing["id"]] = thing["reason"]
        for _, identifier, reason in KEPT.findall(execution.cause or ""):
            found[identifier] = reason
    return found


def _remaining(session: Session, named: dict[str, str]) -> list[dict[str, str]]:
    """What the run created and is still there; associations and tasks are part of their file system."""
    account = session.account
    found = [("file-system", one.id) for one in account.file_systems.living()]
    found += [("launch-template", identifier) for identifier in session.new_templates()]
    found += [("job-definition", arn) for arn, one in account.definitions.all.items() if one["status"] == "ACTIVE"]
    found += [("job", job.id) for job in account.jobs.all.values() if job.status not in TERMINAL]
    for environment in account.environments.all.values():
        template = environment.resources.get("launchTemplate", {}).get("launchTemplateId")
        if template in session.ever_templates() and template not in named:
            found.append(("compute-environment", environment.arn))
    return [{"type": kind, "id": identifier} for kind, identifier in found]


def _execution(execution: Execution, began: float) -> dict[str, Any]:
    return {
        "arn": execution.arn,
        "status": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "output": execution.output,
        "started_at": _since(began, execution.started),
        "stopped_at": _since(began, execution.stopped),
        "transitions": execution.transitions,
        "history_events": execution.history_events,
    }


def lifetime_seconds(file_system: FileSystem, now: float) -> float:
    """How long a file system was billed for."""
    return (file_system.deleted_at or now) - file_system.created


def _latest(moments: Any) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _since(began: float, moment: float | None) -> float | None:
    return None if moment is None else round(moment - began, 3)


def _difference(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else round(later - earlier, 3)
