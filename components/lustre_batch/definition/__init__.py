"""The state machines, in Amazon States Language: YAML sources that people read, and the JSON that AWS takes.

A source may name things under ``x-`` keys (retriers, catchers, shared expressions) and break a JSONata expression into
lines with ``/* comments */``. None of this reaches AWS. A function under ``x-functions`` (or a key that begins so) is
defined at the beginning of every expression that calls it: Step Functions has no variable that could hold one.
"""

import functools
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import yaml

_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where PyYAML was built with libyaml
_COMMENT = re.compile(r"""('[^']*'|"[^"]*")|/\*.*?\*/""", re.S)
_BREAK_AT_BRACKET = re.compile(r"(?<=[(\[{])\s*\n\s*|\s*\n\s*(?=[)\]}])")
_BREAK = re.compile(r"\s*\n\s*")


def names() -> list[str]:
    """The names of the definitions that there are: ``clean_up`` and ``run``."""
    files = resources.files(__package__).iterdir()
    return sorted(file.name.removesuffix(".asl.yaml") for file in files if file.name.endswith(".asl.yaml"))


@functools.cache
def source(name: str) -> str:
    """The text of ``<name>.asl.yaml``, with what both share before it."""
    files = resources.files(__package__)
    return "".join(
        (files / file).read_text(encoding="utf-8") for file in ("shared.yaml", "messages.yaml", f"{name}.asl.yaml")
    )


def read(name: str) -> dict[str, Any]:
    """A definition as AWS takes it, but for its ``${Name}`` placeholders: every expression on one line."""
    content = yaml.load(source(name), _SAFE_LOADER)
    functions = {
        function: _on_one_line(text)
        for key, found in content.items()
        if key.startswith("x-functions")
        for function, text in found.items()
    }
    return {key: _joined(value, functions) for key, value in content.items() if not key.startswith("x-")}


def _joined(value: Any, functions: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _joined(item, functions) for key, item in value.items()}
    if isinstance(value, list):
        return [_joined(item, functions) for item in value]
    if not (isinstance(value, str) and value.startswith("{%") and value.endswith("%}")):
        return value
    expression = _on_one_line(value)
    called = [f"${name} := {text};" for name, text in functions.items() if f"${name}(" in expression]
    return f"{{% ({' '.join(called)} {expression[2:-2].strip()}) %}}" if called else expression


def _on_one_line(text: str) -> str:
    without_comments = _COMMENT.sub(lambda match: match[1] or "", text)
    return _BREAK.sub(" ", _BREAK_AT_BRACKET.sub("", without_comments))
