"""Short words for what tests ask CloudWatch."""

from __future__ import annotations

import datetime
from typing import Any

from rehearsal.aws.account import Account


def dimensions(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def put(account: Account, *data: dict[str, Any], namespace: str = "LustreBatch") -> None:
    account.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=list(data))


def statistics(
    account: Account,
    namespace: str,
    name: str,
    statistic: str,
    period: int = 60,
    minutes: float = 60,
    of: dict[str, str] | None = None,
) -> list[float]:
    """The values of the last so many minutes, oldest first."""
    end = account.clock.datetime()
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=dimensions(**(of or {})),
        StartTime=end - datetime.timedelta(minutes=minutes),
        EndTime=end,
        Period=period,
        Statistics=[statistic],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return [point[statistic] for point in points]
