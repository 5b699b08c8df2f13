"""`--report` and `--trace`: the files that the command writes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from rehearsal.__main__ import main


def test_the_command_writes_both_files_and_a_rehearsal_is_told_twice_in_the_same_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = []
    for number in (1, 2):
        report, trace = tmp_path / f"{number}.html", tmp_path / f"{number}.csv"
        words = ["--scenario", "bad-parameter", "--json", "--report", str(report), "--trace", str(trace)]
        assert main(words) == 0
        written.append((report.read_text("utf-8"), trace.read_text("utf-8")))
    assert written[0] == written[1]
    [line] = csv.DictReader(io.StringIO(written[0][1], newline=""))
    assert (line["outcome"], line["error"]) == ("FAILED", "InvalidParameter")
    assert "Rehearsal of bad-parameter" in written[0][0]
    capsys.readouterr()


@pytest.mark.parametrize("option", ["--report", "--trace"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_played(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([option, str(tmp_path / "none" / "file")]) == 2
    assert f"{option} {tmp_path / 'none' / 'file'}: No such file or directory" in capsys.readouterr().err


def test_without_the_library_that_draws_a_report_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lustre_batch.report.drawing.find_spec", lambda name: None)
    assert main(["--report", "somewhere.html"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("pip install 'lustre-batch[report]'")
