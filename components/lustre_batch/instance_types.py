"""What EC2's instance types offer a job: vCPUs, memory, architecture, GPUs. Owns what Batch makes of the names that a
compute environment lists.

The data is EC2's own answer to DescribeInstanceTypes, as moto ships it; it is read without importing moto, which takes
seconds. A type that botocore knows and moto does not is newer: it is accepted without a look at its size.
"""

import difflib
import gzip
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

# SDK ComputeResource, instanceTypes: the families from which Batch chooses when it is given one of these names. It
# updates them from time to time; nothing larger than these is counted on.
BUNDLES: Final = {
    "optimal": ("m6i", "c6i", "r6i", "c7i"),
    "default_x86_64": ("m6i", "c6i", "r6i", "c7i"),
    "default_arm64": ("m6g", "c6g", "r6g", "c7g"),
}
# Batch guide, compute resource memory management: of the 8,192 MiB of an m4.large 7,985 register, and the AMI keeps 32
# of them for the ECS agent. Others register less (31,672 of 32,768 MiB on an r5d.xlarge, ASFHyP3/hyp3 #582): not
# everything that passes has to fit.
_REGISTERED, _INSTALLED, _RESERVED_MIB = 7985, 8192, 32
# SDK Ec2Configuration, imageType: what Batch's images of Amazon Linux 2023 do not support.
_WITHOUT_IMAGE: Final = {"a1", "g3", "g3s", "p3", "p3dn"}
# EC2 guide, instance type naming: letters, then the generation. Im4gn and Is4gen belong to the I family.
_STANDARD: Final = re.compile(r"([acdhimrtz]|im|is)\d")
Offer = tuple[int, int, int]
"""vCPUs, memory (MiB) and GPUs that no job of an instance exceeds."""


@dataclass(frozen=True)
class InstanceType:
    """One type, as far as a job is concerned."""

    name: str
    vcpus: int
    memory_mib: int
    architectures: frozenset[str]
    nvidia_gpus: int | None
    """How many a job can have. A share of one is 0; none at all is None."""


@dataclass(frozen=True)
class Quota:
    """What limits the vCPUs that an account runs at a time in a region; without a code, more than one quota does."""

    code: str
    name: str


# EC2 guide, Spot Instance quotas and On-Demand Instance quotas: the standard families share one of each.
_STANDARD_QUOTAS: Final = {
    "SPOT": Quota("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests (L-34B43A08)"),
    "EC2": Quota("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances (L-1216C47A)"),
}


@cache
def catalogue() -> Mapping[str, InstanceType]:
    """Every type that moto knows, by name."""
    spec = importlib.util.find_spec("moto")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "ec2" / "resources" / "instance_types.json.gz"
    with gzip.open(path) as file:
        described: dict[str, dict[str, Any]] = json.load(file)
    return {
        name: InstanceType(
            name=name,
            vcpus=one["VCpuInfo"]["DefaultVCpus"],
            memory_mib=one["MemoryInfo"]["SizeInMiB"],
            architectures=frozenset(one["ProcessorInfo"]["SupportedArchitectures"]),
            nvidia_gpus=_nvidia_gpus(one),
        )
        for name, one in described.items()
    }


def _nvidia_gpus(described: Mapping[str, Any]) -> int | None:
    counts = [
        gpu.get("Count", 0)
        for gpu in described.get("GpuInfo", {}).get("Gpus", [])
        if gpu.get("Manufacturer") == "NVIDIA"
    ]
    return sum(counts) if counts else None


@cache
def _known_names() -> frozenset[str]:
    """The names that the SDK lists as well: newer types are there first."""
    import botocore.session

    shape = botocore.session.get_session().get_service_model("ec2").shape_for("InstanceType")
    return frozenset(catalogue()) | frozenset(shape.enum)


def _family(name: str) -> str:
    return name.partition(".")[0]


def families(name: str) -> tuple[str, ...]:
    """What a bundle stands for; any other name stands for itself."""
    return BUNDLES.get(name, (name,))


def patterns(names: Iterable[str]) -> list[str]:
    """What Batch takes as instance types, as EC2's filter takes it: a family is all of its sizes."""
    each = (one for name in names for one in families(name))
    return list(dict.fromkeys(one if "." in one else f"{one}.*" for one in each))


def _members(name: str) -> list[InstanceType]:
    """The types that a name stands for, as far as their data is known."""
    if "." in name:
        return [catalogue()[name]] if name in catalogue() else []
    return [one for one in catalogue().values() if _family(one.name) in families(name)]


