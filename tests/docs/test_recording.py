"""The recorded session on top of the READMEs: a film of what the command printed, which needs nothing from elsewhere.
That it is current, test_generated holds."""

import re
from xml.etree import ElementTree

import pytest

from tests.docs import markdown
from tools import recording

PICTURE = "docs/images/session.svg"
# What rich sends for a view that is drawn, drawn again, and left.
WRITTEN = (
    "started\r\n\x1b[?25l\x1b[1mnightly\x1b[0m 0:00:01\r\nCtrl-C"
    "\r\x1b[2K\x1b[1A\x1b[2Know 0:00:02\r\n  the job\r\nCtrl-C"
    "\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2Know 0:00:09\r\n  the job\r\nCtrl-C"
    "\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2Know gone\r\n\x1b[?25hbye\r\n"
)


def frames_of_picture() -> list[list[str]]:
    """The words of each frame, by the height at which they stand in the strip."""
    root = ElementTree.fromstring(markdown.text(PICTURE))
    height = recording.ROWS * 24.4
    found: dict[int, dict[float, str]] = {}
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        row = float(text.attrib["y"])
        rows = found.setdefault(int(row // height), {})
        rows[row] = rows.get(row, "") + "".join(text.itertext()).replace("\xa0", " ")
    return [[*rows.values()] for _, rows in sorted(found.items())]


def test_a_frame_is_what_stands_on_the_terminal_before_it_is_erased() -> None:
    frames = [[row for row in rows if row] for rows in recording.frames(WRITTEN)]
    assert frames == [
        ["started", "\x1b[1mnightly\x1b[0m 0:00:01", "Ctrl-C"],
        ["started", "now 0:00:02", "  the job", "Ctrl-C"],
        ["started", "now 0:00:09", "  the job", "Ctrl-C"],
        ["started", "now gone", "bye"],
    ]


def test_of_frames_that_differ_in_times_and_sums_alone_the_last_is_shown() -> None:
    frames = recording.chosen(recording.frames(WRITTEN))
    assert [rows[1] for rows in frames] == ["\x1b[1mnightly\x1b[0m 0:00:01", "now 0:00:09", "now gone"]


def test_what_the_terminal_is_told_and_this_does_not_know_is_reported() -> None:
    with pytest.raises(ValueError, match="the terminal is told 5;5H"):
        list(recording.frames("a\x1b[5;5Hb"))


def test_the_film_shows_a_run_from_the_command_that_is_typed_to_its_end_and_its_cost() -> None:
    first, *_, last = frames_of_picture()
    assert first[0] == last[0] == f"$ {' '.join(recording.COMMAND)}"
    assert any(line.startswith("nightly  running") for line in first)
    assert any(line.startswith("the run succeeded after ") for line in last)
    assert last[-1] == "this was a rehearsal: nothing was started on AWS"
    working = [line for rows in frames_of_picture() for line in rows if line.startswith(">")]
    assert any("the job (" in line and "RUNNING" in line for line in working)
    assert max(len(line) for rows in frames_of_picture() for line in rows) <= recording.COLUMNS


def test_each_frame_is_seen_in_turn_and_without_animation_the_last() -> None:
    text, count = markdown.text(PICTURE), len(frames_of_picture())
    [still] = re.findall(r"\.s-strip\{transform:translateY\((-?[\d.]+)px\)", text)
    moves = [float(each) for each in re.findall(r"%\{transform:translateY\((-?[\d.]+)px\)\}", text)]
    assert moves == pytest.approx([-recording.ROWS * 24.4 * number for number in range(count)], abs=0.1)
    assert float(still) == moves[-1]
    assert "@media (prefers-reduced-motion:reduce){.s-strip{animation:none}}" in text


def test_the_film_loads_nothing_and_has_a_background_of_its_own_for_light_and_dark_pages() -> None:
    text = markdown.text(PICTURE)
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@import|@font-face|url\(|href|<script|<image|<foreignObject", text)
    [background] = re.findall(r'<rect width="100%" height="100%" rx="12" fill="(#\w{6})"', text)
    inks = set(re.findall(r"fill: (#\w{6})", text))
    assert inks
    for ink in inks:
        assert _contrast(ink, background) >= 4.5, ink  # WCAG 2, contrast (minimum)
    assert len(text) < 100_000


def _contrast(one: str, other: str) -> float:
    """WCAG 2, contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("readme", markdown.READMES)
def test_a_readme_shows_it_before_anything_is_explained(readme: str) -> None:
    [(words, place)] = [
        (match[1], match.start()) for match in re.finditer(rf"!\[([^\]]+)\]\({PICTURE}\)", markdown.text(readme))
    ]
    assert place < markdown.text(readme).index("\n## ")
    assert "lustre-batch run --rehearse" in words
