"""Batch's jobs. Owns submitting, listing, describing and ending them by hand; `attempts` moves them on. It must never
answer about a job for longer than Batch promises to: whoever asks later is told that there is none."""

from __future__ import annotations

from typing import Any

from ..calls import ModelError
from ..context import Context
from ..fsx.file_systems import FileSystem
from .attempts import Attempts, matches
from .definitions import Definitions
from .environments import NAME
from .job import BEFORE_STARTING, Job, container
from .job_plan import JobPlan
from .queues import Queues

# Batch guide, job states: the record of a job that has ended is kept for at least seven days.
REMEMBERED_SECONDS = 7 * 86400.0


class Jobs:
    """Answers batch: what concerns jobs."""

    def __init__(self, context: Context, definitions: Definitions, queues: Queues, attempts: Attempts) -> None:
        self._context = context
        self._definitions = definitions
        self._queues = queues
        self._attempts = attempts
        self.plan = JobPlan()
        self.all: dict[str, Job] = {}
        context.calls.answer(
            "batch",
            SubmitJob=self.submit,
            DescribeJobs=self.describe,
            ListJobs=self.list,
            CancelJob=self.cancel,
            TerminateJob=self.terminate,
        )

    def reset(self, plan: JobPlan) -> None:
        self.plan = plan
        self.all = {}

    def submit(self, params: dict[str, Any]) -> dict[str, Any]:
        clock = self._context.clock
        if not NAME.match(params["jobName"]):
            raise ModelError("ClientException", f"{params['jobName']} is not a valid job name")
        queue = self._queues.get(params["jobQueue"])
        if queue.state != "ENABLED" or queue.status not in {"VALID", "UPDATING"}:
            raise ModelError("ClientException", f"JobQueue {queue.name} is {queue.state} and {queue.status}")
        definition = self._definitions.active(params["jobDefinition"])
        identifier = self._context.ids.uuid()
        tags = {**(definition.get("tags", {}) if params.get("propagateTags") else {}), **params.get("tags", {})}
        job = Job(
            id=identifier,
            arn=self._context.arn("batch", f"job/{identifier}"),
            name=params["jobName"],
            queue=queue.arn,
            definition=definition,
            request=params,
            created=clock.now(),
            tags=tags,
        )
        self.all[identifier] = job
        job.timers.append(clock.after(1, lambda: self._attempts.runnable(job)))
        if self.plan.cancelled_at is not None:
            reason = "Cancelled by hand (planned by the scenario)"
            clock.after(self.plan.cancelled_at, lambda: self._attempts.terminate(job, reason))
        return {"jobArn": job.arn, "jobName": job.name, "jobId": job.id}

    def _remembered(self, job: Job) -> bool:
        return job.stopped is None or self._context.clock.now() - job.stopped < REMEMBERED_SECONDS

    def get(self, identifier: str) -> Job:
        if identifier not in self.all:
            raise ModelError("ClientException", f"Job {identifier} does not exist")
        return self.all[identifier]

    def cancel(self, params: dict[str, Any]) -> None:
        job = self.get(params["jobId"])
        if job.status in BEFORE_STARTING:
            self._attempts.terminate(job, params["reason"])

    def terminate(self, params: dict[str, Any]) -> None:
        self._attempts.terminate(self.get(params["jobId"]), params["reason"])

    def kick(self) -> None:
        self._attempts.kick(self.all.values())

    def evict(self, environment_arn: str, before: float) -> None:
        self._attempts.evict(self.all.values(), environment_arn, before)

    def file_system_gone(self, file_system: FileSystem) -> None:
        self._attempts.file_system_gone(self.all.values(), file_system)

    def holds(self, environment_arn: str, before: float) -> bool:
        return any(self._attempts.older(self.all.values(), environment_arn, before))

    def queue_deleted(self, queue_arn: str) -> None:
        for job in self.all.values():
            if job.queue == queue_arn:
                self._attempts.terminate(job, "The job queue was deleted")

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        return {
            "jobs": [
                self._view(self.all[one])
                for one in params["jobs"]
                if one in self.all and self._remembered(self.all[one])
            ]
        }

    def _view(self, job: Job) -> dict[str, Any]:
        latest = {"logStreamName": job.current.log_stream} if job.current is not None else {}
        if job.current is None and job.attempts:
            latest = job.attempts[-1]["container"]
        if job.task:  # SDK ContainerDetail: each attempt receives one when it reaches STARTING
            latest = {**latest, "taskArn": job.task}
        answer = self._summary(job) | {
            "jobQueue": job.queue,
            "attempts": job.attempts,
            "retryStrategy": job.retry_strategy,
            "dependsOn": [],
            "container": {**container(job), **latest},
            "tags": job.tags,
            "isTerminated": job.terminated is not None,
        }
        del answer["container"]["jobDefinitionArn"]
        return answer

    @staticmethod
    def _summary(job: Job) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "jobArn": job.arn,
            "jobId": job.id,
            "jobName": job.name,
            "jobDefinition": job.definition["jobDefinitionArn"],
            "createdAt": int(job.created * 1000),
            "status": job.status,
        }
        if job.reason:
            answer["statusReason"] = job.reason
        if job.started is not None:
            answer["startedAt"] = int(job.started * 1000)
        if job.stopped is not None:
            answer["stoppedAt"] = int(job.stopped * 1000)
        return answer

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Batch API reference, ListJobs: by name whatever the status, else by status, which is RUNNING if not given."""
        queue = self._queues.get(params.get("jobQueue", ""))
        found = [job for job in self.all.values() if job.queue == queue.arn and self._remembered(job)]
        filters = params.get("filters", [])
        if filters:
            for wanted in filters:
                if wanted.get("name") != "JOB_NAME":
                    raise ModelError("ClientException", f"The filter {wanted.get('name')} is not modelled")
                found = [
                    job
                    for job in found
                    if any(matches(pattern.casefold(), job.name.casefold()) for pattern in wanted["values"])
                ]
        else:
            status = params.get("jobStatus", "RUNNING")
            found = [job for job in found if job.status == status]
        return {"jobSummaryList": [self._summary(job) for job in found]}
