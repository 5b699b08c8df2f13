"""Every shipped scenario keeps its promise on the real program, definition, Lambda and sample job."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.calls import internally
from rehearsal.play.scenario import Scenario, load, names
from rehearsal.play.session import Session
from rehearsal.play.verdict import Verdict, judge
from rehearsal.provider.mocks import deploy
from tools import scenarios

Play = Callable[[str], Verdict]

# Design, JSON report, and what has been added to it.
KEYS = {
    "scenario", "outcome", "error", "cause", "output", "lost_files", "lost_bytes", "leaked", "retained", "drained_at",
    "deleted_at", "idle_seconds", "overhead_seconds", "job_started_at", "job_ended_at", "stale_objects",
    "virtual_seconds", "wall_seconds", "transitions", "history_events", "executions", "messages", "exported_files",
    "api_calls", "exported_objects", "peak_gib",
}  # fmt: skip


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


@pytest.fixture(scope="module")
def session_of(account: Account) -> Callable[[Scenario], Session]:
    """The deployed stack with a scenario's configuration; deployed once for all scenarios that share it."""

    @functools.cache
    def deployed(config: str) -> Session:
        return Session(account, deploy(account, config=json.loads(config)).exports)

    return lambda scenario: deployed(json.dumps(scenario.set, sort_keys=True))


@pytest.fixture(scope="module")
def play(session_of: Callable[[Scenario], Session]) -> Play:
    @functools.cache
    def once(name: str) -> Verdict:
        scenario = load(name)
        session = session_of(scenario)
        return judge(session, session.play(scenario))

    return once


@pytest.mark.parametrize("name", names())
def test_a_scenario_ends_as_it_says_with_nothing_lost_and_nothing_leaked(play: Play, name: str) -> None:
    verdict = play(name)
    assert verdict.why_not == [], verdict.facts["cause"]
    assert set(verdict.facts) >= KEYS
    assert [fault for fault in verdict.facts["unmet_faults"] if not {"at", "for"} & set(fault)] == []
    assert verdict.facts["unmet_plans"] == []
    assert verdict.facts["history_events"] < 25_000
    assert json.loads(verdict.json())["scenario"] == name


@pytest.mark.parametrize("name", names())
def test_a_scenario_goes_as_the_page_says(play: Play, name: str) -> None:
    """Every wait, every call and every message: what changes any of them changes the page (`make docs`)."""
    assert scenarios.row(play(name).facts, load(name).description) in scenarios.PAGE.read_text("utf-8").splitlines()


