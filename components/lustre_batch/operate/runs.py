"""Runs as they are told of: from executions, their histories, and what carries their tag. Owns reading, and no words.

A run's clean-up is an execution of its own, named after the run (WaitForCleanUp): its phases are the run's.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from ..rules import TAG_OF_EXECUTION, TAG_OF_STACK
from . import phases
from .phases import Phase
from .problems import Problem, code_of
from .stack import Stack

RUNNING: Final = ("RUNNING", "PENDING_REDRIVE")
# The signs of an execution's name that a tag does not take (shared.yaml, execution-tag).
_ENCODED: Final = {"=": "=3D", "!": "=21", "'": "=27", "(": "=28", ")": "=29"}
_PAGE: Final = 1000  # SFN API reference, GetExecutionHistory, maxResults


@dataclass(frozen=True)
class Step:
    """A phase, and when it began."""

    phase: Phase
    began: datetime.datetime
    state: str


@dataclass
class History:
    """What is known of an execution's history; `read` adds what is new."""

    arn: str
    machine: tuple[Phase, ...]
    steps: list[Step] = field(default_factory=list)
    entered: dict[str, datetime.datetime] = field(default_factory=dict)  # each state, when last
    times: dict[str, int] = field(default_factory=dict)  # each state, how often
    last_id: int = 0

    @property
    def state(self) -> str:
        return self.steps[-1].state if self.steps else ""

    def read(self, stack: Stack) -> None:
        for event in reversed(list(self._new(stack))):
            self.take(event)

    def take(self, event: dict[str, Any]) -> None:
        """The next event."""
        self.last_id = max(self.last_id, event["id"])
        if not event["type"].endswith("StateEntered"):
            return
        state, at = event["stateEnteredEventDetails"]["name"], event["timestamp"]
        self.entered[state] = at
        self.times[state] = self.times.get(state, 0) + 1
        phase = phases.of(self.machine, state)
        same = self.steps and self.steps[-1].phase is phase
        self.steps = [
            *(self.steps[:-1] if same else self.steps),
            Step(phase, self.steps[-1].began if same else at, state),
        ]

    def _new(self, stack: Stack) -> Iterator[dict[str, Any]]:
        """The latest first, so that a look at a long run asks for no more than what has happened since."""
        asked: dict[str, Any] = {"executionArn": self.arn, "reverseOrder": True, "includeExecutionData": False}
        client = stack.client("stepfunctions")
        token: dict[str, str] = {}
        while True:
            answer = client.get_execution_history(**asked, **token, maxResults=_PAGE if self.last_id == 0 else 100)
            for event in answer["events"]:
                if event["id"] <= self.last_id:
                    return
                yield event
            if not answer.get("nextToken"):
                return
            token = {"nextToken": answer["nextToken"]}


