"""A dashboard's body is checked as CloudWatch documents it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account


def graph(*metrics: Any, **more: Any) -> dict[str, Any]:
    properties = {"metrics": list(metrics) or [["AWS/SQS", "M"]], "region": "us-east-1", **more}
    return {"type": "metric", "x": 0, "y": 0, "width": 12, "height": 6, "properties": properties}


def put(account: Account, body: Any, name: str = "board") -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return dict(account.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=text))


SEARCH = "SEARCH('{AWS/FSx,FileSystemId} MetricName=\"DataWriteBytes\"', 'Sum', 300)"


def test_a_dashboard_that_is_right_is_kept_as_it_is(account: Account) -> None:
    body = {
        "widgets": [
            graph(["AWS/States", "ExecutionsFailed", "StateMachineArn", "arn", {"stat": "Sum", "period": 300}]),
            graph([{"expression": SEARCH, "id": "e1", "label": "x"}], view="timeSeries", stacked=True),
            {"type": "text", "x": 0, "y": 6, "width": 24, "height": 2, "properties": {"markdown": "# Stack"}},
        ]
    }
    put(account, body)
    found = account.client("cloudwatch").get_dashboard(DashboardName="board")
    assert json.loads(found["DashboardBody"]) == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", "it is not JSON"),
        ({"rows": []}, "widgets is required"),
        ({"widgets": [graph()] * 501}, "more than 500 widgets"),
        ({"widgets": [graph(*[["A", "B"]] * 501)]}, "more than 500 metrics"),
        ({"widgets": [graph(*[["A", "B"]] * 500)] * 6}, "more than 2500 metrics"),
        ({"widgets": [{"type": "picture"}]}, "type 'picture' is not modelled"),
        ({"widgets": [{**graph(), "x": 13}]}, "it ends right of column 24"),
        ({"widgets": [{**graph(), "width": 25}]}, "width is from 1 to 24: 25"),
        ({"widgets": [{**graph(), "type": "metric", "properties": {"metrics": [["A", "B"]]}}]}, "region is required"),
        ({"widgets": [graph(["A"])]}, "namespace, name, and pairs of dimensions"),
        ({"widgets": [graph(["A", "B", "C"])]}, "namespace, name, and pairs of dimensions"),
        ({"widgets": [graph(["A", "B", {"stat": "p50"}])]}, "stat 'p50' is not modelled"),
        ({"widgets": [graph(period=90)]}, "period is a multiple of 60: 90"),
        ({"widgets": [graph([{"expression": "m1/m2"}])]}, "other expressions than SEARCH"),
        ({"widgets": [graph([{"expression": SEARCH.replace("Sum", "Total")}])]}, "'Total' is not a statistic"),
        ({"widgets": [graph([{"expression": SEARCH.replace("300", "90")}])]}, "multiple of 60: 90"),
        ({"widgets": [graph(titel="x")]}, "titel is not modelled"),
    ],
)
def test_a_dashboard_that_is_wrong_is_refused_with_the_place(account: Account, body: Any, words: str) -> None:
    with pytest.raises(ClientError, match="InvalidParameterInput") as raised:
        put(account, body)
    assert words in str(raised.value)


def test_a_name_that_is_no_dashboards_is_refused(account: Account) -> None:
    with pytest.raises(ClientError, match="DashboardName is invalid"):
        put(account, {"widgets": []}, name="my board")
