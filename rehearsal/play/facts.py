"""The facts of the JSON report. Owns what is said of a whole play and what of each of its runs; times are seconds of
virtual time since the scenario's start. It must never take the workflow's word for anything it can see in the
account, and it judges nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..aws.batch.job import Job
from ..aws.fsx.space import GIB
from ..aws.fsx.tree import is_directory
from ..aws.states.executions import Execution
from . import measures, overwritten
from .belongings import Thing
from .ledger import Ledger
from .measures import Share
from .purposes import about
from .session import Played, Session


def of_play(session: Session, played: Played, remaining: list[Thing]) -> dict[str, Any]:
    """Everything. What there is one of in each run is the first one's; what can be added up or listed is of all."""
    began, witness, account = played.began, played.witness, session.account
    whole = Share.of(account)
    reasons = [(thing, witness.reason(thing)) for thing in remaining]
    holder = witness.ledger.holder_of_queue
    mine = Share.of_run(account, played.first.arn, holder) if played.are_several else whole
    facts: dict[str, Any] = {
        "scenario": played.scenario.name,
        **_ending(played.first),
        **_lost(whole),
        **_left(reasons),
        **_moments(mine, began),
        "attempts": _attempts(whole, began),
        "terminated_jobs": _terminated(whole, began),
        "submissions": played.strangers.facts(began),
        "virtual_seconds": round(played.ended - began, 3),
        "makespan_seconds": _makespan(played),
        "wall_seconds": round(played.wall_seconds, 3),
        "transitions": sum(one.transitions for one in played.at_work),
        "history_events": max(one.history_events for one in played.executions),
        "api_calls": played.api_calls,
        "executions": [_execution(one, began) for one in played.executions],
        **_exported(whole),
        "exported_to": _exported_to(mine),
        "foreign_mounts": measures.foreign_mounts(whole, holder),
        "unmet_faults": [fault.model_dump(by_alias=True, exclude_unset=True) for fault in played.unmet],
        "unmet_plans": [plan._asdict() for plan in played.unmet_plans],
        "messages": [message | {"at": _since(began, message["at"])} for message in witness.messages],
        "alarms": list(dict.fromkeys(witness.alarms)),
    }
    if played.are_several:
        facts["runs"] = [of_run(session, played, execution, reasons) for _, execution in played.runs]
    return facts


def of_run(
    session: Session, played: Played, execution: Execution, reasons: list[tuple[Thing, str | None]]
) -> dict[str, Any]:
    """The same of one run, by what belongs to it and by who worked for it, and its lane."""
    witness, began = played.witness, played.began
    share = Share.of_run(session.account, execution.arn, holder := witness.ledger.holder_of_queue)
    workers = [one for one in played.at_work if one is execution or about(one) == execution.arn]
    ended = measures.latest(one.stopped for one in workers)
    taken = witness.ledger.taken(execution.arn)
    queued = None if taken is None else taken[0] - execution.started
    calls = sum((witness.api_calls.get(one.arn, Counter()) for one in workers), Counter())
    return {
        "execution": execution.arn,
        "lane": _lane(witness.ledger, share.jobs) or (taken[1] if taken is not None else None),
        "queued_seconds": None if queued is None else round(queued, 3),
        "queued_for": [
            {"for": one.what, "runs": list(one.runs), "seconds": round(one.seconds, 3)}
            for one in witness.ledger.waits(execution.arn, execution.stopped or played.ended)
        ],
        "started_at": _since(began, execution.started),
        "stopped_at": _since(began, execution.stopped),
        **_ending(execution),
        **_lost(share),
        **_left([(thing, reason) for thing, reason in reasons if thing.execution == execution.arn]),
        **_moments(share, began),
        "attempts": _attempts(share, began),
        "terminated_jobs": _terminated(share, began),
        "virtual_seconds": None if ended is None else round(ended - execution.started, 3),
        "transitions": sum(one.transitions for one in workers),
        "history_events": max(one.history_events for one in workers),
        "api_calls": dict(sorted(calls.items())),
        **_exported(share),
        "exported_to": _exported_to(share),
        "foreign_mounts": measures.foreign_mounts(share, holder),
        "messages": [
            message | {"at": _since(began, message["at"])}
            for message, whose in zip(witness.messages, witness.spoken_of, strict=True)
            if whose == execution.arn
        ],
    }


