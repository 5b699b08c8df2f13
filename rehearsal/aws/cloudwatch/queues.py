"""The metric of SQS that is modelled: how many messages a queue has, for the dead-letter queue. Assumed: nobody takes
one out; what was in a queue before is not remembered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..context import Context
from .series import MINUTE, READABLE_AFTER_SECONDS, Metric, Sample, Series, Told, minute_of, nobody

NAMESPACE, VISIBLE, QUEUE = "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName"
# SQS guide, monitoring queues with CloudWatch: up to 15 minutes until the metrics of a queue that was not active
# appear, and a queue is active for up to six hours after it was last used, whatever is in it.
ACTIVE_AFTER_SECONDS = 15 * 60
ACTIVE_FOR_SECONDS = 6 * 3600


def _is_active(minute: float, used: list[float]) -> bool:
    """Whether a queue that was used at these moments has metrics of the minute that begins then."""
    woken = last = float("-inf")
    for moment in used:
        woken = moment if moment - last > ACTIVE_FOR_SECONDS else woken
        last = moment
    return woken + ACTIVE_AFTER_SECONDS <= minute < last + ACTIVE_FOR_SECONDS


class QueueMetrics:
    """What SQS publishes of every queue."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.told: Told = nobody

    @property
    def _queues(self) -> dict[str, Any]:
        queues: dict[str, Any] = self._context.backend("sqs").queues
        return queues

    def series(self, metric: Metric) -> Series | None:
        queue = self._queues.get(metric.value(QUEUE) or "")
        if (metric.namespace, metric.name) != (NAMESPACE, VISIBLE) or queue is None or not queue._messages:
            return None
        now = self._context.clock.now()
        sent = sorted(message.sent_timestamp / 1000 for message in queue._messages)
        kept = float(queue.message_retention_period)

        def of_minute(minute: float) -> Sample | None:
            end = minute + MINUTE
            if end + READABLE_AFTER_SECONDS > now or not _is_active(minute, [one for one in sent if one <= end]):
                return None
            there = sum(1 for one in sent if one <= end < one + kept)
            return Sample.of(there) if there else None

        return Series("Count", of_minute)

    def all(self) -> Iterator[Metric]:
        for name, queue in self._queues.items():
            if queue._messages:
                yield Metric(NAMESPACE, VISIBLE, frozenset({(QUEUE, name)}))

    def knows(self, metric: Metric) -> bool:
        return (metric.namespace, metric.name) == (NAMESPACE, VISIBLE) and metric.value(QUEUE) is not None

    def received(self, queue_name: str) -> None:
        """A message has arrived in a queue."""
        first = minute_of(self._context.clock.now() + ACTIVE_AFTER_SECONDS) + MINUTE
        metric = Metric(NAMESPACE, VISIBLE, frozenset({(QUEUE, queue_name)}))
        self.told(metric, first, first + MINUTE + READABLE_AFTER_SECONDS)
