"""The YAML files that somebody names: a scenario, a stack's file, a project's. Owns reading them, and why one cannot be
read, in one line; what may be in them, others know."""

from __future__ import annotations

import pathlib
from typing import Any

import yaml


class NotReadable(Exception):
    """A file that is not what it has to be; the message names it."""


class _Loader(yaml.SafeLoader):
    """Takes no key twice, of which YAML would keep the last without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in lines:
                problem = f"the key {key.value} is in line {lines[key.value]} already"
                raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        return node


def mapping(path: pathlib.Path, name: str | None = None) -> dict[str, Any]:
    """What a file says, by key; one that says nothing is empty. `name` is what the file is called in a message.

    Raises
    ------
    NotReadable
    """
    name = str(path) if name is None else name
    try:
        content = yaml.load(path.read_text("utf-8-sig"), _Loader)
    except OSError as error:
        raise NotReadable(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NotReadable(f"{name} is not text in UTF-8") from None
    except yaml.YAMLError as error:
        raise NotReadable(f"{name} is not YAML: {_problem(error)}") from None
    if content is not None and not isinstance(content, dict):
        raise NotReadable(f"{name} is not a mapping of keys, but {content!r}")
    return content or {}


def _problem(error: yaml.YAMLError) -> str:
    """Where and what, on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())
