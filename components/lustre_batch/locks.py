"""The table of locks: who uses the compute environment. A conditional write decides, and reads are consistent; neither
holds for names of launch templates, which EC2 promises nothing about."""

import pulumi_aws as aws

from .owner import Owner


def create_locks(owner: Owner) -> aws.dynamodb.Table:
    """Create the table; billed per request, it costs nothing while no run starts or ends."""
    key = owner.settings.kms_key_arn or None
    return aws.dynamodb.Table(
        owner.named("locks"),
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
        attributes=[{"name": "id", "type": "S"}],
        # Always said: left out, the provider would keep a key that is no longer wanted (aws_dynamodb_table, computed).
        server_side_encryption={"enabled": bool(key), "kms_key_arn": key},
        tags=owner.tags(),
        opts=owner.child(),
    )
