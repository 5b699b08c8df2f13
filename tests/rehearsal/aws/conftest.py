"""One account per test, a state machine of a few states, and what Lustre and Batch need around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.fsx.file_systems import FileSystemPlan
from rehearsal.aws.plans import Plans
from rehearsal.aws.states.executions import Execution
from tests.rehearsal.aws.world import TIMES, World

ROLE = "arn:aws:iam::123456789012:role/machine"


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


@pytest.fixture
def run(account: Account) -> Callable[..., Execution]:
    """Run a JSONata definition to its end and return the execution."""

    def run_states(states: dict[str, Any], input: Any = None, seconds: float = 1e7, name: str = "machine") -> Execution:
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        client = account.client("stepfunctions")
        machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(input or {}))
        execution = account.executions.all[arn["executionArn"]]
        account.clock.run(account.clock.now() + seconds, stop=lambda: execution.status != "RUNNING")
        return execution

    return run_states


@pytest.fixture
def world(account: Account) -> World:
    ec2, batch = account.client("ec2"), account.client("batch")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="lustre", Description="lustre", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": low, "ToPort": high, "UserIdGroupPairs": [{"GroupId": group}]}
            for low, high in ((988, 988), (1018, 1023))
        ],
    )
    account.client("s3").create_bucket(Bucket="results-bucket")
    environment = batch.create_compute_environment(
        computeEnvironmentName="environment",
        type="MANAGED",
        computeResources={
            "type": "SPOT",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 0,
            "maxvCpus": 64,
            "subnets": [subnet],
            "securityGroupIds": [group],
            "instanceTypes": ["optimal"],
            "instanceRole": "arn:aws:iam::123456789012:instance-profile/instance",
        },
    )["computeEnvironmentArn"]
    account.clock.advance(10)
    order = [{"order": 1, "computeEnvironment": environment}]
    batch.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)
    account.clock.advance(10)
    account.plan_of = lambda tags: Plans(file_system=FileSystemPlan.model_validate(TIMES))
    return World(account, subnet, group, account.snapshot())
