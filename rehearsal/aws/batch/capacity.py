"""What the instance types of a compute environment can take, as EC2 describes them to Batch. Owns which names Batch
knows, and the largest job that fits; it never reads what the component made of the same names."""

from __future__ import annotations

from functools import cache
from typing import Any

# SDK ComputeResource, instanceTypes: bundles whose families Batch chooses.
BUNDLES = {
    "optimal": ("m6i", "c6i", "r6i", "c7i"),
    "default_x86_64": ("m6i", "c6i", "r6i", "c7i"),
    "default_arm64": ("m6g", "c6g", "r6g", "c7g"),
}
# Less memory registers than is installed (Batch guide, compute resource memory management); of the reports that were
# found, the least is 31,672 MiB of an r5d.xlarge with 32,768 (ASFHyP3/hyp3 #582).
REGISTERED = 31_672 / 32_768
# Batch guide, reserve system memory: kept by the AMI for the ECS agent.
RESERVED_MIB = 32


@cache
def _described() -> dict[str, dict[str, Any]]:
    from moto.ec2.models.instance_types import INSTANCE_TYPES

    return dict(INSTANCE_TYPES)


@cache
def _listed() -> frozenset[str]:
    import botocore.session

    return frozenset(botocore.session.get_session().get_service_model("ec2").shape_for("InstanceType").enum)


@cache
def _types(name: str) -> tuple[str, ...]:
    families = BUNDLES.get(name, (name,))
    known = {*_described(), *_listed()}
    return tuple(one for one in known if one in families or one.partition(".")[0] in families)


def unknown(names: list[str]) -> list[str]:
    """Those of the names that are neither a type, a family nor a bundle."""
    return [name for name in names if not _types(name)]


def architectures(names: list[str]) -> set[str]:
    """What the processors of these are; Batch has an image for each, and a job's image is for one."""
    every = (_described()[one] for name in names for one in _types(name) if one in _described())
    return {kind for one in every for kind in one["ProcessorInfo"]["SupportedArchitectures"]} - {"i386"}


def _gpus(data: dict[str, Any]) -> int:
    """Batch guide, GPU jobs: those of NVIDIA."""
    described = data.get("GpuInfo", {}).get("Gpus", [])
    return sum(gpu.get("Count", 0) for gpu in described if gpu.get("Manufacturer") == "NVIDIA")


def fits(names: list[str], vcpus: float, memory_mib: float, gpus: float = 0) -> bool:
    """Whether an instance of one of these has room for the job; a type without data is taken to have."""
    for one in (each for name in names for each in _types(name)):
        data = _described().get(one)
        if data is None:
            return True
        available_mib = data["MemoryInfo"]["SizeInMiB"] * REGISTERED - RESERVED_MIB
        if vcpus <= data["VCpuInfo"]["DefaultVCpus"] and memory_mib <= available_mib and gpus <= _gpus(data):
            return True
    return False
