"""The function that stands before the destruction of a stack: what keeps the stack, in which words, and what does
not."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.functions.loading import loaded

RUN = "arn:aws:states:us-east-1:123456789012:stateMachine:lustre"
CLEAN_UP = f"{RUN}-clean-up"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:lustre"


class Paginator:
    """Answers the pages of one operation, which a test wrote down, and remembers what it was asked."""

    def __init__(self, pages: Callable[..., list[dict[str, Any]]]) -> None:
        self.pages = pages
        self.requests: list[dict[str, Any]] = []

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.requests.append(request)
        return self.pages(**request)


class Cloud:
    """An account with these executions, by state machine, and these file systems; two to a page."""

    def __init__(self) -> None:
        self.executions: dict[str, list[str]] = {}
        self.file_systems: list[dict[str, Any]] = []
        self.paginators = {"list_executions": Paginator(self._executions), "describe_file_systems": Paginator(self._fs)}

    def client(self, service: str) -> Cloud:
        assert service in ("stepfunctions", "fsx")
        return self

    def get_paginator(self, operation: str) -> Paginator:
        return self.paginators[operation]

    def exists(self, identity: str, stack: str | None = "lustre", lifecycle: str = "AVAILABLE") -> None:
        tags = [{"Key": "Name", "Value": "somebody's"}]
        if stack is not None:
            tags.append({"Key": "lustre-batch:stack", "Value": stack})
        self.file_systems.append({"FileSystemId": identity, "Lifecycle": lifecycle, "Tags": tags})

    def _executions(self, stateMachineArn: str, statusFilter: str) -> list[dict[str, Any]]:
        assert statusFilter == "RUNNING"
        found = [{"executionArn": arn} for arn in self.executions.get(stateMachineArn, [])]
        return [{"executions": page} for page in _paged(found)]

    def _fs(self) -> list[dict[str, Any]]:
        return [{"FileSystems": page} for page in _paged(self.file_systems)]


def _paged(items: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [items[at : at + 2] for at in range(0, len(items), 2)] or [[]]


@pytest.fixture(scope="module")
def guard() -> ModuleType:
    return loaded("guard_destroy")


@pytest.fixture
def cloud(guard: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    made = Cloud()
    monkeypatch.setattr(guard, "boto3", made)
    return made


@pytest.fixture
def ask(guard: ModuleType, cloud: Cloud) -> Callable[[str], dict[str, Any]]:
    def invoke(action: str) -> dict[str, Any]:
        event = {"stateMachineArns": [RUN, CLEAN_UP], "stack": "lustre", "tf": {"action": action, "prev_input": None}}
        answer: dict[str, Any] = guard.handler(event, None)
        return answer

    return invoke


@pytest.fixture
def refusal(guard: ModuleType, ask: Callable[[str], dict[str, Any]]) -> Callable[[], str]:
    def say() -> str:
        with pytest.raises(guard.StackInUse) as refused:
            ask("delete")
        return str(refused.value)

    return say


def test_a_stack_that_nobody_uses_may_go(ask: Callable[[str], dict[str, Any]], cloud: Cloud) -> None:
    assert ask("delete") == {"stack": "lustre"}
    asked = cloud.paginators["list_executions"].requests
    assert [request["stateMachineArn"] for request in asked] == [RUN, CLEAN_UP]


@pytest.mark.parametrize("machine", [RUN, CLEAN_UP])
def test_an_execution_of_either_machine_keeps_the_stack(machine: str, refusal: Callable[[], str], cloud: Cloud) -> None:
    cloud.executions[machine] = [f"{EXECUTION}:nightly"]
    assert refusal() == (
        f"The stack cannot be destroyed while executions are running ({EXECUTION}:nightly): wait until they are over, "
        "or stop them and wait for the clean-up, then destroy the stack again."
    )


def test_a_file_system_of_the_stack_keeps_it_and_how_to_get_rid_of_it_is_said(
    refusal: Callable[[], str], cloud: Cloud
) -> None:
    cloud.exists("fs-1")
    assert refusal() == (
        "The stack cannot be destroyed while file systems of its runs exist (fs-1): start its state machine with "
        '{"reclaim": "fs-1"} for each of them, or delete them yourself, and with them whatever is not in S3, then '
        "destroy the stack again."
    )


@pytest.mark.parametrize("lifecycle", ["CREATING", "FAILED", "MISCONFIGURED", "UPDATING"])
def test_a_file_system_in_any_state_but_deleting_keeps_the_stack(
    lifecycle: str, refusal: Callable[[], str], cloud: Cloud
) -> None:
    cloud.exists("fs-1", lifecycle=lifecycle)
    assert "(fs-1)" in refusal()


def test_what_other_stacks_have_and_what_is_being_deleted_keeps_nothing(
    ask: Callable[[str], dict[str, Any]], cloud: Cloud
) -> None:
    cloud.exists("fs-1", stack="another")
    cloud.exists("fs-2", stack=None)
    cloud.exists("fs-3", lifecycle="DELETING")
    cloud.file_systems.append({"FileSystemId": "fs-4", "Lifecycle": "AVAILABLE"})
    assert ask("delete") == {"stack": "lustre"}


def test_every_page_is_read_and_five_are_named_at_most(refusal: Callable[[], str], cloud: Cloud) -> None:
    for number in range(1, 5):
        cloud.exists(f"fs-{number}", stack="another")
    for number in range(5, 12):
        cloud.exists(f"fs-{number}")
    assert "(fs-5, fs-6, fs-7, fs-8, fs-9 and 2 more)" in refusal()
    cloud.executions = {RUN: ["a", "b", "c"], CLEAN_UP: ["d", "e"]}
    assert "(a, b, c, d, e)" in refusal()


def test_while_an_execution_runs_nobody_is_told_to_reclaim_its_file_system(
    refusal: Callable[[], str], cloud: Cloud
) -> None:
    cloud.exists("fs-1")
    cloud.executions[RUN] = [f"{EXECUTION}:nightly"]
    assert "fs-1" not in refusal()


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_stack_in_use_may_be_created_and_updated(
    action: str, ask: Callable[[str], dict[str, Any]], cloud: Cloud
) -> None:
    cloud.executions[RUN] = [f"{EXECUTION}:nightly"]
    cloud.exists("fs-1")
    assert ask(action) == {"stack": "lustre"}
    assert cloud.paginators["list_executions"].requests == []


def test_an_invocation_by_hand_says_nothing_and_looks_at_nothing(guard: ModuleType, cloud: Cloud) -> None:
    assert guard.handler({"stateMachineArns": [RUN], "stack": "lustre"}, None) == {"stack": "lustre"}
    assert cloud.paginators["list_executions"].requests == []


def test_a_refusal_by_aws_keeps_the_stack(
    guard: ModuleType, ask: Callable[[str], dict[str, Any]], cloud: Cloud
) -> None:
    def away(**_: Any) -> list[dict[str, Any]]:
        raise ConnectionError("away")

    cloud.paginators["describe_file_systems"].pages = away
    with pytest.raises(ConnectionError):
        ask("delete")
