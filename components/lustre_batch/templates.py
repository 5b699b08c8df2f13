"""The package's data files, and how the ``${Name}`` placeholders in them are filled in."""

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import pulumi

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def read_data(name: str) -> str:
    """A data file of this package: the definition, a policy, the user data."""
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill in the ``${Name}`` placeholders of a JSON document, in the way AWS SAM's DefinitionSubstitutions do.

    A value that is not text becomes JSON text. Every value is escaped twice: for the JSON string that it stands in,
    and for the single-quoted JSONata literal that this string may hold.

    Raises
    ------
    KeyError
        If the template names a value that is not given.
    """

    def fill(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        text = value if isinstance(value, str) else json.dumps(value)
        literal = json.dumps(text)[1:-1].replace("'", "\\u0027")
        return json.dumps(literal)[1:-1]

    return _PLACEHOLDER.sub(fill, template)


def render_output(template: str, values: Mapping[str, Any]) -> pulumi.Output[str]:
    """`render`, for values that are not all known before the deployment."""
    return pulumi.Output.all(**values).apply(lambda known: render(template, known))


def spread(policy: str) -> str:
    """A policy in which every list that was filled in is one, without the statements that would be about nothing."""
    document = json.loads(policy)
    statements = [_with_lists(statement) for statement in document["Statement"]]
    return json.dumps(document | {"Statement": [each for each in statements if each["Resource"]]})


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(each) for key, each in value.items()}
    if isinstance(value, str) and value.startswith("["):
        # Filled in as text for JSONata, whose quotes are escaped (render).
        listed = json.loads(json.loads(f'"{value}"'))
        return listed[0] if len(listed) == 1 else listed
    return value
