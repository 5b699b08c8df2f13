"""Parameters set on a stack that exists: the engine does what docs/changes.md says, and a job still runs.

Of the changes of which the document says the same, one is tried, and of those that are taken back one in ten;
`python -m tools.changes` tries them all.
"""

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
    every = changes.settings(changes.existing(stack.account))
    kept = [setting for setting in every if not setting.taken_back]
    one_of_each = {
        effect: setting for setting, (_, effect) in zip(every, _documented(), strict=True) if setting in kept
    }
    tried = [*one_of_each.values(), *[setting for setting in every if setting.taken_back][::20]]
    for setting in kept:
        if setting not in tried:
            stack.set(**setting.values)
    stack.operate("up")
    return list(changes.observed(stack.account, stack.engine, stack.name, sorted(tried, key=every.index)))


def _lines(document: str) -> list[tuple[str, str]]:
    """What a document says: the keys that are set, and what happens."""
    rows = [line.strip("| ").split(" | ", 1) for line in document.splitlines() if line.startswith("| `")]
    return [(keys, effect) for keys, effect in rows]


def _documented() -> list[tuple[str, str]]:
    return _lines(changes.DOCUMENT.read_text(encoding="utf-8"))


def test_every_parameter_is_set() -> None:
    aliases = {field.alias for field in Settings.model_fields.values()}
    nothing = changes.Existing("", [], "", "", "", "")
    every = changes.settings(nothing)
    assert {key for setting in every for key in setting.values} == aliases
    assert [setting.keys for setting in every] == [keys for keys, _ in _documented()]


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
    seen = _lines(changes.table(rows, stack.name))
    assert len(seen) == len(rows) > 15
    assert set(seen) <= set(_documented())


def test_a_job_still_runs_after_all_of_them(rows: list[changes.Row], stack: Stack) -> None:
    assert stack.operate("up").changes == {}
    played = scenario.parse({"name": "after", "job": {"writes": [{"at": 0, "over": 60, "files": 10}]}}, "after")
    session = Session(stack.account, stack.exports)
    verdict = judge(
        session, session.play(played.model_copy(update={"input": {"deleteLustre": True, "autoExport": True}}))
    )
    assert verdict.passed, verdict.why_not
