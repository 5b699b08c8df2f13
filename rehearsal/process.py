"""The process that a rehearsal runs in: how it ends when it is interrupted, what it needs of the system, what of
somebody's account it must not see, and its garbage. Owns handlers and environment, and puts back what was there."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator


class Terminated(KeyboardInterrupt):
    """SIGTERM, from whoever wants the command to end: it cleans up as after an interruption."""


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends what is done here as Ctrl-C does, and neither is swallowed."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, _terminated)
        with _unswallowed():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


@contextlib.contextmanager
def _unswallowed() -> Iterator[None]:
    """An interruption that comes in a destructor or in a callback of the garbage collector's, of which imports have
    many, is only printed there by Python, which goes on (sys.unraisablehook): raise it once more, a moment later."""
    before, alarm = sys.unraisablehook, signal.getsignal(signal.SIGALRM)
    swallowed: list[BaseException] = []

    def noted(ignored: sys.UnraisableHookArgs) -> None:
        if not isinstance(ignored.exc_value, KeyboardInterrupt):
            before(ignored)
            return
        swallowed.append(ignored.exc_value)
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    def again(number: int, frame: object) -> None:
        raise swallowed[-1]

    try:
        signal.signal(signal.SIGALRM, again)
        sys.unraisablehook = noted
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = before
        signal.signal(signal.SIGALRM, alarm)


@contextlib.contextmanager
def without_account() -> Iterator[None]:
    """Let nothing be asked of AWS in somebody's name, and nothing fail because of how they sign in: profile, endpoints
    and the like are as if there were none. moto wants that known before it is imported."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    ours = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    try:
        for name in before:
            del os.environ[name]
        os.environ.update(ours)
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        os.environ.update(before)


def system_problem() -> str | None:
    """Why nothing can be rehearsed here: a real job is waited for by a file descriptor of its process."""
    if hasattr(os, "pidfd_open"):
        return None
    return f"the rehearsal needs Linux 5.3 or later, and this is {sys.platform}: use a container there"


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Imports and deployment create a million objects that live until the end. Python's garbage collector would walk
    through all of them again and again, which takes a third of the command's time, and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
