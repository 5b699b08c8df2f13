"""How much a file system holds. Owns what is taken, the most that ever was, and when there is no room for more."""

from __future__ import annotations

import math
from dataclasses import dataclass

GIB = 1024**3
# `df` of a file system of 1,200 GiB says 1.1T, as others show it, and `df -h` rounds up: so much can be used at most.
USABLE = 1.1 * 1024 / 1200


class NoSpaceLeft(Exception):
    """ENOSPC: what was to be written does not fit."""


@dataclass
class Space:
    """The space of one file system, in bytes; without a capacity, as on no file system at all, everything fits."""

    capacity: float = math.inf
    planned: int = 0  # in files of modelled jobs
    real: int = 0  # in those of real ones
    peak: int = 0

    @classmethod
    def of(cls, storage_capacity_gib: int) -> Space:
        return cls(storage_capacity_gib * USABLE * GIB)

    @property
    def free(self) -> float:
        return self.capacity - self.planned - self.real

    def take(self, size: int) -> None:
        """Modelled files grow by so much, or shrink."""
        self.planned += size
        self._note()

    def hold(self, size: int) -> None:
        """Real files are that large, all together."""
        self.real = size
        self._note()

    def _note(self) -> None:
        self.peak = max(self.peak, self.planned + self.real)
