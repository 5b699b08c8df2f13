"""What a mutant is, and of what there are mutants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HANDLER = ROOT / "functions" / "check_metrics" / "handler.py"
PARTS = ("run", "clean_up")
EVERY_STATE = "*"

Change = Callable[..., None]  # of states, which it breaks in place
Key = tuple[str, str]  # a part and a state of it


@dataclass(frozen=True)
class Mutant:
    """One small break: what it is called, where it is, and how it is made."""

    name: str
    part: str  # of the definitions, or "handler"
    state: str
    change: Any

    @property
    def key(self) -> Key:
        return self.part, self.state
