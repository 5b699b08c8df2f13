"""What the examples say starts a run does start it: the schedule at its time, the other state machine, the upload."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

from rehearsal.aws.calls import internally
from rehearsal.play.scenario import parse
from rehearsal.play.session import Played, Session
from rehearsal.play.stage import OwnProgram, staged
from rehearsal.play.verdict import judge
from rehearsal.provider.deployment import ROOT

QUICK = {"job": {"runtime": 60, "writes": [{"files": 3}]}}


@contextlib.contextmanager
def started(example: str, starter: Callable[[Session], Any], **keys: Any) -> Iterator[tuple[Session, Played]]:
    with staged(program=OwnProgram(ROOT / "examples" / example)) as stage:
        session = stage.session
        played = session.play(parse(QUICK | keys, "test"), starter=lambda: starter(session))
        assert judge(session, played).why_not == []
        runs = [one for one in played.executions if one.machine_arn == session.exports["stateMachineArn"]]
        assert [(one.status, one.output["exportVerified"]) for one in runs] == [("SUCCEEDED", True)]
        yield session, played


def test_the_schedule_starts_a_run_at_two_oclock_in_its_zone() -> None:
    def start(session: Session) -> None:
        session.account.schedules.start(session.exports["stateMachineArn"])

    with started("schedule", start) as (session, played):
        moment = datetime.datetime.fromtimestamp(played.first.started, ZoneInfo("Europe/Berlin"))
        assert (moment.hour, moment.minute) == (2, 0)
        assert played.first.machine_arn == session.exports["stateMachineArn"]


def test_the_other_state_machine_waits_for_the_run_and_tells_where_its_results_are() -> None:
    def start(session: Session) -> None:
        client = session.account.client("stepfunctions")
        machines = client.list_state_machines()["stateMachines"]
        (pipeline,) = [one["stateMachineArn"] for one in machines if one["name"].startswith("pipeline-")]
        with internally():
            client.start_execution(stateMachineArn=pipeline, input='{"capacity_gib": 1200}')

    with started("state_machine", start) as (session, played):
        assert ":stateMachine:pipeline-" in played.first.machine_arn
        assert played.first.status == "SUCCEEDED"
        (system,) = session.account.file_systems.all.values()
        assert system.request["StorageCapacity"] == 1200
        told = [message["message"] for message in played.witness.messages]
        assert f"The results are in s3://{session.exports['bucketName']}" in told


def test_the_object_that_completes_an_upload_starts_a_run_that_sees_the_upload_and_no_other_object_does() -> None:
    def upload(session: Session) -> None:
        buckets, bucket = session.account.buckets, session.exports["bucketName"]
        buckets.put(bucket, "incoming/data.bin", b"data")
        session.account.clock.advance(600)
        assert session.account.executions.all == {}
        buckets.put(bucket, "incoming/ready", b"")

    script = 'cat "${SCRATCH_DIR:-/scratch}/incoming/data.bin" > "${SCRATCH_DIR:-/scratch}/copy"'
    with started("upload", upload, job={"command": ["sh", "-c", script]}) as (session, _):
        assert session.account.buckets.read(session.exports["bucketName"], "copy") == b"data"
