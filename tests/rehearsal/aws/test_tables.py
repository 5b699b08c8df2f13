"""Tables keep what runs write until the account is reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.plans import Plans
from rehearsal.aws.states.executions import Execution

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
