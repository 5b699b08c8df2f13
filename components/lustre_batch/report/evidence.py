"""What is known of a run before it is told: the histories of its executions, and what follows from them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from ..operate.stack import Stack
from . import story
from .record import Record


@dataclass
class Evidence:
    """What is known; moments are seconds since the story began."""

    stack: Stack
    arn: str
    origin: float
    record: Record
    clean_ups: list[tuple[Record, dict[str, Any]]]  # each with its description
    described: dict[str, Any]
    began: float
    until: float
    now: float
    request: dict[str, Any] | None = None  # what was asked of FSx, or what FSx tells of
    file_system: str | None = None
    created: float | None = None
    deleted_at: float | None = None
    gone_at: float | None = None
    still_there: bool = False
    drained_at: float | None = None
    attempts: list[story.Attempt] = field(default_factory=list)
    jobs: int | None = None
    series: list[story.Series] = field(default_factory=list)
    ages: list[story.Datapoint] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def since(self, moment: datetime.datetime) -> float:
        return moment.timestamp() - self.origin

    @property
    def job_started_at(self) -> float | None:
        return min((one.began for one in self.attempts if one.began is not None), default=None)

    @property
    def job_ended_at(self) -> float | None:
        return max((one.ended for one in self.attempts), default=None)
