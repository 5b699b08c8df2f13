"""Stories for the tests of the page: one run with everything in it, and what is different in another."""

from __future__ import annotations

from typing import Any

from lustre_batch.operate import phases
from lustre_batch.report.story import Attempt, Datapoint, Decision, FileSystem, Look, Run, Series, Span, Story, spans

SYSTEM = FileSystem(
    id="fs-0123456789abcdef0",
    created=5.0,
    billed_until=2400.0,
    dollars_per_second=0.0001,
    price_words="$0.14 per GB-month, list price of 2026-01, us-east-1",
    is_there=False,
)
STEPS = (
    Span("queue", "waiting for a lane and its prefix", phases.WAITING, 0.0, 5.0),
    Span("create", "the file system is created & linked", phases.WAITING, 5.0, 500.0),
    Span("job", "the job", phases.WORKING, 500.0, 1820.0),
    Span("drain", "results are exported to S3", phases.DRAINING, 1820.0, 2000.0),
    Span("delete", "what the run created is removed", phases.DRAINING, 2000.0, 2400.0),
)
ATTEMPTS = (
    Attempt("attempt 1", 700.0, 1000.0, False, True, "no exit code (Host EC2 (instance i-1) terminated.)"),
    Attempt("attempt 2", 1200.0, 1800.0, True, False, "exit code 0"),
)


def run(name: str = "nightly", **changed: Any) -> Run:
    """A run that Spot interrupted once."""
    parts: dict[str, Any] = {
        "began": 0.0,
        "until": 2400.0,
        "spans": spans(STEPS, ATTEMPTS, jobs_ended_at=1800.0, drained_at=1900.0, deleted_at=2010.0, gone_at=2390.0),
        "attempts": ATTEMPTS,
        "series": (
            Series("files written", "files", ((700.0, 0.0), (1800.0, 500.0))),
            Series("files exported", "files", ((720.0, 0.0), (1900.0, 500.0))),
        ),
        "ages": tuple(Datapoint(float(at), max(0.0, at - 1700.0), at + 90.0) for at in range(700, 2000, 60)),
        "looks": (Look(1850.0, False, "too early <to say>"), Look(1950.0, True, "it was empty")),
        "decision": Decision(2010.0, "fs-0123456789abcdef0 is deleted", ("the export queue: it was empty",)),
        "file_system": SYSTEM,
        "facts": {"outcome": "SUCCEEDED", "lane": 1, "jobs": 1, "exported_files": 500, "lost_files": 0},
        **changed,
    }
    return Run(name=name, **parts)


def story(*runs: Run) -> Story:
    return Story("Runs of the night", "stack autoexport", runs or (run(),))
