"""What a scenario may say about a Batch job. Owns the plan and what follows from what it leaves out."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from ..plan import Bytes, Count, Plan, Seconds, beside, refused

# What a scenario says of a job that is modelled, and no other.
MODELLED = ("runtime", "writes", "outcome", "exit_code")


class WritesPlan(Plan):
    """Files one attempt writes, evenly spread; `at` counts from the attempt's start."""

    at: Seconds = 0
    """From the attempt's start."""
    over: Seconds = 0
    """The files are spread evenly over this time."""
    files: Count = 1
    """Number of files."""
    directories: Count = 0
    """Number of directories that the files are in; each is an object too."""
    bytes_each: Bytes = 1_048_576
    """Size of each file."""
    deletes_previous: bool = False
    """Each file replaces the one before, as checkpoints do."""
    renames: bool = False
    """Each file is written under another name and renamed when it is closed."""


def overrunning(writes: Iterable[WritesPlan], runtime: float, end: str) -> Iterator[tuple[str, str]]:
    """Each that goes on after whatever writes has ended, with the rule; `end` says when that is."""
    for number, one in enumerate(writes):
        if one.at + one.over > runtime:
            yield f"writes.{number}", f"it goes on until {one.at + one.over:g} s, but {end}"


class StartFailuresPlan(Plan):
    """Attempts whose container does not start."""

    times: Annotated[int, Field(ge=1)] = 1
    """Number of attempts whose container does not start."""
    reason: str = "CannotPullContainerError: pull image manifest has been retried 5 time(s)"
    """The reason of those containers."""


def script_problem(path: Path) -> str | None:
    """Why a file cannot be run as a job, if it cannot."""
    if os.path.isdir(path):
        return "it is a folder: name the file in it that is to be executed"
    if not os.path.isfile(path):
        return f"there is no file {path}"
    if not os.access(path, os.X_OK):
        return f"it may not be executed: chmod +x {path}"
    return None


def command_problem(words: list[str], in_image: bool = False) -> str | None:
    """Why a command cannot be run as a job, if it cannot."""
    if not words or not words[0]:
        return "a command has at least one word, the program"
    if in_image:
        return None
    return None if shutil.which(words[0]) else f"there is no program {words[0]} on this machine"


class JobPlan(Plan):
    start_delay: Seconds | None = 180
    """From submitted to running, while instances boot and mount; `null`: it never starts."""
    runtime: Seconds = 3600
    """One attempt that is not interrupted."""
    image: str | None = None
    """Image that the job runs in, with Docker or Podman: [in its image](#in-its-image)."""
    script: Annotated[Path, beside(script_problem)] | None = None
    """[A job of one's own](#a-job-of-your-own): a file beside the scenario."""
    command: list[str] | None = None
    """A job of one's own: a program and its arguments."""
    real_seconds: Annotated[float, Field(gt=0, json_schema_extra={"unit": "s"})] = 600
    """So long such a job may compute without sleeping, in real time."""
    writes: list[WritesPlan] | None = None  # absent: see `is_real`
    """What one attempt writes; `null` in a modelled job: a file of 1 MiB every minute."""
    outcome: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED"
    """How an attempt ends after the runtime: `SUCCEEDED` or `FAILED`."""
    exit_code: Annotated[int, Field(ge=0, le=255)] = 1
    """Exit code of a failed attempt."""
    only_children: list[Count] = Field(default=[])
    """Of an array job: the indexes of those children whose attempts end, are interrupted or fail to start as this plan
    says; the others succeed. None: every child is as planned."""
    interruptions: list[Seconds] = Field(default=[])
    """Spot reclaims: this long into attempt 1, 2, …"""
    cancelled_at: Seconds | None = None
    """Cancelled by hand, from its submission."""
    fails_to_start: StartFailuresPlan | None = None  # so many attempts before one starts
    mounts: bool = True
    """`false`: no instance can mount the file system."""
    blocked: Annotated[str, Field(min_length=1)] | None = None
    """It never starts, and this is the status reason that Batch gives while it is RUNNABLE."""

    @field_validator("command")
    @classmethod
    def _is_a_command(cls, words: list[str] | None, info: ValidationInfo) -> list[str] | None:
        in_image = info.data.get("image") is not None  # which has programs of its own
        if words is not None and (problem := command_problem(words, in_image)) is not None:
            raise refused(problem)
        return words

    @field_validator("image")
    @classmethod
    def _is_an_image(cls, image: str | None) -> str | None:
        # Whether there is an engine is asked when it is played: a scenario is one on every machine.
        if image is not None and not re.fullmatch(r"[^\s-]\S*", image):
            raise refused("it is not the name of an image, such as registry/name:tag")
        return image

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.script is not None and self.command is not None:
            yield "command", "a job is a script (job.script) or a command"
        for key in MODELLED if self.is_own else ():
            if key in self.model_fields_set:
                what = "script" if self.script else "command" if self.command else "image"
                yield key, f"a job of one's own (job.{what}) decides that itself"
        if not self.is_own and "real_seconds" in self.model_fields_set:
            yield "real_seconds", "only a job of one's own (job.script, job.command, job.image) takes real time"
        end = f"an attempt ends after {self.runtime:g} s (job.runtime)"
        yield from overrunning(self.writes or [], self.runtime, end)
        if not self.is_real and max(self.interruptions, default=0) > self.runtime:
            yield "interruptions", f"{end}, before it is interrupted"
        if self.outcome == "FAILED" and self.exit_code == 0:
            yield "exit_code", "a job with the outcome FAILED ends with another exit code than 0"
        if self.outcome == "SUCCEEDED" and "exit_code" in self.model_fields_set and self.exit_code != 0:
            yield "exit_code", "only a job with the outcome FAILED (job.outcome) ends with another exit code than 0"
        if self.blocked is not None and "start_delay" in self.model_fields_set and self.start_delay is not None:
            yield "blocked", "a job that is blocked never starts, but it starts after job.start_delay"
        if self._never_boots and not self.mounts:
            yield "mounts", f"no instance starts ({self._never_boots}), so none fails to mount"
        if self._never_boots or not self.mounts:
            why = self._never_boots or "job.mounts"
            for key in ("interruptions", "fails_to_start"):
                if getattr(self, key):
                    yield key, f"no attempt of the job ever starts ({why})"

    @property
    def _never_boots(self) -> str:
        """The key that keeps every instance from starting, or nothing."""
        return "job.blocked" if self.blocked is not None else "job.start_delay" if self.start_delay is None else ""

    def of(self, index: int | None) -> JobPlan:
        """What is planned of a job, or of one child of an array."""
        return self if index is None or not self.only_children or index in self.only_children else self._untroubled

    @cached_property
    def _untroubled(self) -> JobPlan:
        return self.model_copy(update={"outcome": "SUCCEEDED", "interruptions": [], "fails_to_start": None})

    @property
    def words(self) -> list[str] | None:
        """What a job of one's own runs."""
        return [str(self.script)] if self.script is not None else self.command

    @property
    def is_own(self) -> bool:
        """Whether the job is somebody's own; in an image, whose command may be all that it is."""
        return self.words is not None or self.image is not None

    @property
    def is_real(self) -> bool:
        """Whether a process runs: the sample job's script, unless the scenario says what the job does."""
        return not {"writes", "runtime", "outcome"} & self.model_fields_set

    @property
    def modelled_writes(self) -> list[WritesPlan]:
        """What a modelled attempt writes; where the scenario does not say, a file of 1 MiB every minute."""
        if self.writes is not None:
            return self.writes
        return [WritesPlan(over=self.runtime, files=max(1, int(self.runtime // 60)))]
