"""The report people read. Owns its words and layout. It must never say more than the verdict's facts."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .prices import PRICES, file_system_dollars, transition_dollars
from .session import Session
from .timeline import clock_time
from .verdict import Verdict, lifetime_seconds


def show(console: Console, session: Session, verdict: Verdict) -> None:
    facts = verdict.facts
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, text in _rows(session, verdict):
        table.add_row(name, text)
    console.print()
    console.print(table)
    console.print()
    if verdict.passed:
        kept = ", ".join(thing["id"] for thing in facts["retained"])
        left = f"kept, and still billed: {kept}" if kept else "nothing left running"
        console.print(Text(f"{facts['scenario']}: as expected. Nothing lost, {left}.", style="bold green"))
    for reason in verdict.why_not:
        console.print(Text(f"{facts['scenario']}: {reason}", style="bold red"))


def _rows(session: Session, verdict: Verdict) -> list[tuple[str, str]]:
    facts = verdict.facts
    rows = [("outcome", str(facts["outcome"]))]
    if facts["error"]:
        rows += [("error", str(facts["error"])), ("cause", str(facts["cause"]))]
    rows.append(("exported", f"{facts['exported_files']:,} files, {_size(facts['exported_bytes'])} in S3"))
    rows.append(("lost", f"{facts['lost_files']:,} files, {_size(facts['lost_bytes'])}"))
    if facts["stale_objects"]:
        rows.append(("stale", f"{facts['stale_objects']:,} objects whose files the job had removed"))
    for name, key in (("job ended", "job_ended_at"), ("last export", "drained_at"), ("deleted", "deleted_at")):
        if facts[key] is not None:
            rows.append((name, f"after {clock_time(facts[key])}"))
    if facts["idle_seconds"] is not None:
        rows.append(("idle", f"{clock_time(facts['idle_seconds'])} between the last export and the deletion"))
    rows += _costs(session, verdict)
    rows += [("kept", f"{thing['type']} {thing['id']}: {thing['reason']}") for thing in facts["retained"]]
    rows += [("left behind", f"{thing['type']} {thing['id']}") for thing in facts["leaked"]]
    rows += [("notified", note["subject"] or note["message"].splitlines()[0]) for note in facts["messages"]]
    rows.append(
        ("took", f"{clock_time(facts['virtual_seconds'])} of virtual time, {facts['wall_seconds']:.1f} s of real")
    )
    return rows


def _costs(session: Session, verdict: Verdict) -> list[tuple[str, str]]:
    now = verdict.played.ended
    rows = []
    for file_system in session.account.file_systems.all.values():
        seconds = lifetime_seconds(file_system, now)
        capacity = file_system.request["StorageCapacity"]
        cost = file_system_dollars(capacity, seconds)
        rows.append(("file system", f"{capacity:,} GiB for {clock_time(seconds)}: about ${cost:.2f}"))
    transitions = verdict.facts["transitions"]
    rows.append(("transitions", f"{transitions:,}: about ${transition_dollars(transitions):.4f}"))
    price = PRICES["scratch"]
    rows.append(("prices", f"${price.dollars} per {price.per}, list price of {price.date}, us-east-1"))
    return rows


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
