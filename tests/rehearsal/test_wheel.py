"""The rehearsal in the wheel: it plays far from a checkout, in a folder with nothing in it."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from lustre_batch.command import app
from typer.testing import CliRunner

from rehearsal.play.scenario import EXAMPLE
from rehearsal.provider.deployment import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# What a wheel is made of.
MADE_OF = ("pyproject.toml", "README.md", "LICENSE", "__main__.py", "Pulumi.yaml", "Pulumi.autoexport.yaml")
FOLDERS = ("components", "functions", "rehearsal", "examples/sample_job")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A folder with the package as pip installs it, made from a copy: nothing that an earlier build left is in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in MADE_OF:
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    offline = ["--no-deps", "--no-build-isolation", "--no-compile", "--target", str(folder / "site"), str(source)]
    done = subprocess.run([*pip, *offline], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    yield folder / "site"
    shutil.rmtree(folder)


def _run(installed: pathlib.Path, here: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, installed / "bin" / "lustre-batch", "rehearse", *arguments],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sample_job_is_rehearsed_from_a_folder_with_nothing_in_it(
    installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    played = _run(installed, tmp_path, "--json")
    assert played.returncode == 0, played.stdout + played.stderr
    facts = json.loads(played.stdout.splitlines()[-1])
    assert (facts["scenario"], facts["outcome"], facts["lost_files"]) == ("default", "SUCCEEDED", 0)
    assert facts["attempts"][0]["output"][0] == "part 1 of 20", "the sample job's script has run"
    assert list(tmp_path.iterdir()) == []
    assert played.stderr.count("Traceback") == 0


@pytest.mark.parametrize(
    ("folder", "package"), [("rehearsal", "lustre_batch_rehearsal"), ("components/lustre_batch", "lustre_batch")]
)
def test_whatever_is_read_is_in_the_wheel_and_may_be_executed_where_it_has_to(
    installed: pathlib.Path, folder: str, package: str
) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in tracked:
        there = installed / package / pathlib.Path(name).relative_to(folder)
        assert there.read_bytes() == (ROOT / name).read_bytes(), name
        assert os.access(there, os.X_OK) == os.access(ROOT / name, os.X_OK), name


def test_the_stack_program_and_the_sample_job_are_in_the_wheel(installed: pathlib.Path) -> None:
    packaged = installed / "lustre_batch_rehearsal"
    for folder, name in (("stack_program", "__main__.py"), ("stack_program", "Pulumi.yaml"), ("sample_job", "job.sh")):
        assert (packaged / folder / name).exists()


def test_the_rehearsal_never_imports_itself_by_the_name_it_has_in_the_repository() -> None:
    for path in (ROOT / "rehearsal").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) (rehearsal|lustre_batch_rehearsal)\b", path.read_text("utf-8"), re.M)


def test_a_mistake_is_said_under_the_name_of_what_was_typed_and_a_jobs_command_is_left_as_it_is(
    installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    refused = _run(installed, tmp_path, "--stack", "prod", "--command", "true", "--", "--help")
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith("lustre-batch rehearse: there is no stack 'prod'")


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lustre_batch.command._REHEARSAL", "rehearsal.__main__")
    monkeypatch.setitem(sys.modules, "rehearsal.play.output", None)
    result = CliRunner().invoke(app, ["rehearse", "--list"])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.endswith("pip install 'lustre-batch[rehearsal]'")


def test_the_example_says_what_to_type_where_the_package_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lustre_batch.command._REHEARSAL", "rehearsal.__main__")
    result = CliRunner().invoke(app, ["rehearse", "--example"])
    assert result.exit_code == 0
    assert "lustre-batch rehearse --scenario mine.yaml" in result.stdout
    assert len(result.stdout.splitlines()) == len(EXAMPLE.read_text("utf-8").splitlines())


def test_the_extra_takes_the_versions_that_are_tested_here() -> None:
    pins = dict(
        line.split("==")
        for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    for requirement in PROJECT["project"]["optional-dependencies"]["rehearsal"]:
        name, relation, version = re.split(r"(==|>=)", requirement)
        tested = tuple(map(int, pins[name].split(".")))
        wanted = tuple(map(int, version.split(".")))
        assert tested == wanted if relation == "==" else tested >= wanted, requirement
