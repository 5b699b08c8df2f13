"""What can be typed after `python -m rehearsal`: the options, and how those with a form of their own are read. Owns why
one cannot be understood, in one line. Whatever takes time to import is imported late."""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .play.scenario import Scenario
    from .play.stage import OwnProgram


class UsageError(Exception):
    """An argument that cannot be understood, or a stack that cannot be deployed."""


def parsed(arguments: list[str], called: str) -> argparse.Namespace:
    """The options. What follows `--command` is not looked at: argparse takes no `--` there.

    Raises
    ------
    UsageError
        When there is no such option, or a value is missing.
    """
    known = parser(called)
    if "--command" not in arguments:
        return known.parse_args(arguments)
    place = arguments.index("--command") + 1
    options = known.parse_args(arguments[:place])
    options.command = arguments[place:]
    return options


def wants_object(arguments: list[str]) -> bool:
    """Whether the last line is to be an object, whatever becomes of the options."""
    return "--json" in (arguments[: arguments.index("--command")] if "--command" in arguments else arguments)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; what argparse prints above it is what `--help` is for."""

    def error(self, message: str) -> NoReturn:
        if found := re.fullmatch(r"unrecognized arguments: (\S+).*", message, re.S):
            near = difflib.get_close_matches(found[1], self._option_string_actions, n=1)
            hint = f" (did you mean {near[0]}?)" if near else "; --help lists them"
            what = f"there is no such option{hint}" if found[1].startswith("-") else "it is more than the command takes"
            raise UsageError(f"{found[1]}: {what}")
        if found := re.fullmatch(r"argument (\S+): (.*)", message, re.S):
            option, what = found.groups()
            what = re.sub(r"^not allowed with argument (\S+)$", r"leave it or \1 out, which says the same", what)
            raise UsageError(f"{option}: {'its value is missing' if what.startswith('expected ') else what}")
        raise UsageError(message)


def parser(called: str = "python -m rehearsal") -> argparse.ArgumentParser:
    """The options there are."""
    known = _Parser(prog=called, description="Rehearse the stack on an embedded AWS.")
    known.set_defaults(called=called)
    known.add_argument(
        "--program", default=None, metavar="DIR", help="a Pulumi program of your own, whose component is rehearsed"
    )
    known.add_argument("--component", default=None, metavar="NAME", help="with --program: which component of several")
    known.add_argument(
        "--stack",
        default=None,
        help="the stack whose configuration to use, from Pulumi.STACK.yaml; autoexport, or the one that a program has",
    )
    known.add_argument("--scenario", default="default", metavar="NAME|FILE", help="what to play (see --list)")
    known.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a configuration value; a list or a map is JSON: "
        '--set \'computeEnvironmentInstanceTypes=["c7i","c6i"]\'',
    )
    known.add_argument("--input", default=None, metavar="JSON", help="the execution's input: any JSON")
    job = known.add_mutually_exclusive_group()
    job.add_argument("--job", default=None, metavar="FILE", help="a job of your own, in place of the scenario's")
    job.add_argument(
        "--command",
        default=None,
        nargs=argparse.REMAINDER,
        metavar="WORD",
        help="the same as a program and its arguments; the last option, since all that follows belongs to it",
    )
    known.add_argument(
        "--image", default=None, help="run the job in this image, with docker or podman; alone, the image's own command"
    )
    known.add_argument(
        "--bucket-folder", default=None, metavar="DIR", help="put this folder's files into the bucket before the run"
    )
    known.add_argument(
        "--engine", action="store_true", help="deploy with the Pulumi engine instead of its mocks (needs `make engine`)"
    )
    known.add_argument(
        "--serve",
        action="store_true",
        help="with --engine: play nothing, but keep the deployed stack for `pulumi` commands of your own, until Ctrl-C",
    )
    known.add_argument("--json", action="store_true", help="print the facts as one JSON object on the last line")
    known.add_argument("--calls", default=None, metavar="FILE.jsonl", help="write every API call that was made there")
    known.add_argument("--report", default=None, metavar="FILE.html", help="write a page that shows how it went there")
    known.add_argument("--trace", default=None, metavar="FILE.csv", help="write the facts there, a line for each run")
    known.add_argument("--list", action="store_true", help="list the scenarios")
    known.add_argument("--example", action="store_true", help="print a scenario to start from")
    return known


def names() -> list[str]:
    """Every option, as it is typed."""
    return sorted(name for name in parser()._option_string_actions if name.startswith("--"))


def with_hint(message: str, given: Collection[str] = ()) -> str:
    """The message, and how to give a value where the engine's own words only name the key or the type: as it was given,
    with `--set` or in a file."""
    if missing := re.search(r"is missing configuration value '(?:[^']*:)?([^']+)'", message):
        return f"{message}; add it to the stack's file, or --set {missing[1]}=VALUE"
    wanted = re.search(r"configuration key '(?:[^']*:)?([^']+)' must be of type '(\w+)", message)
    if not wanted:
        return message
    key, declared = wanted.groups()
    if key in {each.rpartition(":")[2] for each in given}:
        hint = {
            "array": f'; a list is JSON: --set \'{key}=["a", "b"]\'',
            "object": f'; a map is JSON: --set \'{key}={{"team": "cfd"}}\'',
            "boolean": f"; write true or false: --set {key}=true",
        }.get(declared)
    else:
        hint = {
            "array": '; write a list: ["a", "b"]',
            "object": '; write a map: {"team": "cfd"}',
            "boolean": "; write true or false",
        }.get(declared)
    return message.removesuffix(".") + hint if hint else message


def settings(given: list[str]) -> dict[str, str]:
    """What `--set` says."""
    found = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {item}: write KEY=VALUE")
        found[key] = value
    return found


def _named(option: str, path: str) -> None:
    """Python takes an empty path for the current folder, which nobody means who types one."""
    if not path:
        raise UsageError(f"{option} {path!r}: it is empty")


def own_job(options: argparse.Namespace) -> dict[str, Any] | None:
    """The job in place of the scenario's."""
    from .aws.batch.job_plan import command_problem, script_problem

    image = {} if options.image is None else {"image": options.image}
    if options.job is not None:
        _named("--job", options.job)
        if (problem := script_problem(Path(options.job))) is not None:
            raise UsageError(f"--job {options.job}: {problem}")
        return {"script": Path(options.job).absolute(), **image}
    if options.command is not None:
        if (problem := command_problem(options.command, in_image=bool(image))) is not None:
            raise UsageError(f"--command {' '.join(options.command)}: {problem}")
        return {"command": options.command, **image}
    return image or None


