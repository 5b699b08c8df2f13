"""The Lambda's file, loaded as Lambda does: a module of its own, at a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest
import time_machine

from tests.functions.cloudwatch_stand_in import FILE_SYSTEM_ID, NOW, FakeCloudWatch, result
from tests.functions.loading import loaded


@pytest.fixture(scope="session")
def handler() -> ModuleType:
    return loaded("check_metrics")


@pytest.fixture(autouse=True)
def frozen_clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def cloudwatch(handler: ModuleType, monkeypatch: pytest.MonkeyPatch) -> FakeCloudWatch:
    fake = FakeCloudWatch()
    monkeypatch.setattr(handler, "cloudwatch", lambda: fake)
    monkeypatch.delenv("PERIOD", raising=False)
    monkeypatch.delenv("TIME_DIFF", raising=False)
    return fake


@pytest.fixture
def check(handler: ModuleType, cloudwatch: FakeCloudWatch) -> Callable[..., dict[str, Any]]:
    """Ask about points by their start; `stopped_at` in epoch seconds, anything else is an event key."""

    def ask(points: Iterable[tuple[int, float]], stopped_at: float, **event: Any) -> dict[str, Any]:
        cloudwatch.requests.clear()
        cloudwatch.answers(result(points))
        event = {"fileSystemId": FILE_SYSTEM_ID, "jobStoppedAt": int(stopped_at * 1000), **event}
        answer: dict[str, Any] = handler.handler(event, None)
        return answer

    return ask
