"""Alarms are evaluated as CloudWatch does, in virtual time, and publish what it publishes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from tests.rehearsal.aws.cloudwatch.asking import dimensions, put

OF = {"Stack": "mine"}


def request(account: Account, **change: Any) -> dict[str, Any]:
    topic = account.client("sns").create_topic(Name="topic")["TopicArn"]
    return {
        "AlarmName": "too-many",
        "AlarmDescription": "Too many.",
        "AlarmActions": [topic],
        "Namespace": "LustreBatch",
        "MetricName": "M",
        "Dimensions": dimensions(**OF),
        "Statistic": "Maximum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 2.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        **change,
    }


def alarm(account: Account, **change: Any) -> None:
    account.client("cloudwatch").put_metric_alarm(**request(account, **change))


def state(account: Account) -> str:
    return str(account.client("cloudwatch").describe_alarms(AlarmNames=["too-many"])["MetricAlarms"][0]["StateValue"])


def datum(account: Account, value: float) -> None:
    put(account, {"MetricName": "M", "Dimensions": dimensions(**OF), "Value": value})


def told(account: Account) -> list[str]:
    return [str(message["subject"]) for message in account.topics.messages()]


def test_a_new_alarm_has_no_data_and_is_ok_a_minute_later_without_telling_anybody(account: Account) -> None:
    alarm(account)
    assert state(account) == "INSUFFICIENT_DATA"
    account.clock.advance(120)
    assert (state(account), told(account)) == ("OK", [])


def test_it_goes_off_when_the_datapoint_can_be_read_and_ends_when_that_has_left_every_period(account: Account) -> None:
    alarm(account)
    account.clock.advance(120)
    datum(account, 2)
    account.clock.advance(119)
    assert state(account) == "OK"
    account.clock.advance(61)
    assert (state(account), len(told(account))) == ("ALARM", 1)
    account.clock.advance(3 * 300 - 180)
    assert state(account) == "ALARM"
    account.clock.advance(120)
    assert (state(account), len(told(account))) == ("OK", 1)


def test_it_tells_once_of_each_change_of_its_state_and_not_of_each_datapoint(account: Account) -> None:
    alarm(account)
    for value in (2, 3, 4, 1, 1, 1, 1, 2):
        datum(account, value)
        account.clock.advance(300)
    assert len(told(account)) == 2


@pytest.mark.parametrize(
    ("values", "after"), [((5, 0, 5), "ALARM"), ((5, 0, 0), "OK"), ((5, 5), "ALARM"), ((5,), "OK")]
)
def test_so_many_of_so_many_periods_have_to_breach(account: Account, values: tuple[float, ...], after: str) -> None:
    alarm(account, Period=60, EvaluationPeriods=3, DatapointsToAlarm=2)
    for value in values:
        datum(account, value)
        account.clock.advance(60)
    account.clock.advance(120)
    assert state(account) == after


def test_below_a_threshold_of_the_lowest(account: Account) -> None:
    alarm(account, Statistic="Minimum", ComparisonOperator="LessThanThreshold")
    datum(account, 2)
    account.clock.advance(180)
    assert state(account) == "OK"
    datum(account, 1.9)
    account.clock.advance(180)
    assert state(account) == "ALARM"


def test_the_message_is_cloudwatchs(account: Account) -> None:
    alarm(account)
    datum(account, 7)
    account.clock.advance(180)
    [message] = account.topics.messages()
    assert message["subject"] == 'ALARM: "too-many" in US East (N. Virginia)'
    said = json.loads(message["message"])
    assert said["AlarmDescription"] == "Too many."
    assert (said["NewStateValue"], said["AWSAccountId"]) == ("ALARM", "123456789012")
    assert said["AlarmArn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:too-many"
    assert said["NewStateReason"] == (
        "Threshold Crossed: 1 out of the last 1 datapoints [7.0] was greater than or equal to the threshold (2.0)."
    )
    assert said["Trigger"]["Dimensions"] == [{"name": "Stack", "value": "mine"}]
    assert said["StateChangeTime"] == "2026-01-15T09:03:00.000+0000"


def test_one_whose_actions_are_off_or_that_was_deleted_tells_nobody(account: Account) -> None:
    alarm(account, ActionsEnabled=False)
    datum(account, 7)
    account.clock.advance(180)
    assert (state(account), told(account)) == ("ALARM", [])
    account.client("cloudwatch").delete_alarms(AlarmNames=["too-many"])
    alarm(account)
    datum(account, 7)
    account.client("cloudwatch").delete_alarms(AlarmNames=["too-many"])
    account.clock.advance(600)
    assert told(account) == []


def test_an_update_leaves_the_state_and_the_tags_as_they_are(account: Account) -> None:
    alarm(account, Tags=[{"Key": "a", "Value": "b"}])
    datum(account, 7)
    account.clock.advance(180)
    alarm(account, Threshold=100.0, Tags=[{"Key": "c", "Value": "d"}])
    assert state(account) == "ALARM"
    arn = account.cloudwatch.alarms.all["too-many"].arn
    client = account.client("cloudwatch")
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    account.clock.advance(120)
    assert state(account) == "OK"


def test_a_failed_execution_sets_one_off_and_a_dead_letter_another(
    account: Account, run: Callable[..., Execution]
) -> None:
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
    failed = {"Namespace": "AWS/States", "MetricName": "ExecutionsFailed", "Statistic": "Sum", "Threshold": 1.0}
    alarm(account, **failed, Dimensions=dimensions(StateMachineArn=machine))
    letters = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Threshold": 1.0}
    alarm(account, **letters, AlarmName="letters", Dimensions=dimensions(QueueName="letters"))
    run({"F": {"Type": "Fail", "Error": "E", "Cause": "because"}})
    account.clock.advance(240)
    assert [subject.split('"')[1] for subject in told(account)] == ["too-many"]
    account.client("sqs").create_queue(QueueName="letters")
    account.client("sqs").send_message(
        QueueUrl="https://sqs.us-east-1.amazonaws.com/123456789012/letters", MessageBody="one"
    )
    account.cloudwatch.queues.received("letters")
    account.clock.advance(1200)
    assert [subject.split('"')[1] for subject in told(account)] == ["too-many", "letters"]


def test_a_reset_puts_them_at_rest(account: Account) -> None:
    alarm(account)
    datum(account, 7)
    account.clock.advance(180)
    account.cloudwatch.reset()
    assert state(account) == "OK"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"TreatMissingData": "breaching"}, "TreatMissingData breaching is not modelled"),
        ({"OKActions": ["arn:aws:sns:us-east-1:123456789012:t"]}, "OKActions of an alarm is not modelled"),
        ({"Unit": "Count"}, "Unit of an alarm is not modelled"),
        ({"AlarmActions": ["arn:aws:lambda:us-east-1:123456789012:function:f"]}, "no topic is not modelled"),
        ({"Period": 90}, "Period 90 is no multiple of 60"),
        ({"Period": 300, "EvaluationPeriods": 289}, "is more than 86400 seconds"),
        ({"Period": 172_800, "EvaluationPeriods": 4}, "is more than 604800 seconds"),
        ({"DatapointsToAlarm": 2}, "DatapointsToAlarm 2 is not from 1 to EvaluationPeriods 1"),
        ({"AlarmDescription": "x" * 1025}, "AlarmDescription has more than 1024 characters"),
        ({"Namespace": "AWS/FSx", "MetricName": "DataWriteBytes"}, "AWS/FSx DataWriteBytes by Stack is not modelled"),
        ({"Namespace": "AWS/States", "MetricName": "ExecutionsFailed"}, "ExecutionsFailed by Stack is not modelled"),
    ],
)
def test_what_cloudwatch_refuses_or_nobody_models_is_refused(account: Account, change: Any, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        alarm(account, **change)
