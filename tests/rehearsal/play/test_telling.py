"""The story of a rehearsal: what the page and the trace say is what the facts say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from lustre_batch.operate import phases
from lustre_batch.report import facts as columns
from lustre_batch.report import page
from lustre_batch.report.story import IDLE, Run, Story

from rehearsal.aws.account import Account
from rehearsal.play.scenario import SCENARIOS, parse
from rehearsal.play.session import Session
from rehearsal.play.telling import story
from rehearsal.play.verdict import Verdict, judge
from rehearsal.provider.mocks import deploy

WORDS = {phase.words for phase in (*phases.RUN, *phases.CLEAN_UP)} | {"nothing is at work on it"}
BUSY: dict[str, Any] = {
    "job": {"runtime": 600, "interruptions": [300], "writes": [{"over": 600, "files": 5000, "bytes_each": 1000}]}
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Account() as account:
        yield Session(account, deploy(account).exports)


@pytest.fixture(scope="module")
def told(session: Session) -> Any:
    """What is told of a scenario, and the verdict on it."""

    def telling(**keys: Any) -> tuple[Story, Verdict]:
        verdict = judge(session, session.play(parse(keys, "test")))
        return story(session, verdict), verdict

    return telling


@pytest.fixture(scope="module")
def busy(told: Any) -> tuple[Run, dict[str, Any]]:
    found, verdict = told(**BUSY)
    return found.runs[0], verdict.facts


def test_what_is_told_of_a_run_is_what_its_facts_say(busy: tuple[Run, dict[str, Any]]) -> None:
    run, facts = busy
    shown = columns.of(run)
    for key in facts.keys() & shown.keys() - {"attempts", "api_calls", "messages", "leaked", "retained"}:
        assert shown[key] == facts[key], key
    assert shown["attempts"] == len(facts["attempts"]) == 2
    assert shown["api_calls"] == sum(facts["api_calls"].values())
    assert shown["elapsed_seconds"] == facts["virtual_seconds"]
    # Known to be none, which is something else than not known.
    assert (facts["leaked"], facts["retained"]) == ([], [])
    assert (shown["leaked"], shown["retained"], shown["lost_files"]) == ("none", "none", 0)


def test_every_phase_has_its_words_and_they_follow_on_each_other(busy: tuple[Run, dict[str, Any]]) -> None:
    run, _ = busy
    assert {span.words for span in run.spans} <= WORDS
    ends = [run.began, *(span.ended for span in run.spans)]
    assert [span.began for span in run.spans] == pytest.approx(ends[:-1], abs=0.001)
    assert ends[-1] == run.until


def test_attempts_and_what_spot_took_are_those_of_the_job(busy: tuple[Run, dict[str, Any]]) -> None:
    run, facts = busy
    for one, attempt in zip(run.attempts, facts["attempts"], strict=True):
        assert one.began == pytest.approx(attempt["started_at"], abs=0.01)
        assert one.ended == pytest.approx(attempt["stopped_at"], abs=0.01)
    assert [one.reclaimed for one in run.attempts] == [True, False]
    worked = sum(span.seconds for span in run.spans if span.kind == phases.WORKING)
    assert worked == pytest.approx(sum(one.ended - (one.began or 0) for one in run.attempts), abs=0.01)


def test_what_was_written_and_exported_adds_up_and_the_last_export_is_the_last(
    busy: tuple[Run, dict[str, Any]],
) -> None:
    run, facts = busy
    series = {one.words: one.points for one in run.series}
    assert series["files written"][-1][1] == series["files exported"][-1][1]
    assert series["files exported"][-1][0] == pytest.approx(facts["drained_at"], abs=0.01)
    for points in series.values():
        assert list(points) == sorted(points)
    assert series["bytes written"][-1][1] == 1000 * series["files written"][-1][1]


def test_each_datapoint_says_since_when_it_could_be_read(told: Any, busy: tuple[Run, dict[str, Any]]) -> None:
    assert {round(one.readable_at - one.at) for one in busy[0].ages if one.readable_at} == {90}
    found, _ = told(**BUSY, metric={"delay": 170})
    run = found.runs[0]
    assert {round(one.readable_at - one.at) for one in run.ages if one.readable_at} == {170}
    assert max(one.age_seconds for one in run.ages) > 0


def test_the_decision_to_delete_comes_after_a_queue_that_was_seen_empty_and_a_task(
    busy: tuple[Run, dict[str, Any]],
) -> None:
    run, facts = busy
    assert run.decision is not None
    assert run.decision.at == pytest.approx(facts["deleted_at"], abs=1)
    queue, task = run.decision.reasons
    assert queue.startswith("the export queue: The export queue was empty")
    assert "is SUCCEEDED" in task
    assert [look.is_empty for look in run.looks][-1] is True


def test_the_cost_is_that_of_the_whole_life_of_the_file_system(
    session: Session, told: Any, busy: tuple[Run, dict[str, Any]]
) -> None:
    found, _ = told(**BUSY)
    [system] = session.account.file_systems.all.values()
    assert found.runs[0].file_system is not None
    lived = (system.deleted_at or 0) - system.created
    expected = lived * found.runs[0].file_system.dollars_per_second
    assert sum(found.runs[0].dollars.values()) == pytest.approx(expected, rel=0.002)


def test_a_job_that_works_on_after_the_last_export_is_no_idle_time_of_the_cost_and_the_page_says_so(
    told: Any, busy: tuple[Run, dict[str, Any]]
) -> None:
    found, verdict = told(job={"runtime": 3600, "writes": [{"files": 3}]})
    [run] = found.runs
    idle = sum(span.seconds for span in run.spans if span.kind == IDLE)
    assert verdict.facts["idle_seconds"] > 3000 + idle
    assert idle == pytest.approx(verdict.facts["deleted_at"] - verdict.facts["job_ended_at"], abs=1)
    assert page.STILL_WORKED in page.of(found)
    assert page.STILL_WORKED not in page.of(Story("title", "", (busy[0],)))


def test_a_file_system_that_is_kept_says_why(told: Any) -> None:
    found, _ = told(job={"runtime": 60, "writes": [{"files": 3}]}, export={"refused": 1}, expect="FAILED")
    run = found.runs[0]
    assert run.decision is not None
    assert run.decision.words.endswith("is kept")
    assert run.decision.reasons[0] == "1 file could not be exported"
    assert run.file_system is not None
    assert run.file_system.is_there
    assert "Kept: file-system" in run.cause


def test_what_was_kept_and_then_reclaimed_is_told_to_the_end(told: Any) -> None:
    quick = {"runtime": 60, "writes": [{"files": 3}]}
    found, verdict = told(job=quick, input={"deleteLustre": False}, execution={"reclaim": True})
    run = found.runs[0]
    assert run.decision is not None
    assert run.decision.words.endswith("is deleted")
    assert run.decision.at == pytest.approx(verdict.facts["deleted_at"], abs=1)
    assert run.unknown == ()
    assert "pause" in {span.name for span in run.spans}


def test_a_file_system_that_somebody_else_deleted_is_said_to_be_that(told: Any) -> None:
    found, _ = told(**yaml.safe_load((SCENARIOS / "deleted-by-somebody.yaml").read_text("utf-8")))
    [said] = found.runs[0].unknown
    assert re.fullmatch(r"Who deleted fs-\w+, and when: no clean-up of this run did\.", said)


def test_a_run_that_is_refused_has_phases_and_nothing_else(told: Any) -> None:
    found, _ = told(input={"nonsense": 1}, expect="FAILED")
    run = found.runs[0]
    assert run.facts["error"] == "InvalidParameter"
    assert (run.file_system, run.attempts, run.ages, run.decision) == (None, (), (), None)
    assert {span.kind for span in run.spans} == {phases.WAITING}


def test_a_run_that_is_stopped_is_told_with_the_clean_up_that_the_rule_starts(told: Any) -> None:
    found, verdict = told(**BUSY, execution={"abort_at": 1200}, expect="ABORTED")
    run = found.runs[0]
    assert run.facts["outcome"] == "ABORTED"
    assert run.decision is not None
    assert run.decision.words.endswith("is deleted")
    assert run.until == pytest.approx(verdict.facts["virtual_seconds"], abs=0.01)


def test_several_runs_are_told_each_with_its_own(told: Any) -> None:
    quick = {"runtime": 60, "writes": [{"files": 3}]}
    found, verdict = told(job=quick, runs=[{"at": 0}, {"at": 600, "input": {"nonsense": 1}, "expect": "FAILED"}])
    first, second = found.runs
    assert (first.lane, second.lane) == (1, None)
    assert [run.facts["outcome"] for run in found.runs] == [one["outcome"] for one in verdict.facts["runs"]]
    assert second.began == pytest.approx(600)
    assert "lane 1: " in page.of(found)


@pytest.mark.parametrize(
    "kinds",
    [("run", "run"), ("session", "run", "session")],
    ids=" ".join,
)
def test_a_run_that_waited_for_another_s_lane_is_told_with_its_own_jobs_only(told: Any, kinds: tuple[str, ...]) -> None:
    # All go below one prefix, so that each takes the first lane once the run before it has let go of it.
    session = {"input": {"session": {"idleMinutes": 1}}, "session": {"jobs": [{"at": 60, "runtime": 60}]}}
    runs = [{"at": 10 * place, **(session if kind == "session" else {})} for place, kind in enumerate(kinds)]
    found, verdict = told(job={"runtime": 60, "writes": [{"files": 3}]}, runs=runs)
    assert {run.lane for run in found.runs} == {1}
    for run, facts in zip(found.runs, verdict.facts["runs"], strict=True):
        shown = columns.of(run)
        assert (shown["jobs"], shown["attempts"]) == (1, len(facts["attempts"])) == (1, 1)
        assert run.attempts[0].began == pytest.approx(facts["job_started_at"], abs=0.01)


def test_the_page_says_what_a_run_waited_for_and_whose_that_was(told: Any) -> None:
    """By the looks that its history has, which see what the table said to within a minute or so."""
    runs = [{"at": 0, "execution": {"name": "first"}}, {"at": 30, "execution": {"name": "second"}}]
    found, verdict = told(job={"runtime": 600, "writes": [{"files": 3}]}, runs=runs)
    (wait,) = verdict.facts["runs"][1]["queued_for"]
    first, second = found.runs
    assert columns.of(first)["queued_for"] == columns.NONE
    time, _, what = columns.of(second)["queued_for"].partition(" for ")
    assert what == "the prefix of first"
    hours, minutes, seconds = map(int, time.split(":"))
    assert hours * 3600 + minutes * 60 + seconds == pytest.approx(wait["seconds"], abs=120)
    shown = page.of(found)
    assert f"<td>{time} for the prefix of first</td>" in shown
    assert f"Before it began, it waited {time} for the prefix of first." in shown
    assert shown.count("Before it began") == 1
