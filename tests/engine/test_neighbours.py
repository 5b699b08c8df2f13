"""Two stacks in one account: they have no name in common, each runs its own job, and destroying one leaves the other
alone."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.play import scenario
from rehearsal.play.session import Session
from rehearsal.play.verdict import judge
from tests.engine.stack import Stack

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def nightly(stack: Stack, program_here: None) -> Stack:
    """A second stack of the same program; both are deployed."""
    stack.operate("up")
    stack.engine.init("nightly")
    second = Stack(stack.account, stack.engine, "nightly")
    second.set(**{"aws:region": stack.account.region})
    second.operate("up")
    return second


def test_two_stacks_have_nothing_in_common(stack: Stack, nightly: Stack) -> None:
    assert not _names(stack) & _names(nightly)
    assert not _values(stack) & _values(nightly)


def test_each_stack_runs_its_own_job(stack: Stack, nightly: Stack) -> None:
    for each in (stack, nightly):
        session = Session(each.account, each.exports)
        verdict = judge(session, session.play(scenario.load("late-burst")))
        assert verdict.passed, (each.name, verdict.why_not)


def test_destroying_one_leaves_the_other_as_it_was(stack: Stack, nightly: Stack) -> None:
    nightly.operate("destroy")
    assert stack.operate("refresh").changes == {}
    assert stack.operate("up").changes == {}
    session = Session(stack.account, stack.exports)
    assert judge(session, session.play(scenario.load("late-burst"))).passed


def _values(stack: Stack) -> set[str]:
    """What the stack exports, each of a list's by itself."""
    exported = stack.exports.values()
    return {value for each in exported for value in (each if isinstance(each, list) else [each])}


def _names(stack: Stack) -> set[Any]:
    """The ids of everything that the stack created."""
    return {(resource.type, resource.id) for resource in stack.engine.deployment(stack.name).resources}
