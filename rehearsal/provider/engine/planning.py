"""What the engine's provider tells the engine about a resource without changing it: the outputs of a preview, the
inputs after a refresh, and the inputs with what `ignoreChanges` leaves alone."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from ..table import UNKNOWN, Kind, Props, declared_properties, output_properties
from . import wire
from .diff import DEFAULTS


def parsed(value: Any) -> Any:
    """A value of the provider's configuration, which crosses the wire as text, structures as JSON."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            parsed = json.loads(value)
            return parsed if isinstance(parsed, dict | list | bool) else value
    return value


def autonamed(kind: Kind, olds: Props) -> Props:
    """The generated name of a resource that the program did not name."""
    name = kind.naming.key if kind.naming else ""
    return {name: olds[name]} if name in (olds.get(DEFAULTS) or []) and name in olds else {}


def planned(kind: Kind, news: Props, olds: Props) -> Props:
    """What a preview can know: the inputs, the previous state and AWS's defaults. Everything else is unknown."""
    inputs = declared_properties(kind.token)
    planned: Props = {}
    for name in output_properties(kind.token):
        if news.get(name) is not None:
            planned[name] = news[name]
        elif olds.get(name) is not None:
            planned[name] = olds[name]
        elif name in kind.defaults:
            planned[name] = kind.defaults[name]
        elif name not in inputs or name in kind.computed or (kind.naming and name == kind.naming.key):
            planned[name] = UNKNOWN
    return planned


def identified(kind: Kind, identity: str) -> Props:
    """The state to begin with for an import, which has an id and nothing else."""
    return {kind.naming.key: identity} if kind.naming else {}


def refreshed(kind: Kind, inputs: Any, actual: Any) -> Any:
    """The inputs that would give the actual state, limited to those that the program had given."""
    if not isinstance(inputs, dict) or not isinstance(actual, dict) or wire.is_packed(inputs):
        return actual
    return {
        name: value if name.startswith("__") else refreshed(kind, value, actual[name]) if name in actual else None
        for name, value in inputs.items()
    }


def keeping(news: Props, olds: Props, ignored: list[str]) -> Props:
    """The wanted inputs, with those that are to be left alone as they are."""
    kept = dict(news)
    for path in ignored:
        head, _, rest = path.partition(".")
        if rest and isinstance(kept.get(head), dict) and isinstance(olds.get(head), dict):
            kept[head] = keeping(kept[head], olds[head], [rest])
        elif not rest and olds.get(head) is not None:
            kept[head] = olds[head]
    return kept
