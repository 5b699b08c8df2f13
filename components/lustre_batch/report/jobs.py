"""The attempts of a run's jobs, as Batch tells of them for seven days after their end (Batch guide, job states). While
a run holds its lane, every job that comes into the lane's queue counts as the run's, and none from before or after."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Final

from ..operate.runs import queues_of
from .evidence import Evidence
from .story import Attempt

MOST_JOBS: Final = 300
_AT_ONCE: Final = 100  # Batch API reference, DescribeJobs
_REMEMBERED_SECONDS: Final = 7 * 86_400
_SUBMITS: Final = {"SubmitJob", "OpenSession"}
# Batch guide, retry strategy: how an attempt ends whose instance Spot took.
_RECLAIMED: Final = "Host EC2"


def of_run(seen: Evidence, unknown: list[str]) -> tuple[int | None, list[Attempt]]:
    """How many jobs there were, and their attempts; what is not known is added."""
    if not _SUBMITS & seen.record.entered.keys():
        return 0, []
    if seen.now - seen.until > _REMEMBERED_SECONDS:
        unknown.append("The attempts of its jobs: Batch forgets them seven days after they end.")
        return None, []
    described, more = _described(seen)
    if not described:
        unknown.append("The attempts of its jobs: Batch knows of none, or has forgotten them.")
        return None, []
    if more:
        unknown.append(f"The attempts of {more} more jobs: the first {MOST_JOBS} are told of.")
    if seen.now - seen.since(_submitted(seen)) > _REMEMBERED_SECONDS:
        unknown.append("Jobs that ended more than seven days ago: Batch has forgotten those.")
    found = [attempt for job in described for attempt in _attempts(seen, job, len(described) > 1)]
    return len(described) + more, sorted(found, key=lambda one: one.ended if one.began is None else one.began)


def _submitted(seen: Evidence) -> datetime.datetime:
    """From when on there may have been jobs."""
    return min(at for state, at in seen.record.path if state in _SUBMITS)


def _described(seen: Evidence) -> tuple[list[dict[str, Any]], int]:
    """Those that run something: an array's parent runs nothing itself."""
    batch = seen.stack.client("batch")
    begin, end = (int((seen.origin + moment) * 1000) for moment in _held(seen))
    ids: list[str] = []
    for queue in queues_of(seen.stack, seen.request):
        asked = {"jobQueue": queue, "filters": [{"name": "AFTER_CREATED_AT", "values": [str(begin)]}]}
        for page in batch.get_paginator("list_jobs").paginate(**asked):
            for one in page["jobSummaryList"]:
                if one["createdAt"] <= end:
                    size = one.get("arrayProperties", {}).get("size", 0)
                    ids += [f"{one['jobId']}:{index}" for index in range(size)] or [one["jobId"]]
    found: list[dict[str, Any]] = []
    for place in range(0, min(len(ids), MOST_JOBS), _AT_ONCE):
        found += batch.describe_jobs(jobs=ids[place : min(place + _AT_ONCE, MOST_JOBS)])["jobs"]
    return found, max(0, len(ids) - MOST_JOBS)


def _held(seen: Evidence) -> tuple[float, float]:
    """From when to when the run had its lane. The queue is disabled before the lane is given back for the first time,
    which a clean-up may try again, and does once more for the prefix."""
    taken = seen.record.entered.get("TakeLane")
    given = [at for record, _ in seen.clean_ups for state, at in record.path if state == "GiveBack"]
    return seen.began if taken is None else seen.since(taken), seen.since(min(given)) if given else seen.until


def _attempts(seen: Evidence, job: dict[str, Any], are_several: bool) -> Iterator[Attempt]:
    index = job.get("arrayProperties", {}).get("index")
    which = f"child {index}, " if index is not None else f"{job['jobId'][:8]}, " if are_several else ""
    attempts = job.get("attempts", [])
    for number, one in enumerate(attempts, 1):
        container, reason = one.get("container", {}), str(one.get("statusReason", ""))
        began, ended = _moment(seen, one.get("startedAt")), _moment(seen, one.get("stoppedAt"))
        code = container.get("exitCode")
        yield Attempt(
            label=f"{which}attempt {number}",
            began=began,
            ended=seen.until if ended is None else ended,
            succeeded=job["status"] == "SUCCEEDED" and number == len(attempts),
            reclaimed=reason.startswith(_RECLAIMED),
            words=_words(began, code, container.get("reason") or reason),
        )
    if job["status"] == "RUNNING" and job.get("startedAt"):
        label = f"{which}attempt {len(attempts) + 1}"
        yield Attempt(label, _moment(seen, job["startedAt"]), seen.until, False, False, "it runs", running=True)


def _words(began: float | None, code: int | None, reason: str) -> str:
    said = "never started" if began is None else "no exit code" if code is None else f"exit code {code}"
    return f"{said} ({reason})" if reason and code != 0 else said


def _moment(seen: Evidence, milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000 - seen.origin
