"""What an account knows of a run that is over, or goes on: from the histories of its executions, from Batch and FSx.

`gather` gathers, `told` makes the run of a story of it; whoever knows more, as a rehearsal does, adds it in between.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ..operate import phases, runs
from ..operate.problems import Problem
from ..operate.stack import Stack
from ..prices import PRICED_REGION, file_system_dollars, storage_price
from . import decision, jobs, queued, story
from .evidence import Evidence
from .facts import NONE
from .record import Record

_DAY: Final = 86_400.0
# A clean-up that the rule starts begins within minutes of the run's end.
_RULE_SECONDS: Final = 3600.0
# Ninety days of hourly sweeps are 2,160: Step Functions remembers no more.
_MOST_CLEAN_UPS: Final = 5000
NEVER: Final = float("-inf")


def gather(stack: Stack, arn: str, *, origin: float | None = None, clean_ups: Sequence[str] | None = None) -> Evidence:
    """Gather what there is of a run. Its clean-ups are found by their names, unless they are given.

    Raises
    ------
    Problem
        When there is no such run.
    """
    described = runs.describe(stack, arn)
    record = Record(arn, phases.RUN)
    record.read(stack)
    start = described["startDate"].timestamp()
    found = []
    for each in _clean_ups(stack, described, _created(record)) if clean_ups is None else clean_ups:
        cleaned = Record(each, phases.CLEAN_UP)
        cleaned.read(stack)
        found.append((cleaned, runs.describe(stack, each)))
    found.sort(key=lambda pair: pair[1]["startDate"])
    now = datetime.datetime.now(datetime.UTC).timestamp()
    ends = [one.get("stopDate") for one in (described, *(each for _, each in found))]
    origin = start if origin is None else origin
    seen = Evidence(
        stack=stack,
        arn=arn,
        origin=origin,
        record=record,
        clean_ups=found,
        described=described,
        began=start - origin,
        until=(now if None in ends else max(end.timestamp() for end in ends if end is not None)) - origin,
        now=now - origin,
    )
    _look_at_file_system(seen)
    seen.jobs, seen.attempts = jobs.of_run(seen, seen.unknown)
    return seen


def told(seen: Evidence) -> story.Run:
    """The run, as the page tells it."""
    system = _file_system(seen)
    decided = _decision(seen)
    nothing = system is None
    was_exported = any({"CheckMetrics", "FindExportTasks"} & record.entered.keys() for record, _ in seen.clean_ups)
    spans = story.spans(
        _phases(seen),
        seen.attempts,
        jobs_ended_at=seen.job_ended_at,
        drained_at=NEVER if nothing or not (was_exported or seen.drained_at) else seen.drained_at,
        deleted_at=NEVER if nothing else seen.deleted_at,
        gone_at=NEVER if nothing else seen.gone_at,
    )
    return story.Run(
        name=seen.arn.rpartition(":")[2],
        began=seen.began,
        until=seen.until,
        spans=spans,
        attempts=tuple(seen.attempts),
        series=tuple(seen.series),
        ages=tuple(one for one in seen.ages if one.at <= seen.until),
        looks=tuple(look for record, _ in seen.clean_ups for look in decision.looks(record, seen.since)),
        decision=decided,
        file_system=system,
        facts=_facts(seen) | seen.facts,
        cause=str(seen.described.get("cause") or ""),
        unknown=tuple(seen.unknown),
    )


def is_named_after(clean_up: str, things: Iterable[str]) -> bool:
    """Whether a clean-up has the hash of a run, or of a file system, in its name."""
    return not {runs.md5(each) for each in things}.isdisjoint(clean_up.split("-"))


def _created(record: Record) -> dict[str, Any]:
    """The file system, as FSx answered."""
    made = record.last("CreateFileSystem")
    return dict(made.answer.get("FileSystem", {})) if made is not None else {}


def _clean_ups(stack: Stack, described: dict[str, Any], created: dict[str, Any]) -> Iterator[str]:
    """By their names, which have the hash of the run, or of the file system that is to be reclaimed; those that the
    rule starts after a run that was stopped have names of EventBridge's, and the run in their input."""
    arn, ended = described["executionArn"], described.get("stopDate")
    about = [arn, str(created.get("FileSystemId", arn))]
    for one in runs.executions(stack, machine=stack.clean_up_arn, most=_MOST_CLEAN_UPS):
        if one["startDate"] < described["startDate"]:
            return
        if is_named_after(one["name"], about):
            yield str(one["executionArn"])
        elif ended is not None and 0 <= (one["startDate"] - ended).total_seconds() <= _RULE_SECONDS:
            with contextlib.suppress(Problem, ValueError):
                given = json.loads(runs.describe(stack, one["executionArn"]).get("input", "{}"))
                if isinstance(given, dict) and (given.get("detail") or {}).get("executionArn") == arn:
                    yield str(one["executionArn"])


