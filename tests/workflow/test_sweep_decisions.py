"""What the sweep looks at, and for what it starts a clean-up."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.workflow.answers import (
    OURS,
    file_system,
)
from tests.workflow.conftest import Definition
from tests.workflow.evaluation import RUN, choose, evaluate


def test_a_sweep_looks_at_what_carries_the_stacks_tag_is_older_than_15_minutes_and_not_kept_for_good(
    clean_up: Definition,
) -> None:
    def swept(*file_systems: dict[str, Any]) -> Any:
        assign = clean_up.states["SweepFileSystems"]["Assign"]["candidates"]
        return evaluate(assign, {"result": {"FileSystems": list(file_systems)}}, candidates=["before"])

    young = file_system() | {"CreationTime": evaluate("{% $fromMillis($millis() - 890000) %}")}
    old = file_system() | {"CreationTime": evaluate("{% $fromMillis($millis() - 910000) %}")}
    others = file_system(stack="other-1234567")
    assert swept() == ["before"]
    assert swept(young, old, file_system(retained="x"), others, {"FileSystemId": "fs-3"}) == ["before", RUN]


def test_a_sweep_finds_what_each_kind_of_left_over_belongs_to(clean_up: Definition) -> None:
    def swept(name: str, result: dict[str, Any]) -> Any:
        return evaluate(clean_up.states[name]["Assign"]["candidates"], {"result": result}, candidates=[])

    tags = [{"Key": "lustre-batch:execution", "Value": RUN}, {"Key": "Name", "Value": "x"}]
    assert swept("SweepLaunchTemplates", {"LaunchTemplates": [{"Tags": tags}, {"Tags": tags}]}) == [RUN, RUN]
    assert swept("SweepLaunchTemplates", {"LaunchTemplates": []}) == []
    assert swept("SweepJobDefinitions", {"JobDefinitions": [{"Tags": {"lustre-batch:execution": RUN}}]}) == [RUN]
    assert swept("SweepJobDefinitions", {"JobDefinitions": [{}]}) == []
    held = [{"M": {"run": {"S": RUN}, "tag": {"S": f"tag {number}"}}} for number in (1, 2)]
    assert swept("SweepLanes", {"Item": {"holders": {"L": held}}}) == ["tag 1", "tag 2"]
    assert swept("SweepLanes", {}) == []
    assert swept("SweepTickets", {"Items": [{"tag": {"S": "tag 3"}}]}) == ["tag 3"]
    assert swept("SweepTickets", {"Items": []}) == []


def test_a_sweep_goes_on_to_the_next_kind_when_one_cannot_be_listed(clean_up: Definition) -> None:
    order = ["SweepFileSystems", "SweepLaunchTemplates", "SweepJobDefinitions", "SweepLanes", "SweepTickets"]
    order.append("DecodeCandidates")
    for name, following in itertools.pairwise(order):
        assert [catcher["Next"] for catcher in clean_up.states[name]["Catch"]] == [following]
        # Where its pages were read to does not begin the next list.
        if following in ("SweepLaunchTemplates", "SweepJobDefinitions"):
            assert clean_up.states[name]["Catch"][0]["Assign"]["nextToken"] == ""


@pytest.mark.parametrize("running", [[], ["other"], ["named after it"]])
def test_a_sweep_leaves_alone_what_a_running_clean_up_works_on(clean_up: Definition, running: list[str]) -> None:
    name = clean_up.states["StartCleanUp"]["Arguments"]["Name"]
    ours = evaluate(name, candidates=[OURS])
    of_run = ours[:32] + "-run"
    listed = [of_run if each == "named after it" else each for each in running]
    over = {"targetStatus": "ABORTED", "candidates": [OURS, "next"], "running": listed}
    target, assigned = choose(clean_up, "IsCandidateRunning", **over)
    if running == ["named after it"]:
        assert (target, assigned) == ("NextCandidate", {"candidates": ["next"]})
    else:
        assert (target, assigned) == ("StartCleanUp", {})


def test_a_sweep_ends_with_its_metrics_unless_no_file_system_exists(clean_up: Definition) -> None:
    ways = {"DescribeCandidate": ([OURS], 0), "Swept": ([], 0), "PutMetricsOfSweep": ([], 1)}
    for target, (candidates, systems) in ways.items():
        given: dict[str, Any] = {"candidates": candidates, "fileSystems": [{}] * systems, "unseen": ""}
        assert choose(clean_up, "NextCandidate", **given) == (target, {})


def test_the_clean_up_that_a_run_waits_for_is_named_so_that_a_sweep_knows_it(
    run: Definition, clean_up: Definition
) -> None:
    by_run = evaluate(run.states["CleanUp"]["Assign"]["cleanUpName"], target=OURS)
    by_sweep = evaluate(clean_up.states["StartCleanUp"]["Arguments"]["Name"], candidates=[OURS])
    assert by_run[:32] == by_sweep[:32]
    assert by_run != by_sweep
    (taken, _) = run.states["WaitForCleanUp"]["Catch"]
    assert taken["ErrorEquals"] == ["StepFunctions.ExecutionAlreadyExistsException"]
    second = evaluate(taken["Assign"], target=OURS, cleanUpStarts=0)
    assert (second["cleanUpStarts"], second["cleanUpName"]) == (1, f"{by_run}-1")
    assert second["cleanUpError"] == "the name of the clean-up is taken"
    third = evaluate(taken["Assign"], target=OURS, cleanUpStarts=1)
    assert third["cleanUpName"] == f"{by_run}-2"
    for starts, target in [(1, "WaitForCleanUp"), (2, "WaitForCleanUp"), (3, "IsAnythingLeft")]:
        assert choose(run, "MayStartCleanUpAgain", cleanUpStarts=starts)[0] == target


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "ABORTED", "UNKNOWN"])
def test_a_sweep_starts_a_clean_up_for_every_execution_that_does_not_run(clean_up: Definition, status: str) -> None:
    given = {"targetStatus": status, "candidates": [OURS, "next"], "running": []}
    target, assigned = choose(clean_up, "IsCandidateRunning", **given)
    if status in ("RUNNING", "PENDING_REDRIVE"):
        assert (target, assigned) == ("NextCandidate", {"candidates": ["next"]})
    else:
        assert target == "StartCleanUp"
