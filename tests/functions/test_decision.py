"""When the metric check says yes, and everything that must make it say no."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.cloudwatch_stand_in import NOW, FakeCloudWatch, minutes_ago, result

Ask = Callable[..., dict[str, Any]]


def zeros(oldest: int, newest: int) -> list[tuple[int, float]]:
    return [(minutes_ago(count), 0.0) for count in range(oldest, newest - 1, -1)]


def test_a_zero_whose_minute_began_after_the_stop_says_yes(check: Ask) -> None:
    answer = check([(minutes_ago(4), 240.0), (minutes_ago(3), 0.0)], stopped_at=minutes_ago(4))
    assert answer == {
        "shouldDeleteFSx": True,
        "metricsValue": 0.0,
        "datapoints": 2,
        "reason": "The export queue was empty from 2026-01-15 12:27:00Z to 2026-01-15 12:28:00Z, "
        "60 s and more after the job stopped at 2026-01-15 12:26:00Z.",
    }


def test_a_full_window_of_zeros_from_before_the_stop_proves_nothing(check: Ask) -> None:
    answer = check(zeros(15, 1), stopped_at=minutes_ago(1) + 20)
    assert answer["shouldDeleteFSx"] is False
    assert answer["metricsValue"] == 0.0
    assert answer["datapoints"] == 15
    assert answer["reason"].endswith("and the one needed began at 2026-01-15 12:29:00Z.")
    assert "and the first of the 3 needed began" in check(zeros(15, 1), minutes_ago(1), quietMinutes=3)["reason"]


@pytest.mark.parametrize(("seconds_before_the_minute", "expected"), [(14.999, False), (15.0, True), (0, False)])
def test_a_zero_counts_when_its_minute_began_15_seconds_after_the_stop(
    check: Ask, seconds_before_the_minute: float, expected: bool
) -> None:
    answer = check(zeros(2, 2), stopped_at=minutes_ago(2) - seconds_before_the_minute)
    assert answer["shouldDeleteFSx"] is expected


def test_a_non_zero_after_a_zero_says_no(check: Ask) -> None:
    answer = check([(minutes_ago(3), 0.0), (minutes_ago(2), 1.0)], stopped_at=minutes_ago(10))
    assert answer["shouldDeleteFSx"] is False
    assert answer["metricsValue"] == 1.0
    assert "1 s for its export" in answer["reason"]


def test_no_datapoint_at_all_says_no_and_has_no_value(check: Ask) -> None:
    answer = check([], stopped_at=minutes_ago(10))
    assert (answer["shouldDeleteFSx"], answer["metricsValue"], answer["datapoints"]) == (False, None, 0)
    assert "proves nothing" in answer["reason"]


def test_datapoints_may_come_in_any_order(check: Ask) -> None:
    points = [(minutes_ago(2), 0.0), (minutes_ago(5), 90.0), (minutes_ago(3), 30.0)]
    assert check(points, stopped_at=minutes_ago(6))["shouldDeleteFSx"] is True
    assert check([(minutes_ago(3), 0.0), (minutes_ago(2), 5.0)][::-1], minutes_ago(6))["shouldDeleteFSx"] is False


def test_the_minute_in_progress_is_not_believed_even_when_it_is_answered(check: Ask) -> None:
    answer = check([(minutes_ago(0), 0.0)], stopped_at=minutes_ago(1))
    assert answer["datapoints"] == 0


@pytest.mark.parametrize(("minutes", "expected"), [(15, True), (16, False)])
def test_a_datapoint_counts_as_long_as_it_is_in_the_window(check: Ask, minutes: int, expected: bool) -> None:
    answer = check(zeros(minutes, minutes), stopped_at=minutes_ago(30))
    assert answer["shouldDeleteFSx"] is expected
    assert answer["datapoints"] == int(expected)


def test_a_minute_that_ends_now_counts(check: Ask) -> None:
    with time_machine.travel(minutes_ago(0), tick=False):
        assert check(zeros(1, 1), stopped_at=minutes_ago(2))["shouldDeleteFSx"] is True


@pytest.mark.parametrize(("minutes", "expected"), [(60, True), (61, False), (62, False)])
def test_a_run_of_quiet_minutes_may_begin_before_the_window_but_not_end_before_it(
    check: Ask, minutes: int, expected: bool
) -> None:
    answer = check(zeros(minutes + 4, minutes), minutes_ago(90), timeDiffMinutes=60, quietMinutes=5)
    assert answer["shouldDeleteFSx"] is expected
    assert ("older than 60 minutes" in answer["reason"]) is not expected


def test_a_stop_a_little_in_the_future_says_no_with_the_reason(check: Ask) -> None:
    answer = check(zeros(15, 1), stopped_at=NOW.timestamp() + 2)
    assert answer["shouldDeleteFSx"] is False
    assert "The job stopped at 2026-01-15 12:30:22Z" in answer["reason"]


def test_a_period_of_five_minutes_counts_only_when_all_of_it_lies_after_the_stop(check: Ask) -> None:
    began = minutes_ago(10)  # 12:20, a boundary of five minutes
    assert check([(began, 0.0)], began - 15, periodSeconds=300)["shouldDeleteFSx"] is True
    assert check([(began, 0.0)], began + 60, periodSeconds=300)["shouldDeleteFSx"] is False
    assert check([(minutes_ago(4), 0.0)], began, periodSeconds=300)["datapoints"] == 0  # not whole yet


class TestQuietMinutes:
    """A run of minutes, each of them seen at zero after the stop."""

    def test_every_minute_of_the_run_seen_at_zero_says_yes(self, check: Ask) -> None:
        answer = check(zeros(7, 3), stopped_at=minutes_ago(8), quietMinutes=5)
        assert answer["shouldDeleteFSx"] is True
        assert "from 2026-01-15 12:23:00Z to 2026-01-15 12:28:00Z" in answer["reason"]

    @pytest.mark.parametrize("gap", [4, 5, 6, 7])
    def test_a_missing_minute_says_no(self, check: Ask, gap: int) -> None:
        points = [point for point in zeros(7, 3) if point[0] != minutes_ago(gap)]
        answer = check(points, stopped_at=minutes_ago(8), quietMinutes=5)
        assert answer["shouldDeleteFSx"] is False
        assert "is missing" in answer["reason"]

    @pytest.mark.parametrize("busy", [3, 4, 5, 6, 7])
    def test_a_busy_minute_says_no(self, check: Ask, busy: int) -> None:
        points = [(began, 2.0 if began == minutes_ago(busy) else 0.0) for began, _ in zeros(7, 3)]
        assert check(points, stopped_at=minutes_ago(8), quietMinutes=5)["shouldDeleteFSx"] is False

    def test_a_run_that_reaches_back_before_the_stop_says_no(self, check: Ask) -> None:
        assert check(zeros(14, 3), minutes_ago(7) - 14, quietMinutes=5)["shouldDeleteFSx"] is False
        assert check(zeros(14, 3), minutes_ago(7) - 15, quietMinutes=5)["shouldDeleteFSx"] is True

    def test_a_window_as_long_as_the_run_is_read_although_the_newest_minutes_are_not_readable_yet(
        self, check: Ask, cloudwatch: FakeCloudWatch
    ) -> None:
        answer = check(zeros(18, 4), stopped_at=minutes_ago(20), quietMinutes=15, timeDiffMinutes=15)
        assert answer["shouldDeleteFSx"] is True
        assert len(cloudwatch.requests) == 1

    def test_a_quiet_run_that_ended_before_the_window_says_no(self, check: Ask) -> None:
        answer = check(zeros(20, 16), stopped_at=minutes_ago(60), quietMinutes=5)
        assert answer["shouldDeleteFSx"] is False
        assert "older than 15 minutes" in answer["reason"]

    def test_single_minutes_are_read_whatever_the_period(self, check: Ask, cloudwatch: FakeCloudWatch) -> None:
        check(zeros(7, 3), stopped_at=minutes_ago(8), quietMinutes=5, periodSeconds=300)
        assert cloudwatch.requests[0]["MetricDataQueries"][0]["MetricStat"]["Period"] == 60


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[float], list[bool], float, int]:
    """A queue's age by minute, which minutes are readable, when the job stopped, and how many minutes must be quiet."""
    count = draw(st.integers(1, 20))
    ages = draw(st.lists(st.sampled_from([0.0, 0.0, 0.001, 40.0]), min_size=count, max_size=count))
    readable = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return ages, readable, draw(st.floats(-120, 1200)), draw(st.integers(0, 6))


