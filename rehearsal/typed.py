"""What the command `lustre-batch` has rehearsed: it comes here by name (operate.rehearsing), since the package never
imports the rehearsal. Owns on which stack a verb is played, and that time passes while it looks."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lustre_batch.operate import inputs
from lustre_batch.operate.problems import Problem
from lustre_batch.operate.stack import Stack

from .process import interruptible, system_problem, uncollected, without_account

if TYPE_CHECKING:
    from .play.stage import Stage

Say = Callable[[str], None]
Answer = tuple[int, dict[str, Any]]

# Whoever follows a run looks every ten seconds; one who waits for nothing need not see each of them.
PACE: Final = 6.0


def play(verb: Callable[[Stack], Answer], pulumi_stack: str | None, component: str | None, say: Say) -> Answer:
    """Do what a verb does on a rehearsed stack, and say what that would cost.

    Raises
    ------
    Problem
        When the stack cannot be rehearsed, or the verb's own.
    """
    with stage_of(pulumi_stack, component, say) as stage:
        from .play.prices import PRICED_REGION, transition_dollars
        from .play.scenario import load

        clock = stage.session.account.clock
        arn, name = stage.session.exports["stateMachineArn"], stage.stack
        stack = Stack(arn, pulumi_name=name, pass_time=lambda seconds: clock.advance(PACE * seconds))
        answers: list[Answer] = []
        # What is typed for AWS must not be run on somebody's own machine: it may be meant to delete there.
        played = stage.session.play(load("default"), starter=lambda: answers.append(verb(stack)), with_commands=False)
    (status, facts) = answers[0]
    transitions = sum(one.transitions for one in played.at_work)
    dollars = transition_dollars(transitions)
    say(f"state transitions: {transitions:,}, about ${dollars:.4f}; list prices of {PRICED_REGION}, without instances")
    say("this was a rehearsal: nothing was started on AWS")
    return status, facts | {"rehearsed": True, "transitions": transitions, "transition_dollars": dollars}


def compare(
    files: int, bytes_each: int, runtime_seconds: float, pulumi_stack: str | None, component: str | None, say: Say
) -> dict[str, Any]:
    """A job that writes so much, on every file system that it might have: the parameters that the stack has now, and
    what each comes to.

    Raises
    ------
    Problem
        When the stack cannot be rehearsed, or no file system holds so much.
    """
    with stage_of(pulumi_stack, component, say) as stage:
        from .play import sizing

        work = sizing.Work(files, bytes_each, runtime_seconds)
        stack = Stack(stage.session.exports["stateMachineArn"], pulumi_name=stage.stack)
        say(inputs.where(stack, {}))
        base = inputs.deployed(stack)
        before = inputs.problems(base)
        tried = sizing.grid(
            work, base, lambda values: [line for line in inputs.problems(base | values) if line not in before]
        )
        if not tried:
            raise Problem(f"--files {files} of {bytes_each:,} bytes each fit on no file system that FSx has")
        say(f"rehearsing the job on {len(tried)} file systems")
        return {
            "stack": {key: base[key] for key in tried[0]},
            "options": list(sizing.each(stage.session, work, tried)),
        }


@contextlib.contextmanager
def stage_of(pulumi_stack: str | None, component: str | None, say: Say) -> Iterator[Stage]:
    """The Pulumi project in this folder, deployed into an embedded account; without one, the program that the package
    comes with. Of several stacks none is guessed: it would be another than the one that is meant."""
    if (why_not := system_problem()) is not None:
        raise Problem(why_not)
    with interruptible(), without_account(), contextlib.ExitStack() as opened:
        with uncollected():
            from .options import with_hint
            from .play.stage import OwnProgram, staged
            from .provider.deployment import ROOT, DeployError
            from .provider.own_program import stack_name

            folder = Path.cwd()
            has_project = (folder / "Pulumi.yaml").exists()
            program = OwnProgram(folder, component) if has_project and folder.resolve() != ROOT else None
            if component is not None and program is None:
                raise Problem(f"--component {component}: there is no program of your own in this folder")
            if not has_project:
                say("there is no Pulumi project in this folder: the stack program that lustre-batch comes with is used")
            try:
                if has_project and program is None:
                    pulumi_stack = stack_name(folder, pulumi_stack)
                with contextlib.redirect_stdout(sys.stderr):  # what a program prints is not the verb's answer
                    stage = opened.enter_context(staged(None, pulumi_stack, program=program))
            except DeployError as error:
                raise Problem(with_hint(str(error))) from None
        for note in stage.notes:
            say(f"note: {note}")
        yield stage
