"""The published age of the export queue looks like CloudWatch's."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.batch.job_plan import JobPlan, WritesPlan
from tests.rehearsal.aws.cloudwatch.asking import statistics
from tests.rehearsal.aws.world import World


def query(file_system_id: str, period: int = 60, publisher: str | None = "AutoExport", **more: Any) -> dict[str, Any]:
    dimensions = [{"Name": "FileSystemId", "Value": file_system_id}]
    if publisher:
        dimensions.append({"Name": "Publisher", "Value": publisher})
    metric = {"Namespace": "AWS/FSx", "MetricName": "AgeOfOldestQueuedMessage", "Dimensions": dimensions}
    return {"Id": "age", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Maximum"}, **more}


def ages(world: World, file_system_id: str, minutes: float = 15, **more: Any) -> list[tuple[float, float]]:
    """(minute's start, value) since so many minutes ago, newest first."""
    end = world.account.clock.datetime()
    start = end - datetime.timedelta(minutes=minutes)
    answer = world.account.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query(file_system_id, **more)], StartTime=start, EndTime=end
    )["MetricDataResults"][0]
    moments = [moment.timestamp() for moment in answer["Timestamps"]]
    return list(zip(moments, answer["Values"], strict=True))


def write(world: World, count: int, over: float = 0, bytes_each: int = 10_240) -> float:
    """Files that appear evenly from now on."""
    now = float(world.account.clock.now())
    content = world.account.associations.all[0].content
    steps = 225 if over else 1
    for step in range(steps):
        content.write(f"/0:{step}", now + over * (step + 1) / steps, count // steps, bytes_each)
    return now


def test_a_datapoint_is_readable_only_after_its_delay(world: World) -> None:
    file_system_id, _ = world.linked()
    world.account.clock.advance(600)
    newest = ages(world, file_system_id)[0][0]
    behind = world.account.clock.now() - newest
    assert 60 + 90 <= behind < 60 + 90 + 60
    assert newest % 60 == 0


def test_there_is_no_datapoint_from_before_the_link(world: World) -> None:
    file_system_id, _ = world.linked()
    world.account.clock.advance(600)
    oldest = ages(world, file_system_id, minutes=60)[-1][0]
    linked_at = world.account.associations.all[0].linked_at
    assert linked_at is not None
    assert oldest + 60 >= linked_at


def test_only_the_exact_dimensions_have_data(world: World) -> None:
    file_system_id, _ = world.linked()
    world.account.clock.advance(600)
    assert ages(world, file_system_id, publisher=None) == []
    assert ages(world, file_system_id, publisher="AutoImport") == []
    assert ages(world, "fs-00000000000000000") == []
    assert ages(world, file_system_id) != []


def test_a_million_small_files_look_as_they_were_measured(world: World) -> None:
    """1,000,000 files of 10 KB in 225 s: about 58 s a minute up to about 80 minutes, out after about 80 minutes."""
    measured = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 250}
    file_system_id, _ = world.linked(LustreConfiguration=measured)
    began = write(world, 999_900, over=225)
    world.account.clock.advance(100 * 60)
    curve = [value for _, value in reversed(ages(world, file_system_id, minutes=99))]
    top = max(curve)
    assert 70 * 60 < top < 90 * 60
    climb = (curve[60] - curve[20]) / 40
    assert 50 < climb <= 60
    assert curve[-1] == 0
    content = world.account.associations.all[0].content
    content.settle(world.account.clock.now())
    assert content.last_exported_at is not None
    assert 75 * 60 < content.last_exported_at - began < 90 * 60


def test_a_gap_has_no_datapoints(world: World) -> None:
    world.scenario(metric={"gaps": [{"at": 0, "for": 300}]}, job={"writes": [{}]})
    file_system_id, _ = world.linked()
    association = world.account.associations.all[0]
    world.account.associations.begin(association.file_system)
    world.account.work.start(
        JobPlan(writes=[WritesPlan()]), association.content, None, "", {}, lambda code, why: None, lambda lines: None
    )
    world.account.clock.advance(900)
    minutes = [moment for moment, _ in ages(world, file_system_id, minutes=15)]
    origin = association.file_system.first_attempt_at
    assert origin is not None
    assert not [moment for moment in minutes if origin <= moment < origin + 300]
    assert [moment for moment in minutes if moment >= origin + 300]


def test_longer_periods_take_the_maximum_of_their_minutes(world: World) -> None:
    world.scenario(export={"files_per_second": 1})
    file_system_id, _ = world.linked()
    write(world, 400)
    world.account.clock.advance(1800)
    by_minute = dict(ages(world, file_system_id, minutes=30))
    by_five = ages(world, file_system_id, minutes=30, period=300)
    for start, value in by_five[1:-1]:
        assert value == max(by_minute[start + offset] for offset in range(0, 300, 60))


