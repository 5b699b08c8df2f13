"""What is printed can be read on any terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from rehearsal.play.output import print_rows, whole_number


def printed(width: int, rows: list[tuple[str, str]]) -> list[str]:
    written = io.StringIO()
    print_rows(Console(file=written, width=width), rows)
    return written.getvalue().splitlines()


def test_columns_line_up_and_texts_are_wrapped_between_words() -> None:
    lines = printed(40, [("name", "a text of several words that needs two lines"), ("longer name", "text")])
    assert lines == [
        "  name         a text of several words",
        "               that needs two lines",
        "  longer name  text",
    ]


def test_an_arn_that_is_longer_than_the_line_stays_in_one_piece() -> None:
    arn = "arn:aws:states:us-east-1:123456789012:execution:lustre-batch-run:0123456789"
    assert any(line.strip() == arn for line in printed(40, [("arn", f"see {arn} for more")]))


@pytest.mark.parametrize("text", ["0", "-1", "abc", "1.5", "", "1 2", "²"])
def test_a_number_that_is_none_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as caught:
        whole_number("soak", "N", text)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines() == [f"soak: N {text}: must be a whole number of at least 1"]
