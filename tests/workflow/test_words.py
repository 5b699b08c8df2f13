"""What is said at the end, within the limits of who has to carry it: subject, message, error, cause."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from tests.graph.recording import Mocks, record_stack
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FAILURE, FILE_SYSTEM, RUN, choose, evaluate

KEPT = {"type": "file-system", "id": FILE_SYSTEM, "reason": "3 files could not be exported"}
TEMPLATE = {"type": "launch-template", "id": "lt-0123456789abcdef0", "reason": "the environment still names it"}
NO_JOB = {"fileSystemId": "", "launchTemplateId": "", "jobDefinitionArn": "", "jobIds": [], "jobs": []}
CREATED = {
    "fileSystemId": FILE_SYSTEM,
    "launchTemplateId": "lt-1",
    "jobDefinitionArn": "arn:aws:batch:x:1:job-definition/y:1",
    "jobIds": ["job-1"],
}
NOTHING_LEFT = "Nothing is left"
_NAME = hashlib.md5(RUN.encode(), usedforsecurity=False).hexdigest()
HELD, HELD_SESSION = f"lane autoexport-lanes-2a0996b/{_NAME}", f"autoexport-lanes-2a0996b/session/{_NAME}"


def said_by_run(run: Definition, **changes: Any) -> dict[str, Any]:
    """What the run says, from what it knows and what the clean-up answered."""
    given: dict[str, Any] = {
        "failure": {},
        "cleanedUp": {"retained": [], "pending": []},
        "cleanUpError": "",
        "importWarning": "",
        "unanswered": "",
        "busy": "lane",
        "isSession": False,
        "prefix": "a/",
        "target": RUN,
        **NO_JOB,
        **changes,
    }
    given["left"] = evaluate(run.states["Summarise"]["Assign"]["left"], **given)
    arguments = run.states["Notify"]["Arguments"]
    return {key: evaluate(arguments[key], **given) for key in ("Subject", "Message")} | {"left": given["left"]}


def said_by_clean_up(clean_up: Definition, **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "target": RUN,
        "targetStatus": "ABORTED",
        "failure": {},
        "removed": [],
        "retained": [],
        "pending": [],
        "lasting": False,
        "noted": True,
        "dollarsADay": 11.05,
        **changes,
    }
    arguments = clean_up.states["Notify"]["Arguments"]
    return {key: evaluate(arguments[key], **given) for key in ("Subject", "Message")}


@pytest.fixture(scope="module")
def long_names() -> dict[str, Definition]:
    graph = record_stack({"envName": "E" * 32})
    return {name: definition_of(graph, name) for name in ("run", "clean_up")}


@pytest.mark.parametrize(
    "error", ["", "ExportIncomplete", "SecretsManager.SecretsManagerException", "ComputeEnvironmentTimedOut", "E" * 256]
)
@pytest.mark.parametrize("retained", [[], [KEPT], [KEPT, TEMPLATE]], ids=["nothing", "kept", "both"])
@pytest.mark.parametrize("pending", [[], [TEMPLATE]], ids=["done", "pending"])
def test_the_subject_is_one_that_sns_takes(
    long_names: dict[str, Definition], error: str, retained: list[Any], pending: list[Any]
) -> None:
    """SNS API, Publish, Subject: ASCII, no line breaks or control characters, less than 100 characters."""
    failure = {"Error": error, "Cause": "x"} if error else {}
    answer = {"retained": retained, "pending": pending}
    for subject in (
        said_by_run(long_names["run"], failure=failure, cleanedUp=answer)["Subject"],
        said_by_clean_up(long_names["clean_up"], failure=failure, **answer)["Subject"],
    ):
        assert len(subject) < 100, subject
        assert re.fullmatch(r"[\x21-\x7e][\x20-\x7e]*", subject)


def test_a_message_stays_within_what_sns_carries_however_long_the_cause(run: Definition, clean_up: Definition) -> None:
    """SNS API, Publish, Message: at most 262,144 bytes."""
    failure = {"Error": "X", "Cause": "✓" * 32_768}
    answer = {"retained": [KEPT], "pending": [TEMPLATE]}
    for message in (
        said_by_run(run, failure=failure, cleanedUp=answer)["Message"],
        said_by_clean_up(clean_up, failure=failure, **answer)["Message"],
    ):
        assert len(message.encode()) < 262_144 / 2


@pytest.mark.parametrize("retained", [[], [KEPT]], ids=["nothing", "kept"])
@pytest.mark.parametrize("pending", [[], [TEMPLATE]], ids=["done", "pending"])
@pytest.mark.parametrize("error", ["", "States.Timeout: x"], ids=["answered", "unanswered"])
@pytest.mark.parametrize("failure", [{}, FAILURE], ids=["well", "failed"])
def test_nothing_is_said_to_be_left_only_when_nothing_is_and_everything_that_is_left_is_named(
    run: Definition, clean_up: Definition, retained: list[Any], pending: list[Any], error: str, failure: Any
) -> None:
    answer = {} if error else {"retained": retained, "pending": pending}
    by_run = said_by_run(run, failure=failure, cleanedUp=answer, cleanUpError=error)
    assert (NOTHING_LEFT in by_run["Message"]) is (not error and not retained and not pending)
    by_clean_up = said_by_clean_up(clean_up, failure=failure, retained=retained, pending=pending)
    nothing = not retained and not pending
    assert (NOTHING_LEFT in by_clean_up["Message"]) is nothing
    assert ("nothing is left" in by_clean_up["Subject"]) is (nothing and not failure)
    for each in [*retained, *pending]:
        line = f"{each['type']} {each['id']}: {each['reason']}"
        assert line in by_clean_up["Message"]
        assert error or line in by_run["Message"]


def test_after_a_clean_up_that_did_not_answer_what_was_created_is_named_as_not_known_to_be_removed(
    run: Definition,
) -> None:
    given = {"cleanedUp": {}, "cleanUpError": "it ended FAILED", "failure": {"Error": "CleanUpPending", "Cause": "x"}}
    running = said_by_run(run, **given, **CREATED, jobs=[])
    assert running["left"].splitlines() == [
        f"Not known to be removed: file-system {FILE_SYSTEM}",
        "Not known to be removed: launch-template lt-1",
        "Not known to be removed: job-definition arn:aws:batch:x:1:job-definition/y:1",
        f"Not known to be removed: {HELD}",
        "Not known to be removed: job job-1",
    ]
    ended = said_by_run(run, **given, **CREATED, jobs=[{"status": "SUCCEEDED"}])
    assert len(ended["left"].splitlines()) == 4
    session = said_by_run(run, **given, **NO_JOB, isSession=True)["left"].splitlines()
    assert session == [f"Not known to be removed: {HELD}", f"Not known to be removed: session {HELD_SESSION}"]
    nothing = said_by_run(run, **given, **NO_JOB)
    assert nothing["left"] == f"Not known to be removed: {HELD}"
    assert NOTHING_LEFT not in nothing["Message"]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("RegisterJobDefinition", "job-definition"),
        ("CreateFileSystem", "file-system"),
        ("CreateLaunchTemplate", "launch-template"),
        ("ListSubmittedJobs", "job"),
    ],
)
def test_what_was_asked_for_in_vain_may_be_there_and_is_named_by_its_tag_when_the_clean_up_does_not_answer(
    run: Definition, state: str, kind: str
) -> None:
    (catcher,) = run.states[state]["Catch"]
    assigned = evaluate(catcher["Assign"], {"errorOutput": {"Error": "States.Timeout"}})
    assert assigned == {"failure": {"Error": "States.Timeout", "Cause": "no cause given"}, "unanswered": kind}
    given = {"cleanedUp": {}, "executionTag": "arn:tag", **NO_JOB, **assigned}
    told = said_by_run(run, **given, cleanUpError="it ended FAILED")
    assert f"Not known to be removed: {kind} tagged arn:tag" in told["left"].splitlines()
    answered = said_by_run(run, **(given | {"cleanedUp": {"retained": [], "pending": []}}), cleanUpError="")
    assert answered["left"] == ""


def test_a_reclaim_of_which_the_sweep_does_not_know_has_to_be_asked_for_again(
    run: Definition, clean_up: Definition
) -> None:
    (catcher,) = clean_up.states["NoteReclaim"]["Catch"]
    assert (catcher["Next"], catcher["Assign"]) == ("FindLaunchTemplates", {"noted": False})
    for noted in (True, False):
        message = said_by_clean_up(clean_up, pending=[TEMPLATE], noted=noted)["Message"]
        assert ("The sweep does not know of it." in message) is not noted
        assert (f'start the state machine with {{"reclaim": "{RUN}"}}' in message) is not noted
        answer: dict[str, Any] = {"pending": [TEMPLATE], "retained": [], "failure": {}, "noted": noted}
        _, assigned = choose(run, "WasReclaimed", cleanedUp=answer)
        assert ("reclaim it again later" in assigned["failure"]["Cause"]) is not noted


def test_what_became_of_the_file_system_is_said_beside_the_runs_own_error(run: Definition) -> None:
    gone = {"Error": "ExportIncomplete", "Cause": "fs was deleted by somebody else"}
    for failure, lines in [(FAILURE, [gone["Cause"]]), (gone, [])]:
        answer = {"retained": [], "pending": [], "failure": gone}
        assert said_by_run(run, failure=failure, cleanedUp=answer)["left"].splitlines() == lines


def test_what_does_not_pass_by_itself_is_to_be_mended_by_who_reads_of_it(run: Definition, clean_up: Definition) -> None:
    for lasting, wanted in [(True, "Mend what is named, unless that was done meanwhile."), (False, "Nothing")]:
        answer = {"retained": [], "pending": [TEMPLATE], "lasting": lasting}
        failure = {"Error": "CleanUpPending", "Cause": "x"}
        assert f"To do: {wanted}" in said_by_run(run, failure=failure, cleanedUp=answer)["Message"]
        assert f"To do: {wanted}" in said_by_clean_up(clean_up, pending=[TEMPLATE], lasting=lasting)["Message"]


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("no JSON", "States.TaskFailed: no JSON"),
        (
            '{"Status": "FAILED", "Error": "CleanUpIncomplete", "Cause": "why"}',
            "it ended FAILED with CleanUpIncomplete: why",
        ),
        ('{"Status": "ABORTED"}', "it ended ABORTED"),
        ('{"Other": 1}', 'States.TaskFailed: {"Other": 1}'),
    ],
)
def test_how_the_clean_up_ended_is_read_of_its_own_description(run: Definition, cause: str, said: str) -> None:
    catcher = run.states["WaitForCleanUp"]["Catch"][-1]
    error = {"errorOutput": {"Error": "States.TaskFailed", "Cause": cause}}
    assert evaluate(catcher["Assign"], error) == {"cleanUpError": said}


def test_the_message_says_what_happened_what_was_kept_and_what_to_do(run: Definition, clean_up: Definition) -> None:
    failure = {"Error": "ExportIncomplete", "Cause": "3 of 10 files could not be exported"}
    for said in (
        said_by_run(run, failure=failure, cleanedUp={"retained": [KEPT], "pending": []}),
        said_by_clean_up(clean_up, failure=failure, retained=[KEPT]),
    ):
        message = said["Message"]
        assert "3 of 10 files could not be exported" in message
        assert "ExportIncomplete" in message
        assert f"Kept: file-system {FILE_SYSTEM}: 3 files could not be exported" in message
        assert f'{{"reclaim": "{FILE_SYSTEM}"}}' in message
        assert f"aws fsx delete-file-system --file-system-id {FILE_SYSTEM}" in message
        assert "a file system is kept" in said["Subject"]
        assert "AutoExport" in said["Subject"]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("JobFailed", "Read what the job has printed, then start another run:"),
        ("InvalidParameter", "Correct what is named, and start another run:"),
        ("QuotaTooSmall", "Fix the cause, then start another run."),
        ("CleanUpPending", "Nothing for what is left; it is removed automatically."),
    ],
)
def test_what_to_do_depends_on_what_happened(run: Definition, error: str, advice: str) -> None:
    assert f"To do: {advice}" in said_by_run(run, failure={"Error": error, "Cause": "x"})["Message"]


def test_what_a_job_wrote_is_said_to_be_in_s3_only_when_that_was_verified(run: Definition) -> None:
    for verified in (True, False, None):
        answer: dict[str, Any] = {"retained": [], "pending": []} | (
            {} if verified is None else {"exportVerified": verified}
        )
        message = said_by_run(run, failure=FAILURE, cleanedUp=answer)["Message"]
        assert ("What was written is in s3://" in message) is (verified is True)
        assert ("/a/, which was verified." in message) is (verified is True)


def test_an_import_that_was_incomplete_is_told_although_the_run_succeeded(run: Definition) -> None:
    warning = "The listing of s3://x could not be imported completely: key"
    message = said_by_run(run, importWarning=warning)["Message"]
    assert warning in message
    assert " succeeded. " in message


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, False),
        ({"failure": FAILURE}, True),
        ({"left": "Kept: file-system fs-1: x"}, True),
        ({"importWarning": "x"}, True),
    ],
)
def test_every_failure_everything_left_and_every_warning_is_told_and_a_good_run_is_not(
    run: Definition, variables: dict[str, Any], told: bool
) -> None:
    blank = {"failure": {}, "left": "", "importWarning": ""}
    target, _ = choose(run, "IsAnythingToTell", **(blank | variables))
    assert target == ("Notify" if told else "Succeeded")


@pytest.mark.parametrize(
    ("mocks", "console"),
    [
        (Mocks(), "https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"),
        (
            Mocks(partition="aws-us-gov", region="us-gov-west-1"),
            "https://console.amazonaws-us-gov.com/states/home?region=us-gov-west-1#/v2/executions/details/",
        ),
    ],
    ids=["aws", "aws-us-gov"],
)
def test_a_message_links_to_its_execution_in_the_console(mocks: Mocks, console: str) -> None:
    graph = record_stack(mocks=mocks)
    execution = f"arn:{mocks.partition}:states:{mocks.region}:123456789012:execution:machine:run"
    machine = execution.replace(":execution:", ":stateMachine:").removesuffix(":run")
    context = {"context": {"Execution": {"Id": execution, "Name": "run"}, "StateMachine": {"Id": machine}}}
    for name, given in (
        ("run", {"failure": {}, "cleanedUp": {}, "left": "", "cleanUpError": "", "importWarning": "", "target": RUN}),
        (
            "clean_up",
            {
                "target": RUN,
                "targetStatus": "",
                "failure": {},
                "removed": [],
                "retained": [],
                "pending": [],
                "dollarsADay": 0,
            },
        ),
    ):
        message = evaluate(definition_of(graph, name).states["Notify"]["Arguments"]["Message"], context, **given)
        assert f"Run: {execution if name == 'run' else RUN}" in message
        assert f"\n{console}{execution}" in message


def test_the_executions_cause_names_what_stays_with_id_and_reason(run: Definition) -> None:
    failed = run.states["Failed"]
    failure = {"Error": "ExportIncomplete", "Cause": "c" * 100_000}
    left = said_by_run(run, failure=failure, cleanedUp={"retained": [KEPT], "pending": [TEMPLATE]})["left"]
    assert evaluate(failed["Error"], failure=failure) == "ExportIncomplete"
    cause = evaluate(failed["Cause"], failure=failure, left=left)
    assert cause.splitlines()[1:] == [
        f"Kept: file-system {FILE_SYSTEM}: 3 files could not be exported",
        "Pending: launch-template lt-0123456789abcdef0: the environment still names it",
    ]
    # Step Functions API, HistoryEvent: an error has at most 256 characters, a cause 32,768.
    assert len(cause) <= 32_768
    assert evaluate(failed["Cause"], failure=FAILURE, left="") == "the original one"


@pytest.mark.parametrize("verified", [True, False, None])
@pytest.mark.parametrize("retained", [[], [KEPT]])
def test_the_output_of_a_run_is_what_its_clean_up_answered(run: Definition, verified: Any, retained: list[Any]) -> None:
    answer = {"fileSystemId": FILE_SYSTEM, "exportVerified": verified, "retained": retained}
    given = {"target": RUN, "jobIds": ["job-1"], "sessionEnd": "idle"}
    assert evaluate(run.states["Succeeded"]["Output"], cleanedUp=answer, **given) == {
        "execution": RUN,
        "fileSystemId": FILE_SYSTEM,
        "jobIds": ["job-1"],
        "session": "idle",
        "exportVerified": verified is True,
        "retained": retained,
    }
    assert evaluate(run.states["Succeeded"]["Output"], cleanedUp={}, **given)["retained"] == []


def test_the_answer_of_a_clean_up_is_small_and_has_everything_that_the_run_reads(clean_up: Definition) -> None:
    """SFN guide, quotas: 256 KiB; of 99 templates and 99 file systems, one line each."""
    output = clean_up.states["CleanedUp"]["Output"]
    assert set(output) == {
        "execution",
        "fileSystemId",
        "jobIds",
        "exportVerified",
        "removed",
        "retained",
        "pending",
        "lasting",
        "noted",
        "dollarsADay",
        "failure",
    }
    answer = evaluate(
        output,
        target=RUN,
        fileSystemId=FILE_SYSTEM,
        jobIds=["job-1"],
        verified=True,
        removed=[KEPT] * 99,
        retained=[KEPT],
        pending=[TEMPLATE] * 99,
        lasting=False,
        noted=True,
        dollarsADay=11.0465,
        failure={},
    )
    assert answer["dollarsADay"] == 11.05
    assert len(json.dumps(answer)) < 262_144 / 4
