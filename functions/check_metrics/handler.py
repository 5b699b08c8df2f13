"""Owns one question: has the export queue of a file system been seen empty since its job stopped?

It reads one CloudWatch metric and answers; it never changes, deletes or remembers anything, and it never answers
yes for want of evidence: whatever is missing, late, partial or older than the job's end proves nothing.
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import boto3

# FSx guide, "Automatically export updates to your S3 bucket": seconds that the oldest change has been waiting to be
# exported, one datapoint a minute, 0 when nothing waits.
NAMESPACE, METRIC, PUBLISHER = "AWS/FSx", "AgeOfOldestQueuedMessage", "AutoExport"
METRIC_PERIOD_SECONDS = 60
# A file closed in the job's last moment reaches the queue within seconds (8 to 10 s from close to object on an idle
# queue); the rest allows for the clocks of Batch, FSx and CloudWatch to differ. A minute that began earlier than
# this after the stop may have been measured before the last file was queued.
SETTLE_SECONDS = 15
# CloudWatch guide, "Metrics retention": datapoints of 60 s are kept for 15 days; the longest period is one day.
MAX_WINDOW_MINUTES, MAX_PERIOD_SECONDS = 15 * 24 * 60, 24 * 60 * 60
KEYS = ("fileSystemId", "jobStoppedAt", "periodSeconds", "timeDiffMinutes", "quietMinutes")
MAX_PAGES = 100  # a day of minutes fits in one page; this only ends a NextToken that never does


class CheckError(Exception):
    """Any reason why no answer can be given. The message says what to change."""


class InvalidEvent(CheckError):
    """The event, or the function's environment, has a key, a value or a gap that cannot be worked with."""


class MetricUnavailable(CheckError):
    """CloudWatch refused the metric or failed to read it."""


class Check(NamedTuple):
    """One validated question."""

    file_system_id: str
    stopped_at: float  # epoch seconds
    period_seconds: int
    time_diff_minutes: int
    quiet_periods: int


class Reading(NamedTuple):
    """What CloudWatch answered: values by the epoch second at which their period began."""

    datapoints: Mapping[int, float]
    complete: bool


@functools.cache
def cloudwatch() -> Any:
    """Return the client: made once a container, at the first check, so that loading the module costs boto3 alone."""
    return boto3.client("cloudwatch")


def whole_number(key: str, value: object, rule: str, valid: Callable[[int], bool]) -> int:
    """Return `value` as an int; raise InvalidEvent unless it is a whole number (or the text of one) and `valid`."""
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if not re.fullmatch("[0-9]{1,18}", str(number)) or not valid(int(str(number))):
        raise InvalidEvent(f"{key}: {value!r} is not {rule}")
    return int(str(number))


def parse(event: Mapping[str, Any], environment: Mapping[str, str]) -> Check:
    """Validate an event, with the environment's PERIOD (s) and TIME_DIFF (min) where it names none, or InvalidEvent."""
    if not isinstance(event, Mapping):
        raise InvalidEvent(f"event: {event!r} is not an object with {', '.join(KEYS)}")
    for key in event:
        if key not in KEYS:
            raise InvalidEvent(f"{key}: {event[key]!r} is not expected; the keys are {', '.join(KEYS)}")
    given = {"PERIOD": environment.get("PERIOD", METRIC_PERIOD_SECONDS), "TIME_DIFF": environment.get("TIME_DIFF", 15)}
    given |= {key: value for key, value in event.items() if value is not None}
    file_system_id = given.get("fileSystemId")
    if not isinstance(file_system_id, str) or not re.fullmatch("fs-[0-9a-z]{1,18}", file_system_id):
        raise InvalidEvent(f"fileSystemId: {file_system_id!r} is not the id of a file system (fs-0123456789abcdef0)")

    def number(key: str, rule: str, valid: Callable[[int], bool], fallback: str = "") -> int:
        name = key if key in given else fallback or key
        return whole_number(name, given.get(name), rule, valid)

    def minutes(key: str, fallback: str = "") -> int:
        rule = f"a number of minutes from 1 to {MAX_WINDOW_MINUTES}"
        return number(key, rule, lambda n: 1 <= n <= MAX_WINDOW_MINUTES, fallback)

    # Seconds taken for milliseconds would date the stop to 1970, and every old zero would count as evidence.
    stopped_at_ms = number("jobStoppedAt", "a time in epoch milliseconds", lambda n: 10**11 <= n < 10**14)
    # The metric has one datapoint a minute: a shorter period, or half a minute more, has nothing to aggregate.
    rule = f"60 or a multiple of 60 up to {MAX_PERIOD_SECONDS} (seconds)"
    period_seconds = number("periodSeconds", rule, lambda n: 60 <= n <= MAX_PERIOD_SECONDS and n % 60 == 0, "PERIOD")
    time_diff_minutes = minutes("timeDiffMinutes", "TIME_DIFF")
    quiet_periods = 1
    if "quietMinutes" in given:  # every single minute has to be seen: no longer period will do
        quiet_periods, period_seconds = minutes("quietMinutes"), METRIC_PERIOD_SECONDS
    return Check(file_system_id, stopped_at_ms / 1000, period_seconds, time_diff_minutes, quiet_periods)


