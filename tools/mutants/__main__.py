"""Breaks the definitions and the Lambda in small ways, one at a time, and asks the tests whether they notice.

A mutant of a definition lacks one catcher, retrier, rule or assignment of a state, or has one condition negated. It
meets the tests of tests/workflow that look at its state, then those that look at every state, then the scenarios that
visit its state. A mutant of the Lambda meets tests/functions. One that nothing notices has to be in
tests/workflow/equivalent_mutants.yaml, with the reason why it changes nothing: `make mutants`.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tools.mutants.definitions import of_definition
from tools.mutants.handler import of_handler
from tools.mutants.judge import Judge
from tools.mutants.mutant import HANDLER, PARTS, ROOT, Mutant
from tools.mutants.processes import in_parallel

EQUIVALENT = ROOT / "tests" / "workflow" / "equivalent_mutants.yaml"


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
        from tools.mutants.scenarios import SCENARIOS_EACH, scenarios_notice, visits

        visited = visits()
        print(f"{len(of_definitions):,} meet up to {SCENARIOS_EACH} of {len(visited)} scenarios", flush=True)
        still = in_parallel(of_definitions, functools.partial(scenarios_notice, visited), options.processes)
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
