"""Reading metrics: periods, limits, from a state machine too."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from tests.rehearsal.aws.cloudwatch.asking import dimensions, put

OF = {"Stack": "mine"}


def asked(account: Account, days: float = 1.0, **change: Any) -> dict[str, Any]:
    end = account.clock.datetime()
    request = {
        "Namespace": "LustreBatch",
        "MetricName": "M",
        "Dimensions": dimensions(**OF),
        "StartTime": end - datetime.timedelta(days=days),
        "EndTime": end,
        "Period": 60,
        "Statistics": ["Sum"],
        **change,
    }
    return dict(account.client("cloudwatch").get_metric_statistics(**request))


@pytest.mark.parametrize(
    ("days", "change", "code"),
    [
        (1.01, {}, "InvalidParameterCombination"),
        (15.5, {"Period": 60}, "InvalidParameterValue"),
        (63.5, {"Period": 300}, "InvalidParameterValue"),
        (0.1, {"Period": 30}, "InvalidParameterValue"),
        (0.1, {"Period": 90}, "InvalidParameterValue"),
        (0.1, {"Statistics": ["Median"]}, "ValidationError"),
        (0.1, {"ExtendedStatistics": ["p90"]}, "ValidationError"),
        (0.0, {}, "InvalidParameterValue"),
        (-0.1, {}, "InvalidParameterValue"),
    ],
)
def test_statistics_have_limits(account: Account, days: float, change: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as raised:
        asked(account, days, **change)
    assert raised.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(("days", "period"), [(0.99, 60), (15.5, 3600), (63.5, 7200)])
def test_longer_times_are_read_in_longer_periods(account: Account, days: float, period: int) -> None:
    assert asked(account, days, Period=period)["Datapoints"] == []


def test_a_period_puts_its_minutes_together_and_another_unit_has_none(account: Account) -> None:
    for value in (1, 2, 4):
        put(account, {"MetricName": "M", "Dimensions": dimensions(**OF), "Value": value, "Unit": "Count"})
        account.clock.advance(60)
    account.clock.advance(120)
    [point] = asked(account, Period=86_400, Statistics=["Sum", "Minimum", "Maximum"])["Datapoints"]
    assert {key: point[key] for key in ("Sum", "Minimum", "Maximum", "Unit")} == {
        "Sum": 7,
        "Minimum": 1,
        "Maximum": 4,
        "Unit": "Count",
    }
    assert asked(account, Period=86_400, Unit="Seconds")["Datapoints"] == []


def test_what_was_published_is_listed(account: Account) -> None:
    put(account, {"MetricName": "M", "Dimensions": dimensions(**OF), "Value": 1})
    listed = account.client("cloudwatch").list_metrics
    assert listed(Namespace="LustreBatch")["Metrics"] == [
        {"Namespace": "LustreBatch", "MetricName": "M", "Dimensions": dimensions(**OF)}
    ]
    assert listed(Dimensions=[{"Name": "Stack", "Value": "other"}])["Metrics"] == []
    assert len(listed(Dimensions=[{"Name": "Stack"}])["Metrics"]) == 1


def test_a_state_machine_puts_and_reads_them(account: Account, run: Callable[..., Execution]) -> None:
    datum = {"MetricName": "M", "Dimensions": dimensions(**OF), "Value": 7, "Unit": "Seconds"}
    started = "{% $fromMillis($toMillis($states.context.Execution.StartTime) - 600000) %}"
    read = {
        "Namespace": "LustreBatch",
        "MetricName": "M",
        "Dimensions": dimensions(**OF),
        "StartTime": started,
        "EndTime": "{% $now() %}",
        "Period": 60,
        "Statistics": ["Maximum"],
    }
    execution = run(
        {
            "Put": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:cloudwatch:putMetricData",
                "Arguments": {"Namespace": "LustreBatch", "MetricData": [datum]},
                "Next": "Wait",
            },
            "Wait": {"Type": "Wait", "Seconds": 150, "Next": "Read"},
            "Read": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:cloudwatch:getMetricStatistics",
                "Arguments": read,
                "End": True,
            },
        }
    )
    assert execution.status == "SUCCEEDED", execution.cause
    [point] = execution.output["Datapoints"]
    assert (point["Maximum"], point["Unit"], point["Timestamp"]) == (7, "Seconds", "2026-01-15T09:00:00.000Z")
