"""Data sources: what `aws.get_…` answers, read from the embedded account. It must never change anything there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .kind import Aws, Props, ResourceError, tag_map


def _zones(aws: Aws, inputs: Props) -> Props:
    wanted = inputs.get("state")
    found = [
        zone
        for zone in aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
        if wanted is None or zone["State"] == wanted
    ]
    excluded = set(inputs.get("excludeNames") or [])
    kept = [zone for zone in found if zone["ZoneName"] not in excluded]
    return {
        "id": aws.region,
        "region": aws.region,
        "names": [zone["ZoneName"] for zone in kept],
        "zoneIds": [zone["ZoneId"] for zone in kept],
        "groupNames": [aws.region],
    }


def _identity(aws: Aws, inputs: Props) -> Props:
    found = aws.client("sts").get_caller_identity()
    return {"id": found["Account"], "accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"]}


def _suffix(aws: Aws) -> str:
    return "amazonaws.com.cn" if aws.partition == "aws-cn" else "amazonaws.com"


def _partition(aws: Aws, inputs: Props) -> Props:
    reversed_suffix = ".".join(reversed(_suffix(aws).split(".")))
    return {
        "id": aws.partition,
        "partition": aws.partition,
        "dnsSuffix": _suffix(aws),
        "reverseDnsPrefix": reversed_suffix,
    }


def _region(aws: Aws, inputs: Props) -> Props:
    name = inputs.get("region") or inputs.get("name") or aws.region
    return {"id": name, "region": name, "name": name, "description": name, "endpoint": f"ec2.{name}.{_suffix(aws)}"}


def _filters(inputs: Props, **more: Any) -> list[dict[str, Any]]:
    found = [{"Name": entry["name"], "Values": list(entry["values"])} for entry in inputs.get("filters") or []]
    found += [{"Name": f"tag:{key}", "Values": [value]} for key, value in (inputs.get("tags") or {}).items()]
    return found + [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in more.items() if value]


def _one(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise ResourceError(f"{'no' if not found else 'multiple'} matching {what} found")
    return found[0]


def _vpc(aws: Aws, inputs: Props) -> Props:
    ec2 = aws.client("ec2")
    ids = {"VpcIds": [inputs["id"]]} if inputs.get("id") else {}
    default = "true" if inputs.get("default") else None
    found = ec2.describe_vpcs(**ids, Filters=_filters(inputs, cidr=inputs.get("cidrBlock"), is_default=default))["Vpcs"]
    vpc = _one(found, "EC2 VPC")

    def attribute(name: str) -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)
        return bool(answer[name[:1].upper() + name[1:]]["Value"])

    return {
        "id": vpc["VpcId"],
        "arn": f"arn:{aws.partition}:ec2:{aws.region}:{aws.account_id}:vpc/{vpc['VpcId']}",
        "cidrBlock": vpc["CidrBlock"],
        "default": vpc["IsDefault"],
        "enableDnsSupport": attribute("enableDnsSupport"),
        "enableDnsHostnames": attribute("enableDnsHostnames"),
        "instanceTenancy": vpc["InstanceTenancy"],
        "ownerId": aws.account_id,
        "tags": tag_map(vpc.get("Tags")),
    }


def _subnet(aws: Aws, inputs: Props) -> Props:
    ids = {"SubnetIds": [inputs["id"]]} if inputs.get("id") else {}
    filters = _filters(
        inputs,
        vpc_id=inputs.get("vpcId"),
        availability_zone=inputs.get("availabilityZone"),
        cidr_block=inputs.get("cidrBlock"),
    )
    subnet = _one(aws.client("ec2").describe_subnets(**ids, Filters=filters)["Subnets"], "EC2 Subnet")
    return {
        "id": subnet["SubnetId"],
        "arn": subnet["SubnetArn"],
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "ownerId": aws.account_id,
        "tags": tag_map(subnet.get("Tags")),
    }


def _subnets(aws: Aws, inputs: Props) -> Props:
    found = aws.client("ec2").describe_subnets(Filters=_filters(inputs))["Subnets"]
    return {"id": aws.region, "ids": sorted(subnet["SubnetId"] for subnet in found), "tags": inputs.get("tags") or {}}


def _route_tables(aws: Aws, inputs: Props) -> Props:
    filters = _filters(inputs, vpc_id=inputs.get("vpcId"))
    found = aws.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    return {"id": aws.region, "ids": sorted(table["RouteTableId"] for table in found), "tags": inputs.get("tags") or {}}


def _route_table(aws: Aws, inputs: Props) -> Props:
    filters = _filters(inputs, vpc_id=inputs.get("vpcId"))
    if inputs.get("subnetId"):
        filters.append({"Name": "association.subnet-id", "Values": [inputs["subnetId"]]})
    if inputs.get("routeTableId"):
        filters.append({"Name": "route-table-id", "Values": [inputs["routeTableId"]]})
    table = _one(aws.client("ec2").describe_route_tables(Filters=filters)["RouteTables"], "EC2 Route Table")
    return {"id": table["RouteTableId"], "routeTableId": table["RouteTableId"], "vpcId": table["VpcId"], "tags": {}}


def _bucket(aws: Aws, inputs: Props) -> Props:
    name = inputs["bucket"]
    if name not in {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]}:
        raise ResourceError(f"reading S3 Bucket ({name}): couldn't find resource")
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:{aws.partition}:s3:::{name}",
        "bucketDomainName": f"{name}.s3.{_suffix(aws)}",
        "bucketRegionalDomainName": f"{name}.s3.{aws.region}.{_suffix(aws)}",
        "bucketRegion": aws.region,
        "region": aws.region,
    }


LOOKUPS: dict[str, Callable[[Aws, Props], Props]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getRouteTables:getRouteTables": _route_tables,
    "aws:ec2/getRouteTable:getRouteTable": _route_table,
    "aws:s3/getBucket:getBucket": _bucket,
}
