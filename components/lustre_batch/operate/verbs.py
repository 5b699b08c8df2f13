"""The verbs that start something and follow it: runs and sessions; and all verbs in the order of the command's help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from . import upkeep
from .acting import Answer, AsJson, Machine, Printer, PulumiStack, act, followed, followed_unless, started

if TYPE_CHECKING:
    from .snapshot import Snapshot
    from .stack import Stack


class WithCommand(TyperCommand):
    """Everything after `--command` is the job's command, as `rehearse` takes it."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if "--command" in args:
            place = args.index("--command") + 1
            ctx.meta["command"] = args[place:]
            args = args[:place]
        return super().parse_args(ctx, args)


def run(
    context: typer.Context,
    sets: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="A run-time parameter, for this run alone.")
    ] = [],  # noqa: B006 (typer's own form of a default)
    environment: Annotated[
        list[str], typer.Option("--env", metavar="NAME=VALUE", help="An environment variable of the job.")
    ] = [],  # noqa: B006
    array: Annotated[int | None, typer.Option(metavar="N", help="Children of an array job.")] = None,
    image: Annotated[str | None, typer.Option(metavar="IMAGE", help="The job's image.")] = None,
    prefix: Annotated[str | None, typer.Option(metavar="PREFIX", help="Where the results go (keyPrefix).")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The run's name; otherwise one is made up.")] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it, and do not follow it.")] = False,
    command: Annotated[
        bool, typer.Option("--command", help="Comes last: all that follows is the job's command.")
    ] = False,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Start a run, and follow it.

    Values that the run would refuse are refused before anything is started. Ctrl-C leaves the run to itself. Exit
    status: 0 as wished, 1 the run failed, 2 nothing was started, 3 something was kept, 4 left to itself.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import inputs, start
        from .problems import Problem

        given = context.meta.get("command") if command else None
        if command and not given:
            raise Problem("--command: nothing follows it")
        values = inputs.wanted(sets, given, environment, array, image, prefix)
        arn = start.start(stack, inputs.checked(stack, values), name)
        return started(stack, arn, printer, detach)

    raise act(work, machine, pulumi_stack, as_json)


def watch(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's name or ARN; otherwise the newest.")
    ] = None,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Follow a run to its end; Ctrl-C leaves it to itself. The exit status is that of `run`."""

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import runs

        arn = runs.chosen(stack, run)
        runs.describe(stack, arn)
        return followed(stack, arn, printer)

    raise act(work, machine, pulumi_stack, as_json)


# ---------------------------------------------------------------------- sessions
session = typer.Typer(no_args_is_help=True, help="Open a file system and its queue for jobs of others, and close it.")


@session.command("start")
def session_start(
    idle_minutes: Annotated[
        int | None,
        typer.Option(min=1, max=1440, metavar="N", help="It ends when no job was there for so long (15 otherwise)."),
    ] = None,
    sets: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="A run-time parameter of the file system.")
    ] = [],  # noqa: B006
    prefix: Annotated[str | None, typer.Option(metavar="PREFIX", help="Where the results go (keyPrefix).")] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The run's name; otherwise one is made up.")] = None,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Start a session, and print its queue and path as soon as it takes jobs; it goes on by itself.

    Exit status: 0 it takes jobs, 1 it failed before, 2 nothing was started, 3 something was kept, 4 left to itself.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import inputs, phases, sessions, start

        values = inputs.wanted(sets, None, [], None, None, prefix)
        given = sessions.wanted(values, idle_minutes)
        arn = start.start(stack, inputs.checked(stack, values) | {"session": given["session"]}, name)
        printer.say(f"started {arn.rpartition(':')[2]}")

        def ready(seen: Snapshot) -> dict[str, Any] | None:
            at_it = bool(seen.steps) and seen.steps[-1].phase.name == phases.SESSION
            return sessions.of_run(stack, arn) if at_it else None

        status, facts = followed(stack, arn, printer, ready)
        if "queueArn" in facts:
            for line in sessions.words(facts):
                printer.say(line)
            printer.say(f"to end it: {printer.command('session stop ' + arn.rpartition(':')[2])}")
        return status, facts

    raise act(work, machine, pulumi_stack, as_json)


@session.command("stop")
def session_stop(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The session's run; otherwise the only one.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Tell it to end, and do not follow that.")] = False,
    machine: Machine = None,
    pulumi_stack: PulumiStack = None,
    as_json: AsJson = False,
) -> None:
    """Tell a session to end, and follow that: jobs that are left are terminated, and everything is exported.

    The exit status is that of `run`.
    """

    def work(stack: Stack, printer: Printer) -> Answer:
        from . import sessions

        arn = sessions.chosen(stack, run)
        sessions.end(stack, arn)
        printer.say(f"told {arn.rpartition(':')[2]} to end: within minutes its queue closes, and the clean-up begins")
        return followed_unless(detach, stack, arn, printer)

    raise act(work, machine, pulumi_stack, as_json)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command, in the order of its help."""
    app.command(cls=WithCommand)(run)
    app.command()(watch)
    app.command("list")(upkeep.list_runs)
    app.command()(upkeep.logs)
    app.command()(upkeep.stop)
    app.command()(upkeep.reclaim)
    app.command()(upkeep.orphans)
    app.command()(upkeep.doctor)
    app.add_typer(session, name="session")
