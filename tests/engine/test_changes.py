"""Every parameter set on a stack that exists: the engine does what docs/changes.md says, and a job still runs."""

from __future__ import annotations

import pytest
from lustre_batch.settings import Settings

from rehearsal.play import scenario
from rehearsal.play.session import Session
from rehearsal.play.verdict import judge
from tests.engine.stack import Stack
from tools import changes

pytestmark = pytest.mark.engine

# Resources that hold data, or by which runs are known.
NEVER_REPLACED = {
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "aws:sfn/stateMachine:StateMachine",
    "aws:batch/computeEnvironment:ComputeEnvironment",
    "aws:batch/jobQueue:JobQueue",
    "aws:sns/topic:Topic",
}
REPOSITORY = "aws:ecr/repository:Repository"


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[changes.Row]:
    there = changes.existing(stack.account)
    stack.operate("up")
    return list(changes.observed(stack.account, stack.engine, stack.name, there, every=3))


def test_every_parameter_is_set() -> None:
    aliases = {field.alias for field in Settings.model_fields.values()}
    nothing = changes.Existing("", [], "", "", "", "")
    assert {key for setting in changes.settings(nothing) for key in setting.values} == aliases


def test_every_change_is_taken(rows: list[changes.Row]) -> None:
    refused = {", ".join(row.setting.values): row.error for row in rows if row.error}
    assert refused == {}, refused


def test_nothing_that_holds_data_or_is_in_use_is_replaced(rows: list[changes.Row]) -> None:
    for row in rows:
        replaced = {token for operation, token, _ in row.steps if operation == "replace"}
        assert not replaced & NEVER_REPLACED, row.setting.values
        # A repository cannot be renamed: a new one is created, and the old one keeps its images.
        assert REPOSITORY not in replaced or "ecrRepositoryName" in row.setting.values


def test_the_document_says_what_the_engine_did(rows: list[changes.Row], stack: Stack) -> None:
    lines = [line for line in changes.table(rows, stack.name).splitlines() if line.startswith("| `")]
    assert len(lines) == len(rows)
    assert set(lines) - set(changes.DOCUMENT.read_text(encoding="utf-8").splitlines()) == set()


def test_a_job_still_runs_after_all_of_them(rows: list[changes.Row], stack: Stack) -> None:
    assert stack.operate("up").changes == {}
    played = scenario.parse({"name": "after", "job": {"writes": [{"at": 0, "over": 60, "files": 10}]}}, "after")
    session = Session(stack.account, stack.exports)
    verdict = judge(
        session, session.play(played.model_copy(update={"input": {"deleteLustre": True, "autoExport": True}}))
    )
    assert verdict.passed, verdict.why_not
