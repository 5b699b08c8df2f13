"""The speed of an export, of creation and of deletion, held against what others measured."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest

from rehearsal.aws.fsx import speed
from rehearsal.aws.fsx.speed import EXPORT, EXPORTS, Export, law_of
from tests.docs import markdown
from tests.rehearsal.aws.world import World


def off(law: speed.ExportLaw, measured: Export) -> float:
    """How much longer the law says an export takes than it took, in percent."""
    predicted = law.seconds(measured.files, measured.bytes_each, measured.throughput)
    return 100 * (predicted / measured.seconds - 1)


@pytest.mark.parametrize("measured", EXPORTS)
def test_the_law_meets_each_measurement_within_15_percent(measured: Export) -> None:
    assert abs(off(EXPORT, measured)) < 15


def test_each_measurement_as_the_others_predict_it_is_what_the_page_says() -> None:
    """Those of other throughputs predict the slowest large one a third too fast: nobody measured what is below it."""
    found = [
        (off(EXPORT, each), off(law_of(other for other in EXPORTS if other is not each), each)) for each in EXPORTS
    ]
    [table] = [table for table in markdown.tables("docs/rehearsal.md") if "predicted" in " ".join(table[0])]
    shown = [tuple(float(cell.replace("−", "-").rstrip(" %")) for cell in row[-2:]) for row in table[1:]]
    assert shown == [(round(law), round(others)) for law, others in found]
    assert max(abs(others) for _, others in found[1:]) < 15


def test_more_throughput_never_exports_more_slowly() -> None:
    throughputs = [60.0 * step for step in range(1, 200)]
    for of in (EXPORT.files_per_second, EXPORT.bytes_per_second):
        assert all(of(low) < of(high) for low, high in pairwise(throughputs))
    assert all(EXPORT.bytes_per_second(each) <= 1_000_000 * each for each in throughputs)


@pytest.mark.parametrize(
    ("capacity_gib", "lustre", "megabytes_per_second"),
    [
        (1200, {"DeploymentType": "SCRATCH_2"}, 240),
        (2400, {"DeploymentType": "SCRATCH_2"}, 480),
        (2400, {"DeploymentType": "PERSISTENT_1", "PerUnitStorageThroughput": 50}, 120),  # the SDK's own example
        (4800, {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}, 600),
    ],
)
def test_the_throughput_is_capacity_times_throughput_per_tib(
    capacity_gib: int, lustre: dict[str, Any], megabytes_per_second: float
) -> None:
    request = {"StorageCapacity": capacity_gib, "LustreConfiguration": lustre}
    assert speed.throughput(request) == pytest.approx(megabytes_per_second)


@pytest.mark.parametrize(
    ("lustre", "capacity_gib", "least", "most"),
    [
        ({"DeploymentType": "SCRATCH_2"}, 1200, 454, 460),
        ({"DeploymentType": "SCRATCH_2"}, 48_000, 550, 570),
        ({"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}, 1200, 120, 480),
    ],
)
def test_creation_takes_what_was_measured_for_type_and_capacity(
    world: World, lustre: dict[str, Any], capacity_gib: int, least: float, most: float
) -> None:
    world.scenario(file_system={"create": None, "delete": None})
    client = world.account.client("fsx")
    made = world.file_system(LustreConfiguration=lustre, StorageCapacity=capacity_gib)["FileSystemId"]

    def lifecycles() -> list[str]:
        return [one["Lifecycle"] for one in client.describe_file_systems()["FileSystems"]]

    world.account.clock.advance(least - 1)
    assert lifecycles() == ["CREATING"]
    world.account.clock.advance(most - least + 2)
    assert lifecycles() == ["AVAILABLE"]
    client.delete_file_system(FileSystemId=made)
    world.account.clock.advance(299)
    assert lifecycles() == ["DELETING"]
    world.account.clock.advance(61)
    assert lifecycles() == []


def exported_after(world: World, planned: dict[str, float], **asked: Any) -> float:
    """How long 10,000 files of 10 KB take, with the 8 s that pass before anything is exported."""
    world.scenario(export=planned)
    made = world.file_system(**asked)["FileSystemId"]
    world.account.clock.advance(1000)
    world.link(made)
    world.account.clock.advance(61)
    content, began = world.account.associations.all[0].content, world.account.clock.now()
    content.write("work", at=began, count=10_000, bytes_each=10_000)
    world.account.clock.advance(3600)
    content.settle(world.account.clock.now())
    assert content.last_exported_at is not None
    return content.last_exported_at - began


def test_export_speed_follows_from_the_file_system_unless_the_scenario_says_otherwise(world: World) -> None:
    persistent = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 250}
    assert exported_after(world, {}, LustreConfiguration=persistent) == pytest.approx(10_000 / 213 + 8, abs=1)
    assert exported_after(world, {}, StorageCapacity=2400) == pytest.approx(10_000 / 341 + 8, abs=1)
    assert exported_after(world, {"files_per_second": 100}, StorageCapacity=2400) == pytest.approx(100 + 8, abs=1)
    assert exported_after(world, {"bytes_per_second": 100_000}) == pytest.approx(1000 + 8, abs=1)


def test_the_page_names_what_is_assumed_below_the_measurements() -> None:
    text = markdown.text("docs/rehearsal.md")
    assert re.search(rf"\b{EXPORT.files_per_second(480):.0f} files\b", text)
    assert re.search(rf"\b{EXPORT.bytes_per_second(480) / 1e6:.0f} MB/s", text)
    assert re.search(rf"\b{EXPORT.files_per_second(240):.0f} files\b", text)
    assert re.search(rf"\b{EXPORT.bytes_per_second(240) / 1e6:.0f} MB/s", text)
