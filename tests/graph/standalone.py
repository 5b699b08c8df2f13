"""The component on its own in a program, with the arguments and options that a test gives."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

from tests.graph.recording import Graph, Registration, record

MACHINE = "aws:sfn/stateMachine:StateMachine"
ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"


def component(name: str = "lustre", opts: pulumi.ResourceOptions | None = None, **args: Any) -> Graph:
    return record(lambda: LustreBatchAutoExport(name, LustreBatchAutoExportArgs(**args), opts))


def run(graph: Graph, component: str = "lustre") -> Registration:
    """The state machine that users start."""
    return graph.one(MACHINE, f"{component}-workflow")


def states(graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(graph).inputs["definition"])["States"]
    return found
