"""Data repository associations are as strict as FSx."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.aws.world import World


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


def association(world: World, association_id: str) -> dict[str, Any]:
    answer = world.account.client("fsx").describe_data_repository_associations(AssociationIds=[association_id])
    return dict(answer["Associations"][0])


def test_a_file_system_is_linked_only_when_it_is_available(world: World) -> None:
    identifier = world.file_system()["FileSystemId"]
    with refused("BadRequest"):
        world.link(identifier)
    world.account.clock.advance(421)
    made = world.link(identifier)
    assert made["Lifecycle"] == "CREATING"
    world.account.clock.advance(61)
    assert association(world, made["AssociationId"])["Lifecycle"] == "AVAILABLE"


def test_one_association_request_at_a_time_is_worked_on(world: World) -> None:
    identifier = world.file_system()["FileSystemId"]
    world.account.clock.advance(421)
    world.link(identifier)
    with refused("BadRequest"):
        world.link(identifier, FileSystemPath="/other", DataRepositoryPath="s3://results-bucket/other")


def test_a_link_to_a_bucket_that_does_not_exist_is_misconfigured(world: World) -> None:
    identifier = world.file_system()["FileSystemId"]
    world.account.clock.advance(421)
    made = world.link(identifier, DataRepositoryPath="s3://nobodys-bucket")
    world.account.clock.advance(61)
    assert association(world, made["AssociationId"])["Lifecycle"] == "MISCONFIGURED"


def test_two_links_that_listen_to_the_same_prefix_overlap(world: World) -> None:
    world.linked()
    _, second = world.linked()
    assert association(world, second)["Lifecycle"] == "MISCONFIGURED"


def test_an_update_replaces_both_event_policies(world: World) -> None:
    _, identifier = world.linked()
    world.switch_off(identifier)
    found = association(world, identifier)
    assert found["Lifecycle"] == "UPDATING"
    assert found["S3"] == {"AutoImportPolicy": {"Events": ["NEW"]}, "AutoExportPolicy": {"Events": []}}
    with refused("BadRequest"):
        world.switch_off(identifier)
    world.account.clock.advance(31)
    assert association(world, identifier)["Lifecycle"] == "AVAILABLE"


def test_a_file_that_cannot_be_exported_is_logged(world: World) -> None:
    world.account.client("logs").create_log_group(logGroupName="/aws/fsx/lustre")
    world.scenario(export={"refused": 1})
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/fsx/lustre"
    log = {"Level": "WARN_ERROR", "Destination": group}
    lustre = {"DeploymentType": "SCRATCH_2", "LogConfiguration": log}
    identifier = world.file_system(LustreConfiguration=lustre)["FileSystemId"]
    world.account.clock.advance(421)
    world.link(identifier)
    world.account.clock.advance(61)
    content = world.account.associations.all[0].content
    content.write("#0:0", at=world.account.clock.now(), count=5)
    world.account.clock.advance(60)
    content.settle(world.account.clock.now())
    events = world.account.client("logs").filter_log_events(
        logGroupName="/aws/fsx/lustre", logStreamNamePrefix=f"datarepo_{identifier}"
    )["events"]
    assert len(events) == 1
