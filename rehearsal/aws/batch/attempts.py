"""Attempts of Batch jobs. Owns what happens between RUNNABLE and the end: where instances boot from, what they mount,
reclaims, timeouts, retries. It must never end a job kindly: a reclaimed instance takes the attempt with it, a job that
fits nowhere stays RUNNABLE."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...play.scenario import Scenario
from ..calls import ModelError
from ..clock import Timer
from ..fsx.export import Content, Rates
from .environments import FILE_SYSTEM, Environment
from .work import ModelledAttempt, RealAttempt

if TYPE_CHECKING:
    from ..account import Account
    from ..fsx.file_systems import FileSystem

TERMINAL = {"SUCCEEDED", "FAILED"}
BEFORE_STARTING = {"SUBMITTED", "PENDING", "RUNNABLE"}
BLOCKED = {  # Batch guide, job queue blocked events: reasons a RUNNABLE job carries
    "capacity": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - The job queue is blocked: there is no instance capacity.",
    "maximum": "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The job needs more vCPUs than the environment has.",
    "environment": "MISCONFIGURATION:COMPUTE_ENVIRONMENT - No compute environment of the queue is VALID and ENABLED.",
}
STARTING_SECONDS = 30.0
STOP_SECONDS = 5.0


@dataclass
class Attempt:
    began: float
    instance: str
    work: ModelledAttempt | RealAttempt
    file_system: FileSystem | None


@dataclass
class Job:
    id: str
    arn: str
    name: str
    queue: str
    definition: dict[str, Any]
    request: dict[str, Any]
    created: float
    status: str = "SUBMITTED"
    reason: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    started: float | None = None
    stopped: float | None = None
    current: Attempt | None = None
    timers: list[Timer] = field(default_factory=list)
    terminated: str | None = None
    unmounted: list[Content] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def retry_strategy(self) -> dict[str, Any]:
        strategy = self.request.get("retryStrategy") or self.definition.get("retryStrategy") or {}
        return {"attempts": strategy.get("attempts", 1), "evaluateOnExit": strategy.get("evaluateOnExit", [])}


class Attempts:
    """What moves jobs on."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.scenario = Scenario()

    def runnable(self, job: Job) -> None:
        job.status = "RUNNABLE"
        self._try(job)

    def kick(self) -> None:
        """An environment became VALID: jobs that waited for one may start."""
        for job in self.account.jobs.all.values():
            if job.status == "RUNNABLE" and not any(not timer.cancelled for timer in job.timers):
                self._try(job)

    def _try(self, job: Job) -> None:
        job.timers.clear()
        environment = self._environment(job)
        delay = self.scenario.job.start_delay
        vcpus = _requirement(job, "VCPU")
        if environment is None or environment.status != "VALID" or environment.state != "ENABLED":
            job.reason = BLOCKED["environment"]
        elif vcpus > environment.resources.get("maxvCpus", 0):
            job.reason = BLOCKED["maximum"]
        elif delay is None:
            job.reason = BLOCKED["capacity"]
        else:
            job.reason = ""
            starting = max(0.0, delay - STARTING_SECONDS)
            job.timers.append(
                self.account.clock.after(starting, lambda: self._launch(job, environment, delay - starting))
            )

    def _environment(self, job: Job) -> Environment | None:
        try:
            return self.account.queues.environment_of(self.account.queues.get(job.queue))
        except ModelError:
            return None

    def _launch(self, job: Job, environment: Environment, remaining: float) -> None:
        """An instance boots from what the environment names now."""
        job.timers.clear()
        user_data, problem = self.account.environments.user_data(environment)
        if problem is not None:
            environment.status, environment.reason = "INVALID", problem
        if environment.status != "VALID":
            job.reason = BLOCKED["environment"]
            return
        file_system = self._mounted(user_data)
        if user_data and file_system is None:
            # The instance's own user data shuts it down when it cannot mount; Batch tries again with another.
            job.timers.append(self.account.clock.after(remaining + 60, lambda: self._try(job)))
            return
        job.status = "STARTING"
        job.timers.append(self.account.clock.after(remaining, lambda: self._run(job, file_system)))

    def _mounted(self, user_data: str | None) -> FileSystem | None:
        """The file system that the user data mounts: both its DNS name and its mount name have to be right."""
        found = FILE_SYSTEM.search(user_data or "")
        file_system = self.account.file_systems.all.get(found.group()) if found else None
        if file_system is None or file_system.lifecycle != "AVAILABLE":
            return None
        return file_system if re.search(rf"\b{file_system.mount_name}\b", user_data or "") else None

    def _run(self, job: Job, file_system: FileSystem | None) -> None:
        job.timers.clear()
        clock = self.account.clock
        job.status, job.started = "RUNNING", clock.now()
        content, folder = self._scratch(job, file_system)
        number = len(job.attempts)
        variables = {entry["name"]: entry.get("value", "") for entry in container(job).get("environment", [])}
        overrides = job.request.get("containerOverrides", {}).get("environment", [])
        variables |= {entry["name"]: entry.get("value", "") for entry in overrides}
        variables |= {"AWS_BATCH_JOB_ID": job.id, "AWS_BATCH_JOB_ATTEMPT": str(number + 1)}
        instance = self.account.ids.hexadecimal("i")
        work = self.account.work.start(content, folder, variables, lambda code: self._exited(job, code))
        job.current = Attempt(clock.now(), instance, work, file_system)
        if number < len(self.scenario.job.interruptions):
            seconds = self.scenario.job.interruptions[number]
            job.timers.append(clock.after(seconds, lambda: self._reclaimed(job)))
        timeout = (job.request.get("timeout") or job.definition.get("timeout") or {}).get("attemptDurationSeconds")
        if timeout is not None:
            reason = "Job attempt duration exceeded timeout"
            job.timers.append(clock.after(timeout, lambda: self.stopped(job, reason)))

    def _scratch(self, job: Job, file_system: FileSystem | None) -> tuple[Content, Path | None]:
        """Where the container's writes end up: in an association, elsewhere on the file system, or on a local disk."""
        path = _mounted_path(job)
        if file_system is not None and path is not None:
            for association in file_system.associations:
                if path == f"/fsx{association.path}":
                    folder = file_system.folder
                    return association.content, folder / association.path.strip("/") if folder else None
            if path.startswith("/fsx"):
                file_system.local = file_system.local or Content(Rates())
                return file_system.local, None
        content = Content(Rates())
        job.unmounted.append(content)
        return content, None

    def _exited(self, job: Job, code: int) -> None:
        if job.current is not None:
            self._over(job, code, "Essential container in task exited")

    def _reclaimed(self, job: Job) -> None:
        if job.current is not None:
            job.current.work.interrupt(self.account.clock.now())
            self._over(job, None, f"Host EC2 (instance {job.current.instance}) terminated.")

    def stopped(self, job: Job, reason: str) -> None:
        if job.current is not None:
            job.current.work.interrupt(self.account.clock.now(), gently=True)
            self._over(job, 137, reason, final=True)

    def evict(self, environment_arn: str, before: float) -> None:
        """An environment's update replaces the instances that still run older attempts."""
        for job in list(self.account.jobs.all.values()):
            environment = self._environment(job)
            current = job.current
            if environment and environment.arn == environment_arn and current and current.began < before:
                self._reclaimed(job)

    def _over(self, job: Job, code: int | None, reason: str, final: bool = False) -> None:
        current, now = job.current, self.account.clock.now()
        if current is None:
            return
        for timer in job.timers:
            timer.cancel()
        job.timers.clear()
        current.work.settle(now)
        job.current = None
        container = {"exitCode": code} if code is not None else {}
        job.attempts.append(
            {
                "container": container,
                "startedAt": int(current.began * 1000),
                "stoppedAt": int(now * 1000),
                "statusReason": reason,
            }
        )
        succeeded = code == 0 and job.terminated is None
        if not succeeded and not final and job.terminated is None and self._retries(job, code, reason):
            job.status, job.reason = "RUNNABLE", reason
            self._try(job)
            return
        self.end(job, "SUCCEEDED" if succeeded else "FAILED", job.terminated or reason)

    @staticmethod
    def _retries(job: Job, code: int | None, reason: str) -> bool:
        """Batch guide, automated job retries: the first entry whose every condition matches decides, else a retry."""
        strategy = job.retry_strategy
        if len(job.attempts) >= strategy["attempts"]:
            return False
        seen = {"onStatusReason": reason, "onReason": "", "onExitCode": "" if code is None else str(code)}
        for entry in strategy["evaluateOnExit"]:
            conditions = {key: pattern for key, pattern in entry.items() if key in seen}
            if all(matches(pattern, seen[key]) for key, pattern in conditions.items()):
                return str(entry["action"]).upper() == "RETRY"
        return True

    def end(self, job: Job, status: str, reason: str) -> None:
        job.status, job.reason = status, reason
        job.stopped = self.account.clock.now()

    def terminate(self, job: Job, reason: str) -> None:
        if job.status in TERMINAL or job.terminated is not None:
            return
        job.terminated = reason
        if job.current is None:
            for timer in job.timers:
                timer.cancel()
            self.end(job, "FAILED", reason)
        else:
            self.account.clock.after(STOP_SECONDS, lambda: self.stopped(job, reason))


def matches(pattern: str, text: str) -> bool:
    """Batch API reference, EvaluateOnExit: only a last `*` stands for anything."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def container(job: Job) -> dict[str, Any]:
    return {**job.definition["containerProperties"], "jobDefinitionArn": job.definition["jobDefinitionArn"]}


def _requirement(job: Job, kind: str) -> float:
    overrides = job.request.get("containerOverrides", {}).get("resourceRequirements", [])
    for entry in [*overrides, *container(job).get("resourceRequirements", [])]:
        if entry["type"] == kind:
            return float(entry["value"])
    return 0.0


def _mounted_path(job: Job) -> str | None:
    """The host's folder that the container sees as its scratch directory."""
    properties = container(job)
    volumes = {volume.get("name"): volume.get("host", {}).get("sourcePath") for volume in properties.get("volumes", [])}
    for mount in properties.get("mountPoints", []):
        if not mount.get("readOnly"):
            return volumes.get(mount.get("sourceVolume"))
    return None
