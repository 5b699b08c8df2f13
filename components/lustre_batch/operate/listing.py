"""Runs and what is left of them, as tables of plain text."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..rules import TAG_OF_EXECUTION
from . import phases, queueing, runs
from .leftovers import Orphan
from .screen import clock_time
from .snapshot import dollars_a_day
from .stack import Stack


def facts(stack: Stack, most: int) -> dict[str, Any]:
    """The latest runs with their file systems."""
    living = runs.file_systems(stack)
    systems = {runs.tags_of(one["Tags"]).get(TAG_OF_EXECUTION, ""): one for one in living}
    now = datetime.datetime.now(datetime.UTC)
    table = queueing.look(stack)
    listed = []
    for one in runs.executions(stack, most=most):
        arn, system = one["executionArn"], systems.get(runs.tag_of(one["executionArn"]))
        phase = error = ""
        if one["status"] in runs.RUNNING:
            history = runs.History(arn, phases.RUN)
            history.read(stack)
            phase = history.steps[-1].phase.words if history.steps else ""
        elif one["status"] != "SUCCEEDED":
            error = runs.describe(stack, arn).get("error", "")
        queued = table.facts(arn)
        listed.append(
            {
                "run": arn,
                "name": one["name"],
                "status": one["status"],
                "error": error,
                "phase": phase,
                "lane": queued.get("lane"),
                "prefix": queued.get("prefix"),
                "place": queued.get("place"),
                "waits_for": queued.get("waits_for", []),
                "detail": queueing.words(queued),
                "started": one["startDate"].astimezone(datetime.UTC).isoformat(),
                "elapsed_seconds": round(((one.get("stopDate") or now) - one["startDate"]).total_seconds()),
                "file_system": system["FileSystemId"] if system else None,
            }
        )
    there = [
        {
            "id": one["FileSystemId"],
            "lifecycle": one["Lifecycle"],
            "dollars_a_day": round(dollars_a_day(one), 2),
            "kept": runs.kept_because(runs.tags_of(one["Tags"])) or None,
        }
        for one in living
    ]
    return {"runs": listed, "file_systems": there}


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    if not found["runs"]:
        yield "no run yet: lustre-batch run starts one"
    rows = [
        [
            one["name"],
            one["status"],
            f"{datetime.datetime.fromisoformat(one['started']).astimezone():%Y-%m-%d %H:%M}",
            clock_time(one["elapsed_seconds"]),
            _at(one),
        ]
        for one in found["runs"]
    ]
    yield from columns(rows)
    for one in found["file_systems"]:
        kept = f", kept: {one['kept']}" if one["kept"] else ""
        yield f"file system {one['id']} is {one['lifecycle']}, about ${one['dollars_a_day']:.2f} a day{kept}"


def _at(one: dict[str, Any]) -> str:
    """What a run is at, or how it ended."""
    lane = f"lane {one['lane']}: " if one["lane"] else ""
    detail = f" ({one['detail']})" if one["detail"] else ""
    return f"{lane}{one['phase']}{detail}" if one["phase"] else one["error"] or one["file_system"] or ""


def orphans(left: Sequence[Orphan], command: Callable[[str], str]) -> Iterator[str]:
    """What is left, for people, and what to do about it."""
    if not left:
        yield "nothing is left of runs that are over"
        return
    for one in left:
        detail = f" ({one.detail})" if one.detail else ""
        since = f" since {one.since.astimezone():%Y-%m-%d %H:%M}" if one.since else ""
        cost = f", about ${one.dollars_a_day:.2f} a day" if one.dollars_a_day else ""
        cost = ", whose instances are billed" if one.type == "job" else cost
        yield f"{one.type} {one.id}{detail}{since}{cost}, {_whose(one)}"
    jobs = " and the instances of jobs" if any(one.type == "job" for one in left) else ""
    yield f"all of it: about ${sum(one.dollars_a_day for one in left):.2f} a day{jobs}"
    for one in left:
        if one.kept and one.type == "file-system":
            yield f"to have it exported, verified and removed: {command('reclaim ' + one.id)}"
    if any(one.run and not one.kept and not one.cleaning and not one.too_young for one in left):
        yield f"to have what is not kept cleaned up now: {command('orphans --clean')}"


def _whose(one: Orphan) -> str:
    """Whose an orphan is, and what becomes of it."""
    if not one.run:  # no clean-up looks for it
        to_do = f"aws batch terminate-job --job-id {one.id} --reason orphan" if one.type == "job" else ""
        return "of no run that is known" + (f": {to_do} ends it" if to_do else "")
    state = "its clean-up is at work" if one.cleaning else f"kept: {one.kept}" if one.kept else "not cleaned up yet"
    if one.too_young and not one.kept:
        state = "Step Functions does not know it, so it is cleaned up once something of it is older than a day"
    return f"of {_name(one.run)}: {state}"


def _name(run: str) -> str:
    return run.rpartition(":")[2] or json.dumps(run)


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows whose cells stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
