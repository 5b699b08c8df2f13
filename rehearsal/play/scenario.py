"""What a rehearsal is told to play. Owns the format of scenario files: what is planned for the account, which
executions are started when, what is done to each and what is expected of it. The program, the definition and the Lambda
must never read it: they do not know that they are rehearsed."""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from ..aws.batch.job_plan import MODELLED, JobPlan
from ..aws.calls import Fault
from ..aws.plan import Plan, Seconds, Window
from ..aws.plans import Plans, RunPlans
from ..provider import documents
from .keys import did_you_mean, rule
from .strangers import SessionPlan, SubmissionPlan

SCENARIOS = Path(__file__).parent / "scenarios"
EXAMPLE = Path(__file__).parent / "example.yaml"  # one to start from


class ScenarioError(Exception):
    """A scenario that cannot be played; the message names file, key, value and rule."""


# The longest trouble that is sat out; what lasts longer never passes, as far as one rehearsal can see.
LONGEST_TROUBLE_SECONDS = 3 * 86_400.0
MOST_FAILURES = 1000
# Of a run, which has a job of its own or a session for those of others (input.session).
OPENS_NONE = 'the run opens none (input: {"session": {}})'
OPENS_ONE = "the run opens a session (input.session), which has only the jobs of others (session.jobs)"
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


class OfRun(RunPlans):
    """What a scenario says about one execution."""

    execution: ExecutionPlan = ExecutionPlan()
    session: SessionPlan = SessionPlan()
    expect: Literal["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"] = "SUCCEEDED"
    """How the execution should end: `SUCCEEDED`, `FAILED`, `ABORTED` or `TIMED_OUT`."""
    expect_error: str | None = None
    """The error's name, if it matters."""
    input: Any = Field(default={})
    """The execution's input: any JSON."""

    @property
    def opens_session(self) -> bool:
        """Whether it is asked for a session, and so submits no job of its own."""
        return isinstance(self.input, dict) and "session" in self.input

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
            "stalls or gaps": any(window.at + window.for_ > LONGEST_TROUBLE_SECONDS for window in self.windows),
        }
        return [key for key, planned in plans.items() if planned]

    @property
    def windows(self) -> list[Window]:
        return [*self.export.stalls, *self.metric.gaps]


class Run(OfRun):
    """One of several executions."""

    at: Seconds = 0
    """When it starts, from the scenario's start."""


