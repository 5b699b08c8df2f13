"""Evaluates parts of the definition as Step Functions would, one state at a time, with the variables that a test gives.
It must never fill in a variable that was not given."""

from __future__ import annotations

from typing import Any

from rehearsal.aws.states.expressions import Evaluator, bound, python
from tests.workflow.asl import parsed, read
from tests.workflow.conftest import Definition

EVALUATOR = Evaluator()
FILE_SYSTEM = "fs-0123456789abcdef0"
RUN = "arn:aws:states:us-east-1:123456789012:execution:machine:run"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
STACK = "autoexport-4b8453b"
NOW = 10**13  # a moment in milliseconds, far behind every `since` that a test does not set
FAILURE = {"Error": "First", "Cause": "the original one"}


def evaluate(value: Any, states: dict[str, Any] | None = None, /, **variables: Any) -> Any:
    """A value of the definition as Step Functions would evaluate it."""
    if isinstance(value, dict):
        return {key: evaluate(item, states, **variables) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, states, **variables) for item in value]
    if isinstance(value, str) and value.startswith("{%"):
        execution = {"Id": RUN, "Name": "run"}
        given = {"context": {"Execution": execution, "StateMachine": {"Id": MACHINE}}} | (states or {})
        return python(EVALUATOR.evaluate(value[2:-2], bound({"states": given, **variables})))
    return value


def choose(
    definition: Definition, name: str, states: dict[str, Any] | None = None, /, **variables: Any
) -> tuple[str, dict[str, Any]]:
    """Where a choice leads, and what it assigns on the way. A condition must say true or false, nothing else."""
    state = definition.states[name]
    for rule in state["Choices"]:
        assert read(parsed(rule["Condition"][2:-2])) <= set(variables), f"{name}: {rule['Condition']}"
        answer = evaluate(rule["Condition"], states, **variables)
        assert answer is True or answer is False, f"{name}: {rule['Condition']} gives {answer!r}"
        if answer:
            return rule["Next"], evaluate(rule.get("Assign", {}), states, **variables)
    return state["Default"], evaluate(state.get("Assign", {}), states, **variables)