def problem_with(names: Sequence[str]) -> str | None:
    """Why an environment cannot be made of these: the value and the rule."""
    for name in names:
        if (problem := _unknown(name) or _without_image(name)) is not None:
            return problem
    kinds = {name: architecture for name in names if (architecture := _architecture(name))}
    if len(set(kinds.values())) > 1:
        each = ", ".join(f"{name} is {kind}" for name, kind in kinds.items())
        return f"{json.dumps(list(names))} is not of one architecture, as the job's image is: {each}"
    return None


def _unknown(name: str) -> str | None:
    if _members(name) or name in _known_names():
        return None
    known_families = {_family(known) for known in _known_names()}
    if name in known_families:
        return None
    sizes = sorted(_members(_family(name)), key=lambda one: (one.vcpus, one.name))
    if sizes:
        hint = f" ({_family(name)} has {', '.join(one.name.partition('.')[2] for one in sizes)})"
    else:
        near = difflib.get_close_matches(name, [*BUNDLES, *sorted(known_families), *sorted(_known_names())], n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{name} is not an instance type or family of EC2{hint}"


def _without_image(name: str) -> str | None:
    family = _family(name)
    kinds = {kind for one in _members(name) for kind in one.architectures}
    if kinds and not kinds & {"x86_64", "arm64"}:
        return f"{name} is not an instance type for Linux containers: its architecture is {', '.join(sorted(kinds))}"
    # The image with NVIDIA's drivers is for x86.
    if family in _WITHOUT_IMAGE or (_has_nvidia_gpus(name) and _architecture(name) == "arm64"):
        return f"{name} is not supported by Batch's images of Amazon Linux 2023"
    return None


def _architecture(name: str) -> str | None:
    kinds = {kind for one in _members(name) for kind in one.architectures} & {"x86_64", "arm64"}
    return min(kinds) if len(kinds) == 1 else None


def _has_nvidia_gpus(name: str) -> bool:
    return any(one.nvidia_gpus is not None for one in _members(name))


def architectures(names: Iterable[str]) -> list[str]:
    """What the images of jobs on these have to be made for, as far as it is known."""
    return sorted({one for one in map(_architecture, names) if one is not None})


def image_types(names: Iterable[str]) -> list[str]:
    """Batch's image types for these: instances with NVIDIA's GPUs have one of their own (SDK Ec2Configuration)."""
    return ["ECS_AL2023", *(["ECS_AL2023_NVIDIA"] if any(map(_has_nvidia_gpus, names)) else [])]


def offers(names: Iterable[str]) -> list[Offer]:
    """The largest jobs that these take, none within another; nothing where one of them has no known size."""
    found: set[Offer] = set()
    for name in names:
        members = _members(name)
        if not members or ("." not in name and any(map(_has_newer, families(name)))):
            return []
        found |= {
            (one.vcpus, one.memory_mib * _REGISTERED // _INSTALLED - _RESERVED_MIB, one.nvidia_gpus or 0)
            for one in members
        }
    return sorted(one for one in found if not any(_within(one, other) for other in found if other != one))


def _has_newer(family: str) -> bool:
    return any(_family(name) == family and name not in catalogue() for name in _known_names())


def _within(one: Offer, other: Offer) -> bool:
    return all(mine <= others for mine, others in zip(one, other, strict=True))


def fits(job: Offer, offered: Sequence[Offer]) -> bool:
    """Whether one of the offers takes such a job; without any, nothing is known against it."""
    return not offered or any(_within(job, offer) for offer in offered)


def too_small(names: Sequence[str], offered: Sequence[Offer]) -> str:
    """What is said of a job that fits none of them, after its own values."""
    largest = " or ".join(
        f"{vcpus} vCPUs, {memory_mib} MiB and {gpus} GPUs" if gpus else f"{vcpus} vCPUs and {memory_mib} MiB"
        for vcpus, memory_mib, gpus in offered
    )
    return (
        f"fits none of computeEnvironmentInstanceTypes {json.dumps(list(names))}, "
        f"of which a job gets at most about {largest} (kernel and ECS agent keep some of the installed memory)"
    )


def vcpu_quota(names: Iterable[str], environment_type: str) -> Quota:
    """The quota that all of these count against, if there is one for all."""
    if all(name in BUNDLES or _STANDARD.match(name) for name in names):
        return _STANDARD_QUOTAS[environment_type]
    return Quota("", "that of each of its instance families")
