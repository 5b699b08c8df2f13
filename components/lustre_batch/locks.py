"""The table of locks: who uses the compute environment. A conditional write decides, and reads are consistent; neither
holds for names of launch templates, which EC2 promises nothing about."""

import pulumi_aws as aws

from .owner import Owner


def create_locks(owner: Owner) -> aws.dynamodb.Table:
    """Create the table; billed per request, it costs nothing while no run starts or ends."""
    return aws.dynamodb.Table(
        owner.named("locks"),
        billing_mode="PAY_PER_REQUEST",
        hash_key="id",
        attributes=[{"name": "id", "type": "S"}],
        server_side_encryption=(
            {"enabled": True, "kms_key_arn": owner.settings.kms_key_arn} if owner.settings.kms_key_arn else None
        ),
        tags=owner.tags(),
        opts=owner.child(),
    )
