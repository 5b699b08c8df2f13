"""The function that opens lanes and closes them: what keeps a lane, in which words, and what it writes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.functions.loading import loaded
from tests.lanes_table import create_lanes_table

RUN = "arn:aws:states:us-east-1:123456789012:execution:lustre:nightly"
ENVIRONMENT = "arn:aws:batch:us-east-1:123456789012:compute-environment/lustre-environment"


class Pages:
    """Answers one at a time."""

    def __init__(self, key: str, items: list[Any], **asked: Any) -> None:
        self.key, self.items, self.asked = key, items, asked

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        assert self.asked.items() <= request.items()
        return [{self.key: [item]} for item in self.items]


class Table:
    """The lanes' table in an account of its own, and what the guard sees of Batch."""

    def __init__(self) -> None:
        self.dynamodb = boto3.client("dynamodb", "us-east-1")
        create_lanes_table(self.dynamodb, "lanes")
        self.template: dict[str, Any] = {}
        self.executions: list[str] = []
        self.templates = [
            {"LaunchTemplateId": "lt-0", "Tags": [{"Key": "lustre-batch:execution", "Value": f"{RUN}-older"}]},
            {"LaunchTemplateId": "lt-1", "Tags": [{"Key": "lustre-batch:execution", "Value": f"{RUN}=21=3D3D"}]},
        ]
        self.systems: list[dict[str, Any]] = []
        self.interferes = 0

    def client(self, service: str) -> Any:
        assert service in ("dynamodb", "batch", "ec2", "fsx", "stepfunctions")
        return self

    def get_paginator(self, operation: str) -> Any:
        return getattr(self, operation)

    @property
    def list_executions(self) -> Any:
        return Pages("executions", [{"executionArn": arn} for arn in self.executions], statusFilter="RUNNING")

    @property
    def describe_launch_templates(self) -> Any:
        return Pages("LaunchTemplates", self.templates)

    @property
    def describe_file_systems(self) -> Any:
        return Pages("FileSystems", self.systems)

    @property
    def exceptions(self) -> Any:
        return self.dynamodb.exceptions

    def get_item(self, **request: Any) -> Any:
        answer = self.dynamodb.get_item(**request)
        if self.interferes > 0:
            self.interferes -= 1
            version = int(answer.get("Item", {}).get("version", {}).get("N", 0))
            self.hold(version + 1)
        return answer

    def update_item(self, **request: Any) -> Any:
        return self.dynamodb.update_item(**request)

    def describe_compute_environments(self, computeEnvironments: list[str]) -> dict[str, Any]:
        assert computeEnvironments == [ENVIRONMENT]
        return {"computeEnvironments": [{"computeResources": {"launchTemplate": self.template}}]}

    def hold(self, version: int, **lanes: int) -> None:
        holders = [
            {"M": {"run": {"S": f"{RUN}-{name}"}, "lane": {"N": str(lane)}}} for name, lane in sorted(lanes.items())
        ]
        key = {"kind": {"S": "lanes"}, "id": {"S": "lanes"}}
        item = key | {"version": {"N": str(version)}, "holders": {"L": holders}}
        self.dynamodb.put_item(TableName="lanes", Item=item)

    @property
    def item(self) -> dict[str, Any]:
        (item,) = self.dynamodb.scan(TableName="lanes", ConsistentRead=True)["Items"]
        return dict(item)


@pytest.fixture(scope="module")
def guard() -> ModuleType:
    return loaded("guard_lanes")


