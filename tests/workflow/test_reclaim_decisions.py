"""What a reclaim decides before it exports: whether another run's results would be overwritten, and whether it may hold
the prefix meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.asl import all_edges, reachable
from tests.workflow.conftest import Definition, calling
from tests.workflow.evaluation import FILE_SYSTEM, RUN, choose, evaluate

OTHER = f"{RUN}-other"


def held(run: str, lane: int, prefix: str) -> dict[str, Any]:
    names = {"run": {"S": run}, "tag": {"S": "tag"}, "lane": {"N": str(lane)}, "prefix": {"S": prefix}}
    return {"M": {**names, "takenAt": {"S": "2026-01-15T09:00:00Z"}, "writtenUntil": {"N": "-1"}}}


def seen(clean_up: Definition, *holders: dict[str, Any], prefix: str = "a/") -> dict[str, Any]:
    """What a reclaim knows that has read these holders."""
    item = {"version": {"N": "7"}, "holders": {"L": list(holders)}}
    state = clean_up.states["ReadPrefixHolders"]
    found: dict[str, Any] = evaluate(state["Assign"], {"result": {"Item": item}}, target=RUN, prefix=prefix)
    return found | {"target": RUN}


def decided(clean_up: Definition, known: dict[str, Any], **changes: Any) -> tuple[str, str]:
    """Where it goes on, and why the file system is left to the next clean-up, if it is."""
    given = {"noted": True, "tries": 0, "holdingError": "DynamoDb.ConditionalCheckFailedException"} | known | changes
    target, assigned = choose(clean_up, "IsPrefixFree", **given)
    return target, assigned.get("leaveReason", "")


@pytest.mark.parametrize(
    ("repository", "prefix"),
    [("s3://b", ""), ("s3://b/", ""), ("s3://b/a", "a/"), ("s3://b/a/", "a/"), ("s3://b/a/b b/", "a/b b/")],
)
def test_the_prefix_of_a_reclaim_is_what_its_file_system_exports_to_and_not_what_the_stack_links_by_now(
    clean_up: Definition, repository: str, prefix: str
) -> None:
    link = {"AssociationId": "dra-1", "FileSystemPath": "/scratch", "DataRepositoryPath": repository}
    answer = {"result": {"Associations": [{"FileSystemPath": "/input", "DataRepositoryPath": "s3://x/y"}, link]}}
    assert evaluate(clean_up.states["FindAssociation"]["Assign"]["prefix"], answer) == prefix


@pytest.mark.parametrize("changed", [{}, {"reclaim": False}, {"fileSystemId": ""}, {"deleting": True}])
@pytest.mark.parametrize("status", ["AVAILABLE", "MISCONFIGURED", "UPDATING", "FAILED", "gone", "DELETING"])
def test_only_a_reclaim_that_can_export_asks_who_holds_its_prefix(
    clean_up: Definition, changed: dict[str, Any], status: str
) -> None:
    given = {"reclaim": True, "fileSystemId": FILE_SYSTEM, "deleting": False, "associationStatus": status} | changed
    target, _ = choose(clean_up, "HasJobDefinition", **given, jobDefinitionArn="", nextToken="")
    asks = not changed and status not in {"FAILED", "gone", "DELETING"}
    assert target == ("ReadPrefixHolders" if asks else "FindEnvironment")


@pytest.mark.parametrize(
    ("lane", "prefix", "busy"),
    [(1, "a/", True), (0, "a/", True), (2, "", True), (1, "a/b/", True), (1, "b/", False), (0, "ab/", False)],
)
def test_a_reclaim_waits_for_the_run_that_holds_an_overlapping_prefix_and_names_it(
    clean_up: Definition, lane: int, prefix: str, busy: bool
) -> None:
    target, reason = decided(clean_up, seen(clean_up, held(OTHER, lane, prefix)))
    assert target == ("FindEnvironment" if busy else "HoldPrefix")
    assert (OTHER in reason and reason.endswith(f"/{prefix}")) is busy


def test_what_is_left_like_that_is_not_exported_and_waits_for_nobody_to_mend_it(clean_up: Definition) -> None:
    known: dict[str, Any] = {"fileSystemId": FILE_SYSTEM, "deleting": False, "wasWrittenTo": True, "failure": {}}
    link = {"associationStatus": "AVAILABLE", "exportEvents": 3, "reclaim": True, "wasVerified": False}
    target, assigned = choose(clean_up, "IsThereAnythingToExport", **known, **link, leaveReason="somebody holds it")
    assert (target, assigned["failure"], "lasting" in assigned) == ("IsEnvironmentReleased", {}, False)


def test_a_reclaim_that_holds_its_prefix_goes_on_whoever_wrote_that(clean_up: Definition) -> None:
    for lane in (0, 1):
        assert decided(clean_up, seen(clean_up, held(RUN, lane, "a/")))[0] == "FindEnvironment"
        assert decided(clean_up, seen(clean_up, held(RUN, lane, "a/")))[1] == ""


def test_a_reclaim_that_the_next_clean_up_would_not_know_of_holds_nothing(clean_up: Definition) -> None:
    assert decided(clean_up, seen(clean_up), noted=False, tries=19) == ("NoteReclaimAgain", "")
    again = clean_up.states["NoteReclaimAgain"]
    assert (again["Assign"], again["Next"]) == ({"noted": True}, "IsPrefixFree")
    assert again["Arguments"] == clean_up.states["NoteReclaim"]["Arguments"]
    (refused,) = again["Catch"]
    assert (refused["Next"], evaluate(refused["Assign"], tries=3)) == ("WaitToHoldPrefix", {"tries": 4})
    target, reason = decided(clean_up, seen(clean_up), noted=False, tries=20)
    assert (target, reason) == ("FindEnvironment", "that it is reclaimed could not be noted on it")


def test_a_prefix_that_cannot_be_held_is_left_to_the_next_clean_up(clean_up: Definition) -> None:
    hold = clean_up.states["HoldPrefix"]
    (refused,) = hold["Catch"]
    error = {"errorOutput": {"Error": "DynamoDb.ConditionalCheckFailedException", "Cause": "no"}}
    assert refused["Next"] == "WaitToHoldPrefix"
    assert evaluate(refused["Assign"], error, tries=19)["tries"] == 20
    assert decided(clean_up, seen(clean_up), tries=19)[0] == "HoldPrefix"
    target, reason = decided(clean_up, seen(clean_up), tries=20)
    assert (target, reason.rpartition(": ")[2]) == ("FindEnvironment", "DynamoDb.ConditionalCheckFailedException")
    (unread,) = clean_up.states["ReadPrefixHolders"]["Catch"]
    assert "leaveReason" in unread["Assign"]


def test_a_reclaim_holds_its_prefix_and_no_lane_beside_those_who_hold_others(clean_up: Definition) -> None:
    known = seen(clean_up, held(OTHER, 1, "b/"))
    given = known | {"executionTag": "tag", "prefix": "a/", "jobStoppedAt": 1768467600123}
    values = evaluate(clean_up.states["HoldPrefix"]["Arguments"]["ExpressionAttributeValues"], **given)
    assert (values[":version"], values[":next"]) == ({"N": "7"}, {"N": "8"})
    first, second = values[":holders"]["L"]
    assert first == held(OTHER, 1, "b/")
    assert second["M"].pop("takenAt")["S"]
    names = {"run": {"S": RUN}, "tag": {"S": "tag"}, "lane": {"N": "0"}, "prefix": {"S": "a/"}}
    assert second["M"] == names | {"writtenUntil": {"N": "1768467600123"}}
    new = evaluate(
        clean_up.states["HoldPrefix"]["Arguments"]["ExpressionAttributeValues"],
        **(given | {"version": 0, "holders": []}),
    )
    assert (":version" in new, len(new[":holders"]["L"])) == (False, 1)


def test_no_way_leads_a_reclaim_to_an_export_without_its_prefix(clean_up: Definition) -> None:
    ways = all_edges(clean_up.states)
    early = reachable("Route", ways, without=frozenset({"HasJobDefinition"}))
    for operation in ("createDataRepositoryTask", "updateDataRepositoryAssociation"):
        assert calling(clean_up, operation)
        assert not early & set(calling(clean_up, operation))
    undecided = frozenset({"HasJobDefinition", "IsPrefixFree"})
    left = {edge.source for edge in ways if edge.target == "FindEnvironment"}
    assert left == undecided | {"HoldPrefix", "ReadPrefixHolders"}
