"""Closes a lane before its compute environment and queue are deleted, and opens it when they are there.

A lane goes when `maxConcurrentRuns` is lowered. Pulumi invokes this function before it deletes anything of the lane,
because the lane is what the invocation depends on; an error keeps the lane. A run that already waits would still take
it, so it is marked in the table from which runs take lanes, by a write that is conditional on nobody having taken it.
"""

from __future__ import annotations

from typing import Any

import boto3

KEY = {"kind": {"S": "lanes"}, "id": {"S": "lanes"}}
TRIES = 10


class LaneInUse(Exception):
    """A run holds the lane; the message names it and says what to do."""


def holder(item: dict[str, Any], lane: int) -> str | None:
    """The ARN of the run that holds the lane."""
    for entry in item.get("holders", {}).get("L", []):
        if int(entry["M"]["lane"]["N"]) == lane:
            return str(entry["M"]["run"]["S"])
    return None


def mark(dynamodb: Any, table: str, lane: int, closed: bool) -> None:
    """Close the lane, or open it.

    Raises
    ------
    LaneInUse
        When it is to be closed and a run holds it, or others write to the table all the time.
    """
    for _ in range(TRIES):
        item = dynamodb.get_item(TableName=table, Key=KEY, ConsistentRead=True).get("Item", {})
        held_by = holder(item, lane)
        if closed and held_by is not None:
            raise LaneInUse(
                f"Lane {lane} cannot be taken down while {held_by} holds it: deploy again when that has ended and was "
                "cleaned up."
            )
        version = int(item.get("version", {}).get("N", 0))
        retired = {int(number["N"]) for number in item.get("retired", {}).get("L", [])}
        wanted = retired | {lane} if closed else retired - {lane}
        if wanted == retired:
            return
        values = {
            ":next": {"N": str(version + 1)},
            ":retired": {"L": [{"N": str(number)} for number in sorted(wanted)]},
        }
        try:
            dynamodb.update_item(
                TableName=table,
                Key=KEY,
                UpdateExpression="SET version = :next, retired = :retired",
                ConditionExpression="version = :version" if version else "attribute_not_exists(version)",
                ExpressionAttributeValues=values | ({":version": {"N": str(version)}} if version else {}),
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            continue
        return
    raise LaneInUse(f"Lane {lane} could not be marked, because runs take and give back lanes all the time: deploy again.")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Open the lane, or close it before it is deleted.

    Parameters
    ----------
    event
        `table` (str), `lane` (int), and `tf.action`, which the provider adds: ``create``, ``update`` or ``delete``
        (aws_lambda_invocation, lifecycle_scope CRUD).

    Raises
    ------
    LaneInUse
        On ``delete``, while a run holds the lane.
    """
    mark(boto3.client("dynamodb"), event["table"], event["lane"], closed=event.get("tf", {}).get("action") == "delete")
    return {"lane": event["lane"]}
