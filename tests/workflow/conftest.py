"""The definition as it stands in the file, and as the program fills it in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from lustre_batch import definition as definitions

from tests.graph.recording import Graph, record_stack


@dataclass(frozen=True)
class Definition:
    """The definition, and the policy of the role that runs it."""

    source: str
    rendered: str
    policy: str

    @property
    def whole(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rendered)
        return found

    @property
    def states(self) -> dict[str, Any]:
        found: dict[str, Any] = self.whole["States"]
        return found


# Name of a definition -> logical name of its state machine and of its role's policy.
PARTS = {"run": "autoexport-workflow", "clean_up": "autoexport-clean-up"}


def definition_of(graph: Graph, name: str = "run") -> Definition:
    return Definition(
        source=json.dumps(definitions.read(name)),
        rendered=graph.one("aws:sfn/stateMachine:StateMachine", PARTS[name]).text("definition"),
        policy=graph.one("aws:iam/rolePolicy:RolePolicy", PARTS[name]).text("policy"),
    )


def calling(definition: Definition, operation: str) -> list[str]:
    """The states that call an operation."""
    return [name for name, state in definition.states.items() if state.get("Resource", "").endswith(f":{operation}")]


@pytest.fixture(scope="session")
def graph() -> Graph:
    return record_stack()


@pytest.fixture(scope="session", params=list(PARTS))
def definition(request: pytest.FixtureRequest, graph: Graph) -> Definition:
    """Each of the two definitions, for what holds of both."""
    return definition_of(graph, request.param)


@pytest.fixture(scope="session")
def run(graph: Graph) -> Definition:
    return definition_of(graph, "run")


@pytest.fixture(scope="session")
def clean_up(graph: Graph) -> Definition:
    return definition_of(graph, "clean_up")


@pytest.fixture(scope="session")
def by_metrics() -> Definition:
    """The clean-up of a stack that verifies without an export task."""
    return definition_of(record_stack({"exportVerification": "metrics"}), "clean_up")


@pytest.fixture(scope="session", params=list(PARTS))
def longest(request: pytest.FixtureRequest) -> Definition:
    """With every limit as wide as the settings let it be, and every poll as narrow."""
    return definition_of(
        record_stack(
            {
                "provisioningTimeoutMinutes": "240",
                "jobStartTimeoutMinutes": "43200",
                "jobTimeoutMinutes": "518400",
                "cleanupTimeoutMinutes": "10080",
                "laneTimeoutMinutes": "20160",
                "sessionTimeoutMinutes": "20160",
                "waitForLustreCreationSeconds": "1",
                "waitForJobCompletionSeconds": "1",
                "waitForCheckMetricsSeconds": "1",
            }
        ),
        request.param,
    )
