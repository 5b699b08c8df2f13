"""Asks an account what a command of a page would ask AWS: a line of the AWS CLI becomes one call. It must not judge."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

import jmespath
from botocore import xform_name

from tests.docs import markdown


def commands(page: str, service: str, operation: str = "") -> list[list[str]]:
    """The operation and options of each command for a service, those whose output a variable takes included."""
    bare = [re.sub(r"^\w+=\$\((.*)\)$", r"\1", line) for line in markdown.commands(page)]
    beginning = f"aws {service} {operation}"
    return [shlex.split(line)[2:] for line in bare if f"{line} ".startswith(f"{beginning.strip()} ")]


def answer(client: Any, command: list[str], variables: Mapping[str, str]) -> Any:
    """What the command would print, before it is text. The variables are the shell's, or words that stand for one."""
    operation, *words = command
    model = client.meta.service_model
    name = next(name for name in model.operation_names if xform_name(name, "-") == operation)
    members = model.operation_model(name).input_shape.members
    spelt = {f"--{xform_name(member, '-')}": member for member in members}
    given: dict[str, Any] = {}
    query = ""
    while words:
        word, values = words.pop(0), []
        while words and not words[0].startswith("--"):
            values.append(re.sub(r"\$(\w+)|\b[A-Z]+_?[A-Z]+\b", lambda one: _value(one, variables), words.pop(0)))
        if word == "--query":
            [query] = values
        elif word != "--output":
            given[spelt[word]] = _typed(values, members[spelt[word]])
    found = client._make_api_call(name, given)
    return jmespath.search(query, found) if query else found


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    return variables.get(found[1] or found[0], found[0])


def _typed(values: list[str], shape: Any) -> Any:
    """A value of a type of the service's: as JSON, in the AWS CLI's shorthand (Name=a,Values=b), or as it stands."""
    if shape.type_name == "list":
        kind = shape.member.type_name
        return [_shorthand(one) if kind == "structure" else one for one in values]
    if shape.type_name == "boolean":
        return True
    [value] = values
    if shape.type_name in ("structure", "map"):
        return json.loads(value) if value.startswith("{") else _shorthand(value)
    return int(value) if shape.type_name in ("integer", "long") else value


def _shorthand(text: str) -> dict[str, Any]:
    pairs = dict(part.split("=", 1) for part in text.split(","))
    return {key: [value] if key == "Values" else value for key, value in pairs.items()}
