"""When a job counts as started, as ended and as stuck: whether anything was written, and whether anything still is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from lustre_batch import Settings

from tests.graph.recording import record_stack
from tests.workflow.asl import all_edges
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import FILE_SYSTEM, NOW, RUN, STACK, choose, evaluate

BEGAN = NOW


def detail(status: str, **members: Any) -> dict[str, Any]:
    return {"JobId": "job-1", "Status": status, "CreatedAt": 1000, **members}


def jobs(definition: Definition, *details: dict[str, Any]) -> Any:
    name = "DescribeJob" if "DescribeJob" in definition.states else "DescribeJobs"
    return evaluate(definition.states[name]["Assign"]["jobs"], {"result": {"Jobs": list(details)}})


BLANK: dict[str, Any] = {
    "alive": [],
    "aliveSince": 0,
    "byName": False,
    "doubtful": [],
    "jobIds": [],
    "nextToken": "",
    "pages": 0,
    "sawJobs": False,
    "sawStarted": False,
    "stoppedAt": 0,
    "target": "arn",
}


def summary(given: dict[str, Any]) -> dict[str, Any]:
    """What ListJobs says of a job (SDK JobSummary): neither its attempts nor its task."""
    return {"JobName": "x", **{key: value for key, value in given.items() if key not in ("Attempts", "Container")}}


def looked(clean_up: Definition, *details: dict[str, Any], **known: Any) -> dict[str, Any]:
    """What a clean-up knows once it has seen that page of the list."""
    page = {"JobSummaryList": [summary(each) for each in details]}
    before = {**BLANK, **known}
    found: dict[str, Any] = evaluate(clean_up.states["FindJobs"]["Assign"], {"result": page}, **before)
    return before | found


def noted(clean_up: Definition, *details: dict[str, Any], **changes: Any) -> Any:
    """What it knows at their end, once it has looked at those that may have run in detail."""
    given: dict[str, Any] = {"reclaim": False, "submitted": False, "began": BEGAN, "writtenUntil": -1, "jobs": []}
    given |= looked(clean_up, *details) | changes
    if choose(clean_up, "AreJobsInDoubt", **given)[0] == "DescribeJobs":
        given["jobs"] = jobs(clean_up, *(each for each in details if each["JobId"] in given["doubtful"]))
    return evaluate(clean_up.states["NoteEndOfJobs"]["Assign"], **given)


def test_run_and_clean_up_see_the_same_of_a_job(run: Definition, clean_up: Definition) -> None:
    assert run.states["DescribeJob"]["Assign"] == clean_up.states["DescribeJobs"]["Assign"]


@pytest.mark.parametrize(
    ("given", "started"),
    [
        (detail("SUBMITTED"), False),
        (detail("PENDING"), False),
        (detail("RUNNABLE"), False),
        (detail("FAILED"), False),
        (detail("STARTING"), True),
        (detail("RUNNING"), True),
        (detail("SUCCEEDED"), True),
        (detail("FAILED", StartedAt=2000), True),
        (detail("FAILED", Attempts=[{"StoppedAt": 3000}]), True),
        (detail("FAILED", Container={"TaskArn": "arn:aws:ecs:task"}), True),
    ],
)
def test_a_job_counts_as_started_as_soon_as_it_may_have_written(
    clean_up: Definition, given: dict[str, Any], started: bool
) -> None:
    assert [each["started"] for each in jobs(clean_up, given)] == [started]
    assert noted(clean_up, given)["wasWrittenTo"] is started
    assert noted(clean_up, detail("FAILED") | {"JobId": "job-0"}, given)["wasWrittenTo"] is started


def test_a_job_that_was_ever_seen_to_have_started_counts_as_one_that_wrote(clean_up: Definition) -> None:
    running = looked(clean_up, detail("RUNNING"))
    assert running["sawStarted"] is True
    assert looked(clean_up, detail("FAILED"), sawStarted=True)["sawStarted"] is True
    assert noted(clean_up, detail("FAILED"), sawStarted=True)["wasWrittenTo"] is True


def test_failed_jobs_that_cannot_be_described_or_are_too_many_to_be_count_as_ones_that_wrote(
    clean_up: Definition,
) -> None:
    nine = [detail("FAILED") | {"JobId": f"job-{number}"} for number in range(9)]
    assert noted(clean_up, *nine[:8])["wasWrittenTo"] is False
    assert noted(clean_up, *nine)["wasWrittenTo"] is True
    forgotten = looked(clean_up, detail("FAILED")) | {"reclaim": False, "submitted": False, "began": 1, "jobs": []}
    assert evaluate(clean_up.states["NoteEndOfJobs"]["Assign"], **forgotten, writtenUntil=-1)["wasWrittenTo"] is True
    assert [catcher["Assign"] for catcher in clean_up.states["DescribeJobs"]["Catch"]] == [{"jobs": []}]


@pytest.mark.parametrize("submitted", [True, False])
def test_a_job_that_batch_has_forgotten_counts_as_one_that_wrote_if_it_was_ever_submitted(
    clean_up: Definition, submitted: bool
) -> None:
    """Batch guide, job states: seven days after its end. The tag lustre-batch:submitted stays."""
    assert noted(clean_up, submitted=submitted)["wasWrittenTo"] is submitted


def test_a_job_that_is_known_never_to_have_started_wrote_nothing_although_it_was_submitted(
    clean_up: Definition,
) -> None:
    assert noted(clean_up, detail("FAILED"), submitted=True)["wasWrittenTo"] is False


def test_of_a_file_system_of_six_days_nobody_knows_that_no_job_ever_wrote(clean_up: Definition) -> None:
    """Those that did may be forgotten, and one that never started remembered: a session may be open for two weeks."""
    old = {"submitted": True, "found": [{"old": True}]}
    assert noted(clean_up, detail("FAILED"), **old)["wasWrittenTo"] is True
    assert noted(clean_up, detail("FAILED"), submitted=True, found=[{"old": False}])["wasWrittenTo"] is False
    (listed,) = [clean_up.states["FindFileSystems"]["Assign"]["found"]]
    assert "$millis() - $toMillis(CreationTime) > 518400000" in listed


def test_the_submission_is_noted_before_the_job_is_submitted(run: Definition) -> None:
    note = run.states["NoteSubmission"]
    assert note["Next"] == "EnableJobQueue", "nor may anybody else's start before"
    assert note["Arguments"]["Tags"] == [{"Key": "lustre-batch:submitted", "Value": "true"}]
    assert [catcher["Next"] for catcher in note["Catch"]] == ["CleanUp"]


def test_the_queue_has_to_be_seen_empty_since_the_last_job_stopped(clean_up: Definition) -> None:
    ended = (detail("FAILED", StoppedAt=3000), detail("SUCCEEDED", StoppedAt=5000))
    assert noted(clean_up, *ended)["jobStoppedAt"] == 5000
    assert noted(clean_up, *reversed(ended))["jobStoppedAt"] == 5000
    # What cannot be known counts from when this clean-up began.
    assert noted(clean_up, *ended, reclaim=True)["jobStoppedAt"] == BEGAN
    now = time.time() * 1000 - 1000
    assert now < noted(clean_up, detail("FAILED"))["jobStoppedAt"] < BEGAN, "one that ended without a time ended now"
    assert noted(clean_up, submitted=True)["jobStoppedAt"] == BEGAN
    assert noted(clean_up, *ended, byName=True)["jobStoppedAt"] == BEGAN, "there may have been others"


@pytest.mark.parametrize(("until", "written"), [(0, False), (5000, True)])
def test_once_the_lane_was_given_back_what_was_seen_of_its_jobs_counts_and_not_who_uses_it_now(
    clean_up: Definition, until: int, written: bool
) -> None:
    later = (detail("SUCCEEDED", StoppedAt=9000),)
    told = noted(clean_up, *later, writtenUntil=until, submitted=True)
    assert (told["wasWrittenTo"], told["jobStoppedAt"]) == (written, 5000 if written else 9000)
    assert noted(clean_up, *later, writtenUntil=until, reclaim=True)["wasWrittenTo"] is True


def test_what_is_reclaimed_may_have_been_written_to_by_other_hands(clean_up: Definition) -> None:
    assert noted(clean_up, reclaim=True)["wasWrittenTo"] is True


def after(clean_up: Definition, *details: dict[str, Any], **changes: Any) -> tuple[str, dict[str, Any]]:
    """Where a clean-up turns that has seen these jobs, and what it notes on its way."""
    given: dict[str, Any] = {"since": NOW, "pending": [], "looks": 1, "jobsSince": 500, "stops": 0, "told": []}
    given |= {"holdsLane": True, **looked(clean_up, *details), **changes}
    target, assigned = choose(clean_up, "AreJobsStopped", **given)
    if target == "ReadLaneBeforeStopping":
        target, _ = choose(clean_up, "MayJobsBeStopped", **given | assigned)
    return target, assigned


@pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"])
def test_clean_up_goes_on_only_when_no_job_of_the_queue_can_write_any_more(clean_up: Definition, status: str) -> None:
    over = status in ("SUCCEEDED", "FAILED")
    assert after(clean_up, detail(status))[0] == ("FindEarlierJobs" if over else "StopJob")
    both = after(clean_up, detail("SUCCEEDED"), detail(status) | {"JobId": "job-2"})
    assert both[0] == ("FindEarlierJobs" if over else "StopJob")


def test_two_looks_in_a_row_have_to_see_no_job(clean_up: Definition) -> None:
    target, assigned = after(clean_up, detail("SUCCEEDED"), looks=0)
    assert (target, assigned["looks"]) == ("WaitForJobsToStop", 1)
    assert assigned["jobsSince"] > (time.time() - 3700) * 1000, (
        "what ended stays ended: only what the list showed late is new"
    )
    assert after(clean_up, detail("RUNNING"))[1]["looks"] == 0
    assert after(clean_up, detail("RUNNING"))[1]["jobsSince"] == 999, "the next look begins at the oldest that has not"
    assert after(clean_up, looks=1)[0] == "FindEarlierJobs"


def test_a_job_from_before_the_run_took_its_lane_is_found_by_its_status_and_ended_too(clean_up: Definition) -> None:
    statuses = after(clean_up, looks=1)[1]["statuses"]
    asked = []
    while statuses:
        asked.append(evaluate(clean_up.states["FindEarlierJobs"]["Arguments"], queueArn="q", statuses=statuses))
        seen = evaluate(
            clean_up.states["FindEarlierJobs"]["Assign"],
            {"result": {"JobSummaryList": []}},
            statuses=statuses,
            sawJobs=False,
        )
        statuses = seen["statuses"]
        target, _ = choose(clean_up, "AreEarlierJobsStopped", alive=seen["alive"], aliveSince=1, statuses=statuses)
        assert target == ("FindEarlierJobs" if statuses else "AreJobsInDoubt")
    assert [one["JobStatus"] for one in asked] == ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"]
    page = {"JobSummaryList": [{"JobId": "job-1:3", "CreatedAt": 70}, {"JobId": "job-2", "CreatedAt": 60}]}
    found = evaluate(
        clean_up.states["FindEarlierJobs"]["Assign"], {"result": page}, statuses=["RUNNING"], sawJobs=False
    )
    assert (found["alive"], found["aliveSince"], found["sawJobs"]) == (["job-1", "job-2"], 60, True)
    target, assigned = choose(clean_up, "AreEarlierJobsStopped", alive=["job-1"], aliveSince=60, statuses=[])
    assert (target, assigned) == ("ReadLaneBeforeStopping", {"looks": 0, "jobsSince": 59})


def test_every_page_of_the_list_is_read_and_what_cannot_be_counts_as_having_written(clean_up: Definition) -> None:
    assert after(clean_up, nextToken="more")[0] == "FindJobs"
    target, assigned = after(clean_up, nextToken="more", pages=400)
    assert (target, assigned["nextToken"], assigned["sawStarted"]) == ("FindEarlierJobs", "", True)
    assert assigned["stoppedAt"] > (time.time() - 60) * 1000
    assert after(clean_up, detail("RUNNING"), nextToken="more", pages=400)[0] == "StopJob"
    second = looked(clean_up, detail("FAILED"), nextToken="more", alive=["job-0"], aliveSince=7, pages=1)
    assert (second["alive"], second["aliveSince"], second["pages"]) == (["job-0"], 7, 2)
    assert looked(clean_up, alive=["job-0"])["alive"] == [], "another look begins anew"
    asked = clean_up.states["FindJobs"]["Arguments"]
    given = {"queueArn": "arn", "jobsSince": 1_700_000_000_000, "target": RUN}
    page = evaluate(asked, **given, byName=False, nextToken="more")
    assert page["Filters"] == [{"Name": "AFTER_CREATED_AT", "Values": ["1700000000000"]}]
    assert (page["MaxResults"], page["NextToken"]) == (100, "more")


@pytest.mark.parametrize("by_name", [True, False])
def test_jobs_of_another_run_are_neither_terminated_nor_waited_for(clean_up: Definition, by_name: bool) -> None:
    """Another clean-up has given the lane back since, and the jobs in its queue are whose it is now."""
    target, _ = after(clean_up, detail("RUNNING"), holdsLane=False, byName=by_name)
    assert target == ("StopJob" if by_name else "NoteEndOfJobs")


def test_of_several_jobs_one_after_the_other_is_stopped_and_each_is_told_once(clean_up: Definition) -> None:
    stop = clean_up.states["StopJob"]
    given: dict[str, Any] = {"alive": ["job-1", "job-2"], "told": ["job-1"], "skipped": [], "stops": 1}
    assert evaluate(stop["Arguments"]["JobId"], **given) == "job-2"
    assert evaluate(stop["Assign"], **given) == {"stops": 2, "told": ["job-1", "job-2"]}
    (refused,) = stop["Catch"]
    assert evaluate(refused["Assign"], **given) == {"stops": 2, "skipped": ["job-2"]}, "it is told again"
    assert choose(clean_up, "AreThereMoreJobsToStop", **given)[0] == "StopJob"
    assert choose(clean_up, "AreThereMoreJobsToStop", **given | {"told": ["job-1", "job-2"]})[0] == "WaitForJobsToStop"
    assert choose(clean_up, "AreThereMoreJobsToStop", **given | {"stops": 200})[0] == "WaitForJobsToStop"
    assert after(clean_up, detail("RUNNING"), told=["job-1"])[0] == "WaitForJobsToStop"


def left_behind(clean_up: Definition, assigned: dict[str, Any], **changes: Any) -> list[tuple[str, str, str]]:
    given: dict[str, Any] = {"fileSystemId": FILE_SYSTEM, "templateIds": ["lt-1"]} | assigned | changes
    told = evaluate(clean_up.states["LeaveWhatJobsMayUse"]["Assign"], **given)
    return [(each["type"], each["id"], each["reason"]) for each in told["pending"]]


def test_a_job_that_will_not_stop_leaves_everything_it_may_still_use_and_names_it(clean_up: Definition) -> None:
    target, assigned = after(clean_up, detail("RUNNING"), since=0, told=["job-1"])
    assert target == "LeaveWhatJobsMayUse"
    assert left_behind(clean_up, assigned) == [
        ("job", "job-1", "it does not stop"),
        ("file-system", FILE_SYSTEM, "job job-1 may still write to it"),
        ("launch-template", "lt-1", "a job may still need it"),
        ("job-definition", STACK, "it was not looked for, because a job may still need it"),
    ]
    nothing = left_behind(clean_up, assigned, fileSystemId="", templateIds=[])
    assert [each[0] for each in nothing] == ["job", "job-definition"]


def test_when_one_clean_up_has_terminated_as_many_as_it_may_the_run_starts_another_at_once(
    run: Definition, clean_up: Definition
) -> None:
    running = [detail("RUNNING") | {"JobId": f"job-{number}"} for number in (1, 2)]
    given: dict[str, Any] = {
        "alive": ["job-1", "job-2"],
        "told": ["job-1"],
        "stops": 200,
        "pending": [],
        "byName": False,
    }
    target, assigned = choose(clean_up, "MayJobsBeStopped", **given, holdsLane=True, since=NOW)
    assert target == "LeaveWhatJobsMayUse"
    reasons = [(one["id"], one["reason"]) for one in assigned["pending"]]
    assert reasons == [("job-1", "it is being terminated"), ("job-2", "it was not terminated yet")]
    assert after(clean_up, *running, told=["job-1"], stops=200)[0] == "LeaveWhatJobsMayUse"
    refused = after(clean_up, *running, told=["job-1"], stops=2, since=0)[1]["pending"]
    assert [one["reason"] for one in refused] == ["it does not stop", "it could not be terminated"]
    known = {"cleanUpError": "", "failure": {}, "target": RUN, "isSession": True}
    answer = {"cleanedUp": {"pending": assigned["pending"], "failure": {}}}
    target, again = choose(run, "IsAnythingLeft", cleanUpStarts=2, **known, **answer)
    assert (target, again["cleanUpStarts"], again["cleanUpName"][-6:]) == ("WaitForCleanUp", 3, "-run-3")
    assert choose(run, "IsAnythingLeft", cleanUpStarts=20, **known, **answer)[0] == "Summarise"
    assert choose(run, "IsAnythingLeft", cleanUpStarts=2, **known | {"cleanUpError": "x"}, **answer)[0] == "Summarise"


def test_a_queue_that_was_deleted_has_no_jobs_any_more_and_they_count_as_having_written(clean_up: Definition) -> None:
    target, assigned = disabled(clean_up, "DELETED", "DELETED")
    assert (target, assigned["sawStarted"]) == ("NoteEndOfJobs", True)
    assert assigned["stoppedAt"] > (time.time() - 60) * 1000


def disabled(clean_up: Definition, state: str, status: str, **changes: Any) -> tuple[str, dict[str, Any]]:
    given = {
        "queueState": state,
        "queueStatus": status,
        "queueReason": "why",
        "since": NOW,
        "pending": [],
        "target": RUN,
    }
    return choose(clean_up, "IsJobQueueDisabled", **given | changes)


@pytest.mark.parametrize("status", ["CREATING", "UPDATING", "VALID", "INVALID", "UNKNOWN", "DELETING"])
@pytest.mark.parametrize("state", ["ENABLED", "DISABLED", ""])
def test_no_jobs_means_that_the_queue_takes_none_any_more(clean_up: Definition, state: str, status: str) -> None:
    settled = status in ("VALID", "INVALID")
    wanted = {"DISABLED": "FindJobs", "ENABLED": "ReadLaneBeforeDisabling"}.get(state) if settled else None
    assert disabled(clean_up, state, status)[0] == (wanted or "WaitForJobQueue")
    target, assigned = disabled(clean_up, state, status, since=0)
    if target == "LeaveWhatJobsMayUse":
        (lane,) = assigned["pending"]
        assert (lane["type"], status in lane["reason"]) == ("lane", True)
        assert "within 10 minutes" in lane["reason"]
    else:
        assert target == "FindJobs"


def test_a_queue_that_does_not_close_for_long_waits_for_somebody_to_mend_it(clean_up: Definition) -> None:
    """One that somebody has deleted never will: nobody is to read that nothing needs to be done."""
    for state, status in [("", "DELETED"), ("ENABLED", "UPDATING")]:
        target, assigned = disabled(clean_up, state, status, since=0)
        assert (target, assigned["lasting"]) == ("LeaveWhatJobsMayUse", True)


def test_a_queue_is_disabled_only_by_who_holds_its_lane_at_that_moment(clean_up: Definition) -> None:
    assert choose(clean_up, "HasQueue", queueArn="arn", holdsLane=True)[0] == "ReadLaneBeforeDisabling"
    assert choose(clean_up, "HasQueue", queueArn="", holdsLane=False)[0] == "NoteEndOfJobs"
    for holds, target in [(True, "DisableJobQueue"), (False, "NoteEndOfJobs")]:
        assert choose(clean_up, "MayQueueBeDisabled", holdsLane=holds)[0] == target
    entrances = {edge.source for edge in all_edges(clean_up.states) if edge.target == "DisableJobQueue"}
    assert entrances == {"MayQueueBeDisabled"}
    assert clean_up.states["DisableJobQueue"]["Arguments"]["State"] == "DISABLED"


def test_jobs_are_found_by_a_name_that_run_and_clean_up_make_alike_and_that_outlives_a_new_env_name(
    run: Definition, clean_up: Definition
) -> None:
    """A run from before there were lanes has no entry in the table; its jobs are known by their name."""
    name = run.states["NoteSubmission"]["Assign"]["jobName"]
    assert "'JobName': $jobName" in run.states["SubmitJob"]["Arguments"]
    (listed,) = run.states["ListSubmittedJobs"]["Arguments"]["Filters"]
    assert listed == {"Name": "JOB_NAME", "Values": [name]}
    target, assigned = choose(clean_up, "HasQueue", queueArn="arn", holdsLane=False)
    given = {"queueArn": "arn", "jobsSince": 0, "target": RUN, "nextToken": ""} | assigned
    asked = evaluate(clean_up.states[target]["Arguments"], **given)
    assert asked["Filters"] == [{"Name": "JOB_NAME", "Values": [evaluate(name, target=RUN)]}]
    assert evaluate(name, target="a") != evaluate(name, target="b")
    assert "EnvName" not in name


def is_enabled(run: Definition, state: str, status: str, since: int = NOW) -> tuple[str, str]:
    known = {"queueState": state, "queueStatus": status, "queueReason": "why", "since": since, "isSession": False}
    target, assigned = choose(run, "IsJobQueueEnabled", **known)
    return target, assigned.get("failure", {}).get("Error", "")


def test_a_job_is_submitted_only_to_a_queue_that_takes_jobs(run: Definition) -> None:
    assert is_enabled(run, "ENABLED", "VALID") == ("SubmitJob", "")
    assert is_enabled(run, "ENABLED", "VALID", since=0) == ("SubmitJob", "")
    for state, status in [("ENABLED", "UPDATING"), ("DISABLED", "VALID"), ("", "UNKNOWN")]:
        assert is_enabled(run, state, status) == ("WaitForJobQueue", "")
        assert is_enabled(run, state, status, since=0) == ("CleanUp", "JobQueueTimedOut")
    for status in ("INVALID", "DELETED"):
        assert is_enabled(run, "ENABLED", status) == ("CleanUp", "JobQueueInvalid")


def test_no_queue_is_enabled_before_its_environment_names_our_template_and_everything_is_imported(
    run: Definition,
) -> None:
    ways = all_edges(run.states)
    for before, state in [("EnableJobQueue", "NoteSubmission"), ("NoteSubmission", "IsImported")]:
        assert {edge.source for edge in ways if edge.target == before} == {state}
    assert {edge.source for edge in ways if edge.target == "FindImportTask"} == {"LetJobFinish", "WaitForImport"}
    assert {edge.source for edge in ways if edge.target == "LetJobFinish"} == {"IsComputeEnvironmentValid"}
    (valid,) = [rule for rule in run.states["IsComputeEnvironmentValid"]["Choices"] if rule["Next"] == "LetJobFinish"]
    assert "$environmentTemplateId = $launchTemplateId" in valid["Condition"]


# ---------------------------------------------------------------------- the run's own look at its job
def is_job_done(
    run: Definition, *details: dict[str, Any], since: int = NOW, pages: int = 0, attempt_seconds: int = 0
) -> tuple[str, dict[str, Any]]:
    parameters = {"autoExport": True, "jobDefinitionAttemptSeconds": attempt_seconds}
    given = {"jobIds": ["job-1"], "parameters": parameters, "fileSystemId": "fs-1", "pages": pages}
    return choose(run, "IsJobDone", jobs=jobs(run, *details), since=since, quietSince=0, **given)


def told(run: Definition, *details: dict[str, Any], attempt_seconds: int = 0) -> dict[str, Any]:
    """The failure that a run ends with which has seen this of its job."""
    seen: dict[str, Any] = {"jobs": jobs(run, *details), "fileSystemId": "fs-1"}
    seen["parameters"] = {"jobDefinitionAttemptSeconds": attempt_seconds}
    target, assigned = is_job_done(run, *details, attempt_seconds=attempt_seconds)
    if target == "IsWaitingJobAnArray":
        target, _ = choose(run, target, **seen)
    assert run.states[target]["Next"] == "CleanUp"
    return dict(evaluate(run.states[target]["Assign"]["failure"], **seen, **assigned))


@pytest.mark.parametrize(
    ("members", "cause"),
    [
        ({}, "Job job-1 failed: no reason given"),
        (
            {"StatusReason": "Essential container in task exited", "Container": {"Reason": "OutOfMemory"}},
            "Job job-1 failed: Essential container in task exited (OutOfMemory)",
        ),
        (
            {
                "StatusReason": "Essential container in task exited",
                "Container": {"ExitCode": 1, "LogStreamName": "a/b"},
            },
            "Job job-1 failed: Essential container in task exited, exit code 1. "
            "Its log: log group @@GROUP@@, log stream a/b",
        ),
        (
            {"StatusReason": "Essential container in task exited", "Container": {"ExitCode": 137}},
            "Job job-1 failed: Essential container in task exited, exit code 137 "
            "(killed: out of memory, see jobDefinitionMemory, or stopped from outside)",
        ),
        (
            {"StatusReason": "Essential container in task exited", "Container": {"ExitCode": 0}},
            "Job job-1 failed: Essential container in task exited, exit code 0",
        ),
    ],
)
def test_the_failure_of_a_job_is_told_in_its_own_words_with_exit_code_and_log(
    run: Definition, members: dict[str, Any], cause: str
) -> None:
    asked = run.states["RegisterJobDefinition"]["Arguments"]["ContainerProperties"]
    image = {"jobDefinitionContainerImage": "image:latest"}
    definition = evaluate(asked, parameters=Settings().run_time_values() | image)
    group = definition["LogConfiguration"]["Options"]["awslogs-group"]
    assert group.startswith("/aws/batch/autoexport-")
    cause = cause.replace("@@GROUP@@", group)
    assert told(run, detail("FAILED", **members)) == {"Error": "JobFailed", "Cause": cause}


def test_a_job_without_children_speaks_for_itself(run: Definition) -> None:
    target, assigned = is_job_done(run, detail("FAILED"))
    assert (target, assigned) == (
        "TellWhyItFailed",
        {"failed": jobs(run, detail("FAILED")), "failedChildren": [], "failedCount": 0},
    )


def test_a_job_that_batch_ended_at_its_limit_is_told_by_the_name_of_that_limit(run: Definition) -> None:
    """Batch's own limit of an attempt is jobTimeoutMinutes unless it has one; Batch kills with 137 at either."""
    ended = detail(
        "FAILED",
        StatusReason="Job attempt duration exceeded timeout",
        Container={"ExitCode": 137, "LogStreamName": "a/b"},
    )
    target, assigned = is_job_done(run, ended)
    assert (target, assigned["failure"]["Error"]) == ("CleanUp", "JobTimedOut")
    words = "Job job-1 had not ended after 129600 minutes (jobTimeoutMinutes). Its log: log group "
    assert assigned["failure"]["Cause"].startswith(words)
    assert assigned["failure"]["Cause"].endswith(", log stream a/b")
    failure = told(run, ended, attempt_seconds=600)
    assert failure["Error"] == "JobFailed"
    assert "exceeded timeout (jobDefinitionAttemptSeconds 600), exit code 137. Its log: " in failure["Cause"]
    by_itself = detail("FAILED", StatusReason="Essential container in task exited", Container={"ExitCode": 137})
    assert "jobDefinitionAttemptSeconds" not in told(run, by_itself, attempt_seconds=600)["Cause"]


