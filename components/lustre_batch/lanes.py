"""The table by which runs share the stack: who holds which lane and which prefix, and who waits.

One item (kind ``lanes``) lists the holders: the run's ARN, its lane (0 once that was given back), the prefix of its
results, when it took them, and, once the lane was given back, until when anything was written to its file system (ms;
0: never; -1: it is held, -2: by a run that began before there was this table), because from then on the jobs in the
queue are another run's. A reclaim adds its run once more, without a lane, for as long as it exports what was kept.
Every write is conditional on the version that was read, so that a lane is never given to two. Each run that waits has a
ticket (kind ``ticket``); an index has them in the order of the runs' starts, and is read consistently, as only a local
one can be (DynamoDB guide, read consistency). A session that is open has an item, too (kind ``session``): the run, its
lane, queue, file system, prefix, and the path that instances mount it at; an attribute ``end``, whatever it says, tells
it to end. Names of launch templates can do none of this: EC2 promises nothing about them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import pulumi
import pulumi_aws as aws

from .compute import Lane
from .functions import create_function
from .owner import Owner

IN_ORDER = "in-order"
T = TypeVar("T")


@dataclass(frozen=True)
class Lanes:
    """What runs and clean-ups have to know of the lanes: known as soon as those are open, and no others."""

    table_arn: pulumi.Output[str]
    table_name: pulumi.Output[str]
    compute_environment_arns: pulumi.Output[list[str]]
    job_queue_arns: pulumi.Output[list[str]]


def create_lanes_table(owner: Owner) -> aws.dynamodb.Table:
    """Create the table; billed per request, it costs nothing while no run starts, waits or ends."""
    key = owner.settings.kms_key_arn or None
    return aws.dynamodb.Table(
        owner.named("lanes"),
        billing_mode="PAY_PER_REQUEST",
        hash_key="kind",
        range_key="id",
        attributes=[{"name": name, "type": "S"} for name in ("kind", "id", "since")],
        local_secondary_indexes=[{"name": IN_ORDER, "range_key": "since", "projection_type": "ALL"}],
        # Always said: left out, the provider would keep a key that is no longer wanted (aws_dynamodb_table, computed).
        server_side_encryption={"enabled": bool(key), "kms_key_arn": key},
        tags=owner.tags(),
        opts=owner.child(),
    )


def open_lanes(
    owner: Owner, table: aws.dynamodb.Table, lanes: Sequence[Lane], state_machine_arn: pulumi.Output[str]
) -> Lanes:
    """Open these lanes, and close those that are to be taken down, unless a run holds one of them.

    The state machines and their roles depend on the invocation: where it fails, a run and its clean-up still have every
    lane that they know. Pulumi deletes what is no longer wanted last.
    """
    function = create_function(
        owner,
        "guard-lanes",
        "guard_lanes",
        description="Opens the lanes of a stack; keeps one from being taken down while a run holds it",
        policy="guard_lanes",
        # DynamoDB asks for the table's key on behalf of whoever calls it (KMS guide, DynamoDB).
        with_key=True,
        values={"LanesTableArn": table.arn, "RunMachineArn": state_machine_arn},
    )
    environments = [lane.compute_environment_arn for lane in lanes]
    opened = aws.lambda_.Invocation(
        owner.named("guard-lanes"),
        function_name=function.name,
        lifecycle_scope="CRUD",  # invoked when it is created, changed and deleted (aws_lambda_invocation)
        input=pulumi.Output.json_dumps(
            {
                "table": table.name,
                "lanes": len(lanes),
                "environments": environments,
                "stateMachineArn": state_machine_arn,
            }
        ),
        opts=owner.child(depends_on=[lane.queue for lane in lanes]),
    )

    def once_open(value: pulumi.Output[T]) -> pulumi.Output[T]:
        return pulumi.Output.all(value, opened.urn).apply(lambda known: cast(T, known[0]))

    return Lanes(
        table_arn=once_open(table.arn),
        table_name=once_open(table.name),
        compute_environment_arns=once_open(pulumi.Output.all(*environments)),
        job_queue_arns=once_open(pulumi.Output.all(*(lane.job_queue_arn for lane in lanes))),
    )
