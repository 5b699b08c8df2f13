"""The story of a play, for the page and the trace. Owns what only a rehearsal knows: what was written and exported, and
when each datapoint became readable. What an account tells of a run anyway is read as the command reads it of a real
one; it must never come from the plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lustre_batch.operate.stack import Stack
from lustre_batch.report import telling
from lustre_batch.report.facts import COLUMNS, NONE
from lustre_batch.report.story import Datapoint, Run, Series, Story

from ..aws.calls import internally
from ..aws.fsx.export import Passed
from ..aws.states.executions import Execution
from . import measures
from .measures import Share
from .purposes import about
from .session import Session
from .verdict import Verdict

VIRTUAL = (
    "Time is virtual, and nothing was created or paid for: costs are what AWS would have asked for, by list prices."
)


def story(session: Session, verdict: Verdict) -> Story:
    """What there is to tell, of each run."""
    played, facts = verdict.played, verdict.facts
    found = facts.get("runs") or [facts]
    with internally():
        runs = tuple(
            _run(session, verdict, execution, of_it) for (_, execution), of_it in zip(played.runs, found, strict=True)
        )
    said = "Everything ended as the scenario expects." if verdict.passed else "It did not end as the scenario expects."
    return Story(
        title=f"Rehearsal of {facts['scenario']}",
        subtitle=played.scenario.description,
        runs=runs,
        notes=(said, *verdict.why_not, VIRTUAL),
    )


def _run(session: Session, verdict: Verdict, execution: Execution, facts: dict[str, Any]) -> Run:
    played, began = verdict.played, verdict.played.began
    share = Share.of_run(session.account, execution.arn, played.witness.ledger.holder_of_queue)
    things = [execution.arn, *(one.id for one in share.file_systems)]
    cleaned = [
        one.arn
        for one in played.at_work
        if one.machine_arn == session.exports["cleanUpStateMachineArn"]
        and (about(one) in things or telling.is_named_after(one.name, things))
    ]
    stack = Stack(session.exports["stateMachineArn"])
    seen = telling.gather(stack, execution.arn, origin=began, clean_ups=cleaned)
    drained = measures.drained_at(share) or measures.job_ended_at(share)
    seen.drained_at = None if drained is None else drained - began
    gone = [one.deleted_at for one in share.file_systems]
    seen.gone_at = None if None in gone or not gone else max(one for one in gone if one is not None) - began
    seen.now = played.ended - began
    contents = [link.content for link in share.associations]
    written, exported = (
        [one for each in logs for one in each]
        for logs in (
            [content.written for content in contents],
            [content.exported for content in contents],
        )
    )
    seen.series = [
        *(
            _series(f"{unit} {words}", unit, passed, began)
            for unit in ("files", "bytes")
            for words, passed in (("written", written), ("exported", exported))
            if passed
        )
    ]
    seen.ages = [
        Datapoint(at - began, age, readable - began)
        for link in share.associations
        if not link.is_input
        for at, age, readable in session.account.cloudwatch.fsx.published(link)
    ]
    seen.facts = _facts(facts, seen.series)
    return telling.told(seen)


def _series(words: str, unit: str, passed: Iterable[Passed], began: float) -> Series:
    """Corners of the line: what passes between two moments does so evenly."""
    changes = []
    for one in passed:
        amount = one.files if unit == "files" else one.size
        changes.append((one.began - began, one.ended - began, amount))
    points: list[tuple[float, float]] = []
    total = 0.0
    for start, end, amount in sorted(changes):
        points += [(start, total), (end, total + amount)]
        total += amount
    return Series(words, unit, tuple(points))


def _facts(facts: dict[str, Any], series: Iterable[Series]) -> dict[str, Any]:
    """Those of `--json` that are columns; of a list, how many or which."""
    keys = {column.key for column in COLUMNS} - {"attempts", "queued_for"}  # in words, as of a real run
    found = {key: value for key, value in facts.items() if key in keys}
    written = next((one.points[-1][1] for one in series if one.words == "bytes written"), 0)
    return found | {
        "elapsed_seconds": facts["virtual_seconds"],
        "written_bytes": round(written),
        "leaked": "; ".join(f"{one['type']} {one['id']}" for one in facts["leaked"]) or NONE,
        "retained": telling.retained_words(facts["retained"]),
        "api_calls": sum(facts["api_calls"].values()),
        "messages": len(facts["messages"]),
    }
