"""What things cost. Owns one table of list prices with their source and date, and the sums made from it. They are
estimates: prices differ by region and change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Price:
    dollars: float
    per: str
    source: str
    date: str


# us-east-1, list prices.
PRICES = {
    "scratch": Price(0.14, "GB-month", "https://aws.amazon.com/fsx/lustre/pricing/ (Scratch, SSD)", "2026-01"),
    "transition": Price(0.025 / 1000, "state transition", "https://aws.amazon.com/step-functions/pricing/", "2026-01"),
}
HOURS_PER_MONTH = 730  # the AWS pricing calculator's month


def file_system_dollars(capacity_gib: int, seconds: float) -> float:
    """A file system of that capacity for that long; FSx bills by the second, one minute at least."""
    hours = max(60.0, seconds) / 3600
    return PRICES["scratch"].dollars * capacity_gib * hours / HOURS_PER_MONTH


def transition_dollars(transitions: int) -> float:
    return PRICES["transition"].dollars * transitions
