"""The Lambda's file, loaded as Lambda does: a module of its own, at a clock that stands still."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import pytest
import time_machine

from tests.functions.cloudwatch_stand_in import FILE_SYSTEM_ID, HANDLER, NOW, FakeCloudWatch, result


@pytest.fixture(scope="session")
def handler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_metrics_handler", HANDLER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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
