"""The run as it happens. Owns the live lines of states with their virtual times. It must never print a state twice in a
row: a poll is one line with a count."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..aws.states.executions import Execution

STYLES = {"Task": "cyan", "Fail": "bold red", "Succeed": "bold green", "Wait": "dim", "Choice": "dim", "Pass": "white"}
HIDDEN = {"Choice"}  # decisions show in what follows them


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds since the start."""
    whole = int(seconds)
    return f"{whole // 3600:d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class Timeline:
    """Watches executions and prints what they do; loops are folded into one line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began: float | None = None
        self._execution: str | None = None
        self._seen: list[str] = []
        self._folded = 0

    def __call__(self, execution: Execution, state: str, kind: str) -> None:
        if self._began is None:
            self._began = execution.started
        if execution.arn != self._execution:
            self._flush()
            if self._execution is not None:
                self._console.print(
                    Text(f"─ the next execution, which cleans up or reclaims: {execution.name}", style="bold")
                )
            self._execution = execution.arn
            self._seen = []
        if kind in HIDDEN:
            return
        if state in self._seen[-4:]:
            self._folded += 1
            return
        self._flush()
        self._seen.append(state)
        moment = clock_time(execution.clock.now() - self._began)
        line = Text(f"{moment:>9}  ", style="dim").append(state, style=STYLES.get(kind, "white"))
        self._console.print(line)

    def _flush(self) -> None:
        if self._folded:
            self._console.print(Text(f"{'':>9}  … polled, {self._folded} states", style="dim"))
        self._folded = 0

    def close(self) -> None:
        self._flush()
