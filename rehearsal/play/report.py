"""The report people read. Owns its words and layout. It must never say more than the verdict and the account show."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from lustre_batch.operate.screen import clock_time
from rich.console import Console
from rich.text import Text

from ..aws.bucket_plan import ARCHIVED
from ..aws.fsx.space import GIB
from .beside import MOST_RUNS, print_runs
from .measures import lifetime_seconds
from .output import print_rows
from .prices import PRICED_REGION, PRICES, file_system_dollars, storage_price, transition_dollars
from .session import Session
from .verdict import Verdict

# What is kept may cost nothing: launch templates, job definitions and a row of a table do. A job keeps its instance.
BILLED = {"file-system", "job"}
MOST_ATTEMPTS = 20  # of a job of one's own, which may be an array
MOST_MESSAGES = 20
MOST_TERMINATED = 5  # named in one line


def show(console: Console, session: Session, verdict: Verdict, command_seconds: float) -> None:
    facts = verdict.facts
    took = (
        f"{clock_time(facts['virtual_seconds'])} of virtual time in {facts['wall_seconds']:.1f} s of real time; "
        f"the command took {command_seconds:.1f} s of real time"
    )
    console.print()
    if "runs" in facts:
        print_runs(console, facts["runs"], facts["virtual_seconds"])
        console.print()
    print_rows(console, [*_rows(session, verdict), ("took", took)])
    console.print()
    if verdict.passed:
        line = Text(f"{facts['scenario']}: as expected. {left(facts['retained'])}", style="bold green")
        console.print(line, soft_wrap=True)
    for reason in verdict.why_not:
        console.print(Text(f"{facts['scenario']}: {reason}", style="bold red"), soft_wrap=True)


def left(retained: list[dict[str, str]]) -> str:
    """What is still there, and what of it costs anything."""
    billed = ", ".join(thing["id"] for thing in retained if thing["type"] in BILLED)
    free = ", ".join(thing["id"] for thing in retained if thing["type"] not in BILLED)
    said = f"Nothing lost. Kept and still billed: {billed}." if billed else "Nothing lost, nothing left that is billed."
    return (said if retained else "Nothing lost, nothing left running.") + (
        f" Kept, free of charge: {free}." if free else ""
    )


def _rows(session: Session, verdict: Verdict) -> list[tuple[str, str]]:
    facts = verdict.facts
    if "runs" in facts:
        rows = _of_each(facts["runs"], verdict.played.scenario.has_own_job)
    else:
        rows = [("outcome", str(facts["outcome"]))]
        if facts["error"]:
            rows += [("error", str(facts["error"])), ("cause", str(facts["cause"]))]
        if verdict.played.scenario.has_own_job:
            rows += [("job", line) for line in _attempts(facts)]
    rows += _submitted(facts)
    rows += _terminated(facts) if "runs" not in facts else []
    rows += _exported(session, verdict)
    if archived := sum(one.count for one in verdict.played.scenario.bucket.objects if one.storage_class in ARCHIVED):
        rows.append(("archived", f"{archived:,} objects of the bucket are listed, but cannot be read until restored"))
    rows.append(("lost", f"{_count(facts['lost_files'], 'file')}, {_size(facts['lost_bytes'])}"))
    if facts["stale_objects"]:
        which = "objects whose files the job had deleted or renamed, or that older files replaced"
        rows.append(("stale", f"{facts['stale_objects']:,} {which}"))
    if "runs" in facts:
        if facts["makespan_seconds"] is not None:
            rows.append(("makespan", f"{clock_time(facts['makespan_seconds'])} until the last of the runs ended"))
        return [*rows, *_last_rows(session, verdict)]
    for name, key in (("job ended", "job_ended_at"), ("last export", "drained_at"), ("deleted", "deleted_at")):
        if facts[key] is not None:
            rows.append((name, f"after {clock_time(facts[key])}"))
    if facts["idle_seconds"] is not None:
        rows.append(("idle", f"{clock_time(facts['idle_seconds'])} between the last export and the deletion"))
    if facts["overhead_seconds"] is not None:
        words = "of the file system's time went to neither job nor export nor its own creation and deletion"
        rows.append(("overhead", f"{clock_time(facts['overhead_seconds'])} {words}"))
    return [*rows, *_last_rows(session, verdict)]


def _attempts(facts: dict[str, Any]) -> list[str]:
    """How those of a job of one's own went."""
    lines = [_ended(attempt) for attempt in facts["attempts"][:MOST_ATTEMPTS]]
    more = len(facts["attempts"]) - MOST_ATTEMPTS
    return [*lines, f"… and {_count(more, 'more attempt')}"] if more > 0 else lines


def _of_each(runs: list[dict[str, Any]], has_own_job: bool) -> list[tuple[str, str]]:
    """What the table of the runs has no room for: why one failed, how its own job went, and where its results are."""
    rows = []
    for number, run in enumerate(runs, 1):
        lines = [f"{run['error']}: {run['cause']}" if run["error"] else str(run["outcome"])]
        lines += [f"job {line}" for line in _attempts(run)] if has_own_job else []
        if run["exported_to"] is not None:
            size = _size(run["exported_bytes"])
            lines.append(f"{_count(run['exported_files'], 'file')}, {size}, in {run['exported_to']}")
        lines += [f"terminated: {line}" for _, line in _terminated(run)]
        rows.append((f"run {number}", "\n".join(lines)))
    half = MOST_RUNS // 2
    if len(rows) > MOST_RUNS:
        rows = [*rows[:half], ("", f"… {len(rows) - MOST_RUNS} runs left out"), *rows[-half:]]
    return rows


