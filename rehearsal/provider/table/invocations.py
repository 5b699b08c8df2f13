"""Rows of the table for Lambda: invocations, which call a function when they are created, updated and deleted. Nothing
of an invocation exists in AWS; what is deleted is only remembered by the engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from .kind import Aws, Failure, Kind, Props, ResourceError

# terraform-provider-aws, lambda/invocation.go: the schema's defaults, and the values of lifecycle_scope.
_EVERY_TIME = "CRUD"
_CREATE_ONLY = "CREATE_ONLY"
_DEFAULTS = {"lifecycleScope": _CREATE_ONLY, "qualifier": "$LATEST", "terraformKey": "tf"}


def _payload(inputs: Props, action: str, before: Props) -> bytes:
    """lambda/invocation.go, buildInput: with CRUD the input also says what is being done, and what it was before."""
    if inputs.get("lifecycleScope") != _EVERY_TIME:
        return str(inputs["input"]).encode()
    event: dict[str, Any] = json.loads(inputs["input"])
    previous = json.loads(before["input"]) if before.get("input") else None
    event[inputs["terraformKey"]] = {"action": action, "prev_input": previous}
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def _invoke(aws: Aws, inputs: Props, action: str, before: Props) -> str:
    name, qualifier, payload = inputs["functionName"], inputs["qualifier"], _payload(inputs, action, before)
    answer = aws.client("lambda").invoke(
        FunctionName=name, InvocationType="RequestResponse", Payload=payload, Qualifier=qualifier
    )
    result = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise ResourceError(f"invoking Lambda Function ({name}): {result}")
    inputs["result"] = result  # AWS keeps no answer: what is not remembered here cannot be read later
    return f"{name},{qualifier},{hashlib.md5(payload, usedforsecurity=False).hexdigest()}"


def _create(aws: Aws, inputs: Props) -> str:
    return _invoke(aws, inputs, "create", {})


def _read(aws: Aws, identity: str, state: Props) -> Props:
    """lambda/invocation.go: reading does nothing."""
    known = ("functionName", "input", "lifecycleScope", "qualifier", "terraformKey", "triggers", "result")
    return {name: state.get(name) for name in known}


def _update(aws: Aws, identity: str, new: Props, old: Props) -> None:
    if new["lifecycleScope"] != _EVERY_TIME:
        raise ResourceError("the rehearsal models changes of an invocation with lifecycleScope CRUD only")
    _invoke(aws, new, "update", old)


def _delete(aws: Aws, identity: str, state: Props) -> None:
    if state.get("lifecycleScope") == _EVERY_TIME:
        _invoke(aws, {**_DEFAULTS, **state}, "delete", state)


def _check(inputs: Props) -> Iterator[Failure]:
    scope = inputs.get("lifecycleScope", _CREATE_ONLY)
    if isinstance(scope, str) and scope not in (_CREATE_ONLY, _EVERY_TIME):
        yield Failure("lifecycleScope", f"expected lifecycle_scope to be one of [CREATE_ONLY CRUD], got {scope}")
    if isinstance(text := inputs.get("input"), str):
        try:
            event = json.loads(text)
        except ValueError as error:
            yield Failure("input", f'"input" contains an invalid JSON: {error}')
        else:
            if scope == _EVERY_TIME and not isinstance(event, dict):
                reason = 'lifecycle_scope other than "CREATE_ONLY" requires input to be a JSON object'
                yield Failure("input", reason)


KINDS = (
    Kind(
        "aws:lambda/invocation:Invocation",
        _create,
        _read,
        _delete,
        update=dict.fromkeys(("input", "lifecycleScope", "terraformKey"), _update),
        defaults=_DEFAULTS,
        check=_check,
    ),
)