def test_pages_are_followed_by_their_token_and_read_in_both_directions(world: World) -> None:
    file_system_id, _ = world.linked()
    world.account.clock.advance(1200)
    end = world.account.clock.datetime()
    request = {
        "MetricDataQueries": [query(file_system_id)],
        "StartTime": end - datetime.timedelta(minutes=15),
        "EndTime": end,
        "ScanBy": "TimestampAscending",
        "MaxDatapoints": 5,
    }
    client = world.account.client("cloudwatch")
    found: list[Any] = []
    answer = client.get_metric_data(**request)
    assert answer["MetricDataResults"][0]["StatusCode"] == "PartialData"
    found += answer["MetricDataResults"][0]["Timestamps"]
    while "NextToken" in answer:
        answer = client.get_metric_data(**request, NextToken=answer["NextToken"])
        found += answer["MetricDataResults"][0]["Timestamps"]
    assert answer["MetricDataResults"][0]["StatusCode"] == "Complete"
    assert found == sorted(found)
    assert len(found) == len(set(found)) == len(ages(world, file_system_id))


def test_a_start_after_the_end_is_refused(world: World) -> None:
    now = world.account.clock.datetime()
    with pytest.raises(ClientError, match="StartTime must be less"):
        world.account.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query("fs-1")], StartTime=now, EndTime=now
        )


def test_the_bytes_that_were_written_are_counted_by_the_minute_and_readable_as_late_as_any(world: World) -> None:
    file_system_id, _ = world.linked()
    clock = world.account.clock
    clock.advance(60 - clock.now() % 60)
    began = write(world, 225, over=225, bytes_each=1000)
    clock.advance(600)

    def asked(*dimensions: dict[str, str], stat: str = "Sum") -> dict[float, float]:
        stated = {"Namespace": "AWS/FSx", "MetricName": "DataWriteBytes", "Dimensions": list(dimensions)}
        answer = world.account.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "written", "MetricStat": {"Metric": stated, "Period": 60, "Stat": stat}}],
            StartTime=datetime.datetime.fromtimestamp(began, datetime.UTC),
            EndTime=clock.datetime(),
        )["MetricDataResults"][0]
        return {at.timestamp() - began: value for at, value in zip(answer["Timestamps"], answer["Values"], strict=True)}

    of_it = {"Name": "FileSystemId", "Value": file_system_id}
    found = asked(of_it)
    assert sum(found.values()) == 225_000
    assert (found[0.0], found[60.0], found[240.0]) == (59_000, 60_000, 0)
    assert max(found) + 60 + 90 <= clock.now() - began
    assert asked({"Name": "FileSystemId", "Value": "fs-00000000000000000"}) == {}
    assert asked(of_it, {"Name": "Publisher", "Value": "AutoExport"}) == {}


def test_what_is_published_says_since_when_it_can_be_read(world: World) -> None:
    file_system_id, _ = world.linked()
    world.account.clock.advance(600)
    [association] = world.account.associations.all
    published = world.account.cloudwatch.fsx.published(association)
    assert {readable - at for at, _, readable in published} == {90}
    assert [(at - 60, value) for at, value, _ in reversed(published)] == ages(world, file_system_id)


def free(world: World, file_system_id: str, statistic: str, minutes: float = 15) -> list[float]:
    return statistics(
        world.account,
        "AWS/FSx",
        "FreeDataStorageCapacity",
        statistic,
        minutes=minutes,
        of={"FileSystemId": file_system_id},
    )


def test_what_is_free_is_published_each_minute_for_each_storage_target(world: World) -> None:
    file_system_id, _ = world.linked(StorageCapacity=2400)
    capacity = world.account.file_systems.all[file_system_id].space.capacity
    world.account.clock.advance(300)
    assert free(world, file_system_id, "Sum")[-1] == capacity
    assert free(world, file_system_id, "SampleCount")[-1] == 2
    write(world, 100, bytes_each=10**9)
    world.account.clock.advance(240)
    assert free(world, file_system_id, "Sum")[-1] == capacity - 10**11
    assert free(world, file_system_id, "Minimum")[-1] == free(world, file_system_id, "Maximum")[-1]
    assert min(free(world, file_system_id, "Minimum")) / max(free(world, file_system_id, "Maximum")) == pytest.approx(
        1 - 10**11 / capacity
    )


def test_what_is_removed_is_free_again_and_what_was_free_before_stays_known(world: World) -> None:
    file_system_id, _ = world.linked()
    content, clock = world.account.associations.all[0].content, world.account.clock
    clock.advance(60 - clock.now() % 60)
    content.write("/0", clock.now(), 1, 10**12)
    clock.advance(120)
    content.remove("/0", clock.now())
    clock.advance(240)
    capacity = world.account.file_systems.all[file_system_id].space.capacity
    assert (
        free(world, file_system_id, "Sum", minutes=7)[-6:]
        == [
            capacity,
            capacity - 10**12,
            capacity - 10**12,
            capacity,
            capacity,
        ][-6:]
    )


def test_nothing_is_published_of_a_file_system_that_is_still_being_created(world: World) -> None:
    file_system_id = world.file_system()["FileSystemId"]
    world.account.clock.advance(400)
    assert free(world, file_system_id, "Sum") == []
    world.account.clock.advance(300)
    assert 1 <= len(free(world, file_system_id, "Sum")) <= 4
