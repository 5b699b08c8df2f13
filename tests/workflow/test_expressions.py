"""Every JSONata expression: it parses, uses what Step Functions has, and reads only variables that are surely there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.workflow.asl import all_edges, called, expressions, parsed, read
from tests.workflow.conftest import Definition

# JSONata's own functions (docs.jsonata.org), without $eval, which Step Functions leaves out.
STANDARD_FUNCTIONS = """
abs append assert average base64decode base64encode boolean ceil contains count decodeUrl decodeUrlComponent distinct
each encodeUrl encodeUrlComponent error exists filter floor formatBase formatInteger formatNumber fromMillis join keys
length lookup lowercase map match max merge millis min not now number pad parseInteger power reduce replace reverse
round shuffle sift single sort split spread sqrt string substring substringAfter substringBefore sum toMillis trim type
uppercase zip
"""
# Step Functions guide, "Transforming data with JSONata": what it adds. $random takes a seed there.
ADDED = {"partition", "range", "hash", "random", "uuid", "parse"}


def every(definition: Definition) -> Iterator[tuple[str, str]]:
    return expressions(definition.states)


def test_there_are_expressions_to_look_at(definition: Definition) -> None:
    assert len(list(every(definition))) > 150


def test_every_expression_parses(definition: Definition) -> None:
    broken = {}
    for where, expression in every(definition):
        try:
            parsed(expression)
        except Exception as error:
            broken[where] = str(error)
    assert broken == {}


def test_nothing_that_looks_like_an_expression_is_taken_for_text(definition: Definition) -> None:
    """Step Functions evaluates a string only when {% and %} are its first and last characters."""

    def strings(value: Any) -> Iterator[str]:
        if isinstance(value, Mapping):
            for item in value.values():
                yield from strings(item)
        elif isinstance(value, list):
            for item in value:
                yield from strings(item)
        elif isinstance(value, str):
            yield value

    marked = [text for text in strings(definition.states) if "{%" in text or "%}" in text]
    assert len(marked) == len(list(every(definition)))


def test_only_functions_that_step_functions_has_are_called(definition: Definition) -> None:
    known = {*STANDARD_FUNCTIONS.split(), *ADDED}
    unknown = {where: called(parsed(text)) - known for where, text in every(definition)}
    assert {where: names for where, names in unknown.items() if names} == {}


def test_reserved_data_is_read_only_where_it_exists(definition: Definition) -> None:
    """Amazon States Language: $states.result only after a task's success, $states.errorOutput only in a catcher."""
    for name, state in definition.states.items():
        for where, expression in expressions(state):
            if "$states.result" in expression:
                assert state["Type"] == "Task", name
                assert where.startswith(("/Assign", "/Output")), (name, where)
            if "$states.errorOutput" in expression:
                assert where.startswith("/Catch"), (name, where)


# ---------------------------------------------------------------------- variables
def surely_assigned(definition: Definition) -> dict[str, frozenset[str]]:
    """For each state, the variables that are assigned on every way that leads to it."""
    states, ways = definition.states, all_edges(definition.states)
    everything = frozenset().union(*(edge.assigns for edge in ways))
    known = dict.fromkeys(states, everything) | {definition.whole["StartAt"]: frozenset()}
    changed = True
    while changed:
        changed = False
        for name in states:
            arriving = [known[edge.source] | edge.assigns for edge in ways if edge.target == name]
            if name != definition.whole["StartAt"] and arriving:
                now = frozenset.intersection(*arriving)
                changed = changed or now != known[name]
                known[name] = now
    return known


# state: variables that are read there although some way to it does not assign them, and why that way cannot be taken
NEVER_MISSED: dict[str, dict[str, str]] = {}


def test_every_variable_is_assigned_on_every_way_to_where_it_is_read(definition: Definition) -> None:
    known = surely_assigned(definition)
    missing: dict[str, set[str]] = {}
    for name, state in definition.states.items():
        reads = {variable for _, text in expressions(state) for variable in read(parsed(text))}
        if reads - known[name]:
            missing[name] = reads - known[name]
    assert missing == {name: set(reasons) for name, reasons in NEVER_MISSED.items()}


def test_every_variable_that_is_assigned_is_read_somewhere(definition: Definition) -> None:
    reads = {variable for _, text in every(definition) for variable in read(parsed(text))}
    assigned = frozenset().union(*(edge.assigns for edge in all_edges(definition.states)))
    assert assigned - reads == set()


def test_no_variable_has_a_name_that_step_functions_refuses(definition: Definition) -> None:
    """Step Functions guide, variables: Unicode identifiers of at most 80 characters, and not `states`."""
    for edge in all_edges(definition.states):
        for name in edge.assigns:
            assert name.isidentifier(), name
            assert len(name) <= 80, name
            assert name != "states", edge


def test_every_entry_of_a_clean_up_starts_with_nothing_known_but_what_it_was_told(clean_up: Definition) -> None:
    route = clean_up.states["Route"]
    blank = route["Assign"]
    assert {key: blank[key] for key in ("found", "removed", "retained", "pending", "jobIds", "jobs")} == {
        key: [] for key in ("found", "removed", "retained", "pending", "jobIds", "jobs")
    }
    assert blank["verified"] is False
    for rule in route["Choices"]:
        assert set(rule["Assign"]) == set(blank) - {"error", "cause"}
        told = {key for key, value in rule["Assign"].items() if value != blank[key]}
        assert told <= {"target", "byTarget", "asked", "reclaim", "first", "sawBroken", "parameters"} | {
            "fileSystemId",
            "candidates",
        }


def test_every_entry_of_a_run_starts_with_no_failure_and_nothing_left(run: Definition) -> None:
    route = run.states["Route"]
    reclaim, refusal = route["Choices"]
    assert reclaim["Assign"] == route["Assign"]
    assert {**refusal["Assign"], "failure": {}} == route["Assign"]
    blank = {"failure": {}, "jobIds": [], "jobs": [], "cleanedUp": {}, "left": "", "cleanUpError": ""}
    assert {key: route["Assign"][key] for key in blank} == blank
