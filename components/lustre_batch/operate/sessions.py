"""Sessions: runs that submit no job of their own and leave the lane's queue open to others. Owns the item by which a
session says where it is, and by which it is told to end (lanes.py says what it holds)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from .problems import Problem, code_of
from .runs import md5
from .stack import Stack


def wanted(values: Mapping[str, Any], idle_minutes: int | None) -> dict[str, Any]:
    """The input of a session's run.

    Raises
    ------
    Problem
        When it is about a job, in the words of the run.
    """
    if jobs := [key for key in values if key.startswith("job")]:
        raise Problem(
            "nothing was started:\n  session: it submits no job of its own, so that "
            f"{', '.join(jobs)} of the same input would say nothing"
        )
    return {**values, "session": {} if idle_minutes is None else {"idleMinutes": idle_minutes}}


def opened(stack: Stack) -> list[dict[str, Any]]:
    """The sessions that take jobs, by the names that their items have."""
    pages = (
        stack.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=stack.value("LanesTableName"),
            ConsistentRead=True,
            KeyConditionExpression="kind = :kind",
            ExpressionAttributeValues={":kind": {"S": "session"}},
        )
    )
    items = [item for page in pages for item in page["Items"]]
    return [{key: next(iter(value.values())) for key, value in item.items()} for item in items]


def of_run(stack: Stack, arn: str) -> dict[str, Any] | None:
    """The session of a run, once it takes jobs and as long as it does."""
    return next((one for one in opened(stack) if one["id"] == md5(arn)), None)


def chosen(stack: Stack, run: str | None) -> str:
    """The run of the session that is named, else of the only one.

    Raises
    ------
    Problem
        When there is none, or more than one to choose from.
    """
    there: dict[str, str] = {one["run"]: one["run"].rpartition(":")[2] for one in opened(stack)}
    if run is not None:
        arn = stack.execution_arn(run)
        if arn not in there:
            raise Problem(f"{arn.rpartition(':')[2]} is no session that is open; open: {_listed(there)}")
        return arn
    if len(there) != 1:
        raise Problem(f"which session? open: {_listed(there)}" if there else "no session is open")
    return next(iter(there))


def end(stack: Stack, arn: str) -> None:
    """Tell a session to end.

    Raises
    ------
    Problem
        When it has ended meanwhile.
    """
    try:
        stack.client("dynamodb").update_item(
            TableName=stack.value("LanesTableName"),
            Key={"kind": {"S": "session"}, "id": {"S": md5(arn)}},
            UpdateExpression="SET #end = :now",
            ConditionExpression="attribute_exists(id)",
            ExpressionAttributeNames={"#end": "end"},
            ExpressionAttributeValues={":now": {"BOOL": True}},
        )
    except ClientError as error:
        if code_of(error) == "ConditionalCheckFailedException":
            raise Problem(f"the session {arn.rpartition(':')[2]} has ended meanwhile") from None
        raise


def words(item: Mapping[str, Any]) -> list[str]:
    """Where a session is, for whoever submits jobs to it."""
    return [
        f"queue: {item['queueArn']}",
        f"path on its instances: {item['path']}",
        f"results: s3://{item['bucket']}/{item['prefix']}",
        f"file system: {item['fileSystemId']}",
        f"run: {item['run']}",
    ]


def _listed(there: Mapping[str, str]) -> str:
    return ", ".join(there.values()) or "none"
