"""Tags of Batch resources. Owns reading and changing them by ARN, whatever the resource is."""

from __future__ import annotations

from typing import Any

from ..calls import ModelError
from ..context import Context
from .definitions import Definitions
from .environments import Environment, Environments
from .job import Job
from .jobs import Jobs
from .queues import Queue, Queues


class Tags:
    """Answers batch: what concerns tags."""

    def __init__(
        self, context: Context, definitions: Definitions, environments: Environments, queues: Queues, jobs: Jobs
    ) -> None:
        self._definitions = definitions
        self._environments = environments
        self._queues = queues
        self._jobs = jobs
        context.calls.answer("batch", TagResource=self.tag, UntagResource=self.untag, ListTagsForResource=self.list)

    def _tagged(self, arn: str) -> dict[str, str] | None:
        definition = self._definitions.all.get(arn)
        if definition is not None:
            tags: dict[str, str] = definition["tags"]
            return tags
        resources: list[Job | Environment | Queue] = [
            *self._jobs.all.values(),
            *self._environments.all.values(),
            *self._queues.all.values(),
        ]
        return next((resource.tags for resource in resources if resource.arn == arn), None)

    def of(self, arn: str) -> dict[str, str]:
        """The tags of a resource; none when it does not exist."""
        return self._tagged(arn) or {}

    def _get(self, arn: str) -> dict[str, str]:
        tags = self._tagged(arn)
        if tags is None:
            raise ModelError("ClientException", f"The resource {arn} does not exist")
        return tags

    def tag(self, params: dict[str, Any]) -> None:
        self._get(params["resourceArn"]).update(params["tags"])

    def untag(self, params: dict[str, Any]) -> None:
        tags = self._get(params["resourceArn"])
        for key in params["tagKeys"]:
            tags.pop(key, None)

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self._get(params["resourceArn"])}
