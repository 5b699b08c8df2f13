"""A stack's configuration, read and checked as the Pulumi engine reads and checks it, without an engine."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import yaml

from .deployment import ROOT, DeployError


def configuration(
    stack: str, overrides: Mapping[str, Any] | None = None, folder: pathlib.Path = ROOT
) -> tuple[str, dict[str, str]]:
    """The project's name, and the configuration that the engine would hand to the program.

    The overrides take precedence over the stack's file, and that over the defaults in Pulumi.yaml. Every value is text,
    structures are JSON (Pulumi docs, "Project-level configuration")."""
    project = _yaml(folder / "Pulumi.yaml")
    name = str(project["name"])
    schema = {_qualified(name, key): entry for key, entry in (project.get("config") or {}).items()}
    stack_file = folder / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))
        raise DeployError(f"there is no stack {stack!r}: no {stack_file.name} (known: {', '.join(known) or 'none'})")
    values = {key: _default(entry) for key, entry in schema.items() if _default(entry) is not None}
    values |= {_qualified(name, key): value for key, value in (_yaml(stack_file).get("config") or {}).items()}
    values |= {_qualified(name, key): value for key, value in (overrides or {}).items()}
    for key, value in values.items():
        if _is_encrypted(value):
            raise DeployError(f"{key}: an encrypted value cannot be read without the engine (--engine)")
    texts = {key: _text(value) for key, value in values.items()}
    for key, entry in schema.items():
        _check_type(stack, key, entry, texts.get(key))
    return name, texts


def _yaml(path: pathlib.Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise DeployError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or not isinstance(content.get("config") or {}, dict):
        raise DeployError(f"{path.name} is not a mapping of keys, with a mapping as its config")
    return content


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _default(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry  # `key: value`, the short form
    return entry.get("value", entry.get("default"))


def _is_encrypted(value: Any) -> bool:
    """Whether a value, or a part of it, is one that only the engine can decrypt."""
    if isinstance(value, Mapping):
        return set(value) == {"secure"} or any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _check_type(stack: str, key: str, entry: Any, text: str | None) -> None:
    """Pulumi's own check of typed configuration, in Pulumi's words (sdk/go/common/workspace/config.go)."""
    if not isinstance(entry, Mapping):
        return
    if text is None:
        if "type" in entry:
            raise DeployError(f"Stack '{stack}' is missing configuration value '{key}'")
        return
    declared = entry.get("type", "string")
    if not _fits(declared, entry.get("items") or {}, text):
        items = f"<{entry['items']['type']}>" if declared == "array" and entry.get("items") else ""
        raise DeployError(f"Stack '{stack}' with configuration key '{key}' must be of type '{declared}{items}'")


def _fits(declared: str, items: Mapping[str, Any], text: str) -> bool:
    if declared == "string":
        return True
    try:
        value = json.loads(text)
    except ValueError:
        return False
    if declared == "array":
        return isinstance(value, list) and all(
            _fits(items.get("type", "string"), items.get("items") or {}, _text(item)) for item in value
        )
    if declared == "boolean":
        return isinstance(value, bool)
    if declared == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Mapping) if declared == "object" else True
