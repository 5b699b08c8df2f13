"""The network: a VPC over two Availability Zones, or the one that is adopted, and who may talk Lustre in it.

Instances and file system live in private subnets. Nothing here may open a port to the internet, and an adopted
network is used as it is.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .owner import Owner

# FSx guide, "File system access control with Amazon VPC": between clients and servers and among clients, both ways.
LUSTRE_PORTS = ((988, 988), (1018, 1023))
ZONES = 2


@dataclass(frozen=True)
class Network:
    """Where the rest of the component goes."""

    vpc_id: pulumi.Input[str]
    file_system_subnet_id: pulumi.Input[str]
    compute_subnet_ids: Sequence[pulumi.Input[str]] | pulumi.Output[Sequence[str]]
    security_group_ids: Sequence[pulumi.Input[str]] | pulumi.Output[Sequence[str]]
    ready: Sequence[pulumi.Resource]  # what instances need before they can reach ECS, ECR and S3


def create_network(owner: Owner) -> Network:
    """Create the network, or wrap the one that the settings name."""
    settings = owner.settings
    if not settings.vpc_id:
        return _create_vpc(owner)
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


def _create_vpc(owner: Owner) -> Network:
    vpc = aws.ec2.Vpc(
        owner.named("vpc"),
        cidr_block=owner.settings.vpc_cidr,
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=owner.tags("vpc"),
        opts=owner.child(),
    )
    # Local Zones and the like have no FSx: only zones that need no opting in.
    zones = aws.get_availability_zones_output(
        state="available",
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        opts=pulumi.InvokeOptions(parent=owner.component),
    ).names
    ranges = subnet_ranges(owner.settings.vpc_cidr)

    def subnet(kind: str, number: int, cidr: str) -> aws.ec2.Subnet:
        part = f"{kind}-{number + 1}"
        return aws.ec2.Subnet(
            owner.named(part),
            vpc_id=vpc.id,
            cidr_block=cidr,
            availability_zone=zones.apply(lambda names: names[number]),
            tags=owner.tags(part),
            # Which zone comes first may change with the account; a subnet that is in use must not move for it.
            opts=owner.child(ignore_changes=["availabilityZone"]),
        )

    public = [subnet("public", number, ranges[number]) for number in range(ZONES)]
    private = [subnet("private", number, ranges[ZONES + number]) for number in range(ZONES)]

    gateway = aws.ec2.InternetGateway(
        owner.named("internet"),
        vpc_id=vpc.id,
        tags=owner.tags("internet"),
        # It cannot leave a network that still has public addresses (EC2 API, DetachInternetGateway).
        opts=owner.child(replace_on_changes=["vpcId"]),
    )
    address = aws.ec2.Eip(owner.named("nat"), domain="vpc", tags=owner.tags("nat"), opts=owner.child())
    nat = aws.ec2.NatGateway(
        owner.named("nat"),
        allocation_id=address.allocation_id,
        subnet_id=public[0].id,
        tags=owner.tags("nat"),
        # The address serves one gateway at a time.
        opts=owner.child(depends_on=[gateway], delete_before_replace=True),
    )
    public_table, public_route = _route_table(owner, vpc, "public", public, gateway_id=gateway.id)
    private_table, private_route = _route_table(owner, vpc, "private", private, nat_gateway_id=nat.id)
    # A gateway endpoint costs nothing, and what goes through it is not billed by the NAT gateway (VPC guide).
    endpoint = aws.ec2.VpcEndpoint(
        owner.named("s3"),
        vpc_id=vpc.id,
        service_name=pulumi.Output.concat("com.amazonaws.", owner.surroundings.region, ".s3"),
        vpc_endpoint_type="Gateway",
        route_table_ids=[public_table.id, private_table.id],
        tags=owner.tags("s3"),
        opts=owner.child(),
    )
    return Network(
        vpc_id=vpc.id,
        file_system_subnet_id=private[0].id,
        compute_subnet_ids=[subnet.id for subnet in private[: ZONES if owner.settings.spread_across_zones else 1]],
        security_group_ids=[_create_security_group(owner, vpc.id).id],
        ready=[public_route, private_route, endpoint],
    )


def _route_table(
    owner: Owner, vpc: aws.ec2.Vpc, kind: str, subnets: Sequence[aws.ec2.Subnet], **target: pulumi.Input[str]
) -> tuple[aws.ec2.RouteTable, aws.ec2.Route]:
    table = aws.ec2.RouteTable(owner.named(kind), vpc_id=vpc.id, tags=owner.tags(kind), opts=owner.child())
    route = aws.ec2.Route(
        owner.named(kind),
        route_table_id=table.id,
        destination_cidr_block="0.0.0.0/0",
        gateway_id=target.get("gateway_id"),
        nat_gateway_id=target.get("nat_gateway_id"),
        opts=owner.child(),
    )
    for number, subnet in enumerate(subnets, start=1):
        aws.ec2.RouteTableAssociation(
            owner.named(f"{kind}-{number}"), route_table_id=table.id, subnet_id=subnet.id, opts=owner.child()
        )
    return table, route


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
