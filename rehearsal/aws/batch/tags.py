"""Answers batch: TagResource and UntagResource, for compute environments and job queues. Owns no state: the tags are
those of the modelled resources."""

from __future__ import annotations

from typing import Any

from ..calls import Calls, ModelError
from .environments import Environment, Environments
from .queues import Queue, Queues


class Tags:
    """Changes the tags of compute environments and job queues."""

    def __init__(self, calls: Calls, environments: Environments, queues: Queues) -> None:
        self._environments = environments
        self._queues = queues
        calls.answer("batch", TagResource=self.tag, UntagResource=self.untag)

    def tag(self, params: dict[str, Any]) -> None:
        self._of(params["resourceArn"]).update(params["tags"])

    def untag(self, params: dict[str, Any]) -> None:
        tags = self._of(params["resourceArn"])
        for key in params["tagKeys"]:
            tags.pop(key, None)

    def _of(self, arn: str) -> dict[str, str]:
        tagged: list[Environment | Queue] = [*self._environments.environments.values(), *self._queues.all.values()]
        for one in tagged:
            if one.arn == arn:
                return one.tags
        # Batch API reference, TagResource: ClientException for a resource that does not exist.
        raise ModelError("ClientException", f"{arn} does not exist")
