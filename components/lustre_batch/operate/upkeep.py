"""The verbs that look after a stack: what there is, what runs have left, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .acting import Answer, AsJson, Machine, Printer, PulumiStack, Yes, act, agree, problem, started

if TYPE_CHECKING:
    from .stack import Stack


def list_runs(
    most: Annotated[int, typer.Option("--most", min=1, max=1000, metavar="N", help="So many, the newest first.")] = 20,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Show the latest runs, and the file systems that are there with their cost a day."""

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import listing

        facts = listing.facts(stack, most)
        for line in listing.lines(facts):
            printer.say(line)
        return 0, facts

    raise act(work, machine, pulumi_stack, as_json)


def stop(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's name or ARN.")],
    yes: Yes = False,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Stop a run. Its clean-up goes on: results are exported and verified before anything is removed.

    Exit status: 0 it was stopped, 2 it was not.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import runs

        arn = stack.execution_arn(run)
        name = arn.rpartition(":")[2]
        status = runs.describe(stack, arn)["status"]
        if status not in runs.RUNNING:
            raise problem(f"{name} has ended already: it is {status}")
        agree(printer, yes, f"Stop {name}? Its job is ended, and what it has written so far is exported.")
        stack.client("stepfunctions").stop_execution(
            executionArn=arn, error="Stopped", cause="stopped with lustre-batch stop"
        )
        printer.say(f"stopped {name}")
        printer.say(
            "its clean-up begins within a minute: it ends the job, exports, verifies, and removes what the run created"
        )
        printer.say(f"what is left until then: {printer.command('orphans')}")
        return 0, {"run": arn, "stopped": True}

    raise act(work, machine, pulumi_stack, as_json)


def reclaim(
    what: Annotated[
        str, typer.Argument(metavar="RUN|FILE-SYSTEM", help="A run that is over, or the id of a file system.")
    ],
    detach: Annotated[bool, typer.Option("--detach", help="Start it, and do not follow it.")] = False,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Have what a run left exported, verified and removed, a file system that was kept included.

    The exit status is that of `run`.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import reclaims

        return started(stack, reclaims.start_for(stack, what), printer, detach)

    raise act(work, machine, pulumi_stack, as_json)


def orphans(
    clean: Annotated[bool, typer.Option("--clean", help="Start the clean-ups of these runs.")] = False,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Show what carries the stack's tag and belongs to no run that runs, with its cost a day.

    What was kept for good is removed by `reclaim` alone. Exit status: 0 nothing is left, or clean-ups are at work on
    all of it; 3 something is left.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
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

    raise act(work, machine, pulumi_stack, as_json)


def logs(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's name or ARN; otherwise the newest.")
    ] = None,
    instance: Annotated[
        bool, typer.Option("--instance", help="The boot log of instances that could not mount the file system.")
    ] = False,
    child: Annotated[int | None, typer.Option("--child", min=0, metavar="N", help="Which child of an array.")] = None,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Print what the job of a run has printed, in its last attempt."""

    def work(stack: Stack, printer: Printer) -> Answer:
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
            if as_json:
                lines.append(line)
            else:
                typer.echo(line)
        return 0, {"run": arn, "lines": lines}

    raise act(work, machine, pulumi_stack, as_json)


def doctor(
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Look for what would make a run fail: credentials, quota, roles, instance types, image, bucket, notifications.

    Nothing is changed. Exit status: 0 nothing was found, 1 something was.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
        from .doctor import TROUBLE, Doctor

        found = []
        for one in Doctor(stack).findings():
            found.append(one)
            printer.say(f"{one.result:<7}  {one.check}: {one.words}" + (f"; {one.to_do}" if one.to_do else ""))
        facts = {"findings": [one.__dict__ for one in found]}
        return (1 if any(one.result == TROUBLE for one in found) else 0), facts

    raise act(work, machine, pulumi_stack, as_json)
