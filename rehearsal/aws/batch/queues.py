"""Batch's job queues. Owns their states, the asynchronous updates and the order of their environments; a queue names
its environments until it is gone itself. While an update is under way the queue takes jobs as it did before, whatever
it says of its state already: nobody documents the moment."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ..calls import ModelError
from ..context import Context
from ..plan import Plan, Seconds
from .environments import STATE_CHANGE_SECONDS, Environment, Environments, drop


class JobQueuePlan(Plan):
    update: Seconds = STATE_CHANGE_SECONDS
    """Time to enable or disable it."""
    outcome: Literal["VALID", "INVALID"] = "VALID"
    """`VALID` or `INVALID`, when it is enabled."""


@dataclass
class Queue:
    name: str
    arn: str
    request: dict[str, Any]
    state: str
    status: str = "CREATING"
    accepts: bool = False  # whether it takes jobs
    reason: str = "JobQueue Healthy"
    tags: dict[str, str] = field(default_factory=dict)


class Queues:
    """Answers batch: what concerns job queues."""

    def __init__(self, context: Context, environments: Environments) -> None:
        self._context = context
        self._environments = environments
        self.plan = JobQueuePlan()
        self.all: dict[str, Queue] = {}
        # Told when a queue is being deleted: its ARN.
        self.on_deleting: Callable[[str], None] = lambda arn: None
        context.calls.answer(
            "batch",
            CreateJobQueue=self.create,
            UpdateJobQueue=self.update,
            DeleteJobQueue=self.delete,
            DescribeJobQueues=self.describe,
        )

    def snapshot(self) -> dict[str, Queue]:
        return copy.deepcopy(self.all)

    def reset(self, plan: JobQueuePlan, baseline: dict[str, Queue]) -> None:
        self.plan = plan
        self.all = copy.deepcopy(baseline)

    def naming(self, environment_arn: str) -> list[str]:
        """The queues that name an environment."""
        return [queue.name for queue in self.all.values() if environment_arn in _order(queue)]

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["jobQueueName"]
        if name in self.all:
            raise ModelError("ClientException", "Object already exists")
        self._check_order(params.get("computeEnvironmentOrder", []))
        queue = Queue(
            name=name,
            arn=self._context.arn("batch", f"job-queue/{name}"),
            request=params,
            state=params.get("state", "ENABLED"),
            tags=params.get("tags", {}),
        )
        self.all[name] = queue
        self._context.clock.after(STATE_CHANGE_SECONDS, lambda: self._settled(queue))
        return {"jobQueueName": name, "jobQueueArn": queue.arn}

    def _settled(self, queue: Queue) -> None:
        planned = queue.state == "ENABLED" and self.plan.outcome == "INVALID"
        queue.status = "INVALID" if planned else "VALID"
        queue.reason = (
            "CLIENT_ERROR - The queue is invalid (planned by the scenario)" if planned else "JobQueue Healthy"
        )
        queue.accepts = queue.state == "ENABLED" and not planned

    def _check_order(self, order: list[dict[str, Any]]) -> None:
        for entry in order:
            environment = self._environments.get(entry["computeEnvironment"])
            if environment.status != "VALID":
                raise ModelError("ClientException", f"{environment.arn} is not VALID")

    def get(self, name_or_arn: str) -> Queue:
        queue = self.all.get(name_or_arn.rpartition("/")[2])
        if queue is None or name_or_arn not in (queue.name, queue.arn):
            raise ModelError("ClientException", f"JobQueue {name_or_arn} does not exist")
        return queue

    def environment_of(self, queue: Queue) -> Environment:
        return self._environments.get(_order(queue)[0])

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        queue = self.get(params["jobQueue"])
        if queue.status in {"CREATING", "UPDATING", "DELETING"}:
            raise ModelError("ClientException", "Cannot update, resource is being modified")
        self._check_order(params.get("computeEnvironmentOrder", []))
        queue.state = params.get("state", queue.state)
        queue.request |= {key: params[key] for key in ("priority", "computeEnvironmentOrder") if key in params}
        queue.status = "UPDATING"
        self._context.clock.after(self.plan.update, lambda: self._settled(queue))
        return {"jobQueueName": queue.name, "jobQueueArn": queue.arn}

    def delete(self, params: dict[str, Any]) -> None:
        queue = self.get(params["jobQueue"])
        if queue.state != "DISABLED" or queue.status in {"CREATING", "UPDATING"}:
            raise ModelError("ClientException", "Cannot delete, resource must be disabled and not being modified")
        queue.status = "DELETING"
        self.on_deleting(queue.arn)
        self._context.clock.after(STATE_CHANGE_SECONDS, lambda: drop(self.all, queue.name))

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params.get("jobQueues")
        found = [one for one in self.all.values() if not wanted or {one.name, one.arn} & set(wanted)]
        views = [
            {
                "jobQueueName": queue.name,
                "jobQueueArn": queue.arn,
                "state": queue.state,
                "status": queue.status,
                "statusReason": queue.reason,
                "priority": queue.request["priority"],
                "computeEnvironmentOrder": queue.request.get("computeEnvironmentOrder", []),
                "tags": queue.tags,
            }
            for queue in found
        ]
        return {"jobQueues": views}


def _order(queue: Queue) -> list[str]:
    entries = sorted(queue.request.get("computeEnvironmentOrder", []), key=lambda entry: entry["order"])
    return [entry["computeEnvironment"] for entry in entries]
