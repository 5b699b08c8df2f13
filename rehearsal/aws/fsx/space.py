"""How much a file system holds. Owns what is taken and was at any moment, and when there is no room for more."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field

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
    _history: list[tuple[float, int]] = field(default_factory=list)  # what was taken from each change on

    @classmethod
    def of(cls, storage_capacity_gib: int) -> Space:
        return cls(storage_capacity_gib * USABLE * GIB)

    @property
    def free(self) -> float:
        return self.capacity - self.planned - self.real

    def take(self, size: int, at: float) -> None:
        """Modelled files grow by so much, or shrink."""
        self.planned += size
        self._note(at)

    def hold(self, size: int, at: float) -> None:
        """Real files are that large, all together."""
        self.real = size
        self._note(at)

    def _note(self, at: float) -> None:
        taken = self.planned + self.real
        self.peak = max(self.peak, taken)
        latest = self._history[-1][0] if self._history else -math.inf
        self._history.append((max(at, latest), taken))

    def taken_before(self, at: float) -> int:
        """What was taken just before that moment."""
        index = bisect.bisect_left(self._history, at, key=lambda change: change[0])
        return self._history[index - 1][1] if index else 0
