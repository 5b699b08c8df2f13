"""What the scenarios did is what another reading of the States Language says; and whatever is not would be reported."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conform.engines import Engine, PythonEngine, ReferenceEngine
from tests.conform.stand_in import Refused, StandIn, _answer_of
from tools.conform import page
from tools.conform.attempts import Attempt
from tools.conform.comparison import differences
from tools.conform.requests import problems

Request = dict[str, Any]


@pytest.fixture(scope="module")
def plan(attempts: list[Attempt]) -> page.Plan:
    return page.plan(attempts)


@pytest.fixture(params=["python", "reference"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "python":
        yield PythonEngine()
        return
    if not ReferenceEngine.is_there() and os.environ.get("CI") != "true":
        pytest.skip("the reference implementation is not installed: make jsonata")
    engine = ReferenceEngine()
    yield engine
    engine.close()


def told(stand_in: StandIn, attempt: Attempt, asked: Request) -> list[str]:
    try:
        return differences(attempt, stand_in.test_state(asked))
    except Refused as refused:
        return [f"refused: {refused}"]


def test_every_state_that_was_visited_did_what_the_states_language_says(plan: page.Plan, engine: Engine) -> None:
    stand_in = StandIn(engine)
    differing = [
        (attempt.part, attempt.state, attempt.scenario, what)
        for attempt, asked in plan.requests
        if (what := told(stand_in, attempt, asked))
    ]
    assert differing == []
    assert len(plan.requests) > 250


def test_every_request_is_valid_by_botocores_model(plan: page.Plan) -> None:
    assert [found for _, asked in plan.requests if (found := problems(asked))] == []


def test_every_state_is_sent_or_left_out_for_a_reason(plan: page.Plan) -> None:
    for part, states in plan.states.items():
        left_out = {state for (of, _), listed in plan.left_out.items() if of == part for state in listed}
        assert plan.sent(part) | left_out == set(states)
        assert not plan.sent(part) & left_out


def test_tasks_bring_the_context_that_they_read_and_no_other_state_that_is_sent_reads_any(plan: page.Plan) -> None:
    readers = 0
    for attempt, asked in plan.requests:
        reads = "$states.context" in json.dumps(attempt.definition)
        assert ("context" in asked) == (attempt.definition["Type"] == "Task")
        assert not reads or attempt.definition["Type"] == "Task"
        readers += reads
    assert readers
    assert not [attempt for attempt, _ in plan.requests if attempt.definition["Type"] == "Wait"]


def test_the_page_says_what_is_sent_and_what_is_left_out(plan: page.Plan) -> None:
    shown = page.PAGE.read_text("utf-8")
    assert page.refreshed(shown, page.tables(plan)) == shown, "run: python -m tools.conform --dry-run --write"


# ---------------------------------------------------------------------- what differs is reported
def changed(asked: Request, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Request:
    """The request with its state changed; the change is given the state and all states."""
    machine = json.loads(asked["definition"])
    change(machine["States"][asked["stateName"]], machine["States"])
    return {**asked, "definition": json.dumps(machine)}


def places(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [state, *state.get("Choices", []), *state.get("Catch", [])]


def each(plan: page.Plan, *statuses: str) -> list[tuple[Attempt, Request]]:
    return [(attempt, asked) for attempt, asked in plan.requests if attempt.outcome.status in statuses]


def test_a_wrong_next_state_is_reported_whatever_the_state(plan: page.Plan) -> None:
    stand_in, met = StandIn(PythonEngine()), 0

    def elsewhere(state: dict[str, Any], states: dict[str, Any]) -> None:
        for place in places(state):
            for key in {"Next", "Default"} & set(place):
                place[key] = next(name for name in states if name != place[key])

    for attempt, asked in each(plan, "SUCCEEDED", "CAUGHT_ERROR"):
        if attempt.outcome.next_state is not None:
            [what] = told(stand_in, attempt, changed(asked, elsewhere))
            assert what.startswith(f'next state: "{attempt.outcome.next_state}" in the rehearsal, "')
            met += 1
    assert met > 200


@pytest.mark.parametrize("member", ["Assign", "Output", "Arguments", "Cause"])
def test_a_changed_expression_is_reported_wherever_it_took_part(plan: page.Plan, member: str) -> None:
    stand_in, met = StandIn(PythonEngine()), 0

    def otherwise(state: dict[str, Any], _: dict[str, Any]) -> None:
        other = "{% 'changed' %}"
        state[member] = dict.fromkeys(state[member], other) if member == "Assign" else other

    for attempt, asked in plan.requests:
        own_way_out = attempt.outcome.status == "SUCCEEDED" and attempt.definition["Type"] != "Choice"
        if member in attempt.definition and (own_way_out or member in {"Arguments", "Cause"}):
            assert told(stand_in, attempt, changed(asked, otherwise)), attempt.state
            met += 1
    assert met > 10


def test_a_changed_condition_is_reported(plan: page.Plan) -> None:
    stand_in, met = StandIn(PythonEngine()), 0

    def never(state: dict[str, Any], _: dict[str, Any]) -> None:
        for rule in state["Choices"]:
            rule["Condition"] = "{% false %}"

    for attempt, asked in plan.requests:
        choice = attempt.definition
        if choice["Type"] == "Choice" and attempt.outcome.next_state != choice.get("Default"):
            assert told(stand_in, attempt, changed(asked, never)), attempt.state
            met += 1
    assert met > 50


def test_an_answer_of_ours_that_lacks_what_the_api_requires_is_reported(plan: page.Plan) -> None:
    stand_in, met = StandIn(PythonEngine()), set()
    for attempt, asked in each(plan, "SUCCEEDED"):
        if asked.get("mock", {}).get("fieldValidationMode") != "STRICT":
            continue
        shape = _answer_of(attempt.definition["Resource"])
        for member in getattr(shape, "required_members", []):
            result = json.loads(asked["mock"]["result"])
            del result[member[0].upper() + member[1:]]
            lacking = {**asked, "mock": {**asked["mock"], "result": json.dumps(result)}}
            [what] = told(stand_in, attempt, lacking)
            assert what.endswith("is missing")
            met.add(attempt.definition["Resource"])
    assert met


def test_a_member_that_is_missing_from_what_comes_back_is_reported(plan: page.Plan) -> None:
    stand_in = StandIn(PythonEngine())
    attempt, asked = next(pair for pair in plan.requests if len(pair[0].outcome.variables or {}) > 3)
    answer = stand_in.test_state(asked)
    variables = json.loads(answer["inspectionData"]["variables"])
    name = next(iter(variables))
    del variables[name]
    answer["inspectionData"]["variables"] = json.dumps(variables)
    [what] = differences(attempt, answer)
    assert what.startswith(f"variables.{name}: ")
    assert what.endswith("in the rehearsal, none on AWS")


def test_a_retry_too_few_and_a_catcher_too_few_are_reported(plan: page.Plan) -> None:
    stand_in = StandIn(PythonEngine())

    def without_retries(state: dict[str, Any], _: dict[str, Any]) -> None:
        for retrier in state["Retry"]:
            retrier["MaxAttempts"] = 0

    def without_catchers(state: dict[str, Any], _: dict[str, Any]) -> None:
        del state["Catch"]

    for status, change in (("RETRIABLE", without_retries), ("CAUGHT_ERROR", without_catchers)):
        pairs = each(plan, status)
        assert len(pairs) > 10
        for attempt, asked in pairs:
            what = told(stand_in, attempt, changed(asked, change))
            assert what[0].startswith(f'status: "{status}" in the rehearsal'), attempt.state


def test_an_error_is_retried_as_often_as_the_request_says_it_was(plan: page.Plan) -> None:
    """An attempt that was caught after its retries would have been retried, had it been the first."""
    stand_in = StandIn(PythonEngine())
    exhausted = [
        (attempt, asked)
        for attempt, asked in each(plan, "CAUGHT_ERROR")
        if asked.get("stateConfiguration", {}).get("retrierRetryCount")
    ]
    assert exhausted
    for attempt, asked in exhausted:
        first = copy.deepcopy(asked) | {"stateConfiguration": {"retrierRetryCount": 0}}
        assert told(stand_in, attempt, first)[0] == 'status: "CAUGHT_ERROR" in the rehearsal, "RETRIABLE" on AWS'
