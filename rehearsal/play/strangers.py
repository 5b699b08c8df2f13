"""Jobs that nobody of the stack submits: people, scripts and workflow engines do, to a lane's queue. Owns what they
submit, what Batch answered, and how they learn of a session and end it; each job brings a definition of its own, which
mounts what the instance mounts."""

from __future__ import annotations

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

LOOK_SECONDS = 30.0  # between two looks at the table, until there is a session
CONTAINER = {
    "image": "engine:latest",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "1024"}],
    "volumes": [{"name": "scratch", "host": {"sourcePath": "/fsx/scratch"}}],
    "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": False}],
}


class StrangersJobPlan(Plan):
    at: Seconds = 0
    """From the first execution's start, or, of a job of a session, from when that is ready."""
    runtime: Seconds = 600
    """Its one attempt."""
    writes: list[WritesPlan] = Field(default=[])
    """What it writes."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from overrunning(self.writes, self.runtime, f"the job ends after {self.runtime:g} s (runtime)")


class SessionPlan(Plan):
    """What an engine does once the session is open; it reads the table to see that."""

    jobs: list[StrangersJobPlan] = Field(default=[])
    """Jobs that it submits to the lane's queue; `at` counts from the moment the session is ready."""
    end_at: Seconds | None = None
    """It tells the session to end, from the moment that is ready."""


class SubmissionPlan(StrangersJobPlan):
    """A job that somebody else submits to the queue of the first lane."""

    accepted: bool = True
    """Whether Batch should take it."""


@dataclass
class Submission:
    """What became of one."""

    at: float
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
    start_delay: float | None
    made: list[Submission] = field(default_factory=list)

    def plan(self, submissions: list[SubmissionPlan]) -> None:
        """Submit each when it is due, from now on."""
        for each in submissions:
            self.account.clock.after(each.at, functools.partial(self.submit, each, self.queue_arns[0]))

    def attend(self, run: str, session: SessionPlan) -> None:
        """Submit the jobs of a run's session once that is open."""
        if session.jobs or session.end_at is not None:
            self.account.clock.after(LOOK_SECONDS, functools.partial(self._look_for_session, run, session))

    def _look_for_session(self, run: str, plan: SessionPlan) -> None:
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
                clock.after(LOOK_SECONDS, functools.partial(self._look_for_session, run, plan))
            return
        for each in plan.jobs:
            clock.after(each.at, functools.partial(self.submit, each, item["queueArn"]["S"]))
        if plan.end_at is not None:
            clock.after(plan.end_at, functools.partial(self._end, item["id"]))

    def _end(self, identifier: dict[str, str]) -> None:
        with internally():
            self.account.client("dynamodb").update_item(
                TableName=self.table,
                Key={"kind": {"S": "session"}, "id": identifier},
                UpdateExpression="SET #end = :end",
                ConditionExpression="attribute_exists(id)",
                ExpressionAttributeNames={"#end": "end"},
                ExpressionAttributeValues={":end": {"S": "by the engine"}},
            )

    def submit(self, plan: StrangersJobPlan, queue_arn: str) -> None:
        name = f"stranger-{len(self.made) + 1}"
        self.account.jobs.plans[name] = JobPlan(
            start_delay=self.start_delay, runtime=plan.runtime, writes=plan.writes, outcome="SUCCEEDED"
        )
        submission = Submission(self.account.clock.now(), plan)
        self.made.append(submission)
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
                "job": each.job,
                "status": None if each.job is None or each.job not in jobs else jobs[each.job].status,
                "refusal": each.refusal,
            }
            for each in self.made
        ]
