"""Jobs that nobody of the stack submits: people, scripts and workflow engines do, to a lane's queue. Owns what they
submit, what Batch answered, and how they learn of a session and end it; each job brings a definition of its own, which
mounts what the instance mounts."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from pydantic import Field

from ..aws.account import Account
from ..aws.batch.job_plan import JobPlan, WritesPlan, overrunning
from ..aws.calls import internally
from ..aws.plan import Plan, Seconds
from .due import Due

LOOK_SECONDS = 30.0  # between two looks at the table, until there is a session
CONTAINER = {
    "image": "engine:latest",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}],
    "volumes": [{"name": "scratch", "host": {"sourcePath": "/fsx/scratch"}}],
    "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": False}],
}


class StrangersJobPlan(Plan):
    """What is planned for a job, wherever it is submitted."""

    at: Seconds = 0  # since when, its kinds say
    start_delay: Seconds | None = 180
    """From submitted to running, while instances boot and mount; `null`: it never starts."""
    runtime: Seconds = 600
    """Its one attempt."""
    writes: list[WritesPlan] = Field(default=[])
    """What it writes."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from overrunning(self.writes, self.runtime, f"the job ends after {self.runtime:g} s (runtime)")


class SessionJobPlan(StrangersJobPlan):
    at: Seconds = 0
    """It is submitted, from the moment the session is ready."""


class SessionPlan(Plan):
    """What an engine does once the session is open; it reads the table to see that."""

    jobs: list[SessionJobPlan] = Field(default=[])
    """Jobs that it submits to the lane's queue."""
    end_at: Seconds | None = None
    """It tells the session to end, from the moment that is ready."""


class SubmissionPlan(StrangersJobPlan):
    """A job that somebody else submits to the queue of the first lane."""

    at: Seconds = 0
    """It is submitted, from the first execution's start."""
    accepted: bool = True
    """Whether Batch should take it."""


# What came of a plan that nobody carried out.
NEVER_SUBMITTED = "was never submitted: the session had ended before, or never opened"
TOLD_NOBODY = "told nobody: the session had ended before, or never opened"
TOO_LATE = "was never submitted: everything was over before"


@dataclass
class Submission:
    """What became of one."""

    at: float
    key: str  # in the scenario
    plan: StrangersJobPlan
    job: str | None = None
    refusal: str | None = None

    @property
    def is_as_planned(self) -> bool:
        return (self.job is not None) == is_welcome(self.plan)


def is_welcome(plan: StrangersJobPlan) -> bool:
    """Whether Batch should take a job; one of a session's always."""
    return plan.accepted if isinstance(plan, SubmissionPlan) else True


@dataclass
class Strangers:
    """Whoever else submits jobs, in one play."""

    account: Account
    queue_arns: list[str]
    table: str
    due: Due
    made: list[Submission] = field(default_factory=list)

    def plan(self, submissions: list[SubmissionPlan]) -> None:
        """Submit each when it is due, from now on."""
        for number, each in enumerate(submissions):
            key = self.due.plan(f"submissions.{number}", each.at, TOO_LATE)
            self.account.clock.after(each.at, functools.partial(self._submit, key, each, self.queue_arns[0]))

    def attend(self, run: str, session: SessionPlan, place: str = "") -> None:
        """Submit the jobs of a run's session once that is open; `place` is where the scenario says it."""
        for number, each in enumerate(session.jobs):
            self.due.plan(f"{place}session.jobs.{number}", each.at, NEVER_SUBMITTED)
        if session.end_at is not None:
            self.due.plan(f"{place}session.end_at", session.end_at, TOLD_NOBODY)
        if session.jobs or session.end_at is not None:
            look = functools.partial(self._look_for_session, run, session, place)
            self.account.clock.after(LOOK_SECONDS, look)

    def _look_for_session(self, run: str, plan: SessionPlan, place: str) -> None:
        clock = self.account.clock
        with internally():
            found = self.account.client("dynamodb").query(
                TableName=self.table,
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": {"S": "session"}},
                ConsistentRead=True,
            )["Items"]
        item = next((one for one in found if one["run"]["S"] == run), None)
        if item is None:
            if self.account.executions.all[run].status == "RUNNING":
                clock.after(LOOK_SECONDS, functools.partial(self._look_for_session, run, plan, place))
            return
        for number, each in enumerate(plan.jobs):
            key = f"{place}session.jobs.{number}"
            clock.after(each.at, functools.partial(self._submit, key, each, item["queueArn"]["S"]))
        if plan.end_at is not None:
            clock.after(plan.end_at, functools.partial(self._end, f"{place}session.end_at", item["id"]))

    def _end(self, key: str, identifier: dict[str, str]) -> None:
        table = self.account.client("dynamodb")
        with internally(), contextlib.suppress(table.exceptions.ConditionalCheckFailedException):
            table.update_item(
                TableName=self.table,
                Key={"kind": {"S": "session"}, "id": identifier},
                UpdateExpression="SET #end = :end",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeNames={"#end": "end"},
                ExpressionAttributeValues={":end": {"S": "by the engine"}},
            )
            self.due.done(key)

    def _submit(self, key: str, plan: StrangersJobPlan, queue_arn: str) -> None:
        """Under a name by which people find the job again in the scenario: its key, in signs that Batch takes."""
        name = "-".join(key.split(".")[-3:])
        self.account.jobs.plans[name] = JobPlan(
            start_delay=plan.start_delay, runtime=plan.runtime, writes=plan.writes, outcome="SUCCEEDED"
        )
        submission = Submission(self.account.clock.now(), key, plan)
        self.made.append(submission)
        self.due.done(key)
        with internally():
            batch = self.account.client("batch")
            definition = batch.register_job_definition(
                jobDefinitionName=name, type="container", containerProperties=CONTAINER
            )["jobDefinitionArn"]
            try:
                submission.job = batch.submit_job(jobName=name, jobQueue=queue_arn, jobDefinition=definition)["jobId"]
            except ClientError as error:
                submission.refusal = error.response["Error"]["Message"]
            batch.deregister_job_definition(jobDefinition=definition)

    def facts(self, began: float) -> list[dict[str, Any]]:
        jobs = self.account.jobs.all
        return [
            {
                "at": round(each.at - began, 3),
                "key": each.key,
                "job": each.job,
                "status": None if each.job is None or each.job not in jobs else jobs[each.job].status,
                "refusal": each.refusal,
            }
            for each in self.made
        ]
