"""The table by which runs share the stack: who holds which lane and which prefix, and who waits.

One item (kind ``lanes``) lists the holders: the run's ARN, its lane (0 once that was given back), the prefix of its
results, and when it took them. Every write is conditional on the version that was read, so that a lane is never given
to two. Each run that waits has a ticket (kind ``ticket``); an index has them in the order of the runs' starts, and is
read consistently, as only a local one can be (DynamoDB guide, read consistency). Neither holds for names of launch
templates, which EC2 promises nothing about.
"""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from .compute import Lane
from .functions import create_function
from .owner import Owner

IN_ORDER = "in-order"


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


def guard_lanes(owner: Owner, table: aws.dynamodb.Table, lanes: Sequence[Lane]) -> None:
    """Let a lane that is no longer wanted go only when no run holds it: all but the first, which always stays.

    An invocation that depends on the lane is deleted before it (see destruction.py).
    """
    function = create_function(
        owner,
        "guard-lane",
        "guard_lane",
        description="Keeps a lane from being taken down while a run holds it",
        policy="policies/guard_lane.json",
        values={"LanesTableArn": table.arn},
    )
    for number, lane in enumerate(lanes[1:], start=2):
        aws.lambda_.Invocation(
            owner.named(f"guard-lane-{number}"),
            function_name=function.name,
            lifecycle_scope="CRUD",
            input=pulumi.Output.json_dumps({"table": table.name, "lane": number}),
            opts=owner.child(depends_on=lane.resources),
        )
