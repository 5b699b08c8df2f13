"""Which Availability Zones the created VPC uses: those that the settings name, or the first that can serve.

FSx has no operation that tells which zones it serves; it says so when it refuses a subnet ("Amazon FSx does not
currently support … file system creation in the following Availability Zones", terraform-provider-aws #22234). EC2 can
be asked which instance types a zone has, and that is all that is asked here: nothing may be guessed about a zone.
"""

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from .instance_types import patterns
from .owner import Owner, answered
from .settings import Settings

ZONES = 2


def choose_zones(owner: Owner) -> list[pulumi.Output[str]]:
    """The ids of the zones, the file system's first. A region that has no use for the component is refused here."""
    settings = owner.settings
    options = pulumi.InvokeOptions(parent=owner.component)
    # Local Zones and the like have no FSx: only zones that need no opting in.
    available = aws.get_availability_zones_output(
        state="available", filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}], opts=options
    )
    wanted = patterns(settings.compute_environment_instance_types)
    offered = aws.ec2.get_instance_type_offerings_output(
        location_type="availability-zone-id", filters=[{"name": "instance-type", "values": wanted}], opts=options
    )

    def choose(answers: list[Sequence[str]]) -> list[str]:
        zones, types, locations = answers
        offers = {zone: {type_ for type_, at in zip(types, locations, strict=True) if at == zone} for zone in zones}
        if problem := refusal(settings, offers):
            raise pulumi.RunError(owner.told(problem))
        return settings.availability_zone_ids or ranked(zones, wanted, offers)

    chosen = pulumi.Output.all(
        answered("getAvailabilityZones", available.zone_ids),
        answered("getInstanceTypeOfferings", offered.instance_types),
        answered("getInstanceTypeOfferings", offered.locations),
    ).apply(choose)
    count = len(settings.availability_zone_ids) or ZONES
    return [chosen.apply(lambda zones, number=number: zones[number]) for number in range(count)]  # type: ignore[misc]


def ranked(zones: Sequence[str], wanted: Sequence[str], offers: Mapping[str, set[str]]) -> list[str]:
    """The zones, those first that lack the fewest of the wanted types and families; else in AWS's own order."""

    def lacks(zone: str) -> int:
        return sum(not any(_is_one(type_, each) for type_ in offers[zone]) for each in wanted)

    return sorted(zones, key=lacks)


def refusal(settings: Settings, offers: Mapping[str, set[str]]) -> str | None:
    """Why the zones cannot work, in terms of key, value and rule. ``offers``: what each zone of the region has."""
    named, here = settings.availability_zone_ids, ", ".join(offers)
    if unknown := [zone for zone in named if zone not in offers]:
        return f"availabilityZoneIds: {unknown[0]} is not an Availability Zone that this account has here: {here}"
    if not named and len(offers) < ZONES:
        return f"availabilityZoneIds: [] is not enough where there is only one Availability Zone: name it ({here})"
    starting = named if settings.spread_across_zones else named[:1]
    if not any(offers[zone] for zone in starting or offers):
        types = json.dumps(settings.compute_environment_instance_types)
        return f"computeEnvironmentInstanceTypes: {types} cannot be had in {', '.join(starting) or here}"
    return None


def _is_one(type_: str, pattern: str) -> bool:
    return type_ == pattern or (pattern.endswith("*") and type_.startswith(pattern[:-1]))