def md5(text: str) -> str:
    """As $hash does in the definitions, which name things by it."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def tag_of(execution_arn: str) -> str:
    """The value of the tag that everything carries which that run created."""
    return "".join(_ENCODED.get(sign, sign) for sign in execution_arn)


def execution_of(tag: str) -> str:
    """The run that a tag names."""
    for sign, code in reversed(_ENCODED.items()):
        tag = tag.replace(code, sign)
    return tag


def tags_of(listed: Sequence[dict[str, str]]) -> dict[str, str]:
    """Tags as FSx and EC2 list them."""
    return {tag["Key"]: tag["Value"] for tag in listed}


def kept_because(tags: Mapping[str, str]) -> str:
    """Why a clean-up has kept a file system for good; nothing if none has, or it is being reclaimed."""
    return "" if tags.get("lustre-batch:reclaimed") == "true" else tags.get("lustre-batch:retained", "")


def describe(stack: Stack, arn: str) -> dict[str, Any]:
    """An execution, as Step Functions has it.

    Raises
    ------
    Problem
        When there is none.
    """
    try:
        return dict(stack.client("stepfunctions").describe_execution(executionArn=arn))
    except ClientError as error:
        if code_of(error) in ("ExecutionDoesNotExist", "InvalidArn"):
            name = arn.rpartition(":")[2]
            raise Problem(
                f"{stack.id} has no run {name}: Step Functions forgets runs 90 days after their end; "
                "lustre-batch list shows those that there are"
            ) from None
        raise


def executions(
    stack: Stack, *, machine: str | None = None, most: int = 1000, status: str | None = None
) -> list[dict[str, Any]]:
    """The latest runs, or clean-ups, newest first."""
    asked: dict[str, Any] = {"stateMachineArn": machine or stack.arn} | ({"statusFilter": status} if status else {})
    found: list[dict[str, Any]] = []
    try:
        pages = (
            stack.client("stepfunctions")
            .get_paginator("list_executions")
            .paginate(**asked, PaginationConfig={"MaxItems": most, "PageSize": min(most, 1000)})
        )
        for page in pages:
            found += page["executions"]
    except ClientError as error:
        if code_of(error) in ("StateMachineDoesNotExist", "InvalidArn"):
            raise Problem(
                f"there is no state machine {stack.arn} (for the account that you are signed in to); "
                "aws stepfunctions list-state-machines shows those that there are"
            ) from None
        raise
    return found


def chosen(stack: Stack, run: str | None) -> str:
    """The ARN of the run that is named, else of the newest that runs, else of the newest."""
    if run is not None:
        return stack.execution_arn(run)
    running = executions(stack, most=1, status="RUNNING")
    found = running or executions(stack, most=1)
    if not found:
        raise Problem(f"{stack.id} has had no run yet: lustre-batch run starts one")
    return str(found[0]["executionArn"])


def file_systems(stack: Stack) -> list[dict[str, Any]]:
    """Those that runs of the stack created, as FSx describes them."""
    pages = stack.client("fsx").get_paginator("describe_file_systems").paginate()
    every = [one for page in pages for one in page["FileSystems"]]
    return [one for one in every if tags_of(one.get("Tags", [])).get(TAG_OF_STACK) == stack.id]


def file_system_of(stack: Stack, execution_arn: str) -> dict[str, Any] | None:
    """The file system of a run, as long as there is one."""
    wanted = tag_of(execution_arn)
    found = [one for one in file_systems(stack) if tags_of(one["Tags"]).get(TAG_OF_EXECUTION) == wanted]
    return found[0] if found else None


def file_system(stack: Stack, identifier: str) -> dict[str, Any] | None:
    """A file system that was found before, if it is still there."""
    try:
        answer = stack.client("fsx").describe_file_systems(FileSystemIds=[identifier])
    except ClientError as error:
        if code_of(error) in ("FileSystemNotFound", "FileSystemNotFoundException"):
            return None
        raise
    return next(iter(answer["FileSystems"]), None)


def lane_of(system: Mapping[str, Any]) -> int | None:
    """The lane of the run whose file system it is, by the tag that it was created with."""
    number = tags_of(system.get("Tags", [])).get("lustre-batch:lane", "")
    return int(number) if number.isdecimal() else None


def queues_of(stack: Stack, system: Mapping[str, Any] | None) -> list[str]:
    """The queues in which the jobs of a run may be: that of its lane, and all of them while that is not known."""
    queues: list[str] = json.loads(stack.value("JobQueueArns"))
    lane = lane_of(system or {})
    return queues[lane - 1 : lane] if lane else queues


def job_of(stack: Stack, execution_arn: str, queues: Sequence[str]) -> dict[str, Any] | None:
    """The job of a run, as Batch describes it: for seven days after its end (Batch guide, job states)."""
    batch, name = stack.client("batch"), f"{stack.id}-{md5(execution_arn)}"
    for queue in queues:
        answer = batch.list_jobs(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}])
        if found := [one for one in answer["jobSummaryList"] if one["jobName"] == name]:
            described = batch.describe_jobs(jobs=[found[0]["jobId"]])["jobs"]
            return dict(described[0]) if described else None
    return None
