"""The facts of a run, in one table: the columns of the trace, the rows of the page, and what each means."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, Final

from .story import KINDS, Run, Story

NONE: Final = "none"  # in place of names: it is known that there are none


@dataclass(frozen=True)
class Column:
    """A fact: its key, which `--json` has too where it says the same, what it means, and its unit."""

    key: str
    words: str
    unit: str = ""


def _columns() -> tuple[Column, ...]:
    seconds = "s"
    return (
        Column("run", "the run's name"),
        Column("execution", "the ARN of its execution"),
        Column("started", "when it was started, UTC"),
        Column("started_at", "its start, since that of the first run", seconds),
        Column("stopped_at", "the end of its execution, since the same moment", seconds),
        Column("lane", "its lane, from 1"),
        Column("outcome", "how its execution ended"),
        Column("error", "the error's name"),
        Column("elapsed_seconds", "from its start until it and its clean-up had ended", seconds),
        Column("queued_seconds", "from its start until it had a lane", seconds),
        Column("queued_for", f"what it waited for meanwhile: a lane, or the prefix of which runs; or {NONE}"),
        Column("job_started_at", "its first job ran, since the same moment", seconds),
        Column("job_ended_at", "its last job ended, since the same moment", seconds),
        Column("drained_at", "the last change was in S3, since the same moment", seconds),
        Column("deleted_at", "the deletion of its file system was asked for, since the same moment", seconds),
        Column("idle_seconds", "from the last change in S3 to that, even while the job still works", seconds),
        Column("overhead_seconds", "time of the file system for neither job nor export nor FSx's own work", seconds),
        Column("jobs", "jobs, children of an array included"),
        Column("attempts", "attempts of its jobs"),
        Column("reclaimed_attempts", "those that Spot ended"),
        Column("exported_files", "files and links in the bucket"),
        Column("exported_objects", "the same and directories"),
        Column("exported_bytes", "their size", "bytes"),
        Column("written_bytes", "bytes written to the file system", "bytes"),
        Column("lost_files", "files that were lost"),
        Column("lost_bytes", "their size", "bytes"),
        Column("stale_objects", "objects whose files had been removed, renamed or replaced"),
        Column("leaked", f"things left behind that nobody named, or {NONE}"),
        Column("retained", f"things that are still there and named, or {NONE}"),
        Column("foreign_mounts", "attempts on instances with the file system of another run"),
        Column("file_system", "the id of its file system"),
        Column("deployment_type", "its type"),
        Column("capacity_gib", "its capacity", "GiB"),
        Column("peak_gib", "the most that lay on it", "GiB"),
        *(Column(f"{kind}_dollars", f"the file system's cost: {words}", "$") for kind, words in KINDS.items()),
        Column("file_system_dollars", "the file system's cost, list prices", "$"),
        Column("transitions", "state transitions of run and clean-ups"),
        Column("history_events", "history events of the longest execution"),
        Column("api_calls", "API calls of run and clean-ups"),
        Column("messages", "messages about it"),
    )


COLUMNS: Final = _columns()


def of(run: Run) -> dict[str, Any]:
    """Every fact, in the order of the table; None is what is not known, or never was."""
    dollars = run.dollars
    found = {
        "run": run.name,
        "attempts": len(run.attempts) if run.facts.get("jobs") is not None else None,
        "reclaimed_attempts": sum(one.reclaimed for one in run.attempts) if run.facts.get("jobs") is not None else None,
        **{f"{kind}_dollars": round(dollars.get(kind, 0.0), 4) if dollars else None for kind in KINDS},
        "file_system_dollars": round(sum(dollars.values()), 4) if dollars else None,
        **run.facts,
    }
    if unheard := found.keys() - {column.key for column in COLUMNS}:
        raise KeyError(f"no column is called {', '.join(sorted(unheard))}")
    return {column.key: found.get(column.key) for column in COLUMNS}


def trace(story: Story) -> str:
    """A line of CSV for each run, below the names of the columns (RFC 4180)."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.key for column in COLUMNS], lineterminator="\r\n")
    writer.writeheader()
    for run in story.runs:
        writer.writerow({key: "" if value is None else value for key, value in of(run).items()})
    return text.getvalue()
