"""Schedules fire in virtual time, from the reset until they are stopped."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.aws.account import Account
from tests.rehearsal.aws.deploying import Deployment


class Scheduled(Deployment):
    """With a schedule that starts the target."""

    def schedule(self, expression: str = "rate(60 minutes)", text: str | None = '{"sweep": true}', **more: Any) -> None:
        target = {"Arn": self.target, "RoleArn": self.role, "DeadLetterConfig": {"Arn": self.queue}}
        target |= {} if text is None else {"Input": text}
        self.target_of_the_schedule = target
        request = {"FlexibleTimeWindow": {"Mode": "OFF"}, **more}
        client = self.account.client("scheduler")
        client.create_schedule(Name="sweep", ScheduleExpression=expression, Target=target, **request)
        self.baseline = self.account.snapshot()
        self.reset(self.baseline)

    def minutes(self, hours: float) -> list[float]:
        """When the target was started within so many hours, in minutes after the reset."""
        self.account.clock.advance(hours * 3600)
        return [round((one.started - self.baseline.at) / 60, 3) for one in self.started()]


@pytest.fixture
def scheduled(account: Account) -> Scheduled:
    return Scheduled(account)


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("rate(60 minutes)", [60, 120]), ("rate(1 hour)", [60, 120]), ("rate(45 minutes)", [45, 90]), ("rate(1 day)", [])],
)
def test_a_rate_counts_from_the_reset(scheduled: Scheduled, expression: str, minutes: list[float]) -> None:
    scheduled.schedule(expression)
    assert scheduled.minutes(2.1) == minutes
    assert {one.input for one in scheduled.started()} <= {'{"sweep": true}'}


def test_a_reset_starts_the_count_anew(scheduled: Scheduled) -> None:
    scheduled.schedule()
    scheduled.minutes(1.5)
    scheduled.reset(scheduled.baseline)
    assert scheduled.minutes(1.1) == [60]


def test_nothing_fires_before_a_reset_and_after_the_stop(scheduled: Scheduled) -> None:
    account = scheduled.account
    assert not account.schedules.firing
    scheduled.schedule()
    assert account.schedules.firing
    assert account.schedules.next_due() == scheduled.baseline.at + 3600
    account.schedules.stop()
    assert (account.schedules.firing, account.schedules.next_due()) == (False, None)
    assert scheduled.minutes(5) == []
    assert account.clock.idle()


@pytest.mark.parametrize("text", ["DISABLED", "deleted"])
def test_a_schedule_that_is_disabled_or_deleted_does_not_fire(scheduled: Scheduled, text: str) -> None:
    scheduled.schedule()
    client = scheduled.account.client("scheduler")
    if text == "deleted":
        client.delete_schedule(Name="sweep")
    else:
        found = client.get_schedule(Name="sweep")
        client.update_schedule(
            Name="sweep",
            State=text,
            ScheduleExpression=found["ScheduleExpression"],
            FlexibleTimeWindow=found["FlexibleTimeWindow"],
            Target=found["Target"],
        )
    assert scheduled.minutes(3) == []


def test_a_flexible_window_is_used_up(scheduled: Scheduled) -> None:
    scheduled.schedule(FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10})
    assert scheduled.minutes(2.5) == [70, 130]


def test_without_an_input_the_target_gets_schedulers_own_event(scheduled: Scheduled) -> None:
    scheduled.schedule(text=None)
    scheduled.minutes(1)
    event = json.loads(scheduled.started()[0].input)
    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert event["time"] == "2026-01-15T10:00:17Z"


def test_context_attributes_are_filled_in(scheduled: Scheduled) -> None:
    scheduled.schedule(text='{"at": "<aws.scheduler.scheduled-time>"}')
    scheduled.minutes(1)
    assert json.loads(scheduled.started()[0].input) == {"at": "2026-01-15T10:00:17Z"}


def test_a_role_that_may_not_start_the_target_fills_the_dead_letter_queue(scheduled: Scheduled) -> None:
    scheduled.schedule()
    scheduled.allow("sqs:SendMessage")
    assert scheduled.minutes(1.1) == []
    letters = scheduled.account.deliveries.dead_letters(scheduled.queue)
    assert [letter["body"] for letter in letters] == ['{"sweep": true}']


def test_a_role_that_may_not_send_to_the_queue_loses_it(scheduled: Scheduled) -> None:
    scheduled.schedule()
    scheduled.allow("states:DescribeExecution")
    scheduled.minutes(1.1)
    assert scheduled.account.deliveries.dead_letters(scheduled.queue) == []
    assert "did not take it" in scheduled.account.deliveries.undelivered[0]


def test_a_cron_expression_fires_at_its_time_in_its_zone_and_a_single_moment_once(scheduled: Scheduled) -> None:
    berlin = {"ScheduleExpressionTimezone": "Europe/Berlin"}
    scheduled.schedule("cron(0 2 * * ? *)", **berlin)
    assert scheduled.account.clock.datetime().strftime("%H:%M") == "09:00"
    assert scheduled.minutes(48) == [pytest.approx(16 * 60, abs=2), pytest.approx(40 * 60, abs=2)]
    request = {"Name": "sweep", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": scheduled.target_of_the_schedule}
    scheduled.account.client("scheduler").update_schedule(
        ScheduleExpression="at(2026-01-15T11:00:00)", State="ENABLED", **request, **berlin
    )
    scheduled.reset(scheduled.baseline)
    assert scheduled.minutes(48) == [pytest.approx(60, abs=2)]


GROUP = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"


@pytest.mark.parametrize(
    ("services", "condition", "minutes"),
    [
        (["scheduler.amazonaws.com"], {"SourceAccount": "123456789012", "SourceArn": GROUP}, [60]),
        (["scheduler.amazonaws.com"], {"SourceArn": GROUP.replace("schedule-group", "schedule")}, []),
        (["scheduler.amazonaws.com"], {"SourceAccount": "999999999999"}, []),
        (["events.amazonaws.com"], {}, []),
    ],
)
def test_the_role_has_to_trust_scheduler(
    scheduled: Scheduled, services: list[str], condition: dict[str, str], minutes: list[float]
) -> None:
    scheduled.schedule()
    scheduled.trust(*services, **condition)
    assert scheduled.minutes(1.1) == minutes
    assert len(scheduled.account.deliveries.undelivered) == 1 - len(minutes)
