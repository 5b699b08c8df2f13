"""What runs created or hold and no live run owns any more, and the clean-ups that are started for it. It finds things
by the stack's tag, in the lanes' table (lanes.py says what that holds) and in the lanes' queues; it deletes none."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..rules import TAG_OF_EXECUTION, TAG_OF_STACK
from .problems import Problem
from .queueing import items
from .runs import RUNNING, describe, execution_of, executions, file_systems, kept_because, md5, tags_of
from .snapshot import dollars_a_day
from .stack import Stack

# In the order in which a job goes through them, so that none that moves on is missed.
ALIVE: Final = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
# What the clean-up goes by.
_WITH_AGE: Final = ("file-system", "launch-template", "lane", "ticket")
_BELIEVED_AFTER: Final = datetime.timedelta(days=1)
_DESCRIBED: Final = 100  # SDK DescribeJobs: so many at once


@dataclass(frozen=True)
class Orphan:
    """One resource, whose it was, and what it costs."""

    type: str
    id: str
    run: str
    since: datetime.datetime | None
    dollars_a_day: float
    kept: str = ""  # why, if a clean-up has kept it for good
    cleaning: bool = False  # a clean-up of its run is at work
    detail: str = ""  # what it is about, where the id does not say
    too_young: bool = False  # of its run, for a clean-up to believe that it is over

    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        return {**self.__dict__, "since": self.since.astimezone(datetime.UTC).isoformat() if self.since else None}


def orphans(stack: Stack) -> list[Orphan]:
    """Everything that is the stack's and belongs to no run that runs, the dearest first."""
    # Jobs before the table: a run that takes a lane meanwhile is its holder when that is read.
    jobs = list(_jobs(stack))
    lanes: dict[str, Any] = next(iter(items(stack, "lanes")), {})
    holders = [one for one in lanes.get("holders", []) if one["run"]]
    found = [
        *_file_systems(stack),
        *_launch_templates(stack),
        *_job_definitions(stack),
        *_held(stack, holders),
        *(_job(one, lane, holders) for lane, one in jobs),
    ]
    statuses = {arn: _status(stack, arn) for arn in {one.run for one in found}}
    # The clean-up of a run is named after it, that of a file system which is reclaimed after that.
    cleaning = {one["name"][:32] for one in executions(stack, machine=stack.clean_up_arn, status="RUNNING")}
    at_work = {one.run for one in found if {md5(one.run), md5(one.id)} & cleaning}
    young = too_young(found, statuses, datetime.datetime.now(datetime.UTC)) - at_work
    left = [
        Orphan(**{**one.__dict__, "cleaning": one.run in at_work, "too_young": one.run in young})
        for one in found
        if statuses[one.run] not in RUNNING
    ]
    return sorted(left, key=lambda one: (-one.dollars_a_day, one.type, one.id))


def too_young(found: Iterable[Orphan], statuses: Mapping[str, str], now: datetime.datetime) -> set[str]:
    """Runs whose clean-up would end at once. DescribeExecution is eventually consistent: a run that it does not know is
    over only when something that it created or holds is older than a day (the clean-up's state IsItReallyOver)."""
    old = {
        one.run
        for one in found
        if one.type in _WITH_AGE and not one.kept and one.since and now - one.since > _BELIEVED_AFTER
    }
    return {run for run, status in statuses.items() if run and not status} - old


def clean(stack: Stack, left: list[Orphan]) -> list[str]:
    """Start a clean-up for each run that left something, but for what was kept for good, and where it would end at
    once; the runs."""
    wanted = list(dict.fromkeys(one.run for one in left if one.run and not (one.kept or one.cleaning or one.too_young)))
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    client = stack.client("stepfunctions")
    for run in wanted:
        # As the sweep does it, so that it starts no other beside it.
        client.start_execution(
            stateMachineArn=stack.clean_up_arn, name=f"{md5(run)}-{now}", input=f'{{"execution": "{run}"}}'
        )
    return wanted


def _status(stack: Stack, arn: str) -> str:
    """The status of a run; nothing if it is forgotten, or none is named."""
    try:
        return str(describe(stack, arn)["status"]) if arn else ""
    except Problem:
        return ""


