"""The table of a scenario's keys in docs/rehearsal.md: `make docs`. Owns where each cell comes from: path, unit and
default from the models, the meaning from the text below each field in their source, and the example from a scenario
that is included, or from the few below."""

from __future__ import annotations

import ast
import contextlib
import inspect
import json
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from pydantic_core import PydanticUndefined

from rehearsal.play.keys import Key, keys, models
from rehearsal.play.scenario import SCENARIOS, OfRun, Scenario, names

# A scenario that can be played, with what no scenario that is included needs.
MORE = """
name: my-scenario
job:
  command: [sh, -c, sleep 600]
  real_seconds: 3600
  image: team/train:v1
  fails_to_start: {reason: "ResourceInitializationError: failed to validate logger args"}
export: {files_per_second: 100, bytes_per_second: 200000000}
metric: {delay: 120, gaps: [{at: 300, for: 1800}]}
file_system: {create: 300, create_stuck: true}
association: {create: 90, update: 45, update_stuck: true, queued: true}
compute_environment: {update: 300}
bucket: {folder: ., notifications: [{prefix: incoming/, events: ["s3:ObjectRemoved:*"]}]}
submissions: [{start_delay: 60, runtime: 60}]
faults: [{call: "batch:SubmitJob", state: SubmitJob, skip: 1}]
events: {delay: 60, twice: true}
seed: 7
fsx_error_prefix: Fsx
"""


def table() -> str:
    rows = ["| key | meaning | unit | default | example |", "|---|---|---|---|---|"]
    found = examples()
    for key in described():
        cells = [f"`{key.shown}`", meaning(key), key.unit, default(key), f"`{found[key.shown]}`"]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def described() -> list[Key]:
    """Every key that does more than hold others; what tells scenarios apart comes first. What a run has in common with
    the scenario is described once."""
    found = [key for key in keys(Scenario) if "list[" in str(key.field.annotation) or not holds_others(key)]
    found = [key for key in found if key.parts[0] != "runs" or key.parts[1:2] not in in_common()]
    return sorted(found, key=lambda key: key.shown not in {"name", "description"})


def in_common() -> list[tuple[str, ...]]:
    return [(field.alias or name,) for name, field in OfRun.model_fields.items()]


def holds_others(key: Key) -> bool:
    return next(models(key.field.annotation), None) is not None


def meaning(key: Key) -> str:
    """The text below a field, which has to be there."""
    for model in key.model.__mro__:
        if (text := _texts(model).get(key.field_name)) is not None:
            return " ".join(text.split()).removesuffix(".")
    raise SystemExit(f"{key.model.__name__}.{key.field_name}: no text below it says what it means")


@cache
def _texts(model: type) -> dict[str, str]:
    if not model.__module__.startswith("rehearsal."):
        return {}
    [declared] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(declared, ast.ClassDef)
    return {
        field.target.id: text.value.value
        for field, text in zip(declared.body, declared.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def default(key: Key) -> str:
    """A default in the words of the table."""
    value = PydanticUndefined if key.field.is_required() else key.field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if key.shown == "name":
        return "the file's name"
    if value == "":
        return "empty"
    if value in ([], {}):
        return "none"
    if isinstance(value, list):
        return f"`[{', '.join(value)}]`"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return f"`{value if isinstance(value, str) else json.dumps(value)}`"
    return f"{value:g}" if isinstance(value, float) else str(value)


def examples() -> dict[str, str]:
    """A value of each key, the shortest that a scenario has, and another one than the default."""
    contents = [yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text("utf-8")) for name in names()]
    usual = {key.shown: key.field.default for key in described()}
    found: dict[str, list[str]] = {}
    for content in [*contents, yaml.safe_load(MORE)]:
        for path, value in _values(content):
            if path not in usual or value != usual[path]:
                found.setdefault(path, []).append(written(value))
    return {path: min(values, key=len) for path, values in found.items()}


def written(value: Any) -> str:
    """A value in YAML, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(name)}: {written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str):
        with contextlib.suppress(yaml.YAMLError):
            if yaml.safe_load(f"[{value}]") == [value]:
                return value
    return json.dumps(value, ensure_ascii=False)


def _values(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, list):
        for item in content:
            yield from _values(item, f"{prefix.removesuffix('.')}[].")
    elif isinstance(content, dict):
        for name, value in content.items():
            yield f"{prefix}{name}", value
            yield from _values(value, f"{prefix}{name}.")
