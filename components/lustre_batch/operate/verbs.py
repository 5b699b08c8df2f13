"""The subcommands that work on a deployed stack: their options, what they print, and how they exit.

What they do is in the modules beside this one, imported when a verb is called: `--help` answers at once. With `--json`,
standard output has one object alone, and whatever else is said goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from .follow import Snapshot
    from .stack import Stack

Machine = Annotated[
    str | None,
    typer.Option(
        "--state-machine",
        metavar="ARN",
        help="The stack's state machine; otherwise LUSTRE_BATCH_STATE_MACHINE, or the Pulumi project in this folder.",
    ),
]
PulumiStack = Annotated[
    str | None, typer.Option("--stack", metavar="STACK", help="The stack of the Pulumi project in this folder.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

Answer = tuple[int, dict[str, Any]]
_DETACHED: Final = 4
_USAGE: Final = 2


class Printer:
    """Where a verb's words go."""

    def __init__(self, as_json: bool, options: str) -> None:
        self.as_json = as_json
        self._options = options

    def say(self, line: str) -> None:
        typer.echo(line, err=self.as_json)

    def complain(self, line: str) -> None:
        typer.echo(f"lustre-batch: {line}", err=True)

    def command(self, words: str) -> str:
        """A command about the same stack, to be typed."""
        return f"lustre-batch {words}{self._options}"

    @property
    def live(self) -> bool:
        return not self.as_json and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def act(
    work: Callable[[Stack, Printer], Answer], machine: str | None, pulumi_stack: str | None, as_json: bool
) -> typer.Exit:
    """Do what a verb does, and say how that ended: no traceback for anything a user or AWS can cause."""
    from botocore.exceptions import BotoCoreError, ClientError

    from . import stack
    from .problems import Problem, in_words

    given = f" --state-machine {machine}" if machine else f" --stack {pulumi_stack}" if pulumi_stack else ""
    printer = Printer(as_json, given)
    try:
        status, facts = work(stack.Stack(stack.find(machine, pulumi_stack)), printer)
    except Problem as problem:
        status, facts = problem.status, {"error": str(problem)}
        printer.complain(str(problem))
    except (ClientError, BotoCoreError) as error:
        status, facts = _USAGE, {"error": in_words(error)}
        printer.complain(in_words(error))
    except KeyboardInterrupt:
        status, facts = 130, {"error": "interrupted"}
        printer.complain("interrupted")
    if as_json:
        typer.echo(json.dumps(facts | {"exit_status": status}, default=str))
    return typer.Exit(status)


# ---------------------------------------------------------------------- run and watch
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
        return _started(stack, arn, printer, detach)

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


# ---------------------------------------------------------------------- what there is, and its end
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
            raise _problem(f"{name} has ended already: it is {status}")
        _agree(printer, yes, f"Stop {name}? Its job is ended, and what it has written so far is exported.")
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

        return _started(stack, reclaims.start_for(stack, what), printer, detach)

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


def _problem(words: str) -> Exception:
    from .problems import Problem

    return Problem(words)


def _agree(printer: Printer, yes: bool, question: str) -> None:
    """Go on only if somebody says so."""
    if yes:
        return
    if printer.as_json:
        raise _problem("with --json nobody is asked: give --yes")
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        typer.echo()
        raise _problem("nobody was there to answer: give --yes") from None
    if not agreed:
        raise _problem("nothing was done")


def _started(stack: Stack, arn: str, printer: Printer, detach: bool) -> Answer:
    name = arn.rpartition(":")[2]
    printer.say(f"started {name}")
    if detach:
        printer.say(f"follow it: {printer.command('watch ' + name)}")
        return _DETACHED, {"run": arn}
    return followed(stack, arn, printer)


def followed(stack: Stack, arn: str, printer: Printer) -> Answer:
    """Follow a run until it is over, or somebody wants to do something else."""
    from botocore.exceptions import BotoCoreError, ClientError

    from . import screen
    from .follow import Follower, status_of
    from .problems import in_words

    seen: Snapshot | None = None
    back = f"it goes on by itself; to come back: {printer.command('watch ' + arn.rpartition(':')[2])}"
    try:
        with screen.view(printer.say, live=printer.live) as view:
            for seen in Follower(stack, arn).looks():
                view.show(seen)
    except KeyboardInterrupt:
        printer.say(f"\nleft the run: {back}")
        return _DETACHED, (seen.facts() if seen else {"run": arn})
    except (ClientError, BotoCoreError) as error:
        printer.complain(f"{in_words(error)}\nThe run is not touched by this: {back}")
        return _DETACHED, (seen.facts() if seen else {"run": arn}) | {"error": in_words(error)}
    if seen is None:
        raise RuntimeError("a run was followed without a look at it")
    for line in screen.ending(seen, printer.command):
        printer.say(line)
    return status_of(seen), seen.facts()


def register(app: typer.Typer) -> None:
    """Add the verbs to the command, in the order of its help."""
    app.command(cls=WithCommand)(run)
    app.command()(watch)
    app.command("list")(list_runs)
    app.command()(logs)
    app.command()(stop)
    app.command()(reclaim)
    app.command()(orphans)
    app.command()(doctor)
