"""EC2's instances: who ended them, for how long that shows, and what a filtered page holds."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account
from rehearsal.aws.instances import BY_ITSELF, BY_SPOT
from tests.rehearsal.aws.world import World

TEMPLATE = {
    "InstanceInitiatedShutdownBehavior": "terminate",
    "TagSpecifications": [
        {"ResourceType": "instance", "Tags": [{"Key": "run", "Value": "a"}]},
        {"ResourceType": "volume", "Tags": [{"Key": "run", "Value": "b"}]},
    ],
}


def listed(account: Account, size: int | None = None, /, **filters: list[str]) -> dict[str, str]:
    """Ids and states of the instances that pass the filters, whose names have _ for -."""
    wanted = [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]
    page = {} if size is None else {"MaxResults": size}
    answer = account.client("ec2").describe_instances(Filters=wanted, **page)
    return {one["InstanceId"]: one["State"]["Name"] for each in answer["Reservations"] for one in each["Instances"]}


def test_one_that_shut_itself_down_terminates_and_is_listed_for_an_hour(account: Account) -> None:
    identifier = account.instances.launch(TEMPLATE)
    assert listed(account) == {identifier: "running"}
    account.instances.end(identifier, BY_ITSELF)
    assert listed(account, state_reason_code=[BY_ITSELF]) == {identifier: "shutting-down"}
    account.clock.advance(60)
    assert listed(account, state_reason_code=[BY_ITSELF]) == {identifier: "terminated"}
    account.clock.advance(3600)
    assert listed(account) == {}


def test_one_that_shuts_down_stays_stopped_unless_its_template_says_terminate(account: Account) -> None:
    identifier = account.instances.launch({})
    account.instances.end(identifier, BY_ITSELF)
    account.clock.advance(86_400)
    assert listed(account) == {identifier: "stopped"}


def test_how_an_instance_ended_first_is_what_stays(account: Account) -> None:
    identifier = account.instances.launch(TEMPLATE)
    account.instances.end(identifier, BY_SPOT)
    account.instances.end(identifier, BY_ITSELF)
    assert listed(account, state_reason_code=["Server.*"]) == {identifier: "shutting-down"}


def test_tags_are_those_of_the_template_for_instances(account: Account) -> None:
    identifier = account.instances.launch(TEMPLATE)
    assert listed(account, **{"tag:run": ["a"]}) == {identifier: "running"}
    assert listed(account, **{"tag:run": ["b"]}) == {}
    assert listed(account, **{"tag:other": ["*"]}) == {}


def test_a_terminated_instance_loses_its_tags_before_it_is_forgotten(account: Account) -> None:
    identifier = account.instances.launch(TEMPLATE)
    account.instances.end(identifier, BY_ITSELF)
    account.clock.advance(299)
    assert listed(account, **{"tag:run": ["a"]}) == {identifier: "terminated"}
    account.clock.advance(1)
    assert listed(account, **{"tag:run": ["a"]}) == {}
    assert listed(account) == {identifier: "terminated"}


def test_a_page_is_filled_before_it_is_filtered(account: Account) -> None:
    """aws-sdk-js #940."""
    for _ in range(5):
        account.instances.launch({})
    last = account.instances.launch(TEMPLATE)
    assert listed(account, 5, **{"tag:run": ["a"]}) == {}
    assert listed(account, 6, **{"tag:run": ["a"]}) == {last: "running"}


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"Filters": [{"Name": "reason-code", "Values": ["x"]}]}, "The filter 'reason-code' is invalid"),
        ({"MaxResults": 4}, "maxResults"),
        ({"MaxResults": 1001}, "maxResults"),
    ],
)
def test_what_ec2_does_not_take_is_refused(account: Account, asked: dict[str, Any], problem: str) -> None:
    account.instances.launch({})
    with pytest.raises(ClientError, match=problem):
        account.client("ec2").describe_instances(**asked)


def test_instances_that_cannot_mount_shut_themselves_down_one_after_the_other(world: World) -> None:
    world.scenario(job={"writes": [], "mounts": False})
    world.running()
    world.account.clock.advance(1800)
    reasons = [one.reason for one in world.account.instances.all.values()]
    assert len(reasons) > 3
    assert set(reasons[:-1]) == {BY_ITSELF}


def test_a_spot_reclaim_and_the_end_of_a_job_are_no_shutdown_of_the_instances_own(world: World) -> None:
    world.scenario(job={"runtime": 600, "interruptions": [60]})
    world.running(attempts=2)
    world.account.clock.advance(3000)
    reasons = [one.reason for one in world.account.instances.all.values()]
    assert reasons == [BY_SPOT, "Client.UserInitiatedShutdown"]
