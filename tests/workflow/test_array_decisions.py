"""An array job is one job for all rules: it runs while one of its children does, ends with the last of them, and what
is said of its failure names those that failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import NOW, choose, evaluate
from tests.workflow.test_job_decisions import after, detail, is_job_done, jobs, looked, noted

STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
MOST = 10_000
LIMIT_BYTES = 256 * 1024  # Step Functions guide, quotas: what a state takes and gives


def array(status: str = "PENDING", **counts: int) -> dict[str, Any]:
    """A parent, as Batch describes it: it has neither a start nor an end of its own (SDK ArrayPropertiesDetail)."""
    summary = {each: counts.get(each, 0) for each in STATUSES}
    size = max(2, sum(counts.values()))
    return detail(status) | {"ArrayProperties": {"Size": size, "StatusSummary": summary}}


def seen(definition: Definition, given: dict[str, Any]) -> dict[str, Any]:
    (job,) = jobs(definition, given)
    return dict(job)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (array("SUBMITTED"), "SUBMITTED"),
        (array(SUBMITTED=2), "PENDING"),
        (array(RUNNABLE=2), "PENDING"),
        (array(RUNNABLE=1, SUCCEEDED=1), "PENDING"),
        (array(STARTING=1, SUCCEEDED=1), "RUNNING"),
        (array(RUNNING=1, RUNNABLE=9), "RUNNING"),
        (array(SUCCEEDED=2), "PENDING"),  # it does not say so yet
        (array("SUCCEEDED", SUCCEEDED=2), "SUCCEEDED"),
        (array("FAILED", SUCCEEDED=1, FAILED=1), "FAILED"),
        # Its own words do not count before those of its children.
        (array("FAILED", FAILED=1, RUNNING=1), "RUNNING"),
        (array("FAILED", FAILED=1, STARTING=1), "RUNNING"),
        *((array("FAILED", FAILED=1, **{waiting: 1}), "PENDING") for waiting in ("SUBMITTED", "PENDING", "RUNNABLE")),
        (array("SUCCEEDED", SUCCEEDED=1, RUNNABLE=1), "PENDING"),
        # Terminated before it had any.
        (array("FAILED"), "FAILED"),
    ],
)
def test_an_array_is_over_when_it_says_so_and_none_of_its_children_is_about(
    run: Definition, given: dict[str, Any], status: str
) -> None:
    assert seen(run, given)["status"] == status


@pytest.mark.parametrize("status", STATUSES)
def test_a_job_without_children_is_what_it_says(run: Definition, status: str) -> None:
    for given in (detail(status), detail(status) | {"ArrayProperties": {}}):
        job = seen(run, given)
        assert (job["array"], job["size"], job["status"], job["ended"]) == (False, 0, status, 0)


@pytest.mark.parametrize("status", STATUSES)
def test_an_array_counts_as_started_as_soon_as_a_child_may_have_written(clean_up: Definition, status: str) -> None:
    """Of one that failed only the child itself knows whether it ever started."""
    given = array("PENDING", **{"RUNNABLE": 5, status: 1})
    started = status in ("STARTING", "RUNNING", "SUCCEEDED", "FAILED")
    assert seen(clean_up, given)["started"] is started
    ended = array("FAILED", FAILED=2) if started else array("FAILED")
    assert noted(clean_up, ended)["wasWrittenTo"] is started


def test_the_end_of_an_array_is_when_it_was_seen_whatever_it_says_of_itself(clean_up: Definition) -> None:
    """A later moment than the last child's end is safe, an earlier one would lose data."""
    now = evaluate("{% $millis() %}")
    for given in (array("SUCCEEDED", SUCCEEDED=2), array("FAILED", FAILED=2) | {"StoppedAt": 5}):
        assert noted(clean_up, given, began=1)["jobStoppedAt"] >= now
    assert noted(clean_up, detail("SUCCEEDED", StoppedAt=5), began=1)["jobStoppedAt"] == 5


def test_clean_up_terminates_an_array_and_waits_for_its_last_child(clean_up: Definition) -> None:
    for given in (array(RUNNABLE=2), array(RUNNING=1, FAILED=1), array("FAILED", RUNNING=1, FAILED=1)):
        assert after(clean_up, given)[0] == "StopJob"
        assert looked(clean_up, given)["alive"] == ["job-1"]
    assert after(clean_up, array("FAILED", FAILED=2))[0] == "FindEarlierJobs"


