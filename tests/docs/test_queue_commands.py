"""The commands that show the queue, as the page has them, asked of the embedded account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from lustre_batch import definition

from rehearsal.aws.account import Account
from tests.docs import asked
from tests.lanes_table import create_lanes_table

PAGE = "docs/operations.md"
TABLE = "lanes"
SESSION = "0123456789abcdef0123456789abcdef"


def commands(service: str) -> list[list[str]]:
    return asked.commands(PAGE, service)


def ask(client: Any, command: list[str], execution: str = "") -> Any:
    return asked.answer(client, command, {"table": TABLE, "execution": execution})


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


@pytest.fixture(scope="module")
def dynamodb(account: Account) -> Any:
    client = account.client("dynamodb")
    create_lanes_table(client, TABLE)
    for order, run in [(2, "second"), (1, "first")]:
        content = {
            "kind": "ticket",
            "id": run,
            "since": f"{order}",
            "run": run,
            "prefix": "a/",
            "takenAt": f"{order}",
        }
        client.put_item(TableName=TABLE, Item={key: {"S": value} for key, value in content.items()})
    holder = {"run": {"S": "holder"}, "lane": {"N": "2"}, "prefix": {"S": "b/"}, "takenAt": {"S": "0"}}
    lanes = {"kind": {"S": "lanes"}, "id": {"S": "lanes"}, "holders": {"L": [{"M": holder}]}}
    client.put_item(TableName=TABLE, Item=lanes)
    client.put_item(TableName=TABLE, Item={"kind": {"S": "session"}, "id": {"S": SESSION}})
    return client


def test_who_holds_a_lane_and_who_waits_can_be_asked_of_the_table(dynamodb: Any) -> None:
    _, _, holders, waiting = (ask(dynamodb, command) for command in commands("dynamodb"))
    assert holders == [["2", "b/", "0", "holder"]]
    assert waiting == [["1", "a/", "first"], ["2", "a/", "second"]]


def test_a_session_is_found_in_the_table_and_told_to_end(dynamodb: Any) -> None:
    find, end, *_ = commands("dynamodb")
    assert [one["id"]["S"] for one in ask(dynamodb, find)["Items"]] == [SESSION]
    ask(dynamodb, end)
    assert ask(dynamodb, find)["Items"][0]["end"] == {"BOOL": True}


def test_what_a_run_waits_for_is_seen_in_its_history(account: Account) -> None:
    """The page asks for what is given to a state; that this is what a run waits for, its definition says."""
    seen = {"place": 3, "waitsFor": "another"}
    run = definition.read("run")["States"]
    assert ({*run["CountTickets"]["Output"]}, run["CountTickets"]["Next"]) == ({*seen}, "MayWait")
    states = {
        "LookAtQueue": {"Type": "Pass", "Output": {**seen, "place": 4}, "Next": "WaitForTurn"},
        "WaitForTurn": {"Type": "Wait", "Seconds": 60, "Output": seen, "Next": "MayWait"},
        "MayWait": {"Type": "Pass", "Next": "AndOn"},
        "AndOn": {"Type": "Wait", "Seconds": 60, "End": True},
    }
    client = account.client("stepfunctions")
    machine = client.create_state_machine(
        name="waits",
        roleArn="arn:aws:iam::123456789012:role/machine",
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "LookAtQueue", "States": states}),
    )
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    account.clock.advance(90)
    where, waits = (ask(client, one, arn) for one in commands("stepfunctions") if one[0] == "get-execution-history")
    assert [name for _, name in where] == ["AndOn", "MayWait", "WaitForTurn", "LookAtQueue"]
    assert json.loads(waits) == seen
