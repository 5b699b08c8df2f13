"""Draws docs/images/report.png anew: the page of a real rehearsal, as Chromium shows it (`make picture`)."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path

from rehearsal.__main__ import main as rehearse
from tools.browser import browser, executable

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "report.png"
WIDTH, HEIGHT = 960, 2092
# Enough to see: Spot takes an instance, and the export goes on after the job.
SCENARIO = """
name: nightly
description: 1,500,000 small files, and an instance that Spot takes
job:
  runtime: 3000
  interruptions: [900]
  writes: [{over: 2900, files: 1500000, bytes_each: 10240}]
"""


def main() -> int:
    if executable() is None:
        print("make picture: there is no Chromium (make chromium)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        scenario, page = Path(folder) / "nightly.yaml", Path(folder) / "page.html"
        scenario.write_text(SCENARIO, "utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = rehearse(["--scenario", str(scenario), "--report", str(page)])
        if status != 0:
            print(said.getvalue(), file=sys.stderr)
            return status
        with browser() as chromium:
            seen = chromium.look(page, width=WIDTH, height=HEIGHT, picture=True)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_bytes(seen.picture)
    print(f"{PICTURE.relative_to(PICTURE.parents[2])}: {len(seen.picture) / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
