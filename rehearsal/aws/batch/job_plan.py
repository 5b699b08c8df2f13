"""What a scenario may say about a Batch job. Owns the plan and what follows from what it leaves out."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..plan import Count, Plan, Seconds


class WritesPlan(Plan):
    """Files one attempt writes, evenly spread; `at` counts from the attempt's start."""

    at: Seconds = 0
    over: Seconds = 0
    files: Count = 1
    bytes_each: Count = 1_048_576
    deletes_previous: bool = False


class JobPlan(Plan):
    start_delay: Seconds | None = 180  # submitted -> running; null: it never starts
    runtime: Seconds = 3600  # one uninterrupted attempt
    writes: list[WritesPlan] | None = None  # absent: see `is_real`
    outcome: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED"
    exit_code: int = 1  # of a FAILED one
    interruptions: list[Seconds] = Field(default=[])  # Spot reclaim this long into attempt 1, 2, …
    cancelled_at: Seconds | None = None  # cancelled by hand this long after it was submitted

    @property
    def is_real(self) -> bool:
        """Whether the sample job's script runs: it does unless the scenario says what the job does."""
        return not {"writes", "runtime", "outcome"} & self.model_fields_set

    @property
    def modelled_writes(self) -> list[WritesPlan]:
        """What a modelled attempt writes; where the scenario does not say, a file of 1 MiB every minute."""
        if self.writes is not None:
            return self.writes
        return [WritesPlan(over=self.runtime, files=max(1, int(self.runtime // 60)))]