def _file_systems(stack: Stack) -> Iterator[Orphan]:
    for one in file_systems(stack):
        tags = tags_of(one["Tags"])
        yield Orphan(
            type="file-system",
            id=one["FileSystemId"],
            run=execution_of(tags.get(TAG_OF_EXECUTION, "")),
            since=one["CreationTime"],
            dollars_a_day=round(dollars_a_day(one), 2),
            kept=kept_because(tags),
        )


def _launch_templates(stack: Stack) -> Iterator[Orphan]:
    asked = [
        {"Name": f"tag:{TAG_OF_STACK}", "Values": [stack.id]},
        {"Name": "tag-key", "Values": [TAG_OF_EXECUTION]},
    ]
    for page in stack.client("ec2").get_paginator("describe_launch_templates").paginate(Filters=asked):
        for one in page["LaunchTemplates"]:
            tags = tags_of(one.get("Tags", []))
            if TAG_OF_EXECUTION in tags:
                run = execution_of(tags[TAG_OF_EXECUTION])
                yield Orphan("launch-template", one["LaunchTemplateId"], run, one.get("CreateTime"), 0.0)


def _job_definitions(stack: Stack) -> Iterator[Orphan]:
    pages = stack.client("batch").get_paginator("describe_job_definitions")
    for page in pages.paginate(jobDefinitionName=stack.value("JobDefinitionName"), status="ACTIVE"):
        for one in page["jobDefinitions"]:
            if run := one.get("tags", {}).get(TAG_OF_EXECUTION):
                name = one["jobDefinitionArn"].rpartition("/")[2]
                yield Orphan("job-definition", name, execution_of(run), None, 0.0)


def _held(stack: Stack, holders: list[dict[str, Any]]) -> Iterator[Orphan]:
    """What the table says of runs: lanes and prefixes that they hold, tickets of those that wait, open sessions. Each
    is called as the clean-up calls it."""
    table = stack.value("LanesTableName")
    for one in holders:
        lane = f"lane {one['lane']}, " if int(one["lane"]) else ""
        detail = f"{lane}prefix {json.dumps(one['prefix'])}"
        since = _moment(one.get("takenAt"))
        yield Orphan("lane", f"{table}/{md5(one['run'])}", one["run"], since, 0.0, detail=detail)
    for one in items(stack, "ticket"):
        detail = f"prefix {json.dumps(one['prefix'])}"
        since = _moment(one.get("takenAt"))
        yield Orphan("ticket", f"{table}/{one['id']}", one["run"], since, 0.0, detail=detail)
    for one in items(stack, "session"):
        detail = f"queue {one['queueName']}"
        since = _moment(one.get("readyAt"))
        yield Orphan("session", f"{table}/session/{one['id']}", one["run"], since, 0.0, detail=detail)


def _moment(text: Any) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if isinstance(text, str) else None


def _jobs(stack: Stack) -> Iterator[tuple[int, dict[str, Any]]]:
    """Those of the lanes' queues that have not ended, as Batch describes them, each with its lane; children are part of
    their array."""
    batch = stack.client("batch")
    for lane, queue in enumerate(json.loads(stack.value("JobQueueArns")), 1):
        found: dict[str, None] = {}
        for status in ALIVE:
            for page in batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status):
                found |= dict.fromkeys(one["jobId"].partition(":")[0] for one in page["jobSummaryList"])
        listed = list(found)
        for place in range(0, len(listed), _DESCRIBED):
            described = batch.describe_jobs(jobs=listed[place : place + _DESCRIBED])["jobs"]
            yield from ((lane, one) for one in described if one["status"] in ALIVE)


def _job(job: dict[str, Any], lane: int, holders: list[dict[str, Any]]) -> Orphan:
    """A job, of the run that its tag names, else of whoever holds the lane: whose every job in its queue is."""
    tag = job.get("tags", {}).get(TAG_OF_EXECUTION)
    run = execution_of(tag) if tag else next((one["run"] for one in holders if int(one["lane"]) == lane), "")
    since = datetime.datetime.fromtimestamp(job["createdAt"] / 1000, datetime.UTC)
    return Orphan("job", job["jobId"], run, since, 0.0, detail=f"{job['status']} in lane {lane}")
