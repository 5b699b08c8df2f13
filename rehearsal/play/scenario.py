"""What a rehearsal is told to play. Owns the format of scenario files: what is planned for the account, what is done to
an execution and what is expected of it. The program, the definition and the Lambda must never read it: they do not know
that they are rehearsed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from ..aws.plan import Plan, Seconds
from ..aws.plans import Plans

SCENARIOS = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """A scenario that cannot be played; the message names file, key, value and rule."""


class ExecutionPlan(Plan):
    abort_at: Seconds | None = None  # StopExecution this long after the start
    reclaim: bool = False  # afterwards, start another with {"reclaim": <what was kept>}


class Scenario(Plans):
    """One rehearsal."""

    name: str = "default"
    description: str = ""
    execution: ExecutionPlan = ExecutionPlan()
    expect: Literal["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"] = "SUCCEEDED"
    expect_error: str | None = None  # the error's name, when it matters
    set: dict[str, Any] = Field(default={})  # stack configuration
    input: dict[str, Any] = Field(default={})  # the execution's input


def names() -> list[str]:
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load(name_or_file: str) -> Scenario:
    """The scenario of that name, or in that file."""
    path = Path(name_or_file)
    if path.suffix not in {".yaml", ".yml"}:
        path = SCENARIOS / f"{name_or_file}.yaml"
        if not path.exists():
            raise ScenarioError(f"{name_or_file} is not a scenario; there are: {', '.join(names())}")
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from None
    return parse(content or {}, str(path), path.stem)


def parse(content: Any, origin: str, name: str = "unnamed") -> Scenario:
    if not isinstance(content, dict):
        raise ScenarioError(f"{origin}: {content!r} is not a mapping of keys")
    try:
        return Scenario.model_validate({"name": name, **content})
    except ValidationError as error:
        raise ScenarioError("\n".join(_line(origin, failure) for failure in error.errors())) from None


def _line(origin: str, failure: Any) -> str:
    key = ".".join(str(part) for part in failure["loc"]) or "scenario"
    if failure["type"] == "extra_forbidden":
        return f"{origin}: {key}: {json.dumps(failure['input'], default=str)}: there is no such key"
    return f"{origin}: {key}: {json.dumps(failure['input'], default=str)}: {failure['msg']}"
