"""Identifiers in the form that AWS gives them. Owns one repeatable source of them per account."""

from __future__ import annotations

import random
import uuid


class Ids:
    def __init__(self) -> None:
        self.reseed(0)

    def reseed(self, seed: int) -> None:
        self._random = random.Random(f"ids-{seed}")

    def hexadecimal(self, prefix: str, digits: int = 17) -> str:
        return f"{prefix}-{self._random.getrandbits(4 * digits):0{digits}x}"

    def letters(self, length: int) -> str:
        return "".join(self._random.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(length))

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
