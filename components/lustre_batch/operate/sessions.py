"""Sessions: runs that submit no job of their own and leave the lane's queue open to others. Owns the item by which a
session says where it is, and by which it is told to end (lanes.py says what it holds)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from .problems import Problem, code_of
from .queueing import items
from .runs import RUNNING, describe, md5
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
    return items(stack, "session")


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
            raise Problem(_why_not_open(stack, arn) + f"; open: {_listed(there)}")
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


def facts(item: Mapping[str, Any]) -> dict[str, Any]:
    """The same for programs, without what runs have in the item for each other."""
    return {**{key: item[key] for key in _TOLD}, "lane": int(item["lane"]), "ending": "end" in item}


_TOLD: Final = ("run", "queueArn", "queueName", "bucket", "prefix", "path", "fileSystemId", "readyAt")


def table(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The same of several."""
    if not found:
        yield "no session takes jobs"
    for number, item in enumerate(found):
        yield from ([""] if number else [])
        yield from words(item)


def is_session(described: Mapping[str, Any]) -> bool:
    """Whether an execution was started as one."""
    given = json.loads(described.get("input") or "{}")
    return isinstance(given, dict) and "session" in given


def _why_not_open(stack: Stack, arn: str) -> str:
    name = arn.rpartition(":")[2]
    try:
        described = describe(stack, arn)
    except Problem:
        return f"{name} is no session that is open"
    if not is_session(described):
        return f"{name} is no session: lustre-batch stop {name} stops it"
    if described["status"] in RUNNING:
        return f"{name} does not take jobs, or not yet: lustre-batch stop {name} ends it all the same"
    return f"the session {name} has ended already: it is {described['status']}"


def _listed(there: Mapping[str, str]) -> str:
    return ", ".join(there.values()) or "none"
