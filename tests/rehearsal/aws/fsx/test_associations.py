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


@pytest.mark.parametrize("state", ["CREATING", "AVAILABLE"])
def test_requests_are_queued_where_the_scenario_has_them_as_the_guide_does(world: World, state: str) -> None:
    world.scenario(association={"queued": True})
    identifier = world.file_system()["FileSystemId"]
    if state == "AVAILABLE":
        world.account.clock.advance(421)
    made = [world.link(identifier), *(world.input(identifier, number) for number in range(2))]
    world.account.clock.advance(421 if state == "CREATING" else 0)
    seen = []
    for _ in range(3):
        world.account.clock.advance(61)
        seen.append([association(world, one["AssociationId"])["Lifecycle"] for one in made])
    assert seen == [["AVAILABLE"] * done + ["CREATING"] * (3 - done) for done in (1, 2, 3)]


@pytest.mark.parametrize(
    ("path", "repository"),
    [
        ("/scratch/in", "s3://results-bucket/other"),
        ("/", "s3://results-bucket/other"),
        ("/input", "s3://results-bucket/runs/today/"),
        ("/input", "s3://results-bucket"),
        ("/input", "s3://results-bucket/runs/"),
    ],
)
def test_neither_the_paths_nor_the_repositories_of_two_links_may_overlap(
    world: World, path: str, repository: str
) -> None:
    identifier, _ = world.linked()
    with refused("BadRequest"):
        world.link(identifier, FileSystemPath=path, DataRepositoryPath=repository)
    assert world.link(identifier, FileSystemPath="/scratch2", DataRepositoryPath="s3://results-bucket/runs2")


def test_a_file_system_has_eight_links_at_most(world: World) -> None:
    identifier, _ = world.linked()
    for number in range(7):
        world.input(identifier, number)
        world.account.clock.advance(61)
    with refused("ServiceLimitExceeded"):
        world.input(identifier, 7)


def test_an_input_is_imported_once_and_nothing_of_it_is_exported(world: World) -> None:
    buckets = world.account.buckets
    buckets.put("results-bucket", "in/0/a.txt", b"a")
    identifier, _ = world.linked()
    world.input(identifier, 0)
    world.account.clock.advance(90)
    (imported,) = world.account.data_repository_tasks.all
    assert imported.request["Paths"] == ["s3://results-bucket/in/0"]
    world.account.clock.advance(200)
    results, given = world.account.associations.all
    assert (results.is_input, given.is_input) == (False, True)
    given.content.write("/0:0", at=world.account.clock.now())
    world.account.clock.advance(600)
    assert given.content.groups["/0:0"].exported == 0
    assert given.content.age(world.account.clock.now()) == 0


def test_listings_are_imported_one_after_the_other(world: World) -> None:
    world.scenario(association={"queued": True, "create": 1, "import": 100})
    identifier = world.file_system()["FileSystemId"]
    world.account.clock.advance(421)
    world.input(identifier, 0)
    world.input(identifier, 1)
    world.account.clock.advance(60)
    tasks = world.account.data_repository_tasks.all
    assert [task.lifecycle for task in tasks] == ["EXECUTING", "PENDING"]
    world.account.clock.advance(80)
    assert [task.lifecycle for task in tasks] == ["SUCCEEDED", "EXECUTING"]
    world.account.clock.advance(100)
    assert [task.lifecycle for task in tasks] == ["SUCCEEDED", "SUCCEEDED"]


def test_an_export_task_has_to_say_which_of_several_links_it_is_about(world: World) -> None:
    identifier, results = world.linked(export=False)
    world.link(identifier, FileSystemPath="/input/0", DataRepositoryPath="s3://results-bucket/in/0", S3={})
    world.account.clock.advance(61)
    for paths in ([], ["input"], ["scratch", "input/0"]):
        with refused("BadRequest"):
            world.task(identifier, Paths=paths)
    world.task(identifier, Paths=["scratch"])
    assert world.account.data_repository_tasks.all[-1].association.id == results


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


