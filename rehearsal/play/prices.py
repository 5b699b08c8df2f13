"""What a rehearsed run costs, by the list prices that the package has (lustre_batch.prices)."""

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
    "storage_price",
    "transition_dollars",
]


def transition_dollars(transitions: int) -> float:
    return PRICES["transition"].dollars * transitions
