"""How long a play's file systems were there for what. Owns what of an account is whose, and the division of the file
systems' time; every figure is read from the models, in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..aws.account import Account
from ..aws.batch.job import Job, log_group
from ..aws.fsx.association import Association
from ..aws.fsx.data_repository_tasks import DataRepositoryTask
from ..aws.fsx.file_systems import FileSystem
from ..aws.plan import Tags
from ..aws.plans import RunPlans
from .belongings import owner

Interval = tuple[float, float]
Holder = Callable[[str, float], str | None]  # which run held a queue's lane at some moment
MOST_LINES = 1000  # of an attempt's output
IMPORT = "IMPORT_METADATA_FROM_REPOSITORY"


@dataclass(frozen=True)
class Share:
    """What an account shows of one run, or of all."""

    account: Account
    file_systems: list[FileSystem]
    associations: list[Association]
    tasks: list[DataRepositoryTask]
    jobs: list[Job]

    @classmethod
    def of(cls, account: Account) -> Share:
        """Of all."""
        return cls._of(account, lambda tags: True, lambda job: True)

    @classmethod
    def of_run(cls, account: Account, execution: str, holder: Holder) -> Share:
        """Of the execution with that ARN: by the tags, and of jobs without one by the lane they were in."""
        return cls._of(account, lambda tags: owner(tags) == execution, lambda job: whose(job, holder) == execution)

    @classmethod
    def _of(cls, account: Account, its: Callable[[Tags], bool], its_job: Callable[[Job], bool]) -> Share:
        tasks = account.data_repository_tasks.all
        return cls(
            account,
            [one for one in account.file_systems.all.values() if its(one.tags)],
            [one for one in account.associations.all if its(one.file_system.tags)],
            [one for one in tasks if its(one.association.file_system.tags)],
            [one for one in account.jobs.all.values() if its_job(one)],
        )


def whose(job: Job, holder: Holder) -> str | None:
    """The run that a job counts as: the one that its tag names. Of a job that somebody else submitted, whoever held its
    queue's lane when it began, or when it was ended without that: every job of the queue counts as the holder's."""
    if (named := owner(job.tags)) is not None:
        return named
    began = job.hosts[0][0] if job.hosts else None
    return holder(job.queue, next(at for at in (began, job.stopped, job.created) if at is not None))


def lifetime_seconds(file_system: FileSystem, now: float) -> float:
    """How long a file system was billed for."""
    return (file_system.deleted_at or now) - file_system.created


def job_started_at(share: Share) -> float | None:
    """When a job first was RUNNING."""
    attempts = [attempt for job in share.jobs for attempt in job.attempts]
    starts = [attempt["startedAt"] / 1000 for attempt in attempts if "startedAt" in attempt]
    starts += [job.started for job in share.jobs if job.started is not None]
    return min(starts, default=None)


def attempts(share: Share) -> list[dict[str, Any]]:
    """Every attempt of every job: how it ended, and what it printed last."""
    return [
        {
            "job": job.id,
            "index": job.index,
            "attempt": number,
            "started_at": attempt["startedAt"] / 1000 if "startedAt" in attempt else None,
            "stopped_at": attempt["stoppedAt"] / 1000,
            "exit_code": attempt["container"].get("exitCode"),
            "reason": attempt["container"].get("reason") or attempt["statusReason"],
            "output": share.account.logs.read(log_group(job), attempt["container"].get("logStreamName", ""))[
                -MOST_LINES:
            ],
        }
        for job in share.jobs
        for number, attempt in enumerate(job.attempts, 1)
    ]


def job_ended_at(share: Share) -> float | None:
    """The last end of a job, or of a child of an array: its parent's is a formality."""
    return latest(job.stopped for job in share.jobs if not job.children)


def drained_at(share: Share) -> float | None:
    return latest(one.content.last_exported_at for one in share.associations)


def deleted_at(share: Share) -> float | None:
    """When the last deletion of a file system was asked for."""
    return latest(one.deleting_at for one in share.file_systems)


