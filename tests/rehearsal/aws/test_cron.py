"""When a cron expression names a moment next, in its time zone: the examples of the Scheduler guide, and its edges."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest

from rehearsal.aws.cron import next_moment


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(15 10 * * ? *)", "2026-01-15T10:15", "2026-01-16T10:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-16T18:00", "2026-01-19T18:00"),
        ("cron(0 8 1 * ? *)", "2026-01-15T09:00", "2026-02-01T08:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-01-16T23:51", "2026-01-19T00:00"),
        ("cron(1/10 * * * ? *)", "2026-01-15T00:12", "2026-01-15T00:21"),
        ("cron(15 12 L * ? *)", "2026-01-15T00:00", "2026-01-31T12:15"),
        ("cron(0 0 3W * ? *)", "2026-01-15T00:00", "2026-02-03T00:00"),
        ("cron(0 0 1W * ? *)", "2026-07-15T00:00", "2026-08-03T00:00"),
        ("cron(0 0 LW * ? *)", "2026-01-15T00:00", "2026-01-30T00:00"),
        ("cron(0 0 ? * 6L *)", "2026-01-15T00:00", "2026-01-30T00:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-01-15T00:00", "2026-02-02T09:00"),
        ("cron(0 0 ? JAN,MAR L *)", "2026-01-31T00:00", "2026-03-07T00:00"),
        ("cron(0 0 29 2 ? *)", "2026-01-15T00:00", "2028-02-29T00:00"),
        ("at(2026-05-01T12:30:00)", "2026-01-15T00:00", "2026-05-01T12:30"),
        ("at(2026-01-01T12:30:00)", "2026-01-15T00:00", None),
        ("cron(0 0 1 1 ? 2025)", "2026-01-15T00:00", None),
    ],
)
def test_the_next_moment_is_the_one_that_the_guide_says(expression: str, after: str, expected: str | None) -> None:
    found = next_moment(expression, "UTC", datetime.datetime.fromisoformat(f"{after}+00:00").timestamp())
    named = None if found is None else datetime.datetime.fromtimestamp(found, datetime.UTC).isoformat()[:16]
    assert named == expected


def test_what_the_clocks_skip_is_left_out_and_what_they_repeat_comes_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")

    def moments(day: datetime.datetime, number: int) -> list[str]:
        found, after = [], day.timestamp()
        for _ in range(number):
            after = next_moment("cron(30 2 * * ? *)", "Europe/Berlin", after) or 0
            found.append(datetime.datetime.fromtimestamp(after, berlin).strftime("%m-%d %H:%M"))
        return found

    assert moments(datetime.datetime(2026, 3, 28, tzinfo=berlin), 2) == ["03-28 02:30", "03-30 02:30"]
    assert moments(datetime.datetime(2026, 10, 25, tzinfo=berlin), 2) == ["10-25 02:30", "10-26 02:30"]


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        next_moment("cron(0 2 * *)", "UTC", 0)
