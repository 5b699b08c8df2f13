"""Batch's array jobs. Owns the children of a parent, which runs nothing itself: how they come, what the parent says of
them, and its own end after theirs."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from typing import Any

from ..calls import ModelError
from ..context import Context
from .attempts import Attempts
from .job import BEFORE_STARTING, TERMINAL, Job

SIZES = range(2, 10_001)  # Batch guide, array jobs
# What others report of a parent one of whose children has failed.
CHILD_FAILED = "Array Child Job failed"
# Assumed: from its last child's end to the parent's own, and until the parent's summary shows a child's end.
PARENT_SECONDS, SUMMARY_SECONDS = 2.0, 10.0
STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")


class Arrays:
    """What there is to array jobs, beside what every job has."""

    def __init__(self, context: Context, attempts: Attempts) -> None:
        self._clock = context.clock
        self._attempts = attempts
        attempts.on_end = self._ended

    @staticmethod
    def check(params: dict[str, Any]) -> None:
        if "arrayProperties" in params and params["arrayProperties"].get("size") not in SIZES:
            raise ModelError("ClientException", f"Array size is from {SIZES[0]} to {SIZES[-1]}")

    def spawn(self, parent: Job) -> list[Job]:
        """The children, which are RUNNABLE at once; then the parent is PENDING (Batch guide, array jobs)."""
        now = self._clock.now()
        parent.children = [
            replace(
                parent, id=f"{parent.id}:{index}", arn=f"{parent.arn}:{index}", created=now, index=index, parent=parent,
                attempts=[], timers=[], unmounted=[], hosts=[],
            )
            for index in range(parent.array_size)
        ]  # fmt: skip
        parent.unended = len(parent.children)
        parent.status = "PENDING"
        return parent.children

    def _ended(self, job: Job) -> None:
        parent = job.parent
        if parent is not None:
            parent.unended -= 1
            if not parent.unended:
                self._clock.after(PARENT_SECONDS, functools.partial(self._end, parent))

    def _end(self, parent: Job) -> None:
        """Batch guide, array jobs: one failed child fails the parent; SDK ListJobs, jobStatus: it remains PENDING until
        all of them have ended."""
        failed = any(child.status == "FAILED" for child in parent.children)
        reason = parent.terminated or (CHILD_FAILED if failed else "")
        self._attempts.end(parent, "FAILED" if failed else "SUCCEEDED", reason)

    def terminate(self, parent: Job, reason: str) -> None:
        """Batch guide, array jobs: all children are terminated with it. Those that wait come first, so that none starts
        in the place of another."""
        if parent.status not in TERMINAL:
            parent.terminated = parent.terminated or reason
        for child in reversed(parent.children):
            self._attempts.terminate(child, reason)

    def cancel(self, parent: Job, reason: str) -> None:
        """SDK CancelJob: what has not come to STARTING is cancelled."""
        for child in reversed(parent.children):
            if child.status in BEFORE_STARTING:
                self._attempts.terminate(child, reason)

    def properties(self, job: Job) -> dict[str, Any]:
        """SDK ArrayPropertiesDetail: a child has its index, a parent the size and how many are in which status."""
        if job.index is not None:
            return {"arrayProperties": {"index": job.index}}
        if not job.array_size:
            return {}
        now = self._clock.now()
        counts = Counter(_seen(child, now) for child in job.children)
        summary = {status: counts[status] for status in STATUSES}
        return {"arrayProperties": {"size": job.array_size, "statusSummary": summary}}


def _seen(child: Job, now: float) -> str:
    """A child's status as its parent knows it: its end shows a little later."""
    if child.stopped is not None and child.status in TERMINAL and now < child.stopped + SUMMARY_SECONDS:
        return "RUNNABLE" if child.started is None else "RUNNING"
    return child.status
