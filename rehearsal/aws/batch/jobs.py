"""Batch's jobs. Owns submitting, listing, describing and ending them by hand; `attempts` moves them on. It must never
answer about a job for longer than Batch promises to: whoever asks later is told that there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..calls import ModelError
from ..context import Context
from ..fsx.file_systems import FileSystem
from ..plan import Tags
from .arrays import Arrays
from .attempts import Attempts, matches
from .definitions import Definitions
from .environments import NAME
from .job import BEFORE_STARTING, Job, container
from .job_plan import JobPlan
from .placement import Placement
from .queues import Queues

# SDK ListJobs, maxResults: how many a page has at most, by status and with a filter.
MOST_BY_STATUS, MOST_FILTERED = 1000, 100
# Batch guide, job states: the record of a job that has ended is kept for at least seven days.
REMEMBERED_SECONDS = 7 * 86400.0


class Jobs:
    """Answers batch: what concerns jobs."""

    def __init__(
        self,
        context: Context,
        definitions: Definitions,
        queues: Queues,
        placement: Placement,
        attempts: Attempts,
        plan_of: Callable[[Tags], JobPlan],
    ) -> None:
        self._context = context
        self._placement = placement
        self._arrays = Arrays(context, attempts)
        self._definitions = definitions
        self._queues = queues
        self._attempts = attempts
        self._plan_of = plan_of
        self.plans: dict[str, JobPlan] = {}  # by the name of a job that nobody of the stack submits
        self.all: dict[str, Job] = {}
        context.calls.answer(
            "batch",
            SubmitJob=self.submit,
            DescribeJobs=self.describe,
            ListJobs=self.list,
            CancelJob=self.cancel,
            TerminateJob=self.terminate,
        )

    def reset(self) -> None:
        self.plans = {}
        self.all = {}

    def submit(self, params: dict[str, Any]) -> dict[str, Any]:
        clock = self._context.clock
        if not NAME.match(params["jobName"]):
            raise ModelError("ClientException", f"{params['jobName']} is not a valid job name")
        queue = self._queues.get(params["jobQueue"])
        # Batch API reference, UpdateJobQueue, state: DISABLED, "new jobs can't be added". In which words is not said.
        if not queue.accepts:
            raise ModelError("ClientException", f"JobQueue {queue.name} is {queue.state} and {queue.status}")
        definition = self._definitions.active(params["jobDefinition"])
        self._arrays.check(params)
        identifier, own_plan = self._context.ids.uuid(), self.plans.get(params["jobName"])
        tags = {**(definition.get("tags", {}) if params.get("propagateTags") else {}), **params.get("tags", {})}
        plan = own_plan or self._plan_of(tags)
        job = Job(
            id=identifier,
            arn=self._context.arn("batch", f"job/{identifier}"),
            name=params["jobName"],
            queue=queue.arn,
            definition=definition,
            request=params,
            created=clock.now(),
            plan=plan,
            folder="" if own_plan is None else f"/{params['jobName']}",
            tags=tags,
        )
        self.all[identifier] = job
        self._attempts.on_status(job)
        job.timers.append(clock.after(1, lambda: self._submitted(job)))
        if plan.cancelled_at is not None:
            reason = "Cancelled by hand (planned by the scenario)"
            clock.after(plan.cancelled_at, lambda: self._terminate(job, reason))
        return {"jobArn": job.arn, "jobName": job.name, "jobId": job.id}

    def _submitted(self, job: Job) -> None:
        if not job.array_size:
            self._attempts.runnable(job)
            return
        children = self._arrays.spawn(job)
        self.all |= {child.id: child for child in children}
        for child in children:
            self._attempts.runnable(child)

    def _remembered(self, job: Job) -> bool:
        return job.stopped is None or self._context.clock.now() - job.stopped < REMEMBERED_SECONDS

    def get(self, identifier: str) -> Job:
        if identifier not in self.all:
            raise ModelError("ClientException", f"Job {identifier} does not exist")
        return self.all[identifier]

    def cancel(self, params: dict[str, Any]) -> None:
        job = self.get(params["jobId"])
        if job.children:
            self._arrays.cancel(job, params["reason"])
        elif job.status in BEFORE_STARTING:
            self._attempts.terminate(job, params["reason"])

    def terminate(self, params: dict[str, Any]) -> None:
        self._terminate(self.get(params["jobId"]), params["reason"])

    def _terminate(self, job: Job, reason: str) -> None:
        if job.children:
            self._arrays.terminate(job, reason)
        else:
            self._attempts.terminate(job, reason)

    def kick(self) -> None:
        self._placement.kick(self.all.values())

    def evict(self, environment_arn: str, before: float) -> None:
        self._attempts.evict(self.all.values(), environment_arn, before)

    def file_system_gone(self, file_system: FileSystem) -> None:
        self._attempts.file_system_gone(self.all.values(), file_system)

    def holds(self, environment_arn: str, before: float) -> bool:
        return any(self._attempts.older(self.all.values(), environment_arn, before))

    def queue_deleted(self, queue_arn: str) -> None:
        for job in self.all.values():
            if job.queue == queue_arn and job.parent is None:
                self._terminate(job, "The job queue was deleted")

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

    def _summary(self, job: Job) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "jobArn": job.arn,
            "jobId": job.id,
            "jobName": job.name,
            "jobDefinition": job.definition["jobDefinitionArn"],
            "createdAt": _created(job),
            "status": job.status,
            **self._arrays.properties(job),
        }
        if job.reason:
            answer["statusReason"] = job.reason
        # Earlier SDKs, JobDetail, startedAt: "isn't provided for child jobs of array jobs". What both moments are of a
        # parent, which is never RUNNING, nobody says.
        if job.started is not None and not job.array_size:
            answer["startedAt"] = int(job.started * 1000)
        if job.stopped is not None and (job.index is not None or not job.array_size):
            answer["stoppedAt"] = int(job.stopped * 1000)
        return answer

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Batch API reference, ListJobs: by name whatever the status, else by status, which is RUNNING if not given; of
        a queue, or of an array, whose order is nobody's business."""
        if ("jobQueue" in params) == ("arrayJobId" in params):
            raise ModelError("ClientException", "Exactly one of jobQueue and arrayJobId is to be given")
        if "arrayJobId" in params:
            listed = list(reversed(self.get(params["arrayJobId"]).children))
        else:
            queue = self._queues.get(params["jobQueue"])
            listed = [job for job in self.all.values() if job.queue == queue.arn and job.parent is None]
        found = [job for job in listed if self._remembered(job)]
        filters = params.get("filters", [])
        if filters:
            found = _filtered(found, filters)
        else:
            status = params.get("jobStatus", "RUNNING")
            found = [job for job in found if job.status == status]
        size = min(params.get("maxResults", MOST_BY_STATUS), MOST_FILTERED if filters else MOST_BY_STATUS)
        begin = int(params.get("nextToken", 0))
        answer: dict[str, Any] = {"jobSummaryList": [self._listed(job) for job in found[begin : begin + size]]}
        return answer if begin + size >= len(found) else answer | {"nextToken": str(begin + size)}

    def _listed(self, job: Job) -> dict[str, Any]:
        """SDK JobSummary: of the container, its exit code and the reason."""
        last = job.attempts[-1]["container"] if job.attempts else {}
        return self._summary(job) | {"container": {key: last[key] for key in ("exitCode", "reason") if key in last}}


def _filtered(jobs: list[Job], filters: list[dict[str, Any]]) -> list[Job]:
    """SDK ListJobs, filters: one at a time; the most recent jobs first. Whether a moment itself is before or after it,
    nobody says: neither."""
    if len(filters) > 1:
        raise ModelError("ClientException", "Only one filter can be used at a time")
    name, values = filters[0].get("name"), filters[0].get("values", [])
    if name == "JOB_NAME":
        found = [job for job in jobs if any(matches(one.casefold(), job.name.casefold()) for one in values)]
    elif name in {"AFTER_CREATED_AT", "BEFORE_CREATED_AT"}:
        if len(values) != 1 or not values[0].isdecimal():
            raise ModelError("ClientException", f"{values} is not a number of milliseconds since 1970, as text")
        moment = int(values[0])
        after = name == "AFTER_CREATED_AT"
        found = [job for job in jobs if (_created(job) > moment if after else _created(job) < moment)]
    else:
        raise ModelError("ClientException", f"The filter {name} is not modelled")
    return sorted(found, key=_created, reverse=True)


def _created(job: Job) -> int:
    return int(job.created * 1000)
