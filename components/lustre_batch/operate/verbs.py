"""The verbs that start something and follow it: runs and sessions; and all verbs in the order of the command's help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import upkeep
from .acting import Answer, Plain, Printer, followed, followed_unless, started, verb
from .usage import whole_number

if TYPE_CHECKING:
    from .snapshot import Snapshot
    from .stack import Stack


NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Fail at once when no lane is free, or the prefix is another run's.")
]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="The run's name; otherwise one is made up.")]
Prefix = Annotated[str | None, typer.Option(metavar="PREFIX", help="Where the results go (keyPrefix).")]


class WithCommand(Plain):
    """Everything after `--command` is the job's command, as `rehearse` takes it."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if "--command" in args:
            place = args.index("--command") + 1
            ctx.meta["command"] = args[place:]
            args = args[:place]
        return super().parse_args(ctx, args)


def run(
    stack: Stack,
    printer: Printer,
    context: typer.Context,
    sets: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="A run-time parameter, for this run alone.")
    ] = [],  # noqa: B006 (typer's own form of a default)
    environment: Annotated[
        list[str], typer.Option("--env", metavar="NAME=VALUE", help="An environment variable of the job.")
    ] = [],  # noqa: B006
    array: Annotated[
        int | None, typer.Option(parser=whole_number(), metavar="N", help="Children of an array job.")
    ] = None,
    image: Annotated[str | None, typer.Option(metavar="IMAGE", help="The job's image.")] = None,
    prefix: Prefix = None,
    name: Name = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it, and do not follow it.")] = False,
    no_wait: NoWait = False,
    command: Annotated[
        bool, typer.Option("--command", help="Comes last: all that follows is the job's command.")
    ] = False,
) -> Answer:
    """Start a run, and follow it.

    Values that the run would refuse are refused before anything is started. Ctrl-C leaves the run to itself. Exit
    status: 0 as wished, 1 the run failed, 2 nothing was started, 3 something was kept, 4 left to itself.
    """
    from . import inputs, start
    from .problems import Problem

    given = context.meta.get("command") if command else None
    if command and not given:
        raise Problem("--command: nothing follows it")
    start.check(name)
    values = inputs.checked(stack, inputs.wanted(sets, given, environment, array, image, prefix))
    if stack.is_rehearsed:
        printer.say(inputs.where(stack, values))
        printer.say("rehearsed with the sample job in place of yours")
    values |= {"wait": False} if no_wait else {}
    arn = start.start(stack, values, name)
    return started(stack, arn, printer, detach)


def watch(
    stack: Stack,
    printer: Printer,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's name or ARN; otherwise the newest.")
    ] = None,
) -> Answer:
    """Follow a run to its end; Ctrl-C leaves it to itself. The exit status is that of `run`."""
    from . import runs

    arn = runs.chosen(stack, run)
    runs.describe(stack, arn)
    return followed(stack, arn, printer)


def plan(
    stack: str | None,
    component: str | None,
    printer: Printer,
    files: Annotated[str, typer.Option(metavar="N", help="How many files the job writes.")],
    bytes_each: Annotated[str, typer.Option(metavar="SIZE", help="How large each is: 10000, 10kB, 1.5GiB.")],
    runtime: Annotated[str, typer.Option(metavar="TIME", help="How long it runs: 90, 30m, 2h, 1.5d.")] = "1h",
    every: Annotated[bool, typer.Option("--all", help="Show every file system, not the best alone.")] = False,
) -> Answer:
    """Rehearse a job on many file systems: finish time against cost.

    Nothing is started. Each deployment type, throughput, capacity and way of export that the stack may have is played
    in virtual time. Shown are those that nothing cheaper is faster than, and the stack's own.
    """
    from . import planning, rehearsing

    count, each, seconds = planning.count(files), planning.size(bytes_each), planning.seconds(runtime)
    found = rehearsing.compared(count, each, seconds, stack, component, printer.say)
    answer = planning.answered(found, count, each, seconds)
    for line in planning.lines(answer, every, printer.command):
        printer.say(line)
    return 0, answer


