"""What is rehearsed before it is done. Owns the way to the rehearsal, which is reached by name: the package does not
depend on it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .problems import Problem

if TYPE_CHECKING:
    from .stack import Stack

REHEARSAL: Final = "lustre_batch_rehearsal"


Say = Callable[[str], None]
Answer = tuple[int, dict[str, Any]]


def compared(files: int, bytes_each: int, runtime_seconds: float, pulumi_stack: str | None, say: Say) -> dict[str, Any]:
    """What a job that writes so much comes to on each file system that it may have."""
    found: dict[str, Any] = module("typed", "plan").compare(files, bytes_each, runtime_seconds, pulumi_stack, say)
    return found


def module(name: str, needed_by: str) -> Any:
    """A module of the rehearsal."""
    try:
        return importlib.import_module(f"{REHEARSAL}.{name}")
    except ModuleNotFoundError as error:
        raise Problem(f"{needed_by} needs {error.name}: pip install 'lustre-batch[rehearsal]'") from None


def played(
    work: Callable[[Stack], Answer], machine: str | None, pulumi_stack: str | None, detach: bool, say: Say
) -> Answer:
    """Do what a verb does on the embedded AWS, by the same code."""
    if machine:
        raise Problem(
            "--rehearse: a deployed stack cannot be rehearsed, its program can: leave --state-machine out, "
            "and choose with --stack"
        )
    if detach:
        raise Problem("--rehearse: with --detach there is nothing to see: leave one of them out")
    answer: Answer = module("typed", "--rehearse").play(work, pulumi_stack, say)
    return answer
