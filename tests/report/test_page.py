"""The page: one file with everything in it, which says what the story says; and the trace."""

from __future__ import annotations

import csv
import dataclasses
import html
import html.parser
import importlib.util
import io
import re
import sys
from typing import Any

import pytest
from lustre_batch.operate import phases
from lustre_batch.report import charts, drawing, facts, page
from lustre_batch.report.story import KINDS, Span

from tests.report.stories import SYSTEM, run, story


class Parts(html.parser.HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br", "path", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]


@pytest.fixture(scope="module")
def text() -> str:
    return page.of(story())


def test_the_page_loads_nothing_and_runs_nothing(text: str) -> None:
    parts = Parts(text)
    assert not parts.all("script")
    loaded = [attributes.get(key) for _, attributes in parts.elements for key in ("src", "href", "xlink:href")]
    assert [each for each in loaded if each is not None] == ["data:,"]
    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"@import|url\(", text)
    assert not [key for _, attributes in parts.elements for key in attributes if key.startswith("on")]


def test_it_is_for_phones_and_for_dark_rooms_too(text: str) -> None:
    named = {attributes.get("name"): attributes.get("content") for attributes in Parts(text).all("meta")}
    assert named["viewport"] == "width=device-width, initial-scale=1"
    assert named["color-scheme"] == "light dark"
    assert "@media (prefers-color-scheme: dark)" in text


def test_every_colour_of_a_chart_has_a_dark_one(text: str) -> None:
    drawn = "".join(re.findall(r"<svg.*?</svg>", text, re.S))
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', drawn))
    assert used
    assert used <= set(page._DARK), used - set(page._DARK)


def test_every_chart_is_drawn_for_phone_and_desk_and_says_what_it_shows(text: str) -> None:
    drawn = [one for one in Parts(text).all("svg") if one.get("role") == "graphics-document"]
    assert [one["class"] for one in drawn] == ["narrow", "wide"] * (len(drawn) // 2)
    assert [one["aria-label"] for one in drawn[::2]] == [
        "Phases of the run",
        "Job attempts",
        "files over time",
        "Age of the oldest change in the queue",
        "Cost",
    ]
    assert len(re.findall(r"<svg[^>]*><desc>[^<]{10,}</desc>", text)) == len(drawn)


def test_it_names_every_phase_in_the_words_of_the_command_and_marks_what_spot_ended(text: str) -> None:
    said = Parts(text).text
    for span in run().spans:
        assert span.words in said
    assert "2 attempts, 1 of them ended by Spot" in said
    assert "✕ Spot" in text


def test_the_words_of_every_phase_are_drawn_whole_on_a_phone_too() -> None:
    known = (*phases.RUN, *phases.CLEAN_UP)
    long = run(spans=tuple(Span(one.name, one.words, one.kind, 0.0, 35_999.0) for one in known), until=36_000.0)
    for size in drawing.WIDTHS:
        drawn = drawing.svg(charts.of_phases(long, size), "Phases", "of a run")
        assert "…" not in drawn
        assert all(html.escape(f"{one.words}, 9 h 59 min", quote=False) in drawn for one in known)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (65, "1 min 5 s"),
        (605, "10 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (9000, "2 h 30 min"),
    ],
)
def test_a_duration_has_units_where_an_axis_of_hours_is_near(seconds: float, said: str) -> None:
    assert drawing.duration(seconds) == said


def test_an_attempt_that_goes_on_is_not_told_as_one_that_ended() -> None:
    goes_on = dataclasses.replace(run().attempts[1], succeeded=False, running=True, words="it runs")
    legend = re.findall(r">([a-z ]+Spot|runs|succeeded|failed)<", page.of(story(run(attempts=(goes_on,)))))
    assert set(legend) == {"runs"}


def test_it_says_when_the_deletion_was_decided_and_why_and_when_datapoints_became_readable(text: str) -> None:
    said = Parts(text).text
    assert "After 0:33:30: fs-0123456789abcdef0 is deleted" in said
    assert "the export queue: it was empty" in said
    assert "became readable, at most 0:01:30 later" in said


