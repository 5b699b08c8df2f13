"""What CreateFileSystem refuses of a request for a Lustre file system with SSD storage: which members go together, and
which values each takes there. Owns these rules alone, as functions of the request; it must never be kinder than FSx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Refusal(NamedTuple):
    """FSx's error, and its message."""

    error: str
    message: str


class DeploymentType(NamedTuple):
    """SDK CreateFileSystem and CreateFileSystemLustreConfiguration, for SSD."""

    versions: tuple[str, ...]
    throughputs: tuple[int, ...] = ()  # PerUnitStorageThroughput: required where there are any, not supported otherwise


DEPLOYMENT_TYPES = {
    "SCRATCH_2": DeploymentType(("2.10", "2.12", "2.15")),
    "PERSISTENT_1": DeploymentType(("2.10", "2.12", "2.15"), (50, 100, 200)),
    "PERSISTENT_2": DeploymentType(("2.12", "2.15"), (125, 250, 500, 1000)),
}
SMALLEST_GIB, STEP_GIB = 1200, 2400  # StorageCapacity: 1200, 2400 and increments of 2400, for each of these types
LARGEST_METADATA_IOPS = 192_000


def refusals(params: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield every reason for which FSx refuses the request, network settings aside."""
    for message in _wrong(params, params.get("LustreConfiguration", {})):
        yield Refusal("BadRequest", message)
    if wrong := _wrong_throughput(params.get("LustreConfiguration", {})):
        yield Refusal("InvalidPerUnitStorageThroughput", wrong)


def default_version(lustre: Mapping[str, Any]) -> str:
    """SDK CreateFileSystem, FileSystemTypeVersion."""
    if lustre.get("DeploymentType") != "PERSISTENT_2":
        return "2.10"
    return "2.15" if "MetadataConfiguration" in lustre else "2.12"


def automatic_metadata_iops(capacity_gib: int) -> int:
    """What AUTOMATIC mode provisions (FSx guide, file system metadata performance).

    From 48,000 GiB on it is 12,000 IOPS per 24,000 GiB; that a part of these counts as a whole is assumed."""
    for up_to, iops in ((1200, 1500), (2400, 3000), (9600, 6000), (45_600, 12_000)):
        if capacity_gib <= up_to:
            return iops
    return min(LARGEST_METADATA_IOPS, -(-capacity_gib // 24_000) * 12_000)


def _wrong(params: Mapping[str, Any], lustre: Mapping[str, Any]) -> Iterator[str]:
    if params["FileSystemType"] != "LUSTRE":
        yield "Only LUSTRE file systems are modelled"
        return
    if params.get("StorageType", "SSD") != "SSD":
        yield "Only SSD storage is modelled"
    name = lustre.get("DeploymentType", "SCRATCH_1")
    kind = DEPLOYMENT_TYPES.get(name)
    if kind is None:
        yield f"The deployment type {name} is not modelled: it cannot be linked by data repository associations"
        return
    capacity = params.get("StorageCapacity", 0)
    if capacity != SMALLEST_GIB and (capacity < STEP_GIB or capacity % STEP_GIB):
        yield f"The storage capacity {capacity} is not 1200, 2400, or a multiple of 2400"
    version = params.get("FileSystemTypeVersion", default_version(lustre))
    if version not in kind.versions:
        yield f"Lustre version {version} is not supported for {name}: use one of {', '.join(kind.versions)}"
    if "MetadataConfiguration" in lustre:
        yield from _wrong_metadata(lustre["MetadataConfiguration"], name, version, capacity)
    persistent = bool(kind.throughputs)
    if "KmsKeyId" in params and not persistent:
        yield f"KmsKeyId is not supported for {name}"
    if lustre.get("AutomaticBackupRetentionDays") and not persistent:
        yield f"Automatic backups are not supported for {name}"
    if len(params["SubnetIds"]) != 1:
        yield "A Lustre file system takes exactly one subnet"
    log = lustre.get("LogConfiguration", {}).get("Destination", "")
    if log and ":log-group:/aws/fsx" not in log:
        yield "The name of the log group must begin with /aws/fsx"
    if {"ImportPath", "ExportPath", "AutoImportPolicy", "ImportedFileChunkSize"} & set(lustre):
        yield "ImportPath, ExportPath, AutoImportPolicy and ImportedFileChunkSize exclude data repository associations"
    if {"DriveCacheType", "ThroughputCapacity", "DataReadCacheConfiguration"} & set(lustre):
        yield "DriveCacheType, ThroughputCapacity and DataReadCacheConfiguration are for other storage types than SSD"


def _wrong_throughput(lustre: Mapping[str, Any]) -> str | None:
    name = lustre.get("DeploymentType")
    throughputs = DEPLOYMENT_TYPES[name].throughputs if name in DEPLOYMENT_TYPES else ()
    given = lustre.get("PerUnitStorageThroughput")
    if given is None:
        return f"PerUnitStorageThroughput is required for {name}" if throughputs else None
    if not throughputs:
        return f"PerUnitStorageThroughput is not supported for {name}"
    return None if given in throughputs else f"PerUnitStorageThroughput of {name} must be one of {throughputs}"


def _wrong_metadata(metadata: Mapping[str, Any], name: str, version: str, capacity_gib: int) -> Iterator[str]:
    """SDK CreateFileSystemLustreMetadataConfiguration."""
    if name != "PERSISTENT_2":
        yield f"MetadataConfiguration is not supported for {name}"
    if version != "2.15":
        yield f"MetadataConfiguration is not supported for Lustre version {version}"
    iops = metadata.get("Iops")
    if metadata["Mode"] == "AUTOMATIC":
        if iops is not None:
            yield "Iops cannot be given in AUTOMATIC mode"
    elif iops is None:
        yield "Iops is required in USER_PROVISIONED mode"
    elif iops not in (1500, 3000, 6000) and (iops % 12_000 or not 0 < iops <= LARGEST_METADATA_IOPS):
        yield f"Metadata IOPS {iops} is not 1500, 3000, 6000, 12000, or a multiple of 12000 up to 192000"
    elif iops < automatic_metadata_iops(capacity_gib):
        yield f"Metadata IOPS {iops} is less than the {automatic_metadata_iops(capacity_gib)} of AUTOMATIC mode"
