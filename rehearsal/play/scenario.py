"""What a rehearsal is told to play. Owns the format of scenario files: what is planned for the account, what is done to
an execution and what is expected of it. The program, the definition and the Lambda must never read it: they do not know
that they are rehearsed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from ..aws.calls import Fault
from ..aws.plan import Plan, Seconds, Window
from ..aws.plans import Plans

SCENARIOS = Path(__file__).parent / "scenarios"


class ScenarioError(Exception):
    """A scenario that cannot be played; the message names file, key, value and rule."""


# The longest trouble that is sat out; what lasts longer never passes, as far as one rehearsal can see.
LONGEST_TROUBLE_SECONDS = 3 * 86_400.0
MOST_FAILURES = 1000


class ExecutionPlan(Plan):
    name: str | None = None  # absent: Step Functions gives it one
    abort_at: Seconds | None = None  # StopExecution this long after the start
    clean_up_abort_at: Seconds | None = None  # StopExecution of its first clean-up this long after that began
    again_at: Seconds | None = None  # another execution with the same input this long after the start
    reclaim: bool = False  # afterwards, start another with {"reclaim": <what was kept>}


class Scenario(Plans):
    """One rehearsal."""

    name: str = "default"
    description: str = ""
    execution: ExecutionPlan = ExecutionPlan()
    expect: Literal["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"] = "SUCCEEDED"
    expect_error: str | None = None  # the error's name, when it matters
    set: dict[str, Any] = Field(default={})  # stack configuration
    input: Any = Field(default={})  # the execution's input

    def parameter(self, key: str) -> Any:
        """What the scenario says about a parameter that may be given to the stack or to the execution, or nothing."""
        given = {**self.set, **(self.input if isinstance(self.input, dict) else {})}
        return given.get(key)

    def trouble_passes_at(self, began: float, first_attempt_at: float | None) -> float:
        """When the last planned trouble that passes is over; `began` is when the play did."""
        ends = [began + (fault.at or 0.0) + fault.for_ for fault in self.faults if fault.for_ is not None]
        if first_attempt_at is not None:
            ends += [first_attempt_at + window.at + window.for_ for window in self._windows]
        return max((end for end in ends if end - began <= LONGEST_TROUBLE_SECONDS), default=began)

    @property
    def never_passes(self) -> list[str]:
        """The trouble that is planned for good, by its keys."""
        plans = {
            "file_system.delete_stuck": self.file_system.delete_stuck,
            "file_system.create_stuck": self.file_system.create_stuck,
            "association.update_stuck": self.association.update_stuck,
            "task.stuck": self.task.stuck,
            "task.outcome": self.task.outcome == "FAILED",
            "compute_environment.stuck": self.compute_environment.stuck,
            "metric.published": not self.metric.published,
            "stalls or gaps": any(window.at + window.for_ > LONGEST_TROUBLE_SECONDS for window in self._windows),
            "faults": any(_lasts(fault) for fault in self.faults),
        }
        return [key for key, planned in plans.items() if planned]

    @property
    def _windows(self) -> list[Window]:
        return [*self.export.stalls, *self.metric.gaps]


def _lasts(fault: Fault) -> bool:
    """Whether calls fail for good, as far as a rehearsal can see."""
    return fault.for_ > LONGEST_TROUBLE_SECONDS if fault.for_ is not None else fault.most > MOST_FAILURES


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
    said = failure["msg"].removeprefix("Value error, ")
    return f"{origin}: {key}: {json.dumps(failure['input'], default=str)}: {said}"
