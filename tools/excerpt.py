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
# What another play prints differently: the real time it took, and names that follow from a random suffix.
_DIFFERS = re.compile(r"[\d.]+ s\b|(?<=execution )[0-9a-f-]{30,}")


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

    def is_shown(line: str) -> bool:
        state = _TIMELINE.match(line)
        return state.group(1) in SHOWN if state else "… polled" not in line

    return [line.rstrip() for line in lines if is_shown(line)]


def refreshed(current: str) -> str:
    """The excerpt, or what stands there already where only that differs which differs every time."""
    made = rehearsal()
    same = _DIFFERS.sub("", made) == _DIFFERS.sub("", current.strip())
    return current.strip() if same else made
