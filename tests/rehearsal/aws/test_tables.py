"""Tables keep what runs write until the account is reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account
from rehearsal.aws.plans import Plans
from rehearsal.aws.states.executions import Execution
from tests.lanes_table import create_lanes_table

Run = Callable[..., Execution]


@pytest.fixture
def table(account: Account) -> str:
    account.client("dynamodb").create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "locks"


def put(holder: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:putItem",
        "Arguments": {
            "TableName": "locks",
            "Item": {"id": {"S": "environment"}, "holder": {"S": holder}, "aNumber": {"N": "1"}, "no": {"Nul": True}},
            "ConditionExpression": "attribute_not_exists(id) OR holder = :holder",
            "ExpressionAttributeValues": {":holder": {"S": holder}},
        },
        **more,
    }


def get(**more: Any) -> dict[str, Any]:
    arguments = {"TableName": "locks", "Key": {"id": {"S": "environment"}}, "ConsistentRead": True}
    return {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem", "Arguments": arguments, **more}


def test_attributes_keep_their_names_and_types_both_ways(run: Run, table: str) -> None:
    output = run({"A": put("me", Next="B"), "B": get(End=True)}).output
    assert output == {
        "Item": {"id": {"S": "environment"}, "holder": {"S": "me"}, "aNumber": {"N": "1"}, "no": {"Nul": True}}
    }


def test_a_missing_item_is_no_item(run: Run, table: str) -> None:
    assert run({"A": get(End=True)}).output == {}


def test_a_conditional_write_lets_one_holder_in(run: Run, table: str) -> None:
    assert run({"A": put("me", Next="B"), "B": put("me", End=True)}).status == "SUCCEEDED"
    refused = run({"A": put("you", End=True)}, name="other")
    assert refused.error == "DynamoDb.ConditionalCheckFailedException"


def test_a_conditional_deletion_is_the_holders_only(run: Run, account: Account, table: str) -> None:
    def delete(holder: str) -> dict[str, Any]:
        arguments = {
            "TableName": "locks",
            "Key": {"id": {"S": "environment"}},
            "ConditionExpression": "holder = :holder",
            "ExpressionAttributeValues": {":holder": {"S": holder}},
        }
        resource = "arn:aws:states:::aws-sdk:dynamodb:deleteItem"
        return {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True}

    run({"A": put("me", End=True)})
    assert run({"A": delete("you")}, name="b").error == "DynamoDb.ConditionalCheckFailedException"
    assert run({"A": delete("me")}, name="c").status == "SUCCEEDED"
    assert account.client("dynamodb").scan(TableName="locks")["Count"] == 0


def test_a_reset_takes_back_what_runs_wrote(run: Run, account: Account, table: str) -> None:
    dynamodb = account.client("dynamodb")
    dynamodb.put_item(TableName="locks", Item={"id": {"S": "deployed"}})
    baseline = account.snapshot()
    run({"A": put("me", End=True)})
    dynamodb.delete_item(TableName="locks", Key={"id": {"S": "deployed"}})
    for _ in range(2):
        account.reset(baseline, Plans())
        assert [item["id"]["S"] for item in dynamodb.scan(TableName="locks")["Items"]] == ["deployed"]
        dynamodb.put_item(TableName="locks", Item={"id": {"S": "another"}})


@pytest.fixture
def tickets(account: Account) -> str:
    client = account.client("dynamodb")
    create_lanes_table(client, "lanes")
    for number in range(7):
        item = {"kind": {"S": "ticket"}, "id": {"S": f"{6 - number}"}, "since": {"S": f"2026-0{number // 2 + 1}"}}
        client.put_item(TableName="lanes", Item=item | {"prefixes": {"L": [{"S": "a/"}, {"N": "1"}]}})
    client.put_item(TableName="lanes", Item={"kind": {"S": "ticket"}, "id": {"S": "unordered"}})
    client.put_item(TableName="lanes", Item={"kind": {"S": "lanes"}, "id": {"S": "lanes"}, "version": {"N": "1"}})
    return "lanes"


QUERY = {
    "TableName": "lanes",
    "IndexName": "in-order",
    "ConsistentRead": True,
    "KeyConditionExpression": "kind = :kind AND since < :since",
    "ExpressionAttributeValues": {":kind": {"S": "ticket"}, ":since": {"S": "2026-04"}},
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"Select": "COUNT"},
        {"Limit": 4},
        {"Limit": 4, "ExclusiveStartKey": {"kind": {"S": "ticket"}, "id": {"S": "4"}, "since": {"S": "2026-02"}}},
        {"Limit": 50},
        {"ExpressionAttributeValues": {":kind": {"S": "nothing"}, ":since": {"S": "2026-04"}}},
        {"ScanIndexForward": False},
        {"KeyConditionExpression": "kind = :kind AND since <= :since"},
        {"IndexName": "no-such-index"},
    ],
)
def test_what_waits_is_read_in_order_as_moto_reads_it(account: Account, tickets: str, more: dict[str, Any]) -> None:
    answers = []
    for ask in (account.client("dynamodb").query, lambda **params: account.table_reads.ask_moto("Query", params)):
        try:
            answer = ask(**{**QUERY, **more})
            # moto orders those that sort the same as it likes.
            items = sorted(answer.get("Items", []), key=str)
            keys = ("Count", "LastEvaluatedKey")
            answers.append((items, [answer.get(key) for key in keys if more != {"Limit": 4}]))
        except ClientError as error:
            answers.append(([], [error.response["Error"]["Code"]]))
    assert answers[0] == answers[1]


def test_pages_of_what_waits_are_all_of_it_once_and_in_order(account: Account, tickets: str) -> None:
    client, seen = account.client("dynamodb"), []
    start: dict[str, Any] = {}
    while True:
        page = client.query(**QUERY, Limit=2, **start)
        seen += [(item["since"]["S"], item["id"]["S"]) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:  # the last may be empty: a full page has a key whether or not more follow
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert len(seen) == 6
    assert seen == sorted(set(seen))


def test_an_item_is_read_by_its_whole_key_alone(account: Account, tickets: str) -> None:
    client = account.client("dynamodb")
    key = {"kind": {"S": "lanes"}, "id": {"S": "lanes"}}
    assert client.get_item(TableName="lanes", Key=key)["Item"] == key | {"version": {"N": "1"}}
    with pytest.raises(ClientError):
        client.get_item(TableName="lanes", Key={"kind": {"S": "lanes"}})
    with pytest.raises(ClientError):
        client.get_item(TableName="no-such-table", Key=key)
