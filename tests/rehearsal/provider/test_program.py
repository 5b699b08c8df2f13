"""A program's event loop: what an interrupted program left unfinished ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from typing import Any

import pulumi
import pytest
from lustre_batch.testing import event_loop
from pulumi.runtime import mocks

from rehearsal.aws.account import Account
from rehearsal.provider.mocks import deploy
from rehearsal.provider.program import Stack, run_under_mocks


class _Mocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        return args.name, args.inputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        return args.args


async def _stubborn() -> None:
    """Answers being cancelled by waiting for something else, as Pulumi does for its calls."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


def test_whoever_waits_for_another_or_waits_once_more_is_ended_within_seconds() -> None:
    began = time.perf_counter()
    with Account(), event_loop(workers=1) as loop:

        async def waits() -> None:
            await asyncio.shield(loop.create_task(_stubborn()))

        tasks = [loop.create_task(waits()), loop.create_task(_stubborn())]
        loop.run_until_complete(asyncio.sleep(0.01))
    assert all(task.cancelled() for task in tasks)
    assert loop.is_closed()
    assert time.perf_counter() - began < 30


def test_an_interruption_that_is_swallowed_ends_the_program_nevertheless() -> None:
    def program() -> None:
        pulumi.Output.from_input(asyncio.get_running_loop().create_future()).apply(lambda _: None)  # nobody answers
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    began = time.perf_counter()
    with Account(), pytest.raises(KeyboardInterrupt):
        run_under_mocks(program, mocks.MockMonitor(_Mocks()), Stack("project", "stack", {}), logging.getLogger("test"))
    assert signal.getsignal(signal.SIGINT) is before
    assert time.perf_counter() - began < 30


def test_what_a_program_exports_is_not_what_its_components_have_as_outputs() -> None:
    """A component's outputs may be registered after those of the stack."""

    class Late(pulumi.ComponentResource):
        def __init__(self, name: str) -> None:
            super().__init__("test:index:Late", name, {})
            self.register_outputs({"late": pulumi.Output.from_input(_after(0.2))})

    async def _after(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "the component's"

    def program() -> None:
        Late("late")
        pulumi.export("early", "the stack's")

    with Account() as account:
        assert deploy(account, program=program).exports == {"early": "the stack's"}
