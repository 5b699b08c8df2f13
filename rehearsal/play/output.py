"""How anything is printed. Owns the console, lines that are never broken inside a word, and plain characters for
terminals that know no others."""

from __future__ import annotations

import codecs
import contextlib
import io
import sys
import textwrap

from rich.console import Console
from rich.text import Text

NARROWEST = 20  # of a column of text
PLAIN = {
    "─": "-",
    "│": "|",
    "┆": ":",
    "█": "#",
    "└": "+",
    "…": "...",
    "→": "->",
    "·": "-",
    "×": "x",
    "’": "'",
    "“": '"',
    "”": '"',
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


codecs.register_error("rehearsal.plain", _plain)


def console(stderr: bool = False) -> Console:
    """A console on standard output, or on standard error, that prints whatever the stream can encode."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="rehearsal.plain")
    return Console(stderr=stderr, highlight=False)


def print_rows(target: Console, rows: list[tuple[str, str]], margin: int = 2) -> None:
    """Names and texts in two columns, or each text below its name where two columns do not fit; a word that is longer
    than its line, such as an ARN, stays in one piece."""
    indent = margin + max(len(name) for name, _ in rows) + 2
    if below := target.width - indent < NARROWEST:
        indent = margin + 2
    for name, text in rows:
        if below:
            target.print(Text(f"{'':<{margin}}{name}", style="bold"), soft_wrap=True)
        lines = [
            line
            for paragraph in text.splitlines() or [""]
            for line in textwrap.wrap(
                paragraph,
                max(NARROWEST, target.width - indent),
                break_long_words=False,
                break_on_hyphens=False,
            )
            or [""]
        ]
        for number, line in enumerate(lines):
            head = Text(f"{'':<{margin}}{name if number == 0 and not below else '':<{indent - margin}}", style="bold")
            target.print(head.append(Text(line, style="not bold")), soft_wrap=True)


def whole_number(program: str, option: str, text: str) -> int:
    """A number of at least 1; anything else ends the program with one line."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        print(f"{program}: {option} {text}: must be a whole number of at least 1", file=sys.stderr)
        raise SystemExit(2)
    return int(text)
