"""`make compare`, `make soak` and `make bench`: what they take, print and write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.play import compare
from tools import bench, soak


@pytest.fixture
def readmes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """READMEs with an old table, and a comparison that takes no time."""
    paths = [tmp_path / "README.md", tmp_path / "README.ja.md"]
    for path in paths:
        path.write_text("before\n<!-- comparison -->\nold\n<!-- /comparison -->\nafter\n")
    column = compare.Column("one", runs=3, idle_seconds=[60.0], transitions=[10], dollars=[1.0])
    monkeypatch.setattr(compare, "ROOT", tmp_path)
    monkeypatch.setattr(compare, "compare", lambda schedules: (column, column))
    return paths


def test_a_comparison_is_printed_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], readmes: list[Path]
) -> None:
    compare.main(["--schedules", "3"])
    assert "| over 3 schedules |" in capsys.readouterr().out
    assert all("old" in path.read_text() for path in readmes)


def test_a_comparison_is_written_when_that_is_asked_for(readmes: list[Path]) -> None:
    compare.main(["--schedules", "3", "--write"])
    for path in readmes:
        assert "old" not in path.read_text()
        assert path.read_text().startswith("before\n<!-- comparison -->\n|")
        assert path.read_text().endswith("\n<!-- /comparison -->\nafter\n")


@pytest.mark.parametrize("program", [compare.main, soak.main])
@pytest.mark.parametrize("number", ["0", "abc"])
def test_a_number_of_schedules_that_is_none_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], program: object, number: str
) -> None:
    assert callable(program)
    with pytest.raises(SystemExit):
        program(["--schedules", number])
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_benchmark_prints_nothing_of_what_it_measures(capfd: pytest.CaptureFixture[str]) -> None:
    assert bench.seconds([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr)"]) > 0
    assert capfd.readouterr() == ("", "")


def test_a_benchmark_shows_why_a_command_failed() -> None:
    with pytest.raises(SystemExit, match="broken"):
        bench.seconds([sys.executable, "-c", "raise SystemExit('broken')"])


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.ja.md", "ja")])
def test_the_table_in_a_readme_has_the_rows_that_the_comparison_writes(page: str, language: str) -> None:
    column = compare.Column("one", runs=1000, idle_seconds=[60.0], transitions=[10], dollars=[1.0])

    def names(table: str) -> list[str]:
        return [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]

    written = (Path(compare.ROOT) / page).read_text("utf-8").split("<!-- comparison -->")[1]
    assert names(written.split("<!-- /comparison -->")[0]) == names(compare.table(column, column, language))


def test_a_soak_that_passes_is_two_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 0, stdout="what pytest prints")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert soak.main(["--schedules", "20"]) == 0
    assert capsys.readouterr().out.splitlines() == ["playing 20 schedules", "20 schedules played, none failed"]


def test_a_soak_that_fails_shows_what_failed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.CompletedProcess([], 1, stdout="the smallest schedule\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert soak.main(["--schedules", "20"]) == 1
    assert "the smallest schedule" in capsys.readouterr().out
