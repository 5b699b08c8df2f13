"""A stack's configuration, read and checked as the Pulumi engine reads and checks it, without an engine."""

from __future__ import annotations

import datetime
import difflib
import functools
import inspect
import json
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lustre_batch import naming
from pydantic.alias_generators import to_camel

from . import documents
from .deployment import ROOT, ConfigurationError

# Where a stack is that says nothing of it. The real provider would ask AWS_REGION and the user's profile, which are
# different from one machine to the next; a rehearsal is not.
DEFAULT_REGION = "us-east-1"
# Pulumi docs, "Pulumi stack settings file reference".
STACK_FILE = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")
# What is in the place of an encrypted value that has no default: any text will do for whatever asks for a text.
STAND_IN = "encrypted"


@dataclass(frozen=True)
class Configuration:
    """What the engine would hand to the program: every value is text, structures are JSON (Pulumi docs, "Project-level
    configuration")."""

    project: str
    values: dict[str, str]
    stand_ins: dict[str, Any]  # by key: what is in the place of values that only their owner can decrypt

    @property
    def region(self) -> str:
        return self.values.get("aws:region") or DEFAULT_REGION

    def parameter(self, key: str) -> Any:
        """A parameter of the project, lists and maps as such; empty when it is not set."""
        return structure(self.values.get(f"{self.project}:{key}", ""))


def configuration(
    stack: str, overrides: Mapping[str, Any] | None = None, folder: pathlib.Path = ROOT, with_file: bool = True
) -> Configuration:
    """The configuration of a stack: the overrides take precedence over the stack's file, and that over the defaults in
    Pulumi.yaml. What is encrypted is replaced, since the rehearsal has no key to it. A stack that nobody has made yet
    has no file.

    Raises
    ------
    ConfigurationError
    """
    if not naming.is_stack_name(stack):
        raise ConfigurationError(f"{stack or repr('')} is not {naming.STACK_NAME}")
    project = _yaml(folder / "Pulumi.yaml")
    name = str(project["name"])
    schema = {_qualified(name, key): entry for key, entry in (project.get("config") or {}).items()}
    stack_file = folder / f"Pulumi.{stack}.yaml"
    if with_file and not stack_file.exists():
        files = folder.glob("Pulumi.*.yaml")
        known = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files)
        raise ConfigurationError(
            f"there is no stack {stack!r}: no Pulumi.{stack}.yaml (known: {', '.join(known) or 'none'})"
        )
    defaults = {key: _default(entry) for key, entry in schema.items() if _default(entry) is not None}
    content = _yaml(stack_file) if stack_file.exists() else {}
    _check_stack_file(stack_file.name, content)
    set_here = {_qualified(name, key): value for key, value in (content.get("config") or {}).items()}
    overridden = {_qualified(name, key): value for key, value in (overrides or {}).items()}
    set_here |= overridden
    _check_keys(name, folder != ROOT, set_here, overridden)
    stand_ins = {
        key: _replaced(value, defaults.get(key, STAND_IN)) for key, value in set_here.items() if _is_encrypted(value)
    }
    for key, value in set_here.items():
        if (date := _date_in(value)) is not None:
            raise ConfigurationError(f'{key}: {date} is a date to YAML; in quotes, "{date}", it is text')
    texts = {key: _text(value) for key, value in (defaults | set_here | stand_ins).items()}
    for key, entry in schema.items():
        _check_type(stack, key, entry, texts.get(key))
    return Configuration(name, texts, stand_ins)


def _yaml(path: pathlib.Path) -> dict[str, Any]:
    try:
        content = documents.mapping(path, path.name)
    except documents.NotReadable as error:
        raise ConfigurationError(str(error)) from None
    if not isinstance(content.get("config"), dict | None):
        raise ConfigurationError(f"{path.name} is not a mapping of keys, with a mapping as its config")
    return content


def _check_stack_file(name: str, content: Mapping[str, Any]) -> None:
    for key in content:
        if key not in STACK_FILE:
            raise ConfigurationError(
                f"{name}: {key}: Pulumi knows no such key in a stack's file{_hint(key, STACK_FILE)}"
            )


def _check_keys(project: str, own_program: bool, given: Mapping[str, Any], overrides: Iterable[str]) -> None:
    """Refuse what nothing reads. The configuration in a stack's file may be other providers'; what is given for a
    rehearsal is the stack program's or the AWS provider's. A program of one's own may read what it likes."""
    for key in sorted(overrides):
        namespace = key.partition(":")[0]
        if namespace not in (project, "aws") and not own_program:
            raise ConfigurationError(
                f"{key}: nothing reads it; a key is KEY or {project}:KEY, or aws:KEY for the AWS provider"
                f"{_hint(namespace, [project, 'aws'])}"
            )
    if not (keys := sorted(key.partition(":")[2] for key in given if key.startswith("aws:"))):
        return
    known = _keys_of_the_provider()
    for key in keys:
        if key not in known:
            raise ConfigurationError(f"aws:{key}: the AWS provider has no such key{_hint(key, known)}")
    if given.get("aws:region", DEFAULT_REGION) in ("", None):
        raise ConfigurationError(f"aws:region: it is empty; name a region, such as {DEFAULT_REGION}")


@functools.cache
def _keys_of_the_provider() -> frozenset[str]:
    """What the AWS provider reads, as its package declares it, and what the engine reads for any provider (Pulumi docs,
    providers). Imported late: it is large."""
    from pulumi_aws.config import vars as declared

    properties = inspect.getmembers(declared._ExportableConfig, lambda each: isinstance(each, property))
    return frozenset({to_camel(name) for name, _ in properties} | {"version", "pluginDownloadURL"})


def _hint(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(word), list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def structure(value: Any) -> Any:
    """A list or a map that is given as JSON, as such; anything else as it is."""
    return json.loads(value) if isinstance(value, str) and value[:1] in {"[", "{"} else value


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


def _replaced(value: Any, instead: Any) -> Any:
    """The value with something else in the place of what is encrypted: as a whole the default, in parts a text."""
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return instead
        return {key: _replaced(item, STAND_IN) for key, item in value.items()}
    return [_replaced(item, STAND_IN) for item in value] if isinstance(value, list) else value


def _date_in(value: Any) -> datetime.date | None:
    """A date or time of YAML's in a value: configuration knows text, numbers and booleans alone."""
    if isinstance(value, Mapping | list):
        items = value.values() if isinstance(value, Mapping) else value
        return next((found for item in items if (found := _date_in(item)) is not None), None)
    return value if isinstance(value, datetime.date) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _check_type(stack: str, key: str, entry: Any, text: str | None) -> None:
    """Pulumi's own check of typed configuration, in Pulumi's words (sdk/go/common/workspace/config.go), and then what
    the value is and what the key means: its unit, above all."""
    if not isinstance(entry, Mapping):
        return
    if text is None:
        if "type" in entry:
            raise ConfigurationError(f"Stack '{stack}' is missing configuration value '{key}'")
        return
    declared = entry.get("type", "string")
    if not _fits(declared, entry.get("items") or {}, text):
        items = f"<{entry['items']['type']}>" if declared == "array" and entry.get("items") else ""
        raise ConfigurationError(
            f"Stack '{stack}' with configuration key '{key}' must be of type '{declared}{items}', and not {text!r}: "
            f"{entry.get('description', 'no description')}"
        )


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
