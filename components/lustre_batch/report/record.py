"""An execution's history with its data: what each task was given, and what it answered. Step Functions keeps it for 90
days after the end (SFN guide, quotas). Only what is asked for by name is looked at: a history may hold secrets."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, field
from typing import Any

from ..operate.runs import History
from ..operate.stack import Stack


@dataclass(frozen=True)
class Task:
    """A task that answered."""

    state: str
    at: datetime.datetime
    given: dict[str, Any]
    answer: dict[str, Any]


@dataclass
class Record(History):
    """A history from its first event to its last."""

    tasks: list[Task] = field(default_factory=list)
    path: list[tuple[str, datetime.datetime]] = field(default_factory=list)  # each state that was entered, and when
    _given: dict[str, Any] = field(default_factory=dict)

    def read(self, stack: Stack) -> None:
        pages = stack.client("stepfunctions").get_paginator("get_execution_history")
        for page in pages.paginate(executionArn=self.arn, includeExecutionData=True):
            for event in page["events"]:
                self.take(event)

    def take(self, event: dict[str, Any]) -> None:
        super().take(event)
        if event["type"].endswith("StateEntered"):
            self.path.append((event["stateEnteredEventDetails"]["name"], event["timestamp"]))
        elif event["type"] == "TaskScheduled":
            self._given = _parsed(event["taskScheduledEventDetails"].get("parameters"))
        elif event["type"] == "TaskSucceeded" and self.path:
            answer = _parsed(event["taskSucceededEventDetails"].get("output"))
            self.tasks.append(Task(self.path[-1][0], event["timestamp"], self._given, answer))

    def answers(self, state: str) -> list[Task]:
        """Every answer that a state had."""
        return [task for task in self.tasks if task.state == state]

    def last(self, state: str) -> Task | None:
        """The last answer that a state had."""
        return next((task for task in reversed(self.tasks) if task.state == state), None)


def _parsed(text: str | None) -> dict[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}
