"""What the real provider would plan: the comparison of the wanted inputs with the recorded state, property by
property."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..table import REPLACES, Kind, Props, Unknown, declared_properties
from .wire import is_packed

TAINTED = "__tainted"
DEFAULTS = "__defaults"


@dataclass(frozen=True)
class Change:
    """One property whose value will differ."""

    path: str
    kind: str  # ADD, DELETE or UPDATE
    replaces: bool

    @property
    def top(self) -> str:
        return re.split(r"[.\[]", self.path)[0]


def changes(
    kind: Kind, olds: Props, news: Props, ignored: list[str], default_tags: Mapping[str, str] | None = None
) -> list[Change]:
    """The differences between the state of a resource and the inputs that it should have."""
    before = {name: value for name, value in olds.items() if name in declared_properties(kind.token)}
    after = {**kind.defaults, **{name: value for name, value in news.items() if not name.startswith("__")}}
    if "tags" in kind.update:
        before["tags"], after["tags"] = olds.get("tagsAll") or {}, {**(default_tags or {}), **(news.get("tags") or {})}
    found = [
        Change(path, what, _replaces(kind, path))
        for path, what in _differences(kind, before, after, "")
        if not any(_covers(pattern, path) for pattern in ignored)
    ]
    if olds.get(TAINTED):
        # A resource whose creation failed half-way is replaced, as Terraform replaces tainted resources.
        found.append(Change(TAINTED, "DELETE", replaces=True))
    return found


def delete_first(kind: Kind, olds: Props, news: Props) -> bool:
    """Whether the old resource has to be deleted before its replacement is created, because both have the same name
    (pulumi-terraform-bridge: when the program gives a name, and the name does not change)."""
    if kind.naming is None:
        return False
    name = kind.naming.key
    return name not in (news.get(DEFAULTS) or []) and news.get(name) is not None and news.get(name) == olds.get(name)


def _differences(kind: Kind, before: Any, after: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping) and not is_packed(after):
        for name in dict.fromkeys([*before, *after]):
            here = f"{path}.{name}" if path else name
            old, new = before.get(name), after.get(name)
            if _zero(old) and _zero(new):
                continue
            if _empty(new) and _left_to_aws(kind, here):
                continue
            if _empty(old):
                yield here, "ADD"
            elif _empty(new):
                yield here, "DELETE"
            else:
                yield from _differences(kind, old, new, here)
    elif not _equal(kind, before, after, path):
        yield path, "UPDATE"


def _left_to_aws(kind: Kind, path: str) -> bool:
    generic = re.sub(r"\[\d+\]", "", path)
    names = {kind.naming.key, kind.naming.prefix} if kind.naming else set()
    return generic in kind.computed or generic in names or generic == "region"


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _zero(value: Any) -> bool:
    """Whether Terraform's SDK cannot tell the value from one that was not given."""
    return _empty(value) or value is False or value == 0


def _equal(kind: Kind, before: Any, after: Any, path: str) -> bool:
    if isinstance(after, Unknown):
        return False
    if is_packed(before) and is_packed(after):
        return "hash" in before and bool(before["hash"] == after.get("hash"))
    if path in kind.documents and isinstance(before, str) and isinstance(after, str):
        return bool(_document(before) == _document(after))
    if isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            return False
        if path in kind.unordered:
            return sorted(map(_key, before)) == sorted(map(_key, after))
        return all(
            not list(_differences(kind, old, new, f"{path}[{number}]"))
            for number, (old, new) in enumerate(zip(before, after, strict=True))
        )
    return bool(before == after)


def _key(value: Any) -> str:
    return "" if isinstance(value, Unknown) else json.dumps(value, sort_keys=True)


def _document(text: str) -> Any:
    """The meaning of a policy or definition. In policies, a list of one element means the same as the element."""
    try:
        return _normal(json.loads(text))
    except ValueError:
        return text


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return _normal(value[0]) if len(value) == 1 else [_normal(item) for item in value]
    return value


def _replaces(kind: Kind, path: str) -> bool:
    generic = re.sub(r"\[\d+\]", "", path)
    parts = generic.split(".")
    rows = REPLACES.get(kind.token, frozenset())
    if kind.naming and parts[0] == kind.naming.prefix:
        return True
    return any(".".join(parts[:length]) in rows for length in range(1, len(parts) + 1)) or any(
        row.startswith(f"{generic}.") and row.split(".")[0] not in kind.update for row in rows
    )


def _covers(pattern: str, path: str) -> bool:
    """Whether an `ignoreChanges` path covers this one: the path itself, or anything below it (Pulumi docs, property
    paths)."""
    wanted, there = re.split(r"[.\[]", pattern.replace("]", "")), re.split(r"[.\[]", path.replace("]", ""))
    return len(wanted) <= len(there) and all(want in ("*", part) for want, part in zip(wanted, there, strict=False))
