"""What is rehearsed before it is done. Owns the way to the rehearsal, which is reached by name: the package does not
depend on it."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from .problems import Problem

if TYPE_CHECKING:
    from .stack import Stack

REHEARSAL: Final = "lustre_batch_rehearsal"


Say = Callable[[str], None]
Answer = tuple[int, dict[str, Any]]


def compared(
    files: int, bytes_each: int, runtime_seconds: float, pulumi_stack: str | None, component: str | None, say: Say
) -> dict[str, Any]:
    """What a job that writes so much comes to on each file system that it may have."""
    with needed_by("plan"):
        found: dict[str, Any] = _typed().compare(files, bytes_each, runtime_seconds, pulumi_stack, component, say)
    return found


def _typed() -> Any:
    return importlib.import_module(f"{REHEARSAL}.typed")


@contextlib.contextmanager
def needed_by(what: str) -> Iterator[None]:
    """Say how to install what is missing, whenever that is found: the rehearsal imports most of what it needs late."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise Problem(f"{what} needs {error.name}: pip install 'lustre-batch[rehearsal]'") from None


def played(
    work: Callable[[Stack], Answer],
    machine: str | None,
    pulumi_stack: str | None,
    component: str | None,
    detach: bool,
    say: Say,
) -> Answer:
    """Do what a verb does on the embedded AWS, by the same code."""
    if machine:
        raise Problem(
            "--rehearse: a deployed stack cannot be rehearsed, its program can: leave --state-machine out, "
            "and choose with --stack"
        )
    if detach:
        raise Problem("--rehearse: with --detach there is nothing to see: leave one of them out")
    with needed_by("--rehearse"):
        answer: Answer = _typed().play(work, pulumi_stack, component, say)
    return answer
