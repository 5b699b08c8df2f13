"""What a scenario plans for a moment. Owns what of that has not happened yet, and, once a play is over, what never did,
by its key and with why. A plan that nobody carried out fails nothing: it is said, like a fault that no call has met."""

from __future__ import annotations

from typing import NamedTuple


class Unmet(NamedTuple):
    """Something that is planned and has not happened."""

    key: str  # in the scenario
    at: float  # seconds, as the scenario counts them
    reason: str


class Due:
    """Takes note during one play."""

    def __init__(self) -> None:
        self._waiting: dict[str, Unmet] = {}

    def plan(self, key: str, at: float, unless: str) -> str:
        """Something is to happen; `unless` says what came of it if it never does."""
        self._waiting[key] = Unmet(key, at, unless)
        return key

    def done(self, key: str) -> None:
        del self._waiting[key]

    @property
    def unmet(self) -> list[Unmet]:
        return list(self._waiting.values())
