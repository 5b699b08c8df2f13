"""How fast FSx for Lustre is, as others measured it: at exporting, creating and deleting. Owns the measurements, as
data, and the laws drawn from them, as functions of what CreateFileSystem was asked for. A law holds where it was
measured; what is assumed beyond that is said where it is assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Export(NamedTuple):
    """One measured automatic export: so many files of that size, and the throughput of their file system."""

    files: int
    bytes_each: int
    throughput: float  # MB/s: capacity times throughput per TiB
    seconds: float


# Measured by others in August 2026 on PERSISTENT_2, written by one c5n.4xlarge.
EXPORTS = (
    Export(102_400, 1_000_000, 600, 349),  # 4.8 TiB at 125 MB/s/TiB: 293 MB/s
    Export(102_400, 1_000_000, 1200, 117),  # 4.8 TiB at 250: 875 MB/s
    Export(102_400, 1_000_000, 1200, 111),  # 9.6 TiB at 125: 922 MB/s
    Export(1_000_000, 10_000, 300, 1_000_000 / 213),  # 1.2 TiB at 250: 213 files/s
)
SMALL_BYTES = 100_000  # below that, a file costs its object, not its bytes

# FSx guide, performance: the baseline of SCRATCH_2, which is not provisioned.
SCRATCH_THROUGHPUT = 200  # MB/s/TiB

# Deleting a file system took 5 to 6 minutes.
DELETION_SECONDS = 330.0
# aws-fsx-csi-driver #382 and #383: creating SCRATCH_2 took about 454 s, and 2.2 ms more for each GiB. PERSISTENT_1 was
# not measured; that it takes as long is assumed. Creating PERSISTENT_2 took 2 to 8 minutes, here the middle of that.
SCRATCH_CREATION_SECONDS, SCRATCH_CREATION_SECONDS_PER_GIB = 454.0, 0.0022
PERSISTENT_2_CREATION_SECONDS = 300.0

# While 100,000 files waited for their export, a job's sequential writes were 24 % slower.
MEASURED_BACKLOG, MEASURED_SLOWDOWN = 100_000, 0.24


@dataclass(frozen=True)
class ExportLaw:
    """What bounds an export: a number of objects a second, or a number of bytes."""

    objects: float  # a second, for each MB/s of throughput
    measured: tuple[tuple[float, float], ...]  # throughput (MB/s) and exported bytes a second of large files, ascending

    def files_per_second(self, throughput: float) -> float:
        return self.objects * throughput

    def bytes_per_second(self, throughput: float) -> float:
        """Between two measured throughputs on the straight line, outside of them in proportion to the nearest.

        The line through 600 MB/s -> 293 MB/s and 1,200 -> 898 meets zero at 309 MB/s, where there are file systems that
        export: so below 600 MB/s the share of the throughput is assumed to stay what it is there, 49 %. Each byte then
        crosses the disks twice, written by the job and read by the export.
        """
        (lowest, slowest), (highest, fastest) = self.measured[0], self.measured[-1]
        if throughput <= lowest:
            return slowest * throughput / lowest
        for (left, slower), (right, faster) in zip(self.measured, self.measured[1:], strict=False):
            if throughput <= right:
                return slower + (faster - slower) * (throughput - left) / (right - left)
        return fastest * throughput / highest

    def seconds(self, files: int, bytes_each: int, throughput: float) -> float:
        by_bytes = files * bytes_each / self.bytes_per_second(throughput)
        return max(files / self.files_per_second(throughput), by_bytes)


def law_of(exports: Iterable[Export]) -> ExportLaw:
    """The law that some measurements make.

    Small files give the objects a second. Without any, they are at least as many as of large ones: the most that were
    seen for a throughput. Large files give the bytes a second, as the mean of those with the same throughput.
    """
    known = list(exports)
    rates = [(each, each.files / each.seconds / each.throughput) for each in known]
    small = [rate for each, rate in rates if each.bytes_each < SMALL_BYTES]
    large: dict[float, list[float]] = {}
    for each in known:
        if each.bytes_each >= SMALL_BYTES:
            large.setdefault(each.throughput, []).append(each.files * each.bytes_each / each.seconds)
    return ExportLaw(
        objects=sum(small) / len(small) if small else max(rate for _, rate in rates),
        measured=tuple((throughput, sum(found) / len(found)) for throughput, found in sorted(large.items())),
    )


EXPORT = law_of(EXPORTS)


def throughput(request: Mapping[str, Any]) -> float:
    """MB/s of what a CreateFileSystem asked for. FSx calls 1,200 GiB 1.2 TiB (SDK, PerUnitStorageThroughput)."""
    per_tib = request["LustreConfiguration"].get("PerUnitStorageThroughput", SCRATCH_THROUGHPUT)
    return float(request["StorageCapacity"] / 1000 * per_tib)


def written_at_most(request: Mapping[str, Any]) -> float:
    """MB/s that its disks take, without bursts (FSx guide, performance characteristics of SSD storage classes: of
    SCRATCH_2 100 MB/s/TiB, half of what can be read)."""
    share = 0.5 if request["LustreConfiguration"]["DeploymentType"] == "SCRATCH_2" else 1.0
    return share * throughput(request)


def creation_seconds(request: Mapping[str, Any]) -> float:
    """How long FSx takes to create what it was asked for."""
    if request["LustreConfiguration"]["DeploymentType"] == "PERSISTENT_2":
        return PERSISTENT_2_CREATION_SECONDS
    return SCRATCH_CREATION_SECONDS + SCRATCH_CREATION_SECONDS_PER_GIB * float(request["StorageCapacity"])


def writing_speed(waiting: float) -> float:
    """The share of its speed at which a job writes while so many files wait for their export.

    Measured for one backlog. Assumed: the loss grows with the backlog up to there, and is the same beyond.
    """
    return 1 - MEASURED_SLOWDOWN * min(1.0, waiting / MEASURED_BACKLOG)
