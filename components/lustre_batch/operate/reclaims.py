"""Asking for what a run left to be exported, verified and removed. Owns which questions the clean-up would refuse, so
that they are refused before anything is started."""

from __future__ import annotations

import re
from typing import Final

from ..rules import TAG_OF_STACK
from . import runs
from .problems import Problem
from .stack import Stack
from .start import start

_FILE_SYSTEM: Final = re.compile(r"fs-[0-9a-f]{8,17}")


def start_for(stack: Stack, what: str) -> str:
    """Start the reclaim of a file system, or of all that a run left; the ARN of the execution.

    Raises
    ------
    Problem
        When there is no such thing, it is not the stack's, or its run still runs.
    """
    if _FILE_SYSTEM.fullmatch(what):
        system = runs.file_system(stack, what)
        if system is None:
            raise Problem(f"there is no file system {what} in {stack.region}; lustre-batch orphans shows what is left")
        if runs.tags_of(system.get("Tags", [])).get(TAG_OF_STACK) != stack.id:
            raise Problem(
                f"{what} is not a file system that {stack.id} created (its tag {TAG_OF_STACK} says otherwise)"
            )
        return start(stack, {"reclaim": what})
    arn = stack.execution_arn(what)
    if runs.describe(stack, arn)["status"] in runs.RUNNING:
        name = arn.rpartition(":")[2]
        raise Problem(f"{name} still runs: lustre-batch stop {name}, then it is cleaned up automatically")
    return start(stack, {"reclaim": arn})
