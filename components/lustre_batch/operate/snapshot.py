"""What a look at a run has seen, in words and as facts, and how the command ends by it. It asks AWS nothing."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Final

from ..prices import file_system_dollars
from . import runs
from .problems import AS_WISHED, KEPT, RUN_FAILED

ASKED: Final = "deleteLustre is false"


@dataclass(frozen=True)
class Snapshot:
    """What a look has seen."""

    at: datetime.datetime
    run: str
    status: str
    steps: tuple[runs.Step, ...]
    started: datetime.datetime
    stopped: datetime.datetime | None
    detail: str
    file_system: dict[str, Any] | None
    job: dict[str, Any] | None
    dollars: dict[str, float] | None
    queued: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    cause: str = ""
    output: dict[str, Any] = field(default_factory=dict)
    # Of a close look alone.
    queue_age_seconds: float | None = None
    log: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.run.rpartition(":")[2]

    @property
    def over(self) -> bool:
        return self.status not in runs.RUNNING

    @property
    def elapsed_seconds(self) -> float:
        return ((self.stopped or self.at) - self.started).total_seconds()

    @property
    def words(self) -> str:
        """What the run is at, in one line."""
        if self.over:
            return f"the run {_ENDS.get(self.status, self.status)}" + (f": {self.error}" if self.error else "")
        step = self.steps[-1].phase.words if self.steps else "it has been started"
        return step + (f" ({self.detail})" if self.detail else "")

    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        system, job = self.file_system or {}, self.job or {}
        return {
            "run": self.run,
            "status": self.status,
            "phase": self.steps[-1].phase.name if self.steps else "",
            "state": self.steps[-1].state if self.steps else "",
            "lane": self.queued.get("lane"),
            "prefix": self.queued.get("prefix"),
            "place": self.queued.get("place"),
            "waits_for": self.queued.get("waits_for", []),
            "started": self.started.astimezone(datetime.UTC).isoformat(),
            "elapsed_seconds": round(self.elapsed_seconds),
            "file_system": {"id": system["FileSystemId"], "lifecycle": system["Lifecycle"]} if system else None,
            "job": {"id": job["jobId"], "status": job["status"]} if job else None,
            "file_system_dollars": self.dollars,
            "error": self.error,
            "cause": self.cause,
            "output": self.output,
            "kept": kept(self),
        }


_ENDS: Final = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "ABORTED": "was stopped",
    "TIMED_OUT": "timed out",
}


def kept(end: Snapshot) -> list[dict[str, str]]:
    """What the clean-up has kept for good, each with its id and the reason."""
    told = [one for one in end.output.get("retained", []) if one]
    lines = [line.removeprefix("Kept: ") for line in end.cause.splitlines() if line.startswith("Kept: ")]
    for line in lines:
        what, _, reason = line.partition(": ")
        kind, _, identifier = what.partition(" ")
        told.append({"type": kind, "id": identifier, "reason": reason})
    return told


def cleans_up_alone(end: Snapshot) -> bool:
    """Whether a run did not live to see its clean-up, so that its file system is still there."""
    return end.status in ("ABORTED", "TIMED_OUT") and end.file_system is not None


def status_of(end: Snapshot) -> int:
    """How the command exits: that something was kept weighs more than how the run ended."""
    left = [line for line in end.cause.splitlines() if line.startswith(("Pending: ", "Not known to be removed: "))]
    if left or cleans_up_alone(end) or any(one["reason"] != ASKED for one in kept(end)):
        return KEPT
    return AS_WISHED if end.status == "SUCCEEDED" else RUN_FAILED


def dollars_a_day(system: dict[str, Any]) -> float:
    """What a file system that FSx describes costs in a day, by list prices."""
    return file_system_dollars(system, 86_400)


def job_words(job: dict[str, Any]) -> str:
    """A job's state in a few words."""
    words = f"{job['jobId'][:8]} is {job['status']}"
    attempts = len(job.get("attempts", []))
    if attempts and job["status"] not in ("SUCCEEDED", "FAILED"):
        words += f", attempt {attempts + 1}"
    size = job.get("arrayProperties", {}).get("size")
    if size:
        summary = job["arrayProperties"].get("statusSummary", {})
        words += f", {summary.get('SUCCEEDED', 0) + summary.get('FAILED', 0)} of {size} children ended"
    return words
