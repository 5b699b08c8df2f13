"""Rows of the table for EC2's VPCs, subnets, gateways and addresses. moto deletes what is still in use; a row must
never let it: EC2's DependencyViolation has to reach the caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .ec2 import TAGS, ec2_arn, tagged, users_of
from .kind import Aws, Failure, Kind, Props, ResourceError, Update, given, gone_is_none, pascal
from .tags import tag_map

# --- VPC -------------------------------------------------------------------------------------------------------------


def _set_dns(name: str) -> Update:
    """EC2 changes one attribute of a VPC at a time."""

    def update(aws: Aws, identity: str, new: Props, old: Props) -> None:
        aws.client("ec2").modify_vpc_attribute(VpcId=identity, **pascal({name: {"value": bool(new.get(name))}}))

    return update


_VPC_SETTINGS = {name: _set_dns(name) for name in ("enableDnsSupport", "enableDnsHostnames")}


def _create_vpc(aws: Aws, inputs: Props) -> str:
    vpc = aws.client("ec2").create_vpc(
        CidrBlock=inputs["cidrBlock"],
        InstanceTenancy=inputs.get("instanceTenancy", "default"),
        **tagged("vpc", inputs),
    )["Vpc"]
    return str(vpc["VpcId"])


def _finish_vpc(aws: Aws, identity: str, inputs: Props) -> None:
    for update in _VPC_SETTINGS.values():
        update(aws, identity, inputs, {})


@gone_is_none("InvalidVpcID.NotFound")
def _read_vpc(aws: Aws, identity: str, state: Props) -> Props:
    ec2 = aws.client("ec2")
    vpc = ec2.describe_vpcs(VpcIds=[identity])["Vpcs"][0]

    def attribute(name: str) -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=identity, Attribute=name)
        return bool(answer[name[:1].upper() + name[1:]]["Value"])

    def first(found: list[dict[str, Any]], name: str) -> str | None:
        return found[0][name] if found else None

    inside = {"Name": "vpc-id", "Values": [identity]}
    groups = ec2.describe_security_groups(Filters=[inside, {"Name": "group-name", "Values": ["default"]}])
    tables = ec2.describe_route_tables(Filters=[inside, {"Name": "association.main", "Values": ["true"]}])
    return {
        "arn": ec2_arn(aws, "vpc", identity),
        "cidrBlock": vpc["CidrBlock"],
        "instanceTenancy": vpc["InstanceTenancy"],
        "enableDnsSupport": attribute("enableDnsSupport"),
        "enableDnsHostnames": attribute("enableDnsHostnames"),
        "defaultSecurityGroupId": first(groups["SecurityGroups"], "GroupId"),
        "mainRouteTableId": first(tables["RouteTables"], "RouteTableId"),
        "ownerId": aws.account_id,
        "tagsAll": tag_map(vpc.get("Tags")),
    }


def _delete_vpc(aws: Aws, identity: str, state: Props) -> None:
    ec2 = aws.client("ec2")
    inside = [{"Name": "vpc-id", "Values": [identity]}]
    groups = [g for g in ec2.describe_security_groups(Filters=inside)["SecurityGroups"] if g["GroupName"] != "default"]
    gateways = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [identity]}])
    if groups or gateways["InternetGateways"] or ec2.describe_subnets(Filters=inside)["Subnets"]:
        # EC2 API reference, DeleteVpc: everything in it has to be deleted first.
        raise ResourceError(f"DependencyViolation: The vpc '{identity}' has dependencies and cannot be deleted.")
    ec2.delete_vpc(VpcId=identity)


# --- Subnet ----------------------------------------------------------------------------------------------------------


def _create_subnet(aws: Aws, inputs: Props) -> str:
    subnet = aws.client("ec2").create_subnet(
        VpcId=inputs["vpcId"],
        CidrBlock=inputs["cidrBlock"],
        **given(AvailabilityZone=inputs.get("availabilityZone"), AvailabilityZoneId=inputs.get("availabilityZoneId")),
        **tagged("subnet", inputs),
    )["Subnet"]
    return str(subnet["SubnetId"])


@gone_is_none("InvalidSubnetID.NotFound")
def _read_subnet(aws: Aws, identity: str, state: Props) -> Props:
    subnet = aws.client("ec2").describe_subnets(SubnetIds=[identity])["Subnets"][0]
    return {
        "arn": subnet["SubnetArn"],
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "ownerId": aws.account_id,
        "tagsAll": tag_map(subnet.get("Tags")),
    }


def _map_public_addresses(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("ec2").modify_subnet_attribute(
        SubnetId=identity, MapPublicIpOnLaunch={"Value": bool(new.get("mapPublicIpOnLaunch"))}
    )


def _finish_subnet(aws: Aws, identity: str, inputs: Props) -> None:
    if inputs.get("mapPublicIpOnLaunch"):
        _map_public_addresses(aws, identity, inputs, {})


def _zone_is_named_once(inputs: Props) -> Iterator[Failure]:
    # ec2/vpc_subnet.go, ConflictsWith.
    if inputs.get("availabilityZone") and inputs.get("availabilityZoneId"):
        yield Failure("availabilityZoneId", "conflicts with availabilityZone")


def _delete_subnet(aws: Aws, identity: str, state: Props) -> None:
    if users := users_of(aws, "subnets", identity):
        raise ResourceError(
            f"DependencyViolation: The subnet '{identity}' has dependencies and cannot be deleted. ({', '.join(users)})"
        )
    aws.client("ec2").delete_subnet(SubnetId=identity)


# --- Gateways --------------------------------------------------------------------------------------------------------


def _create_internet_gateway(aws: Aws, inputs: Props) -> str:
    gateway = aws.client("ec2").create_internet_gateway(**tagged("internet-gateway", inputs))["InternetGateway"]
    return str(gateway["InternetGatewayId"])


@gone_is_none("InvalidInternetGatewayID.NotFound")
def _read_internet_gateway(aws: Aws, identity: str, state: Props) -> Props:
    gateway = aws.client("ec2").describe_internet_gateways(InternetGatewayIds=[identity])["InternetGateways"][0]
    return {
        "arn": ec2_arn(aws, "internet-gateway", identity),
        "vpcId": next((attached["VpcId"] for attached in gateway["Attachments"]), None),
        "ownerId": aws.account_id,
        "tagsAll": tag_map(gateway.get("Tags")),
    }


def _detach_internet_gateway(aws: Aws, identity: str, vpc: str) -> None:
    ec2 = aws.client("ec2")
    inside = [{"Name": "vpc-id", "Values": [vpc]}]
    public = [g for g in ec2.describe_nat_gateways(Filter=inside)["NatGateways"] if g["State"] != "deleted"]
    if public:
        # EC2 API reference, DetachInternetGateway: the VPC must hold no mapped public address.
        raise ResourceError(
            f"DependencyViolation: Network {vpc} has some mapped public address(es). Please unmap those before "
            f"detaching the gateway. ({', '.join(g['NatGatewayId'] for g in public)})"
        )
    ec2.detach_internet_gateway(InternetGatewayId=identity, VpcId=vpc)


def _attach_internet_gateway(aws: Aws, identity: str, new: Props, old: Props) -> None:
    ec2 = aws.client("ec2")
    if old.get("vpcId"):
        _detach_internet_gateway(aws, identity, old["vpcId"])
    if new.get("vpcId"):
        ec2.attach_internet_gateway(InternetGatewayId=identity, VpcId=new["vpcId"])


def _delete_internet_gateway(aws: Aws, identity: str, state: Props) -> None:
    current = _read_internet_gateway(aws, identity, state)
    if current and current["vpcId"]:
        _detach_internet_gateway(aws, identity, current["vpcId"])
    aws.client("ec2").delete_internet_gateway(InternetGatewayId=identity)


def _create_eip(aws: Aws, inputs: Props) -> str:
    address = aws.client("ec2").allocate_address(Domain=inputs.get("domain", "vpc"), **tagged("elastic-ip", inputs))
    return str(address["AllocationId"])


@gone_is_none("InvalidAllocationID.NotFound")
def _read_eip(aws: Aws, identity: str, state: Props) -> Props:
    address = aws.client("ec2").describe_addresses(AllocationIds=[identity])["Addresses"][0]
    return {
        "arn": ec2_arn(aws, "elastic-ip", identity),
        "allocationId": identity,
        "domain": address["Domain"],
        "publicIp": address["PublicIp"],
        "tagsAll": tag_map(address.get("Tags")),
    }


def _delete_eip(aws: Aws, identity: str, state: Props) -> None:
    gateways = aws.client("ec2").describe_nat_gateways()["NatGateways"]
    holders = [
        g["NatGatewayId"]
        for g in gateways
        if g["State"] != "deleted" and any(a.get("AllocationId") == identity for a in g["NatGatewayAddresses"])
    ]
    if holders:
        raise ResourceError(f"AuthFailure: {identity} is associated with {', '.join(holders)} and cannot be released")
    aws.client("ec2").release_address(AllocationId=identity)


def _create_nat_gateway(aws: Aws, inputs: Props) -> str:
    return str(
        aws.client("ec2").create_nat_gateway(
            SubnetId=inputs["subnetId"],
            ConnectivityType=inputs.get("connectivityType", "public"),
            **given(AllocationId=inputs.get("allocationId")),
            **tagged("natgateway", inputs),
        )["NatGateway"]["NatGatewayId"]
    )


@gone_is_none("NatGatewayNotFound", "InvalidNatGatewayID.NotFound")
def _read_nat_gateway(aws: Aws, identity: str, state: Props) -> Props | None:
    found = aws.client("ec2").describe_nat_gateways(NatGatewayIds=[identity])["NatGateways"]
    if not found or found[0]["State"] in ("deleted", "deleting"):
        return None
    address = found[0]["NatGatewayAddresses"][0] if found[0]["NatGatewayAddresses"] else {}
    return {
        "subnetId": found[0]["SubnetId"],
        "connectivityType": found[0].get("ConnectivityType", "public"),
        "allocationId": address.get("AllocationId"),
        "publicIp": address.get("PublicIp"),
        "privateIp": address.get("PrivateIp"),
        "tagsAll": tag_map(found[0].get("Tags")),
    }


def _delete_nat_gateway(aws: Aws, identity: str, state: Props) -> None:
    ec2 = aws.client("ec2")
    ec2.delete_nat_gateway(NatGatewayId=identity)
    # VPC guide, NAT gateways: deleting one disassociates its address. moto leaves it associated.
    if state.get("allocationId"):
        for address in ec2.describe_addresses(AllocationIds=[state["allocationId"]])["Addresses"]:
            if address.get("AssociationId"):
                ec2.disassociate_address(AssociationId=address["AssociationId"])


KINDS = (
    Kind(
        "aws:ec2/vpc:Vpc",
        _create_vpc,
        _read_vpc,
        _delete_vpc,
        _finish_vpc,
        update=_VPC_SETTINGS | TAGS,
        computed=frozenset({"cidrBlock"}),
        defaults={"enableDnsSupport": True, "enableDnsHostnames": False, "instanceTenancy": "default"},
    ),
    Kind(
        "aws:ec2/subnet:Subnet",
        _create_subnet,
        _read_subnet,
        _delete_subnet,
        _finish_subnet,
        update={"mapPublicIpOnLaunch": _map_public_addresses} | TAGS,
        computed=frozenset({"availabilityZone", "availabilityZoneId"}),
        defaults={"mapPublicIpOnLaunch": False},
        check=_zone_is_named_once,
    ),
    Kind(
        "aws:ec2/internetGateway:InternetGateway",
        _create_internet_gateway,
        _read_internet_gateway,
        _delete_internet_gateway,
        lambda aws, identity, inputs: _attach_internet_gateway(aws, identity, inputs, {}),
        update={"vpcId": _attach_internet_gateway} | TAGS,
    ),
    Kind("aws:ec2/eip:Eip", _create_eip, _read_eip, _delete_eip, update=TAGS, computed=frozenset({"domain"})),
    Kind(
        "aws:ec2/natGateway:NatGateway",
        _create_nat_gateway,
        _read_nat_gateway,
        _delete_nat_gateway,
        update=TAGS,
        computed=frozenset({"privateIp"}),
        defaults={"connectivityType": "public"},
    ),
)
