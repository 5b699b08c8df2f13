"""Breaks the definitions and the Lambda in small ways, one at a time, and asks the tests whether they notice.

A mutant of a definition lacks one catcher, retrier, rule or assignment of a state, or has one condition negated. It
meets the tests of tests/workflow that look at its state, then those that look at every state, then the scenarios that
visit its state. A mutant of the Lambda meets tests/functions. One that nothing notices has to be in
tests/workflow/equivalent_mutants.yaml, with the reason why it changes nothing: `make mutants`.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[1]
EQUIVALENT = ROOT / "tests" / "workflow" / "equivalent_mutants.yaml"
HANDLER = ROOT / "functions" / "check_metrics" / "handler.py"
PARTS = ("run", "clean_up")
EVERY_STATE = "*"
SCENARIOS_EACH = 12  # the shortest that visit its state
SECONDS_EACH = 40  # of a processor; a mutant that takes longer goes round in circles: noticed

Change = Callable[..., None]  # of states, which it breaks in place
Key = tuple[str, str]  # a part and a state of it


@dataclass(frozen=True)
class Mutant:
    """One small break: what it is called, where it is, and how it is made."""

    name: str
    part: str  # of the definitions, or "handler"
    state: str
    change: Any

    @property
    def key(self) -> Key:
        return self.part, self.state


# ---------------------------------------------------------------------- the definitions
def of_definition(part: str, states: Mapping[str, Mapping[str, Any]]) -> Iterator[Mutant]:
    """Every mutant of a definition, named after what it lacks."""

    def mutant(state: str, what: str, change: Change) -> Mutant:
        return Mutant(f"{part}.{state}: {what}", part, state, change)

    for name, state in states.items():
        for kind, singular in (("Catch", "catcher"), ("Retry", "retrier"), ("Choices", "rule")):
            for number, each in enumerate(state.get(kind, [])):
                yield mutant(name, f"without {singular} {number}", functools.partial(_drop, name, kind, number))
                for variable in each.get("Assign", {}):
                    what = f"{singular} {number} without {variable}"
                    yield mutant(name, what, functools.partial(_forget, name, variable, kind, number))
                if "Condition" in each:
                    what = f"rule {number} negated"
                    yield mutant(name, what, functools.partial(_negate, name, number))
        for variable in state.get("Assign", {}):
            yield mutant(name, f"without {variable}", functools.partial(_forget, name, variable, None, 0))


def _drop(name: str, kind: str, number: int, states: dict[str, Any]) -> None:
    del states[name][kind][number]
    if kind == "Choices" and not states[name][kind]:  # a choice needs a rule
        states[name][kind] = [{"Condition": "{% false %}", "Next": states[name]["Default"]}]


def _forget(name: str, variable: str, kind: str | None, number: int, states: dict[str, Any]) -> None:
    place = states[name] if kind is None else states[name][kind][number]
    del place["Assign"][variable]


def _negate(name: str, number: int, states: dict[str, Any]) -> None:
    rule = states[name]["Choices"][number]
    rule["Condition"] = f"{{% $not({rule['Condition'][2:-2].strip()}) %}}"


def _apply(mutant: Mutant, whole: dict[str, Any]) -> dict[str, Any]:
    broken = copy.deepcopy(whole)
    mutant.change(states=broken["States"])
    return broken


# ---------------------------------------------------------------------- the Lambda
OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
BOUNDARIES: dict[type[ast.AST], type[ast.AST]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


def of_handler(source: str) -> Iterator[Mutant]:
    """Every operator replaced by its opposite or shifted by one, every number and every boolean by its neighbour."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _breaks(node):
            broken = copy.deepcopy(tree)
            change(next(each for index, each in enumerate(ast.walk(broken)) if index == number))
            ast.fix_missing_locations(broken)
            where = f"line {getattr(node, 'lineno', 0)}"
            yield Mutant(f"handler {where}: {what}", "handler", where, compile(broken, str(HANDLER), "exec"))


def _breaks(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], None]]]:
    def operator(index: int, other: type[ast.AST]) -> Callable[[Any], None]:
        def change(found: Any) -> None:
            found.ops[index] = other()

        return change

    def replaced(other: type[ast.AST]) -> Callable[[Any], None]:
        def change(found: Any) -> None:
            found.op = other()

        return change

    def valued(value: Any) -> Callable[[Any], None]:
        def change(found: Any) -> None:
            found.value = value

        return change

    if isinstance(node, ast.Compare):
        text = ast.unparse(node)
        for index, each in enumerate(node.ops):
            for table in (OPPOSITES, BOUNDARIES):
                if other := table.get(type(each)):
                    yield f"{type(each).__name__} is {other.__name__} in {text}", operator(index, other)
    elif isinstance(node, ast.BoolOp | ast.BinOp) and (other := OPPOSITES.get(type(node.op))):
        yield f"{type(node.op).__name__} is {other.__name__} in {ast.unparse(node)}", replaced(other)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} is {not node.value}", valued(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} is {node.value + 1}", valued(node.value + 1)


