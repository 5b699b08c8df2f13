"""The page in headless Chromium: nothing is fetched, nothing is complained of, and nothing is wider than a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lustre_batch.operate import phases
from lustre_batch.report import page
from lustre_batch.report.story import Span

from tests.needs import lacks
from tests.report.stories import run, story
from tools import browser

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module", autouse=True)
def available() -> None:
    if browser.executable() is None:
        lacks("there is no Chromium (make chromium)")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    long = "a-name-of-eighty-characters-without-a-single-place-at-which-a-line-could-be-broken"
    several = story(run(facts={"lane": 1, "execution": f"arn:aws:states:us-east-1:123456789012:{long}"}), run(long))
    longest = max((*phases.RUN, *phases.CLEAN_UP), key=lambda phase: len(phase.words))
    spans = (*run().spans, Span(longest.name, longest.words, longest.kind, 2400.0, 2422.0))
    written = {
        "one": page.of(story(run(spans=spans, until=2422.0))),
        "several": page.of(several).replace("<details>", "<details open>"),
    }
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in written}


@pytest.fixture(scope="module")
def chromium(available: None) -> Iterator[browser.Browser]:
    with browser.browser() as started:
        yield started


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", ["one", "several"])
def test_it_fits_and_fetches_nothing_and_nothing_is_complained_of(
    chromium: browser.Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    seen = chromium.look(pages[name], width=width, dark=dark)
    assert seen.complaints == []
    assert [each for each in seen.requests if not each.startswith("data:")] == [pages[name].as_uri()]
    assert seen.measured["width"] == width
    assert seen.measured["needed"] <= width
    assert 0 < seen.measured["widest"] <= width
    assert seen.measured["cut"] == []
    assert seen.measured["drawn"] == (5 if name == "one" else 11)


def test_text_and_charts_follow_the_scheme_together(chromium: browser.Browser, pages: dict[str, Path]) -> None:
    light, dark = (chromium.look(pages["one"], width=PHONE, dark=each).measured for each in (False, True))
    assert light["paper"] == "rgb(255, 255, 255)"
    assert light["paper"] != dark["paper"]
    assert light["ink"] == light["drawnInk"] == "rgb(31, 35, 41)"
    assert dark["ink"] == dark["drawnInk"] == "rgb(230, 237, 244)"


def test_the_browser_would_notice_a_request_a_complaint_and_a_page_that_is_too_wide(
    chromium: browser.Browser, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text('<img src="missing.png"><div style="width: 700px">wide</div><script>console.error("no")</script>')
    seen = chromium.look(bad, width=PHONE)
    assert any(each.endswith("missing.png") for each in seen.requests)
    assert any("no" in each for each in seen.complaints)
    assert seen.measured["needed"] > PHONE
