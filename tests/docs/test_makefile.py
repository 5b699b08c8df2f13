"""What `make` does before there is an environment: a Python that is too old gives one line, no more."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.docs import markdown

OLD = """#!/bin/sh
case $1 in
--version) echo "Python 3.9.18" ;;
-c) exit 1 ;;
*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `make` reads first, and a `python3` that is version 3.9."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(markdown.ROOT / name, tmp_path)
    old = tmp_path / "old" / "python3"
    old.parent.mkdir()
    old.write_text(OLD)
    old.chmod(0o755)
    return tmp_path


def make(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    path = f"{checkout / 'old'}:{os.environ['PATH']}"
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_too_old_gives_one_line_and_leaves_nothing_behind(checkout: Path) -> None:
    before = sorted(checkout.iterdir())
    made = make(checkout, "rehearse")
    assert made.returncode
    assert made.stdout == ""
    [line] = made.stderr.splitlines()
    assert "Python 3.11 or later is needed, but python3 is Python 3.9.18" in line
    assert "try: make rehearse PYTHON=python3.11" in line
    assert sorted(checkout.iterdir()) == before


def test_a_python_that_is_not_there_gives_one_line_too(checkout: Path) -> None:
    [line] = make(checkout, "test", "PYTHON=python3.999").stderr.splitlines()
    assert "python3.999 is not installed" in line


def test_an_environment_of_a_python_that_is_too_old_is_created_anew(checkout: Path) -> None:
    subprocess.run([checkout / "old" / "python3", "-m", "venv"], cwd=checkout, check=True)
    # Whatever is installed into it fails: no package index is asked.
    (checkout / "requirements.txt").write_text("--no-index\nno-such-package\n")
    make(checkout, ".venv/.installed", f"PYTHON={shutil.which('python3')}")
    version = subprocess.run([checkout / ".venv/bin/python", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout != "Python 3.9.18\n"


def test_the_makefile_needs_the_python_that_the_package_needs() -> None:
    [needed] = re.findall(r"^NEEDED := (.*)$", markdown.text("Makefile"), re.M)
    project = tomllib.loads(markdown.text("pyproject.toml"))["project"]
    assert project["requires-python"] == f">={needed}"
