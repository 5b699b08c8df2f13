"""Dashboards: moto keeps them, and takes whatever is JSON. Owns what CloudWatch refuses of a body, as far as
widgets are modelled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..calls import ModelError
from ..context import Context
from .series import MINUTE, STATISTICS

# SDK PutDashboard, DashboardName.
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
# CloudWatch API reference, dashboard body structure; CloudWatch guide, quotas.
MOST_WIDGETS, MOST_METRICS, MOST_METRICS_TOGETHER, MOST_ALARMS = 500, 500, 2500, 100
COLUMNS, TALLEST = 24, 1000
_TOP = {"start", "end", "periodOverride", "widgets"}
_PLACE = {"x": (0, COLUMNS - 1), "y": (0, 10**6), "width": (1, COLUMNS), "height": (1, TALLEST)}
_PROPERTIES = {
    "metric": {"metrics", "period", "region", "stacked", "stat", "title", "view", "yAxis"},
    "text": {"background", "markdown"},
    "alarm": {"alarms", "title"},
}
_NEEDED = {"metric": ("metrics", "region"), "text": ("markdown",), "alarm": ("alarms",)}
_OPTIONS = {"color", "expression", "id", "label", "period", "stat", "visible", "yAxis"}
_VIEWS = {"timeSeries", "singleValue", "bar", "pie"}
# CloudWatch guide, search expression syntax: {namespace,dimensions} and terms, in single quotes; statistic; period.
_SEARCH = re.compile(r"SEARCH\('\{[A-Za-z0-9/_-]+(,[A-Za-z0-9_-]+)*\}( [^']+)?', '(\w+)'(, (\d+))?\)")
LONGEST_SEARCH = 1024


class Dashboards:
    """Answers cloudwatch: PutDashboard."""

    def __init__(self, context: Context) -> None:
        self._context = context
        context.calls.answer("cloudwatch", PutDashboard=self.put)

    def put(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["DashboardName"]
        if not _NAME.fullmatch(name):
            raise ModelError("InvalidParameterValue", f"The value {name} for parameter DashboardName is invalid.")
        problems = list(_problems(params["DashboardBody"]))
        if problems:
            raise ModelError("InvalidParameterInput", f"The dashboard body is invalid: {'; '.join(problems)}")
        return self._context.calls.ask_moto(self._context.client("cloudwatch"), "PutDashboard", params)


def _problems(text: str) -> Iterator[str]:
    try:
        body = json.loads(text)
    except ValueError as error:
        yield f"it is not JSON: {error}"
        return
    widgets = body.get("widgets") if isinstance(body, dict) else None
    if not isinstance(widgets, list):
        yield "widgets is required, a list"
        return
    yield from (f"{key} is not modelled" for key in sorted(set(body) - _TOP))
    if len(widgets) > MOST_WIDGETS:
        yield f"more than {MOST_WIDGETS} widgets"
    together = sum(len(one.get("properties", {}).get("metrics", [])) for one in widgets)
    if together > MOST_METRICS_TOGETHER:
        yield f"more than {MOST_METRICS_TOGETHER} metrics"
    for number, widget in enumerate(widgets):
        yield from (f"widgets/{number}: {problem}" for problem in _of_widget(widget))


def _of_widget(widget: dict[str, Any]) -> Iterator[str]:
    kind, properties = widget.get("type", ""), widget.get("properties", {})
    if kind not in _PROPERTIES:
        yield f"type {kind!r} is not modelled"
        return
    yield from (f"there is no {key}" for key in sorted(set(widget) - {"type", "properties", *_PLACE}))
    for key, (low, high) in _PLACE.items():
        if key in widget and not (isinstance(widget[key], int) and low <= widget[key] <= high):
            yield f"{key} is from {low} to {high}: {widget[key]}"
    if widget.get("x", 0) + widget.get("width", 6) > COLUMNS:
        yield f"it ends right of column {COLUMNS}"
    yield from (f"{key} is not modelled" for key in sorted(set(properties) - _PROPERTIES[kind]))
    yield from (f"{key} is required" for key in _NEEDED[kind] if not properties.get(key))
    if len(properties.get("alarms", [])) > MOST_ALARMS:
        yield f"more than {MOST_ALARMS} alarms"
    if kind == "metric":
        yield from _of_graph(properties)


def _of_graph(properties: dict[str, Any]) -> Iterator[str]:
    if properties.get("view", "timeSeries") not in _VIEWS:
        yield f"view {properties['view']!r} is not modelled"
    metrics = properties.get("metrics", [])
    if len(metrics) > MOST_METRICS:
        yield f"more than {MOST_METRICS} metrics"
    yield from _of_numbers(properties)
    for number, metric in enumerate(metrics):
        yield from (f"metrics/{number}: {problem}" for problem in _of_metric(metric))


def _of_numbers(given: dict[str, Any]) -> Iterator[str]:
    period = given.get("period", MINUTE)
    if not isinstance(period, int) or period < MINUTE or period % MINUTE:
        yield f"period is a multiple of 60: {period}"
    if given.get("stat", "Average") not in STATISTICS:
        yield f"stat {given['stat']!r} is not modelled"


def _of_metric(metric: Any) -> Iterator[str]:
    """An array: namespace, name, dimensions' names and values, and at last options; of an expression options only."""
    if not isinstance(metric, list) or not metric:
        yield "it is an array"
        return
    options = metric[-1] if isinstance(metric[-1], dict) else {}
    named = metric[:-1] if options else metric
    yield from (f"there is no {key}" for key in sorted(set(options) - _OPTIONS))
    yield from _of_numbers(options)
    if "expression" in options:
        if named:
            yield "an expression has no metric beside it"
        yield from _of_expression(options["expression"])
    elif len(named) < 2 or len(named) % 2 or not all(isinstance(one, str) and one for one in named):
        yield f"namespace, name, and pairs of dimensions are text: {named}"


def _of_expression(expression: str) -> Iterator[str]:
    found = _SEARCH.fullmatch(expression)
    if found is None:
        yield f"other expressions than SEARCH('{{…}} …', 'Statistic', period) are not modelled: {expression}"
    elif found[3] not in STATISTICS:
        yield f"{found[3]!r} is not a statistic that is modelled"
    elif found[5] and (int(found[5]) < MINUTE or int(found[5]) % MINUTE):
        yield f"the period of a search is a multiple of 60: {found[5]}"
    elif len(expression) > LONGEST_SEARCH:
        yield f"a search has at most {LONGEST_SEARCH} characters"
