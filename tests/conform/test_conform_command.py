"""`make conform`: what it sends, what it says, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conform.conftest import Wire
from tools.conform import __main__ as command
from tools.conform import page
from tools.conform.requests import problems

SHORT = ["bad-parameter"]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the page to write to."""
    copy = tmp_path / "conform.md"
    copy.write_text(page.PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(page, "PAGE", copy)
    return copy


def test_it_calls_teststate_and_nothing_else(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([], wire.session, SHORT) == command.CONFORMS
    assert len(wire.operations) > 10
    assert set(wire.operations) == {"AWSStepFunctions.TestState"}
    assert capsys.readouterr().out.endswith("0 with differences\n")


def test_what_differs_is_told_and_written(
    wire: Wire, shown: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = wire.stand_in.test_state

    def wrong(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(asked) | ({"nextState": "Elsewhere"} if asked["stateName"] == "GetParameters" else {})

    monkeypatch.setattr(wire.stand_in, "test_state", wrong)
    assert command.main(["--write"], wire.session, SHORT) == command.DIFFERS
    said = capsys.readouterr().out
    what = 'next state: "AreTheyObjects" in the rehearsal, "Elsewhere" on AWS'
    name = "run.GetParameters: succeeded, then AreTheyObjects, in bad-parameter:"
    assert f"{name}\n  {what}\n" in said
    assert f"- {name} {what}\n" in shown.read_text("utf-8")
    assert "in eu-central-1: " in shown.read_text("utf-8")


def test_a_refused_request_is_a_difference(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.conform.stand_in import Refused

    def refuse(asked: dict[str, Any]) -> dict[str, Any]:
        raise Refused("InvalidDefinition", "SCHEMA_VALIDATION_FAILED")

    wire.stand_in.test_state = refuse  # type: ignore[method-assign, assignment]
    assert command.main([], wire.session, SHORT) == command.DIFFERS
    assert "  refused: SCHEMA_VALIDATION_FAILED\n" in capsys.readouterr().out


def test_without_credentials_one_line_says_so_and_nothing_is_played(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.Session(region_name="us-east-1")
    monkeypatch.setattr(session, "get_credentials", lambda: None)
    monkeypatch.setattr(command, "record", lambda scenarios: pytest.fail("it was played"))
    assert command.main([], lambda: session) == command.NOT_ASKED
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("conform: AWS credentials are needed")


def test_whoever_may_not_ask_is_told_in_one_line(wire: Wire, capsys: pytest.CaptureFixture[str]) -> None:
    wire.denied = True
    assert command.main([], wire.session, SHORT) == command.NOT_ASKED
    assert len(wire.operations) == 1
    assert "AccessDeniedException" in capsys.readouterr().err.splitlines()[-1]


def test_the_requests_can_be_read_without_credentials(shown: Path, tmp_path: Path) -> None:
    file = tmp_path / "build" / "requests.jsonl"

    def session() -> Any:
        pytest.fail("nothing is asked of the SDK")

    before = shown.read_text("utf-8")
    assert command.main(["--dry-run", "--requests", str(file), "--write"], session, SHORT) == command.CONFORMS
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len(lines) > 10
    assert [found for line in lines if (found := problems(line["TestState"]))] == []
    # What was found the last time stays.
    assert before.split("<!-- found -->")[1] == shown.read_text("utf-8").split("<!-- found -->")[1]
