"""What runs created and no live run owns any more, and the clean-ups that are started for it. It finds things by the
stack's tag, as the sweep does, and deletes none of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..rules import TAG_OF_EXECUTION, TAG_OF_STACK
from .problems import Problem
from .runs import RUNNING, describe, execution_of, executions, file_systems, md5, tags_of
from .snapshot import dollars_a_day
from .stack import Stack


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

    def facts(self) -> dict[str, Any]:
        """The same for programs."""
        return {**self.__dict__, "since": self.since.astimezone(datetime.UTC).isoformat() if self.since else None}


def orphans(stack: Stack) -> list[Orphan]:
    """Everything that carries the stack's tag and belongs to no run that runs, the dearest first."""
    found = [*_file_systems(stack), *_launch_templates(stack), *_job_definitions(stack)]
    live = {arn: _status(stack, arn) in RUNNING for arn in {one.run for one in found}}
    # The clean-up of a run is named after it.
    cleaning = {one["name"][:32] for one in executions(stack, machine=stack.clean_up_arn, status="RUNNING")}
    left = [Orphan(**{**one.__dict__, "cleaning": md5(one.run) in cleaning}) for one in found if not live[one.run]]
    return sorted(left, key=lambda one: (-one.dollars_a_day, one.type, one.id))


def clean(stack: Stack, left: list[Orphan]) -> list[str]:
    """Start a clean-up for each run that left something, but for what was kept for good; the runs."""
    wanted = list(dict.fromkeys(one.run for one in left if one.run and not one.kept and not one.cleaning))
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
        reclaimed = tags.get("lustre-batch:reclaimed") == "true"
        yield Orphan(
            type="file-system",
            id=one["FileSystemId"],
            run=execution_of(tags.get(TAG_OF_EXECUTION, "")),
            since=one["CreationTime"],
            dollars_a_day=round(dollars_a_day(one), 2),
            kept="" if reclaimed else tags.get("lustre-batch:retained", ""),
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
