"""A stack of the last release, with a run under way and a file system that an earlier run kept, goes through `up`."""

from __future__ import annotations

import io
import pathlib
import shutil
import subprocess
import tarfile
from collections.abc import Iterator

import pytest

from rehearsal.aws.account import Account
from rehearsal.play import scenario
from rehearsal.play.session import Session
from rehearsal.provider import engine
from rehearsal.provider.deployment import ROOT
from rehearsal.provider.engine import Outcome
from rehearsal.provider.program import run_main
from tests.engine.stack import Stack
from tests.engine.test_changes import NEVER_REPLACED, REPOSITORY

pytestmark = pytest.mark.engine

# The last commit whose program deploys version 0.1.0 (CHANGELOG.md).
RELEASE = "4dc0c7a"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The repository as it was released, with its package laid out as a wheel would install it, in `site`."""
    archive = subprocess.run(["git", "archive", RELEASE], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"this checkout's history does not go back to {RELEASE}")
    folder = tmp_path_factory.mktemp("released")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    package = folder / "site" / "lustre_batch"
    shutil.copytree(folder / "components" / "lustre_batch", package)
    shutil.copytree(folder / "functions" / "check_metrics", package / "check_metrics")
    return folder


@pytest.fixture(scope="module")
def stack(released: pathlib.Path) -> Iterator[Stack]:
    """The stack of the last release, deployed."""
    with Account() as account, engine.started(account, released) as started:
        started.workspace.environment["PYTHONPATH"] = str(released / "site")
        started.init("autoexport")
        deployed = Stack(account, started)
        deployed.operate("up")
        yield deployed


@pytest.fixture(scope="module")
def kept(stack: Stack) -> str:
    """The file system that a run of the last release kept, because it was told to."""
    played = Session(stack.account, stack.exports).play(
        scenario.load("late-burst").model_copy(update={"input": {"deleteLustre": False}})
    )
    assert played.first.status == "SUCCEEDED", played.first.cause
    (file_system,) = stack.account.file_systems.living()
    return str(file_system.id)


@pytest.fixture(scope="module")
def nightly(stack: Stack, kept: str) -> Stack:
    """A second stack of the last release: the file system that the first one kept is linked to that one's bucket, which
    lets no other run link it."""
    stack.engine.init("nightly")
    second = Stack(stack.account, stack.engine, "nightly")
    second.set(**{"aws:region": stack.account.region})
    second.operate("up")
    return second


@pytest.fixture(scope="module")
def running(nightly: Stack) -> str:
    """An execution of the last release whose job runs."""
    account, exports = nightly.account, nightly.exports
    client, batch = account.client("stepfunctions"), account.client("batch")
    account.authorise()
    arn = str(client.start_execution(stateMachineArn=exports["stateMachineArn"], input="{}")["executionArn"])

    def works() -> bool:
        return bool(batch.list_jobs(jobQueue=exports["jobQueueArn"], jobStatus="RUNNING")["jobSummaryList"])

    came = account.clock.run(account.clock.now() + 86400, stop=works)
    assert came, [(one.name, one.status, one.error, one.cause) for one in account.executions.all.values()]
    account.calls.authoriser = None  # a deployment acts in nobody's role
    return arn


@pytest.fixture(scope="module")
def upgraded(stack: Stack, nightly: Stack, kept: str, running: str) -> Iterator[list[Outcome]]:
    """`up` of both with the program of today."""
    workspace = stack.engine.workspace
    shutil.copyfile(ROOT / "Pulumi.yaml", workspace.folder / "Pulumi.yaml")
    with stack.engine.inline(run_main):
        outcomes = [each.operate("up") for each in (stack, nightly)]
        assert [each.operate("up").changes for each in (stack, nightly)] == [{}, {}]
        yield outcomes


def test_up_replaces_and_removes_nothing_that_holds_data_or_runs_anything(upgraded: list[Outcome]) -> None:
    steps = [step for outcome in upgraded for step in outcome.steps]
    taken = {token for operation, token, _ in steps if operation in ("replace", "delete", "discard")}
    assert not taken & (NEVER_REPLACED | {REPOSITORY}), taken


def test_the_run_that_was_under_way_goes_on_and_what_it_may_no_longer_delete_is_reclaimed(
    nightly: Stack, upgraded: list[Outcome], kept: str, running: str
) -> None:
    """Only the clean-up's role may delete now, which takes that right away from a run of the last release. Its clean-up
    keeps the file system and says so; nothing is lost."""
    client = nightly.account.client("stepfunctions")
    assert client.describe_execution(executionArn=running)["status"] == "RUNNING"
    # It knows nothing of lanes: the deployment noted that it has the first, and the clean-up gives that back.
    assert _holders(nightly) == [(running, "1")]
    _rest(nightly)
    assert _holders(nightly) == []
    (left,) = {one.id for one in nightly.account.file_systems.living()} - {kept}
    assert any(left in message["message"] for message in nightly.account.topics.messages())
    _reclaim(nightly, left)
    assert [one.id for one in nightly.account.file_systems.living()] == [kept]
    nightly.operate("destroy")


def test_the_file_system_that_was_kept_is_reclaimed_and_the_stack_destroyed(
    stack: Stack, upgraded: list[Outcome], kept: str
) -> None:
    assert f"file systems of its runs exist ({kept})" in stack.operate("destroy", expect=None).output
    _reclaim(stack, kept)
    assert stack.account.file_systems.living() == []
    stack.operate("destroy")


def _holders(stack: Stack) -> list[tuple[str, str]]:
    key = {"kind": {"S": "lanes"}, "id": {"S": "lanes"}}
    item = stack.account.client("dynamodb").get_item(TableName=stack.exports["lanesTableName"], Key=key)["Item"]
    return [(each["M"]["run"]["S"], each["M"]["lane"]["N"]) for each in item["holders"]["L"]]


def _reclaim(stack: Stack, file_system: str) -> None:
    machine, content = stack.exports["stateMachineArn"], f'{{"reclaim": "{file_system}"}}'
    stack.account.client("stepfunctions").start_execution(stateMachineArn=machine, input=content)
    _rest(stack)


def _rest(stack: Stack) -> None:
    """Let time pass until nothing is under way any more, deletions included; roles may do what their policies allow."""
    stack.account.authorise()
    executions, clock = stack.account.executions.all, stack.account.clock

    def ended() -> bool:
        return all(one.status != "RUNNING" for one in executions.values())

    for _ in range(4):
        assert clock.run(clock.now() + 30 * 86400, stop=ended)
        clock.advance(900)
    stack.account.calls.authoriser = None
