"""One Batch job and its attempts, or one child of an array job. Owns what is known about a job and how its definition
and its request are read together; `attempts` moves it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..clock import Timer
from ..fsx.export import Content
from ..fsx.file_systems import FileSystem
from .job_plan import JobPlan
from .real_attempt import RealAttempt
from .work import ModelledAttempt

TERMINAL = {"SUCCEEDED", "FAILED"}
BEFORE_STARTING = {"SUBMITTED", "PENDING", "RUNNABLE"}


@dataclass(frozen=True)
class Host:
    """An instance, which may have to be started yet, and what it mounts."""

    environment_arn: str
    template: Mapping[str, Any] = field(default_factory=dict)
    file_system: FileSystem | None = None
    instance: str | None = None


@dataclass
class Attempt:
    began: float
    host: Host
    work: ModelledAttempt | RealAttempt
    log_stream: str


@dataclass
class Job:
    id: str
    arn: str
    name: str
    queue: str
    definition: dict[str, Any]
    request: dict[str, Any]
    created: float
    plan: JobPlan  # what is planned for it
    folder: str = ""  # below which it writes, if it is planned: others may write beside it
    status: str = "SUBMITTED"
    reason: str = ""
    attempts: list[dict[str, Any]] = field(default_factory=list)
    started: float | None = None
    stopped: float | None = None
    task: str = ""  # the ECS task of the latest attempt
    current: Attempt | None = None
    host: Host | None = None  # from when it holds vCPUs
    timers: list[Timer] = field(default_factory=list)
    terminated: str | None = None
    unmounted: list[Content] = field(default_factory=list)
    hosts: list[tuple[float, Host]] = field(default_factory=list)  # of the attempts that ran, from when on
    tags: dict[str, str] = field(default_factory=dict)
    # Of an array job, whose parent runs nothing itself (Batch guide, array jobs).
    index: int | None = None
    parent: Job | None = field(default=None, repr=False)
    children: list[Job] = field(default_factory=list, repr=False)
    unended: int = 0  # of the children

    @property
    def array_size(self) -> int:
        """Of the array that it is, or is a child of; 0: it is no array job."""
        size: int = self.request.get("arrayProperties", {}).get("size", 0)
        return size

    @property
    def retry_strategy(self) -> dict[str, Any]:
        strategy = self.request.get("retryStrategy") or self.definition.get("retryStrategy") or {}
        return {"attempts": strategy.get("attempts", 1), "evaluateOnExit": strategy.get("evaluateOnExit", [])}

    @property
    def timeout_seconds(self) -> float | None:
        timeout = self.request.get("timeout") or self.definition.get("timeout") or {}
        seconds: float | None = timeout.get("attemptDurationSeconds")
        return seconds

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the container; what the request overrides comes last."""
        overrides = self.request.get("containerOverrides", {}).get("environment", [])
        entries = [*container(self).get("environment", []), *overrides]
        return {entry["name"]: entry.get("value", "") for entry in entries}

    def cancel_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


def container(job: Job) -> dict[str, Any]:
    return {**job.definition["containerProperties"], "jobDefinitionArn": job.definition["jobDefinitionArn"]}


def requirement(job: Job, kind: str) -> float:
    overrides = job.request.get("containerOverrides", {}).get("resourceRequirements", [])
    for entry in [*overrides, *container(job).get("resourceRequirements", [])]:
        if entry["type"] == kind:
            return float(entry["value"])
    return 0.0


def scratch_mount(job: Job) -> tuple[str, str] | None:
    """The folder of the host that the container writes to, and the path at which the container sees it."""
    properties = container(job)
    volumes = {volume.get("name"): volume.get("host", {}).get("sourcePath") for volume in properties.get("volumes", [])}
    for mount in properties.get("mountPoints", []):
        source = volumes.get(mount.get("sourceVolume"))
        if source is not None and not mount.get("readOnly"):
            return str(source), str(mount["containerPath"])
    return None


def read_only_mounts(job: Job) -> dict[str, str]:
    """The folders of the host that the container may only read, by the path at which it sees each."""
    properties = container(job)
    volumes = {volume.get("name"): volume.get("host", {}).get("sourcePath") for volume in properties.get("volumes", [])}
    return {
        str(mount["containerPath"]): str(volumes[mount.get("sourceVolume")])
        for mount in properties.get("mountPoints", [])
        if mount.get("readOnly") and volumes.get(mount.get("sourceVolume"))
    }


def log_group(job: Job) -> str:
    """Batch guide, awslogs: where the container's output goes."""
    options = container(job).get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", "/aws/batch/job"))