def test_a_list_of_jobs_by_name_gives_an_array_once_whether_or_not_its_children_are_in_it(
    run: Definition, clean_up: Definition
) -> None:
    """SDK ListJobs, filters: a filter "doesn't apply to child jobs"."""
    submitted = run.states["ListSubmittedJobs"]["Assign"]["jobIds"]
    for listed in (["a", "b"], ["a:1", "a:0", "a", "b:0"]):
        result = {"JobSummaryList": [{"JobId": each} for each in listed]}
        assert sorted(evaluate(submitted, {"result": result})) == ["a", "b"]
        running = looked(clean_up, *(detail("RUNNING") | {"JobId": each} for each in listed))
        assert sorted(running["alive"]) == ["a", "b"]
        failed = looked(clean_up, *(detail("FAILED") | {"JobId": each} for each in listed))
        assert sorted(failed["doubtful"]) == ["a", "b"]
    assert evaluate(submitted, {"result": {"JobSummaryList": []}}) == []


# ---------------------------------------------------------------------- an array that waits
def quiet(run: Definition, *given: dict[str, Any], before: int = 0) -> tuple[bool, int]:
    """Whether nothing went on since the look before, and how many children have ended."""
    known = {"quietSince": -1, "childrenEnded": before}
    assigned = evaluate(run.states["WaitForJobCompletion"]["Assign"], jobs=jobs(run, *given), **known)
    return assigned["quietSince"] == -1, assigned["childrenEnded"]


def test_an_array_waits_while_none_of_its_children_runs_and_none_ends(run: Definition) -> None:
    assert quiet(run, array(RUNNABLE=3)) == (True, 0)
    assert quiet(run, array(RUNNABLE=2, SUCCEEDED=1), before=1) == (True, 1)
    assert quiet(run, array(RUNNABLE=1, SUCCEEDED=1, FAILED=1), before=1) == (False, 2)
    assert quiet(run, array(RUNNABLE=2, RUNNING=1)) == (False, 0)
    assert quiet(run, array(RUNNABLE=2, STARTING=1)) == (False, 0)
    assert quiet(run, before=2) == (True, 2), "what was not seen changes nothing"
    for status in ("SUBMITTED", "PENDING", "RUNNABLE"):
        assert quiet(run, detail(status)) == (True, 0)
    noted_before = run.states["NoteSubmission"]["Assign"]
    assert (noted_before["quietSince"], noted_before["childrenEnded"]) == ("{% $millis() %}", 0)


def test_an_array_whose_children_wait_their_turn_has_the_time_of_jobs(run: Definition) -> None:
    """It is PENDING all the time, from a submission that may be weeks ago."""
    given: dict[str, Any] = {"jobIds": ["job-1"], "fileSystemId": "fs-1", "pages": 0}
    given["parameters"] = {"autoExport": True, "jobDefinitionAttemptSeconds": 0}
    waiting = jobs(run, array(RUNNABLE=2, SUCCEEDED=1))
    assert choose(run, "IsJobDone", jobs=waiting, since=NOW, quietSince=NOW, **given)[0] == "WaitForJobCompletion"
    target, assigned = choose(run, "IsJobDone", jobs=waiting, since=NOW, quietSince=0, **given)
    assert (target, assigned) == ("IsWaitingJobAnArray", {"waitReason": "no reason given"})
    assert choose(run, target, jobs=waiting)[0] == "FindWaitingChild"
    running = jobs(run, array(RUNNING=1, RUNNABLE=1))
    assert choose(run, "IsJobDone", jobs=running, since=NOW, quietSince=0, **given)[0] == "WaitForJobCompletion"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "no reason given"),
        ([{"JobId": "job-1:7"}], "no reason given"),
        ([{"JobId": "job-1:7", "StatusReason": ""}], "no reason given"),
        ([{"JobId": "job-1:7", "StatusReason": "CAPACITY:…"}], "CAPACITY:…"),
    ],
)
def test_an_array_waits_for_what_its_children_say(run: Definition, answer: list[dict[str, str]], words: str) -> None:
    state = run.states["FindWaitingChild"]
    assert evaluate(state["Arguments"], jobs=[{"id": "job-1"}]) == {
        "ArrayJobId": "job-1",
        "JobStatus": "RUNNABLE",
        "MaxResults": 1,
    }
    assert evaluate(state["Assign"], {"result": {"JobSummaryList": answer}}) == {"waitReason": words}
    assert {state["Next"], *(each["Next"] for each in state["Catch"])} == {"TellWhyItDidNotStart"}
    assert [each for each in state["Catch"] if "Assign" in each] == []
    waiting = {"jobs": jobs(run, array(RUNNABLE=7, FAILED=1, SUCCEEDED=2)), "fileSystemId": "fs-1"}
    cause = evaluate(run.states["TellWhyItDidNotStart"]["Assign"], waitReason=words, **waiting)["failure"]["Cause"]
    assert cause.startswith(
        "No child of job job-1 ran (3 of 10 had ended) for more than 120 minutes (jobStartTimeoutMinutes): "
    )
    assert ("cannot mount fs-1" in cause) == (words == "no reason given")
    assert cause.endswith(words) == (words != "no reason given")