def test_what_is_said_is_escaped(text: str) -> None:
    assert "too early &lt;to say&gt;" in text
    assert "created &amp; linked" in text
    assert "<b>" not in page.of(story(run("<b>x</b>", cause="<b>why</b>")))


def test_each_known_fact_is_a_row_with_its_unit_and_the_others_are_named(text: str) -> None:
    said = Parts(text).text
    assert "files and links in the bucketexported_files500" in said
    assert "deleting_dollars$0.0380" in said
    assert re.search(r"Never was, or is not known: [^.]*drained_at", said)


def test_a_kept_file_system_says_what_it_costs_a_day() -> None:
    kept = run(file_system=dataclasses.replace(SYSTEM, billed_until=10_000.0, is_there=True))
    assert "and still there, a day$8.64" in Parts(page.of(story(kept))).text


def test_several_runs_are_lanes_with_a_row_each_and_details_of_the_first() -> None:
    runs = [run(f"run-{number}", facts={"outcome": "SUCCEEDED", "lane": 2 - number % 2}) for number in range(3)]
    bare: dict[str, Any] = {"attempts": (), "series": (), "ages": (), "looks": (), "spans": (), "file_system": None}
    more = [run(f"more-{number}", **bare) for number in range(page.MOST_RUNS)]
    told = page.of(story(*runs, *more))
    parts = Parts(told)
    assert "15 runs in 2 lanes" in parts.text
    drawn = next(one for one in re.findall(r"<svg.*?</svg>", told, re.S))
    rows = re.findall(r">(lane \d: run-\d)<", drawn)
    assert rows == ["lane 1: run-1", "lane 2: run-0", "lane 2: run-2"]
    assert len(re.findall(r"<summary>(?:run|more)-\d+", told)) == page.MOST_RUNS
    assert "3 more runs have a line in the table above" in parts.text


def test_what_is_not_known_is_said() -> None:
    told = page.of(story(run(unknown=("When each datapoint became readable.",), ages=())))
    assert "What is not known\nWhen each datapoint became readable." in Parts(told).text


def test_without_the_library_that_draws_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(drawing, "find_spec", lambda name: None if name == "vl_convert" else find(name))
    with pytest.raises(drawing.NoCharts, match=r"pip install 'lustre-batch\[report\]'"):
        page.of(story())


def test_the_library_that_draws_is_imported_only_to_draw() -> None:
    assert "vl_convert" in sys.modules  # by the tests above
    names = [name for name, module in vars(drawing).items() if getattr(module, "__name__", "") == "vl_convert"]
    assert names == []


def test_a_long_story_is_thinned_out_evenly_with_both_of_its_ends() -> None:
    kept = charts.thinned(range(100_000))
    assert (len(kept), kept[0], kept[-1]) == (charts.MOST_POINTS, 0, 99_999)
    assert charts.thinned([1, 2, 3]) == [1, 2, 3]


def test_the_trace_has_a_line_a_run_and_the_same_columns_whatever_is_known() -> None:
    lines = list(csv.reader(io.StringIO(facts.trace(story(run(), run("bare", facts={}, file_system=None))))))
    assert lines[0] == [column.key for column in facts.COLUMNS]
    assert [len(line) for line in lines] == [len(facts.COLUMNS)] * 3
    first = dict(zip(*lines[:2], strict=True))
    assert (first["run"], first["lane"], first["attempts"], first["reclaimed_attempts"]) == ("nightly", "1", "2", "1")
    bare = dict(zip(lines[0], lines[2], strict=True))
    assert {key for key, value in bare.items() if value} == {"run"}


def test_every_kind_of_time_has_a_column_for_its_cost() -> None:
    keys = [column.key for column in facts.COLUMNS]
    assert len(keys) == len(set(keys))
    assert {f"{kind}_dollars" for kind in KINDS} <= set(keys)


def test_a_fact_without_a_column_is_refused() -> None:
    with pytest.raises(KeyError, match="no column is called nonsense"):
        facts.of(run(facts={"nonsense": 1}))
