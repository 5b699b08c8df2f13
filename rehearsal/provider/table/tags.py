"""Tags, which every service takes under names of its own: the provider's default tags, a resource's own tags, and the
update that makes the tags of an existing resource match. Owns the spelling of tags, and nothing else about a
resource."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .kind import Aws, Props, Update


def default_tags(provider: Mapping[str, Any]) -> dict[str, str]:
    """The tags in a provider's `defaultTags`, which crosses the wire as JSON text."""
    given = provider.get("defaultTags") or {}
    parsed = json.loads(given) if isinstance(given, str) else given
    return dict(parsed.get("tags") or {})


def with_tags(inputs: Props, inherited: Mapping[str, str]) -> Props:
    """The inputs with `tagsAll`: the provider's default tags, overridden by the resource's own."""
    return {**inputs, "tagsAll": {**inherited, **(inputs.get("tags") or {})}}


def own_tags(tags_all: Mapping[str, str], state: Props) -> dict[str, str]:
    """`tagsAll` without what comes from the provider's defaults alone."""
    own = state.get("tags") or {}
    inherited = {key for key in (state.get("tagsAll") or {}) if key not in own}
    return {key: value for key, value in tags_all.items() if key not in inherited}


def tag_list(tags: Mapping[str, str] | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted((tags or {}).items())]


def lower_case_tag_list(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    return tag_list(tags, "key", "value")


def tag_map(tags: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """The tags as a map, without those that AWS reserves for itself."""
    return {tag[key]: tag[value] for tag in tags or [] if not tag[key].startswith("aws:")}


def retag(
    service: str,
    resource: str,
    *,
    tags: str = "Tags",
    keys: str = "TagKeys",
    spelled: Callable[[Mapping[str, str]], Any] = tag_list,
    by: str = "arn",
    kind: str = "resource",
) -> Update:
    """The update of `tags`: `tag_KIND` and `untag_KIND` of a service, which takes the resource, the tags and the keys
    as the members named here. `by` is the property that identifies the resource to the service."""

    def update(aws: Aws, identity: str, new: Props, old: Props) -> None:
        client, wanted, present = aws.client(service), new.get("tagsAll") or {}, old.get("tagsAll") or {}
        if surplus := [key for key in present if key not in wanted]:
            getattr(client, f"untag_{kind}")(**{resource: old[by], keys: surplus})
        if wanted:
            getattr(client, f"tag_{kind}")(**{resource: old[by], tags: spelled(wanted)})

    return update
