"""The repository's own program, recorded with the mocks that the package gives to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lustre_batch import testing
from lustre_batch.testing import Graph, Mocks, Registration

from rehearsal.provider.program import Program, run_main

__all__ = ["COMPONENT", "PROJECT", "Graph", "Mocks", "Registration", "record", "record_stack"]

PROJECT, STACK = "lustre-batch", "autoexport"
COMPONENT = "lustre-batch:index:LustreBatchAutoExport"


def record(program: Program, **options: Any) -> Graph:
    """A program as the stack that this repository deploys."""
    return testing.record(program, **{"project": PROJECT, "stack": STACK} | options)


def record_stack(config: Mapping[str, str] | None = None, **options: Any) -> Graph:
    """`record` for the repository's own program."""
    return record(run_main, config={"aws:region": "us-east-1"} | dict(config or {}), **options)
