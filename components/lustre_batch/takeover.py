"""Takes the `autoExport` section of a `cdk.json` over into a stack's configuration: reads the one, says what the other
would make of it, and edits its text so that comments stay.

It decides nothing about values, which validation does, and writes no file.
"""

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic.alias_generators import to_camel

from .settings import Settings
from .validation import SettingsError, read_settings

NAMESPACE: Final = "lustre-batch:"
SECTION: Final = "autoExport"
_KEYS: Final = [to_camel(name) for name in Settings.model_fields]


class NotReadable(ValueError):
    """A file that cannot be read as what it has to be; the message is one line."""


@dataclass
class Takeover:
    """What becomes of each entry of a section."""

    taken: dict[str, Any] = field(default_factory=dict)
    """By key, as the stack's configuration has it."""
    unknown: dict[str, Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    """A line each, in the words of the deployment: what is left out, or does not go with what stays."""


def text_of(path: Path) -> str:
    """What a file says, line ends as they are.

    Raises
    ------
    NotReadable
    """
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise NotReadable(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise NotReadable(f"{path} is not text in UTF-8") from None


def read_section(path: Path) -> dict[str, Any]:
    """The section, from the context of a `cdk.json`, where `cdk` looks for it, or from its top level.

    Raises
    ------
    NotReadable
    """
    try:
        content = json.loads(text_of(path).removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise NotReadable(f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    places = [content, content.get("context")] if isinstance(content, dict) else []
    sections = [place[SECTION] for place in reversed(places) if isinstance(place, dict) and SECTION in place]
    if not sections:
        raise NotReadable(f"{path} has no section {SECTION}, neither in its context nor at its top level")
    if not isinstance(sections[0], dict):
        raise NotReadable(f"{path}: {SECTION} is not a map of keys to values")
    return sections[0]


def configured(text: str, name: str) -> dict[str, Any]:
    """The parameters that a stack's file sets already, by their keys.

    Raises
    ------
    NotReadable
    """
    try:
        content = yaml.safe_load(text) or {}
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise NotReadable(f"{name} is not YAML: {line}{error.problem}") from None
    if not isinstance(content, dict) or not isinstance(content.get("config") or {}, dict):
        raise NotReadable(f"{name} is not a map with a map as its config")
    config: dict[str, Any] = content.get("config") or {}
    own = {key[len(NAMESPACE) :]: value for key, value in config.items() if str(key).startswith(NAMESPACE)}
    return {key: _structure(value) for key, value in own.items()}


def _structure(value: Any) -> Any:
    """A list or a map that was given to `pulumi config set` as JSON, as such."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def take_over(section: Mapping[str, Any], existing: Mapping[str, Any]) -> Takeover:
    """Judge a section beside what the stack sets already; what is wrong or contradicts another is left out."""
    result = Takeover(unknown={key: value for key, value in section.items() if key not in _KEYS})
    known = {key: value for key, value in section.items() if key in _KEYS and value is not None}
    others = {key: value for key, value in existing.items() if key in _KEYS and not _is_encrypted(value)}
    while problems := _problems(others | known):
        result.refused += [line for line in problems if line not in result.refused]
        blamed = {line.partition(":")[0] for line in problems} & known.keys()
        if not blamed:  # what is there already has to be mended
            break
        known = {key: value for key, value in known.items() if key not in blamed}
    # As the deployment reads them: numbers as numbers, versions as text.
    values = Settings.model_validate(known).model_dump(by_alias=True)
    result.taken = {key: values[key] for key in known}
    return result


def _problems(values: Mapping[str, Any]) -> list[str]:
    try:
        read_settings(values)
    except SettingsError as error:
        return error.problems
    return []


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


# ---------------------------------------------------------------------- the text of the file
def with_values(text: str, values: Mapping[str, Any]) -> str:
    """The text of a stack's file with these parameters set, everything else in it as it was, comments included.

    Raises
    ------
    NotReadable
        If the file is written in a way in which this cannot be done.
    """
    changed = text
    # From the end, so that what stands before keeps its place.
    for start, end, instead in sorted(_edits(text, values), reverse=True):
        changed = changed[:start] + instead + changed[end:]
    before = yaml.safe_load(text) or {}
    wanted = before | {"config": (before.get("config") or {}) | {NAMESPACE + key: each for key, each in values.items()}}
    try:
        made = yaml.safe_load(changed)
    except yaml.YAMLError:
        made = None
    if made != wanted:
        raise NotReadable("the file is written in a way that cannot be edited; use pulumi config set")
    return changed


def _edits(text: str, values: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """Pieces of the text, from and to, and what replaces each."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = {key.value: (key, value) for key, value in root.value} if root else {}
    if "config" not in entries:
        gap = "" if text in ("", "\n") or text.endswith("\n") else "\n"
        return [(len(text), len(text), f"{gap}config:\n{_lines(values, 2)}")]
    config_key, config = entries["config"]
    there = {key.value: (key, value) for key, value in config.value} if isinstance(config, yaml.MappingNode) else {}
    if not there:  # nothing, or {}
        return [(config_key.end_mark.index, _end(text, config), f":\n{_lines(values, 2)}".rstrip("\n"))]
    edits = []
    for key, value in values.items():
        if NAMESPACE + key in there:
            old_key, old = there[NAMESPACE + key]
            gap = text[old_key.end_mark.index : old.start_mark.index]
            comment = re.search(r"#.*", gap)
            instead = f": {_yaml(value)}" + (f"  {comment.group()}" if comment else "")
            edits.append((old_key.end_mark.index, _end(text, old), instead))
    added = {key: value for key, value in values.items() if NAMESPACE + key not in there}
    if added and config.flow_style:
        last = config.end_mark.index - 1
        pieces = (f', "{NAMESPACE}{key}": {_yaml(value)}' for key, value in added.items())
        edits.append((last, last, "".join(pieces)))
    elif added:
        first_key, last_value = config.value[0][0], config.value[-1][1]
        line_end = text.find("\n", _end(text, last_value))
        lines = _lines(added, first_key.start_mark.column)
        edits.append((line_end + 1, line_end + 1, lines) if line_end >= 0 else (len(text), len(text), f"\n{lines}"))
    return edits


def _end(text: str, node: yaml.Node) -> int:
    """Where a value ends: a block's mark is behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip())


def _lines(values: Mapping[str, Any], indent: int) -> str:
    return "".join(f"{' ' * indent}{NAMESPACE}{key}: {_yaml(value)}\n" for key, value in values.items())


def _yaml(value: Any) -> str:
    """JSON is YAML as well, on one line."""
    return json.dumps(value, ensure_ascii=False)
