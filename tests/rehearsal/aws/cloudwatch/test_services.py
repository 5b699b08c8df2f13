"""What Step Functions and SQS publish of executions and of queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from tests.rehearsal.aws.cloudwatch.asking import statistics

SQS = ("AWS/SQS", "ApproximateNumberOfMessagesVisible")


@pytest.mark.parametrize(
    ("states", "ended"),
    [
        ({"S": {"Type": "Succeed"}}, "ExecutionsSucceeded"),
        ({"F": {"Type": "Fail", "Error": "E", "Cause": "because"}}, "ExecutionsFailed"),
    ],
)
def test_executions_are_counted_by_their_machine_when_they_start_and_as_they_end(
    account: Account, run: Callable[..., Execution], states: dict[str, Any], ended: str
) -> None:
    execution = run(states)
    of = {"StateMachineArn": execution.machine_arn}
    account.clock.advance(170)  # the first minute of the clock has begun 17 s ago
    names = ("Started", "Succeeded", "Failed", "Aborted", "TimedOut")
    found = {name: statistics(account, "AWS/States", f"Executions{name}", "Sum", of=of) for name in names}
    assert found == {name: [1] if f"Executions{name}" in ("ExecutionsStarted", ended) else [] for name in names}
    assert statistics(account, "AWS/States", ended, "Sum", of={"StateMachineArn": "other"}) == []


def test_an_execution_that_was_stopped_counts_as_aborted_and_is_read_two_minutes_after_its_minute(
    account: Account, run: Callable[..., Execution]
) -> None:
    execution = run({"W": {"Type": "Wait", "Seconds": 10_000, "End": True}}, seconds=10)
    account.client("stepfunctions").stop_execution(executionArn=execution.arn)
    of = {"StateMachineArn": execution.machine_arn}
    account.clock.advance(152.9)
    assert statistics(account, "AWS/States", "ExecutionsAborted", "Sum", of=of) == []
    account.clock.advance(0.1)
    assert statistics(account, "AWS/States", "ExecutionsAborted", "Sum", of=of) == [1]


def test_a_queue_that_was_not_active_shows_its_messages_a_quarter_of_an_hour_later(account: Account) -> None:
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName="letters", Attributes={"MessageRetentionPeriod": "3600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    of = {"QueueName": "letters"}
    account.clock.advance(17 * 60)
    assert statistics(account, *SQS, "Maximum", of=of) == []
    account.clock.advance(3 * 60)
    assert set(statistics(account, *SQS, "Maximum", of=of)) == {1}
    sqs.send_message(QueueUrl=url, MessageBody="two")
    account.clock.advance(5 * 60)
    assert statistics(account, *SQS, "Maximum", of=of)[-1] == 2
    account.clock.advance(60 * 60)
    assert statistics(account, *SQS, "Maximum", of=of, minutes=3) == []


def test_a_queue_that_nobody_used_for_six_hours_shows_nothing_although_its_messages_are_there(account: Account) -> None:
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName="old", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="one")
    of = {"QueueName": "old"}
    account.clock.advance(5 * 3600)
    assert statistics(account, *SQS, "Maximum", of=of, minutes=10)[-1] == 1
    account.clock.advance(3600 + 10 * 60)
    assert statistics(account, *SQS, "Maximum", of=of, minutes=5) == []
    sqs.send_message(QueueUrl=url, MessageBody="two")
    account.clock.advance(10 * 60)
    assert statistics(account, *SQS, "Maximum", of=of, minutes=5) == [], "it has to wake up again"
    account.clock.advance(15 * 60)
    assert statistics(account, *SQS, "Maximum", of=of, minutes=5)[-1] == 2
