"""A Pulumi program that runs in this process. Owns the event loop, the context and the settings of one run: nothing of
it is left for the next run in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import logging
import pathlib
import signal
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pulumi
from lustre_batch.testing import event_loop
from pulumi.runtime import mocks
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from .deployment import ROOT

Program = Callable[[], Any]


@dataclass(frozen=True)
class Stack:
    """The stack that a program runs as, with its configuration as text."""

    project: str
    name: str
    config: Mapping[str, str]
    preview: bool = False
    folder: pathlib.Path = ROOT


def run_under_mocks(program: Program, monitor: mocks.MockMonitor, stack: Stack, log: logging.Logger) -> None:
    """Run the program in an event loop and a Pulumi context of its own; the monitor answers what it registers."""
    contextvars.copy_context().run(functools.partial(_run, program, monitor, stack, log))


def _run(program: Program, monitor: mocks.MockMonitor, stack: Stack, log: logging.Logger) -> None:
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),  # type: ignore[no-untyped-call]
            engine=mocks.MockEngine(log),
            project=stack.project,
            stack=stack.name,
            root_directory=str(stack.folder),
            dry_run=stack.preview,
            organization="organization",
            package_refs={},
            base_providers_by_ref={},
            outputs=set(),
            callbacks=None,
        )
    )
    pulumi.runtime.settings.ROOT.set(None)
    set_all_config(dict(stack.config), [])
    # One worker: the account's clock is driven by one thread at a time, and the order of creation is the program's.
    with event_loop(workers=1) as loop:
        # What fails beside the first failure is not printed, a traceback each, whenever Python collects its task.
        loop.set_exception_handler(lambda loop, context: log.warning(context["message"]))
        _interruptible(loop, program)


def _interruptible(loop: asyncio.AbstractEventLoop, program: Program) -> None:
    """Run the program; an interruption ends it at once, although whatever it hits may swallow it, and Pulumi would
    first wait for what has begun, some of which nobody finishes any more (pulumi/runtime/stack.py)."""
    interruptions: list[KeyboardInterrupt] = []
    with _noticing(interruptions, loop.stop):
        try:
            loop.run_until_complete(run_in_stack(lambda: (program(), None)[1]))
        except BaseException:
            if not interruptions:
                raise
    if interruptions:
        raise interruptions[0]


@contextlib.contextmanager
def _noticing(interruptions: list[KeyboardInterrupt], stop: Callable[[], None]) -> Iterator[None]:
    """Note every interruption that a signal's handler raises, and stop, before it goes on its way."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread
        return
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        handler = handlers[signal.Signals(number)]
        try:
            if callable(handler):
                handler(number, frame)
        except KeyboardInterrupt as interruption:
            interruptions.append(interruption)
            stop()
            raise

    for number, handler in handlers.items():
        if callable(handler):
            signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is handle:
                signal.signal(number, handler)


@functools.cache
def _compiled(path: pathlib.Path, modified_ns: int) -> types.CodeType:
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")


def run_main(folder: pathlib.Path = ROOT) -> None:
    """Run `__main__.py` in a namespace of its own, as the language host does."""
    path = folder / "__main__.py"
    exec(_compiled(path, path.stat().st_mtime_ns), {"__name__": "__main__", "__file__": str(path)})
