"""Why a clean-up deleted a file system, or did not: read off the answers that it decided by (clean_up.asl.yaml)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .record import Record, Task
from .story import Decision, Look

Since = Callable[[Any], float]


def looks(record: Record, since: Since) -> Iterator[Look]:
    """Each answer of the function that looks at the metric."""
    for task in record.answers("CheckMetrics"):
        told = task.answer.get("Payload", {})
        yield Look(since(task.at), bool(told.get("shouldDeleteFSx")), str(told.get("reason", "")))


def made(record: Record, output: dict[str, Any], identifier: str, since: Since) -> Decision | None:
    """What a clean-up decided about a file system; `output` is its answer, empty if it gave none."""
    if "DeleteFileSystem" in record.entered:
        at = next(at for state, at in record.path if state == "DeleteFileSystem")
        return Decision(since(at), f"{identifier} is deleted", tuple(_proofs(record)))
    # One that only finds it kept, or left, has decided nothing.
    for state, key, words in (
        ("KeepFileSystem", "retained", "is kept"),
        ("LeaveFileSystem", "pending", "is left for a later clean-up"),
    ):
        for one in output.get(key) or []:
            if one.get("id") == identifier and state in record.entered:
                reasons = (str(one.get("reason", "")), *_proofs(record))
                return Decision(since(record.entered[state]), f"{identifier} {words}", tuple(filter(None, reasons)))
    return None


def _proofs(record: Record) -> Iterator[str]:
    queue, log, tasks = record.last("CheckMetrics"), record.last("ReadExportErrors"), record.last("FindExportTasks")
    if queue is not None:
        yield f"the export queue: {queue.answer.get('Payload', {}).get('reason', '')}"
    if log is not None:
        events = log.answer.get("Events") or []
        yield f"the log of failed exports: {len(events)} {'line' if len(events) == 1 else 'lines'} on the last page"
    if tasks is not None:
        yield from _exports(tasks)
    if queue is None and tasks is None and "DeleteFileSystem" in record.entered:
        # IsThereAnythingToExport passes by both only then.
        yield "nothing was ever written to it: no job ran on it"


def _exports(listed: Task) -> Iterator[str]:
    for one in listed.answer.get("DataRepositoryTasks") or []:
        if one.get("Type") == "EXPORT_TO_REPOSITORY":
            status = one.get("Status") or {}
            done, failed, total = (status.get(f"{each}Count", 0) for each in ("Succeeded", "Failed", "Total"))
            counts = f"{done} of {total} files exported, {failed} failed"
            yield f"the export task {one['TaskId']} is {one['Lifecycle']}: {counts}"