# ---------------------------------------------------------------------- an array that failed
CHILD = {
    "StatusReason": "Essential container in task exited.",
    "Container": {"ExitCode": 3, "LogStreamName": "work/default/1", "Reason": "OutOfMemory"},
}


def cause(
    run: Definition,
    failed: list[int],
    counted: int,
    of: int,
    child: dict[str, Any] | None,
    attempt_seconds: int = 0,
    error: str = "JobFailed",
) -> str:
    """What is said of an array of that many, so many of which Batch counts as failed and these of which it lists."""
    known = {
        "parameters": {"jobDefinitionAttemptSeconds": attempt_seconds},
        "jobs": jobs(run, array("FAILED", FAILED=counted, SUCCEEDED=of - counted)),
        "failedChildren": failed[:11],
        "failedCount": len(failed),
        "failed": [] if child is None else jobs(run, detail("FAILED") | child),
    }
    failure = evaluate(run.states["TellWhyItFailed"]["Assign"], **known)["failure"]
    assert failure["Error"] == error
    return str(failure["Cause"])


def test_the_cause_names_how_many_children_failed_which_and_the_first_ones_own_words(run: Definition) -> None:
    assert cause(run, [3, 17], 2, 20, CHILD).partition("/")[0] == (
        "Job job-1 failed: 2 of its 20 children did (3, 17). Child 3: Essential container in task exited "
        "(OutOfMemory), exit code 3. Its log: log group "
    )
    assert cause(run, [3], 1, 20, CHILD).endswith("log stream work/default/1")
    assert cause(run, [3], 1, 20, {}) == ("Job job-1 failed: 1 of its 20 children did (3). Child 3: no reason given")


@pytest.mark.parametrize(
    ("seconds", "limit"), [(600, "jobDefinitionAttemptSeconds 600"), (0, "jobTimeoutMinutes 129600")]
)
def test_a_child_that_batch_ended_at_its_limit_is_told_by_the_name_of_that_limit(
    run: Definition, seconds: int, limit: str
) -> None:
    """SDK JobTimeout: it applies to each child."""
    child = {"StatusReason": "Job attempt duration exceeded timeout", "Container": {"ExitCode": 137}}
    said = cause(run, [3], 1, 20, child, seconds, "JobFailed" if seconds else "JobTimedOut")
    assert said.endswith(f"Child 3: Job attempt duration exceeded timeout ({limit}), exit code 137")


def test_the_cause_names_ten_children_at_most_and_counts_what_it_knows(run: Definition) -> None:
    assert "12 of its 20 children did (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …). Child 0" in cause(
        run, list(range(12)), 2, 20, CHILD
    )
    assert "did (0, 1, 2, 3, 4, 5, 6, 7, 8, 9). " in cause(run, list(range(10)), 10, 20, CHILD)


def test_what_could_not_be_looked_up_is_not_made_up(run: Definition) -> None:
    assert cause(run, [3, 17], 2, 20, None) == "Job job-1 failed: 2 of its 20 children did (3, 17)"
    assert cause(run, [], 2, 20, None) == "Job job-1 failed: 2 of its 20 children did, which could not be listed"


