"""An engine for the tests that need one, or the reason why they are skipped; one stack for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rehearsal.aws.account import Account
from rehearsal.provider import engine
from rehearsal.provider.program import run_main
from tests.engine.stack import Stack
from tests.needs import lacks


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("engine") is not None and engine.find() is None:
        lacks(engine.MISSING)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack `autoexport`, initialised but not deployed."""
    with Account() as account, engine.started(account) as started:
        started.init("autoexport")
        yield Stack(account, started)


@pytest.fixture(scope="module")
def program_here(stack: Stack) -> Iterator[None]:
    """From here on the program runs in this process, which is faster for tests that need many operations."""
    with stack.engine.inline(run_main):
        yield