class Scenario(Plans, OfRun):
    """One rehearsal."""

    name: str = "default"
    """What the report calls it."""
    description: str = ""
    """One sentence, shown by `--list`."""
    set: dict[str, Any] = Field(default={})
    """Stack configuration."""
    submissions: list[SubmissionPlan] = Field(default=[])
    """Jobs that somebody else submits to the queue of the first lane."""
    expect_alarms: list[str] | None = None
    """The [alarms](metrics.md#alarms) that should go off, if it matters."""
    runs: list[Run] = Field(default=[])
    """Executions of the stack, beside each other: [several runs](#several-runs). None: one, at the start."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        for number, fault in enumerate(self.faults):
            if fault.state is not None and fault.state not in _states():
                yield f"faults.{number}.state", f"no state has this name{did_you_mean(fault.state, [*_states()])}"
        for number, name in enumerate(self.expect_alarms or ()):
            if name not in _alarms():
                yield f"expect_alarms.{number}", f"no alarm has this name{did_you_mean(name, [*_alarms()])}"
        if self.runs and min(run.at for run in self.runs) > 0:
            yield "runs.0.at", "none of the runs starts at 0, which all times count from"
        if self.runs and self.execution.again_at is not None:
            yield "execution.again_at", "with several runs (runs), another execution is one more of them"
        each = self.each()
        open_one = [run.opens_session for run in each]
        if self.runs and self.session.model_fields_set and not any(open_one):
            yield "session", OPENS_NONE
        if self.runs and self.job.model_fields_set and all(open_one):
            yield "job", OPENS_ONE
        named: list[str] = []
        for number, run in enumerate(each):
            for key, rule_of_it in self._contradictions_of(run, named):
                given_itself = bool(self.runs) and key.partition(".")[0] in self.runs[number].model_fields_set
                yield (f"runs.{number}.{key}" if given_itself else key), rule_of_it

    def _contradictions_of(self, run: Run, named: list[str]) -> Iterator[tuple[str, str]]:
        """What contradicts itself once a run has the keys that it takes from the scenario; `named` are the names of the
        executions before it."""
        if run.expect_error is not None and run.expect == "SUCCEEDED":
            yield "expect_error", "an execution that is expected to succeed (expect) has no error"
        if self.runs and run.execution.again_at is not None:
            yield "execution.again_at", "with several runs (runs), another execution is one more of them"
        if run.execution.name in named:
            yield "execution.name", "another of the runs has this name, and an execution's is its own"
        named += [] if run.execution.name is None else [run.execution.name]
        if not run.opens_session and run.session.model_fields_set:
            yield "session", OPENS_NONE
        if run.opens_session and run.job.model_fields_set:
            yield "job", OPENS_ONE
        size, only = self.array_size(run), run.job.only_children
        if only and not size:
            yield "job.only_children", "the job is no array (jobDefinitionArraySize)"
        elif max(only, default=0) >= size > 0:
            yield (
                "job.only_children",
                f"an array of {size} has the children 0 to {size - 1} (jobDefinitionArraySize)",
            )

    def each(self) -> list[Run]:
        """The executions that are started, each with everything that is planned for it: what it does not say itself is
        as the scenario says."""
        if self.runs:
            return [self._completed(run) for run in self.runs]
        first = Run.model_construct(at=0.0, **self._own())
        again = self.execution.again_at
        if again is None:
            return [first]
        # What is done to the first is not done to the other, which then ends as any.
        ends = {} if self.execution == ExecutionPlan(again_at=again) else {"expect": "SUCCEEDED", "expect_error": None}
        return [first, first.model_copy(update={"at": again, "execution": ExecutionPlan(), **ends})]

    def _completed(self, run: Run) -> Run:
        """With the scenario's keys as its defaults; of `job` and `session` only the one that it has a use for."""
        whole = run.model_copy(update=self._defaults_of(run))
        unused = {"job": JobPlan()} if whole.opens_session else {"session": SessionPlan()}
        return whole.model_copy(update={key: no for key, no in unused.items() if key not in run.model_fields_set})

    def _own(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in OfRun.model_fields}

    def _defaults_of(self, run: Run) -> dict[str, Any]:
        # An end that is expected comes with its error.
        given = run.model_fields_set | ({"expect_error"} if "expect" in run.model_fields_set else set())
        return {key: value for key, value in self._own().items() if key not in given}

    @property
    def has_own_job(self) -> bool:
        """Whether the job of any of its runs is somebody's own."""
        return any(run.job.is_own for run in self.each())

    def with_input(self, content: Any) -> Self:
        """The same with this input: of every run, and beside what else the input of each has."""

        def beside(given: Any) -> Any:
            return {**given, **content} if isinstance(content, dict) and isinstance(given, dict) else content

        runs = [
            run.model_copy(update={"input": beside(run.input)}) if "input" in run.model_fields_set else run
            for run in self.runs
        ]
        return self.model_copy(update={"input": beside(self.input), "runs": runs})

    def parameter(self, key: str, run: OfRun | None = None) -> Any:
        """What the scenario says about a parameter that may be given to the stack or to a run, or nothing."""
        content = (run or self).input
        given = {**self.set, **(content if isinstance(content, dict) else {})}
        return given.get(key)

    def array_size(self, run: OfRun) -> int:
        """How many children a run's job has; 0: it is no array, or what is given is no number."""
        given = str(self.parameter("jobDefinitionArraySize", run))
        return int(given) if given.isdecimal() else 0

    def trouble_passes_at(self, began: float, first_attempts: Sequence[tuple[Run, float | None]]) -> float:
        """When the last planned trouble that passes is over; `began` is when the play did, and each run's windows count
        from its first attempt, as far as there was one."""
        ends = [began + (fault.at or 0.0) + fault.for_ for fault in self.faults if fault.for_ is not None]
        for run, first in first_attempts:
            ends += [] if first is None else [first + window.at + window.for_ for window in run.windows]
        return max((end for end in ends if end - began <= LONGEST_TROUBLE_SECONDS), default=began)

    def never_passes_for(self, run: OfRun) -> list[str]:
        """The trouble that is planned for good, for that run or for all."""
        return [*run.never_passes, *(["faults"] if any(_lasts(fault) for fault in self.faults) else [])]


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


@functools.cache
def _alarms() -> frozenset[str]:
    """The names of the alarms that a stack can have. Imported late, as the states are."""
    from lustre_batch.metrics_catalogue import entries

    return frozenset(entry["name"] for entry in entries("alarms"))


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
    own = parse(_with_job(content, job), str(path), path.stem, path.parent)
    what = "the sample job" if scenario.job.is_real and not scenario.has_own_job else "the job"
    shown = [*(["the image", own.job.image] if own.job.image is not None else []), *(own.job.words or [])]
    description = f"{scenario.description}; in place of {what}: {shlex.join(shown)}"
    return own.model_copy(update={"description": description})


def _with_job(content: dict[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """A scenario whose every run has that job in place of the one that it models."""

    def replaced(planned: Any) -> dict[str, Any]:
        return {**{key: value for key, value in (planned or {}).items() if key not in REPLACED}, **job}

    runs = [run | {"job": replaced(run["job"])} if "job" in run else run for run in content.get("runs") or []]
    return {**content, "job": replaced(content.get("job")), **({"runs": runs} if runs else {})}


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
    match place:
        case ["runs", int(), str(key)] if failure["type"] == "extra_forbidden" and key in Scenario.model_fields:
            said = "it belongs to the whole scenario, not to one of its runs"
    if failure["type"] == "contradiction":
        for part in (key := failure["ctx"]["key"].split(".")):
            value = value[int(part) if isinstance(value, list) else part]
        place = (*place, *key)
    key_path = ".".join(str(part) for part in place) or "scenario"
    if failure["type"] == "missing":  # the value is that of the key above
        return f"{origin}: {key_path}: {said}"
    return f"{origin}: {key_path}: {json.dumps(value, default=str)}: {said}"
