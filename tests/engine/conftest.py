"""What the engine tests need: an engine, or the reason why they are skipped; one deployed stack for many checks."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.provider import deploy, engine


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("engine") is not None and engine.find() is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"in CI nothing may be skipped: {engine.MISSING}")
        pytest.skip(engine.MISSING)


@dataclass
class Stack:
    """A stack, its engine and the account it lives in."""

    account: Account
    engine: engine.Engine
    name: str = "autoexport"

    def operate(self, operation: str, *arguments: str, expect: bool | None = True) -> engine.Outcome:
        return self.engine.workspace.operate(operation, self.name, *arguments, expect=expect)

    def set(self, **values: Any) -> None:
        self.engine.workspace.set_config(self.name, values)

    def unset(self, *keys: str) -> None:
        self.engine.workspace.unset_config(self.name, keys)

    @property
    def exports(self) -> dict[str, Any]:
        return self.engine.workspace.outputs(self.name)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack `autoexport`, not deployed yet."""
    with Account() as account, engine.started(account) as started:
        started.init("autoexport")
        yield Stack(account, started)


@pytest.fixture(scope="module")
def program_here(stack: Stack) -> Iterator[None]:
    """From here on the program runs in this process: quicker, for tests that need many operations."""
    with stack.engine.inline(functools.partial(deploy.run_main, deploy.ROOT)):
        yield
