"""Records docs/images/session.svg (`make recording`): `lustre-batch run --rehearse` in a pseudo-terminal, as somebody
sees it. Owns the little of a terminal that the live view needs, and the film strip that is made of it.

Nothing in the picture is typed by hand, and nothing in it is loaded from elsewhere: no font, no script, no link.
"""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "session.svg"
COMMAND = ("lustre-batch", "run", "--rehearse", "--name", "nightly")
COLUMNS, ROWS = 96, 25
FRAME_SECONDS, LAST_FRAME_SECONDS = 0.9, 6.0

# What the live view sends (rich, "Live display"): colours, up a row, erase a row, hide and show the cursor.
_PIECES = re.compile(r"\x1b\[(?P<given>[0-9;?]*)(?P<code>[A-Za-z])|(?P<end>\n)|(?P<return>\r)|(?P<text>[^\x1b\r\n]+)")
_VARYING = re.compile(r"\x1b\[[0-9;]*m|\d+:\d\d:\d\d|\$\d+\.\d\d")
# The ends of rows, and clips for what does not fit into one: here everything does.
_UNSEEN = re.compile(r'<text [^>]*>(?:\s|&#160;)*</text>\n?| clip-path="[^"]*"')
# rich's own measures (rich.console, export_svg): a character is 20 high, a line 1.22 times that.
_LINE, _CHARACTER = 20 * 1.22, 20 * 0.61
_MARGIN = 24
_THEME = TerminalTheme(
    background=(13, 17, 23),
    foreground=(230, 237, 243),
    normal=[
        *((72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34)),
        *((88, 166, 255), (188, 140, 255), (86, 212, 221), (177, 186, 196)),
    ],
)


def recorded() -> str:
    """Everything that the command writes to its terminal.

    Raises
    ------
    SystemExit
        When it fails.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
            os.environ.pop(name, None)
        os.environ.update(TERM="xterm-256color", COLUMNS=f"{COLUMNS}", LINES=f"{ROWS}")
        program = Path(sys.executable).with_name(COMMAND[0])
        os.execv(program, COMMAND)
    written = b""
    try:
        while data := os.read(terminal, 65536):
            written += data
    except OSError:  # the terminal is gone with its process
        pass
    finally:
        os.close(terminal)
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise SystemExit(f"{' '.join(COMMAND)} ended with status {status}\n{written.decode()}")
    return written.decode()


def frames(written: str) -> Iterator[list[str]]:
    """What stands on the terminal whenever something is about to be erased, and at the end: its rows, with colours.

    Raises
    ------
    ValueError
        When the terminal is told something that is not known here.
    """
    rows, row, drawn = [""], 0, False
    for piece in _PIECES.finditer(written):
        match piece["code"] or piece.lastgroup, piece["given"]:
            case "text", _:
                rows[row] += piece["text"]
                drawn = True
            case "m", _:
                rows[row] += piece.group()
            case "end", _:
                drawn = True
                row += 1
                rows += [""] * (row + 1 - len(rows))
            case "return", _:
                pass  # before the end of a row, or before it is erased
            case "A", up:
                row -= int(up or 1)
            case "K", "2":
                if drawn:
                    yield rows[-ROWS:]
                rows[row], drawn = "", False
            case "h" | "l", "?25":
                pass
            case code, given:
                raise ValueError(f"the terminal is told {given}{code}, which this does not know")
    yield rows[-ROWS:]


def chosen(each: Iterator[list[str]]) -> list[list[str]]:
    """Of those that differ in times and sums alone, the last."""
    found: dict[str, list[str]] = {}
    for rows in each:
        said = _VARYING.sub("", "\n".join(rows))
        found.pop(said, None)
        found[said] = rows
    return [*found.values()]


def film(each: list[list[str]]) -> str:
    """The frames one below the other, of which one is seen at a time; without animation, the last."""
    console = Console(
        file=io.StringIO(), record=True, width=COLUMNS, height=ROWS, force_terminal=True, color_system="truecolor"
    )
    for rows in each:
        for line in [*rows, *[""] * ROWS][:ROWS]:
            row = Text.from_ansi(line)
            row.rstrip()
            console.print(row, no_wrap=True)
    svg = console.export_svg(theme=_THEME, code_format="{styles}\0{matrix}", unique_id="s")
    styles, matrix = svg.split("\0")
    matrix = _UNSEEN.sub("", matrix)
    total = FRAME_SECONDS * (len(each) - 1) + LAST_FRAME_SECONDS
    height, width = ROWS * _LINE, COLUMNS * _CHARACTER
    moves = "".join(
        f"{100 * FRAME_SECONDS * number / total:.2f}%{{transform:translateY({-height * number:.1f}px)}}"
        for number in range(len(each))
    )
    last = f"transform:translateY({-height * (len(each) - 1):.1f}px)"
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 2 * _MARGIN:.0f} {height + 2 * _MARGIN:.0f}" role="img">
<title>{" ".join(COMMAND)}</title>
<style>
text{{font:20px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}}
{re.sub(r"^ +", "", styles, flags=re.M)}
.s-strip{{{last};animation:play {total:.1f}s step-end infinite}}
@keyframes play{{{moves}}}
@media (prefers-reduced-motion:reduce){{.s-strip{{animation:none}}}}
</style>
<rect width="100%" height="100%" rx="12" fill="{_THEME.background_color.hex}" stroke="#30363d" stroke-width="2"/>
<svg x="{_MARGIN}" y="{_MARGIN}" width="{width:.1f}" height="{height:.1f}" overflow="hidden">
<g class="s-strip">
{matrix}
</g>
</svg>
</svg>
"""


def picture() -> str:
    """docs/images/session.svg."""
    typed = f"\x1b[1m$ {' '.join(COMMAND)}\x1b[0m\n"
    return film([*chosen(frames(typed + recorded()))])


def main() -> int:
    PICTURE.write_text(made := picture(), "utf-8")
    print(f"{PICTURE.relative_to(ROOT)}: {len(made) / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
