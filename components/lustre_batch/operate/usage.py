"""What somebody typed that the command cannot understand, in one line: which word, and what is wrong with it. Owns
those words, and the numbers that options take.

The errors are typer's, which names their kinds nowhere: they are told by their names, which click, that typer had
before its own parser, has as well.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, Final

import typer

USAGE: Final = 2


def whole_number(least: float = -math.inf, most: float = math.inf) -> Callable[[Any], int]:
    """What reads an option's text as a whole number within bounds."""
    rule = f" from {least} to {most}" if most < math.inf else f" of {least} or more" if least > -math.inf else ""

    def read(text: Any) -> int:
        # As Python reads one, but for underscores and blanks.
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", str(text)) or not least <= int(text) <= most:
            raise typer.BadParameter(f"'{text}' is not a whole number{rule}")
        return int(text)

    return read


def complain(error: Any) -> int:
    """Say what is wrong; the exit status."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return USAGE
    return refuse(words(error))


def refuse(said: str) -> int:
    """Say that in one line, and as an object to whoever asked for one; the exit status."""
    typer.echo(f"lustre-batch: {said}", err=True)
    if wants_object(sys.argv[1:]):
        typer.echo(json.dumps({"error": said, "exit_status": USAGE}))
    return USAGE


def wants_object(arguments: list[str]) -> bool:
    """Whether standard output is to have one object: what follows `--command` is the job's."""
    ours = arguments[: arguments.index("--command")] if "--command" in arguments else arguments
    return any(one.partition("=")[0] in ("--json", "--query") for one in ours)


def words(error: Any) -> str:
    """What is wrong, in one line."""
    context: Any = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split())
    verb = " ".join(context.command_path.split()[1:]) if context is not None else ""
    kind = type(error).__name__
    if kind == "NoSuchOption":
        known = [name for one in context.command.get_params(context) for name in one.opts if name.startswith("-")]
        whose = verb or "lustre-batch"
        return f"{error.option_name}: {whose} has no such option{_near(error.option_name, known)}"
    if found := re.match(r"No such command '(.*?)'", message):
        near = _near(found[1], context.command.list_commands(context))
        return f"{f'{verb} {found[1]}'.strip()}: there is no such verb{near}; lustre-batch --help lists them"
    if kind == "MissingParameter":
        return f"{_name(error.param)}: it is missing, and {verb} needs it"
    if kind == "BadOptionUsage":
        none = "does not take a value" in message
        return f"{error.option_name}: " + ("it takes no value" if none else "its value is missing")
    if kind == "BadParameter" and error.param is not None:
        return f"{_name(error.param)}: {error.message}"
    if found := re.match(r"Got unexpected extra arguments? ?(?:\(s\) )?\((.*)\)", message):
        return f"{verb}: {found[1]} is more than it takes"
    return message


def _name(parameter: Any) -> str:
    """As it is typed, or as the help calls it."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name).strip("[]")


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