def bucket_folder(options: argparse.Namespace) -> Path | None:
    """The folder whose files are put into the bucket."""
    from .aws.bucket_plan import folder_problem

    if options.bucket_folder is None:
        return None
    _named("--bucket-folder", options.bucket_folder)
    if (problem := folder_problem(Path(options.bucket_folder))) is not None:
        raise UsageError(f"--bucket-folder {options.bucket_folder}: {problem}")
    return Path(options.bucket_folder)


def own_program(options: argparse.Namespace) -> OwnProgram | None:
    """The program in place of the stack program."""
    from .play.stage import OwnProgram

    if options.program is None:
        if options.component is not None:
            raise UsageError("--component: it chooses among the components of a program, so add --program")
        return None
    _named("--program", options.program)
    return OwnProgram(Path(options.program), options.component)


def _given(options: argparse.Namespace) -> str:
    """The option that says something of a job."""
    return next(key for key in ("job", "command", "image") if getattr(options, key) is not None)


def scenario(options: argparse.Namespace) -> Scenario:
    """What is to be played."""
    from .aws.batch import container_engine
    from .play import scenario as scenarios

    job, folder = own_job(options), bucket_folder(options)
    found = scenarios.load(options.scenario, None, folder)
    if job is not None:
        if all(run.opens_session for run in found.each()):
            raise UsageError(f"--{_given(options)}: --scenario {options.scenario}: {scenarios.OPENS_ONE}")
        found = scenarios.load(options.scenario, job, folder)
    if options.program is not None and found.set and options.scenario in scenarios.names():
        raise UsageError(
            f"--scenario {options.scenario}: it sets {', '.join(found.set)} of the stack program, "
            "and with --program the program decides that itself"
        )
    images = [run.job.image for run in found.each() if run.job.image is not None]
    if images and (problem := container_engine.problem()) is not None:
        raise UsageError(f"{'--image' if options.image is not None else 'job.image'} {images[0]}: {problem}")
    if options.input is None:
        return found
    try:
        content = json.loads(options.input)
    except ValueError as error:
        raise UsageError(f"--input {options.input}: it is not JSON: {error}") from None
    found = found.with_input(content)
    if job is not None and all(run.opens_session for run in found.each()):
        raise UsageError(f"--{_given(options)}: --input {options.input}: {scenarios.OPENS_ONE}")
    for key, rule in found.contradictions():
        raise UsageError(f"--input {options.input}: {key}: {rule}")
    return found
