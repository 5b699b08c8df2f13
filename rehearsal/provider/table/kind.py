"""The shape of the resource table: what a row is made of, what a row may use of the account, and the few helpers that
rows of several services share. Knows no AWS service in particular."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

Props = dict[str, Any]


class Clock(Protocol):
    """Virtual time."""

    def sleep(self, seconds: float) -> None: ...


class Aws(Protocol):
    """All that rows use of the embedded account."""

    @property
    def region(self) -> str: ...

    @property
    def account_id(self) -> str: ...

    @property
    def partition(self) -> str: ...

    @property
    def clock(self) -> Clock: ...

    def client(self, service: str) -> Any:
        """A boto3 client of that service."""


class ResourceError(Exception):
    """A refusal, in the real provider's words where they are known."""


class PartialError(ResourceError):
    """The resource exists, but a step after its creation failed. Its state has to be recorded, or it is orphaned."""

    def __init__(self, message: str, identity: str, state: Props) -> None:
        super().__init__(message)
        self.identity = identity
        self.state = state


@dataclass(frozen=True)
class Failure:
    """A property that a check refused, and why."""

    property: str
    reason: str


@dataclass(frozen=True)
class Enumeration:
    """The values that a property accepts: those of a shape in botocore's model of the service."""

    service: str
    shape: str


# How pulumi-aws names a resource that was given no name: the logical name, a dash and seven random hexadecimal digits
# (pulumi-terraform-bridge, AutoNameOptions).
RANDOM_DIGITS = 7
# How many digits follow a given prefix (terraform-plugin-sdk, id.PrefixedUniqueId).
UNIQUE_DIGITS = 26


@dataclass(frozen=True)
class Naming:
    """Which property is the physical name, and the longest name that AWS accepts."""

    key: str = "name"
    limit: int = 64
    lower: bool = False

    @property
    def prefix(self) -> str:
        """The property that gives only the beginning of the name: namePrefix, bucketPrefix."""
        return f"{self.key}Prefix"

    def of(self, logical_name: str, seed: bytes = b"") -> str:
        digits = (seed or os.urandom(RANDOM_DIGITS)).hex()[:RANDOM_DIGITS]
        base = logical_name[: self.limit - RANDOM_DIGITS - 1]
        return f"{base.lower() if self.lower else base}-{digits}"

    def after(self, prefix: str, seed: bytes = b"") -> str:
        return f"{prefix}{(seed or os.urandom(UNIQUE_DIGITS)).hex()[:UNIQUE_DIGITS]}"

    def refused(self, inputs: Props) -> tuple[str, str] | None:
        """The property whose name or prefix is too long for AWS or the provider, and why."""
        for name, limit in ((self.key, self.limit), (self.prefix, self.limit - UNIQUE_DIGITS)):
            if isinstance(inputs.get(name), str) and len(inputs[name]) > limit:
                return name, f"expected length to be at most {limit}, got {inputs[name]!r}"
        return None


Update = Callable[[Aws, str, Props, Props], None]


@dataclass(frozen=True)
class Kind:
    """One resource type.

    `create` returns the physical id as soon as there is one, and `finish` does the rest. `read` answers what the
    account says, under Pulumi's property names, or None when the resource is gone. `update` maps each property that can
    change in place to the call that changes it (id, new, old). A property of pulumi-aws that is neither in `update` nor
    among the replacements is not modelled, and is refused."""

    token: str
    create: Callable[[Aws, Props], str]
    read: Callable[[Aws, str, Props], Props | None]
    delete: Callable[[Aws, str, Props], None]
    finish: Callable[[Aws, str, Props], None] | None = None
    update: Mapping[str, Update] = field(default_factory=dict)
    naming: Naming | None = None
    # Properties that AWS or the provider fills in when they are not given; a value that appears there is not drift.
    computed: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    enumerations: Mapping[str, Enumeration] = field(default_factory=dict)
    # JSON documents: compared by meaning, not by spelling.
    documents: frozenset[str] = frozenset()
    # Lists whose order does not matter: compared as sets.
    unordered: frozenset[str] = frozenset()
    # What the provider refuses beyond names, types and enumerations: ranges, conflicts, malformed documents.
    check: Callable[[Props], Iterator[Failure]] | None = None


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


Reader = Callable[[Aws, str, Props], Props | None]


def gone_is_none(*codes: str) -> Callable[[Reader], Reader]:
    """Let a reader answer None when AWS answers with one of these codes."""

    def decorate(reader: Reader) -> Reader:
        def read(aws: Aws, identity: str, state: Props) -> Props | None:
            try:
                return reader(aws, identity, state)
            except ClientError as error:
                if code_of(error) in codes:
                    return None
                raise

        return read

    return decorate


def put_again(put: Callable[[Aws, Props], Any]) -> Update:
    """The update of a resource whose creation may be repeated with other values."""

    def update(aws: Aws, identity: str, new: Props, old: Props) -> None:
        put(aws, new)

    return update


def keep_only(aws: Aws, identity: str, new: Props, old: Props) -> None:
    """The update of a property that only the provider knows: AWS is not told."""


def elsewhere(here: str, there: str) -> str:
    """Why a resource cannot be made: both drivers say it in the same words."""
    return f"the embedded account is in the stack's region, {here}: what is in {there} cannot be rehearsed"


def dns_suffix(aws: Aws) -> str:
    return "amazonaws.com.cn" if aws.partition == "aws-cn" else "amazonaws.com"


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


def wait(aws: Aws, ready: Callable[[], bool], what: str, seconds: float, timeout_seconds: float = 3600) -> None:
    """Poll in virtual time. A check that raises ends the wait."""
    waited = 0.0
    while not ready():
        if waited >= timeout_seconds:
            raise ResourceError(f"timeout while waiting for {what}")
        aws.clock.sleep(seconds)
        waited += seconds