def test_a_job_that_succeeded_ends_the_run_without_a_failure(run: Definition) -> None:
    assert is_job_done(run, detail("SUCCEEDED")) == ("CleanUp", {})
    assert is_job_done(run, detail("SUCCEEDED"), since=0) == ("CleanUp", {})


def test_a_job_is_waited_for_even_when_batch_does_not_describe_it(run: Definition) -> None:
    assert is_job_done(run) == ("WaitForJobCompletion", {})
    target, assigned = is_job_done(run, since=0)
    assert (target, assigned["failure"]["Error"]) == ("CleanUp", "JobTimedOut")


@pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE"])
def test_a_job_that_finds_no_instance_has_its_time_counted_from_its_last_attempt(run: Definition, status: str) -> None:
    waiting = detail(status, StatusReason="MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    failure = told(run, waiting)
    assert failure["Error"] == "JobStartTimedOut"
    assert "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT" in failure["Cause"]
    retried = detail(status, Attempts=[{"StoppedAt": NOW}])
    assert is_job_done(run, retried) == ("WaitForJobCompletion", {})
    assert is_job_done(run, detail(status, CreatedAt=NOW)) == ("WaitForJobCompletion", {})


def test_a_job_that_waits_without_a_reason_is_told_where_to_look(run: Definition) -> None:
    """An instance that cannot mount shuts down before Batch hears of it: nobody says why the job stays RUNNABLE."""
    cause = told(run, detail("RUNNABLE"))["Cause"]
    for words in ("cannot mount fs-1", "network", "Lustre client", "mount", "console output", "no quota"):
        assert words in cause, words
    assert "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests (L-34B43A08)" in cause


# ---------------------------------------------------------------------- instances that refuse to run jobs
def waits(run: Definition, minutes: float, status: str = "RUNNABLE", **members: Any) -> str:
    """Where a run turns whose job was submitted so long ago."""
    submitted = int((time.time() - minutes * 60) * 1000)
    return is_job_done(run, detail(status, CreatedAt=submitted, **members), since=submitted)[0]


@pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE"])
def test_instances_are_asked_for_once_a_job_has_not_started_for_five_minutes(run: Definition, status: str) -> None:
    assert waits(run, 4.5, status) == "WaitForJobCompletion"
    assert waits(run, 5.1, status) == "FindRefusedInstances"


def test_every_look_at_the_instances_begins_with_the_first_page(run: Definition) -> None:
    submitted = int((time.time() - 600) * 1000)
    assert is_job_done(run, detail("RUNNABLE", CreatedAt=submitted), since=submitted)[1] == {
        "nextToken": "",
    }


def test_instances_are_never_asked_for_once_the_job_has_run(run: Definition) -> None:
    for status in ("STARTING", "RUNNING"):
        assert waits(run, 20, status) == "WaitForJobCompletion"
    attempt = {"StartedAt": 1, "StoppedAt": NOW}
    assert waits(run, 20, Attempts=[attempt]) == "WaitForJobCompletion"


def test_only_instances_of_this_run_that_shut_themselves_down_are_asked_for(run: Definition) -> None:
    """Not those of a Spot reclaim or of Batch's scaling in, whose StateReason is another (EC2 API, StateReason)."""
    arguments = run.states["FindRefusedInstances"]["Arguments"]
    asked = {
        "Filters": [
            {"Name": "tag:lustre-batch:execution", "Values": ["arn:of-the-run"]},
            {"Name": "state-reason-code", "Values": ["Client.InstanceInitiatedShutdown"]},
            {"Name": "instance-state-name", "Values": ["shutting-down", "terminated"]},
        ],
        "MaxResults": 50,
    }
    assert evaluate(arguments, executionTag="arn:of-the-run", nextToken="") == asked
    assert evaluate(arguments, executionTag="arn:of-the-run", nextToken="more") == asked | {"NextToken": "more"}
    data = run.states["CreateLaunchTemplate"]["Arguments"]
    assert data["LaunchTemplateData"]["InstanceInitiatedShutdownBehavior"] == "terminate"
    instances, volumes = data["LaunchTemplateData"]["TagSpecifications"]
    assert (instances["ResourceType"], instances["Tags"]) == ("instance", volumes["Tags"])


def refused(*minutes: float) -> list[dict[str, Any]]:
    """Instances that shut themselves down, by when they were launched."""
    return [{"id": f"i-{number}", "launchedAt": int(minute * 60_000)} for number, minute in enumerate(minutes)]


@pytest.mark.parametrize("known", [[], refused(0), refused(0, 4)])
@pytest.mark.parametrize("seen", [[], ["i-0"], ["i-0", "i-1"], ["i-1", "i-2"]])
def test_what_was_seen_is_remembered_though_ec2_forgets_it(
    run: Definition, known: list[dict[str, Any]], seen: list[str]
) -> None:
    """EC2 guide, terminate instances: tags go from a terminated instance after a short while."""
    times = {"i-0": "1970-01-01T00:00:00Z", "i-1": "1970-01-01T00:04:00Z", "i-2": "1970-01-01T00:08:00Z"}
    page = {"Reservations": [{"Instances": [{"InstanceId": one, "LaunchTime": times[one]}]} for one in seen]}
    state = run.states["FindRefusedInstances"]
    found = evaluate(state["Assign"], {"result": page}, refusedInstances=known, pages=2)
    every = sorted({each["id"] for each in known} | set(seen))
    by_id = {each["id"]: each for each in refused(0, 4, 8)}
    assert sorted(found["refusedInstances"], key=lambda each: each["id"]) == [by_id[one] for one in every]
    assert (found["nextToken"], found["pages"]) == ("", 3)
    more = evaluate(state["Assign"], {"result": page | {"NextToken": "x"}}, refusedInstances=[], pages=0)
    assert more["nextToken"] == "x"
    assert state["Output"] == {}


def test_of_more_instances_than_a_state_could_keep_the_first_and_the_last_fifty_are_remembered(
    run: Definition,
) -> None:
    """Each child of an array may have one, and what a state keeps has 256 KiB at most."""
    assign = run.states["FindRefusedInstances"]["Assign"]["refusedInstances"]
    for known in (99, 100, 150):
        launched = "1970-01-02T00:00:00Z"
        page = {"Reservations": [{"Instances": [{"InstanceId": "i-new", "LaunchTime": launched}]}]}
        before = refused(*range(known))
        kept = evaluate(assign, {"result": page}, refusedInstances=before[::-1])
        assert len(kept) == 100
        assert [kept[0]["id"], kept[49]["id"], kept[-1]["id"]] == ["i-0", "i-49", "i-new"]
        assert kept[-2]["id"] == f"i-{known - 1}"


@pytest.mark.parametrize(("number", "words"), [(99, ": 99 instances"), (100, ": at least 100 instances")])
def test_instances_that_are_not_all_remembered_are_counted_as_that(run: Definition, number: int, words: str) -> None:
    assert words in can_mount(run, *range(number))[1]["failure"]["Cause"]


def can_mount(
    run: Definition, *minutes: float, next_token: str = "", pages: int = 1, export: bool = True
) -> tuple[str, dict[str, Any]]:
    known = {"jobs": jobs(run, detail("RUNNABLE")), "fileSystemId": "fs-1", "parameters": {"autoExport": export}}
    looked = {"refusedInstances": refused(*minutes), "nextToken": next_token, "pages": pages}
    return choose(run, "CanInstancesMount", **known, **looked)


@pytest.mark.parametrize("minutes", [(), (0,), (0, 30), (0, 1, 2), (0, 5, 10, 14.9)])
def test_a_few_instances_or_many_at_once_may_be_a_coincidence(run: Definition, minutes: tuple[float, ...]) -> None:
    assert can_mount(run, *minutes) == ("WaitForJobCompletion", {})


@pytest.mark.parametrize(
    ("minutes", "named"),
    [
        ((0, 5, 15), "(i-0, i-1, i-2)"),
        ((0, 4, 8, 12, 16), "(i-0, i-1, i-2, i-3, i-4)"),
        ((0, 4, 8, 12, 16, 20), "(i-0, i-1, i-2, i-3, i-4, …)"),
    ],
)
def test_three_instances_over_a_quarter_of_an_hour_end_the_run_with_their_ids_and_where_to_look(
    run: Definition, minutes: tuple[float, ...], named: str
) -> None:
    target, assigned = can_mount(run, *minutes)
    failure = assigned["failure"]
    assert (target, failure["Error"]) == ("CleanUp", "InstancesCannotMount")
    last = f"aws ec2 get-console-output --query Output --output text --instance-id i-{len(minutes) - 1}"
    words = (f"{len(minutes)} instances", named, "cannot mount fs-1", "network", "988", "Lustre client", "mount", last)
    assert [each for each in words if each not in failure["Cause"]] == []


def test_of_the_instances_the_newest_is_the_one_to_look_at(run: Definition) -> None:
    assert can_mount(run, 20, 4, 0)[1]["failure"]["Cause"].endswith("--instance-id i-0")


def test_pages_are_read_to_the_end_within_reason(run: Definition) -> None:
    assert can_mount(run, 0, 10, 20, next_token="more") == ("FindRefusedInstances", {})
    assert can_mount(run, 0, 10, 20, next_token="more", pages=200)[0] == "CleanUp"
    submitted = int((time.time() - 600) * 1000)
    waiting = detail("RUNNABLE", CreatedAt=submitted)
    assert is_job_done(run, waiting, since=submitted, pages=199)[0] == "FindRefusedInstances"
    assert is_job_done(run, waiting, since=submitted, pages=200)[0] == "WaitForJobCompletion"


def test_a_call_that_is_refused_is_a_poll_that_saw_nothing(run: Definition) -> None:
    (catcher,) = run.states["FindRefusedInstances"]["Catch"]
    assert catcher == {"ErrorEquals": ["States.ALL"], "Assign": {"nextToken": ""}, "Next": "CanInstancesMount"}


def test_without_a_task_the_association_is_looked_at_while_the_job_waits_as_well() -> None:
    """What is broken while the job waits may be broken while it runs, and mended before the next look."""
    by_metrics = definition_of(record_stack({"exportVerification": "metrics"}))
    assert can_mount(by_metrics) == ("WatchAssociation", {})
    assert can_mount(by_metrics, export=False) == ("WaitForJobCompletion", {})


@pytest.mark.parametrize("status", ["STARTING", "RUNNING"])
def test_a_job_that_runs_has_only_the_time_of_jobs(run: Definition, status: str) -> None:
    assert is_job_done(run, detail(status)) == ("WaitForJobCompletion", {})
    target, assigned = is_job_done(run, detail(status), since=0)
    assert (target, assigned["failure"]["Error"]) == ("CleanUp", "JobTimedOut")


# ---------------------------------------------------------------------- one job, whatever SubmitJob answers
def test_after_any_answer_but_a_refusal_the_job_is_looked_for_before_it_is_asked_for_again(run: Definition) -> None:
    """Batch API, SubmitJob has no idempotency token; an unmodelled 5xx arrives as Batch.BatchException."""
    refused, unclear = run.states["SubmitJob"]["Catch"]
    assert (refused["ErrorEquals"], refused["Next"]) == (["Batch.ClientException"], "CleanUp")
    assert (unclear["ErrorEquals"], unclear["Next"]) == (["States.ALL"], "WaitForJobList")
    assert run.states["WaitForJobList"]["Next"] == "ListSubmittedJobs"
    assert all(retrier["MaxAttempts"] == 0 for retrier in run.states["SubmitJob"]["Retry"])
    error = {"errorOutput": {"Error": "Batch.BatchException", "Cause": "5xx"}}
    assert evaluate(unclear["Assign"], error, submissions=2) == {
        "submissions": 3,
        "submissionError": {"Error": "Batch.BatchException", "Cause": "5xx"},
    }


@pytest.mark.parametrize("submissions", [1, 7, 8])
def test_a_job_that_is_found_is_waited_for_and_one_that_is_not_is_asked_for_a_counted_number_of_times(
    run: Definition, submissions: int
) -> None:
    error = {"Error": "Batch.BatchException", "Cause": "5xx"}
    given = {"submissions": submissions, "submissionError": error}
    assert choose(run, "WasJobSubmitted", jobIds=["job-1"], **given)[0] == "WaitForJobCompletion"
    target, assigned = choose(run, "WasJobSubmitted", jobIds=[], **given)
    assert (target, assigned) == (
        ("SubmitJob", {}) if submissions < 8 else ("CleanUp", {"failure": error, "unanswered": "job"})
    )


@pytest.mark.parametrize("status", ["CREATING", "AVAILABLE", "UPDATING", "MISCONFIGURED", "FAILED", "DELETING", "gone"])
@pytest.mark.parametrize("events", [0, 2, 3])
def test_a_link_that_the_run_saw_broken_is_remembered_and_told_to_the_clean_up(
    run: Definition, clean_up: Definition, status: str, events: int
) -> None:
    target, assigned = choose(run, "IsAssociationIntact", associationStatus=status, exportEvents=events)
    intact = status in ("AVAILABLE", "UPDATING") and events == 3
    assert (target, assigned) == ("WaitForJobCompletion", {} if intact else {"sawBroken": True})
    told = run.states["WaitForCleanUp"]["Arguments"]["Input"]["sawBroken"]
    for saw, starts in [(True, 0), (False, 1), (False, 0)]:
        assert evaluate(told, sawBroken=saw, cleanUpStarts=starts, isSession=False) is (saw or starts > 0)


@pytest.mark.parametrize("saw", [True, False])
@pytest.mark.parametrize("by_target", [True, False])
def test_only_who_watched_the_link_all_the_time_may_take_an_empty_queue_for_a_proof(
    clean_up: Definition, saw: bool, by_target: bool
) -> None:
    given = {"nextToken": "", "kept": [], "retained": [], "pending": [], "found": [], "reclaim": False}
    _, assigned = choose(clean_up, "AreThereMoreFileSystems", **given, sawBroken=saw, byTarget=by_target)
    assert assigned["needsTask"] is (saw or not by_target)


@pytest.mark.parametrize(
    ("verification", "auto_export", "watched"),
    [
        ("metrics", True, True),
        ("metrics", False, False),
        ("task", True, False),
    ],
)
def test_a_run_watches_the_link_where_no_task_will_verify(verification: str, auto_export: bool, watched: bool) -> None:
    run = definition_of(record_stack({"exportVerification": verification}), "run")
    given = {"jobIds": ["job-1"], "parameters": {"autoExport": auto_export}, "since": NOW, "pages": 0}
    target, _ = choose(run, "IsJobDone", jobs=jobs(run, {"Status": "RUNNING"}), quietSince=NOW, **given)
    assert target == ("WatchAssociation" if watched else "WaitForJobCompletion")
