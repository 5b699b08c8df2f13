"""Instance types: what Batch cannot make an environment of, and jobs that fit none of them, are refused in one line."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from lustre_batch import SettingsError, instance_types, read_settings
from moto.ec2.models.instance_types import INSTANCE_TYPES

KEY = "computeEnvironmentInstanceTypes"
SMALL = {"jobDefinitionVcpus": 2, "jobDefinitionMemory": 2000}


def refused(names: list[str], **more: Any) -> str:
    with pytest.raises(SettingsError) as error:
        read_settings({KEY: names, **more})
    (line,) = error.value.problems
    return line


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["optimal", "c7g"],
            '["optimal", "c7g"] is not of one architecture, as the job\'s image is: optimal is x86_64',
        ),
        (["c7i.large", "m7g.large"], "c7i.large is x86_64, m7g.large is arm64"),
        (["default_arm64", "m7i"], "default_arm64 is arm64, m7i is x86_64"),
        (["c7i.gigantic"], "c7i.gigantic is not an instance type or family of EC2 (c7i has large, xlarge, 2xlarge,"),
        (["c7ii"], "c7ii is not an instance type or family of EC2 (did you mean c7i?)"),
        (["optimol"], "optimol is not an instance type or family of EC2 (did you mean optimal?)"),
        (["c7i", "zz9"], "zz9 is not an instance type or family of EC2"),
        (["a1"], "a1 is not supported by Batch's images of Amazon Linux 2023"),
        (["p3.2xlarge"], "p3.2xlarge is not supported by Batch's images of Amazon Linux 2023"),
        (["g5g"], "g5g is not supported by Batch's images of Amazon Linux 2023"),
        (["mac2.metal"], "mac2.metal is not an instance type for Linux containers"),
    ],
)
def test_what_batch_cannot_make_an_environment_of_is_refused_in_one_line(names: list[str], words: str) -> None:
    line = refused(names, **SMALL)
    assert line.startswith(f"{KEY}: ")
    assert words in line


@pytest.mark.parametrize(
    "names",
    [
        ["optimal"],
        ["default_x86_64", "c7i"],
        ["default_arm64"],
        ["c7g", "m7g.4xlarge"],
        ["g5"],
        ["p5.48xlarge"],
        ["inf2"],
    ],
)
def test_every_architecture_and_family_that_works_is_taken(names: list[str]) -> None:
    assert read_settings({KEY: names, **SMALL}).compute_environment_instance_types == names


def test_a_job_with_more_vcpus_than_any_named_type_is_refused() -> None:
    assert refused(["c7i.large"], jobDefinitionVcpus=32) == (
        "jobDefinitionVcpus: 32 with jobDefinitionMemory 30000 (MiB) fits none of computeEnvironmentInstanceTypes "
        '["c7i.large"], of which a job gets at most about 2 vCPUs and 3960 MiB '
        "(kernel and ECS agent keep some of the installed memory)"
    )


@pytest.mark.parametrize(("memory", "taken"), [(32_768, False), (32_736, False), (31_909, False), (31_908, True)])
def test_memory_that_an_instance_has_but_never_registers_is_refused(memory: int, taken: bool) -> None:
    """Batch guide, memory management: 7,985 of 8,192 MiB register, and 32 of them are kept for the agent."""
    job = {"jobDefinitionVcpus": 8, "jobDefinitionMemory": memory}
    if taken:
        read_settings({KEY: ["m7i.2xlarge"], **job})
    else:
        assert f"jobDefinitionMemory {memory} (MiB) fits none of" in refused(["m7i.2xlarge"], **job)


@pytest.mark.parametrize(
    ("name", "vcpus", "memory"),
    [
        ("m4.large", 2, 7_985 - 32),  # Batch guide, memory management
        ("r5d.xlarge", 4, 31_672),  # ASFHyP3/hyp3 #582
        ("r5d.2xlarge", 8, 63_591),  # ASFHyP3/hyp3 #446
    ],
)
def test_what_instances_were_seen_to_offer_is_never_refused(name: str, vcpus: int, memory: int) -> None:
    read_settings({KEY: [name], "jobDefinitionVcpus": vcpus, "jobDefinitionMemory": memory})


def test_the_default_job_is_taken_by_any_instance_of_32_gib() -> None:
    read_settings({KEY: ["m7i.2xlarge"], "jobDefinitionVcpus": 8})


def test_vcpus_of_one_type_and_memory_of_another_are_no_instance() -> None:
    names = ["c7i.24xlarge", "r7i.8xlarge"]  # 96 vCPUs and 192 GiB, 32 and 256
    read_settings({KEY: names, "jobDefinitionVcpus": 32, "jobDefinitionMemory": 250_000})
    read_settings({KEY: names, "jobDefinitionVcpus": 96, "jobDefinitionMemory": 190_000})
    line = refused(names, jobDefinitionVcpus=96, jobDefinitionMemory=250_000)
    assert "at most about 32 vCPUs and 255488 MiB or 96 vCPUs and 191608 MiB" in line


def test_a_family_takes_what_its_largest_type_takes() -> None:
    read_settings({KEY: ["c7i"], "jobDefinitionVcpus": 192, "jobDefinitionMemory": 380_000})


@pytest.mark.parametrize(
    ("bundle", "vcpus", "memory"),
    [("optimal", 192, 380_000), ("default_x86_64", 128, 1_000_000), ("default_arm64", 64, 500_000)],
)
def test_a_bundle_takes_what_the_largest_types_of_its_families_take(bundle: str, vcpus: int, memory: int) -> None:
    """SDK ComputeResource, instanceTypes: up to c7i.48xlarge and r6i.32xlarge, c7g.16xlarge and r6g.16xlarge."""
    job = {"computeEnvironmentMaxvCpus": 512, "jobDefinitionVcpus": vcpus, "jobDefinitionMemory": memory}
    read_settings({KEY: [bundle], **job})
    for larger in ({"jobDefinitionVcpus": 256}, {"jobDefinitionMemory": 1_040_000}):
        assert f'fits none of {KEY} ["{bundle}"]' in refused([bundle], **(job | larger))


def test_a_bundle_and_a_larger_type_beside_it_take_what_the_type_takes() -> None:
    job = {"computeEnvironmentMaxvCpus": 512, "jobDefinitionVcpus": 192, "jobDefinitionMemory": 740_000}
    refused(["optimal"], **job)
    read_settings({KEY: ["optimal", "m7i"], **job})


def test_a_type_that_only_the_sdk_knows_is_taken_without_a_look_at_the_size() -> None:
    newer = sorted(set(instance_types._known_names()) - set(INSTANCE_TYPES))
    assert newer
    assert read_settings({KEY: ["u-12tb1.metal"], "jobDefinitionVcpus": 250, "jobDefinitionMemory": 1_000_000})


def test_a_wrong_name_is_not_blamed_for_the_size_of_the_job_as_well() -> None:
    assert "fits none of" not in refused(["c7i.gigantic", "c7i.large"], jobDefinitionVcpus=32)


def test_only_instances_with_nvidias_gpus_start_from_their_image_which_stands_beside_the_other() -> None:
    """SDK Ec2Configuration: one or two values, ECS_AL2023_NVIDIA for GPU families."""
    assert instance_types.image_types(["c7i", "m7i.large"]) == ["ECS_AL2023"]
    assert instance_types.image_types(["g4ad"]) == ["ECS_AL2023"]  # AMD's
    assert instance_types.image_types(["c7i", "g6.xlarge"]) == ["ECS_AL2023", "ECS_AL2023_NVIDIA"]


def test_the_sizes_are_those_that_moto_ships() -> None:
    assert {name: (one.vcpus, one.memory_mib) for name, one in instance_types.catalogue().items()} == {
        name: (data["VCpuInfo"]["DefaultVCpus"], data["MemoryInfo"]["SizeInMiB"])
        for name, data in INSTANCE_TYPES.items()
    }


def test_they_are_read_without_importing_moto() -> None:
    read = "import sys; from lustre_batch import instance_types; instance_types.catalogue()"
    subprocess.run([sys.executable, "-c", f"{read}; assert 'moto' not in sys.modules"], check=True)