@given(history=histories())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_yes_only_when_every_needed_minute_was_seen_empty_after_the_stop(
    check: Ask, handler: ModuleType, history: tuple[list[float], list[bool], float, int]
) -> None:
    ages, readable, stopped_seconds_ago, quiet = history
    stopped_at = round(NOW.timestamp() - stopped_seconds_ago, 3)
    points = [(minutes_ago(index + 1), age) for index, age in enumerate(ages) if readable[index]]
    answer = check(points, stopped_at, **({"quietMinutes": quiet} if quiet else {}))
    needed = max(quiet, 1)
    seen = dict(points)
    expected = False
    if seen and (newest := max(seen)) >= minutes_ago(15):
        run = [newest - 60 * index for index in range(needed)]
        expected = all(seen.get(began) == 0 and began - stopped_at >= handler.SETTLE_SECONDS for began in run)
    assert answer["shouldDeleteFSx"] is expected


@given(
    drained_after=st.floats(0, 1500),
    exports_take=st.floats(0, 12),
    delay=st.integers(0, 300),
    gaps=st.sets(st.integers(1, 40), max_size=30),
    ticks=st.lists(st.integers(0, 2400), min_size=1, max_size=6),
    skew=st.floats(-5, 5),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_yes_while_a_file_closed_before_the_stop_is_not_in_the_bucket(
    handler: ModuleType,
    drained_after: float,
    exports_take: float,
    delay: int,
    gaps: set[int],
    ticks: list[int],
    skew: float,
) -> None:
    """A queue that starts with the last file's close, up to 12 s late, and drains at any time; clocks 5 s apart."""
    stop = minutes_ago(60) + 37.5
    queued, drained = stop + exports_take, stop + exports_take + drained_after

    def age(began: int) -> float:  # the maximum of the minute, of which nothing is seen before it is queued
        last = min(began + 60, drained)
        return max(0.0, last - queued) if began < drained else 0.0

    for tick in ticks:
        now = stop + tick
        minutes = (minutes_ago(60 + 15 - index) for index in range(15 + 41))
        points = {
            began: age(began)
            for index, began in enumerate(minutes)
            if began + 60 + delay <= now and began >= now - 900 and index not in gaps
        }
        check = handler.Check("fs-1", stop + skew, 60, 15, 1)
        should_delete, _ = handler.decide(handler.Reading(points, complete=True), check, now)
        assert not (should_delete and now < drained)


class TestPages:
    """What CloudWatch does to an answer on its way."""

    def ask(self, handler: ModuleType) -> dict[str, Any]:
        event = {"fileSystemId": "fs-0123456789abcdef0", "jobStoppedAt": minutes_ago(10) * 1000}
        answer: dict[str, Any] = handler.handler(event, None)
        return answer

    def test_pages_are_followed_with_the_token_and_put_together(
        self, handler: ModuleType, cloudwatch: FakeCloudWatch
    ) -> None:
        cloudwatch.answers(result([(minutes_ago(4), 9.0)], "PartialData"), result([(minutes_ago(2), 0.0)]))
        answer = self.ask(handler)
        assert (answer["shouldDeleteFSx"], answer["datapoints"]) == (True, 2)
        assert [request.get("NextToken") for request in cloudwatch.requests] == [None, "page-1"]

    def test_a_later_page_may_hold_the_newest_datapoint(self, handler: ModuleType, cloudwatch: FakeCloudWatch) -> None:
        cloudwatch.answers(result([(minutes_ago(4), 0.0)], "PartialData"), result([(minutes_ago(2), 7.0)]))
        assert self.ask(handler)["shouldDeleteFSx"] is False

    @pytest.mark.parametrize("values", [(0.0, 8.0), (8.0, 0.0)])
    def test_a_minute_answered_twice_counts_once_with_its_larger_value(
        self, handler: ModuleType, cloudwatch: FakeCloudWatch, values: tuple[float, float]
    ) -> None:
        cloudwatch.answers(*(result([(minutes_ago(2), value)]) for value in values))
        answer = self.ask(handler)
        assert (answer["shouldDeleteFSx"], answer["metricsValue"], answer["datapoints"]) == (False, 8.0, 1)

    def test_partial_data_that_never_completes_proves_nothing(
        self, handler: ModuleType, cloudwatch: FakeCloudWatch
    ) -> None:
        cloudwatch.answers(result([(minutes_ago(3), 0.0)]), result([(minutes_ago(2), 0.0)], "PartialData"))
        answer = self.ask(handler)
        assert (answer["shouldDeleteFSx"], answer["datapoints"]) == (False, 2)
        assert "only part" in answer["reason"]

    def test_pages_without_end_prove_nothing(self, handler: ModuleType, cloudwatch: FakeCloudWatch) -> None:
        page = result([(minutes_ago(2), 0.0)])
        cloudwatch.answers(*[page] * (handler.MAX_PAGES + 1))
        assert self.ask(handler)["shouldDeleteFSx"] is False
        assert len(cloudwatch.requests) == handler.MAX_PAGES

    def test_an_answer_without_the_metric_proves_nothing(self, handler: ModuleType, cloudwatch: FakeCloudWatch) -> None:
        cloudwatch.pages = [{"MetricDataResults": []}]
        assert self.ask(handler)["shouldDeleteFSx"] is False

    @pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
    def test_a_metric_that_cannot_be_read_is_an_error_with_cloudwatchs_own_words(
        self, handler: ModuleType, cloudwatch: FakeCloudWatch, status: str
    ) -> None:
        cloudwatch.answers(result([], status, Messages=[{"Code": "X", "Value": "not today"}]))
        with pytest.raises(handler.MetricUnavailable, match=f"{status} .*fs-0123456789abcdef0.*not today"):
            self.ask(handler)
