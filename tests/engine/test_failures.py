"""Every create, update and delete fails once, each resource in turn, under the real engine."""

from __future__ import annotations

import pytest

from rehearsal.aws.calls import Fault
from rehearsal.provider.table import ResourceError
from tests.engine.inventory import inventory
from tests.engine.stack import Stack

pytestmark = pytest.mark.engine

REFUSED = "ServiceUnavailable: please try again"
ROUNDS = 40  # more than the longest chain of dependencies


class FailingOnce:
    """Refuses the first attempt of an operation for every resource."""

    def __init__(self, stack: Stack, operation: str) -> None:
        self.refused: set[str] = set()
        self._operation = operation
        stack.engine.provider.before = self

    def __call__(self, operation: str, urn: str) -> None:
        if operation == self._operation and urn not in self.refused:
            self.refused.add(urn)
            raise ResourceError(REFUSED)


def _until_it_works(stack: Stack, operation: str) -> list[str]:
    """Try again and again, as a person would; answer the names in the error messages on the way."""
    named: list[str] = []
    for _ in range(ROUNDS):
        outcome = stack.operate(operation, "--continue-on-error", expect=None)
        if outcome.succeeded:
            return named
        complaints = [line for error in outcome.errors for line in error.splitlines() if REFUSED in line]
        assert complaints, outcome.output
        named += [complaint.split(": ")[0].split()[-1] for complaint in complaints]
    raise AssertionError(f"{operation} does not come to an end")


def test_each_resource_that_cannot_be_created_is_named_and_made_by_a_later_up(stack: Stack, program_here: None) -> None:
    failing = FailingOnce(stack, "create")
    named = _until_it_works(stack, "up")
    created = stack.engine.deployment(stack.name).resources
    assert len(failing.refused) == len(created)
    assert {resource.name for resource in created} <= set(named)
    assert stack.operate("up").changes == {}
    assert stack.operate("refresh").changes == {}


def test_each_resource_that_cannot_be_updated_is_named_and_updated_by_a_later_up(
    stack: Stack, program_here: None
) -> None:
    stack.set(tags={"team": "imaging"})
    planned = {name for operation, _, name in stack.operate("preview").steps if operation == "update"}
    FailingOnce(stack, "update")
    named = _until_it_works(stack, "up")
    assert planned == set(named)
    assert len(planned) > 15
    assert stack.operate("up").changes == {}


def test_each_resource_that_cannot_be_deleted_is_named_and_deleted_by_a_later_destroy(
    stack: Stack, program_here: None
) -> None:
    stack.set(retainDataOnDestroy=False)
    stack.operate("up")
    there = {resource.name for resource in stack.engine.deployment(stack.name).resources}
    FailingOnce(stack, "delete")
    named = _until_it_works(stack, "destroy")
    assert there == set(named)
    assert {item for item in inventory(stack.account) if "autoexport" in item and "secretsmanager" not in item} == set()


def test_a_creation_that_fails_half_way_leaves_nothing_behind(stack: Stack, program_here: None) -> None:
    stack.set(retainDataOnDestroy=False)
    before = inventory(stack.account)
    account = stack.account
    account.calls.counts.clear()
    stack.operate("up")
    calls = [call for call in account.calls.counts if _changes(call)]
    stack.operate("destroy")
    assert len(calls) > 30
    unfinished = set(calls)
    account.calls.reset([Fault(call=call, error="ServiceUnavailable") for call in calls])
    for _ in range(ROUNDS):
        if stack.operate("up", "--continue-on-error", expect=None).succeeded:
            break
    assert stack.operate("up").changes == {}
    account.calls.reset()
    stack.operate("destroy")
    left = {item for item in inventory(account) - before if "secretsmanager" not in item}
    assert left == set(), unfinished


def _changes(call: str) -> bool:
    """Whether an operation changes anything, judged by its name."""
    return not call.partition(":")[2].startswith(("Describe", "Get", "List", "Head"))
