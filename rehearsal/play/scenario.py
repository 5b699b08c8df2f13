"""What a rehearsal is told to play. Owns the format of scenario files: what is planned for the account, what is done to
an execution and what is expected of it. The program, the definition and the Lambda must never read it: they do not know
that they are rehearsed."""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..aws.batch.job_plan import MODELLED
from ..aws.calls import Fault
from ..aws.plan import Plan, Seconds, Window
from ..aws.plans import Plans
from ..provider import documents
from .keys import did_you_mean, rule

SCENARIOS = Path(__file__).parent / "scenarios"
EXAMPLE = Path(__file__).parent / "example.yaml"  # one to start from


class ScenarioError(Exception):
    """A scenario that cannot be played; the message names file, key, value and rule."""


# The longest trouble that is sat out; what lasts longer never passes, as far as one rehearsal can see.
LONGEST_TROUBLE_SECONDS = 3 * 86_400.0
MOST_FAILURES = 1000
# What a job of one's own takes the place of.
REPLACED = {*MODELLED, "image", "script", "command", "real_seconds"}


class ExecutionPlan(Plan):
    name: str | None = None
    """The execution's name; if absent, Step Functions chooses one."""
    abort_at: Seconds | None = None
    """StopExecution, from the execution's start."""
    clean_up_abort_at: Seconds | None = None
    """StopExecution of its first clean-up, from that one's start."""
    again_at: Seconds | None = None
    """Another execution with the same input is started, from the first one's start."""
    reclaim: bool = False
    """Afterwards, start another execution that reclaims what was kept."""


class Scenario(Plans):
    """One rehearsal."""

    name: str = "default"
    """What the report calls it."""
    description: str = ""
    """One sentence, shown by `--list`."""
    execution: ExecutionPlan = ExecutionPlan()
    expect: Literal["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"] = "SUCCEEDED"
    """How the execution should end: `SUCCEEDED`, `FAILED`, `ABORTED` or `TIMED_OUT`."""
    expect_error: str | None = None
    """The error's name, if it matters."""
    set: dict[str, Any] = Field(default={})
    """Stack configuration."""
    input: Any = Field(default={})
    """The execution's input: any JSON."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.expect_error is not None and self.expect == "SUCCEEDED":
            yield "expect_error", "an execution that is expected to succeed (expect) has no error"
        for number, fault in enumerate(self.faults):
            if fault.state is not None and fault.state not in _states():
                yield f"faults.{number}.state", f"no state has this name{did_you_mean(fault.state, [*_states()])}"
        size, only = self.array_size, self.job.only_children
        if only and not size:
            yield "job.only_children", "the job is no array (jobDefinitionArraySize)"
        elif max(only, default=0) >= size > 0:
            yield (
                "job.only_children",
                f"an array of {size} has the children 0 to {size - 1} (jobDefinitionArraySize)",
            )

    def parameter(self, key: str) -> Any:
        """What the scenario says about a parameter that may be given to the stack or to the execution, or nothing."""
        given = {**self.set, **(self.input if isinstance(self.input, dict) else {})}
        return given.get(key)

    @property
    def array_size(self) -> int:
        """How many children the job has; 0: it is no array, or what is given is no number."""
        given = str(self.parameter("jobDefinitionArraySize"))
        return int(given) if given.isdecimal() else 0

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


@functools.cache
def _states() -> frozenset[str]:
    """The names of the states of both machines, those inside of others included. Imported late: the page of keys can be
    written anew even where the component cannot be imported."""
    from lustre_batch import definition

    def within(node: Any) -> Iterator[str]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        yield from node.get("States", ()) if isinstance(node, dict) else ()
        for each in inner:
            yield from within(each)

    return frozenset(state for name in definition.names() for state in within(definition.read(name)))


def _lasts(fault: Fault) -> bool:
    """Whether calls fail for good, as far as a rehearsal can see."""
    return fault.for_ > LONGEST_TROUBLE_SECONDS if fault.for_ is not None else fault.most > MOST_FAILURES


def names() -> list[str]:
    return sorted(path.stem for path in SCENARIOS.glob("*.yaml"))


def load(name_or_file: str, job: Mapping[str, Any] | None = None, bucket_folder: Path | None = None) -> Scenario:
    """The scenario of that name, or in that file; with a job of one's own in place of the one that it models, and with
    a folder's files in the bucket."""
    content, path = _read(name_or_file)
    if bucket_folder is not None:
        content["bucket"] = {**(content.get("bucket") or {}), "folder": bucket_folder.absolute()}
    scenario = parse(content, str(path), path.stem, path.parent)
    if job is None:
        return scenario
    kept = {key: value for key, value in (content.get("job") or {}).items() if key not in REPLACED}
    own = parse({**content, "job": {**kept, **job}}, str(path), path.stem, path.parent)
    what = "the sample job" if scenario.job.is_real and not scenario.job.is_own else "the job"
    shown = [*(["the image", own.job.image] if own.job.image is not None else []), *(own.job.words or [])]
    description = f"{scenario.description}; in place of {what}: {shlex.join(shown)}"
    return own.model_copy(update={"description": description})


def _read(name_or_file: str) -> tuple[dict[str, Any], Path]:
    """What a scenario's file says, and where that file is."""
    path = Path(name_or_file)
    if path.suffix not in {".yaml", ".yml"}:
        path = SCENARIOS / f"{name_or_file}.yaml"
        if not os.path.isfile(path):
            hint = did_you_mean(name_or_file, names()) or "; --list names those that there are"
            beside = next(
                (each for each in (f"{name_or_file}.yaml", f"{name_or_file}.yml") if os.path.isfile(each)), None
            )
            hint = f"; did you mean the file {beside}?" if beside is not None else hint
            raise ScenarioError(f"{name_or_file or repr('')} is not a scenario{hint}")
    try:
        return documents.mapping(path), path
    except documents.NotReadable as error:
        raise ScenarioError(str(error)) from None


def parse(content: Any, origin: str, name: str = "unnamed", folder: Path | None = None) -> Scenario:
    """The scenario that this says, whose files are looked for in that folder."""
    if not isinstance(content, dict):
        raise ScenarioError(f"{origin}: {content!r} is not a mapping of keys")
    try:
        return Scenario.model_validate({"name": name, **content}, context={"folder": folder or Path()})
    except ValidationError as error:
        raise ScenarioError("\n".join(_line(origin, failure) for failure in error.errors())) from None


def _line(origin: str, failure: Any) -> str:
    """A mistake in one line: where, the key, its value, the rule."""
    place, value = failure["loc"], failure["input"]
    said = rule(Scenario, failure)
    if failure["type"] == "contradiction":
        for part in (key := failure["ctx"]["key"].split(".")):
            value = value[int(part) if isinstance(value, list) else part]
        place = (*place, *key)
    key_path = ".".join(str(part) for part in place) or "scenario"
    if failure["type"] == "missing":  # the value is that of the key above
        return f"{origin}: {key_path}: {said}"
    return f"{origin}: {key_path}: {json.dumps(value, default=str)}: {said}"