# ---------------------------------------------------------------------- meeting the tests
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
        if not _in_parallel([unbroken], lambda _: _any_fails(session.items), 1):
            self.failed_as_they_are.append("one of them, when it is repeated")
            return True
        self.survivors = _in_parallel(
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
        with _definitions(functools.partial(_broken, mutant)):
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


def _broken(mutant: Mutant, part: str, whole: dict[str, Any]) -> dict[str, Any]:
    return _apply(mutant, whole) if part == mutant.part else whole


def _in_parallel(mutants: list[Mutant], notices: Callable[[Mutant], bool], processes: int) -> list[Mutant]:
    """Those that were not noticed. One that ends badly or not in time was."""
    survivors: list[Mutant] = []
    running: dict[int, Mutant] = {}
    began = time.monotonic()
    waiting = list(reversed(mutants))
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            if (child := os.fork()) == 0:
                if mutant.part:
                    signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
                _be_quiet()
                os._exit(1 if notices(mutant) else 0)
            running[child] = mutant
        child, status = os.wait()
        mutant = running.pop(child)
        if status == 0:
            survivors.append(mutant)
            print(f"  not noticed: {mutant.name}", flush=True)
        done = len(mutants) - len(waiting) - len(running)
        if done % 100 == 0:
            print(f"  {done:,} of {len(mutants):,} after {time.monotonic() - began:.0f} s", flush=True)
    return sorted(survivors, key=lambda mutant: mutant.name)


def _be_quiet() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


# ---------------------------------------------------------------------- meeting the scenarios
def visits() -> dict[str, set[Key]]:
    """Which states each scenario visits, undisturbed; those that do not end as they expect are left out."""
    from rehearsal.play.scenario import load, names
    from rehearsal.play.verdict import judge
    from tools.scenarios import sessions

    visited: dict[str, set[Key]] = {}
    for session, scenario in sessions(map(load, names())):
        seen: set[Key] = set()
        clean_up = session.exports["cleanUpStateMachineArn"]

        def watch(execution: Any, state: str, kind: str, *, seen: set[Key] = seen, clean_up: str = clean_up) -> None:
            seen.add(("clean_up" if execution.machine_arn == clean_up else "run", state))

        if judge(session, session.play(scenario, watch)).passed:
            visited[scenario.name] = seen
    return visited


def _scenarios_notice(visited: dict[str, set[Key]], mutant: Mutant) -> bool:
    """By the verdict, or by a line of docs/scenarios.md that is not true any more, as the tests would."""
    from lustre_batch import definition

    from rehearsal.play.scenario import load
    from rehearsal.play.verdict import judge
    from tools.scenarios import PAGE, row, sessions

    read, lines = definition.read, PAGE.read_text("utf-8").splitlines()
    definition.read = lambda name: _broken(mutant, name, read(name))
    chosen = sorted((name for name in visited if mutant.key in visited[name]), key=lambda name: len(visited[name]))
    for session, scenario in sessions(map(load, chosen[:SCENARIOS_EACH])):
        verdict = judge(session, session.play(scenario))
        if not verdict.passed or row(verdict.facts, scenario.description) not in lines:
            return True
    return False


# ---------------------------------------------------------------------- the command
def equivalent() -> dict[str, str]:
    """The mutants that change nothing, each with the reason."""
    found: dict[str, str] = yaml.safe_load(EQUIVALENT.read_text("utf-8")) or {}
    return found


def every_mutant() -> list[Mutant]:
    from lustre_batch import definition

    found = [mutant for part in PARTS for mutant in of_definition(part, definition.read(part)["States"])]
    found += of_handler(HANDLER.read_text("utf-8"))
    counted: dict[str, int] = defaultdict(int)
    for mutant in found:
        counted[mutant.name] += 1
    return list({mutant.name: mutant for mutant in found}.values()) if max(counted.values()) > 1 else found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--no-scenarios", action="store_true", help="the tests alone")
    options = parser.parse_args(arguments)
    _remember_graphs()
    mutants = [mutant for mutant in every_mutant() if options.only in mutant.name]
    print(f"{len(mutants):,} mutants meet the tests", flush=True)
    judge = Judge(mutants, options.processes)
    os.chdir(ROOT)
    # What a lint or a size says of a broken definition says nothing about its behaviour.
    skipped = [
        "--deselect",
        "tests/workflow/test_definition.py::test_cfn_lint_finds_nothing_to_say_about_the_definition",
    ]
    pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", *skipped, "tests/workflow", "tests/functions"], [judge])
    if judge.failed_as_they_are:
        print("These fail as they are:", *judge.failed_as_they_are, sep="\n  ")
        return 1
    if judge.survivors is None:
        return 1  # pytest has said why
    survivors = judge.survivors
    print(f"{len(survivors):,} survived the tests", flush=True)
    of_definitions = [mutant for mutant in survivors if mutant.part != "handler"]
    if of_definitions and not options.no_scenarios:
        visited = visits()
        print(f"{len(of_definitions):,} meet up to {SCENARIOS_EACH} of {len(visited)} scenarios", flush=True)
        still = _in_parallel(of_definitions, functools.partial(_scenarios_notice, visited), options.processes)
        survivors = still + [mutant for mutant in survivors if mutant.part == "handler"]
    return report(mutants, [mutant.name for mutant in survivors])


def report(mutants: list[Mutant], survivors: list[str]) -> int:
    """Say which survived without a reason, and which reasons are not needed any more."""
    reasons, names = equivalent(), {mutant.name for mutant in mutants}
    unexplained = [name for name in survivors if name not in reasons]
    needless = [name for name in reasons if name in names and name not in survivors]
    print(
        f"{len(mutants):,} mutants: {len(mutants) - len(survivors):,} killed, {len(survivors):,} survived, "
        f"{len(survivors) - len(unexplained):,} of them equivalent"
    )
    for title, listed in (("survived without a reason", unexplained), ("a reason that is not needed", needless)):
        for name in listed:
            print(f"  {title}: {name}")
    return 1 if unexplained or needless else 0


def _remember_graphs() -> None:
    """The program is run once for each configuration; what it registers is only read."""
    from tests.graph import recording

    original, known = recording.record_stack, {}

    def remembered(config: Mapping[str, str] | None = None, **options: Any) -> Any:
        key = repr((sorted((config or {}).items()), sorted(options.items())))
        if key not in known:
            known[key] = original(config, **options)
        return known[key]

    recording.record_stack = remembered


if __name__ == "__main__":
    sys.exit(main())
