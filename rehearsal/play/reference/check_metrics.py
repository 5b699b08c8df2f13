"""The reference system's rule for deleting: every datapoint of the last minutes is 0. Kept as it is, fault included.

A job that writes in its last seconds is asked about before any datapoint shows it: the window holds only older zeros.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

cloudwatch = boto3.client("cloudwatch")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer whether the file system named in the event should be deleted."""
    now = datetime.now(UTC)
    metric = {
        "Namespace": "AWS/FSx",
        "MetricName": "AgeOfOldestQueuedMessage",
        "Dimensions": [
            {"Name": "FileSystemId", "Value": event["fileSystemId"]},
            {"Name": "Publisher", "Value": "AutoExport"},
        ],
    }
    stat = {"Metric": metric, "Period": int(os.environ["PERIOD"]), "Stat": "Maximum"}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "age", "MetricStat": stat}],
        StartTime=now - timedelta(minutes=int(os.environ["TIME_DIFF"])),
        EndTime=now,
    )
    values = answer["MetricDataResults"][0]["Values"]
    return {"shouldDeleteFSx": bool(values) and all(value == 0 for value in values)}
