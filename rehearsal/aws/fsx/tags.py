"""Tags of FSx resources. Owns changing and listing them by ARN, whatever the resource is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ..calls import ModelError
from ..context import Context
from .requests import request_tags, tag_list


class Tagged(Protocol):
    """A resource with tags."""

    arn: str
    tags: dict[str, str]


class Tags:
    """Answers fsx: what concerns tags."""

    def __init__(self, context: Context, *sources: Callable[[], Iterable[Tagged]]) -> None:
        self._sources = sources
        context.calls.answer("fsx", TagResource=self.tag, UntagResource=self.untag, ListTagsForResource=self.list)

    def _tagged(self, arn: str) -> dict[str, str]:
        for source in self._sources:
            for resource in source():
                if resource.arn == arn:
                    return resource.tags
        raise ModelError("ResourceNotFound", f"The resource {arn} does not exist")

    def of(self, arn: str) -> dict[str, str]:
        """The tags of a resource; none when it does not exist."""
        try:
            return self._tagged(arn)
        except ModelError:
            return {}

    def tag(self, params: dict[str, Any]) -> None:
        self._tagged(params["ResourceARN"]).update(request_tags(params))

    def untag(self, params: dict[str, Any]) -> None:
        tags = self._tagged(params["ResourceARN"])
        for key in params["TagKeys"]:
            tags.pop(key, None)

    def list(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": tag_list(self._tagged(params["ResourceARN"]))}