def test_failed_children_are_read_page_by_page_and_kept_in_order(run: Definition) -> None:
    target, assigned = is_job_done(run, array("FAILED", FAILED=2))
    assert (target, assigned) == (
        "FindFailedChildren",
        {"failed": [], "failedChildren": [], "failedCount": 0, "nextToken": ""},
    )
    state = run.states[target]
    asked = {"ArrayJobId": "job-1", "JobStatus": "FAILED", "MaxResults": 100}
    assert evaluate(state["Arguments"], jobs=[{"id": "job-1"}], nextToken="") == asked
    assert evaluate(state["Arguments"], jobs=[{"id": "job-1"}], nextToken="x") == asked | {"NextToken": "x"}
    page = [{"ArrayProperties": {"Index": index}} for index in (9, 2)]
    known = {"failedChildren": [30, 100], "failedCount": 2, "pages": 3}
    assert evaluate(state["Assign"], {"result": {"JobSummaryList": page}}, **known) == {
        "nextToken": "",
        "pages": 4,
        "failedCount": 4,
        "failedChildren": [2, 9, 30, 100],
    }
    more = {"JobSummaryList": page[:1], "NextToken": "x"}
    assert evaluate(state["Assign"], {"result": more}, failedChildren=[], failedCount=0, pages=0) == {
        "nextToken": "x",
        "pages": 1,
        "failedCount": 1,
        "failedChildren": [9],
    }
    nothing = evaluate(state["Assign"], {"result": {"JobSummaryList": []}}, failedChildren=[], failedCount=0, pages=0)
    assert (nothing["failedChildren"], nothing["failedCount"]) == ([], 0)
    # As many as are told, and one that shows that there are more.
    full = evaluate(
        state["Assign"], {"result": {"JobSummaryList": page}}, **known | {"failedChildren": [*range(10, 21)]}
    )
    assert full["failedChildren"] == [2, 9, *range(10, 19)]


@pytest.mark.parametrize(
    ("failed", "token", "pages", "target"),
    [
        ([3], "x", 199, "FindFailedChildren"),
        ([], "x", 0, "FindFailedChildren"),
        ([3], "x", 200, "DescribeFailedChild"),
        ([3], "", 0, "DescribeFailedChild"),
        ([], "", 0, "TellWhyItFailed"),
    ],
)
def test_the_first_child_that_failed_is_described_once_all_are_listed_within_reason(
    run: Definition, failed: list[int], token: str, pages: int, target: str
) -> None:
    given = {"failedChildren": failed, "nextToken": token, "pages": pages}
    assert choose(run, "AreThereMoreFailedChildren", **given) == (target, {})
    state = run.states["DescribeFailedChild"]
    assert evaluate(state["Arguments"], jobs=[{"id": "job-1"}], failedChildren=[3, 4]) == {"Jobs": ["job-1:3"]}
    described = detail("FAILED") | CHILD | {"ArrayProperties": {"Index": 3}}
    answer = evaluate(state["Assign"], {"result": {"Jobs": [described]}})
    assert [(each["exitCode"], each["array"]) for each in answer["failed"]] == [("3", False)]


def test_a_list_or_a_child_that_cannot_be_read_leaves_what_is_known(run: Definition) -> None:
    (listing,) = run.states["FindFailedChildren"]["Catch"]
    assert listing == {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"nextToken": ""},
        "Next": "AreThereMoreFailedChildren",
    }
    (describing,) = run.states["DescribeFailedChild"]["Catch"]
    assert describing == {"ErrorEquals": ["States.ALL"], "Next": "TellWhyItFailed"}
    assert run.states["TellWhyItFailed"]["Next"] == run.states["TellWhyItDidNotStart"]["Next"] == "CleanUp"


# ---------------------------------------------------------------------- ten thousand of them
def test_what_is_answered_and_kept_of_ten_thousand_children_is_far_below_what_a_state_takes(run: Definition) -> None:
    """A page of a hundred, each as long as the SDK lets it be: a name of 128 characters, a container's reason of 255, a
    status reason of 1,024 (TerminateJob, reason)."""
    arn = f"arn:aws:batch:ap-northeast-1:123456789012:job/{'0' * 36}"
    summary = {
        "JobArn": f"{arn}:9999",
        "JobId": f"{'0' * 36}:9999",
        "JobName": "n" * 128,
        "CreatedAt": 10**12,
        "StartedAt": 10**12,
        "StoppedAt": 10**12,
        "Status": "FAILED",
        "StatusReason": "r" * 1024,
        "Container": {"ExitCode": 137, "Reason": "c" * 255},
        "ArrayProperties": {"Index": 9999},
        "JobDefinition": f"{arn}/{'d' * 128}:1000",
    }
    asked = evaluate(run.states["FindFailedChildren"]["Arguments"], jobs=[{"id": "job-1"}], nextToken="")
    page = {"JobSummaryList": [summary] * asked["MaxResults"], "NextToken": "t" * 1024}
    assert len(json.dumps(page)) < LIMIT_BYTES * 0.9
    kept = evaluate(
        run.states["FindFailedChildren"]["Assign"], {"result": page}, failedChildren=[9998] * 11, failedCount=9, pages=0
    )
    assert len(kept["failedChildren"]) == 11
    assert len(json.dumps(kept)) < LIMIT_BYTES / 100
    assert len(cause(run, list(range(MOST)), MOST, MOST, CHILD)) < 1000
