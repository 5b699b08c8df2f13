"""Data sources: what the program's `aws.get_…` calls answer, read from the embedded account."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable

from .kind import Aws, Props, dns_suffix
from .policy_document import policy_document


def _zones(aws: Aws, inputs: Props) -> Props:
    wanted = inputs.get("state")
    found = [
        zone
        for zone in aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
        if wanted is None or zone["State"] == wanted
    ]
    return {
        "id": aws.region,
        "region": aws.region,
        "names": [zone["ZoneName"] for zone in found],
        "zoneIds": [zone["ZoneId"] for zone in found],
        "groupNames": [aws.region],
    }


def _identity(aws: Aws, inputs: Props) -> Props:
    found = aws.client("sts").get_caller_identity()
    return {"id": found["Account"], "accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"]}


def _partition(aws: Aws, inputs: Props) -> Props:
    reversed_suffix = ".".join(reversed(dns_suffix(aws).split(".")))
    return {
        "id": aws.partition,
        "partition": aws.partition,
        "dnsSuffix": dns_suffix(aws),
        "reverseDnsPrefix": reversed_suffix,
    }


def _region(aws: Aws, inputs: Props) -> Props:
    name = inputs.get("region") or inputs.get("name") or aws.region
    return {"id": name, "region": name, "name": name, "description": name, "endpoint": f"ec2.{name}.{dns_suffix(aws)}"}


def _offerings(aws: Aws, inputs: Props) -> Props:
    """Which of the wanted instance types there are where. EC2's filters take * and ?, which moto's do not."""
    ec2, place = aws.client("ec2"), inputs.get("locationType") or "region"
    filters = {each["name"]: each["values"] for each in inputs.get("filters") or []}
    if patterns := filters.get("instance-type"):
        known = ec2.meta.service_model.shape_for("InstanceType").enum
        filters["instance-type"] = [type_ for pattern in patterns for type_ in fnmatch.filter(known, pattern)] or [
            "none"
        ]
    asked = [{"Name": name, "Values": values} for name, values in filters.items()]
    found = ec2.describe_instance_type_offerings(LocationType=place, Filters=asked)["InstanceTypeOfferings"]
    if not found and not ec2.describe_instance_type_offerings(LocationType=place)["InstanceTypeOfferings"]:
        # moto has no list for this region (GovCloud, for one): every zone has every type.
        zones = ec2.describe_availability_zones()["AvailabilityZones"]
        types = filters.get("instance-type", [])
        found = [{"InstanceType": type_, "Location": zone["ZoneId"]} for zone in zones for type_ in types]
    return {
        "id": aws.region,
        "region": aws.region,
        "locationType": place,
        "instanceTypes": [each["InstanceType"] for each in found],
        "locations": [each["Location"] for each in found],
        "locationTypes": [place for _ in found],
    }


LOOKUPS: dict[str, Callable[[Aws, Props], Props]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _offerings,
    "aws:iam/getPolicyDocument:getPolicyDocument": policy_document,
}
