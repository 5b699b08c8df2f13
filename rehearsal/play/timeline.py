"""The run as it happens. Owns the live lines: the states of each execution with their virtual times, and how each
execution ended, and what a job of one's own prints. A loop of polling is one line with a count. Sweeps are left out:
what one starts is shown."""

from __future__ import annotations

from lustre_batch.operate.screen import clock_time
from rich.console import Console
from rich.text import Text

from ..aws.batch.job import Job
from ..aws.states.executions import Execution
from .purposes import is_sweep

STYLES = {"Task": "cyan", "Fail": "bold red", "Succeed": "bold green", "Wait": "dim", "Choice": "dim", "Pass": "white"}
HIDDEN = {"Choice"}  # decisions show in what follows them
MOST_LINES = 40  # of what a job prints between two sleeps: the first half and the last


def shortened(lines: list[str]) -> list[str]:
    """What a job prints between two sleeps, without the middle of very much."""
    half = MOST_LINES // 2
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:half], f"… {len(lines) - MOST_LINES:,} lines left out", *lines[-half:]]


def job_line(job: Job) -> str:
    """How the job of somebody else stands."""
    return f"│ {job.status} {job.name}{', terminated' if job.terminated is not None else ''}"


class Timeline:
    """Watches executions and prints what they do."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._executions: dict[str, Execution] = {}
        self._told: set[str] = set()  # whose end has been printed
        self._current: str | None = None
        self._seen: list[str] = []
        self._folded = 0

    def __call__(self, execution: Execution, state: str, kind: str) -> None:
        if is_sweep(execution):
            return
        if execution.arn != self._current:
            self._flush()
            self._print_ends()
            self._executions.setdefault(execution.arn, execution)
            self._print_head(execution)
            self._current = execution.arn
            self._seen = []
        if kind in HIDDEN:
            return
        if state in self._seen[-4:]:
            self._folded += 1
            return
        self._flush()
        self._seen.append(state)
        self._line(execution.clock.now(), state, STYLES.get(kind, "white"))

    def printed(self, lines: list[str]) -> None:
        """What the job has printed by now."""
        self._flush()
        for line in shortened(lines):
            self._line(self._now(), f"│ {line}", "white")

    def job(self, run: str, job: Job) -> None:
        """A job that somebody else submitted is SUBMITTED, RUNNING or over."""
        self._flush()
        self._line(self._now(), job_line(job), "white")

    def close(self) -> None:
        """Print what is outstanding; call it once everything has come to rest."""
        self._flush()
        self._print_ends()

    def _now(self) -> float:
        return next(iter(self._executions.values())).clock.now()

    def _line(self, moment: float, text: str, style: str) -> None:
        began = next(iter(self._executions.values())).started
        line = Text(f"{clock_time(moment - began):>9}  ", style="dim").append(text, style=style)
        self._console.print(line, soft_wrap=True)

    def _name(self, execution: Execution) -> str:
        """The first execution is the run, those of the other machine clean up; a run that is started later is told
        to reclaim what was kept, or is another one."""
        first = next(iter(self._executions.values()))
        if execution.arn == first.arn:
            return "the run"
        if execution.machine_arn != first.machine_arn:
            return "the clean-up"
        return "the reclaim" if '"reclaim"' in execution.input else "another run"

    def _print_head(self, execution: Execution) -> None:
        if len(self._executions) > 1:
            self._console.print(Text(f"─ {self._name(execution)}: execution {execution.name}", style="bold"))

    def _print_ends(self) -> None:
        for arn, execution in self._executions.items():
            if execution.stopped is None or arn in self._told:
                continue
            self._told.add(arn)
            error = f" with {execution.error}" if execution.error else ""
            style = "bold green" if execution.status == "SUCCEEDED" else "bold red"
            self._line(execution.stopped, f"└ {self._name(execution)} ended {execution.status}{error}", style)

    def _flush(self) -> None:
        if self._folded:
            states = "1 state" if self._folded == 1 else f"{self._folded} states"
            self._console.print(Text(f"{'':>9}  … polled, {states}", style="dim"))
        self._folded = 0
