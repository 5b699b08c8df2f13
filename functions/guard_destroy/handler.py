"""Refuses the destruction of a stack that is in use.

Destroying a stack during a run ends the run at its next transition (Step Functions API, DeleteStateMachine) and takes
away what would have cleaned up: its file system would be billed until somebody noticed. Pulumi invokes this function
before it deletes anything else, because everything else is what the invocation depends on; an error keeps the stack.
It only looks; it must never stop or delete anything itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3

STACK_TAG = "lustre-batch:stack"
LISTED = 5  # as many are named; one is enough to know where to look


class StackInUse(Exception):
    """Executions run, or file systems exist; the message names them and says what to do."""


def running(states: Any, state_machine_arns: Sequence[str]) -> list[str]:
    """The ARNs of the executions that run."""
    found: list[str] = []
    for arn in state_machine_arns:
        for page in states.get_paginator("list_executions").paginate(stateMachineArn=arn, statusFilter="RUNNING"):
            found += [execution["executionArn"] for execution in page["executions"]]
    return found


def file_systems(fsx: Any, stack: str) -> list[str]:
    """The ids of the file systems that the stack's runs created, except those that are on their way out."""
    found: list[str] = []
    for page in fsx.get_paginator("describe_file_systems").paginate():
        for file_system in page["FileSystems"]:
            tags = {tag["Key"]: tag["Value"] for tag in file_system.get("Tags", [])}
            if tags.get(STACK_TAG) == stack and file_system["Lifecycle"] != "DELETING":
                found.append(file_system["FileSystemId"])
    return found


def names(ids: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(ids) - LISTED
    return ", ".join(ids[:LISTED]) + (f" and {more} more" if more > 0 else "")


def refuse(executions: Sequence[str], ids: Sequence[str]) -> None:
    """Raise `StackInUse` if there is anything; say nothing otherwise.

    While an execution runs, only the executions are named: a file system of theirs is not to be reclaimed, and most
    are gone when the executions are over.
    """
    if executions:
        raise StackInUse(
            f"The stack cannot be destroyed while executions are running ({names(executions)}): wait until they are "
            "over, or stop them and wait for the clean-up, then destroy the stack again."
        )
    if ids:
        raise StackInUse(
            f"The stack cannot be destroyed while file systems of its runs exist ({names(ids)}): start its state "
            f'machine with {{"reclaim": "{ids[0]}"}} for each of them, or delete them yourself, and with them whatever '
            "is not in S3, then destroy the stack again."
        )


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer that the stack may go, or raise.

    Parameters
    ----------
    event
        `stateMachineArns` (list of str), `stack` (str), and `tf.action`, which the provider adds: ``create``,
        ``update`` or ``delete`` (aws_lambda_invocation, lifecycle_scope CRUD).

    Raises
    ------
    StackInUse
        On ``delete``, while an execution runs or a file system of the stack exists.
    """
    if event.get("tf", {}).get("action") == "delete":
        refuse(
            running(boto3.client("stepfunctions"), event["stateMachineArns"]),
            file_systems(boto3.client("fsx"), event["stack"]),
        )
    return {"stack": event["stack"]}
