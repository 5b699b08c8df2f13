"""File systems, associations and tasks are as strict as FSx."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

World = Any  # the fixture's type, in conftest.py


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


def lifecycle(world: World, file_system_id: str) -> str:
    answer = world.account.client("fsx").describe_file_systems(FileSystemIds=[file_system_id])
    return str(answer["FileSystems"][0]["Lifecycle"])


def association(world: World, association_id: str) -> dict[str, Any]:
    answer = world.account.client("fsx").describe_data_repository_associations(AssociationIds=[association_id])
    return dict(answer["Associations"][0])


def task_of(world: World, task_id: str) -> dict[str, Any]:
    answer = world.account.client("fsx").describe_data_repository_tasks(TaskIds=[task_id])
    return dict(answer["DataRepositoryTasks"][0])


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


def test_an_export_task_is_refused_while_auto_export_is_on_or_still_finishing(world: World) -> None:
    file_system_id, identifier = world.linked()
    with refused("BadRequest"):
        world.task(file_system_id)
    world.switch_off(identifier)
    with refused("BadRequest"):
        world.task(file_system_id)
    world.account.clock.advance(31)
    assert world.task(file_system_id)["Lifecycle"] == "PENDING"
    with refused("DataRepositoryTaskExecuting"):
        world.task(file_system_id)


def test_a_report_goes_into_the_linked_repository_only(world: World) -> None:
    file_system_id, _ = world.linked(export=False)
    report = {"Enabled": True, "Format": "REPORT_CSV_20191124", "Scope": "FAILED_FILES_ONLY"}
    with refused("BadRequest"):
        world.task(file_system_id, Report={**report, "Path": "s3://results-bucket/elsewhere"})
    with refused("BadRequest"):
        world.task(file_system_id, Report=report)


def test_a_task_counts_what_it_exports_in_steps_of_30_seconds(world: World) -> None:
    world.scenario(export={"files_per_second": 10})
    file_system_id, _ = world.linked(export=False)
    content = world.account.associations.all[0].content
    content.write("#0:0", at=world.account.clock.now(), count=1000)
    identifier = world.task(file_system_id)["TaskId"]
    with refused("BadRequest"):
        world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    world.account.clock.advance(30)
    world.account.clock.advance(45)
    found = task_of(world, identifier)
    assert (found["Lifecycle"], found["Status"]["SucceededCount"]) == ("EXECUTING", 300)
    world.account.clock.advance(60)
    found = task_of(world, identifier)
    assert found["Lifecycle"] == "SUCCEEDED"
    assert found["Status"] == {"TotalCount": 1000, "SucceededCount": 1000, "FailedCount": 0}
    world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    assert content.lost() == (0, 0)


def test_a_task_with_failed_files_fails_and_reports_them_in_the_bucket(world: World) -> None:
    world.scenario(export={"refused": 2})
    file_system_id, _ = world.linked(export=False)
    world.account.associations.all[0].content.write("#0:0", at=world.account.clock.now(), count=10)
    identifier = world.task(file_system_id)["TaskId"]
    world.account.clock.advance(60)
    found = task_of(world, identifier)
    assert found["Lifecycle"] == "FAILED"
    assert found["Status"] == {"TotalCount": 10, "SucceededCount": 8, "FailedCount": 2}
    key = f"runs/reports/{identifier}/failures.csv"
    body = world.account.client("s3").get_object(Bucket="results-bucket", Key=key)["Body"].read()
    assert b"#0:0,PathSizeTooLong" in body


@pytest.mark.parametrize("path", ["/scratch", "elsewhere", "/fsx/scratch"])
def test_a_path_that_is_not_relative_to_the_mount_point_fails_the_task(world: World, path: str) -> None:
    file_system_id, _ = world.linked(export=False)
    identifier = world.task(file_system_id, Paths=[path])["TaskId"]
    world.account.clock.advance(60)
    assert task_of(world, identifier)["Lifecycle"] == "FAILED"


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


def test_what_is_on_a_deleted_file_system_and_not_in_s3_is_lost(world: World) -> None:
    world.scenario(export={"files_per_second": 1})
    file_system_id, _ = world.linked()
    content = world.account.associations.all[0].content
    content.write("#0:0", at=world.account.clock.now(), count=100, bytes_each=10)
    world.account.clock.advance(58)
    world.account.client("fsx").delete_file_system(FileSystemId=file_system_id)
    assert content.lost() == (50, 500)
