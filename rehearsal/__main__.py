"""`python -m rehearsal`, and `lustre-batch rehearse` of an installed package: the command. Owns reading the arguments
and the exit status: 0 when everything ended as the scenario expects, 1 when it did not, 2 when the scenario cannot be
played, 130 when it was interrupted and 143 when it was terminated. It must never print anything after the JSON object.
Whatever takes time to import is imported late: an interruption finds `main`."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from . import STARTED

if TYPE_CHECKING:
    from rich.console import Console

    from .play.scenario import Scenario
    from .play.stage import Stage


def main(arguments: list[str] | None = None, started: float | None = None, called: str = "python -m rehearsal") -> int:
    """Run the command; `started` is when it began, by `time.perf_counter`, if that was before this call, and `called`
    what was typed."""
    started = time.perf_counter() if started is None else started
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, _terminated)
        return _run(_parsed(sys.argv[1:] if arguments is None else arguments, called), started)
    except Terminated:
        print("terminated", file=sys.stderr)
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace, started: float) -> int:
    from .play.output import console as console_on
    from .play.scenario import ScenarioError

    if options.example:
        from .play.scenario import EXAMPLE

        print(EXAMPLE.read_text("utf-8").replace("python -m rehearsal", options.called), end="")
        return 0
    if options.list:
        _list(console_on())
        return 0
    try:
        _check_system()
        return _rehearse(options, console_on(stderr=options.json), started)
    except (ScenarioError, UsageError) as error:
        print(f"{options.called}: {error}", file=sys.stderr)
        return 2


class Terminated(KeyboardInterrupt):
    """SIGTERM, from whoever wants the command to end: it cleans up as after an interruption."""


def _terminated(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


class UsageError(Exception):
    """An argument that cannot be understood, or a stack that cannot be deployed."""


def _parsed(arguments: list[str], called: str) -> argparse.Namespace:
    """The options. What follows `--command` is not looked at: argparse takes no `--` there."""
    parser = _parser(called)
    if "--command" not in arguments:
        return parser.parse_args(arguments)
    place = arguments.index("--command") + 1
    options = parser.parse_args(arguments[:place])
    options.command = arguments[place:]
    return options


def _parser(called: str = "python -m rehearsal") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=called, description="Rehearse the stack on an embedded AWS.")
    parser.set_defaults(called=called)
    parser.add_argument(
        "--stack", default="autoexport", help="the stack whose configuration to use, from Pulumi.STACK.yaml"
    )
    parser.add_argument("--scenario", default="default", metavar="NAME|FILE", help="what to play (see --list)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a configuration value; a list or a map is JSON: "
        '--set \'computeEnvironmentInstanceTypes=["c7i","c6i"]\'',
    )
    parser.add_argument("--input", default=None, metavar="JSON", help="the execution's input: any JSON")
    job = parser.add_mutually_exclusive_group()
    job.add_argument("--job", default=None, metavar="FILE", help="a job of your own, in place of the scenario's")
    job.add_argument(
        "--command",
        default=None,
        nargs=argparse.REMAINDER,
        metavar="WORD",
        help="the same as a program and its arguments; the last option, since all that follows belongs to it",
    )
    parser.add_argument(
        "--bucket-folder", default=None, metavar="DIR", help="put this folder's files into the bucket before the run"
    )
    parser.add_argument(
        "--engine", action="store_true", help="deploy with the Pulumi engine instead of its mocks (needs `make engine`)"
    )
    parser.add_argument(
        "--serve",
        action="store_true",
        help="with --engine: play nothing, but keep the deployed stack for `pulumi` commands of your own, until Ctrl-C",
    )
    parser.add_argument("--json", action="store_true", help="print the facts as one JSON object on the last line")
    parser.add_argument("--calls", default=None, metavar="FILE.jsonl", help="write every API call that was made there")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument("--example", action="store_true", help="print a scenario to start from")
    return parser


def _check_system() -> None:
    """A real job is waited for by a file descriptor of its process."""
    if not hasattr(os, "pidfd_open"):
        raise UsageError(f"the rehearsal needs Linux 5.3 or later, and this is {sys.platform}: use a container there")


def _list(console: Console) -> None:
    from .play import scenario as scenarios
    from .play.output import print_rows

    print_rows(console, [(name, scenarios.load(name).description) for name in scenarios.names()])


def _rehearse(options: argparse.Namespace, console: Console, started: float) -> int:
    if options.serve and not options.engine:
        raise UsageError("--serve: it is the engine that goes on with the stack, so add --engine")
    scenario = _scenario(options)
    config = {**scenario.set, **_settings(options.set)}
    with contextlib.ExitStack() as stack:
        calls = stack.enter_context(_writable(options.calls)) if options.calls is not None else None
        with _uncollected():
            # Imported late: `--list` and mistakes in the arguments need neither moto nor Pulumi.
            from .aws.batch.real_attempt import JobComputes
            from .play.output import print_rows
            from .play.report import show
            from .play.stage import staged
            from .play.timeline import Timeline
            from .play.verdict import judge
            from .provider.deployment import ConfigurationError, DeployError

            try:
                stage = stack.enter_context(staged(config, options.stack, options.engine, _teller(console)))
            except ConfigurationError as error:
                raise UsageError(_with_hint(str(error))) from None
            except DeployError as error:
                print(f"{options.called}: {_with_hint(str(error))}", file=sys.stderr)
                return 1
            if options.serve:
                _serve(console, stage, options.stack)
                return 0
            print_rows(
                console, [(scenario.name, scenario.description), *(("note", note) for note in stage.notes)], margin=0
            )
        session = stage.session
        timeline = Timeline(console)
        listener = timeline.printed if scenario.job.words is not None else None
        try:
            played = session.play(scenario, timeline, log_calls=calls is not None, listener=listener)
        except JobComputes as error:
            timeline.close()
            print(f"{options.called}: {error} (job.real_seconds)", file=sys.stderr)
            return 1
        timeline.close()
        if calls is not None and played.calls is not None:
            calls.write(played.calls.lines())
        verdict = judge(session, played)
        show(console, session, verdict, time.perf_counter() - started)
        if options.json:
            print(verdict.json())
    return 0 if verdict.passed else 1


def _teller(console: Console) -> Callable[[str], None]:
    """Prints what the engine does, with the real time since the first line."""
    began = time.perf_counter()
    return lambda line: console.print(f"{time.perf_counter() - began:7.0f} s  {line}", markup=False, soft_wrap=True)


def _serve(console: Console, stage: Stage, name: str) -> None:
    """Say how to go on with the stack, and wait until somebody has had enough of it."""
    lines = [
        "",
        "The stack is deployed into the embedded account, which stays until Ctrl-C. In another shell:",
        "",
        *(f"  {line}" for line in stage.to_type),
        "",
        "and then, for example:",
        "",
        f"  pulumi preview -s {name}",
        f"  pulumi config set lustreStorageCapacity 4800 -s {name} && pulumi up -s {name}",
        f"  pulumi stack output -s {name}",
        f"  pulumi destroy -s {name}",
        "",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
    try:
        while True:
            signal.pause()
    except Terminated:
        raise
    except KeyboardInterrupt:
        console.print("closed: the account and all that is in it are gone", soft_wrap=True)


@contextlib.contextmanager
def _writable(name: str) -> Iterator[IO[str]]:
    """The file for the calls, opened before anything is played."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(name, "w", encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"--calls {name}: {error.strerror}") from None
        yield file


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Imports and deployment create a million objects that live until the end. Python's garbage collector would walk
    through all of them again and again, which takes a third of the command's time, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _with_hint(message: str) -> str:
    """The message, and how to write a value where the engine's own words only name the type that is wanted."""
    wanted = re.search(r"configuration key '(?:[^']*:)?([^']+)' must be of type '(\w+)", message)
    if not wanted:
        return message
    key, declared = wanted.groups()
    hint = {
        "array": f'; a list is JSON: --set \'{key}=["a", "b"]\'',
        "object": f'; a map is JSON: --set \'{key}={{"team": "cfd"}}\'',
        "boolean": f"; write true or false: --set {key}=true",
    }.get(declared)
    return message.removesuffix(".") + hint if hint else message


