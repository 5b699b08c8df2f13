"""The table of the lanes, as the component has it created, for tests that need no deployment beside it."""

from __future__ import annotations

from typing import Any

from lustre_batch.lanes import IN_ORDER


def create_lanes_table(dynamodb: Any, name: str) -> str:
    """Create it by a client of whichever account the test has; its name."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("kind", "id", "since")],
        LocalSecondaryIndexes=[
            {
                "IndexName": IN_ORDER,
                "KeySchema": [
                    {"AttributeName": "kind", "KeyType": "HASH"},
                    {"AttributeName": "since", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return name
