"""A play leaves results to look at, and nothing that would affect what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from rehearsal.play.scenario import load, parse
from rehearsal.play.session import Session
from rehearsal.play.verdict import judge
from rehearsal.provider.mocks import deploy

THROTTLED = {"call": "secretsmanager:GetSecretValue", "times": 1000}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


@pytest.fixture(scope="module")
def session(account: Account) -> Session:
    return Session(account, deploy(account).exports)


def test_the_faults_of_a_play_do_not_meet_the_next_deployment(account: Account, session: Session) -> None:
    assert session.play(parse({"faults": [THROTTLED]}, "test")).first.status == "FAILED"
    next_session = Session(account, deploy(account, config={"exportVerification": "metrics"}).exports)
    assert judge(next_session, next_session.play(load("late-burst"))).passed


def test_no_authoriser_watcher_or_timer_outlives_a_play(account: Account, session: Session) -> None:
    seen: list[str] = []
    session.play(load("job-fails"), lambda execution, state, kind: seen.append(state))
    assert seen
    assert account.calls.authoriser is None
    assert account.executions.watcher is None
    assert account.clock.idle()


def test_a_play_that_breaks_off_leaves_nothing_in_force_either(account: Account, session: Session) -> None:
    def interrupt(execution: Execution, state: str, kind: str) -> None:
        if state == "SubmitJob":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.play(parse({"faults": [THROTTLED | {"skip": 5}]}, "test"), interrupt)
    assert account.calls.faults == []
    assert account.calls.authoriser is None
    assert account.clock.idle()


def test_each_play_starts_as_the_deployment_left_the_account(account: Account, session: Session) -> None:
    def facts() -> dict[str, Any]:
        return judge(session, session.play(load("reclaim"))).facts | {"wall_seconds": 0}

    first = facts()
    session.play(parse({"seed": 5, "fsx_error_prefix": "Fsx", "export": {"refused": 2}}, "test"))
    assert facts() == first


def test_a_real_job_has_the_environment_that_the_run_chose(account: Account, session: Session) -> None:
    chosen = {"jobDefinitionEnvironment": {"SAMPLE_FILES": 3, "SAMPLE_INTERVAL_SECONDS": "5"}}
    facts = judge(session, session.play(parse({"input": chosen}, "test"))).facts
    assert facts["outcome"] == "SUCCEEDED"
    assert round(facts["job_ended_at"] - facts["job_started_at"]) == 2 * 5
    (job,) = account.jobs.all.values()
    assert job.definition["containerProperties"]["environment"][0] == {"name": "SAMPLE_FILES", "value": "3"}


def test_a_real_job_runs_the_command_that_the_run_chose(account: Account, session: Session) -> None:
    script = 'echo "$GREETING" > "${SCRATCH_DIR:-/scratch}/greeting.txt"; sleep 7'
    chosen = {"jobDefinitionCommand": ["sh", "-euc", script], "jobDefinitionEnvironment": {"GREETING": "größe"}}
    verdict = judge(session, session.play(parse({"input": chosen}, "test")))
    assert verdict.passed, verdict.facts
    assert verdict.facts["exported_files"] == 1
    assert round(verdict.facts["job_ended_at"] - verdict.facts["job_started_at"]) == 7


def test_an_attempt_ends_when_its_own_time_is_over_and_is_not_tried_again(session: Session) -> None:
    scenario = {
        "job": {"runtime": 3600, "writes": [{"over": 600, "files": 10}]},
        "input": {"jobDefinitionAttemptSeconds": 900},
        "expect": "FAILED",
    }
    facts = judge(session, session.play(parse(scenario, "test"))).facts
    assert round(facts["job_ended_at"] - facts["job_started_at"]) == 900
    assert "Job attempt duration exceeded timeout" in facts["cause"]
    assert facts["leaked"] == []


def test_a_job_has_its_own_tags_beside_those_of_the_run(account: Account, session: Session) -> None:
    chosen = {"jobDefinitionTags": {"project": "imaging", "lustre": "1"}}
    scenario = {"job": {"runtime": 60, "writes": []}, "input": chosen}
    assert judge(session, session.play(parse(scenario, "test"))).passed
    (job,) = account.jobs.all.values()
    assert {"project": "imaging", "lustre": "1"}.items() <= job.tags.items()
    assert "lustre-batch:execution" in job.tags
