"""Schedules drawn at random: what a job writes and when, how it is exported, and what goes wrong on the way.

Everything is drawn through one function, `whole(low, high)`, so that the same generator serves a seeded comparison and
a property test that shrinks. Nothing is drawn that AWS could not do.
"""

import random
from collections.abc import Callable
from typing import Any

Whole = Callable[[int, int], int]

# Every call of a run's main line and of its clean-up. Which of them a schedule strikes, and how often, is drawn.
CALLS = (
    "secretsmanager:GetSecretValue",
    "ec2:DescribeLaunchTemplates",
    "ec2:CreateLaunchTemplate",
    "ec2:DeleteLaunchTemplate",
    "fsx:CreateFileSystem",
    "fsx:DescribeFileSystems",
    "fsx:CreateDataRepositoryAssociation",
    "fsx:DescribeDataRepositoryAssociations",
    "fsx:UpdateDataRepositoryAssociation",
    "fsx:CreateDataRepositoryTask",
    "fsx:DescribeDataRepositoryTasks",
    "fsx:DeleteFileSystem",
    "batch:UpdateComputeEnvironment",
    "batch:DescribeComputeEnvironments",
    "batch:RegisterJobDefinition",
    "batch:DescribeJobDefinitions",
    "batch:DeregisterJobDefinition",
    "batch:SubmitJob",
    "batch:ListJobs",
    "batch:DescribeJobs",
    "cloudwatch:GetMetricData",
)
ERRORS = ("ThrottlingException", "InternalServerError")
SERVICES = ("fsx", "batch", "ec2", "dynamodb", "lambda", "cloudwatch", "stepfunctions", "*")
LONGEST_OUTAGE_SECONDS = 6 * 3600


def seeded(seed: int) -> Whole:
    """`whole` for a comparison that can be repeated."""
    return random.Random(seed).randint


def ordinary(whole: Whole) -> dict[str, Any]:
    """A day in production: mostly nothing goes wrong, often much is written late."""
    runtime = whole(5, 120) * 60
    content: dict[str, Any] = {
        "job": {
            "start_delay": whole(60, 400),
            "runtime": runtime,
            "writes": [_steady(whole, runtime), *([_late(whole, runtime)] if _chance(whole, 50) else [])],
            "interruptions": [whole(30, runtime) for _ in range(_weighted(whole, (75, 15, 10)))],
        },
        # A third slower or faster than as measured, for the stack's own file system (aws/fsx/speed.py).
        "export": {"files_per_second": whole(230, 450), "bytes_per_second": whole(160, 310) * 1_000_000},
        "metric": {"delay": whole(60, 180)},
        "file_system": {"create": whole(300, 900), "delete": whole(240, 420)},
        "association": {"create": whole(30, 120)},
        "compute_environment": {"update": whole(60, 240)},
    }
    if _chance(whole, 10):
        content["export"]["stalls"] = [{"at": whole(0, runtime), "for": whole(60, 1800)}]
    if _chance(whole, 5):
        content["metric"]["gaps"] = [{"at": whole(0, runtime), "for": whole(60, 3600)}]
    if _chance(whole, 5):
        content["job"]["outcome"] = "FAILED"
    if _chance(whole, 5):
        content["faults"] = [{"call": CALLS[whole(0, len(CALLS) - 1)], "error": "ThrottlingException", "times": 1}]
    return content


def hostile(whole: Whole) -> dict[str, Any]:
    """Everything at once: faults on every call, answers that are lost, services that are away for hours, events that
    come twice, late or never, and an abort at any point of the run."""
    content = ordinary(whole)
    runtime = content["job"]["runtime"]
    content["export"] |= {
        "stalls": [{"at": whole(0, 2 * runtime), "for": whole(1, 7200)} for _ in range(whole(0, 2))],
        "refused": whole(1, 5) if _chance(whole, 10) else 0,
    }
    content["metric"]["gaps"] = [{"at": whole(0, 2 * runtime), "for": whole(60, 7200)} for _ in range(whole(0, 2))]
    content["faults"] = [_fault(whole) for _ in range(whole(0, 4))]
    if _chance(whole, 25):
        content["faults"].append(_outage(whole, 3 * runtime))
    if _chance(whole, 20):
        content["events"] = ({"twice": True}, {"delay": whole(60, 7200)}, {"delivered": False})[whole(0, 2)]
    if _chance(whole, 30):
        content["execution"] = {"abort_at": whole(0, 3 * runtime)}
    if _chance(whole, 10):
        content["set"] = {"exportVerification": "metrics"}
    content["input"] = {
        "autoExport": not _chance(whole, 15),
        "waitForJobCompletionSeconds": (30, 60, 300)[whole(0, 2)],
    }
    return content


