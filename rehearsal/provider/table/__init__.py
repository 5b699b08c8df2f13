"""The table of resources: how each type that the program registers is created, read, updated and deleted in the
embedded account. Owns what all rows have in common (checks, names, tags); both drivers, Pulumi's mocks and the engine's
provider, go through it, and it must never know which of them asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError
from pulumi.runtime.rpc import unwrap_rpc_secret

from . import buckets, computing, events, groups, identity, machines, network, routes, serverless, storage
from .declared import UNKNOWN, Unknown, check, declared_properties
from .kind import Aws, Failure, Kind, PartialError, Props, ResourceError
from .lookups import LOOKUPS
from .replacements import REPLACES

KINDS: dict[str, Kind] = {
    kind.token: kind
    for module in (network, routes, groups, buckets, storage, identity, computing, serverless, machines, events)
    for kind in module.KINDS
}

# On every resource: where it lives (the provider's own region when not given), and what is inherited from the provider.
_EVERYWHERE = frozenset({"region"})


def kind_of(token: str) -> Kind:
    try:
        return KINDS[token]
    except KeyError:
        raise ResourceError(
            f"{token} is not in the rehearsal's table of resources (rehearsal/provider/table)"
        ) from None


def modelled(kind: Kind) -> set[str]:
    """The properties whose changes this table knows how to make."""
    replaced = {name.split(".")[0] for name in REPLACES.get(kind.token, frozenset())}
    names = {kind.naming.key, kind.naming.prefix} if kind.naming else set()
    return set(kind.update) | replaced | names | _EVERYWHERE


def plain(value: Any) -> Any:
    """A value off the wire, where every number is a double and secrets come wrapped, as the rows want it."""
    value = unwrap_rpc_secret(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def named(kind: Kind, logical_name: str, inputs: Props, seed: bytes = b"", before: Props | None = None) -> Props:
    """The inputs with the physical name: the given one, the one it has, or a new one. A prefix is left to `create`."""
    naming = kind.naming
    if naming is None or inputs.get(naming.key) is not None or inputs.get(naming.prefix) is not None:
        return inputs
    kept = (before or {}).get(naming.key)
    return {**inputs, naming.key: kept or naming.of(logical_name, seed)}


def check_inputs(kind: Kind, inputs: Props) -> list[Failure]:
    """What the real provider would refuse, then what this table does not model."""
    refused = check(kind.token, inputs, kind.enumerations)
    if kind.naming and (too_long := kind.naming.refused(inputs)):
        refused.append(Failure(*too_long))
    known = modelled(kind)
    return refused or [
        Failure(name, f"the rehearsal does not model {name} of {kind.token} (rehearsal/provider/table)")
        for name, value in inputs.items()
        if name not in known and value is not None and not name.startswith("__")
    ]


def with_tags(inputs: Props, default_tags: Mapping[str, str]) -> Props:
    """The inputs with `tagsAll`: the provider's default tags under the resource's own."""
    return {**inputs, "tagsAll": {**default_tags, **(inputs.get("tags") or {})}}


def create(aws: Aws, kind: Kind, inputs: Props, default_tags: Mapping[str, str] | None = None) -> tuple[str, Props]:
    """Create it; its id and what the account then says about it."""
    wanted = with_tags({**kind.defaults, **inputs}, default_tags or {})
    if kind.naming and wanted.get(kind.naming.key) is None:
        wanted[kind.naming.key] = kind.naming.after(str(wanted[kind.naming.prefix]))
    physical_id = _spoken(lambda: kind.create(aws, wanted))
    finish = kind.finish
    try:
        if finish is not None:
            _spoken(lambda: finish(aws, physical_id, wanted))
        state = read(aws, kind, physical_id, wanted)
    except ResourceError as error:
        raise PartialError(str(error), physical_id, wanted) from error
    if state is None:
        raise ResourceError(f"{physical_id} was created and then not found")
    return physical_id, state


def read(aws: Aws, kind: Kind, physical_id: str, state: Props) -> Props | None:
    """What the account says, under Pulumi's names; None when it is gone."""
    found = _spoken(lambda: kind.read(aws, physical_id, state))
    if found is None:
        return None
    actual = {name: value for name, value in found.items() if value is not None}
    actual["region"] = aws.region
    if kind.naming and state.get(kind.naming.prefix):
        actual[kind.naming.prefix] = state[kind.naming.prefix]
    if "tagsAll" in actual:
        actual["tags"] = _own_tags(actual["tagsAll"], state)
    return actual


def update(
    aws: Aws,
    kind: Kind,
    physical_id: str,
    new: Props,
    old: Props,
    default_tags: Mapping[str, str],
    changed: set[str],
) -> Props:
    """Change in place what changed; what the account then says."""
    wanted = with_tags({**kind.defaults, **new}, default_tags)
    for call in dict.fromkeys(kind.update[name] for name in kind.update if name in changed):
        _spoken(lambda call=call: call(aws, physical_id, wanted, old))
    state = read(aws, kind, physical_id, wanted)
    if state is None:
        raise ResourceError(f"{physical_id} is gone")
    return state


def delete(aws: Aws, kind: Kind, physical_id: str, state: Props) -> None:
    """Delete it; what is gone already is no error, as with the real provider."""
    if kind.read(aws, physical_id, state) is not None:
        _spoken(lambda: kind.delete(aws, physical_id, state))


def look_up(aws: Aws, token: str, inputs: Props) -> Props:
    try:
        lookup = LOOKUPS[token]
    except KeyError:
        raise ResourceError(
            f"{token} is not among the rehearsal's data sources (rehearsal/provider/table/lookups.py)"
        ) from None
    return dict(_spoken(lambda: lookup(aws, inputs)))


def _own_tags(tags_all: Mapping[str, str], state: Props) -> dict[str, str]:
    """The tags that are not only the provider's defaults."""
    own = state.get("tags") or {}
    inherited = {key for key in (state.get("tagsAll") or {}) if key not in own}
    return {key: value for key, value in tags_all.items() if key not in inherited}


def _spoken(call: Any) -> Any:
    """The answer of the call; AWS's refusals as one line of words."""
    try:
        return call()
    except ClientError as error:
        details = error.response.get("Error", {})
        raise ResourceError(f"{error.operation_name}: {details.get('Code')}: {details.get('Message')}") from error
    except ParamValidationError as error:
        raise ResourceError(str(error)) from error


__all__ = [
    "KINDS",
    "REPLACES",
    "UNKNOWN",
    "Aws",
    "Failure",
    "Kind",
    "PartialError",
    "Props",
    "ResourceError",
    "Unknown",
    "check_inputs",
    "create",
    "declared_properties",
    "delete",
    "kind_of",
    "look_up",
    "modelled",
    "named",
    "plain",
    "read",
    "update",
    "with_tags",
]
