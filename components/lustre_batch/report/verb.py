"""The verb `report`: the page and the trace of runs of a stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..operate.acting import Answer, Plain, Printer, problem, verb

if TYPE_CHECKING:
    from ..operate.stack import Stack
    from .story import Story


def report(
    stack: Stack,
    printer: Printer,
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]", help="Runs, by name or ARN; otherwise the one that runs, or the newest."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE.html", help="Where the page goes; otherwise RUN.html.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option("--trace", metavar="FILE.csv", help="Write the facts there, a line for each run.")
    ] = None,
) -> Answer:
    """Write a page that shows how a run went, and what it cost.

    From its history, its job and its metrics, as long as AWS remembers them; the page says what is not known. With
    --json or --trace the page is written only where --file says. Several runs are shown lane by lane.
    """
    from . import drawing, facts

    wanted = file is not None or not (printer.as_json or trace is not None)
    if wanted:
        try:
            drawing.check()
        except drawing.NoCharts as error:
            raise problem(str(error)) from None
    story = _story(stack, runs or [])
    if wanted:
        from . import page

        place = file or Path(f"{story.runs[0].name}.html")
        _write(printer, place, page.of(story))
    if trace is not None:
        _write(printer, trace, facts.trace(story))
    told = [facts.of(run) | {"unknown": list(run.unknown)} for run in story.runs]
    return 0, {"runs": told}


def _story(stack: Stack, named: list[str]) -> Story:
    from ..operate import runs
    from . import measured, telling
    from .story import Story

    arns = list(dict.fromkeys(runs.chosen(stack, one) for one in named)) or [runs.chosen(stack, None)]
    described = {arn: runs.describe(stack, arn) for arn in arns}
    arns.sort(key=lambda arn: described[arn]["startDate"])
    origin = described[arns[0]]["startDate"].timestamp()
    found = []
    for arn in arns:
        seen = telling.gather(stack, arn, origin=origin)
        measured.add(seen)
        found.append(telling.told(seen))
    name = found[0].name if len(found) == 1 else f"{len(found)} runs"
    began = f"{described[arns[0]]['startDate'].astimezone():%Y-%m-%d %H:%M %Z}"
    running = [run.name for run in found if run.facts["outcome"] in runs.RUNNING]
    notes = [f"{one} goes on: this is how far it has come." for one in running]
    return Story(f"Report of {name}", f"stack {stack.id}, {stack.region}, from {began}", tuple(found), tuple(notes))


def _write(printer: Printer, place: Path, text: str) -> None:
    try:
        place.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise problem(f"{place}: {error.strerror}") from None
    printer.say(f"written: {place}")


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(cls=Plain)(verb(report))