def crowd(whole: Whole) -> dict[str, Any]:
    """Several runs of one stack that arrive at any time, some under prefixes that overlap: with faults, lost answers,
    outages (the table's among them), events that come late or never, and runs and clean-ups that are stopped."""
    return {
        "runs": [_arrival(whole, number) for number in range(whole(2, 5))],
        "faults": [_fault(whole) for _ in range(whole(0, 3))]
        + [_lost_write(whole) for _ in range(whole(0, 2))]
        + ([_outage(whole, 7200)] if _chance(whole, 20) else []),
        "events": ({}, {"twice": True}, {"delay": whole(60, 7200)}, {"delivered": False})[
            _weighted(whole, (70, 10, 10))
        ],
        "metric": {"delay": whole(60, 180)},
        "compute_environment": {"update": whole(60, 240)},
    }


def _arrival(whole: Whole, number: int) -> dict[str, Any]:
    """One of them; the first is the one that times count from."""
    runtime = whole(1, 20) * 60
    run: dict[str, Any] = {
        "at": whole(0, 60) * 60 if number else 0,
        "input": {"keyPrefix": ("a/", "b/", "c/", "a/b/")[whole(0, 3)]},
        "job": {
            "start_delay": whole(60, 300),
            "runtime": runtime,
            "writes": [_steady(whole, runtime)],
            "outcome": "FAILED" if _chance(whole, 10) else "SUCCEEDED",
        },
        "file_system": {"create": whole(60, 600), "delete": whole(60, 300)},
    }
    if _chance(whole, 10):
        run["input"]["wait"] = False
    stops = {"abort_at": whole(0, 7200)} if _chance(whole, 30) else {}
    if _chance(whole, 15):
        stops["clean_up_abort_at"] = whole(0, 900)
    return run | ({"execution": stops} if stops else {})


def _lost_write(whole: Whole) -> dict[str, Any]:
    """A write to the table that takes effect, or does not, without an answer."""
    return {
        "call": f"dynamodb:{('PutItem', 'UpdateItem', 'DeleteItem')[whole(0, 2)]}",
        "error": ("InternalServerError", "hang")[whole(0, 1)],
        "times": whole(1, 3),
        "skip": whole(0, 8),
        "after": _chance(whole, 70),
    }


def _steady(whole: Whole, runtime: int) -> dict[str, Any]:
    """What a job writes as it goes along: most of them until their end, some only at first."""
    return {
        "at": 0,
        "over": whole(1, runtime) if _chance(whole, 30) else runtime,
        "files": whole(1, 20_000),
        "bytes_each": (10_240, 1_048_576)[whole(0, 1)],
        "deletes_previous": _chance(whole, 30),
    }


def _late(whole: Whole, runtime: int) -> dict[str, Any]:
    """Results written just before the end: what a check of the metric's past cannot see."""
    over = min(runtime, whole(5, 120))
    return {"at": runtime - over, "over": over, "files": whole(100, 100_000), "bytes_each": 10_240}


def _fault(whole: Whole) -> dict[str, Any]:
    return {
        "call": CALLS[whole(0, len(CALLS) - 1)],
        "error": ERRORS[whole(0, 1)],
        "times": whole(1, 30) if _chance(whole, 20) else whole(1, 3),
        "skip": whole(0, 3),
        "after": _chance(whole, 25),
    }


def _outage(whole: Whole, latest: int) -> dict[str, Any]:
    """A service, or everything, is away from one moment to another."""
    call = f"{SERVICES[whole(0, len(SERVICES) - 1)]}:*"
    return {
        "call": call,
        "error": "InternalServerError",
        "at": whole(0, latest),
        "for": whole(60, LONGEST_OUTAGE_SECONDS),
    }


def _chance(whole: Whole, percent: int) -> bool:
    # High draws mean that it happens, so that shrinking leads to the simple schedule.
    return whole(1, 100) > 100 - percent


def _weighted(whole: Whole, percentages: tuple[int, ...]) -> int:
    drawn = whole(1, 100)
    for number, percentage in enumerate(percentages):
        if drawn <= percentage:
            return number
        drawn -= percentage
    return 0
