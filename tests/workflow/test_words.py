"""What a run says at its end, within the limits of who has to carry it: subject, message, error, cause, tags."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from rehearsal.aws.states.expressions import Evaluator, bound, python
from tests.graph.recording import record_stack
from tests.workflow.conftest import Definition, definition_of

FILE_SYSTEM = "fs-0123456789abcdef0"
KEPT = {"type": "file-system", "id": FILE_SYSTEM, "reason": "3 files could not be exported"}
TEMPLATE = {"type": "launch-template", "id": "lt-0123456789abcdef0", "reason": "the environment still names it"}
EVALUATOR = Evaluator()
RUN = "arn:aws:states:us-east-1:123456789012:execution:machine:run"


def evaluate(expression: str, **variables: Any) -> Any:
    states = {"context": {"Execution": {"Id": RUN}}}
    return python(EVALUATOR.evaluate(expression[2:-2], bound({"states": states, **variables})))


def summary(definition: Definition, **variables: Any) -> dict[str, Any]:
    assign = definition.states["Summarise"]["Assign"]
    given = {"entry": "run", "failures": [], "retained": [], "target": RUN, **variables}
    said = {key: evaluate(text, **given) for key, text in assign.items()}
    notify = definition.states["Notify"]["Arguments"]
    for key in ("Subject", "Message"):
        said[key] = evaluate(notify[key], **given, **said)
    return said


@pytest.fixture(scope="module")
def long_names() -> Definition:
    return definition_of(record_stack({"envName": "E" * 32}))


@pytest.mark.parametrize("entry", ["run", "reclaim", "clean-up"])
@pytest.mark.parametrize(
    "error",
    ["ExportIncomplete", "SecretsManager.SecretsManagerException", "ComputeEnvironmentTimedOut", "E" * 256],
)
@pytest.mark.parametrize("retained", [[], [KEPT], [KEPT, TEMPLATE]], ids=["nothing", "kept", "both"])
def test_the_subject_is_one_that_sns_takes(
    long_names: Definition, entry: str, error: str, retained: list[dict[str, str]]
) -> None:
    """SNS API, Publish, Subject: ASCII, no line breaks or control characters, less than 100 characters."""
    subject = summary(long_names, entry=entry, failures=[{"Error": error, "Cause": "x"}], retained=retained)["Subject"]
    assert len(subject) < 100, subject
    assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*", subject)


def test_a_message_stays_within_what_sns_carries_however_long_the_cause(definition: Definition) -> None:
    """SNS API, Publish, Message: at most 262,144 bytes."""
    message = summary(definition, failures=[{"Error": "X", "Cause": "✓" * 32_768}], retained=[KEPT, TEMPLATE])[
        "Message"
    ]
    assert len(message.encode()) < 262_144 / 2


def test_the_message_says_what_happened_what_was_kept_and_what_to_do(definition: Definition) -> None:
    failure = {"Error": "ExportIncomplete", "Cause": "3 of 10 files could not be exported"}
    said = summary(definition, failures=[failure], retained=[KEPT])
    message = said["Message"]
    assert "ExportIncomplete: 3 of 10 files could not be exported" in message
    assert f"file-system {FILE_SYSTEM}: 3 files could not be exported" in message
    assert f'{{"reclaim": "{FILE_SYSTEM}"}}' in message
    assert RUN in message
    assert "a file system is kept" in said["Subject"]
    assert "AutoExport" in said["Subject"]


def test_the_message_of_a_failure_that_left_nothing_says_that_nothing_is_left_to_do(definition: Definition) -> None:
    message = summary(definition, failures=[{"Error": "JobFailed", "Cause": "exit code 1"}])["Message"]
    assert "JobFailed: exit code 1" in message
    assert "Kept: nothing." in message
    assert "nothing is left to do" in message


def test_a_template_that_stays_is_told_with_how_to_remove_it(definition: Definition) -> None:
    message = summary(definition, failures=[{"Error": "X", "Cause": "y"}], retained=[TEMPLATE])["Message"]
    assert "lt-0123456789abcdef0: the environment still names it" in message
    assert f'{{"reclaim": "{RUN}"}}' in message


def test_the_executions_cause_names_what_stays_with_id_and_reason(definition: Definition) -> None:
    failed = definition.states["Failed"]
    failure = {"Error": "ExportIncomplete", "Cause": "c" * 100_000}
    lines = summary(definition, failures=[failure], retained=[KEPT])["keptLines"]
    assert evaluate(failed["Error"], failures=[failure]) == "ExportIncomplete"
    cause = evaluate(failed["Cause"], failures=[failure], keptLines=lines)
    assert cause.endswith(f"file-system {FILE_SYSTEM}: 3 files could not be exported")
    # Step Functions API, HistoryEvent: an error has at most 256 characters, a cause 32,768.
    assert len(cause) <= 32_768


def test_the_output_of_a_run_names_what_stays(definition: Definition) -> None:
    output = definition.states["Succeeded"]["Output"]
    assert output["retained"] == "{% $retained %}"
    assert output["fileSystemId"] == "{% $fileSystemId %}"


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, False),
        ({"failures": [{"Error": "X", "Cause": "y"}]}, True),
        ({"retained": [KEPT]}, True),
        ({"entry": "reclaim"}, True),
        ({"entry": "clean-up", "endedAs": "FAILED"}, False),
        ({"entry": "clean-up", "endedAs": "FAILED", "fileSystemId": FILE_SYSTEM}, True),
        ({"entry": "clean-up", "endedAs": "FAILED", "launchTemplateId": "lt-1"}, True),
    ],
)
def test_every_failure_everything_kept_and_every_reclaim_is_told_and_a_good_run_is_not(
    definition: Definition, variables: dict[str, Any], told: bool
) -> None:
    _, rule = definition.states["IsAnythingToTell"]["Choices"]
    blank = {
        "entry": "run",
        "failures": [],
        "retained": [],
        "endedAs": "",
        "fileSystemId": "",
        "launchTemplateId": "",
        "jobDefinitionArn": "",
        "jobIds": [],
        "target": RUN,
    }
    assert rule["Next"] == "Notify"
    assert evaluate(rule["Condition"], **{**blank, **variables}) is told


def event(detail_input: Any, execution: str = RUN) -> dict[str, Any]:
    detail = {"executionArn": execution, "status": "FAILED", "input": detail_input}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


def chain(definition: Definition, given: dict[str, Any]) -> Any:
    expression = definition.states["StartCleanUp"]["Assign"]["chain"]
    return python(EVALUATOR.evaluate(expression[2:-2], bound({"states": {"input": given}})))


def test_a_clean_up_run_that_failed_is_followed_by_one_that_knows_whom_to_clean_up_after(
    definition: Definition,
) -> None:
    first = event("{}")
    second = event(json.dumps(first), execution=f"{RUN}-clean-up-1")
    third = event(json.dumps(second), execution=f"{RUN}-clean-up-2")
    assert [chain(definition, each)["depth"] for each in (first, second, third)] == [1, 2, 3]
    assert {chain(definition, each)["execution"] for each in (first, second, third)} == {RUN}


@pytest.mark.parametrize("given", ['"text"', "[1]", "5", "null", '{"reclaim": "fs-1"}'])
def test_whatever_a_stopped_execution_was_started_with_it_is_cleaned_up_after(
    definition: Definition, given: str
) -> None:
    assert chain(definition, event(given))["execution"] == RUN


@pytest.mark.parametrize("absent", [None, "absent"])
def test_an_event_whose_input_was_left_out_for_its_size_still_starts_the_clean_up(
    definition: Definition, absent: str | None
) -> None:
    """Step Functions guide, EventBridge: an input that makes the event too large is left out, `input` is null."""
    given = event(None)
    if absent:
        del given["detail"]["input"]
    assert chain(definition, given)["execution"] == RUN
