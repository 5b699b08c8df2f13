"""The component on its own in a program, with the arguments and options that a test gives."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

from tests.graph.recording import Graph, record

MACHINE = "aws:sfn/stateMachine:StateMachine"
ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"


def component(name: str = "lustre", opts: pulumi.ResourceOptions | None = None, **args: Any) -> Graph:
    return record(lambda: LustreBatchAutoExport(name, LustreBatchAutoExportArgs(**args), opts))


def states(graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(graph.one(MACHINE).inputs["definition"])["States"]
    return found
