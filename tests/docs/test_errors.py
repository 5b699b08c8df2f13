"""The pages on errors and on the workflow say what the definition does: every error, every limit of a wait."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lustre_batch.workflow import REPORTS

from tests.docs import markdown
from tools import diagrams

ROOT = Path(__file__).parents[2]
PAGES = ("docs/errors.md", "docs/errors.ja.md")
WORKFLOW = ("docs/workflow.md", "docs/workflow.ja.md")
STATES: dict[str, dict[str, Any]] = diagrams.states("clean_up") | diagrams.states("run")  # of one name: the run's
PARTS = {name: diagrams.states(name) for name in ("run", "clean_up")}

# Step Functions guide, "Calling AWS SDK services": errors begin with the service's prefix in the SDK for Java 2.x.
PREFIXES = {
    "batch": "Batch",
    "dynamodb": "DynamoDb",
    "ec2": "Ec2",
    "fsx": "Fsx",
    "secretsmanager": "SecretsManager",
    "states": "StepFunctions",
}


def failures(state: dict[str, Any]) -> Iterator[str]:
    """What a state may note as the execution's failure, as JSON text."""
    for place in (state, *state.get("Choices", []), *state.get("Catch", [])):
        for name in ("failure", "associationError", "submissionError", "error"):
            if failure := place.get("Assign", {}).get(name):
                yield json.dumps(failure if name != "error" else {"Error": failure})


def named_errors() -> set[str]:
    text = " ".join(failure for part in PARTS.values() for state in part.values() for failure in failures(state))
    return set(re.findall(r"""['"]Error['"]: ['"](\w+)['"]""", text))


def passed_on_errors() -> set[str]:
    """The prefixes of the services whose own errors become the execution's."""
    services = {
        re.search(r"states:::(?:aws-sdk:)?(\w+):", state["Resource"]).group(1)  # type: ignore[union-attr]
        for part in PARTS.values()
        for state in part.values()
        if "Resource" in state and any('"{% $states.errorOutput.Error %}"' in failure for failure in failures(state))
    }
    return {PREFIXES[service] for service in services}


def error_rows(page: str) -> list[list[str]]:
    [table] = [table for table in markdown.tables(page) if table[0][0] in ("error", "エラー")]
    return table[1:]


@pytest.mark.parametrize("page", PAGES)
def test_the_table_has_every_error_that_an_execution_can_end_with_and_no_other(page: str) -> None:
    listed = [markdown.code_words(row[0])[0] for row in error_rows(page)]
    assert len(listed) == len(set(listed))
    assert {error for error in listed if not error.endswith(".*")} == named_errors()
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
    (("WaitForImport",), "waitForLustreCreationSeconds"),
    (("WaitForJobCompletion",), "120"),
    (("WaitForJobCompletion",), "120"),
    (("WaitForJobsToStop", "WaitForRelease"), "15"),
    (("WaitForCheckMetrics",), "1.5"),
    (("WaitForExportTask",), "10"),
    (("WaitForDeletion",), "60"),
    (("WaitForJobQueue",), "3"),
]


# Rows whose pauses have a form of their own: the state, what its formula has, and the numbers that the row says.
APART = {
    0: ("WaitForTurn", ("15,", "3600,", "/ 20", "< 120", "/ 12)", "1 / 16"), ("15", "5", "120", "8")),
    5: ("WaitForSession", ("60,", "180", "* 12", "/ 30000"), ("3",)),
}


def waits(page: str) -> tuple[list[list[str]], dict[int, list[str]]]:
    """The rows of the table of pauses, and those apart."""
    [table] = [table for table in markdown.tables(page) if table[0][0] in ("wait for", "待つもの")]
    rows = table[1:]
    return [row for place, row in enumerate(rows) if place not in APART], {place: rows[place] for place in APART}


@pytest.mark.parametrize("page", WORKFLOW)
def test_the_pauses_for_a_lane_and_of_a_session_are_those_of_the_definition(page: str) -> None:
    for place, row in waits(page)[1].items():
        name, formula, numbers = APART[place]
        assert [part for part in formula if part not in STATES[name]["Seconds"]] == []
        assert set(numbers) <= set(re.findall(r"\d+", row[1])), row


@pytest.mark.parametrize("page", WORKFLOW)
def test_the_pauses_are_those_of_the_definition(page: str) -> None:
    for row, (names, shortest) in zip(waits(page)[0], WAITS, strict=True):
        percent = re.findall(r"(\d+) %", row[1])[-1]  # the last: of a long wait
        for name in names:
            seconds = STATES[name]["Seconds"]
            assert shortest in seconds
            divisor = re.findall(r"\$millis\(\) - \$since\) / (\d+)", seconds)[-1]
            assert int(divisor) == 1000 * 100 // int(percent), name
        assert shortest in row[1]


