"""How a run is shown while it goes: as lines, one a change, or live on a terminal. Owns layout and nothing else."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from . import phases
from .snapshot import ASKED, Snapshot, cleans_up_alone, dollars_a_day, kept

Say = Callable[[str], None]


class View(Protocol):
    """Something that shows what looks have seen."""

    def show(self, seen: Snapshot) -> None: ...


def clock_time(seconds: float) -> str:
    """Hours, minutes and seconds, cut as a clock shows them, but for what differences of moments lack in the last
    binary digits: moments have milliseconds."""
    whole = int(round(seconds, 3))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


class Lines:
    """One line a change, for logs and pipes."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last = ""

    def show(self, seen: Snapshot) -> None:
        if seen.words != self._last and not seen.over:
            self._last = seen.words
            self._say(f"{seen.at.astimezone():%H:%M:%S}  {clock_time(seen.elapsed_seconds):>8}  {seen.words}")


class Live:
    """Phases, job and cost, drawn anew with each look."""

    def __init__(self, live: Any) -> None:
        self._live = live

    def show(self, seen: Snapshot) -> None:
        self._live.update(drawn(seen), refresh=True)


@contextlib.contextmanager
def view(say: Say, *, live: bool) -> Iterator[View]:
    """The view that fits where it is shown."""
    if not live:
        yield Lines(say)
        return
    from rich.console import Console  # late: it takes a tenth of a second
    from rich.live import Live as RichLive

    console = Console(file=sys.stdout, highlight=False)
    with RichLive(console=console, auto_refresh=False, transient=False) as drawing:
        yield Live(drawing)


def drawn(seen: Snapshot) -> Any:
    """A snapshot for rich; NO_COLOR and the width are its business."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    ends = [*(step.began for step in seen.steps[1:]), seen.stopped or seen.at]
    seconds: dict[phases.Phase, float] = {}  # of a phase that comes again, all of it: a terminal has few rows
    for step, end in zip(seen.steps, ends, strict=False):  # at first there is no step
        seconds[step.phase] = seconds.get(step.phase, 0.0) + (end - step.began).total_seconds()
    for phase, took in seconds.items():
        current = phase == seen.steps[-1].phase and not seen.over
        style = ("bold cyan" if phase.kind == phases.WORKING else "bold") if current else "dim"
        detail = f" ({seen.detail})" if current and seen.detail else ""
        table.add_row(
            Text(">" if current else " ", style), Text(clock_time(took), style), Text(phase.words + detail, style)
        )
    head = Text.assemble((seen.name, "bold"), f"  {seen.status.lower()}  {clock_time(seen.elapsed_seconds)}")
    rows: list[Any] = [head, table]
    if seen.queue_age_seconds is not None:
        rows.append(Text(f"export queue: the oldest change has waited {clock_time(seen.queue_age_seconds)}", "dim"))
    if cost := cost_words(seen):
        rows.append(Text(cost, "dim"))
    rows += [Text(f"| {line}", no_wrap=True, overflow="ellipsis") for line in seen.log]
    if not seen.over:
        rows.append(Text("Ctrl-C leaves the run to itself", "dim"))
    return Group(*rows)


def cost_words(seen: Snapshot) -> str:
    """What the file system has cost so far, and for what."""
    if not seen.dollars:
        return ""
    parts = ", ".join(f"{kind} ${dollars:.2f}" for kind, dollars in seen.dollars.items())
    return f"file system: about ${sum(seen.dollars.values()):.2f} so far ({parts})"


def ending(seen: Snapshot, come_back: Callable[[str], str]) -> list[str]:
    """The last words about a run, in the order of what somebody has to know."""
    lines = [f"{seen.words} after {clock_time(seen.elapsed_seconds)}"]
    lines += [f"  {line}" for line in seen.cause.splitlines()]
    if cleans_up_alone(seen):
        lines.append(f"its clean-up goes on by itself; what is left until then: {come_back('orphans')}")
    for one in kept(seen):
        system = seen.file_system
        is_it = system is not None and system["FileSystemId"] == one["id"]
        daily = f", about ${dollars_a_day(system):.2f} a day" if system is not None and is_it else ""
        why = "as asked for" if one["reason"] == ASKED else one["reason"]
        lines.append(f"kept: {one['type']} {one['id']}{daily}: {why}")
        if one["type"] == "file-system":
            lines.append(f"when it is not needed any more: {come_back('reclaim ' + one['id'])}")
    if cost := cost_words(seen):
        lines.append(cost.replace(" so far", ""))
    return lines
