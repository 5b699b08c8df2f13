"""`python -m rehearsal`: what it prints and how it exits."""

from __future__ import annotations

import json

import pytest

from rehearsal.__main__ import main


def test_the_json_report_is_the_last_line_and_the_status_is_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "task-export", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1])["outcome"] == "SUCCEEDED"
    assert "SubmitJob" in printed.err


def test_people_see_states_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "bad-parameter"]) == 0
    printed = capsys.readouterr().out
    assert "InvalidParameter" in printed
    assert "transitions" in printed
    assert "as expected" in printed


def test_another_end_than_the_scenario_expects_is_status_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "task-export", "--input", '{"nonsense": 1}']) == 1
    assert "expected was SUCCEEDED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "nonsense"], "is not a scenario"),
        (["--input", "{"], "--input {"),
        (["--input", "[]"], "JSON object"),
        (["--set", "nonsense"], "KEY=VALUE"),
        (["--stack", "nonsense"], "nonsense"),
    ],
)
def test_what_cannot_be_played_is_status_two_with_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert "million-small-files" in capsys.readouterr().out
