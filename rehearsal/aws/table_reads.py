"""The two reads of a table that a run which waits makes all the time. Owns answering them from moto's items without the
way over HTTP, which would take most of a play with many runs; reads of any other form are moto's."""

from __future__ import annotations

import re
from typing import Any

from .context import Context
from .tables import Tables

GET_MEMBERS = {"TableName", "Key", "ConsistentRead"}
QUERY_MEMBERS = {
    "TableName", "IndexName", "ConsistentRead", "KeyConditionExpression", "ExpressionAttributeValues", "Limit",
    "ExclusiveStartKey", "Select",
}  # fmt: skip
CONDITION = re.compile(r"(\w+) = (:\w+) AND (\w+) < (:\w+)")


class TableReads:
    """Answers dynamodb: GetItem and Query."""

    def __init__(self, context: Context, tables: Tables) -> None:
        self._context = context
        self._tables = tables
        context.calls.answer("dynamodb", GetItem=self.get_item, Query=self.query)

    def get_item(self, params: dict[str, Any]) -> dict[str, Any]:
        item = self._tables.item(params["TableName"], params["Key"]) if set(params) <= GET_MEMBERS else None
        return {"Item": item} if item is not None else self.ask_moto("GetItem", params)

    def query(self, params: dict[str, Any]) -> dict[str, Any]:
        """DynamoDB API reference, Query: of one partition what sorts before a value, in order, a page at a time."""
        condition = CONDITION.fullmatch(params.get("KeyConditionExpression", ""))
        table = self._tables.find(params["TableName"])
        if table is None or condition is None or not set(params) <= QUERY_MEMBERS:
            return self.ask_moto("Query", params)
        hash_name, hash_value, range_name, range_value = condition.groups()
        key = [{"AttributeName": hash_name, "KeyType": "HASH"}, {"AttributeName": range_name, "KeyType": "RANGE"}]
        indexes = {index.name: index.schema for index in table.indexes} | {None: table.schema}
        values = params["ExpressionAttributeValues"]
        if indexes.get(params.get("IndexName")) != key or "S" not in values[range_value]:
            return self.ask_moto("Query", params)
        names = list(dict.fromkeys((range_name, table.range_key_attr)))  # those that sort the same are told apart
        found = [
            (tuple(one.attrs[name].value for name in names), one)
            for one in _partition(table, values[hash_value])
            if range_name in one.attrs and one.attrs[range_name].value < values[range_value]["S"]
        ]
        start = params.get("ExclusiveStartKey")
        after = None if start is None else tuple(start[name]["S"] for name in names)
        ordered = sorted((one for one in found if after is None or one[0] > after), key=lambda one: one[0])
        page = ordered[: params.get("Limit")]
        answer: dict[str, Any] = {"Count": len(page), "ScannedCount": len(page)}
        if params.get("Select") != "COUNT":
            answer["Items"] = [one.to_json()["Attributes"] for _, one in page]
        # "If the number of items that it processes reaches the limit" there is a key, whether or not more follow.
        if page and len(page) == params.get("Limit"):
            last = page[-1][1].to_json()["Attributes"]
            answer["LastEvaluatedKey"] = {name: last[name] for name in (hash_name, *names)}
        return answer

    def ask_moto(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        return self._context.calls.ask_moto(self._context.client("dynamodb"), operation, params)


def _partition(table: Any, value: dict[str, Any]) -> list[Any]:
    from moto.dynamodb.models.dynamo_type import DynamoType  # late: reading a scenario needs no moto

    return [*table.items.get(DynamoType(value), {}).values()]
