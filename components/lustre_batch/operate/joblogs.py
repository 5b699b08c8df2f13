"""Logs of a run: what its job printed, and what the instances said that could not mount its file system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from ..rules import TAG_OF_EXECUTION
from .problems import Problem, code_of
from .runs import describe, file_system_of, job_of, queues_of, tag_of
from .sessions import is_session
from .stack import Stack

_INSTANCE: Final = re.compile(r"\bi-[0-9a-f]{8,17}\b")
_CAUSE_STREAM: Final = re.compile(r"log stream (\S+?)[.,;]?(?:\s|$)")
_SAYS: Final = "lustre:"  # user_data.sh, log


def of_job(stack: Stack, run: str, child: int | None = None) -> Iterator[str]:
    """The lines that the job has printed in its last attempt.

    Raises
    ------
    Problem
        When there is no such log.
    """
    described, name = describe(stack, run), run.rpartition(":")[2]
    if is_session(described):
        raise Problem(
            f"{name} is a session: what its jobs print goes where their job definitions send it, "
            "to the log group /aws/batch/job unless they say otherwise"
        )
    stream = _stream(stack, run, described, child)
    group = stack.value("JobLogGroupName")
    asked: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    logs, token = stack.client("logs"), ""
    while True:
        try:
            answer = logs.get_log_events(**asked, **({"nextToken": token} if token else {}))
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                raise Problem(
                    f"the job of {name} has printed nothing (log group {group}, log stream {stream})"
                ) from None
            raise
        yield from (str(event["message"]) for event in answer["events"])
        # SDK GetLogEvents, nextForwardToken: the same again at the end of the stream.
        if answer["nextForwardToken"] == token or not answer["events"]:
            return
        token = answer["nextForwardToken"]


def _stream(stack: Stack, run: str, described: dict[str, Any], child: int | None) -> str:
    name = run.rpartition(":")[2]
    queues = queues_of(stack, None)
    if len(queues) > 1:
        queues = queues_of(stack, file_system_of(stack, run))
    job = job_of(stack, run, queues)
    size = (job or {}).get("arrayProperties", {}).get("size")
    if job is not None and size:
        if child is None:
            raise Problem(f"the job of {name} is an array: --child N, from 0 to {size - 1}, names one of its children")
        children = stack.client("batch").describe_jobs(jobs=[f"{job['jobId']}:{child}"])["jobs"]
        if not children:
            raise Problem(f"--child {child}: the array of {name} has the children 0 to {size - 1}")
        job = children[0]
    elif child is not None and job is not None:
        raise Problem(f"--child {child}: the job of {name} is no array")
    if job is not None and (stream := job.get("container", {}).get("logStreamName")):
        return str(stream)
    if told := _CAUSE_STREAM.search(described.get("cause", "")):
        return told[1]
    if job is not None:
        raise Problem(f"the job of {name} is {job['status']} and has no log yet")
    raise Problem(
        f"{name} has no job that Batch knows of: it was not submitted yet, or ended more than seven days ago; the log "
        f"group is {stack.value('JobLogGroupName')}"
    )


def of_instances(stack: Stack, run: str) -> Iterator[tuple[str, list[str]]]:
    """Each instance that could not mount the file system of a run, and what it said about that.

    EC2 keeps the console output for about an hour after an instance has terminated (EC2 guide, console output).
    """
    described = describe(stack, run)
    ec2 = stack.client("ec2")
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[
            {"Name": f"tag:{TAG_OF_EXECUTION}", "Values": [tag_of(run)]},
            {"Name": "state-reason-code", "Values": ["Client.InstanceInitiatedShutdown"]},
        ]
    )
    listed = [one["InstanceId"] for page in pages for each in page["Reservations"] for one in each["Instances"]]
    # The tags go before the instance does: the run has remembered which they were.
    for instance in dict.fromkeys([*listed, *_INSTANCE.findall(described.get("cause", ""))]):
        try:
            output = ec2.get_console_output(InstanceId=instance).get("Output", "")
        except ClientError as error:
            if code_of(error) in ("InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"):
                yield instance, ["EC2 has forgotten it, and its boot log"]
                continue
            raise
        lines = [line for line in output.splitlines() if _SAYS in line]
        yield instance, lines or [f"its boot log has no line of {_SAYS}"]
