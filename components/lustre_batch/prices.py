"""What things cost. Owns one table of list prices with their source and date, and what a file system costs by it. They
are estimates: prices differ by region and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Price:
    dollars: float
    per: str
    source: str
    date: str


FSX_PAGE = "https://aws.amazon.com/fsx/lustre/pricing/"
PRICED_REGION = "us-east-1"
# List prices in that region.
PRICES = {
    "scratch": Price(0.14, "GB-month", f"{FSX_PAGE} (Scratch, SSD)", "2026-01"),
    "metadata": Price(0.055, "IOPS-month", f"{FSX_PAGE} (metadata IOPS above those of AUTOMATIC mode)", "2026-01"),
    "nat": Price(0.045, "hour", "https://aws.amazon.com/vpc/pricing/ (NAT gateway)", "2026-01"),
    "address": Price(0.005, "hour", "https://aws.amazon.com/vpc/pricing/ (public IPv4 address)", "2026-01"),
    "root volume": Price(0.08, "GB-month", "https://aws.amazon.com/ebs/pricing/ (gp3 storage)", "2026-01"),
    "logs": Price(0.5, "GB", "https://aws.amazon.com/cloudwatch/pricing/ (logs collected, standard)", "2026-01"),
    "secret": Price(0.4, "month", "https://aws.amazon.com/secrets-manager/pricing/", "2026-01"),
    "transition": Price(0.025 / 1000, "state transition", "https://aws.amazon.com/step-functions/pricing/", "2026-01"),
}
# Persistent SSD file systems, by throughput (MB/s/TiB). That of 125 is the page's as others quote it in 2026; the rest
# are written down from memory, not read off the page.
PERSISTENT = {
    throughput: Price(dollars, "GB-month", f"{FSX_PAGE} (Persistent, SSD, {throughput} MB/s/TiB)", "2026-01")
    for throughput, dollars in {50: 0.14, 100: 0.19, 200: 0.29, 125: 0.145, 250: 0.21, 500: 0.34, 1000: 0.6}.items()
}
HOURS_PER_MONTH = 730  # the AWS pricing calculator's month
_AUTOMATIC_IOPS = {1200: 1500, 2400: 3000, 9600: 6000, 45_600: 12_000}  # by capacity up to so many GiB
_LARGEST_METADATA_IOPS = 192_000  # SDK CreateFileSystemLustreMetadataConfiguration, Iops


def storage_price(request: Mapping[str, Any]) -> Price:
    """The price of what a CreateFileSystem asked for, by its type and throughput."""
    return PERSISTENT.get(request["LustreConfiguration"].get("PerUnitStorageThroughput"), PRICES["scratch"])


def file_system_dollars(request: Mapping[str, Any], seconds: float) -> float:
    """What a CreateFileSystem asked for, or DescribeFileSystems tells of, for that long; FSx bills by the second, one
    minute at least."""
    capacity_gib = int(request["StorageCapacity"])
    iops = int(request["LustreConfiguration"].get("MetadataConfiguration", {}).get("Iops", 0))
    monthly = storage_price(request).dollars * capacity_gib
    monthly += PRICES["metadata"].dollars * max(0, iops - automatic_metadata_iops(capacity_gib))
    return monthly * max(60.0, seconds) / 3600 / HOURS_PER_MONTH


def automatic_metadata_iops(capacity_gib: int) -> int:
    """What AUTOMATIC mode provisions (FSx guide, file system metadata performance), which costs nothing more.

    From 48,000 GiB on it is 12,000 IOPS per 24,000 GiB; that a part of these counts as a whole is assumed."""
    for up_to, iops in _AUTOMATIC_IOPS.items():
        if capacity_gib <= up_to:
            return iops
    return min(_LARGEST_METADATA_IOPS, -(-capacity_gib // 24_000) * 12_000)


def prices_a_day() -> dict[str, Any]:
    """What a file system costs a day, for the definitions: `gib` by its throughput (MB/s/TiB) or ``scratch``, `iops`
    for each above `includedIops` of its capacity."""
    day = 24 / HOURS_PER_MONTH
    by_throughput = {str(throughput): price.dollars * day for throughput, price in PERSISTENT.items()}
    return {
        "gib": {"scratch": PRICES["scratch"].dollars * day, **by_throughput},
        "iops": PRICES["metadata"].dollars * day,
        "includedIops": [{"upToGib": up_to, "iops": iops} for up_to, iops in _AUTOMATIC_IOPS.items()],
        "mostIops": _LARGEST_METADATA_IOPS,
    }
