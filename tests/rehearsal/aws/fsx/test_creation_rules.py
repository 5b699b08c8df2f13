"""What FSx refuses of a request for a file system, and that the parameters allow nothing else than what it takes."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lustre_batch import Settings, SettingsError, read_settings

from rehearsal.aws.fsx.creation_rules import automatic_metadata_iops, refusals
from tests.graph.recording import record_stack
from tests.rehearsal.aws.world import World
from tests.workflow.conftest import definition_of
from tests.workflow.evaluation import RUN, evaluate

P2 = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}


def metadata(iops: int | None = None, mode: str = "USER_PROVISIONED") -> dict[str, Any]:
    return {"MetadataConfiguration": {"Mode": mode} | ({} if iops is None else {"Iops": iops})}


@pytest.mark.parametrize(
    ("more", "lustre"),
    [
        ({}, {"DeploymentType": "SCRATCH_2", "DataCompressionType": "LZ4"}),
        ({"FileSystemTypeVersion": "2.10"}, {"DeploymentType": "PERSISTENT_1", "PerUnitStorageThroughput": 50}),
        ({"FileSystemTypeVersion": "2.12", "KmsKeyId": "key"}, P2),
        ({}, P2 | metadata(1500)),
        ({}, P2 | metadata(mode="AUTOMATIC")),
        ({"StorageCapacity": 2_400_000}, P2 | metadata(192_000)),
        ({"StorageCapacity": 7200}, P2 | {"PerUnitStorageThroughput": 1000, "AutomaticBackupRetentionDays": 0}),
    ],
)
def test_fsx_takes_what_goes_together(world: World, more: dict[str, Any], lustre: dict[str, Any]) -> None:
    made = world.file_system(**more, LustreConfiguration=lustre)
    assert made["StorageCapacity"] == more.get("StorageCapacity", 1200)
    for key in ("DeploymentType", "DataCompressionType", "PerUnitStorageThroughput"):
        assert made["LustreConfiguration"].get(key) == lustre.get(key, "NONE" if key == "DataCompressionType" else None)


@pytest.mark.parametrize(
    ("more", "lustre", "words"),
    [
        ({}, {"DeploymentType": "SCRATCH_1"}, "SCRATCH_1 is not modelled"),
        ({}, {"DeploymentType": "SCRATCH_2", "PerUnitStorageThroughput": 200}, "not supported for SCRATCH_2"),
        ({}, {"DeploymentType": "PERSISTENT_1"}, "PerUnitStorageThroughput is required for PERSISTENT_1"),
        ({}, {"DeploymentType": "PERSISTENT_1", "PerUnitStorageThroughput": 125}, "must be one of (50, 100, 200)"),
        ({}, {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 200}, "must be one of (125, 250, 500"),
        ({"FileSystemTypeVersion": "2.10"}, P2, "Lustre version 2.10 is not supported for PERSISTENT_2"),
        ({"FileSystemTypeVersion": "2.12"}, P2 | metadata(1500), "not supported for Lustre version 2.12"),
        ({}, {"DeploymentType": "SCRATCH_2"} | metadata(1500), "MetadataConfiguration is not supported for SCRATCH_2"),
        ({}, P2 | metadata(), "Iops is required"),
        ({}, P2 | metadata(1500, "AUTOMATIC"), "Iops cannot be given"),
        ({}, P2 | metadata(18_000), "18000 is not 1500, 3000"),
        ({"StorageCapacity": 4800}, P2 | metadata(3000), "less than the 6000 of AUTOMATIC mode"),
        ({"StorageCapacity": 3600}, P2, "storage capacity 3600"),
        ({"StorageType": "HDD"}, P2, "Only SSD"),
        ({"KmsKeyId": "key"}, {"DeploymentType": "SCRATCH_2"}, "KmsKeyId is not supported for SCRATCH_2"),
        ({}, {"DeploymentType": "SCRATCH_2", "AutomaticBackupRetentionDays": 7}, "backups are not supported"),
        ({}, P2 | {"ImportPath": "s3://bucket"}, "exclude data repository associations"),
        ({}, P2 | {"DriveCacheType": "READ"}, "for other storage types"),
    ],
)
def test_fsx_refuses_what_does_not(world: World, more: dict[str, Any], lustre: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as refused:
        world.file_system(**more, LustreConfiguration=lustre)
    assert words in str(refused.value)
    throughput = "PerUnitStorageThroughput" in refused.value.response["Error"]["Message"]
    expected = "InvalidPerUnitStorageThroughput" if throughput else "BadRequest"
    assert refused.value.response["Error"]["Code"] == expected


def test_a_file_system_with_backups_cannot_be_linked(world: World) -> None:
    made = world.file_system(LustreConfiguration=P2 | {"AutomaticBackupRetentionDays": 1})
    world.account.clock.advance(900)
    with pytest.raises(ClientError, match="automatic backups cannot be linked"):
        world.link(made["FileSystemId"])


@pytest.mark.parametrize(
    ("capacity_gib", "iops"),
    [(1200, 1500), (2400, 3000), (4800, 6000), (9600, 6000), (12_000, 12_000), (45_600, 12_000), (48_000, 24_000)],
)
def test_automatic_mode_provisions_by_capacity(capacity_gib: int, iops: int) -> None:
    """FSx guide, file system metadata performance."""
    assert automatic_metadata_iops(capacity_gib) == iops


def test_the_parameters_allow_exactly_what_fsx_takes() -> None:
    """What passes the rules becomes a request that FSx takes, and what they refuse, FSx refuses."""
    arguments = definition_of(record_stack()).states["CreateFileSystem"]["Arguments"]
    asked = dict(evaluate(arguments, parameters=Settings().run_time_values(), target=RUN, tags={}))
    taken = 0
    every = itertools.product(
        ["SCRATCH_2", "PERSISTENT_1", "PERSISTENT_2"],
        [0, 50, 100, 125, 200, 250, 500, 1000],
        ["2.12", "2.15"],
        [1200, 2400, 4800, 9600, 12_000, 45_600, 48_000, 50_400, 384_000, 386_400],
        [0, 1500, 3000, 6000, 12_000, 24_000, 36_000, 180_000, 192_000],
    )
    for kind, throughput, version, capacity, iops in random.Random(0).sample(list(every), 1500):
        values = {
            "lustreDeploymentType": kind,
            "lustrePerUnitStorageThroughput": throughput,
            "lustreFileSystemTypeVersion": version,
            "lustreStorageCapacity": capacity,
            "lustreMetadataIops": iops,
        }
        try:
            read_settings(values)
        except SettingsError:
            allowed = False
        else:
            allowed = True
        lustre: dict[str, Any] = {"DeploymentType": kind}
        request = asked | {"StorageCapacity": capacity, "FileSystemTypeVersion": version}
        if throughput:
            lustre |= {"PerUnitStorageThroughput": throughput}
        if iops:
            lustre |= metadata(iops)
        assert (not list(refusals(request | {"LustreConfiguration": lustre}))) == allowed, values
        taken += allowed
    assert taken > 50