def _look_at_file_system(seen: Evidence) -> None:
    """What it was, from the call that created it; else as FSx has it, if it is there."""
    created, made = _created(seen.record), seen.record.last("CreateFileSystem")
    outputs = [_output(described) for _, described in seen.clean_ups]
    named = [str(one["fileSystemId"]) for one in outputs if one.get("fileSystemId")]
    if made is not None and created:
        seen.file_system, seen.request = str(created["FileSystemId"]), made.given
        seen.created = datetime.datetime.fromisoformat(str(created["CreationTime"])).timestamp() - seen.origin
    elif named:
        seen.file_system = named[-1]
    if seen.file_system is None:
        return
    if (there := runs.file_system(seen.stack, seen.file_system)) is not None:
        seen.still_there = True
        seen.request = seen.request or there
        seen.created = seen.since(there["CreationTime"]) if seen.created is None else seen.created
    for record, described in seen.clean_ups:
        if "DeleteFileSystem" in record.entered and seen.deleted_at is None:
            seen.deleted_at = seen.since(next(at for state, at in record.path if state == "DeleteFileSystem"))
        removed = {one.get("id") for one in _output(described).get("removed") or []}
        if seen.file_system in removed:
            gone = record.entered.get("DescribeDeletedFileSystem") or record.entered.get("DeleteFileSystem")
            seen.gone_at = seen.since(gone) if gone is not None else None
    if seen.request is None:
        seen.unknown.append(f"What {seen.file_system} was and cost: this run did not create it, and it is gone.")
    elif not seen.still_there and seen.deleted_at is None:
        seen.unknown.append(f"Who deleted {seen.file_system}, and when: no clean-up of this run did.")
    elif not seen.still_there and seen.gone_at is None:
        seen.unknown.append(f"When {seen.file_system} was gone: no clean-up of this run saw that.")


