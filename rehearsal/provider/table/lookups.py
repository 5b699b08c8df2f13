"""Data sources: what the program's `aws.get_…` calls answer, read from the embedded account."""

from __future__ import annotations

from collections.abc import Callable

from .kind import Aws, Props, dns_suffix


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


LOOKUPS: dict[str, Callable[[Aws, Props], Props]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
}
