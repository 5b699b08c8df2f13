"""What the verbs share: options, where words go, and how each ends, whatever AWS answers.

With `--json`, standard output has one object alone, and whatever else is said goes to standard error. What takes long
to import is imported when a verb is called: `--help` answers at once.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from .snapshot import Snapshot
    from .stack import Stack

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

Answer = tuple[int, dict[str, Any]]

# What every verb has.
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
Query = Annotated[str | None, typer.Option(metavar="JMESPATH", help="Print this part of the JSON object alone.")]
Rehearse = Annotated[
    bool, typer.Option("--rehearse", help="Play it on an embedded AWS, and say what it would cost; nothing is started.")
]
Component = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Which component is rehearsed, if the program in this folder has several."),
]
DETACHED: Final = 4
_USAGE: Final = 2


class Plain(TyperCommand):
    """A verb whose help names what is typed, and not what Python makes of it (`<str>`, as new versions of typer do)."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        for one in self.params:
            if one.param_type_name == "argument":
                one.display_type_rich = lambda ctx: None  # type: ignore[attr-defined]
        super().format_options(ctx, formatter)


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


def verb(
    work: Callable[..., Answer], where: Literal["deployed", "either", "rehearsed"] = "deployed"
) -> Callable[..., None]:
    """A verb of the command, from what it does with a stack and a printer; it gets the options that every one has.

    One that is only ever rehearsed is given the names of its Pulumi stack and of the component.
    """

    @functools.wraps(work)
    def typed(
        *,
        pulumi_stack: str | None,
        as_json: bool,
        query: str | None,
        machine: str | None = None,
        rehearse: bool = False,
        component: str | None = None,
        **options: Any,
    ) -> None:
        given = f" --state-machine {machine}" if machine else f" --stack {pulumi_stack}" if pulumi_stack else ""
        printer = Printer(as_json or bool(query), given)

        def act() -> Answer:
            from . import rehearsing, stack

            def on(chosen: Stack) -> Answer:
                return work(stack=chosen, printer=printer, **options)

            if where == "rehearsed":
                return work(stack=pulumi_stack, component=component, printer=printer, **options)
            if rehearse:
                detach = bool(options.get("detach"))
                return rehearsing.played(on, machine, pulumi_stack, component, detach, printer.say)
            if component is not None:
                raise problem("--component: it chooses what is rehearsed: add --rehearse, or leave it out")
            named = None if machine else pulumi_stack
            return on(stack.Stack(stack.find(machine, pulumi_stack), pulumi_name=named))

        raise _act(act, query, printer)

    annotations = inspect.get_annotations(work, eval_str=True, locals={"Stack": Any})
    own = [
        one.replace(annotation=annotations[name])
        for name, one in inspect.signature(work).parameters.items()
        if name not in ("stack", "component", "printer")
    ]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in (
            *([("machine", None, Machine)] if where != "rehearsed" else []),
            ("pulumi_stack", None, PulumiStack),
            ("as_json", False, AsJson),
            ("query", None, Query),
            *([("rehearse", False, Rehearse)] if where == "either" else []),
            *([("component", None, Component)] if where != "deployed" else []),
        )
    ]
    # What typer reads: the one in some of its versions, the other in others.
    parameters = [*own, *shared]
    typed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = {one.name: one.annotation for one in parameters}
    return typed


def _act(work: Callable[[], Answer], query: str | None, printer: Printer) -> typer.Exit:
    """Do what a verb does, and say how that ended: no traceback for anything a user or AWS can cause."""
    from botocore.exceptions import BotoCoreError, ClientError

    from .problems import Problem, in_words

    try:
        chosen = _part(query, printer)
        status, facts = work()
    except Problem as problem:
        status, facts = problem.status, {"error": str(problem)}
        printer.complain(str(problem))
    except (ClientError, BotoCoreError) as error:
        status, facts = _USAGE, {"error": in_words(error)}
        printer.complain(in_words(error))
    except KeyboardInterrupt:
        status, facts = 130, {"error": "interrupted"}
        printer.complain("interrupted")
    if printer.as_json:
        # As they are printed, so that a query finds times as text.
        told = json.loads(json.dumps(facts | {"exit_status": status}, default=str))
        typer.echo(json.dumps(told if set(told) == {"error", "exit_status"} else chosen(told)))
    return typer.Exit(status)