def _settings(given: list[str]) -> dict[str, str]:
    settings = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {item}: write KEY=VALUE")
        settings[key] = value
    return settings


def _own_job(options: argparse.Namespace) -> dict[str, Any] | None:
    from .aws.batch.job_plan import command_problem, script_problem

    if options.job is not None:
        if (problem := script_problem(Path(options.job))) is not None:
            raise UsageError(f"--job {options.job}: {problem}")
        return {"script": Path(options.job).absolute()}
    if options.command is not None:
        if (problem := command_problem(options.command)) is not None:
            raise UsageError(f"--command {' '.join(options.command)}: {problem}")
        return {"command": options.command}
    return None


def _bucket_folder(options: argparse.Namespace) -> Path | None:
    from .aws.bucket_plan import folder_problem

    if options.bucket_folder is None:
        return None
    if (problem := folder_problem(Path(options.bucket_folder))) is not None:
        raise UsageError(f"--bucket-folder {options.bucket_folder}: {problem}")
    return Path(options.bucket_folder)


def _scenario(options: argparse.Namespace) -> Scenario:
    from .play import scenario as scenarios

    scenario = scenarios.load(options.scenario, _own_job(options), _bucket_folder(options))
    if options.input is None:
        return scenario
    try:
        content = json.loads(options.input)
    except ValueError as error:
        raise UsageError(f"--input {options.input}: {error}") from None
    if isinstance(content, dict) and isinstance(scenario.input, dict):
        content = {**scenario.input, **content}
    return scenario.model_copy(update={"input": content})


if __name__ == "__main__":
    sys.exit(main(started=STARTED))
