"""A CloudWatch that answers what a test wrote down, and the times the tests talk about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HANDLER = Path(__file__).parents[2] / "functions" / "check_metrics" / "handler.py"
NOW = datetime(2026, 1, 15, 12, 30, 20, tzinfo=UTC)
THIS_MINUTE = int(NOW.timestamp()) // 60 * 60
FILE_SYSTEM_ID = "fs-0123456789abcdef0"


def minutes_ago(count: int) -> int:
    """Return the epoch second at which the minute that began `count` minutes before the present one began."""
    return THIS_MINUTE - count * 60


def result(points: Iterable[tuple[int, float]], status: str = "Complete", **more: Any) -> dict[str, Any]:
    points = list(points)
    return {
        "Id": "age",
        "Label": "AgeOfOldestQueuedMessage",
        "Timestamps": [datetime.fromtimestamp(began, UTC) for began, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": status,
        **more,
    }


class FakeCloudWatch:
    """Answers its pages one after the other and remembers what it was asked."""

    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []

    def answers(self, *pages: dict[str, Any]) -> None:
        self.pages = [
            {"MetricDataResults": [page], **({"NextToken": f"page-{number}"} if number < len(pages) else {})}
            for number, page in enumerate(pages, 1)
        ]

    def get_metric_data(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return self.pages[len(self.requests) - 1]
