"""The charts of the page: Vega-Lite specifications as data. Owns what a chart shows, and never what is true."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from ..operate import phases
from ..operate.screen import clock_time
from .drawing import BAD, COLOURS, FAINT, INK, WIDTHS, duration, x_axis
from .story import KEPT, KINDS, Attempt, Run, Story

_ROW: Final = 31
_BAR: Final = 12
_MOST_ROWS: Final = 60
MOST_POINTS: Final = 400

Value = TypeVar("Value")


def _rows(rows: list[str], width: int) -> dict[str, Any]:
    """A row for each, with its words above the bars: on a phone there is no room beside them."""
    size = 11 if width == WIDTHS["narrow"] else 12
    label = {
        "labelFontSize": size,
        "labelAlign": "left",
        "labelBaseline": "bottom",
        "labelPadding": -4,
        "labelOffset": -3,
    }
    return {
        "field": "row",
        "type": "nominal",
        "sort": rows,
        "axis": {"title": None, "ticks": False, "domain": False, **label, "labelFontSize": size}
        # The page's font may be wider than that by which the drawing measures.
        | {"labelLimit": round(0.86 * width)},
    }


def _kinds(values: Iterable[dict[str, Any]], size: str) -> dict[str, Any]:
    used = {value["kind"] for value in values}
    shown = [kind for kind in KINDS if kind in used]
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": shown, "range": [COLOURS[kind] for kind in shown]},
        "legend": {"orient": "top", "title": None, "columns": 3 if size == "narrow" else len(KINDS)},
    }


def _bars(values: list[dict[str, Any]], rows: list[str], until: float, size: str) -> dict[str, Any]:
    width = WIDTHS[size]
    return {
        "width": width,
        "height": {"step": _ROW},
        "data": {"values": values},
        "mark": {"type": "bar", "height": _BAR, "yOffset": 6},
        "encoding": {
            "y": _rows(rows, width),
            "x": x_axis(until, width),
            "x2": {"field": "ended"},
            "color": _kinds(values, size),
            "description": {"field": "told"},
        },
    }


def of_phases(run: Run, size: str) -> dict[str, Any]:
    """A row for each phase, in the order in which they first came."""
    seconds: dict[str, float] = {}
    for span in run.spans:
        seconds[span.words] = seconds.get(span.words, 0.0) + span.seconds
    rows = {words: f"{words}, {duration(total)}" for words, total in seconds.items()}  # some are too short to be seen
    values = [
        {
            "row": rows[span.words],
            "kind": span.kind,
            "began": span.began,
            "ended": span.ended,
            "told": f"{span.words}: {span.kind} from {clock_time(span.began)} to {clock_time(span.ended)}",
        }
        for span in run.spans
    ]
    return _bars(values, list(rows.values()), run.until, size)


def of_lanes(story: Story, size: str) -> dict[str, Any]:
    """A row for each run, lane by lane."""
    runs = sorted(story.runs, key=lambda run: (run.lane is None, run.lane or 0, run.began))[:_MOST_ROWS]
    rows, values = [], []
    for run in runs:
        row = f"lane {run.lane}: {run.name}" if run.lane is not None else f"no lane: {run.name}"
        rows.append(row)
        values += [
            {
                "row": row,
                "kind": span.kind,
                "began": span.began,
                "ended": span.ended,
                "told": f"{run.name}, {span.words}: {span.kind} from {clock_time(span.began)} "
                f"to {clock_time(span.ended)}",
            }
            for span in run.spans
        ]
    return _bars(values, rows, story.until, size)


def of_attempts(run: Run, size: str) -> dict[str, Any]:
    """A bar for each attempt that began, and a mark where Spot ended one."""
    width = WIDTHS[size]
    values = [
        {
            "row": one.label,
            "began": one.ended if one.began is None else one.began,
            "ended": one.ended,
            "end": _how_it_ended(one),
            "told": f"{one.label}: {one.words}",
        }
        for one in run.attempts[:_MOST_ROWS]
    ]
    ends = {
        "succeeded": COLOURS[phases.WORKING],
        "runs": COLOURS[phases.DRAINING],
        "failed": BAD,
        "ended by Spot": COLOURS[KEPT],
    }
    shown = [end for end in ends if any(value["end"] == end for value in values)]
    colour = {
        "field": "end",
        "type": "nominal",
        "scale": {"domain": shown, "range": [ends[end] for end in shown]},
        "legend": {"orient": "top", "title": None, "columns": 3},
    }
    y = _rows(list(dict.fromkeys(str(value["row"]) for value in values)), width)
    x = x_axis(run.until, width)
    return {
        "width": width,
        "height": {"step": _ROW},
        "data": {"values": values},
        "encoding": {"y": y, "x": x, "color": colour, "description": {"field": "told"}},
        "layer": [
            {"mark": {"type": "bar", "height": _BAR, "yOffset": 6}, "encoding": {"x2": {"field": "ended"}}},
            {
                "transform": [{"filter": "datum.end === 'ended by Spot'"}],
                "mark": {"type": "text", "text": "✕ Spot", "align": "left", "dx": 4, "dy": 6},
                "encoding": {"x": {**x, "field": "ended"}, "color": {"value": INK}},
            },
        ],
    }


def _how_it_ended(attempt: Attempt) -> str:
    if attempt.reclaimed:
        return "ended by Spot"
    return "runs" if attempt.running else "succeeded" if attempt.succeeded else "failed"


def of_series(run: Run, unit: str, size: str) -> dict[str, Any]:
    """What adds up."""
    shown = [one for one in run.series if one.unit == unit]
    values = [
        {"series": one.words, "began": at, "value": value, "place": place}
        for one in shown
        for place, (at, value) in enumerate(_stretched(thinned(one.points), run.until))
    ]
    # Work of the job and work of the export have the colours that these have everywhere.
    scale = {
        "domain": [one.words for one in shown],
        "range": [COLOURS[phases.WORKING], COLOURS[phases.DRAINING]][: len(shown)],
    }
    width = WIDTHS[size]
    return {
        "width": width,
        "height": 150,
        "data": {"values": values},
        "mark": {"type": "line", "aria": False, "strokeWidth": 2},
        "encoding": {
            "order": {"field": "place"},
            "x": x_axis(run.until, width),
            "y": {
                "field": "value",
                "type": "quantitative",
                "axis": {"title": unit, "format": "~s", "tickCount": 5},
            },
            "color": {
                "field": "series",
                "type": "nominal",
                "scale": scale,
                "legend": {"orient": "top", "title": None},
            },
            # Where one lies on the other, both are seen.
            "strokeDash": {"field": "series", "scale": {"domain": scale["domain"], "range": [[1, 0], [6, 4]]}},
        },
    }


def of_ages(run: Run, size: str) -> dict[str, Any]:
    """Each datapoint at the end of its minutes, a line to when it became readable, and what the clean-up made of it."""
    width = WIDTHS[size]
    points = [
        {
            "began": one.at,
            "ended": min(one.readable_at or one.at, run.until),
            "age": one.age_seconds,
            "readable": one.readable_at is not None and one.readable_at <= run.until,
        }
        for one in thinned(run.ages)
    ]
    looks = [{"began": one.at, "said": "empty" if one.is_empty else "not yet"} for one in run.looks]
    x = x_axis(run.until, width)
    oldest = max(60.0, *(one.age_seconds for one in run.ages))
    y = {
        "field": "age",
        "type": "quantitative",
        "axis": {"title": "seconds", "tickCount": 5},
        "scale": {"domain": [0, oldest]},
    }
    readable = COLOURS[phases.DRAINING]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": looks},
            "mark": {"type": "rule", "aria": False, "strokeDash": [3, 3]},
            "encoding": {
                "x": x,
                "color": {
                    "field": "said",
                    "type": "nominal",
                    "scale": {"domain": ["not yet", "empty"], "range": [FAINT, COLOURS[phases.WORKING]]},
                    "legend": {"orient": "top", "title": "the clean-up asks, and is told"} if looks else None,
                },
            },
        },
        {
            "data": {"values": points},
            "mark": {"type": "rule", "aria": False, "color": readable, "strokeWidth": 1},
            "encoding": {"x": x, "x2": {"field": "ended"}, "y": y},
        },
        {
            "data": {"values": points},
            "mark": {
                "type": "point",
                "aria": False,
                "size": 12,
                "filled": True,
                "color": COLOURS[phases.WORKING],
                "opacity": 1,
            },
            "encoding": {"x": x, "y": y},
        },
    ]
    if any(point["readable"] for point in points):
        layers.append(
            {
                "data": {"values": [point for point in points if point["readable"]]},
                "mark": {"type": "tick", "aria": False, "color": readable, "thickness": 2, "size": 8},
                "encoding": {"x": {**x, "field": "ended"}, "y": y},
            }
        )
    return {"width": width, "height": 150, "layer": layers}


def of_costs(run: Run, size: str) -> dict[str, Any]:
    """One bar, cut by what the money went to."""
    dollars = run.dollars
    values = [
        {"kind": kind, "dollars": round(amount, 4), "order": place, "told": f"{kind}: ${amount:.2f}"}
        for place, (kind, amount) in enumerate(dollars.items())
    ]
    return {
        "width": WIDTHS[size],
        "height": 24,
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {
                "field": "dollars",
                "type": "quantitative",
                "stack": "zero",
                "scale": {"nice": False},
                "axis": {"title": "dollars, list prices", "format": "$.2f", "tickCount": 4},
            },
            "color": _kinds(values, size),
            "order": {"field": "order"},
            "description": {"field": "told"},
        },
    }


def thinned(points: Sequence[Value]) -> list[Value]:
    """So many that a drawing needs no more, evenly, the first and the last among them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    return [points[round(place * (len(points) - 1) / (MOST_POINTS - 1))] for place in range(MOST_POINTS)]


def _stretched(points: Iterable[tuple[float, float]], until: float) -> list[tuple[float, float]]:
    """From nothing at the start until the end."""
    found = [(0.0, 0.0), *points]
    return [*found, (until, found[-1][1])] if found[-1][0] < until else found
