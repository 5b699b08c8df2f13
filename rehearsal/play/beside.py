"""Several runs as they happen, and how each of them went. Owns the live lines with a column for each run, and the table
with a bar for each. It shows what the facts say and judges nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lustre_batch.operate.screen import clock_time
from rich.console import Console
from rich.text import Text

from ..aws.batch.job import Job
from ..aws.states.executions import Execution
from .purposes import about, is_sweep
from .timeline import HIDDEN, STYLES, job_line, shortened

MARGIN = 11  # of the times before a line
NARROWEST_COLUMN = 16  # narrower ones say too little: then only starts and ends are shown
NARROWEST_BAR = 20
MOST_RUNS = 40  # in the table: the first half and the last
MOST_REASON = 24  # signs of what a run waited for
NUMBERS = 3  # columns of the table that are numbers
WAITING, AROUND, JOB = "·", "─", "█"


@dataclass
class Column:
    """What is shown of one run: its own states and its clean-ups'."""

    number: int
    run: Execution
    seen: list[str] = field(default_factory=list)
    folded: int = 0
    ended: bool = False


class SideBySide:
    """Watches several runs, each in a column of its own."""

    def __init__(self, console: Console, runs: int) -> None:
        self._console = console
        self._width = (console.width - MARGIN) // runs
        self._columns: dict[str, Column] = {}

    @property
    def _is_wide_enough(self) -> bool:
        return self._width >= NARROWEST_COLUMN

    def __call__(self, execution: Execution, state: str, kind: str) -> None:
        if is_sweep(execution):
            return
        self._print_ends()
        column = self._column(execution)
        if column is None or kind in HIDDEN or not self._is_wide_enough:
            return
        shown = state if execution is column.run else f"┆ {state}"
        if shown in column.seen[-4:]:
            column.folded += 1
            return
        self._flush(column)
        column.seen.append(shown)
        self._line(column, execution.clock.now(), shown, STYLES.get(kind, "white"))

    def _column(self, execution: Execution) -> Column | None:
        """The run's that an execution is, or works for; a clean-up that was told of a file system is nobody's."""
        whose = about(execution)
        if whose is not None or execution.machine_arn != self._machine(execution):
            return self._columns.get(str(whose))
        if execution.arn not in self._columns:
            column = self._columns[execution.arn] = Column(len(self._columns) + 1, execution)
            self._line(column, execution.started, f"─ run {column.number}", "bold")
        return self._columns[execution.arn]

    def _machine(self, execution: Execution) -> str:
        first = next(iter(self._columns.values()), None)
        return first.run.machine_arn if first is not None else execution.machine_arn

    def printed(self, lines: list[str]) -> None:
        """What a job has printed by now; whose it is, the lines do not say."""
        now = next(iter(self._columns.values())).run.clock.now()
        for line in shortened(lines):
            self._print(now, f"│ {line}", "white", 0)

    def job(self, run: str, job: Job) -> None:
        """A job that somebody else submitted is SUBMITTED, RUNNING or over; it counts as that run's."""
        column = self._columns.get(run)
        if column is None or not self._is_wide_enough:
            return
        self._flush(column)
        self._line(column, column.run.clock.now(), job_line(job), "white")

    def close(self) -> None:
        for column in self._columns.values():
            self._flush(column)
        self._print_ends()

    def _print_ends(self) -> None:
        for column in self._columns.values():
            run = column.run
            if run.stopped is None or column.ended:
                continue
            self._flush(column)
            column.ended = True
            number = "" if self._is_wide_enough else f"run {column.number} "
            error = f" with {run.error}" if run.error else ""
            style = "bold green" if run.status == "SUCCEEDED" else "bold red"
            self._line(column, run.stopped, f"└ {number}{run.status}{error}", style)

    def _flush(self, column: Column) -> None:
        if column.folded:
            self._line(column, None, f"… polled, {column.folded}", "dim")
        column.folded = 0

    def _line(self, column: Column, moment: float | None, text: str, style: str) -> None:
        indent = (column.number - 1) * self._width if self._is_wide_enough else 0
        if self._is_wide_enough and column.number * self._width + MARGIN <= self._console.width:
            text = cut(text, self._width - 1)
        self._print(moment, text, style, indent)

    def _print(self, moment: float | None, text: str, style: str, indent: int) -> None:
        began = next(iter(self._columns.values())).run.started
        time = "" if moment is None else clock_time(moment - began)
        line = Text(f"{time:>9}  {'':{indent}}", style="dim").append(text, style=style)
        self._console.print(line, soft_wrap=True)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def print_runs(console: Console, runs: list[dict[str, Any]], until: float) -> None:
    """A line for each run: its lane, how long it waited and for what, how it ended, and a bar of its time."""
    numbers = {run["execution"]: number for number, run in enumerate(runs, 1)}
    rows: list[tuple[str, ...]] = [
        (
            str(number),
            "–" if run["lane"] is None else str(run["lane"]),
            "–" if run["queued_seconds"] is None else clock_time(run["queued_seconds"]),
            cut(waited_for(run, numbers), MOST_REASON),
            str(run["error"] or run["outcome"]),
        )
        for number, run in enumerate(runs, 1)
    ]
    head: tuple[str, ...] = ("run", "lane", "queued", "for", "outcome")
    if not any(row[3] for row in rows):
        head, rows = (*head[:3], *head[4:]), [(*row[:3], *row[4:]) for row in rows]
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    room = max(NARROWEST_BAR, console.width - sum(widths) - 2 * len(head) - 2)
    scale = f"0:00:00{clock_time(until):>{room - 7}}"
    key = f"{WAITING} waits for lane and prefix  {AROUND} before and after the job  {JOB} job"
    lines = [(cells(row, widths), bar(run, until, room)) for row, run in zip(rows, runs, strict=True)]
    half = MOST_RUNS // 2
    if len(lines) > MOST_RUNS:
        lines = [*lines[:half], (f"  … {len(lines) - MOST_RUNS} runs left out", ""), *lines[-half:]]
    for left, right in [(cells(head, widths), scale), *lines, ("", key)]:
        console.print(Text(f"  {left}  {right}".rstrip()), soft_wrap=True)


def cells(row: tuple[str, ...], widths: list[int]) -> str:
    """Numbers to the right, words to the left."""
    return "  ".join(
        f"{cell:>{width}}" if place < NUMBERS else f"{cell:<{width}}"
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    )


def waited_for(run: dict[str, Any], numbers: dict[str, int]) -> str:
    """A lane, or the prefix of which runs, in the order in which it came to that."""
    found = []
    for one in run["queued_for"]:
        whose = ", ".join(str(numbers.get(each, "?")) for each in one["runs"])
        found.append(f"prefix of {whose}" if one["for"] == "prefix" else str(one["for"]))
    return "; ".join(dict.fromkeys(found))


def bar(run: dict[str, Any], until: float, width: int) -> str:
    """A run's time in so many signs; what is shorter than one is shown all the same."""
    began, ended = run["started_at"], run["started_at"] + (run["virtual_seconds"] or 0.0)
    taken = ended if run["queued_seconds"] is None else began + run["queued_seconds"]
    parts = [(began, taken, WAITING), (taken, ended, AROUND)]
    if run["job_started_at"] is not None:
        parts.append((run["job_started_at"], run["job_ended_at"] or ended, JOB))
    signs = [" "] * width
    for start, end, sign in parts:
        first = min(width - 1, int(start / until * width))
        last = max(first + 1, round(end / until * width)) if end > start else first
        signs[first:last] = sign * (min(last, width) - first)
    return "".join(signs)
