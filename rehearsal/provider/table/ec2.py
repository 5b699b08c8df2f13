"""What the rows for EC2 share: tags, ARNs, and what still uses a subnet or a security group."""

from __future__ import annotations

from typing import Any

from .kind import Aws, Props, Update
from .tags import tag_list


def tagged(resource_type: str, inputs: Props) -> dict[str, Any]:
    tags = tag_list(inputs.get("tagsAll"))
    return {"TagSpecifications": [{"ResourceType": resource_type, "Tags": tags}]} if tags else {}


def retag(aws: Aws, identity: str, new: Props, old: Props) -> None:
    """EC2 tags any of its resources by id, several in one call."""
    wanted, present = new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [{"Key": key} for key in present if key not in wanted]:
        aws.client("ec2").delete_tags(Resources=[identity], Tags=surplus)
    if wanted:
        aws.client("ec2").create_tags(Resources=[identity], Tags=tag_list(wanted))


def ec2_arn(aws: Aws, kind: str, identity: str) -> str:
    return f"arn:{aws.partition}:ec2:{aws.region}:{aws.account_id}:{kind}/{identity}"


def users_of(aws: Aws, property_name: str, identity: str) -> list[str]:
    """What still uses a subnet or a security group: NAT gateways and compute environments.

    Batch's instances have network interfaces in their environment's subnets and groups for as long as it exists."""
    ec2, users = aws.client("ec2"), []
    if property_name == "subnets":
        gateways = ec2.describe_nat_gateways(Filter=[{"Name": "subnet-id", "Values": [identity]}])["NatGateways"]
        users += [g["NatGatewayId"] for g in gateways if g["State"] != "deleted"]
    for environment in aws.client("batch").describe_compute_environments()["computeEnvironments"]:
        held = (environment.get("computeResources") or {}).get(property_name) or []
        if identity in held and environment["status"] != "DELETED":
            users.append(environment["computeEnvironmentName"])
    return users


TAGS: dict[str, Update] = {"tags": retag}
