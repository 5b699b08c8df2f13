"""How many vCPUs the account may run, as Service Quotas answers and as jobs meet it."""

from __future__ import annotations

import pytest

from rehearsal.aws.quotas import PLENTY
from tests.rehearsal.aws.world import World


def value(world: World, code: str = "L-34B43A08") -> float:
    quotas = world.account.client("service-quotas")
    return float(quotas.get_service_quota(ServiceCode="ec2", QuotaCode=code)["Quota"]["Value"])


def test_the_quota_is_the_planned_one_and_enough_without_a_plan(world: World) -> None:
    assert value(world) == value(world, "L-1216C47A") == PLENTY
    world.scenario(quota={"vcpus": 5})
    assert value(world) == value(world, "L-1216C47A") == 5


def test_a_quota_that_does_not_exist_is_refused_by_its_name(world: World) -> None:
    with pytest.raises(world.account.client("service-quotas").exceptions.NoSuchResourceException):
        value(world, "L-00000000")


@pytest.mark.parametrize(("vcpus", "status"), [(4, "RUNNING"), (3, "RUNNABLE")])
def test_a_job_with_more_vcpus_than_the_quota_never_starts(world: World, vcpus: int, status: str) -> None:
    world.scenario(job={"runtime": 3600}, quota={"vcpus": vcpus})
    _, job_id = world.running(vcpus=4)
    world.account.clock.advance(1800)
    assert world.job(job_id)["status"] == status
    assert "statusReason" not in world.job(job_id)
