"""What a reclaim exports is older than what other runs have exported under its prefix since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rehearsal.aws.calls import internally
from rehearsal.aws.fsx.association import Association
from rehearsal.aws.fsx.export import Content, Group, Rates
from rehearsal.aws.states.executions import Execution
from rehearsal.play import overwritten
from rehearsal.play.scenario import parse
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import Verdict, judge

JOB = {"runtime": 3600, "writes": [{"over": 3500, "files": 350}]}
# The first run's file system is kept with files that S3 lacks. The second writes the same files when somebody reclaims
# that, at RECLAIMED_AT; the third begins while the reclaim exports.
RECLAIMED_AT = 15_000
THREE: dict[str, Any] = {
    "job": JOB,
    "runs": [
        {
            "at": 0,
            "input": {"keyPrefix": "same/", "deleteLustre": False},
            "association": {"breaks_at": 1000, "heals_at": 2000},
        },
        {"at": 9000, "input": {"keyPrefix": "same/"}, "job": {**JOB, "runtime": 9000}},
        {"at": 21_700, "input": {"keyPrefix": "same/part/"}},
    ],
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged({"maxConcurrentRuns": 2, "exportVerification": "metrics"}) as stage:
        yield stage.session


@pytest.fixture(scope="module")
def verdict(session: Session) -> Verdict:
    account, begun = session.account, False

    def reclaim() -> None:
        (kept,) = [one for one in account.file_systems.living() if "lustre-batch:retained" in one.tags]
        with internally():
            account.client("stepfunctions").start_execution(
                stateMachineArn=session.exports["stateMachineArn"], input=json.dumps({"reclaim": kept.id})
            )

    def watch(execution: Execution, state: str, kind: str) -> None:
        nonlocal begun
        if not begun:
            begun = True
            account.clock.after(RECLAIMED_AT, reclaim)

    return judge(session, session.play(parse(THREE, "three"), watch))


def test_a_reclaim_exports_nothing_while_a_run_that_lives_holds_its_prefix(session: Session, verdict: Verdict) -> None:
    """Without that, the second run's results were replaced by older files before its own file system was removed."""
    asked = next(one for one in verdict.played.executions if '"reclaim"' in one.input)
    other = verdict.played.runs[1][1]
    assert (asked.error, other.arn in str(asked.cause)) == ("CleanUpPending", True)
    kept, gone, _ = session.account.file_systems.all.values()
    tasks = [one for one in session.account.data_repository_tasks.all if one.association.file_system is kept]
    assert other.stopped is not None
    assert asked.started < other.stopped
    assert gone.deleted_at is not None
    assert [one.created > gone.deleted_at for one in tasks if one.created > asked.started] == [True]
    assert verdict.facts["lost_files"] == 0


def test_a_run_that_begins_while_a_reclaim_exports_under_its_prefix_waits_for_it(
    session: Session, verdict: Verdict
) -> None:
    kept, _, third = session.account.file_systems.all.values()
    assert kept.deleted_at is not None
    assert (kept.deleting_at or 0) - verdict.played.began > THREE["runs"][2]["at"]
    assert third.created > kept.deleted_at
    assert verdict.facts["runs"][2]["queued_seconds"] > 300


def test_results_that_older_files_replaced_when_nobody_lived_any_more_are_stale_and_told(verdict: Verdict) -> None:
    assert [run["stale_objects"] for run in verdict.facts["runs"]] == [0, 101, 0]
    assert verdict.why_not == ["101 objects are stale"]


# ---------------------------------------------------------------------- what counts as replaced
def link(session: Session, prefix: str, written_at: float, exported_at: float) -> Association:
    """Of a file system that is deleted at 90: it has exported ten files of two bytes, `x`."""
    known = session.account.associations.all[0]
    content = Content(Rates())
    content.groups["x"] = group = Group(10, 2, version=1, written_at=written_at)
    group.export(10, exported_at)
    file_system = replace(known.file_system, deleting_at=90.0)
    return replace(known, file_system=file_system, repository=f"s3://b/{prefix}", content=content)


@pytest.mark.parametrize(
    ("prefix", "written_at", "exported_at", "expected"),
    [
        ("a", 1.0, 50.0, (10, 20, 0)),
        ("a", 1.0, 95.0, (0, 0, 10)),
        ("a", 30.0, 50.0, (0, 0, 0)),  # newer files, as those of a later run are
        ("a", 1.0, 15.0, (0, 0, 0)),  # it was replaced itself
        ("b", 1.0, 50.0, (0, 0, 0)),
        ("a/b", 1.0, 50.0, (0, 0, 0)),
    ],
)
def test_what_older_files_replace_is_lost_before_the_file_systems_deletion_and_stale_after_it(
    session: Session,
    verdict: Verdict,
    prefix: str,
    written_at: float,
    exported_at: float,
    expected: tuple[int, int, int],
) -> None:
    mine, other = link(session, "a", 10.0, 20.0), link(session, prefix, written_at, exported_at)
    assert overwritten.of(mine, [mine, other]) == expected
    assert overwritten.of(mine, [mine]) == (0, 0, 0)


def test_what_a_newer_file_replaced_in_the_end_is_no_loss(session: Session, verdict: Verdict) -> None:
    mine, older, newer = link(session, "a", 10.0, 20.0), link(session, "a", 1.0, 95.0), link(session, "a", 96.0, 99.0)
    assert overwritten.of(mine, [mine, older, newer]) == (0, 0, 0)
