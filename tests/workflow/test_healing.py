"""Rules 5 and 6: trouble that passes changes nothing but the time it takes, and what is said about the end is true."""

from __future__ import annotations

from typing import Any

import pytest
from lustre_batch import Settings

from tests.graph.recording import record_stack
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, NOW, RUN, STACK, choose, evaluate

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


def task(status: str, failed: int = 0, created_at: int = NOW + 1) -> dict[str, Any]:
    return {
        "id": "task-1", "status": status, "createdAt": created_at, "total": 10, "failed": failed, "reason": "",
    }  # fmt: skip


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_task_that_ended_with_failed_files_is_not_created_again_and_again(clean_up: Definition, status: str) -> None:
    given = {"taskWanted": False, "jobStoppedAt": NOW, "mayDelete": True, "since": NOW, "seen": True, "began": NOW}
    target, assigned = choose(
        clean_up, "IsExportVerified", **given, tasks=[task(status, 3)], fileSystemId=FILE_SYSTEM, taskError=""
    )
    assert (target, assigned["failure"]["Error"]) == ("KeepFileSystem", "ExportIncomplete")


@pytest.mark.parametrize(
    ("association", "said"),
    [
        ({"associationId": "dra-1", "associationStatus": "FAILED"}, "dra-1 is FAILED: broken"),
        ({"associationId": "dra-1", "associationStatus": "DELETING"}, "dra-1 is DELETING: broken"),
        ({"associationId": "", "associationStatus": ""}, "it has no data repository association"),
    ],
)
def test_a_link_that_is_broken_for_good_fails_the_run_although_its_job_succeeded(
    run: Definition, clean_up: Definition, association: dict[str, str], said: str
) -> None:
    given = {"fileSystemId": FILE_SYSTEM, "deleting": False, "wasWrittenTo": True, "associationReason": "broken"}
    target, assigned = choose(clean_up, "IsThereAnythingToExport", **given, **association)
    assert (target, assigned["failure"]["Error"]) == ("KeepFileSystem", "ExportIncomplete")
    assert said in assigned["failure"]["Cause"]
    answer = {"pending": [], "failure": assigned["failure"]}
    _, told = choose(run, "IsAnythingLeft", cleanUpError="", cleanedUp=answer, failure={})
    assert told["failure"] == assigned["failure"]