def terminated_jobs(share: Share) -> list[dict[str, Any]]:
    """The jobs that were terminated before they had ended, and why; of an array, the parent alone."""
    return [
        {"job": job.id, "name": job.name, "reason": job.terminated, "stopped_at": job.stopped}
        for job in share.jobs
        if job.terminated is not None and job.parent is None
    ]


def foreign_mounts(share: Share, holder: Holder) -> int:
    """How many attempts ran on an instance that mounted a file system of another run than the job's, or none. A job
    that says nothing of a run belongs to whoever held its queue when the attempt began."""
    hosts = [(job, at, host.file_system) for job in share.jobs for at, host in job.hosts]
    return sum(
        mounted is None or owner(mounted.tags) != (owner(job.tags) or holder(job.queue, at))
        for job, at, mounted in hosts
    )


def overhead_seconds(share: Share) -> float | None:
    """File system time that is neither creation, linking and import, nor job, nor draining, nor deletion by FSx.

    Nothing is said while a file system is still there, or when there never was one."""
    if not share.file_systems or any(one.deleted_at is None for one in share.file_systems):
        return None
    return sum(_overhead(share, one) for one in share.file_systems)


# What follows a minute that began after the job's end: its own length and, on average, half of one until it begins.
WHOLE_MINUTE_SECONDS, HALF_MINUTE_SECONDS = 60.0, 30.0
TASK_REPORT_SECONDS = 11.0  # what an export task with nothing left to do takes once it executes


def bound_start_seconds(account: Account) -> float:
    """What no workflow can shorten before a job runs: creation, linking, import, and the boot of an instance."""
    file_systems, plans = account.file_systems, account.plan_of({})
    create = max((file_systems.creation_seconds(one.request) for one in file_systems.all.values()), default=0.0)
    imports = [task.duration for task in account.data_repository_tasks.all if task.request["Type"] == IMPORT]
    listing = max(imports, default=plans.association.import_)
    return create + plans.association.create + plans.task.start + listing + _boot(plans)


def bound_overhead_seconds(account: Account) -> float:
    """What no workflow can shorten of the overhead: the boot, one datapoint that counts, and an export task."""
    plans = account.plan_of({})
    datapoint = HALF_MINUTE_SECONDS + WHOLE_MINUTE_SECONDS + plans.metric.delay
    return _boot(plans) + datapoint + plans.task.start + TASK_REPORT_SECONDS


def _boot(plans: RunPlans) -> float:
    return plans.job.start_delay or 0.0


def _overhead(share: Share, file_system: FileSystem) -> float:
    whole = (file_system.created, file_system.deleted_at or file_system.created)
    needed = [(file_system.created, _imported_at(share.account, file_system))]
    started, ended, drained = job_started_at(share), job_ended_at(share), drained_at(share)
    if started is not None and ended is not None:
        needed.append((started, max(ended, drained or ended)))
    if file_system.deleting_at is not None:
        needed.append((file_system.deleting_at, whole[1]))
    return whole[1] - whole[0] - covered(whole, needed)


def _imported_at(account: Account, file_system: FileSystem) -> float:
    """When it was linked and what the bucket holds was imported; or whatever of that there was."""
    moments = [file_system.created]
    for association in account.associations.of(file_system):
        moments.append(association.linked_at or association.created)
    for task in account.data_repository_tasks.of(file_system):
        if task.request["Type"] == IMPORT:
            moments.append(task.ended or task.created)
    return max(moments)


def covered(whole: Interval, parts: Iterable[Interval]) -> float:
    """How much of an interval is covered by others, which may overlap."""
    total, reached = 0.0, whole[0]
    for begin, end in sorted(parts):
        begin, end = max(begin, reached), min(end, whole[1])
        if end > begin:
            total += end - begin
            reached = end
    return total


def latest(moments: Iterable[float | None]) -> float | None:
    return max((moment for moment in moments if moment is not None), default=None)
