"""What a check of `doctor` says: one line, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OK: Final = "ok"
TROUBLE: Final = "trouble"  # a run would fail, or nobody would hear of it
UNKNOWN: Final = "unknown"  # it could not be looked at, or not be told


@dataclass(frozen=True)
class Finding:
    """What a check has found."""

    check: str
    result: str
    words: str
    to_do: str = ""
