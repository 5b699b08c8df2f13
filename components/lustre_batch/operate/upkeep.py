"""The verbs that look after a stack: what there is, what runs have left, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .acting import Answer, Printer, Yes, agree, problem, started
from .usage import whole_number

if TYPE_CHECKING:
    from .stack import Stack


def list_runs(
    stack: Stack,
    printer: Printer,
    most: Annotated[
        int,
        typer.Option("--most", parser=whole_number(1, 1000), metavar="N", help="So many, the newest first."),
    ] = 20,
) -> Answer:
    """Show the latest runs, and the file systems that are there.

    A run that waits says its place in the queue and for whom; a file system what it costs a day.
    """
    from . import listing

    facts = listing.facts(stack, most)
    for line in listing.lines(facts):
        printer.say(line)
    return 0, facts


def stop(
    stack: Stack,
    printer: Printer,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's name or ARN.")],
    yes: Yes = False,
) -> Answer:
    """Stop a run. Its clean-up goes on: results are exported and verified before anything is removed.

    Exit status: 0 it was stopped, 2 it was not.
    """
    from . import phases, runs

    arn = stack.execution_arn(run)
    name = arn.rpartition(":")[2]
    status = runs.describe(stack, arn)["status"]
    if status not in runs.RUNNING:
        raise problem(f"{name} has ended already: it is {status}")
    history = runs.History(arn, phases.RUN)
    history.read(stack)
    begun = "CreateFileSystem" in history.times
    what = "Its jobs are ended, and what they have written so far is exported." if begun else "It has created nothing."
    agree(printer, yes, f"Stop {name}? {what}")
    stack.client("stepfunctions").stop_execution(
        executionArn=arn, error="Stopped", cause="stopped with lustre-batch stop"
    )
    printer.say(f"stopped {name}")
    if begun:
        printer.say(
            "its clean-up begins within a minute: it ends jobs, exports, verifies, and removes what the run created"
        )
        printer.say(f"what is left until then: {printer.command('orphans')}")
    return 0, {"run": arn, "stopped": True}


def reclaim(
    stack: Stack,
    printer: Printer,
    what: Annotated[
        str, typer.Argument(metavar="RUN|FILE-SYSTEM", help="A run that is over, or the id of a file system.")
    ],
    detach: Annotated[bool, typer.Option("--detach", help="Start it, and do not follow it.")] = False,
) -> Answer:
    """Have what a run left exported, verified and removed.

    A file system that was kept is removed, too.
    The exit status is that of `run`.
    """
    from . import reclaims

    return started(stack, reclaims.start_for(stack, what), printer, detach)


def orphans(
    stack: Stack,
    printer: Printer,
    clean: Annotated[bool, typer.Option("--clean", help="Start the clean-ups of these runs.")] = False,
) -> Answer:
    """Show what runs that are over have left, with its cost a day.

    That is what carries the stack's tag, is in the lanes' table or works in their queues, and belongs to no run that
    runs. What was kept for good is removed by `reclaim` alone. Exit status: 0 nothing is left, or clean-ups are at work
    on all of it; 3 something is left.
    """
    from . import leftovers, listing

    left = leftovers.orphans(stack)
    for line in listing.orphans(left, printer.command):
        printer.say(line)
    started = leftovers.clean(stack, left) if clean else []
    for run in started:
        printer.say(f"started the clean-up of {run.rpartition(':')[2]}")
    waits = [one for one in left if not one.cleaning and one.run not in started]
    facts = {"orphans": [one.facts() for one in left], "clean_ups_started": started}
    return (3 if waits else 0), facts


def logs(
    stack: Stack,
    printer: Printer,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's name or ARN; otherwise the newest.")
    ] = None,
    instance: Annotated[
        bool, typer.Option("--instance", help="The boot log of instances that could not mount the file system.")
    ] = False,
    child: Annotated[
        int | None, typer.Option("--child", parser=whole_number(0), metavar="N", help="Which child of an array.")
    ] = None,
) -> Answer:
    """Print what the job of a run has printed, in its last attempt."""
    from . import joblogs, runs

    arn = runs.chosen(stack, run)
    if instance:
        found = dict(joblogs.of_instances(stack, arn))
        for identifier, lines in found.items():
            for line in lines:
                printer.say(f"{identifier}  {line}")
        if not found:
            printer.complain("no instance is known that could not mount its file system")
        return 0, {"run": arn, "instances": found}
    lines = []
    for line in joblogs.of_job(stack, arn, child):
        if printer.as_json:
            lines.append(line)
        else:
            typer.echo(line)
    return 0, {"run": arn, "lines": lines}


def push(
    stack: Stack,
    printer: Printer,
    context: Annotated[Path, typer.Argument(metavar="CONTEXT", help="The folder that the image is built from.")],
    build_file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="How it is built (CONTEXT/Dockerfile otherwise).")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--push-only", help="Leave the image of runs as it is; a run may name the new one.")
    ] = False,
) -> Answer:
    """Build the job's image, push it, and make it that of later runs.

    It is built for the stack's instances, by Docker or an engine that takes its words, and has a tag that no other
    image gets. Runs that have started keep theirs. Exit status: 0 as wished, 2 nothing was changed.
    """
    from . import images

    image = images.push(stack, context, build_file)
    printer.say(f"pushed {image}")
    if keep:
        printer.say(f"to use it in one run: {printer.command('run --image ' + image)}")
    else:
        images.use(stack, image)
        printer.say("every run that starts from now on has it, unless its input names another")
    return 0, {"image": image, "used": not keep}


def doctor(stack: Stack, printer: Printer) -> Answer:
    """Look for what would make a run fail, before one is started.

    Credentials, roles, quota, instance types, image, bucket, its policy and events, notifications and your key are
    looked at. Nothing is changed. Exit status: 0 nothing was found, 1 something was.
    """

    from .doctor import Doctor
    from .findings import TROUBLE

    found = []
    for one in Doctor(stack).findings():
        found.append(one)
        printer.say(f"{one.result:<7}  {one.check}: {one.words}" + (f"; {one.to_do}" if one.to_do else ""))
    facts = {"findings": [one.__dict__ for one in found]}
    return (1 if any(one.result == TROUBLE for one in found) else 0), facts
