"""Where Batch's jobs start. Owns what keeps a RUNNABLE job waiting (the environment, its vCPUs, capacity, a quota), the
instances that boot for jobs, and what these mount. It must never start a job kindly: one that fits nowhere stays
RUNNABLE."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ..calls import ModelError
from ..context import Context
from ..fsx.file_systems import FileSystem, FileSystems
from ..instances import BY_CALL, BY_ITSELF, Instances
from . import capacity
from .environments import Environment, Environments
from .job import Host, Job, requirement
from .queues import Queues
from .room import Room

BLOCKED = {  # Batch guide, job queue blocked events: reasons a RUNNABLE job carries
    "capacity": "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - The job queue is blocked: there is no instance capacity.",
    "maximum": "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The job needs more vCPUs than the environment has.",
    "requirement": "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is "
    "higher than that can be met by the CE(s) attached to the job queue.",
    "environment": "MISCONFIGURATION:COMPUTE_ENVIRONMENT - No compute environment of the queue is VALID and ENABLED.",
}
STARTING_SECONDS = 30.0
# FSx guide, mounting: the file system's DNS name is its id, .fsx., the region and the partition's suffix.
DNS_NAME = re.compile(r"\b(fs-[0-9a-f]{17})\.fsx\.")


class Placement:
    """What brings jobs from RUNNABLE to STARTING."""

    def __init__(
        self,
        context: Context,
        instances: Instances,
        environments: Environments,
        queues: Queues,
        file_systems: FileSystems,
    ) -> None:
        self._clock = context.clock
        self._instances = instances
        self._environments = environments
        self._queues = queues
        self._file_systems = file_systems
        self._room = Room()
        self.quota_allows: Callable[[float], bool] = lambda vcpus: True
        # Told that a job is STARTING on a host, and in how many seconds it runs.
        self.on_starting: Callable[[Job, Host, float], None] = lambda job, host, remaining: None

    def reset(self) -> None:
        self._room = Room()

    def seek(self, job: Job, host: Host | None = None) -> None:
        """Let a job start if it can: on an instance that another has left, if there is one, else on a new one."""
        job.timers.clear()
        self._room.leave(job)
        environment = self._environment(job)
        delay = job.plan.start_delay
        vcpus = requirement(job, "VCPU")
        job.reason = ""
        if environment is None or environment.status != "VALID" or environment.state != "ENABLED":
            job.reason = BLOCKED["environment"]
        elif vcpus > environment.resources.get("maxvCpus", 0):
            job.reason = BLOCKED["maximum"]
        elif not capacity.fits(
            environment.resources.get("instanceTypes", []),
            vcpus,
            requirement(job, "MEMORY"),
            requirement(job, "GPU"),
        ):
            job.reason = BLOCKED["requirement"]
        elif job.plan.blocked is not None:
            job.reason = job.plan.blocked
        elif delay is None:
            job.reason = BLOCKED["capacity"]
        # Assumed: no reason that Batch documents names a quota, or that other jobs have the vCPUs.
        elif self.quota_allows(vcpus) and self._room.take(job, environment.arn, vcpus, _most(environment)):
            job.host = host or Host(environment.arn)
            # Assumed of an instance on which another child of the array has just run: the image is there.
            delay = delay if host is None else min(delay, STARTING_SECONDS)
            starting = max(0.0, delay - STARTING_SECONDS)
            named = environment.resources.get("launchTemplate")
            launch = functools.partial(self._launch, job, environment, delay - starting, named)
            job.timers.append(self._clock.after(starting, launch))

    def kick(self, jobs: Iterable[Job]) -> None:
        """An environment became VALID: jobs that waited for one may start."""
        for job in jobs:
            if job.status == "RUNNABLE" and not any(not timer.cancelled for timer in job.timers):
                self.seek(job)

    def leave(self, job: Job) -> None:
        """A job is over, or cancelled before it was: another that waits may take its instance, if that goes on, and
        others the rest of its vCPUs."""
        host, job.host = job.host, None
        self._room.leave(job)
        if host is None:
            return
        goes_on = host.instance is not None and self._instances.all[host.instance].ended is None
        while (waiting := self._next(host.environment_arn)) is not None:
            self.seek(waiting, host if goes_on else None)
            goes_on = goes_on and waiting.host is not host
        if goes_on and host.instance is not None:
            self._instances.end(host.instance, BY_CALL)  # Batch scales in; assumed: at once

    def _next(self, environment_arn: str) -> Job | None:
        """Who has waited for longest, if there is room for it."""
        job = self._room.first(environment_arn)
        environment = None if job is None else self._environment(job)
        if job is None or environment is None:
            return None
        fits = self._room.fits(environment_arn, requirement(job, "VCPU"), _most(environment))
        return job if fits else None

    def _environment(self, job: Job) -> Environment | None:
        try:
            return self._queues.environment_of(self._queues.get(job.queue))
        except ModelError:
            return None

    def _launch(self, job: Job, environment: Environment, remaining: float, named: Any) -> None:
        """The container is about to start on an instance, which was launched from the template that was named then. An
        update that names another has replaced it (Batch guide, updating compute environments): the next one boots."""
        job.timers.clear()
        host = job.host if job.host is not None and job.host.instance is not None else None
        if host is None and environment.status == "VALID" and environment.resources.get("launchTemplate") != named:
            self.seek(job)
            return
        host = job.host = host or self._booted(job, environment, remaining)
        if host is not None:
            job.status = "STARTING"
            self.on_starting(job, host, remaining)

    def _booted(self, job: Job, environment: Environment, remaining: float) -> Host | None:
        """An instance has booted from what the environment names."""
        user_data, problem = self._environments.user_data(environment)
        if problem is not None:
            environment.status, environment.reason = "INVALID", problem
        if environment.status != "VALID":
            job.reason = BLOCKED["environment"]
            self._room.leave(job)
            return None
        file_system = self._mounted(user_data) if job.plan.mounts else None
        template, _ = self._environments.template(environment)
        if user_data and file_system is None:
            # The instance's own user data shuts it down when it cannot mount, whatever becomes of the job meanwhile;
            # Batch tries again with another.
            instance = self._instances.launch(template)
            self._clock.after(remaining + 60, lambda: self._instances.end(instance, BY_ITSELF))
            job.timers.append(self._clock.after(remaining + 60, lambda: self.seek(job)))
            return None
        return Host(environment.arn, template, file_system)

    def _mounted(self, user_data: str | None) -> FileSystem | None:
        """The file system that the user data mounts: both its DNS name and its mount name have to be right."""
        found = DNS_NAME.search(user_data or "")
        file_system = self._file_systems.all.get(found[1]) if found else None
        if file_system is None or file_system.lifecycle != "AVAILABLE":
            return None
        return file_system if re.search(rf"\b{file_system.mount_name}\b", user_data or "") else None

    def enter(self, job: Job, host: Host) -> Host:
        """The instance on which a job runs now: it has to be started if no other job has."""
        entered = host if host.instance is not None else replace(host, instance=self._instances.launch(host.template))
        job.host = entered
        return entered

    def lose(self, host: Host, by: str) -> None:
        """The instance goes away under whatever runs on it."""
        if host.instance is not None:
            self._instances.end(host.instance, by)


def _most(environment: Environment) -> float:
    most: float = environment.resources.get("maxvCpus", 0)
    return most