def _submitted(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What became of the jobs that others submitted."""
    ends = Counter("refused" if one["job"] is None else str(one["status"]) for one in facts["submissions"])
    said = ", ".join(f"{number:,} {end}" for end, number in sorted(ends.items()))
    return [("by others", f"{_count(ends.total(), 'job')} submitted: {said}")] if ends else []


def _terminated(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The jobs that were terminated."""
    names = [f"{one['name']} ({one['job']})" for one in facts["terminated_jobs"]]
    if (more := len(names) - MOST_TERMINATED) > 0:
        names = [*names[:MOST_TERMINATED], f"and {more:,} more"]
    return [("terminated", f"{_count(len(facts['terminated_jobs']), 'job')}: {', '.join(names)}")] if names else []


def _last_rows(session: Session, verdict: Verdict) -> list[tuple[str, str]]:
    facts = verdict.facts
    rows = _costs(session, verdict)
    rows += [("kept", f"{thing['type']} {thing['id']}: {thing['reason']}") for thing in facts["retained"]]
    rows += [("left behind", f"{thing['type']} {thing['id']}") for thing in facts["leaked"]]
    rows += [("unmet fault", _fault(fault)) for fault in facts["unmet_faults"]]
    rows += [("unmet", f"{plan['key']} (at: {plan['at']:g}) {plan['reason']}") for plan in facts["unmet_plans"]]
    notes = [note["subject"] or note["message"].splitlines()[0] for note in facts["messages"]]
    rows += [("notified", note) for note in notes[:MOST_MESSAGES]]
    if (more := len(notes) - MOST_MESSAGES) > 0:
        rows.append(("", f"… and {_count(more, 'more message')}"))
    return rows


def _ended(attempt: dict[str, Any]) -> str:
    """How an attempt of a job of one's own went."""
    which = f"attempt {attempt['attempt']}"
    if attempt["index"] is not None:
        which = f"child {attempt['index']}, {which}"
    if attempt["started_at"] is None:
        return f"{which} never started: {attempt['reason']}"
    how = "no exit code" if attempt["exit_code"] is None else f"exit code {attempt['exit_code']}"
    lasted = clock_time(attempt["stopped_at"] - attempt["started_at"])
    printed = f"{_count(len(attempt['output']), 'line')} of output"
    return f"{which}: {how} after {lasted}, {printed}" + (
        f" ({attempt['reason']})" if attempt["exit_code"] != 0 else ""
    )


def _fault(fault: dict[str, Any]) -> str:
    """A planned fault that has failed no call."""
    said = ", ".join(f"{key}: {json.dumps(value)}" for key, value in fault.items() if key != "call")
    return f"{fault['call']}{f' ({said})' if said else ''} failed nothing: no such call was made"


def _exported(session: Session, verdict: Verdict) -> list[tuple[str, str]]:
    """What is in S3, and what is only on a file system that still exists."""
    files, size = verdict.facts["exported_files"], _size(verdict.facts["exported_bytes"])
    directories = verdict.facts["exported_objects"] - files
    beside = f" and {_count(directories, 'directory', 'directories')}" if directories else ""
    rows = [("exported", f"{_count(files, 'file')}{beside}, {size} in S3")]
    for association in session.account.associations.living():
        missing, missing_bytes = association.content.lost()
        if missing:
            where = f"only on {association.file_system.id}, not in S3 and not among the exported ones"
            rows.append(("not exported", f"{_count(missing, 'file')}, {_size(missing_bytes)}: {where}"))
    return rows


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _costs(session: Session, verdict: Verdict) -> list[tuple[str, str]]:
    now = verdict.played.ended
    file_systems = list(session.account.file_systems.all.values())
    rows, prices = [], [storage_price(one.request) for one in file_systems]
    if "runs" in verdict.facts:
        lives = [(one.request, lifetime_seconds(one, now)) for one in file_systems]
        cost = sum(file_system_dollars(*life) for life in lives)
        together = clock_time(sum(seconds for _, seconds in lives))
        rows.append(("storage", f"{_count(len(lives), 'file system')} for {together} together: about ${cost:.2f}"))
        file_systems = []
    for file_system in file_systems:
        seconds, request = lifetime_seconds(file_system, now), file_system.request
        cost = file_system_dollars(request, seconds)
        kind = f"{request['LustreConfiguration']['DeploymentType']}, {request['StorageCapacity']:,} GiB"
        rows.append(("file system", f"{kind} for {clock_time(seconds)}: about ${cost:.2f}"))
        peak, usable = file_system.space.peak, file_system.space.capacity / GIB
        most = _size(peak) if peak < GIB else f"{peak / GIB:,.1f} GiB"
        rows.append(("peak", f"{most} of the {usable:,.0f} GiB that can be used"))
    transitions = verdict.facts["transitions"]
    rows.append(("transitions", f"{transitions:,}: about ${transition_dollars(transitions):.4f}"))
    there = session.account.region
    where = PRICED_REGION + (f"; the stack is in {there}, where they differ" if there != PRICED_REGION else "")
    for price in dict.fromkeys(prices or [PRICES["scratch"]]):
        rows.append(("prices", f"${price.dollars} per {price.per}, list price of {price.date}, {where}"))
    return rows


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
