"""A change of an execution's status reaches the targets of the rules that match: once, late, twice or never."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.aws.account import Account, Baseline
from tests.rehearsal.aws.deploying import Deployment


class Ruled(Deployment):
    """With a rule for executions of the source that ended."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.baseline: Baseline = account.snapshot()

    def rule(self, statuses: tuple[str, ...] = ("SUCCEEDED",), **target: Any) -> None:
        events = self.account.client("events")
        detail = {"status": list(statuses), "stateMachineArn": [self.source]}
        events.put_rule(Name="ended", EventPattern=json.dumps({"source": ["aws.states"], "detail": detail}))
        known = {"Id": "t", "Arn": self.target, "RoleArn": self.role, **target}
        events.put_targets(Rule="ended", Targets=[known])

    def play(self, seconds: float = 1000, **plans: Any) -> None:
        """An execution of a minute, and what comes of it."""
        self.reset(self.baseline, **plans)
        self.account.client("stepfunctions").start_execution(stateMachineArn=self.source, name="run")
        self.account.clock.advance(seconds)

    def delays(self) -> list[float]:
        """How long after the end of the execution each start came."""
        return [round(one.started - self.baseline.at - 60, 3) for one in self.started()]


@pytest.fixture
def ruled(account: Account) -> Ruled:
    return Ruled(account)


def test_an_event_is_delivered_about_a_second_later(ruled: Ruled) -> None:
    ruled.rule()
    ruled.play()
    assert ruled.delays() == [1]
    event = json.loads(ruled.started()[0].input)
    assert event["detail"]["status"] == "SUCCEEDED"
    assert event["detail"]["stopDate"] - event["detail"]["startDate"] == 60_000


def test_a_start_is_an_event_too(ruled: Ruled) -> None:
    ruled.rule(("RUNNING",))
    ruled.play()
    assert ruled.delays() == [-59]
    detail = json.loads(ruled.started()[0].input)["detail"]
    assert (detail["status"], detail["stopDate"], detail["output"]) == ("RUNNING", None, None)


def test_a_rule_that_does_not_match_starts_nothing(ruled: Ruled) -> None:
    ruled.rule(("FAILED",))
    ruled.play()
    assert ruled.delays() == []


@pytest.mark.parametrize(
    ("plan", "delays"),
    [({"delay": 300}, [301]), ({"twice": True}, [1, 2]), ({"delivered": False}, []), ({"delivered": True}, [1])],
)
def test_a_plan_delays_doubles_or_loses_events(ruled: Ruled, plan: dict[str, Any], delays: list[float]) -> None:
    ruled.rule()
    ruled.play(events=plan)
    assert ruled.delays() == delays
    assert ruled.account.events.undelivered == [], "nobody is told of an event that was lost"


def test_a_constant_input_replaces_the_event(ruled: Ruled) -> None:
    ruled.rule(Input='{"sweep": true}')
    ruled.play()
    assert [json.loads(one.input) for one in ruled.started()] == [{"sweep": True}]


def test_trouble_that_passes_is_sat_out(ruled: Ruled) -> None:
    ruled.rule()
    ruled.play(3000, faults=[{"call": "stepfunctions:*", "error": "InternalError", "at": 30, "for": 1000}])
    assert len(ruled.delays()) == 1
    assert 970 < ruled.delays()[0] < 1500
    assert ruled.account.events.undelivered == []


def test_a_start_that_hangs_is_tried_again(ruled: Ruled) -> None:
    ruled.rule()
    ruled.play(faults=[{"call": "stepfunctions:StartExecution", "error": "hang", "skip": 1, "times": 2}])
    assert len(ruled.delays()) == 1


def test_what_may_not_be_delivered_goes_to_the_dead_letter_queue_at_once(ruled: Ruled) -> None:
    ruled.rule(DeadLetterConfig={"Arn": ruled.queue})
    ruled.open_queue()
    ruled.allow("sqs:SendMessage")
    ruled.play(62)
    assert ruled.delays() == []
    letters = ruled.account.deliveries.dead_letters(ruled.queue)
    assert [json.loads(letter["body"])["detail"]["name"] for letter in letters] == ["run"]
    assert letters[0]["ERROR_CODE"] == "AccessDeniedException"
    assert "in the dead-letter queue" in ruled.account.events.undelivered[0]
    ruled.reset(ruled.baseline)
    assert ruled.account.deliveries.dead_letters(ruled.queue) == []


def test_a_queue_whose_policy_does_not_let_eventbridge_in_gets_nothing(ruled: Ruled) -> None:
    ruled.rule(DeadLetterConfig={"Arn": ruled.queue})
    ruled.allow("sqs:SendMessage")
    ruled.play(62)
    assert ruled.account.deliveries.dead_letters(ruled.queue) == []
    assert "does not let EventBridge send" in ruled.account.events.undelivered[0]


def test_after_a_day_of_trouble_the_event_is_given_up(ruled: Ruled) -> None:
    ruled.rule(DeadLetterConfig={"Arn": ruled.queue})
    ruled.open_queue()
    ruled.play(2 * 86_400, faults=[{"call": "stepfunctions:*", "error": "InternalError", "at": 30}])
    assert len(ruled.account.deliveries.dead_letters(ruled.queue)) == 1
    assert ruled.account.deliveries.pending == []
