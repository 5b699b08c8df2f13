"""Job queues, and lists of the jobs in them, are as strict as Batch."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.calls import internally
from tests.rehearsal.aws.world import World


def batch(world: World) -> Any:
    return world.account.client("batch")


def queue_of(world: World) -> dict[str, Any]:
    with internally():
        queues: list[dict[str, Any]] = batch(world).describe_job_queues()["jobQueues"]
    return queues[0]


def set_state(world: World, state: str) -> None:
    with internally():
        batch(world).update_job_queue(jobQueue=queue_of(world)["jobQueueName"], state=state)


def listed(world: World, *filters: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    given = {"jobQueue": queue_of(world)["jobQueueName"], **({"filters": list(filters)} if filters else {}), **more}
    with internally():
        found: list[dict[str, Any]] = batch(world).list_jobs(**given)["jobSummaryList"]
    return found


def test_a_queue_that_is_disabled_takes_no_job_and_lets_those_in_it_go_on(world: World) -> None:
    world.scenario(job={"writes": []})
    _, job_id = world.running()
    set_state(world, "DISABLED")
    assert (queue_of(world)["state"], queue_of(world)["status"]) == ("DISABLED", "UPDATING")
    world.submit()  # the update is still under way
    world.account.clock.advance(3)
    assert queue_of(world)["status"] == "VALID"
    with pytest.raises(ClientError, match="is DISABLED and VALID"):
        world.submit()
    world.account.clock.advance(6000)
    assert world.job(job_id)["status"] == "SUCCEEDED"


def test_a_queue_takes_jobs_only_when_its_update_has_ended_and_no_other_update_meanwhile(world: World) -> None:
    world.scenario(job={"writes": []}, job_queue={"update": 30})
    world.running()
    set_state(world, "DISABLED")
    world.account.clock.advance(31)
    set_state(world, "ENABLED")
    world.account.clock.advance(29)
    with pytest.raises(ClientError, match="ENABLED and UPDATING"):
        world.submit()
    with pytest.raises(ClientError, match="being modified"):
        set_state(world, "DISABLED")
    world.account.clock.advance(2)
    world.submit()


def test_a_queue_that_becomes_invalid_takes_no_job(world: World) -> None:
    world.scenario(job={"writes": []}, job_queue={"outcome": "INVALID"})
    world.running()
    set_state(world, "ENABLED")
    world.account.clock.advance(3)
    assert queue_of(world)["status"] == "INVALID"
    with pytest.raises(ClientError, match="INVALID"):
        world.submit()


def test_jobs_are_listed_by_when_they_were_created_whatever_their_status_the_newest_first(world: World) -> None:
    world.scenario(job={"writes": [], "runtime": 60})
    _, first = world.running()
    created = world.job(first)["createdAt"]
    world.account.clock.advance(100)
    second = world.submit()
    world.account.clock.advance(600)
    later = world.job(second)["createdAt"]
    assert world.job(second)["status"] == "SUCCEEDED"

    def of(name: str, moment: int) -> list[str]:
        return [job["jobId"] for job in listed(world, {"name": name, "values": [str(moment)]})]

    assert of("AFTER_CREATED_AT", created - 1) == [second, first]
    assert of("AFTER_CREATED_AT", created) == [second]
    assert of("AFTER_CREATED_AT", later) == []
    assert of("BEFORE_CREATED_AT", later) == [first]
    assert listed(world) == [], "without a filter those that run"


@pytest.mark.parametrize(
    "filters",
    [
        [{"name": "AFTER_CREATED_AT", "values": ["2026-01-15"]}],
        [{"name": "AFTER_CREATED_AT", "values": []}],
        [{"name": "after_created_at", "values": ["0"]}],
        [{"name": "JOB_NAME", "values": ["x"]}, {"name": "AFTER_CREATED_AT", "values": ["0"]}],
    ],
)
def test_a_filter_that_batch_does_not_take_is_refused(world: World, filters: list[dict[str, Any]]) -> None:
    world.scenario(job={"writes": []})
    world.running()
    with pytest.raises(ClientError):
        listed(world, *filters)
