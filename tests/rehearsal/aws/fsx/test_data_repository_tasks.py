"""Data repository tasks are as strict as FSx."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.aws.world import World


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\)")


def task_of(world: World, task_id: str) -> dict[str, Any]:
    answer = world.account.client("fsx").describe_data_repository_tasks(TaskIds=[task_id])
    return dict(answer["DataRepositoryTasks"][0])


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
    content.write("/0:0", at=world.account.clock.now(), count=1000)
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
    world.account.associations.all[0].content.write("/0:0", at=world.account.clock.now(), count=10)
    identifier = world.task(file_system_id)["TaskId"]
    world.account.clock.advance(60)
    found = task_of(world, identifier)
    assert found["Lifecycle"] == "FAILED"
    assert found["Status"] == {"TotalCount": 10, "SucceededCount": 8, "FailedCount": 2}
    key = f"runs/reports/{identifier}/failures.csv"
    body = world.account.client("s3").get_object(Bucket="results-bucket", Key=key)["Body"].read()
    assert body.splitlines()[0] == b"0:0-0,failed,PathSizeTooLong"


@pytest.mark.parametrize("path", ["/scratch", "elsewhere", "/fsx/scratch"])
def test_a_path_that_is_not_relative_to_the_mount_point_fails_the_task(world: World, path: str) -> None:
    file_system_id, _ = world.linked(export=False)
    identifier = world.task(file_system_id, Paths=[path])["TaskId"]
    world.account.clock.advance(60)
    assert task_of(world, identifier)["Lifecycle"] == "FAILED"


def imports(world: World, seconds: list[float]) -> list[str]:
    """The states of the import task so long after the association became AVAILABLE; "" while none is listed."""
    file_system_id = world.file_system()["FileSystemId"]
    world.account.clock.advance(421)
    world.link(file_system_id, BatchImportMetaDataOnCreate=True)
    world.account.clock.advance(60)
    began, seen = world.account.clock.now(), []
    for second in seconds:
        world.account.clock.advance(began + second - world.account.clock.now())
        tasks = world.account.client("fsx").describe_data_repository_tasks()["DataRepositoryTasks"]
        assert {task["Type"] for task in tasks} <= {"IMPORT_METADATA_FROM_REPOSITORY"}
        seen.append("".join(task["Lifecycle"] for task in tasks))
    return seen


def test_the_import_is_listed_some_time_after_the_association_is_there(world: World) -> None:
    assert imports(world, [0, 19, 21, 31, 91]) == ["", "", "PENDING", "EXECUTING", "SUCCEEDED"]
    task = world.account.client("fsx").describe_data_repository_tasks()["DataRepositoryTasks"][0]
    began, ended = task["StartTime"] - task["CreationTime"], task["EndTime"] - task["StartTime"]
    assert (began.total_seconds(), ended.total_seconds()) == (10, 60)


def test_an_import_that_fails_names_one_object(world: World) -> None:
    world.scenario(association={"import_fails": True})
    assert imports(world, [91]) == ["FAILED"]
    task = world.account.client("fsx").describe_data_repository_tasks()["DataRepositoryTasks"][0]
    assert task["Status"]["FailedCount"] == 1
    assert "S3ObjectPathNotPosixCompliant" in task["FailureDetails"]["Message"]
