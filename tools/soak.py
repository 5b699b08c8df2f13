"""Property tests over many random schedules, on every core: `make soak N=5000`."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from rehearsal.play.output import whole_number

ROOT = Path(__file__).parents[1]
TESTS = "tests/rehearsal/play/test_properties.py"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("--schedules", default="5000", metavar="N", help="how many, over both ways of verifying")
    parser.add_argument("pytest", nargs="*", help="what else pytest is told, after --, such as -- --hypothesis-seed=1")
    options = parser.parse_args(arguments)
    schedules = whole_number("soak", "N", options.schedules)
    command = [sys.executable, "-m", "pytest", "-n", "auto", TESTS, *options.pytest]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "SCHEDULES": str(schedules)}).returncode


if __name__ == "__main__":
    sys.exit(main())
