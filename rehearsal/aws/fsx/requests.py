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


# How long a page is of itself is not documented; a caller that does not read on may miss the twenty-first.
PAGE = 20


def page(found: list[Any], key: str, params: dict[str, Any]) -> dict[str, Any]:
    """One page of what was found, and where the next begins (FSx API reference, MaxResults and NextToken)."""
    start, size = int(params.get("NextToken", 0)), params.get("MaxResults", PAGE)
    answer: dict[str, Any] = {key: found[start : start + size]}
    if start + size < len(found):
        answer["NextToken"] = str(start + size)
    return answer


def request_tags(params: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
