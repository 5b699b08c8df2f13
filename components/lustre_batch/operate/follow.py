"""A run as it goes: what it is at, what it waits for, what its file system has cost. Owns the looks at the account.

A look that AWS does not answer in passing (throttling, the network) is repeated; the run goes on whatever happens here.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from . import phases, queueing, runs
from .problems import Problem, code_of, passes
from .snapshot import Snapshot, dollars_a_day, job_words
from .stack import Stack

# Between two looks: a run changes every few minutes, and the account's APIs are shared.
PAUSE_SECONDS: Final = 10.0
# Trouble that lasts longer is told, and the run left to itself.
PATIENCE_SECONDS: Final = 300.0
LOG_LINES: Final = 5


def pause(seconds: float) -> None:
    """Wait between two looks."""
    time.sleep(seconds)


class Follower:
    """Looks at one run again and again; closely, what its job prints and how long the oldest change has waited, too."""

    def __init__(self, stack: Stack, execution_arn: str, *, closely: bool = False) -> None:
        self._stack = stack
        self._closely = closely
        self._arn = execution_arn
        self._run = runs.History(execution_arn, phases.RUN)
        self._clean_ups: dict[str, runs.History] = {}
        self._file_system: dict[str, Any] | None = None  # as it was when it was last seen
        self._gone_at: datetime.datetime | None = None  # when a look first missed it
        self._job: dict[str, Any] | None = None
        self._works_since: datetime.datetime | None = None
        self._queued: dict[str, Any] = {}  # its lane and prefix; before that, its place in the queue

    def looks(self) -> Iterator[Snapshot]:
        """Until the run is over.

        Raises
        ------
        ClientError, BotoCoreError
            When AWS has not answered for long, or refuses.
        """
        trouble_since: float | None = None
        while True:
            try:
                seen = self.look()
            except (ClientError, BotoCoreError) as error:
                now = time.monotonic()
                trouble_since = now if trouble_since is None else trouble_since
                # An execution is not known at once after its start (SFN API reference, DescribeExecution).
                may_pass = passes(error) or code_of(error) == "ExecutionDoesNotExist"
                if not may_pass or now - trouble_since > PATIENCE_SECONDS:
                    raise
                self._pause()
                continue
            trouble_since = None
            yield seen
            if seen.over:
                return
            self._pause()

    def _pause(self) -> None:
        (self._stack.pass_time or pause)(PAUSE_SECONDS)

    def look(self) -> Snapshot:
        """One look."""
        described = self._stack.client("stepfunctions").describe_execution(executionArn=self._arn)
        now = described.get("stopDate") or datetime.datetime.now(datetime.UTC)
        self._run.read(self._stack)
        clean_up = self._clean_up(json.loads(described.get("input", "{}")))
        if clean_up is not None:
            clean_up.read(self._stack)
        self._look_at_lanes()
        self._look_at_file_system(now)
        self._look_at_job()
        self._works_since = self._works_since or _works_since(self._job, now)
        steps = self._steps(clean_up)
        output = json.loads(described["output"]) if described.get("output") else {}
        return Snapshot(
            at=now,
            run=self._arn,
            status=described["status"],
            steps=steps,
            started=described["startDate"],
            stopped=described.get("stopDate"),
            queued=self._queued,
            detail=self._detail(steps[-1].phase.name if steps else ""),
            file_system=None if self._gone_at else self._file_system,
            job=self._job,
            dollars=self._dollars(steps, now),
            error=described.get("error", ""),
            cause=described.get("cause", ""),
            output=output if isinstance(output, dict) else {},
            **(self._close_look(steps[-1].phase.name if steps else "", now) if self._closely else {}),
        )

    def _close_look(self, phase: str, now: datetime.datetime) -> dict[str, Any]:
        """What nobody misses who may not see it."""
        found: dict[str, Any] = {}
        with contextlib.suppress(ClientError):
            if phase == phases.JOB and (stream := (self._job or {}).get("container", {}).get("logStreamName")):
                answer = self._stack.client("logs").get_log_events(
                    logGroupName=self._stack.value("JobLogGroupName"), logStreamName=stream, limit=LOG_LINES
                )
                found["log"] = tuple(str(event["message"]) for event in answer["events"][-LOG_LINES:])
        with contextlib.suppress(ClientError):
            if phase in phases.EXPORTING and self._file_system is not None and not self._gone_at:
                found["queue_age_seconds"] = self._queue_age(now)
        return found

    def _queue_age(self, now: datetime.datetime) -> float | None:
        """Of the last minute that CloudWatch has (FSx guide, AutoImport and AutoExport metrics)."""
        dimensions = {"FileSystemId": (self._file_system or {})["FileSystemId"], "Publisher": "AutoExport"}
        answer = self._stack.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/FSx",
            MetricName="AgeOfOldestQueuedMessage",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - datetime.timedelta(minutes=15),
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )
        points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
        return float(points[-1]["Maximum"]) if points else None

    def _clean_up(self, given: Any) -> runs.History | None:
        """The clean-up that the run waits for, under the name that it gave it."""
        times = self._run.times
        if "Reclaim" in times:
            name = f"{runs.md5(str(given.get('reclaim')))}-r-{runs.md5(self._arn)}"
        elif "WaitForCleanUp" in times:
            again = times["WaitForCleanUp"] - 1
            name = f"{runs.md5(self._arn)}-run" + (f"-{again}" if again else "")
        else:
            return None
        arn = self._stack.clean_up_arn.replace(":stateMachine:", ":execution:") + f":{name}"
        if arn not in self._clean_ups:
            try:
                runs.describe(self._stack, arn)
            except Problem:  # it was asked for, and has not begun
                return None
            self._clean_ups[arn] = runs.History(arn, phases.CLEAN_UP)
        return self._clean_ups[arn]

    def _steps(self, clean_up: runs.History | None) -> tuple[runs.Step, ...]:
        """The run's, with those of its clean-up in the place of the wait for it."""
        if clean_up is None:
            return tuple(self._run.steps)
        found: list[runs.Step] = []
        for step in self._run.steps:
            found += clean_up.steps if step.phase.name == "clean-up" and clean_up.steps else [step]
        return tuple(found)

    def _look_at_lanes(self) -> None:
        """Until the run has one; nobody misses it who may not see it."""
        if "TakeTicket" not in self._run.times or "lane" in self._queued or "WaitForCleanUp" in self._run.times:
            return
        with contextlib.suppress(ClientError):
            self._queued = queueing.look(self._stack).facts(self._arn) or self._queued

    def _look_at_file_system(self, now: datetime.datetime) -> None:
        if self._gone_at or "CreateFileSystem" not in self._run.times:
            return
        if self._file_system is None:
            self._file_system = runs.file_system_of(self._stack, self._arn)
            return
        seen = runs.file_system(self._stack, self._file_system["FileSystemId"])
        self._gone_at = now if seen is None else None
        self._file_system = seen or self._file_system

    def _look_at_job(self) -> None:
        if "SubmitJob" not in self._run.times or (self._job or {}).get("status") in ("SUCCEEDED", "FAILED"):
            return
        if self._job is not None:
            described = self._stack.client("batch").describe_jobs(jobs=[self._job["jobId"]])["jobs"]
            self._job = described[0] if described else self._job
            return
        self._job = runs.job_of(self._stack, self._arn, runs.queues_of(self._stack, self._file_system))

    def _detail(self, phase: str) -> str:
        """What a phase waits for."""
        system = self._file_system
        if phase == phases.QUEUE:
            return queueing.words(self._queued)
        if phase == "create" and system is not None:
            return f"{system['FileSystemId']} is {system['Lifecycle']}"
        if phase == phases.JOB and self._job is not None:
            return job_words(self._job)
        if phase == "delete" and system is not None and not self._gone_at:
            return f"{system['FileSystemId']} is {system['Lifecycle']}"
        return ""

    def _dollars(self, steps: tuple[runs.Step, ...], now: datetime.datetime) -> dict[str, float] | None:
        """What the file system has cost so far, by what the run was at, and from the call that deletes it until it is
        gone, as the report has it. Instances are billed on their own."""
        system = self._file_system
        if system is None:
            return None
        begin = system["CreationTime"]
        end = max(self._gone_at or now, begin)
        asked = [one.entered.get("DeleteFileSystem") for one in self._clean_ups.values()]
        is_going = self._gone_at is not None or system["Lifecycle"] == "DELETING"  # a refused call deletes nothing
        deleted = min(max((one for one in asked if one is not None and is_going), default=end), end)
        found = dict.fromkeys((phases.WAITING, phases.WORKING, phases.DRAINING, phases.DELETING), 0.0)
        for kind, since, until in self._spans(steps, deleted):
            found[kind] += max(0.0, (min(until, deleted) - max(since, begin)).total_seconds())
        found[phases.DELETING] = (end - deleted).total_seconds()
        return {kind: round(_per_second(system) * seconds, 4) for kind, seconds in found.items()}

    def _spans(
        self, steps: tuple[runs.Step, ...], end: datetime.datetime
    ) -> Iterator[tuple[str, datetime.datetime, datetime.datetime]]:
        for step, until in zip(steps, [*(step.began for step in steps[1:]), end], strict=False):
            if step.phase.name != phases.JOB:
                yield step.phase.kind, step.began, until
                continue
            # A job that waits for an instance does not work yet, and its end is seen later than it comes.
            stopped = (self._job or {}).get("stoppedAt")
            ended = min(_moment(stopped), until) if stopped else until
            begun = min(max(self._works_since or ended, step.began), ended)
            yield phases.WAITING, step.began, begun
            yield phases.WORKING, begun, ended
            yield phases.DRAINING, ended, until


def _moment(milliseconds: int) -> datetime.datetime:
    """As Batch tells it."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def _works_since(job: dict[str, Any] | None, now: datetime.datetime) -> datetime.datetime | None:
    """Since when a job works; an array says nothing of its start, so that its work begins when that is seen."""
    if job is None:
        return None
    if job.get("startedAt"):
        return _moment(job["startedAt"])
    children = job.get("arrayProperties", {}).get("statusSummary", {})
    return now if any(children.get(each) for each in ("RUNNING", "SUCCEEDED", "FAILED")) else None


def _per_second(system: dict[str, Any]) -> float:
    return dollars_a_day(system) / 86_400
