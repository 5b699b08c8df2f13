"""The metrics of Step Functions that are modelled: how many executions started, and how they ended."""

from __future__ import annotations

import collections
from collections.abc import Iterator

from ..clock import Clock
from ..states.executions import Execution, Executions
from .series import MINUTE, READABLE_AFTER_SECONDS, Metric, Sample, Series, Told, minute_of, nobody

NAMESPACE, MACHINE = "AWS/States", "StateMachineArn"
STARTED = "ExecutionsStarted"
# SFN guide, monitoring metrics with CloudWatch: execution metrics.
ENDED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}


class StatesMetrics:
    """What Step Functions publishes of every state machine. Assumed: no datapoint for a minute in which nothing was
    to be counted."""

    def __init__(self, clock: Clock, executions: Executions) -> None:
        self._clock = clock
        self._executions = executions
        self.told: Told = nobody

    def series(self, metric: Metric) -> Series | None:
        machine = metric.value(MACHINE)
        if metric.namespace != NAMESPACE or machine is None:
            return None
        found = [one for one in self._executions.all.values() if one.machine_arn == machine]
        if metric not in {_metric(one, name) for one in found for name, _ in _counted(one)}:
            return None
        minutes = collections.Counter(
            minute_of(at) for one in found for name, at in _counted(one) if name == metric.name
        )
        now = self._clock.now()

        def of_minute(minute: float) -> Sample | None:
            counted = minutes[minute] if _readable_at(minute) <= now else 0
            return Sample.of(1, counted) if counted else None

        return Series("Count", of_minute)

    def all(self) -> Iterator[Metric]:
        yield from dict.fromkeys(
            _metric(one, name) for one in self._executions.all.values() for name, _ in _counted(one)
        )

    def knows(self, metric: Metric) -> bool:
        return (
            metric.namespace == NAMESPACE
            and metric.name in {STARTED, *ENDED.values()}
            and metric.value(MACHINE) is not None
        )

    def changed(self, execution: Execution) -> None:
        """An execution has started or ended."""
        name, at = _counted(execution)[-1]
        self.told(_metric(execution, name), minute_of(at), _readable_at(minute_of(at)))


def _counted(execution: Execution) -> list[tuple[str, float]]:
    """What an execution counts as, and when."""
    ended = [] if execution.stopped is None else [(ENDED[execution.status], execution.stopped)]
    return [(STARTED, execution.started), *ended]


def _metric(execution: Execution, name: str) -> Metric:
    return Metric(NAMESPACE, name, frozenset({(MACHINE, execution.machine_arn)}))


def _readable_at(minute: float) -> float:
    return minute + MINUTE + READABLE_AFTER_SECONDS
