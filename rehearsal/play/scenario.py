"""What a rehearsal is told to play. Owns the format of scenario files: every key, its default and its bounds. It must
never be read by the program, the definition or the Lambda: they do not know that they are rehearsed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SCENARIOS = Path(__file__).parent / "scenarios"

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]


class ScenarioError(Exception):
    """A scenario that cannot be played; the message names file, key, value and rule."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Writes(Part):
    """Files one attempt writes, evenly spread; `at` counts from the attempt's start."""

    at: Seconds = 0
    over: Seconds = 0
    files: Count = 1
    bytes_each: Count = 1_048_576
    deletes_previous: bool = False


class Job(Part):
    start_delay: Seconds | None = 180  # submitted -> running; null: it never starts
    runtime: Seconds = 3600  # one uninterrupted attempt
    writes: list[Writes] | None = None  # absent: see `is_real`
    outcome: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED"
    exit_code: int = 1  # of a FAILED one
    interruptions: list[Seconds] = []  # Spot reclaim this long into attempt 1, 2, …
    cancelled_at: Seconds | None = None  # cancelled by hand this long after it was submitted

    @property
    def is_real(self) -> bool:
        """Whether the sample job's script runs: it does unless the scenario says what the job does."""
        return not {"writes", "runtime", "outcome"} & self.model_fields_set

    @property
    def modelled_writes(self) -> list[Writes]:
        """What a modelled attempt writes; where the scenario does not say, a file of 1 MiB every minute."""
        if self.writes is not None:
            return self.writes
        return [Writes(over=self.runtime, files=max(1, int(self.runtime // 60)))]


class Window(Part):
    at: Seconds = 0  # counts from the first attempt's start
    for_: Seconds = Field(default=600, alias="for")


class Export(Part):
    files_per_second: Annotated[float, Field(gt=0)] = 213
    bytes_per_second: Annotated[float, Field(gt=0)] = 500_000_000
    refused: Count = 0  # files that can never be exported
    stalls: list[Window] = []


class Metric(Part):
    delay: Seconds = 90  # end of a minute -> its datapoint is readable
    gaps: list[Window] = []
    published: bool = True  # false: no datapoint ever


class FileSystem(Part):
    create: Seconds = 420
    outcome: Literal["AVAILABLE", "FAILED", "MISCONFIGURED"] = "AVAILABLE"
    delete: Seconds = 120
    delete_refused: Count = 0  # so many deletions are answered with BadRequest
    delete_stuck: bool = False  # it stays DELETING
    create_stuck: bool = False  # it stays CREATING


class Association(Part):
    create: Seconds = 60
    update: Seconds = 30
    import_: Seconds = Field(default=60, alias="import")  # the listing of the bucket, by a task of its own
    import_fails: bool = False
    breaks_at: Seconds | None = None  # MISCONFIGURED this long after it became AVAILABLE
    outcome: Literal["AVAILABLE", "FAILED", "MISCONFIGURED"] = "AVAILABLE"
    update_stuck: bool = False  # it stays UPDATING


class ExportTask(Part):
    start: Seconds = 30  # PENDING -> EXECUTING
    refused: Count = 0  # so many creations are refused: auto export is still finishing
    outcome: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED"  # FAILED: as a whole, not because of refused files
    stuck: bool = False  # it stays EXECUTING


class ComputeEnvironment(Part):
    update: Seconds = 120
    outcome: Literal["VALID", "INVALID"] = "VALID"
    stuck: bool = False  # it stays UPDATING


class FaultPlan(Part):
    call: Annotated[str, Field(pattern=r"^[a-z0-9]+:[A-Z][A-Za-z0-9]+$")]
    error: str = "ThrottlingException"
    times: Annotated[int, Field(ge=1)] = 1
    skip: Count = 0
    after: bool = False  # the call takes effect, its answer is lost


class ExecutionPlan(Part):
    abort_at: Seconds | None = None  # StopExecution this long after the start
    reclaim: bool = False  # afterwards, start another with {"reclaim": <what was kept>}


class Scenario(Part):
    """One rehearsal."""

    name: str = "default"
    description: str = ""
    job: Job = Job()
    export: Export = Export()
    metric: Metric = Metric()
    file_system: FileSystem = FileSystem()
    association: Association = Association()
    task: ExportTask = ExportTask()
    compute_environment: ComputeEnvironment = ComputeEnvironment()
    faults: list[FaultPlan] = []
    execution: ExecutionPlan = ExecutionPlan()
    expect: Literal["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"] = "SUCCEEDED"
    expect_error: str | None = None  # the error's name, when it matters
    set: dict[str, Any] = {}  # stack configuration
    input: dict[str, Any] = {}  # the execution's input
    seed: int = 0  # of the backoff's jitter and of every id
    fsx_error_prefix: Literal["FSx", "Fsx"] = "FSx"  # AWS documents FSx, others have seen Fsx


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
