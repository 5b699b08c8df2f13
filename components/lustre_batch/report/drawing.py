"""How a chart is drawn: colours, sizes, the axis of time, and SVG of a Vega-Lite specification, by vl-convert. Colours
are those of a light page; the page's style gives each its dark one. Nothing is fetched: every chart carries its data.
"""

from __future__ import annotations

import math
import re
from html import escape
from importlib.util import find_spec
from typing import Any, Final

from ..operate import phases
from .story import DELETING, IDLE, KEPT

# Grey is waiting, in three shades; colours are work. The page's style has the dark ones.
COLOURS: Final = {
    phases.WAITING: "#afb8c1",
    phases.WORKING: "#0969da",
    phases.DRAINING: "#1a7f37",
    IDLE: "#6e7782",
    DELETING: "#d4cdbf",
    KEPT: "#bc4c00",
}
INK, FAINT, LINE = "#1f2329", "#59646f", "#d0d7df"
BAD = "#cf222f"
_FONT: Final = "system-ui, sans-serif"
# Two drawings of each chart: the style shows the one that fits.
WIDTHS: Final = {"narrow": 358, "wide": 900}


class NoCharts(Exception):
    """The library that draws is not installed."""


def check() -> None:
    """Raise NoCharts before anything is done that takes long."""
    if find_spec("vl_convert") is None:
        raise NoCharts("the page needs vl-convert-python: pip install 'lustre-batch[report]'")


def svg(spec: dict[str, Any], name: str, words: str) -> str:
    """The drawing of a chart, with what it shows in words for who cannot see it.

    Raises
    ------
    NoCharts
        When the library is not there.
    """
    check()
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(_with_style(spec), vl_version=VEGA_LITE, allowed_base_urls=[])
    # Within HTML it needs no namespaces; it is as wide as there is room, and no wider than it was drawn.
    drawn = re.sub(r' xmlns(:xlink)?="[^"]*"| class="marks"', "", drawn, count=3)
    drawn = re.sub(r' aria-roledescription="[^"]*(container|mark)"', "", drawn)
    drawn = re.sub(r"(\.\d\d)\d+(?=[^<]*>)", r"\1", drawn)  # in attributes, not in text
    head = f'<svg role="graphics-document" aria-label="{escape(name)}"'
    return drawn.replace("<svg", head, 1).replace(">", f"><desc>{escape(words)}</desc>", 1)


# The version whose grammar the specifications are written in; vl-convert carries several.
VEGA_LITE: Final = "5.21"


def _with_style(spec: dict[str, Any]) -> dict[str, Any]:
    axis = {"labelColor": INK, "titleColor": FAINT, "domainColor": FAINT, "tickColor": FAINT, "gridColor": LINE}
    text = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": None,
        "padding": 4,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": _FONT,
            "view": {"stroke": None},
            "axis": axis | text,
            "legend": {"labelColor": INK, "titleColor": FAINT} | text,
            "text": {"color": INK, "fontSize": 12},
        },
        **spec,
    }


def time_axis(until: float, width: int) -> dict[str, Any]:
    """Hours and minutes since the start, at round moments."""
    most = max(2, width // 90)
    steps = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 2 * 86400, 7 * 86400]
    step = next((one for one in steps if until / one <= most), 30 * 86400)
    seconds = "+':'+format(datum.value%60,'02d')" if step < 60 else ""
    return {
        "values": [step * number for number in range(math.floor(until / step) + 1)],
        "labelExpr": f"format(floor(datum.value/3600),'d')+':'+format(floor(datum.value%3600/60),'02d'){seconds}",
        "title": "hours and minutes since the start" if step >= 60 else "time since the start",
        "grid": True,
    }


def x_axis(until: float, width: int) -> dict[str, Any]:
    return {
        "field": "began",
        "type": "quantitative",
        "scale": {"domain": [0, until], "nice": False},
        "axis": time_axis(until, width),
    }


def duration(seconds: float) -> str:
    """How long something took, in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 and whole % 60 else "")
    return f"{whole // 3600} h" + (f" {minutes} min" if (minutes := whole // 60 % 60) else "")
