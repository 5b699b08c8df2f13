"""The story: how phases are cut by what they are for, and what the money went to."""

from __future__ import annotations

import dataclasses

import pytest
from lustre_batch.operate import phases
from lustre_batch.report.story import DELETING, IDLE, KEPT, KINDS, Span, spans

from tests.report.stories import ATTEMPTS, STEPS, SYSTEM, run


def kinds(parts: tuple[Span, ...], name: str) -> list[tuple[str, float, float]]:
    return [(span.kind, span.began, span.ended) for span in parts if span.name == name]


def test_a_phase_of_the_job_works_while_an_attempt_does_and_waits_between_them() -> None:
    assert kinds(run().spans, "job") == [
        ("waiting", 500.0, 700.0),
        ("working", 700.0, 1000.0),
        ("waiting", 1000.0, 1200.0),
        ("working", 1200.0, 1800.0),
        ("draining", 1800.0, 1820.0),
    ]


def test_draining_ends_with_the_last_export_and_what_follows_is_idle_until_the_deletion() -> None:
    assert kinds(run().spans, "drain") == [("draining", 1820.0, 1900.0), ("idle", 1900.0, 2000.0)]
    assert kinds(run().spans, "delete") == [
        ("idle", 2000.0, 2010.0),
        ("deleting", 2010.0, 2390.0),
        ("waiting", 2390.0, 2400.0),
    ]


def test_when_nobody_knows_the_last_export_nothing_is_called_idle() -> None:
    cut = spans(STEPS, ATTEMPTS, jobs_ended_at=1800.0, drained_at=None, deleted_at=2010.0, gone_at=2390.0)
    assert IDLE not in {span.kind for span in cut}
    assert kinds(cut, "delete")[0] == ("draining", 2000.0, 2010.0)


def test_without_known_attempts_the_phase_of_the_job_is_taken_to_work() -> None:
    cut = spans(STEPS, (), jobs_ended_at=None, drained_at=None, deleted_at=None, gone_at=None)
    assert kinds(cut, "job") == [("working", 500.0, 1820.0)]
    assert {span.kind for span in cut} == {phases.WAITING, phases.WORKING, phases.DRAINING}


def test_attempts_that_overlap_as_those_of_an_array_do_are_counted_once() -> None:
    beside = dataclasses.replace(ATTEMPTS[1], label="child 1, attempt 1", began=900.0, ended=1500.0)
    cut = spans(STEPS, (*ATTEMPTS, beside), jobs_ended_at=1800.0, drained_at=None, deleted_at=None, gone_at=None)
    worked = sum(span.seconds for span in cut if span.kind == phases.WORKING)
    assert worked == 1800.0 - 700.0


def test_the_parts_of_the_cost_add_up_to_the_time_that_the_file_system_was_there_for() -> None:
    dollars = run().dollars
    assert list(dollars) == [kind for kind in KINDS if kind != KEPT]
    assert dollars[DELETING] == pytest.approx(380 * SYSTEM.dollars_per_second)
    assert sum(dollars.values()) == pytest.approx((2390.0 - 5.0 + 10.0) * SYSTEM.dollars_per_second)


def test_a_file_system_that_outlives_its_run_is_told_of_as_kept() -> None:
    kept = run(file_system=dataclasses.replace(SYSTEM, billed_until=2400.0 + 86_400.0, is_there=True))
    assert kept.dollars[KEPT] == pytest.approx(86_400 * SYSTEM.dollars_per_second)


def test_a_run_without_a_file_system_has_no_costs() -> None:
    assert run(file_system=None).dollars == {}