# ---------------------------------------------------------------------- sessions
session = typer.Typer(no_args_is_help=True, help="Open a file system and its queue for jobs of others.")


def session_start(
    stack: Stack,
    printer: Printer,
    idle_minutes: Annotated[
        int | None,
        typer.Option(
            parser=whole_number(1, 1440), metavar="N", help="It ends when no job was there for so long (15 otherwise)."
        ),
    ] = None,
    sets: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="A run-time parameter of the file system.")
    ] = [],  # noqa: B006
    prefix: Prefix = None,
    name: Name = None,
    no_wait: NoWait = False,
) -> Answer:
    """Start a session, and print its queue once it takes jobs.

    With it the path of its file system; it goes on by itself. Exit status: 0 it takes jobs, 1 it failed before, 2
    nothing was started, 3 something was kept, 4 left to itself.
    """
    from . import inputs, phases, sessions, start

    start.check(name)
    values = inputs.wanted(sets, None, [], None, None, prefix)
    given = sessions.wanted(values, idle_minutes)
    values = inputs.checked(stack, values)
    if stack.is_rehearsed:
        printer.say(inputs.where(stack, values))
    values |= {"session": given["session"]} | ({"wait": False} if no_wait else {})
    arn = start.start(stack, values, name)
    printer.say(f"started {arn.rpartition(':')[2]}")

    def ready(seen: Snapshot) -> dict[str, Any] | None:
        at_it = bool(seen.steps) and seen.steps[-1].phase.name == phases.SESSION
        item = sessions.of_run(stack, arn) if at_it else None
        return None if item is None else sessions.facts(item)

    status, facts = followed(stack, arn, printer, ready)
    if "queueArn" in facts:
        for line in sessions.words(facts):
            printer.say(line)
        printer.say(f"to end it: {printer.command('session stop ' + arn.rpartition(':')[2])}")
        if stack.is_rehearsed:
            printer.say("rehearsed on until it ends by itself, without a job: the least that such a session costs")
            _, ended = followed(stack, arn, printer)
            facts |= {key: ended[key] for key in ("elapsed_seconds", "file_system_dollars")}
    return status, facts


session.command("start", cls=Plain)(verb(session_start, "either"))


@session.command("list", cls=Plain)
@verb
def session_list(stack: Stack, printer: Printer) -> Answer:
    """Show the sessions that take jobs: queue, path and run of each."""
    from . import sessions

    found = sessions.opened(stack)
    for line in sessions.table(found):
        printer.say(line)
    return 0, {"sessions": [sessions.facts(one) for one in found]}


@session.command("stop", cls=Plain)
@verb
def session_stop(
    stack: Stack,
    printer: Printer,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The session's run; otherwise the only one.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Tell it to end, and do not follow that.")] = False,
) -> Answer:
    """Tell a session to end, and follow its clean-up.

    Jobs that are left are terminated, and everything is exported. The exit status is that of `run`.
    """
    from . import sessions

    arn = sessions.chosen(stack, run)
    sessions.end(stack, arn)
    printer.say(f"told {arn.rpartition(':')[2]} to end: within minutes its queue closes, and the clean-up begins")
    return followed_unless(detach, stack, arn, printer)


def register(app: typer.Typer) -> None:
    """Add the verbs to the command, in the order of its help."""
    app.command(cls=WithCommand)(verb(run, "either"))
    app.command(cls=Plain)(verb(watch))
    app.command("list", cls=Plain)(verb(upkeep.list_runs))
    for each in (upkeep.logs, upkeep.stop, upkeep.reclaim, upkeep.orphans, upkeep.push, upkeep.doctor):
        app.command(cls=Plain)(verb(each))
    app.command(cls=Plain)(verb(plan, "rehearsed"))
    app.add_typer(session, name="session")
