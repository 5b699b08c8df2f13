"""Property tests over many random schedules, on every core: `make soak N=5000`. For every 25 schedules of one run there
is one of several."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from rehearsal.play.output import whole_number

ROOT = Path(__file__).parents[1]
TESTS = ("tests/rehearsal/play/test_properties.py", "tests/rehearsal/play/test_crowds.py")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--schedules", default="5000", metavar="N", help="how many, over both ways of verifying")
    parser.add_argument("pytest", nargs="*", help="what else pytest is told, after --, such as -- --hypothesis-seed=1")
    options = parser.parse_args(arguments)
    schedules = whole_number("soak", "N", options.schedules)
    both = 2 * max(1, schedules // 2)  # half of them for each way of verifying
    print(f"playing {both:,} schedules", flush=True)
    # What pytest prints about its workers helps nobody; a schedule that fails is in its report.
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", *TESTS, *options.pytest]
    played = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "SCHEDULES": str(schedules)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if played.returncode:
        print(played.stdout, end="")
    else:
        print(f"{both:,} schedules played, none failed")
    return played.returncode


if __name__ == "__main__":
    sys.exit(main())
