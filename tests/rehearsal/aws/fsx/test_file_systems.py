"""File systems are as strict as FSx."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.aws.world import World


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


def lifecycle(world: World, file_system_id: str) -> str:
    answer = world.account.client("fsx").describe_file_systems(FileSystemIds=[file_system_id])
    return str(answer["FileSystems"][0]["Lifecycle"])


def test_a_file_system_is_created_deleted_and_then_not_found(world: World) -> None:
    made = world.file_system()
    identifier = made["FileSystemId"]
    assert made["Lifecycle"] == "CREATING"
    assert made["DNSName"] == f"{identifier}.fsx.us-east-1.amazonaws.com"
    assert made["LustreConfiguration"]["MountName"]
    world.account.clock.advance(419)
    assert lifecycle(world, identifier) == "CREATING"
    world.account.clock.advance(2)
    assert lifecycle(world, identifier) == "AVAILABLE"
    answer = world.account.client("fsx").delete_file_system(FileSystemId=identifier)
    assert answer["Lifecycle"] == "DELETING"
    assert lifecycle(world, identifier) == "DELETING"
    world.account.clock.advance(121)
    with refused("FileSystemNotFound"):
        lifecycle(world, identifier)


@pytest.mark.parametrize("capacity", [1300, 3600, 0])
def test_scratch_2_has_its_own_capacities(world: World, capacity: int) -> None:
    with refused("BadRequest"):
        world.file_system(StorageCapacity=capacity)


def test_the_same_token_gives_the_same_file_system_and_other_parameters_are_refused(world: World) -> None:
    first = world.file_system(ClientRequestToken="token")
    assert world.file_system(ClientRequestToken="token")["FileSystemId"] == first["FileSystemId"]
    with refused("IncompatibleParameterError"):
        world.file_system(ClientRequestToken="token", StorageCapacity=2400)


def test_a_security_group_without_all_lustre_ports_makes_the_creation_fail(world: World) -> None:
    ec2 = world.account.client("ec2")
    permission = {"IpProtocol": "tcp", "FromPort": 1018, "ToPort": 1023, "UserIdGroupPairs": [{"GroupId": world.group}]}
    ec2.revoke_security_group_ingress(GroupId=world.group, IpPermissions=[permission])
    with refused("InvalidNetworkSettings"):
        world.file_system()


def test_a_failed_file_system_still_has_to_be_deleted(world: World) -> None:
    world.scenario(file_system={"outcome": "FAILED"})
    identifier = world.file_system()["FileSystemId"]
    world.account.clock.advance(421)
    assert lifecycle(world, identifier) == "FAILED"
    world.account.client("fsx").delete_file_system(FileSystemId=identifier)


def test_file_systems_are_described_in_pages(world: World) -> None:
    made = {world.file_system()["FileSystemId"] for _ in range(3)}
    client = world.account.client("fsx")
    first = client.describe_file_systems(MaxResults=2)
    second = client.describe_file_systems(MaxResults=2, NextToken=first["NextToken"])
    assert {one["FileSystemId"] for one in first["FileSystems"] + second["FileSystems"]} == made
    assert "NextToken" not in second


def test_tags_are_kept_changed_and_listed(world: World) -> None:
    client = world.account.client("fsx")
    made = world.file_system(Tags=[{"Key": "a", "Value": "1"}])
    client.tag_resource(ResourceARN=made["ResourceARN"], Tags=[{"Key": "b", "Value": "2"}])
    client.untag_resource(ResourceARN=made["ResourceARN"], TagKeys=["a"])
    assert client.list_tags_for_resource(ResourceARN=made["ResourceARN"])["Tags"] == [{"Key": "b", "Value": "2"}]


def test_what_is_being_created_or_deleted_cannot_be_deleted(world: World) -> None:
    identifier = world.file_system()["FileSystemId"]
    client = world.account.client("fsx")
    with refused("BadRequest"):
        client.delete_file_system(FileSystemId=identifier)
    world.account.clock.advance(421)
    client.delete_file_system(FileSystemId=identifier)
    with refused("BadRequest"):
        client.delete_file_system(FileSystemId=identifier)


def test_what_is_on_a_deleted_file_system_and_not_in_s3_is_lost(world: World) -> None:
    world.scenario(export={"files_per_second": 1})
    file_system_id, _ = world.linked()
    content = world.account.associations.all[0].content
    content.write("/0:0", at=world.account.clock.now(), count=100, bytes_each=10)
    world.account.clock.advance(58)
    world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    assert content.lost() == (50, 500)


def test_the_names_are_answered_while_it_is_created_or_later_when_planned(world: World) -> None:
    made = world.file_system()
    assert made["DNSName"] == f"{made['FileSystemId']}.fsx.us-east-1.amazonaws.com"
    assert made["LustreConfiguration"]["MountName"]
    world.scenario(file_system={"names_late": True})
    made = world.file_system()
    assert "DNSName" not in made
    assert "MountName" not in made["LustreConfiguration"]
    world.account.clock.advance(421)
    found = world.account.client("fsx").describe_file_systems()["FileSystems"][0]
    assert found["DNSName"]
    assert found["LustreConfiguration"]["MountName"]
