"""The network: the VPC that is created, or the one that is adopted, and who may talk Lustre in it.

The file system lives in a private subnet; instances do so beside it, behind a NAT gateway, or in public subnets with
addresses of their own. Nothing here may open a port to the internet, and an adopted network is used as it is.
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from .owner import Owner
from .policy_room import bucket_arns, no_room_in_the_endpoint
from .templates import read_data, render, render_output
from .zones import choose_zones

# FSx guide, "File system access control with Amazon VPC": between clients and servers and among clients, both ways.
LUSTRE_PORTS = ((988, 988), (1018, 1023))


@dataclass(frozen=True)
class Network:
    """Where the rest of the component goes."""

    vpc_id: pulumi.Input[str]
    file_system_subnet_id: pulumi.Input[str]
    compute_subnet_ids: Sequence[pulumi.Input[str]] | pulumi.Output[Sequence[str]]
    security_group_ids: Sequence[pulumi.Input[str]] | pulumi.Output[Sequence[str]]
    ready: Sequence[pulumi.Resource]  # what instances need before they can reach ECS, ECR and S3


def create_network(owner: Owner, bucket_arn: pulumi.Output[str]) -> Network:
    """Create the network, from which S3 is reached as far as this bucket, or wrap the one that the settings name."""
    settings = owner.settings
    if not settings.vpc_id:
        return _create_vpc(owner, bucket_arn)
    subnet_ids = pulumi.Output.from_input(settings.subnet_ids)
    return Network(
        vpc_id=settings.vpc_id,
        file_system_subnet_id=subnet_ids.apply(lambda ids: ids[0]),
        compute_subnet_ids=subnet_ids if settings.spread_across_zones else subnet_ids.apply(lambda ids: ids[:1]),
        security_group_ids=settings.security_group_ids or [_create_security_group(owner, settings.vpc_id).id],
        ready=[],
    )


def subnet_ranges(vpc_range: str) -> list[str]:
    """Four equal parts of a range: a public one for each zone, then a private one for each."""
    return [str(part) for part in ipaddress.IPv4Network(vpc_range).subnets(prefixlen_diff=2)]


def _create_vpc(owner: Owner, bucket_arn: pulumi.Output[str]) -> Network:
    settings = owner.settings
    named = settings.availability_zone_ids
    zone_tags = {"AvailabilityZoneIds": " ".join(named)} if named else {}
    vpc = aws.ec2.Vpc(
        owner.named("vpc"),
        cidr_block=settings.vpc_cidr,
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=owner.tags("vpc").apply(lambda tags: tags | zone_tags),
        # Subnets cannot move. Other zones mean another network, whose ranges must not meet those of the old one.
        opts=owner.child(replace_on_changes=["tags.AvailabilityZoneIds"]),
    )
    # What comes into being in the VPC without being asked for lets nothing in or out (FSBP, EC2.2).
    aws.ec2.DefaultSecurityGroup(owner.named("unused"), vpc_id=vpc.id, tags=owner.tags("unused"), opts=owner.child())
    if settings.vpc_flow_logs:
        _create_flow_log(owner, vpc)
    zones = choose_zones(owner)
    ranges = subnet_ranges(settings.vpc_cidr)
    public_egress = settings.egress == "public"

    def subnet(kind: str, number: int, cidr: str) -> aws.ec2.Subnet:
        part = f"{kind}-{number + 1}"
        return aws.ec2.Subnet(
            owner.named(part),
            vpc_id=vpc.id,
            cidr_block=cidr,
            availability_zone_id=zones[number],
            # Batch's instances take what their subnet says (Batch guide, compute environments).
            map_public_ip_on_launch=(public_egress and kind == "public") or None,
            tags=owner.tags(part),
            # Which zone comes first may change with the account; a subnet that is in use must not move for it. A stack
            # of 0.1.0 has the zone's name.
            opts=owner.child(ignore_changes=None if named else ["availabilityZone", "availabilityZoneId"]),
        )

    public = [subnet("public", number, ranges[number]) for number in range(len(zones))]
    private = [subnet("private", number, ranges[len(ranges) // 2 + number]) for number in range(len(zones))]

    gateway = aws.ec2.InternetGateway(
        owner.named("internet"),
        vpc_id=vpc.id,
        tags=owner.tags("internet"),
        # It cannot leave a network that still has public addresses (EC2 API, DetachInternetGateway).
        opts=owner.child(replace_on_changes=["vpcId"]),
    )
    tables = [_route_table(owner, vpc, "public", public), _route_table(owner, vpc, "private", private)]
    ways_out = [_route(owner, "public", tables[0], gateway_id=gateway.id)]
    if not public_egress:
        nat = _create_nat_gateway(owner, public[0], gateway)
        ways_out.append(_route(owner, "private", tables[1], nat_gateway_id=nat.id))
    endpoint = aws.ec2.VpcEndpoint(
        owner.named("s3"),
        vpc_id=vpc.id,
        # A gateway endpoint costs nothing, and what goes through it is not billed by the NAT gateway (VPC guide).
        service_name=pulumi.Output.concat("com.amazonaws.", owner.surroundings.region, ".s3"),
        vpc_endpoint_type="Gateway",
        route_table_ids=[table.id for table in tables],
        policy=_endpoint_policy(owner, bucket_arn),
        tags=owner.tags("s3"),
        opts=owner.child(),
    )
    instances = public if public_egress else private
    return Network(
        vpc_id=vpc.id,
        file_system_subnet_id=private[0].id,
        compute_subnet_ids=[subnet.id for subnet in instances[: None if settings.spread_across_zones else 1]],
        security_group_ids=[_create_security_group(owner, vpc.id).id],
        ready=[*ways_out, endpoint],
    )


def _create_nat_gateway(owner: Owner, subnet: aws.ec2.Subnet, gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
    address = aws.ec2.Eip(owner.named("nat"), domain="vpc", tags=owner.tags("nat"), opts=owner.child())
    return aws.ec2.NatGateway(
        owner.named("nat"),
        allocation_id=address.allocation_id,
        subnet_id=subnet.id,
        tags=owner.tags("nat"),
        # The address serves one gateway at a time.
        opts=owner.child(depends_on=[gateway], delete_before_replace=True),
    )


def _route_table(owner: Owner, vpc: aws.ec2.Vpc, kind: str, subnets: Sequence[aws.ec2.Subnet]) -> aws.ec2.RouteTable:
    table = aws.ec2.RouteTable(owner.named(kind), vpc_id=vpc.id, tags=owner.tags(kind), opts=owner.child())
    for number, subnet in enumerate(subnets, start=1):
        aws.ec2.RouteTableAssociation(
            owner.named(f"{kind}-{number}"), route_table_id=table.id, subnet_id=subnet.id, opts=owner.child()
        )
    return table


def _route(owner: Owner, kind: str, table: aws.ec2.RouteTable, **target: pulumi.Input[str]) -> aws.ec2.Route:
    return aws.ec2.Route(
        owner.named(kind),
        route_table_id=table.id,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=target.get("gateway_id"),
        nat_gateway_id=target.get("nat_gateway_id"),
        opts=owner.child(),
    )


def _endpoint_policy(owner: Owner, bucket_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """What S3 is good for from this network: images, packages, the linked bucket, and the buckets that the user names.

    FSx reaches the bucket by a way of its own, so no run depends on the last two; jobs with credentials may.
    """

    def fill(known: list[Any]) -> str:
        region, partition, linked, named = known
        document = json.loads(
            render(read_data("policies/s3_endpoint.json"), {"Region": region, "Partition": partition})
        )
        document["Statement"].append(
            {
                "Sid": "UseBucketsOfJobs",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [linked, f"{linked}/*", *bucket_arns(partition, named)],
            }
        )
        return json.dumps(document)

    here = owner.surroundings
    buckets = owner.judged(pulumi.Output.from_input(owner.settings.reachable_buckets), no_room_in_the_endpoint)
    return pulumi.Output.all(here.region, here.partition, bucket_arn, buckets).apply(fill)


def _create_flow_log(owner: Owner, vpc: aws.ec2.Vpc) -> None:
    """All traffic, to a log group of the stack. VPC guide, "IAM role for publishing flow logs to CloudWatch Logs";
    the right to create groups is left out: the group exists, and must not come back once it is deleted."""
    group = owner.log_group("flow-logs", "/aws/vpc")
    role, may = owner.role(
        "flow-logs", "vpc-flow-logs", render_output(read_data("policies/flow_logs.json"), {"LogGroupArn": group.arn})
    )
    aws.ec2.FlowLog(
        owner.named("flow-logs"),
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        tags=owner.tags("flow-logs"),
        opts=owner.child(depends_on=[may]),
    )


def _create_security_group(owner: Owner, vpc_id: pulumi.Input[str]) -> aws.ec2.SecurityGroup:
    """One group for file system and instances: Lustre among its members, and a way out for the instances."""
    group = aws.ec2.SecurityGroup(
        owner.named("lustre"),
        vpc_id=vpc_id,
        description="Lustre between the file system and the instances that mount it",
        tags=owner.tags("lustre"),
        opts=owner.child(),
    )
    for first, last in LUSTRE_PORTS:
        aws.vpc.SecurityGroupIngressRule(
            owner.named(f"lustre-{first}"),
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="tcp",
            from_port=first,
            to_port=last,
            description="Lustre among members",
            tags=owner.tags(f"lustre-{first}"),
            opts=owner.child(),
        )
    aws.vpc.SecurityGroupEgressRule(
        owner.named("outbound"),
        security_group_id=group.id,
        ip_protocol="-1",
        cidr_ipv4="0.0.0.0/0",
        description="Lustre among members, and ECS, ECR and S3 for the instances",
        tags=owner.tags("outbound"),
        opts=owner.child(),
    )
    return group
