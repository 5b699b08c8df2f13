"""What the metric check accepts, what it asks CloudWatch, and what it costs to load."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.functions.cloudwatch_stand_in import FILE_SYSTEM_ID, HANDLER, NOW, FakeCloudWatch, minutes_ago, result

Ask = Callable[..., dict[str, Any]]
STOPPED_AT_MS = minutes_ago(10) * 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fileSystemId": None}, "fileSystemId: None is not the id of a file system"),
        ({"fileSystemId": 7}, "fileSystemId: 7 is not"),
        ({"fileSystemId": "vol-0123456789abcdef0"}, "fileSystemId: 'vol-0123456789abcdef0' is not"),
        ({"fileSystemId": "fs-0123456789abcdef0\n"}, "fileSystemId: 'fs-0123456789abcdef0"),
        ({"jobStoppedAt": None}, "jobStoppedAt: None is not a time in epoch milliseconds"),
        ({"jobStoppedAt": True}, "jobStoppedAt: True is not"),
        ({"jobStoppedAt": ""}, "jobStoppedAt: '' is not"),
        ({"jobStoppedAt": "2026-01-15"}, "jobStoppedAt: '2026-01-15' is not"),
        ({"jobStoppedAt": -STOPPED_AT_MS}, "jobStoppedAt: -"),
        ({"jobStoppedAt": STOPPED_AT_MS // 1000}, "is not a time in epoch milliseconds"),
        ({"jobStoppedAt": STOPPED_AT_MS * 1000}, "is not a time in epoch milliseconds"),
        ({"jobStoppedAt": STOPPED_AT_MS + 0.5}, "is not a time in epoch milliseconds"),
        ({"jobStoppedAt": float("inf")}, "jobStoppedAt: inf is not"),
        ({"periodSeconds": 59}, "periodSeconds: 59 is not 60 or a multiple of 60"),
        ({"periodSeconds": 0}, "periodSeconds: 0 is not"),
        ({"periodSeconds": 90}, "periodSeconds: 90 is not"),
        ({"periodSeconds": 86460}, "periodSeconds: 86460 is not"),
        ({"timeDiffMinutes": 0}, "timeDiffMinutes: 0 is not a number of minutes from 1"),
        ({"timeDiffMinutes": 21601}, "timeDiffMinutes: 21601 is not"),
        ({"timeDiffMinutes": [15]}, r"timeDiffMinutes: \[15\] is not"),
        ({"quietMinutes": 0}, "quietMinutes: 0 is not a number of minutes from 1"),
        ({"quietMinute": 5}, "quietMinute: 5 is not expected; the keys are fileSystemId, "),
    ],
)
def test_a_bad_event_is_refused_with_key_value_and_rule(
    handler: ModuleType, cloudwatch: FakeCloudWatch, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(handler.InvalidEvent, match=message):
        handler.handler({"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": STOPPED_AT_MS, **change}, None)
    assert cloudwatch.requests == []


@pytest.mark.parametrize(
    ("key", "smallest", "largest", "step"),
    [
        ("jobStoppedAt", 100_000_000_000, 99_999_999_999_999, 1),
        ("periodSeconds", 60, 86_400, 60),
        ("timeDiffMinutes", 1, 21_600, 1),
        ("quietMinutes", 1, 21_600, 1),
    ],
)
def test_values_are_taken_up_to_their_limits_and_no_further(
    handler: ModuleType, key: str, smallest: int, largest: int, step: int
) -> None:
    event = {"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": STOPPED_AT_MS}
    for value in (smallest, largest):
        handler.parse(event | {key: value}, {})
    for value in (smallest - step, largest + step):
        with pytest.raises(handler.InvalidEvent, match=f"{key}: {value} is not"):
            handler.parse(event | {key: value}, {})


def test_pages_that_never_end_are_not_read_for_ever_and_prove_nothing(
    handler: ModuleType, cloudwatch: FakeCloudWatch
) -> None:
    cloudwatch.answers(*[result([(minutes_ago(2), 0.0)])] * 200)
    event = {"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": STOPPED_AT_MS}
    answer = handler.handler(event, None)
    assert (answer["shouldDeleteFSx"], len(cloudwatch.requests)) == (False, 100)


def test_an_answer_whose_values_do_not_belong_to_its_times_is_no_answer(
    handler: ModuleType, cloudwatch: FakeCloudWatch
) -> None:
    page = result([(minutes_ago(2), 0.0)])
    page["Values"] = []
    cloudwatch.answers(page)
    with pytest.raises(ValueError, match="shorter"):
        handler.handler({"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": STOPPED_AT_MS}, None)


@pytest.mark.parametrize("event", [None, [], "fs-0123456789abcdef0"])
def test_an_event_that_is_no_object_is_refused(handler: ModuleType, event: Any) -> None:
    with pytest.raises(handler.InvalidEvent, match="is not an object with fileSystemId"):
        handler.handler(event, None)


@pytest.mark.parametrize(("name", "value"), [("PERIOD", "90"), ("TIME_DIFF", "soon"), ("PERIOD", "")])
def test_a_bad_environment_is_refused_by_the_variables_name(
    handler: ModuleType, cloudwatch: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(handler.InvalidEvent, match=f"{name}: '{value}' is not"):
        handler.handler({"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": STOPPED_AT_MS}, None)


@pytest.mark.parametrize("stopped_at", [STOPPED_AT_MS, str(STOPPED_AT_MS), float(STOPPED_AT_MS)])
def test_the_stop_may_be_a_number_or_its_text(check: Ask, stopped_at: object) -> None:
    assert check([(minutes_ago(9), 0.0)], 0, jobStoppedAt=stopped_at)["shouldDeleteFSx"] is True
    assert check([(minutes_ago(10), 0.0)], 0, jobStoppedAt=stopped_at)["shouldDeleteFSx"] is False


def test_one_call_asks_for_fifteen_whole_minutes_of_the_maximum(check: Ask, cloudwatch: FakeCloudWatch) -> None:
    check([], stopped_at=minutes_ago(10))
    assert cloudwatch.requests == [
        {
            "MetricDataQueries": [
                {
                    "Id": "age",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/FSx",
                            "MetricName": "AgeOfOldestQueuedMessage",
                            "Dimensions": [
                                {"Name": "FileSystemId", "Value": FILE_SYSTEM_ID},
                                {"Name": "Publisher", "Value": "AutoExport"},
                            ],
                        },
                        "Period": 60,
                        "Stat": "Maximum",
                    },
                }
            ],
            "StartTime": datetime(2026, 1, 15, 12, 15, tzinfo=UTC),
            "EndTime": datetime(2026, 1, 15, 12, 30, tzinfo=UTC),
        }
    ]


def test_period_and_window_come_from_the_environment_at_each_call_unless_the_event_names_them(
    check: Ask, cloudwatch: FakeCloudWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(**event: Any) -> tuple[int, str, str]:
        check([], stopped_at=minutes_ago(10), **event)
        (request,) = cloudwatch.requests
        stat = request["MetricDataQueries"][0]["MetricStat"]
        return stat["Period"], f"{request['StartTime']:%H:%M}", f"{request['EndTime']:%H:%M}"

    monkeypatch.setenv("PERIOD", "300")
    monkeypatch.setenv("TIME_DIFF", "20")
    assert asked() == (300, "12:10", "12:30")
    monkeypatch.setenv("TIME_DIFF", "5")
    assert asked() == (300, "12:25", "12:30")
    assert asked(periodSeconds="60", timeDiffMinutes="2") == (60, "12:28", "12:30")
    assert asked(periodSeconds=None, timeDiffMinutes=None) == (300, "12:25", "12:30")
    assert asked(periodSeconds=420) == (420, "12:22", "12:29")  # at least one whole period
    monkeypatch.setenv("quietMinutes", "9")
    assert asked(periodSeconds=60) == (60, "12:25", "12:30")


def test_against_an_embedded_cloudwatch_only_this_file_systems_export_queue_is_read(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    handler.cloudwatch.cache_clear()
    with mock_aws():
        client = boto3.client("cloudwatch")

        def publish(value: float, minutes: int, publisher: str, file_system_id: str = FILE_SYSTEM_ID) -> None:
            dimensions = {"FileSystemId": file_system_id, "Publisher": publisher}
            datum = {
                "MetricName": "AgeOfOldestQueuedMessage",
                "Dimensions": [{"Name": name, "Value": text} for name, text in dimensions.items()],
                "Timestamp": datetime.fromtimestamp(minutes_ago(minutes), UTC),
                "Value": value,
            }
            client.put_metric_data(Namespace="AWS/FSx", MetricData=[datum])

        publish(0, 3, "AutoImport")
        publish(0, 3, "AutoExport", "fs-0fedcba9876543210")
        event = {"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": STOPPED_AT_MS}
        assert handler.handler(event, None)["datapoints"] == 0
        publish(120, 4, "AutoExport")
        assert handler.handler(event, None)["metricsValue"] == 120
        publish(0, 2, "AutoExport")
        assert handler.handler(event, None)["shouldDeleteFSx"] is True
    handler.cloudwatch.cache_clear()


def test_loading_the_function_loads_nothing_that_boto3_does_not() -> None:
    """No client, no further package: what a cold start pays is boto3."""
    code = (
        f"import sys, boto3; sys.path.insert(0, {str(HANDLER.parent)!r}); before = set(sys.modules)\n"
        "import handler; print(sorted(set(sys.modules) - before))\n"
        "print(handler.cloudwatch.cache_info().currsize, boto3.DEFAULT_SESSION)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "['handler']\n0 None\n"


def test_the_clock_of_these_tests_is_not_on_a_minute() -> None:
    assert NOW.second != 0
