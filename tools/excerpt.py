"""Shows what `make rehearse` prints: runs it, and keeps a few states of its timeline and its whole summary.

It shortens and must never write a line that the rehearsal did not print.
"""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = "100"
# What a reader needs to follow the story; each of them is in the timeline of the default rehearsal.
SHOWN = (
    "CreateFileSystem",
    "CreateAssociation",
    "SubmitJob",
    "CheckMetrics",
    "CreateExportTask",
    "DeleteFileSystem",
    "Succeeded",
)
_TIMELINE = re.compile(r"^ +\d+:\d\d:\d\d  (\w+)$")
# What differs from one rehearsal to the next: real time, and names with the random suffix of the stack in them.
_VARYING = re.compile(r"[\d.]+ s\b|(?<=: execution )\S+")


@functools.cache
def rehearsal() -> str:
    """What the default rehearsal prints, shortened, as a code block."""
    played = subprocess.run(
        [sys.executable, "-m", "rehearsal"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": COLUMNS, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if played.returncode:
        raise SystemExit(f"python -m rehearsal ended with status {played.returncode}\n{played.stdout}{played.stderr}")
    return "```text\n" + "\n".join(shortened(played.stdout.splitlines())) + "\n```"


def shortened(lines: list[str]) -> list[str]:
    """The lines without most states, and without what is said of repeated ones."""

    shown: set[str] = set()

    def is_shown(line: str) -> bool:
        """A state is shown when it is entered for the first time."""
        if not (state := _TIMELINE.match(line)):
            return "… polled" not in line
        name = state.group(1)
        new = name in SHOWN and name not in shown
        shown.add(name)
        return new

    return [line.rstrip() for line in lines if is_shown(line)]


def refreshed(current: str) -> str:
    """The excerpt, or what stands there already where nothing but real time and random names differ."""
    made = rehearsal()
    same = _VARYING.sub("", made) == _VARYING.sub("", current.strip())
    return current.strip() if same else made
