"""A stack under the real engine, for tests: operations by name, configuration by keyword."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rehearsal.aws.account import Account
from rehearsal.provider.engine import Engine, Outcome


@dataclass
class Stack:
    """A stack, its engine and its account."""

    account: Account
    engine: Engine
    name: str = "autoexport"

    def operate(self, operation: str, *arguments: str, expect: bool | None = True) -> Outcome:
        return self.engine.workspace.operate(operation, self.name, *arguments, expect=expect)

    def set(self, **values: Any) -> None:
        self.engine.workspace.set_config(self.name, values)

    def unset(self, *keys: str) -> None:
        self.engine.workspace.unset_config(self.name, keys)

    @property
    def exports(self) -> dict[str, Any]:
        return self.engine.workspace.outputs(self.name)
