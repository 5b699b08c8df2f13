"""What FSx's requests have in common. Owns client tokens and tag lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from ..calls import ModelError


class Requested(Protocol):
    """Something that a request created."""

    request: dict[str, Any]


Resource = TypeVar("Resource", bound=Requested)


def created_before(resources: Iterable[Resource], params: dict[str, Any]) -> Resource | None:
    """FSx API reference, ClientRequestToken: the same token and parameters give the same resource again."""
    token = params.get("ClientRequestToken")
    known = next((one for one in resources if token and one.request.get("ClientRequestToken") == token), None)
    if known is not None and known.request != params:
        raise ModelError("IncompatibleParameterError", "The token was used with other parameters before")
    return known


def request_tags(params: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
