"""What a file system costs follows from what was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.aws.fsx.creation_rules import DEPLOYMENT_TYPES
from rehearsal.play.prices import HOURS_PER_MONTH, PERSISTENT, file_system_dollars, storage_price

MONTH_SECONDS = HOURS_PER_MONTH * 3600.0


def request(capacity_gib: int = 1200, **lustre: Any) -> dict[str, Any]:
    return {"StorageCapacity": capacity_gib, "LustreConfiguration": {"DeploymentType": "PERSISTENT_2", **lustre}}


def test_every_throughput_that_fsx_takes_has_a_price_and_more_of_it_costs_more() -> None:
    for kind in DEPLOYMENT_TYPES.values():
        dollars = [PERSISTENT[throughput].dollars for throughput in kind.throughputs]
        assert dollars == sorted(set(dollars))
    assert set(PERSISTENT) == {throughput for kind in DEPLOYMENT_TYPES.values() for throughput in kind.throughputs}


@pytest.mark.parametrize(
    ("asked", "dollars"),
    [
        ({"DeploymentType": "SCRATCH_2"}, 0.14 * 1200),
        ({"PerUnitStorageThroughput": 125}, 0.145 * 1200),
        ({"PerUnitStorageThroughput": 1000}, 0.6 * 1200),
    ],
)
def test_a_month_costs_its_capacity_at_the_price_of_its_kind(asked: dict[str, Any], dollars: float) -> None:
    assert file_system_dollars(request(**asked), MONTH_SECONDS) == pytest.approx(dollars)
    assert storage_price(request(**asked)).dollars * 1200 == pytest.approx(dollars)


def test_metadata_iops_cost_what_lies_above_those_of_automatic_mode() -> None:
    def dollars(**more: Any) -> float:
        return file_system_dollars(request(PerUnitStorageThroughput=125, **more), MONTH_SECONDS)

    def provisioned(iops: int) -> float:
        return dollars(MetadataConfiguration={"Mode": "USER_PROVISIONED", "Iops": iops})

    assert provisioned(12_000) - dollars() == pytest.approx(0.055 * (12_000 - 1500))
    assert provisioned(1500) == pytest.approx(dollars())


def test_at_least_a_minute_is_billed() -> None:
    assert file_system_dollars(request(), 1) == file_system_dollars(request(), 60)
