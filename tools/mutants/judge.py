"""Who asks the tests: each mutant meets those that look at its state, then those that look at every state."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tools.mutants.definitions import as_broken
from tools.mutants.mutant import EVERY_STATE, ROOT, Key, Mutant
from tools.mutants.processes import in_parallel


class _Noted(dict[str, Any]):
    """States that tell which of them are looked at."""

    def __init__(self, part: str, states: dict[str, Any], seen: set[Key]) -> None:
        super().__init__(states)
        self._part, self._seen = part, seen

    def __getitem__(self, name: str) -> Any:
        self._seen.add((self._part, name))
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._seen.add((self._part, name))
        return super().get(name, default)

    def items(self) -> Any:
        self._seen.add((self._part, EVERY_STATE))
        return super().items()

    def values(self) -> Any:
        self._seen.add((self._part, EVERY_STATE))
        return super().values()

    def __iter__(self) -> Any:
        self._seen.add((self._part, EVERY_STATE))
        return super().__iter__()


class Judge:
    """Runs the tests once as they are, then the right ones against each mutant, each in a process of its own."""

    def __init__(self, mutants: list[Mutant], processes: int) -> None:
        self.mutants, self.processes = mutants, processes
        self.survivors: list[Mutant] | None = None
        self.failed_as_they_are: list[str] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        _find_conftests(session)
        looks_at: dict[str, set[Key]] = {}
        for index, item in enumerate(session.items):
            seen = looks_at[item.nodeid] = set()
            following = session.items[(index + 1) % len(session.items)]
            with _definitions(functools.partial(_noting, seen)):
                if not _passes(item, following):
                    self.failed_as_they_are.append(item.nodeid)
        if self.failed_as_they_are:
            return True
        unbroken = Mutant("nothing changed", "", "", None)
        if not in_parallel([unbroken], lambda _: _any_fails(session.items), 1):
            self.failed_as_they_are.append("one of them, when it is repeated")
            return True
        self.survivors = in_parallel(
            self.mutants, lambda mutant: self._notices(mutant, session.items, looks_at), self.processes
        )
        return True

    def _notices(self, mutant: Mutant, items: list[pytest.Item], looks_at: dict[str, set[Key]]) -> bool:
        if mutant.part == "handler":
            exec(mutant.change, sys.modules["check_metrics_handler"].__dict__)
            chosen = [item for item in items if "tests/functions/" in item.nodeid]
            return _any_fails(chosen)
        own = [item for item in items if mutant.key in looks_at[item.nodeid]]
        every = [item for item in items if (mutant.part, EVERY_STATE) in looks_at[item.nodeid] and item not in own]
        own.sort(key=lambda item: (mutant.part, EVERY_STATE) in looks_at[item.nodeid])
        with _definitions(functools.partial(as_broken, mutant)):
            return _any_fails([*own, *every])


def _any_fails(items: list[pytest.Item]) -> bool:
    """Each is told which comes next, so that it tears down what that does not share."""
    return any(not _passes(item, following) for item, following in zip(items, [*items[1:], *items[-1:]], strict=True))


def _passes(item: pytest.Item, following: pytest.Item) -> bool:
    return all(report.passed or report.skipped for report in runtestprotocol(item, log=False, nextitem=following))


# pytest loads conftest.py under a name of its own beside the one under which the tests import it.
_conftests: list[Any] = []


def _find_conftests(session: pytest.Session) -> None:
    path = str(ROOT / "tests" / "workflow" / "conftest.py")
    modules = [*session.config.pluginmanager.get_plugins(), *list(sys.modules.values())]
    _conftests[:] = {id(each): each for each in modules if getattr(each, "__file__", None) == path}.values()


class _definitions:
    """While it lasts, what the tests read of a definition goes through a function: part, whole definition -> whole."""

    def __init__(self, through: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        self.through = through

    def __enter__(self) -> None:
        self.patched = [(module.Definition, module.Definition.whole) for module in _conftests]
        for definition, whole in self.patched:
            definition.whole = property(functools.partial(self._read, whole.fget))

    def _read(self, whole: Callable[[Any], dict[str, Any]], definition: Any) -> dict[str, Any]:
        found = whole(definition)
        return self.through("clean_up" if "CouldNotWork" in found["States"] else "run", found)

    def __exit__(self, *_: object) -> None:
        for definition, whole in self.patched:
            definition.whole = whole


def _noting(seen: set[Key], part: str, whole: dict[str, Any]) -> dict[str, Any]:
    return whole | {"States": _Noted(part, whole["States"], seen)}