def read(client: Any, check: Check, now: float) -> Reading:
    """Read the window that ends with the last whole period in one call a page, or raise MetricUnavailable."""
    period = check.period_seconds
    end = int(now) // period * period  # exclusive: the period still in progress is not asked for
    lookback_seconds = check.time_diff_minutes * 60 + (check.quiet_periods - 1) * period
    start = (end - lookback_seconds) // period * period  # at least one period
    dimensions = {"FileSystemId": check.file_system_id, "Publisher": PUBLISHER}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": METRIC,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    request: dict[str, Any] = {
        "MetricDataQueries": [{"Id": "age", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Maximum"}}],
        "StartTime": datetime.fromtimestamp(start, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
    }
    datapoints: dict[int, float] = {}
    status = "no answer"
    for _ in range(MAX_PAGES):
        page = client.get_metric_data(**request)
        for result in page["MetricDataResults"]:
            status = result.get("StatusCode", "Complete")
            if status not in ("Complete", "PartialData"):
                notes = [*page.get("Messages", []), *result.get("Messages", [])]
                raise MetricUnavailable(f"CloudWatch answered {status} for {METRIC} {dimensions}: {notes}")
            for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True):
                began = int(timestamp.timestamp())
                if start <= began and began + period <= now:  # twice the same period: the larger value is believed
                    datapoints[began] = max(value, datapoints.get(began, value))
        if not page.get("NextToken"):
            return Reading(datapoints, complete=status == "Complete")
        request["NextToken"] = page["NextToken"]
    return Reading(datapoints, complete=False)


def decide(reading: Reading, check: Check, now: float) -> tuple[bool, str]:
    """Return whether the queue is proven empty since the job stopped, and the reason in one sentence."""
    datapoints, period = reading.datapoints, check.period_seconds
    if not reading.complete:
        return False, "CloudWatch returned only part of the datapoints, and what is missing proves nothing."
    if not datapoints:
        where = "AgeOfOldestQueuedMessage of the file system, in CloudWatch under AWS/FSx"
        return (
            False,
            f"No datapoint of the last {check.time_diff_minutes} minutes is readable, which proves nothing ({where}).",
        )
    newest = max(datapoints)
    if datapoints[newest] != 0:
        return False, f"At {clock(newest)} the oldest change had waited {datapoints[newest]:g} s for its export."
    if newest < now - now % period - max(check.time_diff_minutes * 60, period):
        return False, f"The newest datapoint, of {clock(newest)}, is older than {check.time_diff_minutes} minutes."
    run = [newest - index * period for index in range(check.quiet_periods)]
    first, settled_at = run[-1], check.stopped_at + SETTLE_SECONDS
    if first < settled_at:
        which = "the one" if len(run) == 1 else f"the first of the {len(run)}"
        return False, (
            f"The job stopped at {clock(check.stopped_at)}: a zero counts when its period began {SETTLE_SECONDS} s "
            f"later or more, and {which} needed began at {clock(first)}."
        )
    for began in run:
        if datapoints.get(began) != 0:
            seen = f"{datapoints[began]:g} s" if began in datapoints else "missing"
            return False, f"Of the {len(run)} quiet minutes needed up to {clock(newest)}, {clock(began)} is {seen}."
    return True, (
        f"The export queue was empty from {clock(first)} to {clock(newest + period)}, "
        f"{first - check.stopped_at:.0f} s and more after the job stopped at {clock(check.stopped_at)}."
    )


def clock(epoch_seconds: float) -> str:
    """Return a time as people read it."""
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer whether the file system's exports are proven to be finished.

    Parameters
    ----------
    event
        `fileSystemId`, `jobStoppedAt` (epoch ms); optional `periodSeconds`, `timeDiffMinutes`, and `quietMinutes`:
        how many minutes in a row, up to the newest readable one, have to be seen at zero instead of one period.
    context
        Lambda's, not used.

    Returns
    -------
    dict
        `shouldDeleteFSx`, `metricsValue` (newest value in seconds, or None), `datapoints` (count), `reason`.

    Raises
    ------
    InvalidEvent, MetricUnavailable
    """
    check, now = parse(event, os.environ), time.time()
    reading = read(cloudwatch(), check, now)
    should_delete, reason = decide(reading, check, now)
    newest = max(reading.datapoints, default=None)
    return {
        "shouldDeleteFSx": should_delete,
        "metricsValue": None if newest is None else reading.datapoints[newest],
        "datapoints": len(reading.datapoints),
        "reason": reason,
    }