def logged(world: World) -> list[str]:
    """The event log of a linked file system on which five files were written, by the streams that there are."""
    logs = world.account.client("logs")
    logs.create_log_group(logGroupName="/aws/fsx/lustre")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/fsx/lustre"
    log = {"Level": "WARN_ERROR", "Destination": group}
    lustre = {"DeploymentType": "SCRATCH_2", "LogConfiguration": log}
    identifier = world.file_system(LustreConfiguration=lustre)["FileSystemId"]
    world.account.clock.advance(421)
    world.link(identifier)
    world.account.clock.advance(61)
    world.account.associations.all[0].content.write("/0:0", at=world.account.clock.now(), count=5)
    world.account.clock.advance(60)
    prefix = f"datarepo_{identifier}"
    streams = logs.describe_log_streams(logGroupName="/aws/fsx/lustre", logStreamNamePrefix=prefix)["logStreams"]
    if not streams:
        return []
    found = logs.filter_log_events(logGroupName="/aws/fsx/lustre", logStreamNamePrefix=prefix)["events"]
    return [event["message"].partition(":")[0] for event in found]


def test_a_file_that_cannot_be_exported_is_logged(world: World) -> None:
    world.scenario(export={"refused": 1})
    assert logged(world) == ["ERROR S3ExportPathSizeTooLong"]


def test_without_an_event_there_is_no_log_stream(world: World) -> None:
    assert logged(world) == []


def test_the_log_has_lines_that_are_no_failed_exports(world: World) -> None:
    world.scenario(export={"warnings": 2})
    assert logged(world) == ["WARN S3ExportResourceBusy", "WARN S3ImportUnsupportedTierWarning"]


def broken(world: World, **plan: Any) -> str:
    """An association that broke ten seconds after it became AVAILABLE, with a file written before and one after."""
    world.scenario(association={"breaks_at": 60, **plan})
    _, identifier = world.linked()
    content = world.account.associations.all[0].content
    content.write("before", at=world.account.clock.now())
    world.account.clock.advance(100)
    content.write("after", at=world.account.clock.now())
    return identifier


def send_policies(world: World, identifier: str) -> None:
    events = {"Events": ["NEW", "CHANGED", "DELETED"]}
    world.account.client("fsx").update_data_repository_association(
        AssociationId=identifier, S3={"AutoImportPolicy": events, "AutoExportPolicy": events}
    )
    world.account.clock.advance(31)


def test_sending_the_policies_again_mends_a_misconfigured_association(world: World) -> None:
    identifier = broken(world)
    assert association(world, identifier)["Lifecycle"] == "MISCONFIGURED"
    send_policies(world, identifier)
    assert association(world, identifier)["Lifecycle"] == "AVAILABLE"
    assert "FailureDetails" not in association(world, identifier)
    content = world.account.associations.all[0].content
    content.write("later", at=world.account.clock.now())
    world.account.clock.advance(60)
    content.settle(world.account.clock.now())
    assert [group.missing() for group in content.groups.values()] == [0, 1, 0], "what changed meanwhile left no trace"


def test_what_still_breaks_it_breaks_it_again(world: World) -> None:
    identifier = broken(world, mends=False)
    send_policies(world, identifier)
    assert association(world, identifier)["Lifecycle"] == "MISCONFIGURED"
    assert "lacks permissions" in association(world, identifier)["FailureDetails"]["Message"]


def test_an_association_that_failed_for_good_takes_no_update(world: World) -> None:
    identifier = broken(world, stays_broken=True)
    assert association(world, identifier)["Lifecycle"] == "FAILED"
    with refused("BadRequest"):
        send_policies(world, identifier)


def test_a_real_obstacle_is_looked_at_again(world: World) -> None:
    world.linked()
    _, second = world.linked()
    send_policies(world, second)
    assert association(world, second)["Lifecycle"] == "MISCONFIGURED", "the other one still listens"