def test_the_page_has_every_scenario_once() -> None:
    lines = [line for line in scenarios.PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == names()


def facts(play: Play, name: str) -> dict[str, Any]:
    return play(name).facts


def test_the_real_jobs_files_arrive_and_the_file_system_disappears(play: Play) -> None:
    found = facts(play, "default")
    assert found["exported_files"] > 0
    assert found["retained"] == []
    assert found["drained_at"] < found["deleted_at"]


def test_a_million_small_files_take_eighty_minutes_and_under_ten_real_seconds(play: Play) -> None:
    found = facts(play, "million-small-files")
    assert found["exported_files"] == 1_000_000
    assert 75 * 60 < found["drained_at"] - (found["job_ended_at"] - 300) < 90 * 60
    assert found["wall_seconds"] < 10


def test_a_million_files_in_a_hundred_thousand_directories_take_under_ten_real_seconds(play: Play) -> None:
    found = facts(play, "many-directories")
    assert (found["exported_files"], found["exported_objects"]) == (1_000_000, 1_100_000)
    assert found["wall_seconds"] < 10


def test_a_full_file_system_is_told_with_its_peak(play: Play) -> None:
    found = facts(play, "file-system-full")
    assert "No space left on device" in found["cause"]
    assert "exit code 1" in found["cause"]
    assert 1126 <= found["peak_gib"] <= 1200 * 1.1 * 1024 / 1200
    assert found["exported_files"] == 1126


def test_an_instance_that_cannot_mount_is_told_with_where_to_look(play: Play) -> None:
    cause = facts(play, "no-instance-mounts")["cause"]
    assert all(words in cause for words in ("mount", "Lustre client", "network", "console output"))


def test_a_quota_that_is_too_small_ends_the_run_before_anything_is_paid_for(play: Play) -> None:
    found = facts(play, "quota-too-small")
    assert "Spot Instance Requests (L-34B43A08), which is 5 vCPUs" in found["cause"]
    assert not [call for call in found["api_calls"] if ":Create" in call or ":Register" in call or ":PutItem" in call]
    [run] = [each for each in found["executions"] if each["error"] == "QuotaTooSmall"]
    assert run["stopped_at"] - run["started_at"] < 5


def test_a_quota_that_may_not_be_read_ends_no_run_and_is_named_when_the_job_does_not_start(play: Play) -> None:
    found = facts(play, "quota-unseen")
    assert found["api_calls"]["fsx:CreateFileSystem"] == 1
    assert found["api_calls"]["service-quotas:GetServiceQuota"] == 1
    assert "no quota (All Standard" in found["cause"]


def test_batchs_reason_for_a_blocked_queue_is_the_runs(play: Play) -> None:
    reason = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested for instance type"
    assert f"(jobStartTimeoutMinutes): {reason} m6i.8xlarge" in facts(play, "queue-blocked")["cause"]


def test_a_kept_file_system_is_named_with_its_reason(play: Play) -> None:
    (kept,) = facts(play, "keep-file-system")["retained"]
    assert kept["type"] == "file-system"
    assert "deleteLustre" in kept["reason"]


def test_a_bad_parameter_creates_nothing(play: Play) -> None:
    found = facts(play, "bad-parameter")
    assert "lustreStorageCapacity" in found["cause"]
    assert not [call for call in found["api_calls"] if ":Create" in call or ":Submit" in call]


def test_refused_files_are_counted_and_their_report_is_named(play: Play) -> None:
    found = facts(play, "refused-files")
    assert found["retained"][0]["id"] in found["cause"]
    assert "3" in found["cause"]
    assert "s3://" in found["cause"]


def test_every_failure_and_every_kept_file_system_is_told(play: Play) -> None:
    for name in ("refused-files", "file-system-fails", "job-fails", "keep-file-system", "reclaim"):
        assert facts(play, name)["messages"], name


def test_a_stopped_execution_is_cleaned_up_by_another(play: Play) -> None:
    found = facts(play, "stopped-while-running")
    # The run, what the rule starts, the clean-up that this starts; and a sweep that leaves them alone.
    assert found["executions"][0]["status"] == "ABORTED"
    assert {one["status"] for one in found["executions"][1:]} == {"SUCCEEDED"}
    assert found["deleted_at"] > found["drained_at"]


def test_a_second_run_under_the_same_prefix_waits_until_the_first_ones_file_system_is_gone(play: Play) -> None:
    first, second = facts(play, "two-starts")["runs"]
    assert (first["outcome"], second["outcome"]) == ("SUCCEEDED", "SUCCEEDED")
    assert lane_at(second) > first["deleted_at"]
    assert second["job_started_at"] > first["job_ended_at"]


def lane_at(run: dict[str, Any]) -> float:
    return float(run["started_at"] + run["queued_seconds"])


def test_two_runs_with_prefixes_of_their_own_work_at_the_same_time(play: Play) -> None:
    first, second = facts(play, "two-at-once")["runs"]
    assert (first["lane"], second["lane"]) == (1, 2)
    assert max(first["queued_seconds"], second["queued_seconds"]) < 5
    assert first["job_started_at"] < second["job_started_at"] < first["job_ended_at"] < second["job_ended_at"]


def test_a_third_run_waits_without_a_file_system_and_takes_the_lane_that_is_free_first(play: Play) -> None:
    long, short, third = facts(play, "three-on-two-lanes")["runs"]
    assert third["lane"] == short["lane"] != long["lane"]
    assert short["job_ended_at"] < lane_at(third) < short["stopped_at"]  # a lane is free before the file system is gone
    assert third["stopped_at"] < long["stopped_at"]
    assert third["overhead_seconds"] < 900 < third["queued_seconds"]  # as overhead a file system's waiting would count


def test_whoever_waits_gets_the_lane_of_a_dead_run_once_that_was_cleaned_up(play: Play) -> None:
    dead, waits = facts(play, "holder-dies")["runs"]
    assert (dead["outcome"], waits["outcome"]) == ("ABORTED", "SUCCEEDED")
    assert dead["lane"] == waits["lane"] == 1
    assert lane_at(waits) > dead["stopped_at"] + 60  # the first clean-up was stopped after a minute
    assert dead["deleted_at"] is not None
    assert dead["lost_files"] == 0


def test_a_run_waits_for_the_prefix_of_another_and_says_for_whom_and_holds_up_no_third(play: Play) -> None:
    first, within, hasty, other = facts(play, "same-prefix")["runs"]
    assert lane_at(within) > first["deleted_at"]
    assert first["execution"] in hasty["cause"]
    assert (hasty["lane"], "fsx:CreateFileSystem" in hasty["api_calls"]) == (None, False)
    assert other["queued_seconds"] < 5
    assert other["lane"] != first["lane"]


def test_a_hundred_runs_take_ten_lanes_in_the_order_of_their_starts(play: Play) -> None:
    runs = facts(play, "hundred-runs")["runs"]
    assert {run["outcome"] for run in runs} == {"SUCCEEDED"}
    assert {run["lane"] for run in runs} == {*range(1, 11)}
    taken = [lane_at(run) for run in runs]
    # Those next to each other may both be next when two lanes are free.
    assert all(taken[place] < taken[later] for place in range(90) for later in range(place + 10, 100))


def test_only_one_job_runs_when_the_answer_to_its_submission_is_lost(play: Play) -> None:
    found = facts(play, "submission-unanswered")
    assert found["api_calls"]["batch:SubmitJob"] == 1
    assert len(found["output"]["jobIds"]) == 1


def test_a_killed_container_is_told_with_its_exit_code_and_its_log(play: Play) -> None:
    cause = facts(play, "out-of-memory")["cause"]
    assert "137" in cause
    assert "out of memory" in cause
    assert "log stream" in cause


@pytest.mark.parametrize("name", ["api-away-for-hours", "clean-up-dies", "queue-unseen", "event-never-arrives"])
def test_once_the_trouble_is_over_nothing_is_left_and_nobody_did_anything(play: Play, name: str) -> None:
    found = facts(play, name)
    assert (found["retained"], found["leaked"], found["stale_objects"], found["lost_files"]) == ([], [], 0, 0)


def test_overhead_is_file_system_time_that_serves_nothing(play: Play) -> None:
    found = facts(play, "default")
    assert 0 < found["overhead_seconds"] < found["deleted_at"]
    assert facts(play, "keep-file-system")["overhead_seconds"] is None


def test_what_is_lost_or_left_behind_is_seen(session_of: Callable[[Scenario], Session]) -> None:
    """The verdict itself: a file system that vanishes under the run, and one that nobody names."""
    scenario = load("million-small-files")
    session = session_of(scenario)
    account = session.account

    def watch(execution: Any, state: str, kind: str) -> None:
        for file_system in account.file_systems.living():
            if state == "NoteEndOfJobs" and file_system.deleting_at is None:
                with internally():
                    account.client("fsx").delete_file_system(FileSystemId=file_system.id)

    verdict = judge(session, session.play(scenario, watch))
    assert verdict.facts["lost_files"] > 0
    assert not verdict.passed

    played = session.play(load("keep-file-system"))
    played.witness.statements.clear()
    verdict = judge(session, played)
    assert [thing["type"] for thing in verdict.facts["leaked"]] == ["file-system"]
    assert not verdict.passed


def test_the_same_scenario_plays_the_same_way_twice(session_of: Callable[[Scenario], Session]) -> None:
    scenario = load("throttled")
    session = session_of(scenario)
    first, second = (judge(session, session.play(scenario)).facts for _ in range(2))
    assert {**first, "wall_seconds": 0} == {**second, "wall_seconds": 0}
