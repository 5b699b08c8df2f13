"""The shape of the resource table. Owns what a row of it is made of; it must never know any one AWS service."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

Props = dict[str, Any]


class Aws(Protocol):
    """What a row needs of the embedded account."""

    region: str
    account_id: str
    partition: str

    def client(self, service: str) -> Any: ...


class ResourceError(Exception):
    """A refusal, with the words the real provider would use as far as they are known."""


class PartialError(ResourceError):
    """It exists, and something after its creation failed: what there is has to be remembered, or it is orphaned."""

    def __init__(self, message: str, identity: str, state: Props) -> None:
        super().__init__(message)
        self.identity = identity
        self.state = state


@dataclass(frozen=True)
class Failure:
    """One property that a check refused."""

    property: str
    reason: str


@dataclass(frozen=True)
class Enumeration:
    """The values a property takes: those of a shape in botocore's model of the service."""

    service: str
    shape: str


# How pulumi-aws names what was given no name: the logical name, a dash, and seven random hexadecimal digits
# (pulumi-terraform-bridge, AutoNameOptions).
RANDOM_DIGITS = 7
# What follows a given prefix (terraform-plugin-sdk, id.PrefixedUniqueId).
UNIQUE_DIGITS = 26


@dataclass(frozen=True)
class Naming:
    """Which property is the physical name, and how long AWS lets it be."""

    key: str = "name"
    limit: int = 64
    lower: bool = False

    @property
    def prefix(self) -> str:
        """The property that gives only the beginning: namePrefix, bucketPrefix."""
        return f"{self.key}Prefix"

    def of(self, logical_name: str, seed: bytes = b"") -> str:
        digits = (seed or os.urandom(RANDOM_DIGITS)).hex()[:RANDOM_DIGITS]
        base = logical_name[: self.limit - RANDOM_DIGITS - 1]
        return f"{base.lower() if self.lower else base}-{digits}"

    def after(self, prefix: str) -> str:
        return f"{prefix}{os.urandom(UNIQUE_DIGITS).hex()[:UNIQUE_DIGITS]}"

    def refused(self, inputs: Props) -> tuple[str, str] | None:
        """A name or prefix that AWS or the provider finds too long: which property, and why."""
        for name, limit in ((self.key, self.limit), (self.prefix, self.limit - UNIQUE_DIGITS)):
            if isinstance(inputs.get(name), str) and len(inputs[name]) > limit:
                return name, f"expected length to be at most {limit}, got {inputs[name]!r}"
        return None


Update = Callable[[Aws, str, Props, Props], None]


@dataclass(frozen=True)
class Kind:
    """One resource type.

    `create` returns the physical id as soon as there is one, `finish` does what remains to be done; `read` is what the
    account says under Pulumi's property names, or None when it is gone; `update` has for each property that can change
    in place the call that changes it (id, new, old). A property of pulumi-aws that is neither in `update` nor in the
    replacements is not modelled, and refused."""

    token: str
    create: Callable[[Aws, Props], str]
    read: Callable[[Aws, str, Props], Props | None]
    delete: Callable[[Aws, str, Props], None]
    finish: Callable[[Aws, str, Props], None] | None = None
    update: Mapping[str, Update] = field(default_factory=dict)
    naming: Naming | None = None
    # What AWS (or the provider) fills in when it is not given; an appearance is no drift.
    computed: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    enumerations: Mapping[str, Enumeration] = field(default_factory=dict)
    # Documents in JSON: compared by meaning, not by spelling.
    documents: frozenset[str] = frozenset()
    # Lists whose order means nothing: compared as sets.
    unordered: frozenset[str] = frozenset()
    # Lives with the provider only, AWS does not know it (force_destroy, …).
    local: frozenset[str] = frozenset()


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def gone_is_none(
    *codes: str,
) -> Callable[[Callable[[Aws, str, Props], Props | None]], Callable[[Aws, str, Props], Props | None]]:
    """Let a reader answer None when AWS answers with one of these codes."""

    def decorate(reader: Callable[[Aws, str, Props], Props | None]) -> Callable[[Aws, str, Props], Props | None]:
        def read(aws: Aws, identity: str, state: Props) -> Props | None:
            try:
                return reader(aws, identity, state)
            except ClientError as error:
                if code_of(error) in codes:
                    return None
                raise

        return read

    return decorate


def keep_only(aws: Aws, identity: str, new: Props, old: Props) -> None:
    """The update of what lives with the provider only: AWS is not told."""


def pascal(value: Any) -> Any:
    """Pulumi's names as AWS spells its members, all the way down."""
    return _renamed(value, lambda name: name[:1].upper() + name[1:])


def camel(value: Any) -> Any:
    """AWS's members under Pulumi's names, all the way down."""
    return _renamed(value, lambda name: name[:1].lower() + name[1:])


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {rename(name): _renamed(item, rename) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_renamed(item, rename) for item in value]
    return value


def given(**members: Any) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def tag_list(tags: Mapping[str, str] | None, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in sorted((tags or {}).items())]


def tag_map(tags: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {tag[key]: tag[value] for tag in tags or [] if not tag[key].startswith("aws:")}


def wait(aws: Aws, ready: Callable[[], bool], what: str, seconds: float, timeout_seconds: float = 3600) -> None:
    """Poll in virtual time: advances the account's clock and never sleeps. A check that raises ends the wait."""
    waited = 0.0
    while not ready():
        clock = getattr(aws, "clock", None)
        if clock is None or waited >= timeout_seconds:
            raise ResourceError(f"timeout while waiting for {what}")
        clock.sleep(seconds)
        waited += seconds
