"""What a run for the jobs of others decides: how it is asked for, what it tells them, and when it ends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graph.recording import record_stack
from tests.workflow.conftest import Definition, definition_of
from tests.workflow.evaluation import NOW, RUN, choose, evaluate

MINUTE = 60_000


def collected(run: Definition, given: Any) -> dict[str, Any]:
    states = {"context": {"Execution": {"Input": given}}}
    found: dict[str, Any] = evaluate(run.states["CollectParameters"]["Assign"], states, stored={})
    return found


@pytest.mark.parametrize(
    ("session", "minutes"),
    [
        ({}, 15),
        ({"idleMinutes": 1}, 1),
        ({"idleMinutes": 1440}, 1440),
        ({"idleMinutes": "30"}, 30),
        ({"idleMinutes": 0}, None),
        ({"idleMinutes": 1441}, None),
        ({"idleMinutes": 1.5}, None),
        ({"idleMinutes": "1e2"}, None),
        ({"idleMinutes": "30\n"}, None),
        ({"idleMinutes": True}, None),
        ({"idleMinutes": [5]}, None),
        ({"idleMinutes": 5, "other": 1}, None),
        ({"idleminutes": 5}, None),
        (None, None),
        (True, None),
        ("15", None),
        ([], None),
        (15, None),
    ],
)
def test_how_long_an_idle_session_stays_open_is_said_by_its_input(
    run: Definition, session: Any, minutes: int | None
) -> None:
    seen = collected(run, {"session": session, "keyPrefix": "a/"})
    assert (seen["isSession"], seen["idleMinutes"], seen["fromInput"]) == (True, minutes, {"keyPrefix": "a/"})


def test_a_run_without_the_key_has_a_job_of_its_own(run: Definition) -> None:
    assert collected(run, {"jobDefinitionVcpus": 4})["isSession"] is False


def test_a_session_needs_neither_a_quota_for_a_job_nor_a_job_definition(run: Definition) -> None:
    given: dict[str, Any] = {"problems": [], "checked": {}}
    assert choose(run, "AreParametersValid", **given, isSession=True)[0] == "PrepareTicket"
    assert choose(run, "AreParametersValid", **given, isSession=False)[0] == "GetQuota"
    held = {"lane": 2, "ticketError": {}}
    target, told = choose(run, "WasTicketReturned", **held, isSession=True)
    other = choose(run, "WasTicketReturned", **held, isSession=False)[1]
    assert (target, told | {"laneAt": 0}) == ("CreateFileSystem", other | {"laneAt": 0})
    known = {"queueState": "ENABLED", "queueStatus": "VALID", "queueReason": "", "since": NOW}
    assert choose(run, "IsJobQueueEnabled", **known, isSession=True)[0] == "OpenSession"


def test_others_read_where_to_submit_jobs_only_once_they_may(run: Definition) -> None:
    opening = run.states["OpenSession"]
    arguments = evaluate(
        opening["Arguments"],
        target=RUN,
        executionTag="tag",
        ticketSince="1 x",
        lane=2,
        queueArn="arn:aws:batch:us-east-1:123456789012:job-queue/queue-2",
        prefix="a/",
        fileSystemId="fs-1",
    )
    item = arguments["Item"]
    assert (item["queueName"]["S"], item["lane"]["N"], item["path"]["S"]) == ("queue-2", "2", "/fsx/scratch")
    assert {"queueArn", "fileSystemId", "prefix", "bucket", "run", "readyAt"} <= set(item)
    assert "end" not in item, "asked again, it must not forget that it was told to end"
    assert arguments["ConditionExpression"] == "attribute_not_exists(id)"
    assert [catcher["Next"] for catcher in opening["Catch"]] == ["WaitForSession", "CleanUp", "CleanUp"]


def over(run: Definition, **changes: Any) -> tuple[str, str, str]:
    given = {"told": False, "since": NOW, "jobsLeft": False} | changes
    target, assigned = choose(run, "IsSessionOver", **given)
    if target == "FindActiveJobs":
        assert assigned == {"status": "PENDING"}
        target, assigned = choose(run, "MaySessionGoOn", **given)
    return target, assigned.get("sessionEnd", ""), assigned.get("failure", {}).get("Error", "")


def test_a_session_ends_when_it_is_told_to_and_when_its_time_is_over(run: Definition) -> None:
    assert over(run) == over(run, jobsLeft=True) == ("WaitForSession", "", "")
    assert over(run, told=True, since=0) == ("CleanUp", "told", "")
    assert over(run, since=0, jobsLeft=True) == ("CleanUp", "timeout", "SessionTimedOut")
    assert over(run, since=0) == ("CleanUp", "timeout", ""), "the last look saw no job that had not ended"
    short = definition_of(record_stack({"sessionTimeoutMinutes": "7"}))
    _, assigned = choose(short, "MaySessionGoOn", since=0, jobsLeft=True)
    assert "After 7 minutes (sessionTimeoutMinutes)" in assigned["failure"]["Cause"]


@pytest.mark.parametrize(
    ("item", "told"), [({"run": {"S": "x"}}, False), ({"run": {"S": "x"}, "end": {"BOOL": False}}, True), (None, True)]
)
def test_whatever_the_attribute_says_it_tells_the_session_to_end_and_so_does_who_removes_the_item(
    run: Definition, item: dict[str, Any] | None, told: bool
) -> None:
    answer = {} if item is None else {"Item": item}
    seen = evaluate(run.states["ReadSession"]["Assign"], {"result": answer}, lookedAt=7)
    assert (seen["told"], seen["lookedBefore"], seen["statusesSeen"]) == (told, 7, 0)
    assert run.states["ReadSession"]["Arguments"]["ConsistentRead"] is True
    (unseen,) = run.states["ReadSession"]["Catch"]
    assert (unseen["Assign"]["told"], unseen["Next"]) == (False, "IsSessionOver")


def looked(run: Definition, jobs: dict[str, int], status: str = "PENDING") -> tuple[str, int, list[str]]:
    """Where a look ends that finds so many jobs in each status, how many calls it takes, and which it makes."""
    asked, seen = [], 0
    while True:
        asked.append(status)
        page = {"JobSummaryList": [{"JobId": "x"}] * min(1, jobs.get(status, 0))}
        found = evaluate(run.states["FindActiveJobs"]["Assign"], {"result": page}, statusesSeen=seen)
        seen = found["statusesSeen"]
        target, assigned = choose(run, "IsSessionBusy", **found, status=status)
        if target != "FindActiveJobs":
            return target, len(asked), asked
        status = assigned["status"]


def test_a_look_costs_four_calls_at_most_however_many_jobs_there_are(run: Definition) -> None:
    """In the order in which a job goes through the statuses: one that moves on meanwhile is met further on."""
    assert looked(run, {"PENDING": 5000})[:2] == ("MaySessionGoOn", 1)
    target, calls, asked = looked(run, {"SUCCEEDED": 5000})
    assert (target, calls, asked) == ("FindNewJobs", 4, ["PENDING", "RUNNABLE", "STARTING", "RUNNING"])
    for status in asked:
        assert looked(run, {status: 1})[0] == "MaySessionGoOn"
    for name in ("FindActiveJobs", "FindNewJobs"):
        assert run.states[name]["Arguments"]["MaxResults"] == 1


def idle(run: Definition, active: bool, since: int, at: int = 100 * MINUTE) -> tuple[str, dict[str, Any]]:
    return choose(run, "IsSessionIdle", active=active, idleSince=since, lookedAt=at, idleMinutes=15)


def test_a_session_is_idle_when_every_look_for_so_long_has_seen_no_job_and_no_new_one(run: Definition) -> None:
    assert idle(run, False, 0) == ("MaySessionGoOn", {"idleSince": 100 * MINUTE})
    assert idle(run, False, 86 * MINUTE) == ("MaySessionGoOn", {"idleSince": 86 * MINUTE})
    assert idle(run, False, 85 * MINUTE) == ("CleanUp", {"sessionEnd": "idle"})
    assert idle(run, True, 85 * MINUTE) == ("MaySessionGoOn", {"idleSince": 0}), "one came and went since the last look"
    asked = evaluate(run.states["FindNewJobs"]["Arguments"], queueArn="arn", lookedBefore=1_700_000_000_000)
    assert asked["Filters"] == [{"Name": "AFTER_CREATED_AT", "Values": ["1699999940000"]}]
    for name in ("FindActiveJobs", "FindNewJobs"):
        (unseen,) = run.states[name]["Catch"]
        assert (unseen["Assign"], unseen["Next"]) == ({"idleSince": 0, "jobsLeft": True}, "MaySessionGoOn"), (
            "what saw nothing proves nothing"
        )
    for status, left in (("RUNNING", True), ("SUCCEEDED", False), ("FAILED", False)):
        page = {"JobSummaryList": [{"JobId": "x", "Status": status}]}
        seen = evaluate(run.states["FindNewJobs"]["Assign"], {"result": page})
        assert seen == {"active": True, "jobsLeft": left}, "one that came and went counts against idleness alone"
    for busy in (True, False):
        target, assigned = choose(run, "IsSessionBusy", active=busy, statusesSeen=4, status="RUNNING")
        assert (target, assigned) == (("MaySessionGoOn", {"idleSince": 0}) if busy else ("FindNewJobs", {}))


@pytest.mark.parametrize(
    ("idle_minutes", "open_minutes", "seconds"),
    [(1, 0, 60), (15, 0, 180), (1440, 0, 180), (15, 60, 180), (15, 120, 240), (15, 1_439, 61), (15, 1_440, 1)],
)
def test_looks_become_rarer_the_longer_a_session_is_open(
    run: Definition, idle_minutes: int, open_minutes: int, seconds: int
) -> None:
    expression = run.states["WaitForSession"]["Seconds"].replace("$millis()", str(open_minutes * MINUTE))
    assert evaluate(expression, idleMinutes=idle_minutes, since=0) == seconds


def test_nobody_watches_the_link_during_a_session_so_that_a_task_verifies_its_export(run: Definition) -> None:
    told = run.states["WaitForCleanUp"]["Arguments"]["Input"]["sawBroken"]
    assert evaluate(told, sawBroken=False, cleanUpStarts=0, isSession=True) is True


def test_the_item_of_a_session_goes_before_its_queue_takes_no_more_jobs_and_is_told(clean_up: Definition) -> None:
    removing = clean_up.states["RemoveSession"]
    assert (removing["Next"], [catcher["Next"] for catcher in removing["Catch"]]) == ("HasQueue", ["HasQueue"])
    given: dict[str, Any] = {"target": RUN, "removed": [], "pending": []}
    (gone,) = evaluate(removing["Assign"], {"result": {"Attributes": {"run": {"S": RUN}}}}, **given)["removed"]
    assert gone["type"] == "session"
    assert evaluate(removing["Assign"], {"result": {}}, **given)["removed"] == []
    error = {"errorOutput": {"Error": "x", "Cause": "y"}}
    (left,) = evaluate(removing["Catch"][0]["Assign"], error, **given)["pending"]
    assert (left["type"], left["reason"]) == ("session", "whether it is gone could not be observed: x")
    known = {"templateIds": [], "environmentStatus": "VALID", "environmentTemplateId": ""}
    assert choose(clean_up, "IsTemplateReleased", **known, pending=[left])[0] == "Answer", "the sweep has to find it"
    assert choose(clean_up, "IsTemplateReleased", **known, pending=[])[0] == "ReadHolders"
