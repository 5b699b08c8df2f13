"""Every call can be read afterwards, in the names that AWS has for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.__main__ import main


def test_a_file_of_calls_has_everything_that_would_have_been_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calls.jsonl"
    assert main(["--scenario", "out-of-memory", "--calls", str(path)]) == 0
    calls = [json.loads(line) for line in path.read_text().splitlines()]

    keys = {"at", "execution", "state", "principal", "service", "operation", "parameters"}
    assert all(set(call) in (keys | {"answer"}, keys | {"error"}) for call in calls)
    assert [call["at"] for call in calls] == sorted(call["at"] for call in calls)
    assert all(call["principal"].startswith("arn:aws:iam::") for call in calls)

    (created,) = [call for call in calls if call["operation"] == "CreateFileSystem"]
    assert (created["service"], created["state"]) == ("fsx", "CreateFileSystem")
    assert created["parameters"]["FileSystemType"] == "LUSTRE"
    assert created["answer"]["FileSystem"]["FileSystemId"].startswith("fs-")
    # The Lambda's own call is made for the state that invokes it, in the name of its own role.
    checks = [call for call in calls if call["operation"] == "GetMetricData"]
    assert checks
    assert {call["state"] for call in checks} == {"CheckMetrics"}
    assert {call["principal"] for call in checks} != {created["principal"]}
    assert json.loads(next(call for call in calls if call["operation"] == "Invoke")["answer"]["Payload"])
    # The rule starts a clean-up outside of every execution.
    assert [call["operation"] for call in calls if call["execution"] is None] == ["StartExecution"]
    capsys.readouterr()


def test_a_call_that_fails_is_shown_with_its_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "calls.jsonl"
    assert main(["--scenario", "job-definition-refused", "--calls", str(path)]) == 0
    errors = [call["error"] for line in path.read_text().splitlines() if "error" in (call := json.loads(line))]
    assert errors[0] == {"code": "ClientException", "message": "ClientException (planned by the scenario)"}
    capsys.readouterr()


def test_a_file_that_cannot_be_written_is_named_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--calls", str(tmp_path / "missing" / "calls.jsonl")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "No such file or directory" in line


def test_a_call_without_an_answer_is_shown_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, scenario = tmp_path / "calls.jsonl", tmp_path / "hangs.yaml"
    scenario.write_text('job: {runtime: 60}\nfaults: [{call: "dynamodb:PutItem", error: hang}]\n')
    assert main(["--scenario", str(scenario), "--calls", str(path)]) == 0
    tickets = [json.loads(line) for line in path.read_text().splitlines() if '"operation": "PutItem"' in line]
    assert [one.get("error", {}).get("code") for one in tickets] == ["NoAnswer", None]
    capsys.readouterr()
