"""The mutants of the definitions: what can be left out of a state or turned round in it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Mapping
from typing import Any

from tools.mutants.mutant import Change, Mutant


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


def applied(mutant: Mutant, whole: dict[str, Any]) -> dict[str, Any]:
    broken = copy.deepcopy(whole)
    mutant.change(states=broken["States"])
    return broken


def as_broken(mutant: Mutant, part: str, whole: dict[str, Any]) -> dict[str, Any]:
    return applied(mutant, whole) if part == mutant.part else whole
