"""Opens the lanes that a deployment has, and closes those that it takes down, unless a run holds one of them.

Pulumi invokes this function when `maxConcurrentRuns` has changed, before it changes anything that a run or a clean-up
goes by: an error leaves the stack as it was. A run that already waits goes by the number that it began with, so how
many are open is written to the table from which runs take lanes, by a write that is conditional on nobody having taken
one meanwhile.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import boto3

KEY = {"kind": {"S": "lanes"}, "id": {"S": "lanes"}}
TRIES = 10
EXECUTION_TAG = "lustre-batch:execution"
LANE_TAG = "lustre-batch:lane"
# What execution names may have and tags may not, the sign of the code itself first.
ENCODED = {"=": "=3D", "!": "=21", "'": "=27", "(": "=28", ")": "=29"}


class LaneInUse(Exception):
    """A run holds a lane; the message names both and says what to do."""


def holders(item: dict[str, Any], more_than: int) -> dict[int, str]:
    """The ARNs of the runs that hold a lane above that number, by their lanes."""
    entries = [entry["M"] for entry in item.get("holders", {}).get("L", [])]
    return {int(one["lane"]["N"]): str(one["run"]["S"]) for one in entries if int(one["lane"]["N"]) > more_than}


def open_lanes(dynamodb: Any, table: str, lanes: int, earlier: Callable[[], list[dict[str, Any]]]) -> None:
    """Write that the first so many lanes are open, and no others; into a table that is new, who has the first as well.

    Raises
    ------
    LaneInUse
        When a run holds one of the others, or runs write to the table all the time.
    """
    for _ in range(TRIES):
        item = dynamodb.get_item(TableName=table, Key=KEY, ConsistentRead=True).get("Item")
        if held := holders(item or {}, lanes):
            raise LaneInUse(
                "maxConcurrentRuns cannot be lowered yet: "
                + ", ".join(f"lane {lane} is held by {run}" for lane, run in sorted(held.items()))
                + ". Nothing was taken down; deploy again when that is over and was cleaned up."
            )
        version = int(item["version"]["N"]) if item else 0
        # `open` is a reserved word (DynamoDB guide, reserved words).
        write: dict[str, Any] = {"#open": {"N": str(lanes)}, "version": {"N": str(version + 1)}}
        write |= {} if item else {"holders": {"L": earlier()}}
        try:
            dynamodb.update_item(
                TableName=table,
                Key=KEY,
                UpdateExpression="SET " + ", ".join(f"{name} = :{name.strip('#')}" for name in write),
                ExpressionAttributeNames={"#open": "open"},
                ConditionExpression="version = :read" if item else "attribute_not_exists(version)",
                ExpressionAttributeValues={f":{name.strip('#')}": value for name, value in write.items()}
                | ({":read": {"N": str(version)}} if item else {}),
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            continue
        return
    raise LaneInUse(
        "Which lanes are open could not be written: runs take and give them back all the time. Deploy again."
    )


def started_before(clients: Any, machine: str, environment: str) -> list[dict[str, Any]]:
    """Holders of lanes, when there was no table yet: the runs that are alive, and the one whose launch template the
    environment still names.

    Each has the lane that its file system names, if there was a table before and somebody deleted it, and else the
    first. The prefix of their results is not known; an empty one overlaps with every other."""
    runs = _running(clients("stepfunctions"), machine)
    (answer,) = clients("batch").describe_compute_environments(computeEnvironments=[environment])["computeEnvironments"]
    template = answer.get("computeResources", {}).get("launchTemplate", {}).get("launchTemplateId")
    if template:
        pages = (
            clients("ec2")
            .get_paginator("describe_launch_templates")
            .paginate(Filters=[{"Name": "tag-key", "Values": [EXECUTION_TAG]}])
        )
        for one in [one for page in pages for one in page["LaunchTemplates"] if one["LaunchTemplateId"] == template]:
            runs += [decoded(tag["Value"]) for tag in one["Tags"] if tag["Key"] == EXECUTION_TAG]
    lanes = _lanes_of(clients("fsx"), [encoded(run) for run in runs])
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        {
            "M": {
                "run": {"S": run},
                "tag": {"S": encoded(run)},
                "lane": {"N": lanes.get(encoded(run), "1")},
                "prefix": {"S": ""},
                "takenAt": {"S": now},
            }
            | ({"writtenUntil": {"N": "-1"}} if encoded(run) in lanes else {})
        }
        for run in dict.fromkeys(runs)
    ]


def _running(states: Any, machine: str) -> list[str]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
    try:
        return [execution["executionArn"] for page in pages for execution in page["executions"]]
    except states.exceptions.StateMachineDoesNotExist:
        return []  # the stack is new


def _lanes_of(fsx: Any, tags: list[str]) -> dict[str, str]:
    """The lanes that file systems of these runs name, by the tag of each run."""
    if not tags:
        return {}
    found = {}
    for page in fsx.get_paginator("describe_file_systems").paginate():
        for system in page["FileSystems"]:
            named = {tag["Key"]: tag["Value"] for tag in system.get("Tags", [])}
            if named.get(EXECUTION_TAG) in tags and LANE_TAG in named:
                found[named[EXECUTION_TAG]] = named[LANE_TAG]
    return found


def encoded(arn: str) -> str:
    """An ARN as the value of a tag, as the workflow writes it (execution-tag, in shared.yaml)."""
    for sign, code in ENCODED.items():
        arn = arn.replace(sign, code)
    return arn


def decoded(tag: str) -> str:
    """The ARN of a tag's value."""
    for sign, code in reversed(ENCODED.items()):
        tag = tag.replace(code, sign)
    return tag


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Open and close lanes, or raise.

    Parameters
    ----------
    event
        `table` (str), `lanes` (int), `environments` (list of str), `stateMachineArn` (str), and `tf.action`, which the
        provider adds: ``create``, ``update`` or ``delete`` (aws_lambda_invocation, lifecycle_scope CRUD).

    Raises
    ------
    LaneInUse
        On ``create`` and ``update``, when a run holds a lane that would be closed.
    """
    if event.get("tf", {}).get("action") in ("create", "update"):
        open_lanes(
            boto3.client("dynamodb"),
            event["table"],
            event["lanes"],
            lambda: started_before(boto3.client, event["stateMachineArn"], event["environments"][0]),
        )
    return {"lanes": event["lanes"]}
