"""The pages on errors and on the workflow say what the definition does: every error, every limit of a wait."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs import markdown
from tools import diagrams

PAGES = ("docs/errors.md", "docs/errors.ja.md")
WORKFLOW = ("docs/workflow.md", "docs/workflow.ja.md")
STATES: dict[str, dict[str, Any]] = diagrams.states()

# Step Functions guide, "Calling AWS SDK services": errors begin with the service's prefix in the SDK for Java 2.x.
PREFIXES = {
    "batch": "Batch",
    "cloudwatchlogs": "CloudWatchLogs",
    "ec2": "Ec2",
    "fsx": "Fsx",
    "lambda": "Lambda",
    "secretsmanager": "SecretsManager",
    "sfn": "Sfn",
    "sns": "Sns",
}


def failures(state: dict[str, Any]) -> Iterator[str]:
    """What a state may note as the execution's failure, as JSON text."""
    for place in (state, *state.get("Choices", []), *state.get("Catch", [])):
        if failure := place.get("Assign", {}).get("failures"):
            yield json.dumps(failure)


def named_errors() -> set[str]:
    text = " ".join(failure for state in STATES.values() for failure in failures(state))
    return set(re.findall(r"""['"]Error['"]: ['"](\w+)['"]""", text))


def passed_on_errors() -> set[str]:
    """The prefixes of the services whose own errors become the execution's."""
    services = {
        re.search(r"states:::(?:aws-sdk:)?(\w+):", state["Resource"]).group(1)  # type: ignore[union-attr]
        for state in STATES.values()
        if "Resource" in state and any("$states.errorOutput" in failure for failure in failures(state))
    }
    return {PREFIXES[service] for service in services}


def handler_errors() -> set[str]:
    """What the Lambda raises: the subclasses of its one base class."""
    module = ast.parse(markdown.text("functions/check_metrics/handler.py"))
    classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
    return {node.name for node in classes if [ast.unparse(base) for base in node.bases] == ["CheckError"]}


def error_rows(page: str) -> list[list[str]]:
    [table] = [table for table in markdown.tables(page) if table[0][0] in ("error", "エラー")]
    return table[1:]


@pytest.mark.parametrize("page", PAGES)
def test_the_table_has_every_error_that_an_execution_can_end_with_and_no_other(page: str) -> None:
    listed = [markdown.code_words(row[0])[0] for row in error_rows(page)]
    assert len(listed) == len(set(listed))
    assert {error for error in listed if not error.endswith(".*")} == named_errors() | handler_errors()
    # States: Step Functions itself.
    assert {error[:-2] for error in listed if error.endswith(".*")} == passed_on_errors() | {"States"}


def test_the_error_that_a_quota_meets_is_found_among_those_passed_on() -> None:
    assert {"Fsx", "Batch", "Ec2"} <= passed_on_errors()
    assert {"JobFailed", "ExportIncomplete", "InvalidParameter"} <= named_errors()


@pytest.mark.parametrize("page", PAGES)
def test_every_error_has_a_meaning_what_is_kept_and_what_to_do(page: str) -> None:
    for row in error_rows(page):
        assert len(row) == 4
        assert all(row), row


def test_both_languages_list_the_same_errors_in_the_same_order_and_name_the_same_things() -> None:
    english, japanese = (error_rows(page) for page in PAGES)
    assert [row[0] for row in english] == [row[0] for row in japanese]
    for one, other in zip(english, japanese, strict=True):
        assert set(markdown.code_words(" ".join(one))) == set(markdown.code_words(" ".join(other)))


# Row of the table -> the states that wait, and the parameter that ends the waiting.
WAITS = [
    (("WaitForLustreCreation", "WaitForComputeEnvironment"), "waitForLustreCreationSeconds"),
    (("WaitForJobCompletion",), "waitForJobCompletionSeconds"),
    (("WaitForJobCompletion",), "waitForJobCompletionSeconds"),
    (("WaitForCheckMetrics",), "waitForCheckMetricsSeconds"),
    (("WaitForExportTask",), "10"),
    (("WaitForDeletion",), "15"),
]


@pytest.mark.parametrize("page", WORKFLOW)
def test_the_pauses_are_those_of_the_definition(page: str) -> None:
    [table] = [table for table in markdown.tables(page) if table[0][0] in ("wait for", "待つもの")]
    for row, (names, shortest) in zip(table[1:], WAITS, strict=True):
        [percent] = re.findall(r"(\d+) %", row[1])
        for name in names:
            seconds = STATES[name]["Seconds"]
            assert shortest in seconds
            [divisor] = re.findall(r"\$millis\(\) - \$since\) / (\d+)", seconds)
            assert int(divisor) == 1000 * 100 // int(percent), name
        assert shortest in row[1]


@pytest.mark.parametrize(
    ("row", "state", "parameter"),
    [
        (0, "IsFileSystemAvailable", "provisioningTimeoutMinutes"),
        (0, "IsAssociationAvailable", "provisioningTimeoutMinutes"),
        (0, "IsComputeEnvironmentValid", "provisioningTimeoutMinutes"),
        (1, "IsJobDone", "jobStartTimeoutMinutes"),
        (2, "IsJobDone", "jobTimeoutMinutes"),
        (3, "IsQueueEmpty", "cleanupTimeoutMinutes"),
        (4, "IsExportComplete", "cleanupTimeoutMinutes"),
        (5, "IsFileSystemDeleted", "provisioningTimeoutMinutes"),
    ],
)
@pytest.mark.parametrize("page", WORKFLOW)
def test_the_bounds_are_those_of_the_definition(page: str, row: int, state: str, parameter: str) -> None:
    [table] = [table for table in markdown.tables(page) if table[0][0] in ("wait for", "待つもの")]
    assert parameter in markdown.code_words(table[1 + row][2])
    conditions = " ".join(choice["Condition"] for choice in STATES[state]["Choices"])
    assert f"${{{parameter[0].upper()}{parameter[1:]}}}" in conditions


def test_a_clean_up_run_is_repeated_as_often_as_is_said() -> None:
    source = markdown.text("components/lustre_batch/workflow.py")
    [attempts] = re.findall(r"^CLEAN_UP_ATTEMPTS = (\d+)$", source, re.M)
    word = {"3": "three", "4": "four", "5": "five", "6": "six"}[attempts]
    assert f"up to {word} times" in " ".join(markdown.text("docs/workflow.md").split())
    assert f"{attempts} 回まで" in markdown.text("docs/workflow.ja.md")
    assert STATES["WaitBeforeCleanUp"]["Seconds"] == 60
    pauses = [min(86_400, 900 * 16**attempt) for attempt in range(3)]
    assert pauses == [15 * 60, 4 * 3600, 86_400]
    assert STATES["WaitBeforeNextCleanUp"]["Seconds"] == "{% $min([86400, 900 * $power(16, $attempt - 1)]) %}"


@pytest.mark.parametrize("page", PAGES)
def test_the_output_that_is_shown_has_the_keys_of_the_definitions_output(page: str) -> None:
    [example] = markdown.blocks(page, "json")
    assert list(json.loads(example)) == list(STATES["Succeeded"]["Output"])
