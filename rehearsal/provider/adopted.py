"""What a stack adopts instead of creating it: made in the account before the program runs, under the very names and ids
that the stack's configuration has. Owns what stands in for each; an embedded account knows nothing of the real one, so
whatever is not said is as the stack needs it: security groups are open for Lustre, a permissions boundary of the
user's own allows everything. It must never judge a value: what has not the form of a name
is left for the program to refuse."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ParamValidationError

from .configuration import Configuration
from .deployment import ConfigurationError
from .table import Aws
from .table.s3 import create_bucket

VPC_RANGE = "10.0.0.0/16"
# FSx guide, "File system access control with Amazon VPC".
LUSTRE_PORTS = ((988, 988), (1018, 1023))
ARN = re.compile(r"arn:(?P<partition>[\w-]+):(?P<service>\w+):(?P<region>[\w-]*):(?P<account>\w*):(?P<resource>.+)")
# ECR guide, "Amazon ECR private registries".
ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com(?:\.cn)?/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:\w+))?"
)
ALLOWS_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"})


def adopt(aws: Aws, settings: Configuration) -> None:
    """Make what the stack adopts and the account does not have yet.

    Raises
    ------
    ConfigurationError
        When it cannot be in this region.
    """
    _adopt_bucket(aws, settings.parameter("bucketName"))
    for name in settings.parameter("inputBuckets") or ():
        _adopt_bucket(aws, name)
    _adopt_network(
        aws, settings.parameter("vpcId"), settings.parameter("subnetIds"), settings.parameter("securityGroupIds")
    )
    _adopt_key(aws, settings.parameter("kmsKeyArn"))
    _adopt_boundary(aws, settings.parameter("permissionsBoundaryArn"))
    _adopt_image(aws, settings.parameter("jobDefinitionContainerImage"))


def _backend(service: Any, account_id: str, place: str) -> Any:
    """moto's own state of that service: what has an id or an account of its own is made there."""
    from moto.backends import get_backend

    return get_backend(service)[account_id][place]


def _adopt_bucket(aws: Aws, name: Any) -> None:
    """FSx guide, linking: a bucket in the file system's region."""
    if not name or name in _backend("s3", aws.account_id, aws.partition).buckets:
        return
    with contextlib.suppress(ClientError, ParamValidationError):  # no name that S3 takes
        create_bucket(aws, name)


def _adopt_network(aws: Aws, vpc_id: Any, subnet_ids: Any, group_ids: Any) -> None:
    """A VPC with one subnet in each Availability Zone in turn, and groups whose members may talk Lustre."""
    if not _has_form("vpc", vpc_id):
        return
    ec2, there = aws.client("ec2"), _backend("ec2", aws.account_id, aws.region)
    if vpc_id not in there.vpcs:
        with _named("vpcs.random_vpc_id", vpc_id):
            ec2.create_vpc(CidrBlock=VPC_RANGE)
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    known = {identity for subnets in there.subnets.values() for identity in subnets}
    for number, subnet_id in enumerate(_those_with_form("subnet", subnet_ids)):
        if subnet_id not in known:
            with _named("subnets.random_subnet_id", subnet_id):
                ec2.create_subnet(
                    VpcId=vpc_id, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zones[number % len(zones)]
                )
    for group_id in _those_with_form("sg", group_ids):
        if group_id not in there.groups.get(vpc_id, {}):
            with _named("security_groups.random_security_group_id", group_id):
                ec2.create_security_group(GroupName=group_id, Description="adopted", VpcId=vpc_id)
            among = {"UserIdGroupPairs": [{"GroupId": group_id}]}
            rules = [{"IpProtocol": "tcp", "FromPort": first, "ToPort": last, **among} for first, last in LUSTRE_PORTS]
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rules)


def _has_form(kind: str, identity: Any) -> bool:
    return isinstance(identity, str) and re.fullmatch(rf"{kind}-[0-9a-f]+", identity) is not None


def _those_with_form(kind: str, identities: Any) -> Iterator[str]:
    """EC2 guide, resource ids: the kind, and 8 or 17 hexadecimal digits."""
    return (one for one in dict.fromkeys(identities or ()) if _has_form(kind, one))


def _named(source: str, identity: str) -> Any:
    """Let the next resource that moto makes have this id."""
    return mock.patch(f"moto.ec2.models.{source}", return_value=identity)


def _adopt_key(aws: Aws, arn: Any) -> None:
    """A key with the policy that KMS gives one without a policy of its own (KMS guide, default key policy)."""
    parts = ARN.fullmatch(arn) if isinstance(arn, str) else None
    if parts is None or not parts["resource"].startswith("key/"):
        return
    if (parts["partition"], parts["region"]) != (aws.partition, aws.region):
        # KMS guide, "Multi-Region keys": AWS services use a key of their own region only.
        raise ConfigurationError(f"kmsKeyArn: {arn}: the key is not in the stack's region, {aws.region}")
    there = _backend("kms", aws.account_id, aws.region)
    identity = parts["resource"].removeprefix("key/")
    if identity not in there.keys:
        key = there.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "adopted", None)
        del there.keys[key.id]
        key.id, key.arn, key.account_id = identity, arn, parts["account"]
        there.keys[identity] = key


def _adopt_boundary(aws: Aws, arn: Any) -> None:
    """A policy of the user's own; AWS's are there already."""
    parts = ARN.fullmatch(arn) if isinstance(arn, str) else None
    if parts is None or not parts["resource"].startswith("policy/"):
        return
    if parts["partition"] != aws.partition:
        raise ConfigurationError(f"permissionsBoundaryArn: {arn}: the stack is in the partition {aws.partition}")
    there = _backend("iam", aws.account_id, aws.partition)
    if arn in there.managed_policies:
        return
    if parts["account"] == "aws":
        raise ConfigurationError(
            f"permissionsBoundaryArn: {arn}: AWS has no such policy, as far as the rehearsal knows"
        )
    path, _, name = parts["resource"].removeprefix("policy").rpartition("/")
    policy = there.create_policy("adopted", f"{path}/", ALLOWS_ALL, name, [])
    del there.managed_policies[policy.arn]
    policy.account_id = parts["account"]
    there.managed_policies[arn] = policy


def _adopt_image(aws: Aws, name: Any) -> None:
    """An image in ECR, in whatever account and region it is; other registries are not AWS's."""
    parts = ECR_IMAGE.fullmatch(name) if isinstance(name, str) else None
    if parts is None:
        return
    there = _backend("ecr", parts["account"], parts["region"])
    if parts["repository"] not in there.repositories:
        there.create_repository(parts["repository"], None, None, None, "MUTABLE", [])
    if not there.repositories[parts["repository"]].images:
        tag = parts["tag"] or "latest"
        there.put_image(parts["repository"], MANIFEST, tag, None, parts["digest"])
