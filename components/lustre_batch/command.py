"""The command `lustre-batch`: its subcommands, what they ask and print, and how they exit.

What a subcommand does is another module's, imported when it is called: `lustre-batch --help` answers at once.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from .operate import usage, verbs
from .report import verb as reporting

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)

# Of typer, which has had a click of its own since 0.26, and names it nowhere.
_UsageError: Final[Any] = typer.BadParameter.__base__
_REHEARSAL: Final = "lustre_batch_rehearsal.__main__"
_OPTIONS: Final = "lustre_batch_rehearsal.options"
_SCENARIOS: Final = "lustre_batch_rehearsal.play.scenario"


@app.callback()
def lustre_batch() -> None:
    """An Amazon FSx for Lustre file system per AWS Batch run."""


@app.command()
def config(
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="The cdk.json to read.")],
    stack: Annotated[
        str, typer.Option(metavar="STACK", help="The stack whose Pulumi.STACK.yaml is written.")
    ] = "autoexport",
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and ask nothing; written only with --yes.")
    ] = False,
) -> None:
    """Take the autoExport section of a cdk.json over into a stack.

    Run it in the folder of Pulumi.yaml. It says what it takes, what it does not know and what a deployment would
    refuse, which is left out, before it writes anything. Comments in Pulumi.STACK.yaml stay. Exit status: 0 as
    wished, 1 something was refused or you said no, 2 a file cannot be read.
    """
    from . import naming, takeover

    if not naming.is_stack_name(stack):
        raise _usage(f"{stack} is not {naming.STACK_NAME}")
    path = Path(f"Pulumi.{stack}.yaml")
    if not Path("Pulumi.yaml").exists():
        raise _usage("there is no Pulumi.yaml here: run it in the folder of the Pulumi project")
    try:
        text = takeover.text_of(path) if path.exists() else ""
        existing = takeover.configured(text, path.name)
        result = takeover.take_over(takeover.read_section(source), existing)
        changes = {key: value for key, value in result.taken.items() if _differs(value, existing.get(key))}
        changed = takeover.with_values(text, changes) if changes else text
    except takeover.NotReadable as error:
        raise _usage(str(error)) from None

    if not as_json:
        _show(str(source), path.name, result, existing, changes)
    agreed = bool(changes) and (yes or (not as_json and _confirmed(len(changes), path.name)))
    if agreed:
        path.write_bytes(changed.encode())  # line ends stay, too
    if as_json:
        facts = {"stack": stack, "file": path.name, "taken": result.taken, "changed": sorted(changes)}
        typer.echo(
            json.dumps(facts | {"unknown": result.unknown, "refused": result.refused, "written": agreed}, indent=2)
        )
    elif changes:
        typer.echo(f"{path.name}: written" if agreed else "nothing was written")
    declined = bool(changes) and not agreed and not as_json
    raise typer.Exit(1 if result.refused or declined else 0)


class _HandedOn(TyperCommand):
    """A subcommand whose arguments, `--help` and `--` included, another command reads."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        ctx.args = list(args)
        return []

    def shell_complete(self, ctx: typer.Context, incomplete: str) -> list[Any]:  # type: ignore[override]
        """The other command's options, and the names of scenarios; what follows `--command` is the job's."""
        if "--command" in ctx.args:
            return []
        item = importlib.import_module(f"{_UsageError.__module__.rpartition('.')[0]}.shell_completion").CompletionItem
        try:
            if ctx.args[-1:] == ["--scenario"]:
                words = importlib.import_module(_SCENARIOS).names()
            else:
                words = importlib.import_module(_OPTIONS).names() if incomplete.startswith("-") else []
        except ModuleNotFoundError:  # the rehearsal is not installed
            return []
        return [item(word) for word in words if word.startswith(incomplete)]


@app.command(cls=_HandedOn)
def rehearse(context: typer.Context) -> None:
    """Rehearse the stack, or a program of yours, on an embedded AWS."""
    started = time.perf_counter()
    try:
        # By name: the package does not depend on the rehearsal, which depends on it.
        status = importlib.import_module(_REHEARSAL).main(context.args, started, "lustre-batch rehearse")
    except ModuleNotFoundError as error:
        raise _usage(f"rehearse needs {error.name}: pip install 'lustre-batch[rehearsal]'") from None
    raise typer.Exit(status)


verbs.register(app)
reporting.register(app)


def _differs(value: Any, existing: Any) -> bool:
    """Whether a stack's file says something else; it has text in the place of what `pulumi config set` was given."""
    text = value if isinstance(value, str) else json.dumps(value)
    return existing not in (value, text)


def _show(source: str, file: str, result: Any, existing: dict[str, Any], changes: dict[str, Any]) -> None:
    from .rules import show
    from .takeover import NAMESPACE
    from .validation import hint

    def block(title: str, lines: list[str]) -> None:
        if lines:
            typer.echo("\n".join([title, *(f"  {line}" for line in lines)]))

    def was(key: str) -> str:
        if key not in changes:
            return ", as it is there already"
        return f" (was {show(existing[key])})" if key in existing else ""

    block(f"taken from {source} into {file}:", [f"{NAMESPACE}{k}: {show(v)}{was(k)}" for k, v in result.taken.items()])
    block("not known, and left out:", [f"{key}: {show(value)}{hint(key)}" for key, value in result.unknown.items()])
    block("would be refused:", result.refused)
    if not changes:
        typer.echo("nothing to write")


def _confirmed(count: int, file: str) -> bool:
    try:
        return typer.confirm(f"Write {count} {'value' if count == 1 else 'values'} to {file}?")
    except typer.Abort:  # nobody there to answer
        typer.echo()
        return False


def _usage(message: str) -> typer.Exit:
    return typer.Exit(usage.refuse(message))


def main() -> None:
    """Run the command; the wheel installs this as ``lustre-batch``."""
    try:
        status = app(prog_name="lustre-batch", standalone_mode=False)
    except typer.Abort:
        status = 1
    except _UsageError as error:
        status = usage.complain(error)
    sys.exit(status)
