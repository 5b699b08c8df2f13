"""DynamoDB, from within: the items of tables, which runs change and a reset puts back, and the capacity units that
calls consume. moto answers the API."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator
from typing import Any

from .context import Context

Baseline = dict[str, Any]

# DynamoDB guide, read and write operations: a read unit is 4 KB read consistently, a write unit 1 KB.
READ_BYTES, WRITE_BYTES = 4096, 1024
SAMPLE = 20  # items by whose mean the size of many is estimated


class Tables:
    """The account's tables."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def _all(self) -> dict[str, Any]:
        tables: dict[str, Any] = self._context.backend("dynamodb").tables
        return tables

    def snapshot(self) -> Baseline:
        return {name: copy.deepcopy(table.items) for name, table in self._all.items()}

    def reset(self, baseline: Baseline) -> None:
        """Put the items of every table back; one that the baseline does not know is emptied."""
        for name, table in self._all.items():
            table.items = copy.deepcopy(baseline.get(name, type(table.items)(dict)))

    def find(self, name: str) -> Any | None:
        """moto's own table of that name."""
        return self._all.get(name)

    def item(self, name: str, key: dict[str, Any]) -> dict[str, Any] | None:
        """The attributes of an item, if there is one with that key."""
        from moto.dynamodb.models.dynamo_type import DynamoType  # late: reading a scenario needs no moto

        table = self.find(name)
        if table is None or set(key) != {one for one in (table.hash_key_attr, table.range_key_attr) if one}:
            return None
        found = table.get_item(*(DynamoType(key[one]) for one in (table.hash_key_attr, table.range_key_attr) if one))
        return None if found is None else dict(found.to_json()["Attributes"])

    def units(self, operation: str, params: dict[str, Any], answer: Any) -> tuple[float, float]:
        """Read and write units of a call that was answered, or whose condition did not hold.

        A write is charged by the larger of the item before and after, here by what is there afterwards or is sent, and
        once more for each local secondary index.
        """
        table = self._all.get(params.get("TableName", ""))
        if table is None:
            return 0.0, 0.0
        if operation == "Query":
            count: int = answer["ScannedCount"] if isinstance(answer, dict) else 0
            return _read(count * self._mean_size(table, params), params), 0.0
        key = params.get("Key") or params.get("Item", {})
        found = _items(table, key.get(table.hash_key_attr), key.get(table.range_key_attr))
        size = next((item.size() for item in found), 0)
        if operation == "GetItem":
            return _read(size, params), 0.0
        return 0.0, max(1, math.ceil(size / WRITE_BYTES)) * (1 + len(table.indexes))

    @staticmethod
    def _mean_size(table: Any, params: dict[str, Any]) -> float:
        """Of the items under the partition key that is asked for, by the first of them: a count reads them as well."""
        for value in params.get("ExpressionAttributeValues", {}).values():
            sizes: list[int] = [item.size() for item in itertools.islice(_items(table, value), SAMPLE)]
            if sizes:
                return sum(sizes) / len(sizes)
        return 0.0


def _read(size: float, params: dict[str, Any]) -> float:
    return max(1, math.ceil(size / READ_BYTES)) * (1.0 if params.get("ConsistentRead") else 0.5)


def _items(table: Any, hash_key: dict[str, Any] | None, range_key: dict[str, Any] | None = None) -> Iterator[Any]:
    """The items under a partition key, or the one under both keys."""
    found = next((items for key, items in table.items.items() if key.to_json() == hash_key), None)
    if found is None:
        return
    if not table.has_range_key:
        yield found
        return
    yield from (item for key, item in found.items() if range_key is None or key.to_json() == range_key)