@pytest.mark.parametrize(
    ("row", "state", "parameter"),
    [
        (0, "IsFileSystemAvailable", "provisioningTimeoutMinutes"),
        (0, "IsAssociationAvailable", "provisioningTimeoutMinutes"),
        (0, "IsComputeEnvironmentValid", "provisioningTimeoutMinutes"),
        (1, "IsImported", "cleanupTimeoutMinutes"),
        (2, "IsJobDone", "jobStartTimeoutMinutes"),
        (3, "IsJobDone", "jobTimeoutMinutes"),
        (4, "AreJobsStopped", "provisioningTimeoutMinutes"),
        (4, "HasEnvironmentLetGo", "provisioningTimeoutMinutes"),
        (5, "IsQueueEmpty", "cleanupTimeoutMinutes"),
        (6, "IsExportVerified", "cleanupTimeoutMinutes"),
        (7, "IsFileSystemDeleted", "provisioningTimeoutMinutes"),
    ],
)
@pytest.mark.parametrize("page", WORKFLOW)
def test_the_bounds_are_those_of_the_definition(page: str, row: int, state: str, parameter: str) -> None:
    assert parameter in markdown.code_words(waits(page)[0][row][2])
    conditions = " ".join(choice["Condition"] for choice in STATES[state]["Choices"])
    assert f"${{{parameter[0].upper()}{parameter[1:]}}}" in conditions


@pytest.mark.parametrize("page", WORKFLOW)
def test_how_a_clean_up_is_started_is_what_its_first_state_takes(page: str) -> None:
    [table] = [table for table in markdown.tables(page) if "clean_up" in table[0][0]]
    conditions = " ".join(rule["Condition"] for rule in PARTS["clean_up"]["Route"]["Choices"])
    for row in table[1:-1]:
        [key] = json.loads(markdown.code_words(row[0])[0])
        assert f"$states.input.{key}" in conditions
    assert "$states.input.detail.stateMachineArn" in conditions
    assert len(table[1:]) == len(PARTS["clean_up"]["Route"]["Choices"])
    assert PARTS["clean_up"]["WaitForLists"]["Seconds"] == 60  # "after a minute"


@pytest.mark.parametrize("page", PAGES)
def test_the_output_that_is_shown_has_the_keys_of_the_definitions_output(page: str) -> None:
    [example] = markdown.blocks(page, "json")
    assert list(json.loads(example)) == list(STATES["Succeeded"]["Output"])


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/operations.ja.md"])
def test_the_queue_for_what_was_not_delivered_is_described_as_it_is(page: str) -> None:
    source = markdown.text("components/lustre_batch/clean_up.py")
    [name] = re.findall(r'aws\.sqs\.Queue\(\s*owner\.named\("(\w+)"\)', source)
    [days] = re.findall(r"^UNDELIVERED_RETENTION_SECONDS = (\d+) \* 24 \* 3600$", source, re.M)
    assert f"`autoexport-{name}`" in markdown.text(page)
    [paragraph] = [each for each in markdown.text(page).split("\n\n") if f"`autoexport-{name}`" in each]
    assert days in re.findall(r"\d+", paragraph)


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/operations.ja.md"])
def test_a_kept_file_system_is_mounted_as_an_instance_of_a_job_mounts_it(page: str) -> None:
    boot = markdown.text("components/lustre_batch/user_data.sh")
    [options] = re.findall(r"mount -t lustre -o (\S+) ", boot)
    assert f"sudo mount -t lustre -o {options} DNS_NAME@tcp:/MOUNT_NAME /fsx" in markdown.commands(page)
    assert re.search(r"dnf install -y [^\n]*lustre-client", boot)
    assert "sudo dnf install -y lustre-client" in markdown.commands(page)


@pytest.mark.parametrize("language", ["", ".ja"])
def test_what_to_look_at_names_every_field_of_an_output_and_the_folder_of_reports(language: str) -> None:
    errors, operations = ((ROOT / f"docs/{page}{language}.md").read_text("utf-8") for page in ("errors", "operations"))
    fields = json.loads(errors.partition("```json")[2].partition("```")[0])
    [listed] = re.findall(r"^- `SUCCEEDED`(.*?)^- ", operations, re.MULTILINE | re.DOTALL)
    assert [field for field in fields if f"`{field}`" not in listed] == []
    assert f"`{REPORTS}/`" in operations
