"""What a rehearsed run and a stack at rest cost, by the list prices that the package has (lustre_batch.prices)."""

from __future__ import annotations

from lustre_batch.prices import (
    HOURS_PER_MONTH,
    PERSISTENT,
    PRICED_REGION,
    PRICES,
    Price,
    file_system_dollars,
    storage_price,
)

__all__ = [
    "HOURS_PER_MONTH",
    "PERSISTENT",
    "PRICED_REGION",
    "PRICES",
    "Price",
    "file_system_dollars",
    "resting_dollars",
    "storage_price",
    "transition_dollars",
]


def transition_dollars(transitions: int) -> float:
    return PRICES["transition"].dollars * transitions


# State transitions of a sweep that finds nothing (docs/scenarios.md has those of runs).
SWEEP_TRANSITIONS = 13


def resting_dollars(egress: str, sweep_interval_minutes: int = 60) -> float:
    """A month of a stack in which nothing runs: secret, sweeps, and the NAT gateway with its address where there is
    one."""
    hourly = PRICES["nat"].dollars + PRICES["address"].dollars if egress == "nat" else 0.0
    sweeps = HOURS_PER_MONTH * 60 / sweep_interval_minutes if sweep_interval_minutes else 0
    return hourly * HOURS_PER_MONTH + PRICES["secret"].dollars + transition_dollars(round(sweeps * SWEEP_TRANSITIONS))
