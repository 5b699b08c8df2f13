"""Every row of the table, and what a row says about a resource before the account is asked: which properties it knows,
what it is called, and what is wrong with its inputs."""

from __future__ import annotations

from . import (
    batch,
    cloudwatch,
    dynamodb,
    ecr,
    eventbridge,
    flow_logs,
    iam,
    invocations,
    lambda_,
    logs,
    routes,
    s3,
    scheduler,
    secrets_manager,
    security_groups,
    sns,
    sqs,
    step_functions,
    vpc,
)
from .declared import check
from .kind import Failure, Kind, Props, ResourceError
from .replacements import REPLACES

_MODULES = (
    vpc,
    routes,
    security_groups,
    flow_logs,
    s3,
    ecr,
    secrets_manager,
    iam,
    batch,
    lambda_,
    logs,
    step_functions,
    eventbridge,
    scheduler,
    sns,
    sqs,
    dynamodb,
    cloudwatch,
    invocations,
)
KINDS: dict[str, Kind] = {kind.token: kind for module in _MODULES for kind in module.KINDS}

# Every resource takes a region, which is the provider's own when it is not given.
_EVERYWHERE = frozenset({"region"})


def kind_of(token: str) -> Kind:
    try:
        return KINDS[token]
    except KeyError:
        raise ResourceError(
            f"{token} is not in the rehearsal's table of resources (rehearsal/provider/table)"
        ) from None


def modelled(kind: Kind) -> set[str]:
    """The properties whose changes the row can make."""
    replaced = {name.split(".")[0] for name in REPLACES.get(kind.token, frozenset())}
    names = {kind.naming.key, kind.naming.prefix} if kind.naming else set()
    return set(kind.update) | replaced | names | _EVERYWHERE


def named(kind: Kind, logical_name: str, inputs: Props, seed: bytes = b"", before: Props | None = None) -> Props:
    """The inputs with a physical name: the given one, the one it has already, or a new one. A prefix is left to
    `create`."""
    naming = kind.naming
    if naming is None or inputs.get(naming.key) is not None or inputs.get(naming.prefix) is not None:
        return inputs
    kept = (before or {}).get(naming.key)
    return {**inputs, naming.key: kept or naming.of(logical_name, seed)}


def check_inputs(kind: Kind, inputs: Props) -> list[Failure]:
    """What the real provider would refuse, or else what this table does not model."""
    refused = check(kind.token, inputs, kind.enumerations)
    if kind.naming and (too_long := kind.naming.refused(inputs)):
        refused.append(Failure(*too_long))
    if kind.check:
        refused += kind.check(inputs)
    known = modelled(kind)
    return refused or [
        Failure(name, f"the rehearsal does not model {name} of {kind.token} (rehearsal/provider/table)")
        for name, value in inputs.items()
        if name not in known and value is not None and not name.startswith("__")
    ]