def _part(query: str | None, printer: Printer) -> Callable[[Any], Any]:
    """What of an answer is asked for; of a key that no part of it has, the ones that there are instead are told."""
    if not query:
        return lambda facts: facts
    import jmespath  # boto3's own

    known: dict[str, dict[str, None]] = {}  # of each key that is missing somewhere, what was there
    found: set[str] = set()

    class Noting(jmespath.visitor.TreeInterpreter):  # type: ignore[misc]
        def visit_field(self, node: Any, value: Any) -> Any:
            if isinstance(value, dict):
                if node["value"] in value:
                    found.add(node["value"])
                else:
                    known.setdefault(node["value"], {}).update(dict.fromkeys(value))
            return super().visit_field(node, value)

    def part(facts: Any) -> Any:
        answer = Noting().visit(parsed, facts)
        for key, others in known.items():
            if key not in found:
                printer.complain(f"--query: there is no {key}; there are {', '.join(others) or 'no keys'}")
        return answer

    try:
        parsed = jmespath.compile(query).parsed
        return part
    except jmespath.exceptions.JMESPathError as error:
        said = " ".join(str(error).split())
        raise problem(f"--query: {query} is not a JMESPath expression (https://jmespath.org): {said}") from None


def started(stack: Stack, arn: str, printer: Printer, detach: bool) -> Answer:
    printer.say(f"started {arn.rpartition(':')[2]}")
    return followed_unless(detach, stack, arn, printer)


def followed_unless(detach: bool, stack: Stack, arn: str, printer: Printer) -> Answer:
    """Follow a run, or say how to."""
    if detach:
        printer.say(f"follow it: {printer.command('watch ' + arn.rpartition(':')[2])}")
        return DETACHED, {"run": arn}
    return followed(stack, arn, printer)


def followed(
    stack: Stack, arn: str, printer: Printer, until: Callable[[Snapshot], dict[str, Any] | None] = lambda seen: None
) -> Answer:
    """Follow a run until it is over, what somebody waits for is there, or they want to do something else."""
    from botocore.exceptions import BotoCoreError, ClientError

    from . import screen
    from .follow import Follower
    from .problems import in_words
    from .snapshot import status_of

    seen: Snapshot | None = None
    back = f"it goes on by itself; to come back: {printer.command('watch ' + arn.rpartition(':')[2])}"
    try:
        with screen.view(printer.say, live=printer.live) as view:
            for seen in Follower(stack, arn, closely=printer.live).looks():
                view.show(seen)
                if (found := until(seen)) is not None:
                    return 0, found
    except KeyboardInterrupt:
        if stack.is_rehearsed:
            raise  # a rehearsed run goes on only as long as somebody looks
        printer.say(f"\nleft the run: {back}")
        return DETACHED, (seen.facts() if seen else {"run": arn})
    except (ClientError, BotoCoreError) as error:
        printer.complain(f"{in_words(error)}\nThe run is not touched by this: {back}")
        return DETACHED, (seen.facts() if seen else {"run": arn}) | {"error": in_words(error)}
    if seen is None:
        raise RuntimeError("a run was followed without a look at it")
    for line in screen.ending(seen, printer.command):
        printer.say(line)
    return status_of(seen), seen.facts()


def problem(words: str) -> Exception:
    from .problems import Problem

    return Problem(words)


def agree(printer: Printer, yes: bool, question: str) -> None:
    """Go on only if somebody says so."""
    if yes:
        return
    if printer.as_json:
        raise problem("with --json nobody is asked: give --yes")
    try:
        agreed = typer.confirm(question)
    except typer.Abort:
        typer.echo()
        raise problem("nobody was there to answer: give --yes") from None
    if not agreed:
        raise problem("nothing was done")
