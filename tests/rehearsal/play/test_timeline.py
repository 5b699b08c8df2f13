"""The live lines say whose state and whose end they show."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from lustre_batch.report import page
from lustre_batch.report.story import Run, Story
from rich.console import Console

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from rehearsal.play.beside import print_runs
from rehearsal.play.timeline import Timeline


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


def execution(account: Account, name: str, machine_name: str = "m") -> Execution:
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{machine_name}"
    return Execution(
        clock=account.clock,
        evaluator=account.evaluator,
        integrations=account.integrations,
        arn=f"{machine}:{name}",
        name=name,
        machine_arn=machine,
        role_arn="arn:aws:iam::123456789012:role/m",
        input="{}",
        started=account.clock.now(),
    )


def test_each_execution_ends_under_its_own_name(account: Account) -> None:
    written = io.StringIO()
    timeline = Timeline(Console(file=written, width=80))
    first = execution(account, "first")
    timeline(first, "SubmitJob", "Task")
    account.clock.advance(60)
    first.status, first.error, first.stopped = "FAILED", "JobFailed", account.clock.now()
    second = execution(account, "second", "m-clean-up")
    timeline(second, "Succeeded", "Succeed")
    second.status, second.stopped = "SUCCEEDED", account.clock.now()
    timeline.close()
    assert written.getvalue().splitlines() == [
        "  0:00:00  SubmitJob",
        "  0:01:00  └ the run ended FAILED with JobFailed",
        "─ the clean-up: execution second",
        "  0:01:00  Succeeded",
        "  0:01:00  └ the clean-up ended SUCCEEDED",
    ]


def test_a_loop_is_one_line_and_decisions_are_left_out(account: Account) -> None:
    written = io.StringIO()
    timeline = Timeline(Console(file=written, width=80))
    run = execution(account, "run")
    for state, kind in (("Wait", "Wait"), ("Describe", "Task"), ("IsReady", "Choice")) * 3:
        timeline(run, state, kind)
    timeline.close()
    assert [line.strip() for line in written.getvalue().splitlines()][1:] == ["0:00:00  Describe", "… polled, 4 states"]


def test_the_table_of_several_runs_says_that_a_run_may_wait_for_its_prefix() -> None:
    written = io.StringIO()
    run = {
        "execution": "arn:one",
        "lane": 1,
        "queued_seconds": 59.9,
        "queued_for": [],
        "error": None,
        "outcome": "SUCCEEDED",
        "started_at": 0.0,
        "virtual_seconds": 600.0,
        "job_started_at": 120.0,
        "job_ended_at": 240.0,
    }
    print_runs(Console(file=written, width=100), [run], 600.0)
    head, row, key = written.getvalue().splitlines()
    assert head.split() == ["run", "lane", "queued", "outcome", "0:00:00", "0:10:00"]
    assert row.split()[:4] == ["1", "1", "0:00:59", "SUCCEEDED"]
    assert key.strip() == "· waits for lane and prefix  ─ before and after the job  █ job"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(59.6, "0:00:59"), (59.999_999_8, "0:01:00"), (3_661.0, "1:01:01"), (0.0, "0:00:00")]
)
def test_the_terminal_and_the_page_cut_a_time_to_whole_seconds_in_the_same_way(
    account: Account, seconds: float, shown: str
) -> None:
    written = io.StringIO()
    timeline = Timeline(Console(file=written, width=80))
    timeline(run := execution(account, "run"), "SubmitJob", "Task")
    run.status, run.stopped = "SUCCEEDED", run.started + seconds
    timeline.close()
    assert written.getvalue().splitlines()[-1].split()[0] == shown
    table = page.of(Story("title", "", (Run("run", 0.0, seconds),)))
    assert f"<dt>took</dt><dd>{shown}</dd>" in table