@pytest.fixture
def table(guard: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    with mock_aws():
        made = Table()
        monkeypatch.setattr(guard, "boto3", made)
        yield made


def ask(guard: ModuleType, action: str, lanes: int) -> Any:
    event = {"table": "lanes", "lanes": lanes, "environments": [ENVIRONMENT], "stateMachineArn": "m"}
    return guard.handler(event | {"tf": {"action": action, "prev_input": None}}, None)


@pytest.mark.parametrize("action", ["create", "update"])
def test_how_many_are_open_is_written_to_an_empty_table(guard: ModuleType, table: Table, action: str) -> None:
    assert ask(guard, action, 2) == {"lanes": 2}
    assert (table.item["open"], table.item["version"]) == ({"N": "2"}, {"N": "1"})


def test_holders_stay_as_they_are_and_the_version_goes_up(guard: ModuleType, table: Table) -> None:
    table.hold(7, a=1, given_back=0)
    before = table.item["holders"]
    ask(guard, "update", 1)
    assert (table.item["holders"], table.item["version"], table.item["open"]) == (before, {"N": "8"}, {"N": "1"})


def test_a_lane_that_a_run_holds_is_not_closed_and_the_run_is_named(guard: ModuleType, table: Table) -> None:
    table.hold(7, a=1, b=2, c=3)
    with pytest.raises(guard.LaneInUse) as refused:
        ask(guard, "update", 1)
    assert str(refused.value) == (
        f"maxConcurrentRuns cannot be lowered yet: lane 2 is held by {RUN}-b, lane 3 is held by {RUN}-c. Nothing was "
        "taken down; deploy again when that is over and was cleaned up."
    )
    assert "open" not in table.item


def test_who_writes_in_between_is_seen(guard: ModuleType, table: Table) -> None:
    table.interferes = 3
    ask(guard, "update", 2)
    assert table.item["version"] == {"N": "4"}
    table.interferes = guard.TRIES
    with pytest.raises(guard.LaneInUse, match="Deploy again"):
        ask(guard, "update", 2)


def test_runs_of_before_there_was_a_table_hold_the_first_lane_and_every_prefix(guard: ModuleType, table: Table) -> None:
    table.executions = [f"{RUN}-a", f"{RUN}-b"]
    table.template = {"launchTemplateId": "lt-1", "version": "1"}
    ask(guard, "create", 2)
    found = [{key: next(iter(value.values())) for key, value in one["M"].items()} for one in table.item["holders"]["L"]]
    assert [(one["run"], one["tag"], one["lane"], one["prefix"]) for one in found] == [
        (f"{RUN}-a", f"{RUN}-a", "1", ""),
        (f"{RUN}-b", f"{RUN}-b", "1", ""),
        (f"{RUN}!=3D", f"{RUN}=21=3D3D", "1", ""),
    ]
    assert found[0]["takenAt"].endswith("Z")


def test_after_somebody_has_deleted_the_table_each_run_that_is_alive_has_its_own_lane_again(
    guard: ModuleType, table: Table
) -> None:
    table.executions = [f"{RUN}-a", f"{RUN}-b"]
    table.systems = [
        {"Tags": [{"Key": "lustre-batch:execution", "Value": f"{RUN}-b"}, {"Key": "lustre-batch:lane", "Value": "2"}]},
        {"Tags": [{"Key": "lustre-batch:execution", "Value": f"{RUN}-c"}, {"Key": "lustre-batch:lane", "Value": "1"}]},
        {},
    ]
    ask(guard, "create", 2)
    found = {one["M"]["run"]["S"]: one["M"] for one in table.item["holders"]["L"]}
    assert set(found) == {f"{RUN}-a", f"{RUN}-b"}
    assert (found[f"{RUN}-b"]["lane"], found[f"{RUN}-b"]["writtenUntil"]) == ({"N": "2"}, {"N": "-1"})
    assert found[f"{RUN}-a"]["lane"] == {"N": "1"}
    assert "writtenUntil" not in found[f"{RUN}-a"], "one that began before there were lanes"


def test_a_table_that_knows_who_has_what_is_not_told_again(guard: ModuleType, table: Table) -> None:
    table.hold(7, a=1)
    before = table.item["holders"]
    table.executions = [f"{RUN}-waits"]
    ask(guard, "create", 2)
    assert table.item["holders"] == before


@pytest.mark.parametrize("action", ["delete", None])
def test_the_destruction_and_an_invocation_by_hand_write_nothing(guard: ModuleType, table: Table, action: Any) -> None:
    table.hold(7, a=2)
    before = table.item
    ask(guard, action, 1)
    assert table.item == before
