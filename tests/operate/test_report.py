"""`report`: the page and the trace of a run, from what the account still knows."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from lustre_batch.report import drawing

from tests.operate.conftest import Desk, Typed

BUSY: dict[str, Any] = {
    "job": {"runtime": 600, "interruptions": [300], "writes": [{"over": 600, "files": 50_000, "bytes_each": 1000}]}
}


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def reported(desk: Desk, *words: str, **keys: Any) -> Typed:
    """Of a run that is over."""
    desk.play(lambda: desk.type("run", "--name", "nightly", "--detach"), **keys)
    return desk.type("report", *words)


def facts_of(typed: Typed) -> dict[str, Any]:
    assert typed.status == 0, typed.result.output
    [run] = typed.facts["runs"]
    return dict(run)


def test_the_page_of_a_run_is_written_beside_its_name_and_says_what_is_not_known(desk: Desk, tmp_path: Path) -> None:
    typed = reported(desk, **BUSY)
    assert typed.lines == ["written: nightly.html"]
    page = (tmp_path / "nightly.html").read_text("utf-8")
    assert "Report of nightly" in page
    assert "2 attempts, 1 of them ended by Spot" in page
    assert "is deleted" in page
    assert "The export queue was empty" in page
    assert "When each datapoint became readable: CloudWatch does not say" in page


def test_what_is_told_of_a_real_run_is_what_a_rehearsal_sees_in_the_account(desk: Desk) -> None:
    told = facts_of(reported(desk, "--json", **BUSY))
    [system] = desk.account.file_systems.all.values()
    [association] = [one for one in desk.account.associations.all if not one.is_input]
    [job] = desk.account.jobs.all.values()
    run = desk.account.executions.all[desk.stack.execution_arn("nightly")]
    began = run.started
    assert (told["outcome"], told["lane"], told["file_system"]) == ("SUCCEEDED", 1, system.id)
    assert (told["jobs"], told["attempts"], told["reclaimed_attempts"]) == (1, 2, 1)
    assert told["deployment_type"] == "SCRATCH_2"
    assert told["capacity_gib"] == system.request["StorageCapacity"]
    assert told["job_started_at"] == pytest.approx(job.attempts[0]["startedAt"] / 1000 - began, abs=0.01)
    assert told["job_ended_at"] == pytest.approx((job.stopped or 0) - began, abs=0.01)
    assert told["deleted_at"] == pytest.approx((system.deleting_at or 0) - began, abs=1)
    written = sum(one.size for one in association.content.written)
    assert told["written_bytes"] == written
    # To the minute, as the metric has it.
    drained = (association.content.last_exported_at or 0) - began
    assert 0 <= told["drained_at"] - drained < 60
    assert told["idle_seconds"] == pytest.approx(told["deleted_at"] - told["drained_at"], abs=0.01)
    lived = ((system.deleted_at or 0) - system.created) / 86_400
    assert told["file_system_dollars"] == pytest.approx(lived * 2400 * 0.14 / 730 * 24, rel=0.02)
    assert told["retained"] == "none"  # as the clean-up said
    assert (told["lost_files"], told["leaked"]) == (None, None)  # nobody but a rehearsal knows


def test_a_run_that_goes_on_is_told_as_far_as_it_has_come(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        desk.type("run", "--name", "nightly", "--detach")
        desk.account.clock.advance(1000)
        typed.append(desk.type("report", "--json", "--file", "so-far.html"))

    desk.play(doing, **BUSY)
    told = facts_of(typed[0])
    assert told["outcome"] == "RUNNING"
    assert told["elapsed_seconds"] == pytest.approx(1000, abs=1)
    assert (told["attempts"], told["deleted_at"]) == (1, None)
    assert told["working_dollars"] > 0
    page = Path("so-far.html").read_text("utf-8")
    assert "nightly goes on: this is how far it has come." in page
    assert "attempt 1: it runs" in page


def test_a_run_that_waited_is_told_with_its_own_job_only_and_when_that_started(desk: Desk) -> None:
    def doing() -> None:
        for name in ("first", "second"):
            desk.type("run", "--name", name, "--detach")
            desk.account.clock.advance(1)

    desk.play(doing)
    second, first = (facts_of(desk.type("report", name, "--json")) for name in ("second", "first"))
    assert (first["jobs"], second["jobs"]) == (1, 1)
    assert (first["attempts"], second["attempts"]) == (1, 1)
    assert second["job_started_at"] > second["queued_seconds"] > 600


def test_a_run_that_was_stopped_is_told_with_the_clean_up_that_the_rule_started(desk: Desk) -> None:
    told = facts_of(reported(desk, "nightly", "--json", execution={"abort_at": 1200}, expect="ABORTED", **BUSY))
    assert told["outcome"] == "ABORTED"
    assert told["deleted_at"] > 1200
    assert told["deleting_dollars"] > 0


def test_a_kept_file_system_is_named_with_the_reason_and_goes_on_costing(desk: Desk) -> None:
    told = facts_of(reported(desk, "--json", "--file", "kept.html", export={"refused": 1}))
    [system] = desk.account.file_systems.living()
    assert told["retained"] == f"file-system {system.id}: 1 file could not be exported"
    assert told["kept_dollars"] > 0
    assert "and still there, a day" in Path("kept.html").read_text("utf-8")


def test_what_a_reclaim_removed_later_is_part_of_the_story(desk: Desk) -> None:
    def doing() -> None:
        desk.type("run", "--name", "nightly", "--set", "deleteLustre=false", "--detach")
        desk.account.clock.advance(6000)
        [system] = desk.account.file_systems.living()
        assert desk.type("reclaim", system.id, "--detach").status == 4

    desk.play(doing)
    told = facts_of(desk.type("report", "nightly", "--json", "--file", "reclaimed.html"))
    assert told["deleted_at"] > 6000
    page = Path("reclaimed.html").read_text("utf-8")
    assert "nothing is at work on it" in page
    assert "is deleted" in page


def test_what_aws_has_forgotten_or_does_not_show_is_said(desk: Desk) -> None:
    desk.play(lambda: desk.type("run", "--name", "nightly", "--detach"), **BUSY)
    desk.account.clock.advance(8 * 86_400)
    [run] = desk.type("report", "nightly", "--json").facts["runs"]
    assert run["attempts"] is None
    assert "The attempts of its jobs: Batch forgets them seven days after they end." in run["unknown"]
    assert run["file_system_dollars"] > 0
    assert run["idle_seconds"] is None
    desk.account.clock.advance(460 * 86_400)
    [run] = desk.type("report", "nightly", "--json").facts["runs"]
    assert any("CloudWatch forgets them after 455 days" in each for each in run["unknown"])


def test_metrics_that_may_not_be_read_are_said_to_be_unknown(desk: Desk) -> None:
    denied = {"call": "cloudwatch:GetMetricData", "error": "AccessDeniedException", "at": 6000, "for": 10_000}
    typed: list[Typed] = []

    def doing() -> None:
        desk.type("run", "--name", "nightly", "--detach")
        desk.account.clock.advance(7000)
        typed.append(desk.type("report", "--json"))

    desk.play(doing, faults=[denied], **BUSY)
    told = facts_of(typed[0])
    assert any("cloudwatch:GetMetricData is not allowed" in each for each in told["unknown"])


def test_the_trace_has_a_line_for_each_run_and_no_page_is_written_unless_it_is_asked_for(
    desk: Desk, tmp_path: Path
) -> None:
    def doing() -> None:
        desk.type("run", "--name", "first", "--detach")
        desk.account.clock.advance(8000)
        desk.type("run", "--name", "second", "--set", "jobDefinitionArraySize=2", "--detach")

    desk.play(doing)
    typed = desk.type("report", "second", "first", "--trace", "trace.csv")
    assert typed.lines == ["written: trace.csv"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["trace.csv"]
    lines = list(csv.DictReader(io.StringIO(Path("trace.csv").read_text("utf-8"), newline="")))
    assert [(one["run"], one["jobs"], one["outcome"]) for one in lines] == [
        ("first", "1", "SUCCEEDED"),
        ("second", "2", "SUCCEEDED"),
    ]
    assert float(lines[1]["started_at"]) == pytest.approx(8000, abs=30)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("never",), "has no run never"),
        (("--file", "nowhere/page.html"), "nowhere/page.html: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(desk: Desk, words: tuple[str, ...], said: str) -> None:
    typed = reported(desk, *words)
    assert typed.status == 2
    [line] = typed.result.stderr.splitlines()
    assert said in line


def test_without_the_library_that_draws_one_line_says_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    typed = reported(desk)
    assert typed.status == 2
    assert typed.result.stderr.strip().endswith("pip install 'lustre-batch[report]'")
    assert desk.type("report", "--json").status == 0  # which needs no charts


def test_what_a_run_waited_for_is_in_its_report_while_it_waits_and_when_it_is_over(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        for name in ("one", "two", "three"):
            assert desk.type("run", "--name", name, "--prefix", f"{name}/", "--detach").status == 4
            desk.account.clock.advance(1)
        desk.account.clock.advance(600)
        typed.append(desk.type("report", "three", "--json"))

    desk.play(doing)
    waiting, over, other = (
        facts_of(each)["queued_for"]
        for each in (typed[0], desk.type("report", "three", "--json"), desk.type("report", "one", "--json"))
    )
    assert waiting.partition(" for ")[2] == over.partition(" for ")[2] == "a lane"
    assert "0:09:" < waiting < over
    assert other == "none"