def _output(described: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        found = json.loads(described.get("output") or "{}")
        return found if isinstance(found, dict) else {}
    return {}


def _phases(seen: Evidence) -> list[story.Span]:
    """The run's, with those of its clean-ups in the place of the wait for them, and the pauses between."""
    steps = [step for step in seen.record.steps if step.phase.name != "clean-up" or not seen.clean_ups]
    parts: list[tuple[float, float, Iterable[runs.Step]]] = [(seen.began, _end(seen, seen.described), steps)]
    parts += [(seen.since(each["startDate"]), _end(seen, each), record.steps) for record, each in seen.clean_ups]
    moments = sorted(
        ((seen.since(step.began), step, ended) for _, ended, each in parts for step in each), key=lambda one: one[0]
    )
    run_ended = _end(seen, seen.described)
    found: list[story.Span] = []
    for place, (began, step, ended) in enumerate(moments):
        at = found[-1].ended if found else seen.began
        if found and began > at and at < run_ended:  # the run hears of the end of its clean-up a moment later
            found[-1] = dataclasses.replace(found[-1], ended=began)
        elif began > at:
            found.append(story.Span("pause", "nothing is at work on it", phases.WAITING, at, began))
        last = place + 1 == len(moments)
        until = ended if last else min(moments[place + 1][0], max(ended, began))
        found.append(story.Span(step.phase.name, step.phase.words, step.phase.kind, began, until))
    return found


def _end(seen: Evidence, described: dict[str, Any]) -> float:
    return seen.since(described["stopDate"]) if described.get("stopDate") else seen.now


def _file_system(seen: Evidence) -> story.FileSystem | None:
    if seen.file_system is None or seen.request is None or seen.created is None:
        return None
    end = seen.gone_at if seen.gone_at is not None else seen.now if seen.still_there else seen.until
    price, region = storage_price(seen.request), seen.stack.region
    elsewhere = f"; the stack is in {region}, where they differ" if region != PRICED_REGION else ""
    return story.FileSystem(
        id=seen.file_system,
        created=seen.created,
        billed_until=end,
        is_there=seen.still_there,
        dollars_per_second=file_system_dollars(seen.request, _DAY) / _DAY,
        price_words=f"${price.dollars} per {price.per}, list price of {price.date}, {PRICED_REGION}{elsewhere}",
    )


def _decision(seen: Evidence) -> story.Decision | None:
    if seen.file_system is None:
        return None
    made = [
        decision.made(record, _output(described), seen.file_system, seen.since) for record, described in seen.clean_ups
    ]
    return next((one for one in reversed(made) if one is not None), None)


def _facts(seen: Evidence) -> dict[str, Any]:
    request = seen.request or {}
    queue = [step for step in seen.record.steps if step.phase.name == "queue"]
    after = next((step for step in seen.record.steps if queue and step.began > queue[-1].began), None)
    left = after.began if after is not None else datetime.datetime.fromtimestamp(seen.origin + seen.until, datetime.UTC)
    written = next((one.points[-1][1] for one in seen.series if one.unit == "bytes" and one.points), None)
    idle = None if seen.deleted_at is None or seen.drained_at is None else seen.deleted_at - seen.drained_at
    kept = next((_output(described).get("retained") for _, described in reversed(seen.clean_ups)), None)
    return {
        "execution": seen.arn,
        "started": seen.described["startDate"].astimezone(datetime.UTC).isoformat(timespec="seconds"),
        "started_at": _rounded(seen.began),
        "stopped_at": _rounded(seen.since(seen.described["stopDate"])) if seen.described.get("stopDate") else None,
        "lane": runs.lane_of(request),
        "outcome": seen.described["status"],
        "error": seen.described.get("error"),
        "elapsed_seconds": _rounded(seen.until - seen.began),
        "queued_seconds": _rounded(seen.since(after.began) - seen.began) if after is not None else None,
        "queued_for": queued.words(queued.waits(seen.record, left)) or NONE if queue else None,
        "job_started_at": _rounded(seen.job_started_at),
        "job_ended_at": _rounded(seen.job_ended_at),
        "drained_at": _rounded(seen.drained_at),
        "deleted_at": _rounded(seen.deleted_at),
        "idle_seconds": _rounded(idle),
        "jobs": seen.jobs,
        "written_bytes": None if written is None else round(written),
        "retained": None if kept is None else retained_words(kept),
        "file_system": seen.file_system,
        "deployment_type": request.get("LustreConfiguration", {}).get("DeploymentType"),
        "capacity_gib": int(request["StorageCapacity"]) if "StorageCapacity" in request else None,
        "transitions": sum(len(record.path) for record in (seen.record, *(each for each, _ in seen.clean_ups))),
        "history_events": max(record.last_id for record in (seen.record, *(each for each, _ in seen.clean_ups))),
    }


def retained_words(kept: Iterable[dict[str, Any]]) -> str:
    """What is still there and named, or that nothing is."""
    return "; ".join(f"{one['type']} {one['id']}: {one['reason']}" for one in kept) or NONE


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
