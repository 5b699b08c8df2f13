"""The operations on a resource: create, read, update, delete, and the data sources. Owns what they do for every row
alike: defaults, names, tags, and AWS's refusals as one line of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import ClientError, ParamValidationError
from pulumi.runtime.rpc import unwrap_rpc_secret

from .kind import Aws, Kind, PartialError, Props, ResourceError
from .lookups import LOOKUPS
from .tags import own_tags, with_tags

Answer = TypeVar("Answer")


def plain(value: Any) -> Any:
    """A value off the wire, where every number is a double, secrets are wrapped and members have no order, as the rows
    want it."""
    value = unwrap_rpc_secret(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def create(
    aws: Aws, kind: Kind, inputs: Props, default_tags: Mapping[str, str] | None = None, seed: bytes = b""
) -> tuple[str, Props]:
    """Create it; answer its id and what the account then says about it. What is random in its name follows from the
    seed, if there is one."""
    wanted = with_tags({**kind.defaults, **inputs}, default_tags or {})
    if kind.naming and wanted.get(kind.naming.key) is None:
        wanted[kind.naming.key] = kind.naming.after(str(wanted[kind.naming.prefix]), seed)
    physical_id = _refusing(lambda: kind.create(aws, wanted))
    finish = kind.finish
    try:
        if finish is not None:
            _refusing(lambda: finish(aws, physical_id, wanted))
        state = read(aws, kind, physical_id, wanted)
    except ResourceError as error:
        raise PartialError(str(error), physical_id, wanted) from error
    if state is None:
        raise ResourceError(f"{physical_id} was created, but cannot be found")
    return physical_id, state


def read(aws: Aws, kind: Kind, physical_id: str, state: Props) -> Props | None:
    """What the account says, under Pulumi's names; None when the resource is gone."""
    found = _refusing(lambda: kind.read(aws, physical_id, state))
    if found is None:
        return None
    actual = {name: value for name, value in found.items() if value is not None}
    actual["region"] = aws.region
    if kind.naming and state.get(kind.naming.prefix):
        actual[kind.naming.prefix] = state[kind.naming.prefix]
    if "tagsAll" in actual:
        actual["tags"] = own_tags(actual["tagsAll"], state)
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
    """Change in place what changed; answer what the account then says."""
    wanted = with_tags({**kind.defaults, **new}, default_tags)
    for call in dict.fromkeys(kind.update[name] for name in kind.update if name in changed):
        _refusing(lambda call=call: call(aws, physical_id, wanted, old))  # type: ignore[misc]
    state = read(aws, kind, physical_id, wanted)
    if state is None:
        raise ResourceError(f"{physical_id} is gone")
    return state


def delete(aws: Aws, kind: Kind, physical_id: str, state: Props) -> None:
    """Delete it. As with the real provider, it is not an error when it is gone already."""
    if kind.read(aws, physical_id, state) is not None:
        _refusing(lambda: kind.delete(aws, physical_id, state))


def look_up(aws: Aws, token: str, inputs: Props, default_tags: Mapping[str, str] | None = None) -> Props:
    """The answer of a data source, which may be about the provider itself."""
    if token == "aws:index/getDefaultTags:getDefaultTags":
        return {"id": aws.partition, "tags": dict(default_tags or {})}
    try:
        lookup = LOOKUPS[token]
    except KeyError:
        raise ResourceError(
            f"{token} is not among the rehearsal's data sources (rehearsal/provider/table/lookups.py)"
        ) from None
    return _refusing(lambda: lookup(aws, inputs))


def _refusing(call: Callable[[], Answer]) -> Answer:
    """The answer of the call, or AWS's refusal as one line of text."""
    try:
        return call()
    except ClientError as error:
        details = error.response.get("Error", {})
        raise ResourceError(f"{error.operation_name}: {details.get('Code')}: {details.get('Message')}") from error
    except ParamValidationError as error:
        raise ResourceError(str(error)) from error