def _lane(ledger: Ledger, jobs: list[Job]) -> int | None:
    """The number of the queue that a run's first job was submitted to."""
    return next((ledger.lane(job.queue) for job in jobs), None)


def _ending(execution: Execution) -> dict[str, Any]:
    return {
        "outcome": execution.status,
        "error": execution.error,
        "cause": execution.cause,
        "output": execution.output,
    }


def _left(reasons: list[tuple[Thing, str | None]]) -> dict[str, Any]:
    return {
        "leaked": [{"type": thing.type, "id": thing.id} for thing, reason in reasons if reason is None],
        "retained": [
            {"type": thing.type, "id": thing.id, "reason": reason} for thing, reason in reasons if reason is not None
        ],
    }


def _lost(share: Share) -> dict[str, int]:
    """Files on deleted file systems that S3 lacks, and files that never got onto one; and objects whose files were
    removed, renamed or replaced, with automatic export only, since an export task carries neither (rule 1 of the
    workflow). What older files of another file system have replaced is lost if that was before the file system's own
    deletion, and stale if it was later."""
    contents = [content for job in share.jobs for content in job.unmounted]
    deleted = [link for link in share.associations if link.file_system.deleting_at is not None]
    contents += [link.content for link in deleted]
    contents += [one.local for one in share.file_systems if one.deleting_at is not None and one.local is not None]
    counts = [content.lost() for content in contents]
    exporting = [link for link in deleted if link.request.get("S3", {}).get("AutoExportPolicy")]
    replaced = [overwritten.of(link, share.account.associations.all) for link in share.associations]
    return {
        "lost_files": sum(files for files, _ in counts) + sum(one.lost_files for one in replaced),
        "lost_bytes": sum(size for _, size in counts) + sum(one.lost_bytes for one in replaced),
        "stale_objects": sum(link.content.stale() for link in exporting) + sum(one.stale_objects for one in replaced),
    }


def _moments(share: Share, began: float) -> dict[str, Any]:
    drained_at, deleted_at = measures.drained_at(share), measures.deleted_at(share)
    overhead = measures.overhead_seconds(share)
    return {
        "drained_at": _since(began, drained_at),
        "deleted_at": _since(began, deleted_at),
        "idle_seconds": _difference(deleted_at, drained_at),
        "overhead_seconds": None if overhead is None else round(overhead, 3),
        "job_started_at": _since(began, measures.job_started_at(share)),
        "job_ended_at": _since(began, measures.job_ended_at(share)),
    }


def _attempts(share: Share, began: float) -> list[dict[str, Any]]:
    return [
        one | {key: _since(began, one[key]) for key in ("started_at", "stopped_at")} for one in measures.attempts(share)
    ]


def _terminated(share: Share, began: float) -> list[dict[str, Any]]:
    return [one | {"stopped_at": _since(began, one["stopped_at"])} for one in measures.terminated_jobs(share)]


def _exported_to(share: Share) -> str | None:
    """Where the results go: what the link with policies was made with."""
    return next((f"s3://{link.bucket}/{link.prefix}" for link in share.associations if not link.is_input), None)


def _exported(share: Share) -> dict[str, Any]:
    """Files and links, objects (a directory is one), and bytes that are in buckets; and how full it was at most."""
    held = [
        (key, group.exported, group.bytes_each)
        for link in share.associations
        for key, group in link.content.groups.items()
        if group.exported_version and not group.imported
    ]
    return {
        "exported_files": sum(count for key, count, _ in held if not is_directory(key)),
        "exported_objects": sum(count for _, count, _ in held),
        "exported_bytes": sum(count * size for _, count, size in held),
        "peak_gib": round(max((one.space.peak for one in share.file_systems), default=0) / GIB, 3),
    }


def _makespan(played: Played) -> float | None:
    """From the first start of a run to the last end of one."""
    executions = [execution for _, execution in played.runs]
    ended = [one.stopped for one in executions]
    if None in ended:
        return None
    return _difference(measures.latest(ended), min(one.started for one in executions))


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
