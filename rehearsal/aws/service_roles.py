"""Service-linked roles: a service makes its own in the account when it is first used. Owns that they are there from
then on; what whoever uses the service has to be allowed for that is IAM's business."""

from __future__ import annotations

import json

from .context import Context

# FSx guide and Batch guide, using service-linked roles.
FSX = ("fsx.amazonaws.com", "AWSServiceRoleForAmazonFSx")
BATCH = ("batch.amazonaws.com", "AWSServiceRoleForBatch")
# FSx guide, the same: one for each linked file system, whose id the name ends with.
LINK = ("s3.data-source.lustre.fsx.amazonaws.com", "AWSServiceRoleForFSxS3Access_")


def make(context: Context, service: str, name: str) -> None:
    """Make a role, unless it is there."""
    if exists(context, name):
        return
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    context.backend("iam").create_role(
        role_name=name,
        assume_role_policy_document=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        path=f"/aws-service-role/{service}/",
        permissions_boundary=None,
        description="",
        tags=[],
        max_session_duration=None,
        linked_service=service,
    )


def exists(context: Context, name: str) -> bool:
    return any(role.name == name for role in context.backend("iam").roles.values())


def arn(context: Context, service: str, name: str) -> str:
    return f"arn:{context.partition}:iam::{context.account_id}:role/aws-service-role/{service}/{name}"
