"""`python -m rehearsal`, and `lustre-batch rehearse` of an installed package: the command. Owns reading the arguments
and the exit status: 0 when everything ended as the scenario expects, 1 when it did not, 2 when the scenario cannot be
played, 130 when it was interrupted and 143 when it was terminated. It must never print anything after the JSON object.
Whatever takes time to import is imported late: an interruption finds `main`."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING

from . import STARTED
from .process import Terminated, interruptible, system_problem, uncollected, without_account

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from .play.session import Session
    from .play.stage import Stage
    from .play.verdict import Verdict


def main(arguments: list[str] | None = None, started: float | None = None, called: str = "python -m rehearsal") -> int:
    """Run the command; `started` is when it began, by `time.perf_counter`, if that was before this call, and `called`
    what was typed."""
    started = time.perf_counter() if started is None else started
    try:
        with interruptible(), without_account():
            return _run(sys.argv[1:] if arguments is None else arguments, called, started)
    except Terminated:
        print("terminated", file=sys.stderr)
        return 128 + signal.SIGTERM
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def _run(arguments: list[str], called: str, started: float) -> int:
    from .options import UsageError, parsed, wants_object

    try:
        options = parsed(arguments, called)
    except UsageError as error:
        return _refused(called, str(error), 2, wants_object(arguments))
    from .play.output import console as console_on
    from .play.scenario import ScenarioError

    if options.example:
        from .play.scenario import EXAMPLE

        print(EXAMPLE.read_text("utf-8").replace("python -m rehearsal", options.called), end="")
        return 0
    if options.list:
        _list(console_on(), options.json)
        return 0
    try:
        if (why_not := system_problem()) is not None:
            raise UsageError(why_not)
        return _rehearse(options, console_on(stderr=options.json), started)
    except (ScenarioError, UsageError) as error:
        return _refused(called, str(error), 2, options.json)


def _refused(called: str, why: str, status: int, as_json: bool) -> int:
    """Say why nothing was played, in one line, and as an object to whoever asked for one."""
    print(f"{called}: {why}", file=sys.stderr)
    if as_json:
        print(json.dumps({"error": why, "exit_status": status}))
    return status


def _list(console: Console, as_json: bool) -> None:
    from .play import scenario as scenarios
    from .play.output import print_rows

    listed = [(name, scenarios.load(name).description) for name in scenarios.names()]
    if as_json:
        print(json.dumps([{"name": name, "description": description} for name, description in listed]))
    else:
        print_rows(console, listed)


def _rehearse(options: argparse.Namespace, console: Console, started: float) -> int:
    from .options import UsageError, own_program, settings, with_hint
    from .options import scenario as read_scenario

    if options.serve and not options.engine:
        raise UsageError("--serve: it is the engine that goes on with the stack, so add --engine")
    if options.report is not None:
        _check_charts()
    scenario = read_scenario(options)
    config = {**scenario.set, **settings(options.set)}
    with contextlib.ExitStack() as stack:
        calls, report, trace = (
            stack.enter_context(_writable(option, name)) if name is not None else None
            for option, name in (("--calls", options.calls), ("--report", options.report), ("--trace", options.trace))
        )
        with uncollected():
            # Imported late: `--list` and mistakes in the arguments need neither moto nor Pulumi.
            from .aws.batch.real_attempt import JobComputes
            from .play.beside import SideBySide
            from .play.output import print_rows
            from .play.report import show
            from .play.stage import staged
            from .play.timeline import Timeline
            from .play.verdict import judge
            from .provider.deployment import ConfigurationError, DeployError

            program = own_program(options)
            try:
                stage = stack.enter_context(staged(config, options.stack, options.engine, _teller(console), program))
            except ConfigurationError as error:
                raise UsageError(with_hint(str(error), settings(options.set))) from None
            except DeployError as error:
                return _refused(options.called, with_hint(str(error), settings(options.set)), 1, options.json)
            if options.serve:
                _serve(console, stage, stage.stack)
                return 0
            print_rows(
                console, [(scenario.name, scenario.description), *(("note", note) for note in stage.notes)], margin=0
            )
        session = stage.session
        runs = len(scenario.each())
        timeline = Timeline(console) if runs == 1 else SideBySide(console, runs)
        listener = timeline.printed if scenario.has_own_job else None
        try:
            played = session.play(
                scenario, timeline, log_calls=calls is not None, listener=listener, jobs_watcher=timeline.job
            )
        except JobComputes as error:
            timeline.close()
            return _refused(options.called, f"{error} (job.real_seconds)", 1, options.json)
        timeline.close()
        if calls is not None and played.calls is not None:
            calls.write(played.calls.lines())
        verdict = judge(session, played)
        if report is not None or trace is not None:
            _tell(session, verdict, report, trace)
        show(console, session, verdict, time.perf_counter() - started)
        if options.json:
            print(verdict.json())
    return 0 if verdict.passed else 1


def _check_charts() -> None:
    """What draws the page is installed beside the rehearsal."""
    from lustre_batch.report import drawing

    from .options import UsageError

    try:
        drawing.check()
    except drawing.NoCharts as error:
        raise UsageError(f"--report: {error}") from None


def _tell(session: Session, verdict: Verdict, report: IO[str] | None, trace: IO[str] | None) -> None:
    """Write the page and the line of each run."""
    from lustre_batch.report import facts, page

    from .play.telling import story

    told = story(session, verdict)
    if report is not None:
        report.write(page.of(told))
    if trace is not None:
        trace.write(facts.trace(told))


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
def _writable(option: str, name: str) -> Iterator[IO[str]]:
    """A file that is written in the end, opened before anything is played."""
    from .options import UsageError

    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(open(name, "w", encoding="utf-8", newline=""))
        except OSError as error:
            raise UsageError(f"{option} {name}: {error.strerror}") from None
        yield file


if __name__ == "__main__":
    sys.exit(main(started=STARTED))
