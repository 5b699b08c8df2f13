"""Metrics that are put: what CloudWatch takes, and when it can be read."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account
from tests.rehearsal.aws.cloudwatch.asking import dimensions, put, statistics

OF = {"Stack": "mine"}


def datum(value: float = 1, **more: Any) -> dict[str, Any]:
    return {"MetricName": "M", "Dimensions": dimensions(**OF), "Value": value, "Unit": "Count", **more}


def refused(account: Account, *data: dict[str, Any], namespace: str = "LustreBatch") -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        put(account, *data, namespace=namespace)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_what_was_put_can_be_read_two_minutes_later_under_its_exact_dimensions(account: Account) -> None:
    put(account, datum(3), datum(5))
    account.clock.advance(119)
    assert statistics(account, "LustreBatch", "M", "Sum", of=OF) == []
    account.clock.advance(1)
    for statistic, value in (("Sum", 8), ("Average", 4), ("Maximum", 5), ("Minimum", 3), ("SampleCount", 2)):
        assert statistics(account, "LustreBatch", "M", statistic, of=OF) == [value]
    assert statistics(account, "LustreBatch", "M", "Sum") == []
    assert statistics(account, "LustreBatch", "M", "Sum", of={"Stack": "other"}) == []


def test_a_value_may_come_with_counts_or_as_a_statistic_set(account: Account) -> None:
    bare = {key: value for key, value in datum().items() if key != "Value"}
    put(account, {**bare, "Values": [1.0, 4.0], "Counts": [2.0, 1.0]})
    put(account, {**bare, "StatisticValues": {"SampleCount": 2, "Sum": 9, "Minimum": 0.5, "Maximum": 8.5}})
    account.clock.advance(120)
    assert statistics(account, "LustreBatch", "M", "SampleCount", of=OF) == [5]
    assert statistics(account, "LustreBatch", "M", "Sum", of=OF) == [15]
    assert statistics(account, "LustreBatch", "M", "Minimum", of=OF) == [0.5]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"Value": float("nan")}, "InvalidParameterValue", "nan for parameter MetricData.member.1.Value"),
        ({"Value": float("inf")}, "InvalidParameterValue", "inf"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "Value is invalid"),
        ({"Unit": "Dollars"}, "InvalidParameterValue", "Dollars"),
        ({"Dimensions": dimensions(**{f"d{n}": "v" for n in range(31)})}, "InvalidParameterValue", "Dimensions"),
        ({"Dimensions": dimensions(Stack=" ")}, "InvalidParameterValue", "Dimensions.member.1.Value"),
        ({"Dimensions": dimensions(Stack="ü")}, "InvalidParameterValue", "Dimensions.member.1.Value"),
        ({"MetricName": "x" * 256}, "InvalidParameterValue", "MetricName"),
        ({"Values": [1.0]}, "InvalidParameterCombination", "mutually exclusive"),
        ({"StorageResolution": 1}, "ValidationError", "not modelled"),
    ],
)
def test_a_datum_that_cloudwatch_refuses_is_refused_and_nothing_beside_it_is_taken(
    account: Account, change: dict[str, Any], code: str, words: str
) -> None:
    found = (
        refused(account, datum(), {**datum(), **change}) if "nan" not in words else refused(account, datum() | change)
    )
    assert found[0] == code
    assert words in found[1]
    account.clock.advance(180)
    assert statistics(account, "LustreBatch", "M", "Sum", of=OF) == []


def test_the_namespaces_of_aws_and_more_than_a_thousand_metrics_are_refused(account: Account) -> None:
    assert refused(account, datum(), namespace="AWS/States")[0] == "InvalidParameterValue"
    assert "1000" in refused(account, *[datum()] * 1001)[1]
    put(account, *[datum()] * 1000)


@pytest.mark.parametrize(("days", "accepted"), [(-13.9, True), (-14.1, False), (1.9 / 24, True), (2.1 / 24, False)])
def test_a_timestamp_is_from_two_weeks_ago_to_two_hours_ahead(account: Account, days: float, accepted: bool) -> None:
    at = account.clock.datetime() + datetime.timedelta(days=days)
    if accepted:
        put(account, datum(Timestamp=at))
    else:
        assert "two weeks" in refused(account, datum(Timestamp=at))[1]


def test_what_is_late_takes_longer_to_be_readable(account: Account) -> None:
    put(account, datum(Timestamp=account.clock.datetime() - datetime.timedelta(hours=4)))
    account.clock.advance(7199)
    assert statistics(account, "LustreBatch", "M", "Sum", of=OF, minutes=600) == []
    account.clock.advance(1)
    assert statistics(account, "LustreBatch", "M", "Sum", of=OF, minutes=600) == [1]


def test_a_reset_forgets_them(account: Account) -> None:
    put(account, datum())
    account.clock.advance(180)
    account.cloudwatch.reset()
    assert statistics(account, "LustreBatch", "M", "Sum", of=OF) == []
