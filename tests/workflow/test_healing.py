"""Rules 5 and 6: trouble that passes changes nothing but the time it takes, and what is said about the end is true."""

from __future__ import annotations

from lustre_batch import Settings

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import choose

MINUTE_MS = 60_000


def test_the_environments_time_counts_from_when_everything_else_was_ready_and_is_the_one_that_is_named(
    run: Definition,
) -> None:
    for name, given in (
        ("IsAssociationAvailable", {"associationStatus": "AVAILABLE", "launchTemplateId": "lt-1"}),
        ("IsFileSystemReady", {"associationStatus": "AVAILABLE", "fileSystemStatus": "AVAILABLE"}),
    ):
        assert choose(run, name, **given)[1]["since"] > 10**12
    minutes = Settings().provisioning_timeout_minutes
    bounds = [rule["Condition"] for rule in run.states["IsComputeEnvironmentValid"]["Choices"]]
    assert f"{{% $millis() - $since > {minutes} * {MINUTE_MS} %}}" in bounds
