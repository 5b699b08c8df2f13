"""DynamoDB, from within: the items of tables, which runs change and a reset puts back. moto answers the API."""

from __future__ import annotations

import copy
from typing import Any

from .context import Context

Baseline = dict[str, Any]


class Tables:
    """The account's tables."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def _all(self) -> dict[str, Any]:
        tables: dict[str, Any] = self._context.backend("dynamodb").tables
        return tables

    def snapshot(self) -> Baseline:
        return {name: copy.deepcopy(table.items) for name, table in self._all.items()}

    def reset(self, baseline: Baseline) -> None:
        """Put the items of every table back; one that the baseline does not know is emptied."""
        for name, table in self._all.items():
            table.items = copy.deepcopy(baseline.get(name, type(table.items)(dict)))
