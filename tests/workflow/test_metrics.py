"""What the run, the clean-up and the sweep put as metrics of the stack: each number by its own arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import FILE_SYSTEM, RUN, choose, evaluate

STARTED = "2024-05-06T00:00:00.000Z"
BEGAN = 1_714_953_600_000  # the same in milliseconds
HOUR = 3_600_000
JOB = {"status": "SUCCEEDED", "array": False, "size": 0, "failed": 0, "firstStartedAt": 0, "stoppedAt": 0}


def put(definition: Definition, state: str, **variables: Any) -> dict[str, float]:
    """The metrics that a state puts, by their names; that each has the stack as its dimension is held, too."""
    arguments = definition.states[state]["Arguments"]
    states = {"context": {"Execution": {"Id": RUN, "StartTime": STARTED}}}
    found = evaluate(arguments["MetricData"], states, **variables)
    found = found if isinstance(found, list) else [found]
    assert arguments["Namespace"] == "LustreBatch"
    assert all(len(one["Dimensions"]) == 1 and one["Dimensions"][0]["Name"] == "Stack" for one in found)
    return {one["MetricName"]: one["Value"] for one in found}


def of_run(run: Definition, *jobs: dict[str, Any], **given: Any) -> dict[str, float]:
    known = {"laneAt": BEGAN + 60_000, "submittedAt": BEGAN + 600_000, "cleanUpAt": BEGAN + HOUR, "isSession": False}
    return put(run, "PutMetrics", jobs=list(jobs), **(known | given))


def test_a_run_says_how_long_its_phases_took_and_that_its_job_succeeded(run: Definition) -> None:
    job = JOB | {"firstStartedAt": BEGAN + 700_000, "stoppedAt": BEGAN + 1_000_000}
    assert of_run(run, job) == {
        "WaitingSeconds": 60,
        "CreatingSeconds": 540,
        "StartingSeconds": 100,
        "WorkingSeconds": 300,
        "JobsSucceeded": 1,
        "JobsFailed": 0,
    }


def test_of_what_did_not_happen_nothing_is_put(run: Definition) -> None:
    assert of_run(run, submittedAt=0) == {"WaitingSeconds": 60}
    waiting = JOB | {"status": "RUNNABLE"}
    assert of_run(run, waiting) == {"WaitingSeconds": 60, "CreatingSeconds": 540}
    failed = JOB | {"status": "FAILED"}
    assert of_run(run, failed) == {"WaitingSeconds": 60, "CreatingSeconds": 540, "JobsSucceeded": 0, "JobsFailed": 1}


def test_the_children_of_an_array_count_one_by_one(run: Definition) -> None:
    found = of_run(run, JOB | {"status": "FAILED", "array": True, "size": 100, "failed": 3})
    assert (found["JobsSucceeded"], found["JobsFailed"]) == (97, 3)
    assert "WorkingSeconds" not in found, "of an array no start is known"


def test_a_session_works_while_it_is_open(run: Definition) -> None:
    assert of_run(run, isSession=True) == {"WaitingSeconds": 60, "CreatingSeconds": 540, "WorkingSeconds": 3000}
    assert "WorkingSeconds" not in of_run(run, isSession=True, submittedAt=0)


@pytest.mark.parametrize(("lane_at", "target"), [(BEGAN, "PutMetrics"), (0, "IsAnythingToTell")])
def test_a_run_that_had_no_lane_puts_nothing(run: Definition, lane_at: int, target: str) -> None:
    assert choose(run, "HadLane", laneAt=lane_at) == (target, {})


def test_numbers_are_put_at_the_end_and_their_failure_changes_nothing(run: Definition, clean_up: Definition) -> None:
    for definition, name, following in [
        (run, "PutMetrics", "IsAnythingToTell"),
        (clean_up, "PutMetrics", "IsAnythingToTell"),
        (clean_up, "ReadFreeSpace", "PutMetrics"),
        (clean_up, "PutMetricsOfSweep", "Swept"),
    ]:
        state = definition.states[name]
        assert state["Next"] == following
        assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": following}]


# ---------------------------------------------------------------------- the clean-up
def test_a_clean_up_says_how_long_the_queue_took_and_how_full_it_was(clean_up: Definition) -> None:
    now = evaluate("{% $millis() %}")
    seen = {"drainedAt": BEGAN + 90_000, "queueAge": 42, "lowestFreePercent": 12.5, "jobStoppedAt": BEGAN, "began": now}
    found = put(clean_up, "PutMetrics", **seen)
    assert 0 <= found.pop("CleaningUpSeconds") < 60
    assert found == {"DrainingSeconds": 90, "OldestQueueAge": 42, "LowestFreePercent": 12.5}
    unseen = {"drainedAt": 0, "queueAge": -1, "lowestFreePercent": -1, "jobStoppedAt": BEGAN, "began": now}
    assert set(put(clean_up, "PutMetrics", **unseen)) == {"CleaningUpSeconds"}


@pytest.mark.parametrize(
    ("by_target", "first", "written", "system"),
    [
        (True, False, True, FILE_SYSTEM),
        (False, True, True, FILE_SYSTEM),
        (False, False, True, FILE_SYSTEM),
        (True, False, False, FILE_SYSTEM),
        (True, False, True, ""),
    ],
)
def test_what_was_written_to_is_measured_once(
    clean_up: Definition, by_target: bool, first: bool, written: bool, system: str
) -> None:
    """By the first clean-up of a run; each sweep would raise the same alarm again."""
    given: dict[str, Any] = {"fileSystemId": system, "wasWrittenTo": written, "byTarget": by_target, "first": first}
    measured = (by_target or first) and written and system != ""
    assert choose(clean_up, "Answer", **given) == ("ReadFreeSpace" if measured else "IsAnythingToTell", {})


@pytest.mark.parametrize(("hours", "period"), [(0.01, 60), (2, 7200), (24, 86_400), (24 * 70, 86_400)])
def test_free_space_is_read_over_the_file_systems_whole_life(clean_up: Definition, hours: float, period: int) -> None:
    created = evaluate("{% $millis() %}") - hours * HOUR + 5_000
    asked = evaluate(clean_up.states["ReadFreeSpace"]["Arguments"], found=[{"created": created}], fileSystemId="fs-1")
    assert asked["Period"] == period
    assert evaluate("{% $toMillis($at) %}", at=asked["StartTime"]) == int(created)
    assert asked["Dimensions"] == [{"Name": "FileSystemId", "Value": "fs-1"}]


@pytest.mark.parametrize(
    ("datapoints", "percent"),
    [
        ([{"Minimum": 25.0, "Maximum": 200.0}], 12.5),
        ([{"Minimum": 100.0, "Maximum": 200.0}, {"Minimum": 0.0, "Maximum": 150.0}], 0),
        ([], -1),
        ([{"Minimum": 0.0, "Maximum": 0.0}], -1),
    ],
)
def test_the_lowest_free_space_is_that_of_the_fullest_target(
    clean_up: Definition, datapoints: list[dict[str, float]], percent: float
) -> None:
    answer = {"result": {"Datapoints": datapoints}}
    assert evaluate(clean_up.states["ReadFreeSpace"]["Assign"], answer) == {"lowestFreePercent": percent}


@pytest.mark.parametrize(("value", "age"), [(50, 50), (10, 30), (None, 30)])
def test_the_highest_age_of_the_queue_is_remembered(clean_up: Definition, value: int | None, age: int) -> None:
    payload = {"shouldDeleteFSx": False, "reason": "", "metricsValue": value}
    found = evaluate(clean_up.states["CheckMetrics"]["Assign"], {"result": {"Payload": payload}}, queueAge=30)
    assert (found["queueAge"], found["drainedAt"]) == (age, 0)
    drained = {"result": {"Payload": payload | {"shouldDeleteFSx": True}}}
    assert evaluate(clean_up.states["CheckMetrics"]["Assign"], drained, queueAge=30)["drainedAt"] > BEGAN


# ---------------------------------------------------------------------- the sweep
def system(
    *tags: tuple[str, str], lifecycle: str = "AVAILABLE", stack: str = "", capacity: int = 1200
) -> dict[str, Any]:
    stack = stack or "stack-1a2b3c4"
    named = [("lustre-batch:stack", stack), ("lustre-batch:execution", "arn:run=281=29"), *tags]
    return {
        "Lifecycle": lifecycle,
        "CreationTime": STARTED,
        "StorageCapacity": capacity,
        "LustreConfiguration": {},
        "Tags": [{"Key": key, "Value": value} for key, value in named],
    }


def seen(clean_up: Definition, *systems: dict[str, Any]) -> list[dict[str, Any]]:
    """What the sweep notes of them."""
    text = clean_up.states["SweepFileSystems"]["Assign"]["fileSystems"]
    ours = text.split("Value = '")[1].split("'")[0]
    for each in systems:
        for tag in each["Tags"]:
            tag["Value"] = tag["Value"].replace("stack-1a2b3c4", ours)
    found = evaluate(text, {"result": {"FileSystems": list(systems)}}, fileSystems=[])
    assert isinstance(found, list)
    return found


def test_a_sweep_sees_every_file_system_of_the_stack_and_what_it_costs(clean_up: Definition) -> None:
    kept_at = "2024-05-07T00:00:00.000Z"
    alive, kept, old, again = seen(
        clean_up,
        system(),
        system(("lustre-batch:retained", "x"), ("lustre-batch:retainedAt", kept_at), capacity=2400),
        system(("lustre-batch:retained", "x")),
        system(("lustre-batch:retained", "x"), ("lustre-batch:reclaimed", "true")),
        system(lifecycle="DELETING"),
        system(stack="another"),
    )
    assert (alive["run"], alive["created"], alive["kept"]) == ("arn:run(1)", BEGAN, False)
    assert alive["dollarsADay"] == pytest.approx(1200 * 0.14 * 24 / 730)
    assert (kept["kept"], kept["keptAt"]) == (True, BEGAN + 24 * HOUR)
    assert kept["dollarsADay"] == pytest.approx(2 * alive["dollarsADay"])
    assert (old["kept"], old["keptAt"], again["kept"]) == (True, BEGAN, False)


def test_a_sweep_counts_them_and_says_how_long_the_oldest_was_kept(clean_up: Definition) -> None:
    now = evaluate("{% $millis() %}")
    systems = [
        {"kept": True, "keptAt": now - 30 * HOUR, "dollarsADay": 5},
        {"kept": True, "keptAt": now - 3 * HOUR, "dollarsADay": 6},
        {"kept": False, "keptAt": now - 90 * HOUR, "dollarsADay": 7},
    ]
    found = put(clean_up, "PutMetricsOfSweep", fileSystems=systems, hoursWithoutRun=2.5)
    assert found.pop("KeptHours") == pytest.approx(30, abs=0.1)
    assert found == {
        "FileSystems": 3,
        "FileSystemsKept": 2,
        "DollarsADay": 18,
        "KeptDollarsADay": 11,
        "HoursWithoutRun": 2.5,
    }
    none = put(clean_up, "PutMetricsOfSweep", fileSystems=systems[2:], hoursWithoutRun=0)
    assert (none["FileSystemsKept"], none["KeptDollarsADay"]) == (0, 0)
    assert none["KeptHours"] < 0.1


@pytest.mark.parametrize(
    ("kept", "reclaimed", "at_work"),
    [(False, False, False), (True, False, False), (False, True, True), (False, True, False), (False, False, True)],
)
def test_what_lasts_longest_without_a_run_is_remembered(
    clean_up: Definition, kept: bool, reclaimed: bool, at_work: bool
) -> None:
    """Neither what is kept counts, nor what was kept and is being reclaimed."""
    now = evaluate("{% $millis() %}")
    stop = evaluate("{% $fromMillis($at) %}", at=now - 3 * HOUR)
    ours = {"run": RUN, "kept": kept, "reclaimed": reclaimed, "created": now - 9 * HOUR}
    systems = [
        ours,
        ours | {"created": now - 8 * HOUR},
        {"run": "other", "kept": False, "reclaimed": False, "created": 0},
    ]
    begin = evaluate("{% $hash($run, 'MD5') %}", run=RUN)
    running = [f"{begin}-run" if at_work else "another"]
    given: dict[str, Any] = {"candidates": [RUN], "fileSystems": systems, "hoursWithoutRun": 1, "running": running}
    describing = clean_up.states["DescribeCandidate"]

    def hours(assign: dict[str, Any], result: dict[str, Any], **more: Any) -> float:
        value = evaluate(assign["hoursWithoutRun"], {"result": result}, **(given | more))
        assert isinstance(value, int | float)
        return value

    ended = {"Status": "ABORTED", "StopDate": stop}
    left_out = kept or (reclaimed and at_work)
    assert hours(describing["Assign"], ended) == pytest.approx(1 if left_out else 3, abs=0.1)
    assert hours(describing["Assign"], ended, hoursWithoutRun=4) == 4
    assert hours(describing["Assign"], {"Status": "RUNNING"}) == 1
    forgotten = describing["Catch"][0]["Assign"]
    assert hours(forgotten, {}) == pytest.approx(1 if kept else 9, abs=0.1)


@pytest.mark.parametrize("before", ["", "2024-05-07T00:00:00.000Z"])
def test_what_is_kept_says_since_when_and_a_reclaim_in_between_does_not_end_it(
    clean_up: Definition, before: str
) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in clean_up.states["KeepFileSystem"]["Arguments"]["Tags"]}
    told = evaluate(tags["lustre-batch:retainedAt"], found=[{"keptAt": before}])
    assert told == before if before else told > "2025"


def test_a_sweep_that_could_not_look_at_everything_puts_no_number_and_fails(clean_up: Definition) -> None:
    """Numbers of a part would clear an alarm that is true; the failure is counted by AWS, and has an alarm."""
    given: dict[str, Any] = {"candidates": [], "fileSystems": [{}], "unseen": "Fsx.FSxException: away"}
    target, told = choose(clean_up, "NextCandidate", **given)
    assert (target, told["error"]) == ("Failed", "CleanUpIncomplete")
    assert told["cause"] == "The sweep could not look at everything: Fsx.FSxException: away"
    for name in ("SweepFileSystems", "DescribeCandidate"):
        (catcher,) = [each for each in clean_up.states[name]["Catch"] if each["ErrorEquals"] == ["States.ALL"]]
        answer = {"errorOutput": {"Error": "X", "Cause": "y"}}
        assert evaluate(catcher["Assign"]["unseen"], answer) == "X: y"
