"""`destroy` of a stack that is in use, under the real engine: refused before anything is removed, in this order."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.provider.engine import Outcome
from tests.engine.inventory import inventory
from tests.engine.stack import Stack

pytestmark = pytest.mark.engine

GUARD = "aws:lambda/invocation:Invocation"


@pytest.fixture(scope="module")
def deployed(stack: Stack, program_here: None) -> Stack:
    stack.operate("up")
    return stack


def _refused(stack: Stack) -> Outcome:
    """A destroy that is refused, and removes nothing."""
    before, recorded = inventory(stack.account), len(stack.engine.workspace.resources(stack.name))
    outcome = stack.operate("destroy", expect=None)
    assert not outcome.succeeded
    assert [step for step in outcome.steps if step[0] == "delete"] == [("delete", GUARD, "autoexport-guard-destroy")]
    assert inventory(stack.account) == before
    assert len(stack.engine.workspace.resources(stack.name)) == recorded
    return outcome


def _file_system(stack: Stack) -> str:
    """One as a run of this stack would have left it."""
    machine = stack.exports["stateMachineArn"].rpartition(":")[2]
    ec2 = stack.account.client("ec2")
    subnets = ec2.describe_subnets(Filters=[{"Name": "tag:Name", "Values": ["autoexport-private-1"]}])["Subnets"]
    groups = ec2.describe_security_groups(Filters=[{"Name": "tag:Name", "Values": ["autoexport-lustre"]}])
    answer: dict[str, Any] = stack.account.client("fsx").create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=[subnets[0]["SubnetId"]],
        SecurityGroupIds=[groups["SecurityGroups"][0]["GroupId"]],
        LustreConfiguration={"DeploymentType": "SCRATCH_2"},
        Tags=[{"Key": "lustre-batch:stack", "Value": machine}],
    )
    stack.account.clock.advance(900)
    return str(answer["FileSystem"]["FileSystemId"])


def test_the_guard_is_created_last_and_deleted_first(deployed: Stack) -> None:
    *others, last = deployed.engine.deployment(deployed.name).resources
    assert last.type == GUARD
    planned = deployed.operate("destroy", "--preview-only").steps
    deleted = [token for operation, token, _ in planned if operation == "delete"]
    assert deleted[0] == GUARD
    assert {resource.type for resource in others} <= set(deleted[1:])


def test_a_destroy_during_a_run_and_its_clean_up_is_refused_and_removes_nothing(deployed: Stack) -> None:
    account, client = deployed.account, deployed.account.client("stepfunctions")
    exports = deployed.exports
    run = client.start_execution(stateMachineArn=exports["stateMachineArn"], input="{}")["executionArn"]
    account.clock.advance(30)
    assert client.describe_execution(executionArn=run)["status"] == "RUNNING"
    assert f"cannot be destroyed while executions are running ({run})" in _refused(deployed).output
    assert client.describe_execution(executionArn=run)["status"] == "RUNNING"
    client.stop_execution(executionArn=run)
    account.clock.advance(30)
    machine = exports["cleanUpStateMachineArn"]
    (clean_up,) = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    assert f"executions are running ({clean_up['executionArn']})" in _refused(deployed).output
    _rest(deployed)


def test_a_stack_in_use_may_still_be_updated(deployed: Stack) -> None:
    identity = _file_system(deployed)
    deployed.set(tags={"team": "imaging"})
    assert "update" in deployed.operate("up").changes
    assert deployed.operate("up").changes == {}
    _delete(deployed, identity)


def test_a_file_system_of_the_stack_keeps_it_and_without_one_it_goes(deployed: Stack) -> None:
    identity = _file_system(deployed)
    assert f"file systems of its runs exist ({identity})" in _refused(deployed).output
    _delete(deployed, identity)
    deployed.set(retainDataOnDestroy=False)
    deployed.operate("up")
    deployed.operate("destroy")
    left = {item for item in inventory(deployed.account) if "autoexport" in item and "secretsmanager" not in item}
    assert left == set()


def _delete(stack: Stack, identity: str) -> None:
    stack.account.client("fsx").delete_file_system(FileSystemId=identity)
    stack.account.clock.advance(3600)


def _rest(stack: Stack) -> None:
    """Let whatever is under way come to its end."""
    executions, clock = stack.account.executions.all, stack.account.clock
    for _ in range(3):
        ended = lambda: all(one.status != "RUNNING" for one in executions.values())  # noqa: E731
        assert clock.run(clock.now() + 30 * 86400, stop=ended)
        clock.advance(900)
    for identity in [one.id for one in stack.account.file_systems.living()]:
        _delete(stack, identity)
