"""What a run decides before it has a lane: whether it may take one, whom it waits for, and when it gives up."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from rehearsal.aws.states.expressions import QueryError
from tests.graph.recording import record_stack
from tests.workflow.asl import all_edges
from tests.workflow.conftest import Definition, calling, definition_of
from tests.workflow.evaluation import NOW, RUN, choose, evaluate
from tests.workflow.lane_simulation import pause

OTHER, THIRD = f"{RUN}-other", f"{RUN}-third"


def held(run: str, lane: int, prefix: str = "") -> dict[str, Any]:
    names = {"run": {"S": run}, "tag": {"S": "tag"}, "lane": {"N": str(lane)}, "prefix": {"S": prefix}}
    return {"M": {**names, "takenAt": {"S": "2026-01-15T09:00:00Z"}}}


def read(run: Definition, *holders: dict[str, Any], prefix: str = "", opened: int = 2) -> dict[str, Any]:
    """What a run knows once it has read that item."""
    item = {
        "version": {"N": "7"},
        "holders": {"L": list(holders)},
        "open": {"N": str(opened)},
    }
    found: dict[str, Any] = evaluate(
        run.states["ReadLanes"]["Assign"], {"result": {"Item": item}}, prefix=prefix, target=RUN
    )
    return found


def looked(
    run: Definition, seen: dict[str, Any], *tickets: tuple[str, str], prefix: str = "", lanes: int = 2
) -> dict[str, Any]:
    """What it knows once it has read those tickets, too."""
    known = {"lanes": {"N": str(lanes)}}
    items = [{"run": {"S": name}, "prefix": {"S": where}, **known} for name, where in tickets]
    given = {"prefix": prefix} | {key: seen[key] for key in ("holders", "free", "ahead")}
    found: dict[str, Any] = evaluate(run.states["ReadTickets"]["Assign"], {"result": {"Items": items}}, **given)
    return seen | found


def may_take(run: Definition, seen: dict[str, Any], polls: int = 0) -> tuple[str, dict[str, Any]]:
    known = {key: seen[key] for key in ("lane", "waitsFor", "free", "holders")}
    return choose(run, "MayLaneBeTaken", **known, polls=polls)


def is_turn(run: Definition, seen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return choose(run, "IsItOurTurn", **{key: seen[key] for key in ("ahead", "free", "nextKey")})


def test_what_the_table_says_is_read_as_it_is(run: Definition) -> None:
    seen = read(run, held(OTHER, 1, "a/"), held(THIRD, 0, "b/"), prefix="c/")
    assert (seen["version"], seen["free"], seen["lane"], seen["waitsFor"]) == (7, [2], 0, "")
    assert [(one["run"], one["lane"], one["prefix"]) for one in seen["holders"]] == [(OTHER, 1, "a/"), (THIRD, 0, "b/")]
    nothing = evaluate(run.states["ReadLanes"]["Assign"], {"result": {}}, prefix="", target=RUN)
    assert (nothing["version"], nothing["holders"], nothing["free"], nothing["lane"]) == (0, [], [1, 2], 0)


def test_a_lane_that_a_deployment_has_closed_or_added_since_is_not_taken(run: Definition) -> None:
    assert read(run, opened=1)["free"] == [1]
    assert read(run, held(OTHER, 1, "a/"), opened=1, prefix="b/")["free"] == []
    assert read(run, opened=5)["free"] == [1, 2]


@pytest.mark.parametrize(
    ("theirs", "ours", "clash"),
    [
        ("", "", True),
        ("", "a/", True),
        ("a/", "", True),
        ("a/", "a/", True),
        ("a/", "a/b/", True),
        ("a/b/", "a/", True),
        ("a/", "b/", False),
        ("a/", "ab/", False),
        ("a/b/", "a/c/", False),
    ],
)
def test_results_under_overlapping_prefixes_never_go_side_by_side(
    run: Definition, theirs: str, ours: str, clash: bool
) -> None:
    seen = read(run, held(OTHER, 1, theirs), prefix=ours)
    assert seen["waitsFor"] == (OTHER if clash else "")
    assert may_take(run, seen)[0] == ("CountTickets" if clash else "ReadTickets")
    # The same between two who wait: the earlier one goes first.
    waiting = looked(run, read(run, prefix=ours), (OTHER, theirs), prefix=ours)
    assert is_turn(run, waiting) == (("CountTickets", {"waitsFor": OTHER}) if clash else ("TakeLane", {}))


def test_a_lane_that_was_taken_without_an_answer_is_kept(run: Definition) -> None:
    seen = read(run, held(OTHER, 1, "a/"), held(RUN, 2))
    assert seen["lane"] == 2
    assert may_take(run, seen) == ("ReturnTicket", {})


def test_without_a_free_lane_a_run_waits_for_one_that_holds_a_lane(run: Definition) -> None:
    full = read(run, held(THIRD, 0, "c/"), held(OTHER, 1, "a/"), held(THIRD, 2, "b/"), prefix="d/")
    assert may_take(run, full) == ("CountTickets", {"busy": "lane", "waitsFor": OTHER})
    # Each of them in turn, so that one that died is noticed.
    assert [may_take(run, full, polls)[1]["waitsFor"] for polls in range(3)] == [OTHER, THIRD, OTHER]
    closing = read(run, held(OTHER, 1, "a/"), opened=1, prefix="d/")
    assert may_take(run, closing) == ("CountTickets", {"busy": "lane", "waitsFor": OTHER})


def test_the_earliest_run_whose_prefix_is_free_takes_the_next_lane(run: Definition) -> None:
    one_free = read(run, held(OTHER, 1, "a/"), prefix="d/")
    assert is_turn(run, looked(run, one_free, prefix="d/"))[0] == "TakeLane"
    ahead = looked(run, one_free, (THIRD, "c/"), prefix="d/")
    assert is_turn(run, ahead) == ("CountTickets", {"busy": "turn", "waitsFor": THIRD})
    # One that waits for a prefix holds up nobody.
    blocked = looked(run, one_free, (THIRD, "a/x/"), prefix="d/")
    assert is_turn(run, blocked)[0] == "TakeLane"
    both_free = read(run, prefix="d/")
    assert is_turn(run, looked(run, both_free, (THIRD, "c/"), prefix="d/"))[0] == "TakeLane"
    # Two of one prefix ahead need one lane, because they go one after the other.
    assert is_turn(run, looked(run, both_free, (THIRD, "c/"), (OTHER, "c/"), prefix="d/"))[0] == "TakeLane"
    assert is_turn(run, looked(run, both_free, (THIRD, "c/"), (OTHER, "e/"), prefix="d/"))[0] == "CountTickets"


def test_the_first_lanes_are_left_to_those_ahead_who_may_know_of_no_others(run: Definition) -> None:
    both_free = read(run, prefix="d/")
    ahead = looked(run, both_free, (THIRD, "c/"), prefix="d/")
    for seen, lane in ((looked(run, both_free, prefix="d/"), 1), (ahead, 2)):
        given = {"free": both_free["free"], "ahead": seen["ahead"]}
        assert evaluate(run.states["TakeLane"]["Assign"], **given) == {"lane": lane}
        known = {"version": 7, "holders": [], "target": RUN, "prefix": "d/", "executionTag": RUN, **given}
        values = evaluate(run.states["TakeLane"]["Arguments"]["ExpressionAttributeValues"], **known)
        assert values[":holders"]["L"][0]["M"]["lane"] == {"N": str(lane)}


def test_who_knows_of_no_lane_that_is_free_holds_up_nobody(run: Definition) -> None:
    """A run that waits since before maxConcurrentRuns was raised goes on with the definition that it began with."""
    second = read(run, held(OTHER, 1, "a/"), prefix="d/")
    assert second["free"] == [2]
    assert is_turn(run, looked(run, second, (THIRD, "c/"), prefix="d/", lanes=1))[0] == "TakeLane"
    assert is_turn(run, looked(run, second, (THIRD, "c/"), prefix="d/", lanes=2))[0] == "CountTickets"
    assert run.states["TakeTicket"]["Arguments"]["Item"]["lanes"] == {"N": "2"}


def test_those_ahead_are_looked_through_page_by_page_until_it_is_decided(run: Definition) -> None:
    seen = looked(run, read(run, prefix="d/"), (THIRD, "c/"), prefix="d/")
    more = seen | {"nextKey": {"kind": {"S": "ticket"}}}
    assert is_turn(run, more)[0] == "ReadTickets"
    assert seen["ahead"] == {"count": 1, "prefixes": ["c/"], "first": THIRD, "inTheWay": ""}
    again = looked(run, more, (OTHER, "e/"), prefix="d/")
    assert again["ahead"] == {"count": 2, "prefixes": ["c/", "e/"], "first": THIRD, "inTheWay": ""}
    assert is_turn(run, again | {"nextKey": more["nextKey"]})[0] == "CountTickets"
    key = evaluate(
        run.states["ReadTickets"]["Assign"]["nextKey"], {"result": {"Items": [], "LastEvaluatedKey": {"id": "x"}}}
    )
    assert key == {"id": "x"}


def test_what_cannot_be_read_or_written_leads_to_the_next_look(run: Definition) -> None:
    unknown = {"busy": "unknown", "waitsFor": ""}
    for name in ("ReadLanes", "ReadTickets", "TakeLane"):
        (catcher,) = run.states[name]["Catch"]
        # What was asked for without an answer may have been given: if the run ends now, a clean-up looks.
        assert (catcher["Next"], catcher["Assign"]) == (
            "CountTickets",
            unknown | ({"unsure": True} if name == "TakeLane" else {}),
        )
    assert evaluate(run.states["ReadLanes"]["Assign"]["unsure"]) is False
    assert [catcher["Next"] for catcher in run.states["CountTickets"]["Catch"]] == ["MayWait"]
    for name in ("DescribeHolder", "CleanUpHolder"):
        assert [catcher["Next"] for catcher in run.states[name]["Catch"]] == ["WaitForTurn"]
    assert evaluate(run.states["TakeLane"]["Assign"], free=[2], ahead={"count": 0}) == {"lane": 2}
    assert evaluate(run.states["DescribeHolder"]["Assign"], {"result": {"Status": "RUNNING"}}) == {
        "holderStatus": "RUNNING"
    }


def may_wait(run: Definition, **changes: Any) -> tuple[str, dict[str, Any]]:
    given = {
        "wait": True,
        "busy": "lane",
        "waitsFor": OTHER,
        "prefix": "a/",
        "place": 0,
        "since": NOW,
        "lookedAfter": NOW,
    }
    return choose(run, "MayWait", **given | changes)


def test_a_run_that_may_not_wait_fails_at_once_and_names_the_other(run: Definition) -> None:
    for busy, error in [("lane", "NoFreeLane"), ("prefix", "PrefixBusy")]:
        target, told = may_wait(run, wait=False, busy=busy)
        assert (target, told["failure"]["Error"]) == ("ReturnTicket", error)
        assert OTHER in told["failure"]["Cause"]
    assert may_wait(run, wait=False, busy="unknown")[0] == "WaitForTurn", "it has not seen that it has to wait"
    assert may_wait(run, wait=False, waitsFor="")[1]["failure"]["Cause"].startswith("No lane is free")


def test_a_run_waits_no_longer_than_it_may(run: Definition) -> None:
    target, told = may_wait(run, since=0, place=3)
    assert (target, told["failure"]["Error"]) == ("ReturnTicket", "LaneTimedOut")
    assert told["failure"]["Cause"].endswith(
        f"3 runs that wait were started before it, and it waited for a lane, such as that of {OTHER}"
    )
    overlapping = may_wait(run, since=0, busy="prefix")[1]["failure"]["Cause"]
    assert re.search(rf"waited for {OTHER}, whose results would overlap with its own \(s3://[^/]+/a/\)$", overlapping)
    assert may_wait(run, since=0, waitsFor="")[1]["failure"]["Cause"].endswith(
        "0 runs that wait were started before it"
    )
    short = definition_of(record_stack({"laneTimeoutMinutes": "1"}))
    assert "within 1 minutes (laneTimeoutMinutes)" in may_wait(short, since=0)[1]["failure"]["Cause"]


def test_who_is_next_looks_after_a_holder_that_may_have_died(run: Definition) -> None:
    target, told = may_wait(run, lookedAfter=0)
    assert (target, told["lookedAfter"] > 10**12) == ("DescribeHolder", True)
    assert may_wait(run, lookedAfter=0, place=2)[0] == "DescribeHolder"
    assert may_wait(run, lookedAfter=0, place=3)[0] == "WaitForTurn"
    assert may_wait(run, lookedAfter=0, waitsFor="")[0] == "WaitForTurn"
    assert may_wait(run)[0] == "WaitForTurn"
    for status in ("RUNNING", "PENDING_REDRIVE"):
        assert choose(run, "IsHolderOver", holderStatus=status)[0] == "WaitForTurn", "whoever lives is never robbed"
    for status in ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"):
        assert choose(run, "IsHolderOver", holderStatus=status)[0] == "CleanUpHolder"
    asked = evaluate(run.states["CleanUpHolder"]["Arguments"]["Input"], waitsFor=OTHER)
    assert asked == {"waitedFor": OTHER}


def test_pauses_grow_with_the_place_in_the_queue_and_the_time_waited(run: Definition) -> None:
    """With two lanes. The first numbers are the places, now and at first."""
    assert [paused(run, 0, 0, waited) for waited in (0, 240, 3600, 86_400)] == [15, 15, 225, 4320]
    assert [paused(run, place, place, 600) for place in (0, 1, 2, 4, 100)] == [37, 37, 137, 337, 3600]
    # Ten have gone in an hour, so a lane is held for about eleven minutes: whoever is next looks every forty seconds.
    assert [paused(run, place, place + 10, 3600) for place in (0, 1, 2, 10)] == [40, 40, 150, 1022]
    assert paused(run, 0, 10, 36_000, stuck=18_000) == 1125, "and ever less often when nobody goes any more"
    assert paused(run, 200, 200, 7 * 86_400) == 30_240, "after days, far back"
    # However often somebody goes who is ahead: the history stays bounded.
    assert [paused(run, 0, 1000, 14 * 86_400, polls=polls) for polls in (119, 120)] == [151, 100_800]
    assert evaluate(run.states["WaitForTurn"]["Assign"], polls=7) == {"polls": 8}


def paused(
    run: Definition,
    place: int,
    first: int,
    waited: float,
    *,
    counted: float | None = None,
    stuck: float = 0,
    polls: int = 0,
) -> Any:
    """The pause of a run that has waited for so many seconds, has seen others go for `counted` and none for `stuck`."""
    expression = run.states["WaitForTurn"]["Seconds"].replace("$millis()", str(NOW))
    ago = {"since": waited, "countedSince": waited if counted is None else counted, "movedAt": stuck}
    moments = {name: NOW - int(seconds * 1000) for name, seconds in ago.items()}
    return evaluate(expression, place=place, firstPlace=first, polls=polls, **moments)


def test_what_is_seen_of_the_queue_is_counted_from_where_it_can_be_seen(run: Definition) -> None:
    def counted(count: int, place: int, first: int) -> Any:
        assign = {
            name: value.replace("$millis()", str(NOW)) for name, value in run.states["CountTickets"]["Assign"].items()
        }
        return evaluate(assign, {"result": {"Count": count}}, place=place, firstPlace=first, movedAt=1, countedSince=2)

    assert counted(5, 0, 0) == {"place": 5, "firstPlace": 5, "movedAt": 1, "countedSince": 2}
    assert counted(4, 5, 9) == {"place": 4, "firstPlace": 9, "movedAt": NOW, "countedSince": 2}
    assert counted(200, 0, 0) == {"place": 200, "firstPlace": 200, "movedAt": 1, "countedSince": NOW}
    assert run.states["CountTickets"]["Arguments"]["Limit"] == 200
    # Seen in the history as the input of the next state.
    shown = evaluate(run.states["CountTickets"]["Output"], {"result": {"Count": 5}}, waitsFor=OTHER)
    assert (shown, run.states["CountTickets"]["Next"]) == ({"place": 5, "waitsFor": OTHER}, "MayWait")
    assert may_wait(run, since=0, place=200)[1]["failure"]["Cause"].count("200 or more runs that wait") == 1


def test_the_simulation_pauses_as_the_definition_does(run: Definition) -> None:
    """Its own copy of the pause, held against the expression."""
    draw = random.Random(1)
    for _ in range(150):
        first, waited = draw.randrange(201), 10 ** draw.uniform(0, 6)
        place, stuck = draw.randint(0, first), waited * draw.random() ** 2
        counted, polls = waited * draw.random(), draw.choice([0, 100, 119, 120, 250])
        theirs = paused(run, place, first, waited, counted=counted, stuck=stuck, polls=polls)
        ours = pause(
            2, place, first, int(waited * 1000) / 1000, int(counted * 1000) / 1000, int(stuck * 1000) / 1000, polls
        )
        assert abs(ours - theirs) <= 1, (place, first, waited, counted, stuck, polls)


@pytest.mark.parametrize("lane", [0, 1, 2])
@pytest.mark.parametrize("returned", [True, False])
def test_with_a_lane_the_run_begins_and_without_one_it_ends(run: Definition, lane: int, returned: bool) -> None:
    error = {} if returned else {"Error": "x"}
    target, told = choose(run, "WasTicketReturned", unsure=False, lane=lane, ticketError=error, isSession=False)
    assert target == ("RegisterJobDefinition" if lane else "Summarise" if returned else "CleanUp")
    if lane:
        assert told["queueArn"].startswith("arn:aws:batch:us-east-1:123456789012:job-queue/")
        assert ("queue-2" in told["queueArn"], "environment-2" in told["environmentArn"]) == (lane == 2, lane == 2)
    assert evaluate(run.states["ReturnTicket"]["Assign"]) == {"ticketError": {}}
    (catcher,) = run.states["ReturnTicket"]["Catch"]
    refused = {"errorOutput": {"Error": "x", "Cause": "y"}}
    assert (catcher["Next"], evaluate(catcher["Assign"], refused)["ticketError"]["Error"]) == ("WasTicketReturned", "x")


def test_a_lane_that_may_have_been_taken_is_not_left_behind_by_a_run_that_gives_up(run: Definition) -> None:
    given = {"lane": 0, "ticketError": {}, "isSession": False}
    assert choose(run, "WasTicketReturned", **given, unsure=True)[0] == "CleanUp"


def test_a_run_that_was_redriven_does_nothing_to_a_lane_that_another_has_by_now(run: Definition) -> None:
    (before,) = [edge for edge in all_edges(run.states) if edge.target == "UpdateComputeEnvironment"]
    assert (before.source, run.states["CreateLaunchTemplate"]["Next"]) == ("IsLaneOurs", "ReadLaneBeforeUpdate")
    assign = run.states["ReadLaneBeforeUpdate"]["Assign"]
    for holders, ours in [([held(RUN, 2)], True), ([held(RUN, 1)], False), ([held(OTHER, 2), held(RUN, 0)], False)]:
        item = {"Item": {"version": {"N": "7"}, "holders": {"L": holders}}}
        assert evaluate(assign, {"result": item}, target=RUN, lane=2) == {"isLaneOurs": ours}
    assert evaluate(assign, {"result": {}}, target=RUN, lane=2) == {"isLaneOurs": False}
    assert choose(run, "IsLaneOurs", isLaneOurs=True, lane=2)[0] == "UpdateComputeEnvironment"
    target, told = choose(run, "IsLaneOurs", isLaneOurs=False, lane=2)
    assert (target, told["failure"]["Error"]) == ("CleanUp", "LaneLost")
    assert "Lane 2 is not held by this run any more" in told["failure"]["Cause"]


@pytest.mark.parametrize("name", ["UpdateComputeEnvironment", "EnableJobQueue", "OpenSession"])
def test_a_redrive_that_goes_on_after_the_last_look_at_the_lane_ends_before_it_calls_anything(
    run: Definition, name: str
) -> None:
    """SFN guide, redrive: an execution goes on at the state that had not succeeded, whose arguments are made anew."""
    state = run.states[name]
    known: dict[str, Any] = {"environmentArn": "e", "launchTemplateId": "lt", "queueArn": "a/q", "target": RUN}
    known |= {"ticketSince": "", "executionTag": RUN, "lane": 1, "prefix": "", "fileSystemId": "fs"}
    for redrives in (0, 1):
        states = {"context": {"Execution": {"Id": RUN, "RedriveCount": redrives}}}
        if redrives:
            with pytest.raises(QueryError, match="redriven"):
                evaluate(state["Arguments"], states, **known)
        else:
            evaluate(state["Arguments"], states, **known)
    caught = next(one for one in state["Catch"] if "States.QueryEvaluationError" in one["ErrorEquals"])
    assert (caught["Next"], caught["Assign"]["failure"]["Error"]) == ("CleanUp", "LaneLost")
    assert state["Retry"][0] == {"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 0}


def test_everything_a_run_does_to_batch_it_does_in_its_lane(run: Definition) -> None:
    for operation in ("updateComputeEnvironment", "submitJob", "listJobs", "describeComputeEnvironments"):
        for name in calling(run, operation):
            said = str(run.states[name]["Arguments"])
            named = ("$environmentArn", "$queueArn", "ArrayJobId")
            assert any(each in said for each in named), name
    tags = run.states["CreateFileSystem"]["Arguments"]
    assert "'lustre-batch:lane': $string($lane)" in tags


@pytest.mark.parametrize(
    ("given", "wait"), [({}, True), ({"wait": True}, True), ({"wait": "false"}, False), ({"wait": False}, False)]
)
def test_whether_a_run_may_wait_is_said_by_its_input(run: Definition, given: dict[str, Any], wait: bool) -> None:
    states = {"context": {"Execution": {"Input": {**given, "jobDefinitionVcpus": 4}}}}
    collected = evaluate(run.states["CollectParameters"]["Assign"], states, stored={})
    assert (collected["wait"], collected["fromInput"]) == (wait, {"jobDefinitionVcpus": 4})


def test_a_wait_that_is_neither_is_refused(run: Definition) -> None:
    states = {"context": {"Execution": {"Input": {"wait": 5}}}}
    assert evaluate(run.states["CollectParameters"]["Assign"], states, stored={})["wait"] is None
