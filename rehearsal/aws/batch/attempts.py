"""Attempts of Batch jobs. Owns what happens between STARTING and the end: reclaims, timeouts, retries. It must never
end a job kindly: a reclaimed instance takes the attempt with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..context import Context
from ..fsx.associations import Associations
from ..fsx.export import Content, Rates
from ..fsx.file_systems import FileSystem
from ..instances import BY_CALL, BY_SPOT
from . import job_secrets
from .job import TERMINAL, Attempt, Host, Job, container, read_only_mounts, scratch_mount
from .placement import Placement
from .work import Child, Work

# AWS shows what a program said before it ended in the job's log only; here the container's reason says it as well.
GONE = "Input/output error: the file system was deleted"
STOP_SECONDS = 5.0


class Attempts:
    """What moves jobs on."""

    def __init__(self, context: Context, placement: Placement, associations: Associations, work: Work) -> None:
        self._context = context
        self._clock = context.clock
        self._ids = context.ids
        self._arn = context.arn
        self._placement = placement
        placement.on_starting = self._starting
        self._associations = associations
        self._work = work
        # Told what a real job prints: the job, the attempt's log stream, lines.
        self.on_output: Callable[[Job, str, list[str]], None] = lambda job, log_stream, lines: None
        # Told of a job that is SUBMITTED, RUNNING or over.
        self.on_status: Callable[[Job], None] = lambda job: None
        # Told that a job has ended.
        self.on_end: Callable[[Job], None] = lambda job: None

    def runnable(self, job: Job) -> None:
        job.status = "RUNNABLE"
        self._placement.seek(job)

    def _starting(self, job: Job, host: Host, remaining: float) -> None:
        job.task = self._arn("ecs", f"task/{self._ids.uuid().replace('-', '')}")
        fails = job.plan.of(job.index).fails_to_start
        if fails is not None and len(job.attempts) < fails.times:
            job.timers.append(self._clock.after(remaining, lambda: self._not_started(job, fails.reason)))
        elif (unreadable := job_secrets.problem(self._context, job)) is not None:
            job.timers.append(self._clock.after(remaining, lambda: self._not_started(job, unreadable)))
        else:
            job.timers.append(self._clock.after(remaining, lambda: self._run(job, host)))

    def _not_started(self, job: Job, reason: str) -> None:
        """Batch guide, troubleshooting: "Task failed to start", why in the container's reason, and no exit code.

        Such an attempt never went from STARTING to RUNNING, so it has neither a start (Batch API reference,
        AttemptDetail, startedAt) nor a log."""
        job.cancel_timers()
        now = int(self._clock.now() * 1000)
        job.attempts.append(
            {
                "container": {"reason": reason, "taskArn": job.task},
                "stoppedAt": now,
                "statusReason": "Task failed to start",
            }
        )
        self._next(job, None, "Task failed to start", reason)

    def _run(self, job: Job, host: Host) -> None:
        job.timers.clear()
        clock, file_system, plan = self._clock, host.file_system, job.plan.of(job.index)
        if file_system is not None and file_system.lifecycle != "AVAILABLE":  # deleted since it was mounted
            self._not_started(job, "CannotCreateVolumeError: " + GONE)
            return
        job.status, job.started = "RUNNING", clock.now()
        number = len(job.attempts)
        # Batch guide, job environment variables.
        variables = {
            **job.variables,
            **job_secrets.variables(job),
            "AWS_BATCH_CE_NAME": host.environment_arn.rpartition("/")[2],
            "AWS_BATCH_JOB_ATTEMPT": str(number + 1),
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JQ_NAME": job.queue.rpartition("/")[2],
        }
        if job.index is not None:
            variables |= {
                "AWS_BATCH_JOB_ARRAY_INDEX": str(job.index),
                "AWS_BATCH_JOB_ARRAY_SIZE": str(job.array_size),
            }
        host = self._placement.enter(job, host)
        job.hosts.append((clock.now(), host))
        self.on_status(job)
        if file_system is not None:
            self._associations.begin(file_system)
        # Batch guide, using the awslogs log driver: job definition's name, "default", the ECS task's id.
        name = job.definition["jobDefinitionName"]
        log_stream = f"{name}/default/{self._ids.uuid().replace('-', '')}"
        work = self._work.start(
            job.plan,
            *self._scratch(job, file_system),
            variables,
            lambda code, why: self._exited(job, code, why),
            lambda lines: self.on_output(job, log_stream, lines),
            container(job),
            None if job.index is None else Child(job.index, job.array_size),
            _inputs(job, file_system),
            job.folder,
        )
        job.current = Attempt(clock.now(), host, work, log_stream)
        if number < len(plan.interruptions):
            seconds = plan.interruptions[number]
            job.timers.append(clock.after(seconds, lambda: self._reclaimed(job, BY_SPOT)))
        if job.timeout_seconds is not None:
            reason = "Job attempt duration exceeded timeout"
            job.timers.append(clock.after(job.timeout_seconds, lambda: self.stopped(job, reason)))

    def _scratch(self, job: Job, file_system: FileSystem | None) -> tuple[Content, Path | None, str]:
        """Where the container's writes end up: in an association, elsewhere on the file system, or on a local disk; the
        folder in which real files of an association lie, and the path at which the container sees it."""
        path, seen_at = scratch_mount(job) or (None, "")
        if file_system is not None and path is not None:
            for association in self._associations.of(file_system):
                if path == f"/fsx{association.path}":
                    return association.content, association.folder, seen_at
            if path.startswith("/fsx"):
                file_system.local = file_system.local or Content(Rates(), space=file_system.space)
                return file_system.local, None, seen_at
        content = Content(Rates())
        job.unmounted.append(content)
        return content, None, seen_at

    def _exited(self, job: Job, code: int, why: str) -> None:
        if job.current is not None:
            self._over(job, code, "Essential container in task exited", why=why)

    def file_system_gone(self, jobs: Iterable[Job], file_system: FileSystem) -> None:
        """The file system is being deleted under a job: its client is evicted, and every call on a file fails.

        Assumed of how long that takes: no time. Nothing that is written then is on the file system."""
        for job in jobs:
            if job.current is not None and job.current.host.file_system is file_system:
                job.current.work.interrupt(self._clock.now())
                self._over(job, 1, "Essential container in task exited", why=GONE)

    def _reclaimed(self, job: Job, by: str) -> None:
        if job.current is not None:
            job.current.work.interrupt(self._clock.now())
            self._placement.lose(job.current.host, by)
            self._over(job, None, f"Host EC2 (instance {job.current.host.instance}) terminated.")

    def stopped(self, job: Job, reason: str) -> None:
        if job.current is not None:
            job.current.work.interrupt(self._clock.now(), gently=True)
            self._over(job, 137, reason, final=True)

    def evict(self, jobs: Iterable[Job], environment_arn: str, before: float) -> None:
        """An environment's update replaces the instances that still run older attempts."""
        for job in self.older(jobs, environment_arn, before):
            self._reclaimed(job, BY_CALL)

    def older(self, jobs: Iterable[Job], environment_arn: str, before: float) -> Iterator[Job]:
        """The jobs with an attempt that runs on that environment and started before some time."""
        for job in jobs:
            attempt = job.current
            if attempt is not None and attempt.began < before and attempt.host.environment_arn == environment_arn:
                yield job

    def _over(self, job: Job, code: int | None, reason: str, final: bool = False, why: str = "") -> None:
        current, now = job.current, self._clock.now()
        if current is None:
            return
        job.cancel_timers()
        current.work.settle(now)
        job.current = None
        container: dict[str, Any] = {"logStreamName": current.log_stream, "taskArn": job.task}
        if code is not None:
            container["exitCode"] = code
        # ECS guide, stopped task error codes: what a container that was killed with 137 by itself says.
        if code == 137 and not final:
            why = "OutOfMemoryError: Container killed due to memory usage"
        if why:
            container["reason"] = why
        job.attempts.append(
            {
                "container": container,
                "startedAt": int(current.began * 1000),
                "stoppedAt": int(now * 1000),
                "statusReason": reason,
            }
        )
        self._next(job, code, reason, why, final)

    def _next(self, job: Job, code: int | None, reason: str, why: str, final: bool = False) -> None:
        """An attempt is over: another follows, or the job's end."""
        succeeded = code == 0 and job.terminated is None
        if not succeeded and not final and job.terminated is None and self._retries(job, code, reason, why):
            job.status = "RUNNABLE"
            self._placement.leave(job)
            self._placement.seek(job)
            return
        self.end(job, "SUCCEEDED" if succeeded else "FAILED", job.terminated or reason)

    @staticmethod
    def _retries(job: Job, code: int | None, reason: str, why: str) -> bool:
        """Batch guide, automated job retries: the first entry whose every condition matches decides, else a retry."""
        strategy = job.retry_strategy
        if len(job.attempts) >= strategy["attempts"]:
            return False
        seen = {"onStatusReason": reason, "onReason": why, "onExitCode": "" if code is None else str(code)}
        for entry in strategy["evaluateOnExit"]:
            conditions = {key: pattern for key, pattern in entry.items() if key in seen}
            if all(matches(pattern, seen[key]) for key, pattern in conditions.items()):
                return str(entry["action"]).upper() == "RETRY"
        return True

    def end(self, job: Job, status: str, reason: str) -> None:
        job.status, job.reason = status, reason
        job.stopped = self._clock.now()
        self._placement.leave(job)
        self.on_status(job)
        self.on_end(job)

    def terminate(self, job: Job, reason: str) -> None:
        if job.status in TERMINAL or job.terminated is not None:
            return
        job.terminated = reason
        if job.current is None:
            job.cancel_timers()
            self.end(job, "FAILED", reason)
        else:
            self._clock.after(STOP_SECONDS, lambda: self.stopped(job, reason))


def _inputs(job: Job, file_system: FileSystem | None) -> dict[str, Path]:
    """The folders of real files that the container may only read, by the path at which it sees each."""
    root = file_system.folder if file_system is not None else None
    if root is None:
        return {}
    mounts = read_only_mounts(job).items()
    return {seen_at: root / source.removeprefix("/fsx/") for seen_at, source in mounts if source.startswith("/fsx/")}


def matches(pattern: str, text: str) -> bool:
    """Batch API reference, EvaluateOnExit: only a last `*` stands for anything."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
