"""Executions that a Task state starts, and waits for or does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account
from rehearsal.aws.calls import Fault
from rehearsal.aws.states.executions import Execution
from tests.rehearsal.aws.conftest import ROLE

Run = Callable[..., Execution]
WAIT = {"Type": "Wait", "Seconds": 600, "Next": "Done"}
DONE = {"Type": "Succeed", "Output": {"got": "{% $states.context.Execution.Input %}"}}


def machine(account: Account, states: dict[str, Any] | None = None) -> str:
    """The nested machine: by default it waits ten minutes and answers with its input."""
    states = states or {"Pause": WAIT, "Done": DONE}
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    client = account.client("stepfunctions")
    created = client.create_state_machine(name="nested", definition=json.dumps(definition), roleArn=ROLE)
    return str(created["stateMachineArn"])


def start(arn: str, suffix: str = ".sync:2", arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given = {"StateMachineArn": arn, "Input": {"a": 1}, "Name": "child", **(arguments or {})}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{suffix}",
        "Arguments": given,
        "End": True,
        **more,
    }


def nested(account: Account) -> list[Execution]:
    return [one for one in account.executions.all.values() if ":nested:" in one.arn]


def test_starting_returns_at_once_with_the_arn(run: Run, account: Account) -> None:
    execution = run({"A": start(machine(account), "")})
    assert execution.output["ExecutionArn"] == nested(account)[0].arn
    assert nested(account)[0].name == "child"
    assert nested(account)[0].status == "RUNNING"


def test_waiting_gives_the_description_with_input_and_output_as_json(run: Run, account: Account) -> None:
    key = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": "{% $states.context.Execution.Id %}", "a": None}
    execution = run({"A": start(machine(account), arguments={"Input": key})})
    sent = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": execution.arn, "a": None}
    assert {name: execution.output[name] for name in ("Status", "Name", "Input", "Output")} == {
        "Status": "SUCCEEDED",
        "Name": "child",
        "Input": sent,
        "Output": {"got": sent},
    }
    assert {"ExecutionArn", "StateMachineArn", "StartDate", "StopDate"} <= set(execution.output)
    assert (execution.stopped or 0) - execution.started == pytest.approx(601, abs=1), "it waited in virtual time"


def test_a_nested_execution_that_fails_is_a_task_that_failed_with_the_description_as_cause(
    run: Run, account: Account
) -> None:
    arn = machine(account, {"F": {"Type": "Fail", "Error": "Broken", "Cause": "why"}})
    execution = run({"A": start(arn)})
    assert execution.error == "States.TaskFailed"
    said = json.loads(execution.cause or "")
    assert (said["Status"], said["Error"], said["Cause"]) == ("FAILED", "Broken", "why")


def test_a_nested_execution_that_is_stopped_is_a_task_that_failed(run: Run, account: Account) -> None:
    execution = run({"A": start(machine(account))}, seconds=100)
    account.client("stepfunctions").stop_execution(executionArn=nested(account)[0].arn, cause="no more")
    account.clock.advance(5)
    assert execution.error == "States.TaskFailed"
    assert json.loads(execution.cause or "")["Status"] == "ABORTED"


def test_stopping_the_execution_stops_what_it_waits_for(run: Run, account: Account) -> None:
    execution = run({"A": start(machine(account))}, seconds=100)
    account.client("stepfunctions").stop_execution(executionArn=execution.arn)
    assert [one.status for one in nested(account)] == ["ABORTED"]
    assert execution.status == "ABORTED"


def test_what_was_only_started_goes_on_when_the_execution_is_stopped(run: Run, account: Account) -> None:
    states = {"A": {**start(machine(account), ""), "End": False, "Next": "W"}, "W": {**WAIT, "Next": "D"}, "D": DONE}
    del states["A"]["End"]
    execution = run(states, seconds=100)
    account.client("stepfunctions").stop_execution(executionArn=execution.arn)
    assert [one.status for one in nested(account)] == ["RUNNING"]


def test_a_time_out_ends_the_wait_and_leaves_the_nested_execution_alone(run: Run, account: Account) -> None:
    execution = run({"A": start(machine(account), TimeoutSeconds=60)})
    assert execution.error == "States.Timeout"
    assert (execution.stopped or 0) - execution.started == pytest.approx(60)
    assert [one.status for one in nested(account)] == ["RUNNING"]


def test_asked_again_after_a_lost_answer_it_waits_for_the_one_that_runs(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="stepfunctions:StartExecution", error="InternalError", skip=1, after=True)]
    retry = [{"ErrorEquals": ["StepFunctions.AWSStepFunctionsException"], "IntervalSeconds": 5}]
    execution = run({"A": start(machine(account), Retry=retry)})
    assert execution.status == "SUCCEEDED"
    assert len(nested(account)) == 1


@pytest.mark.parametrize("input", [{"a": 1}, {"a": 2}])
def test_a_name_is_taken_after_the_end_and_by_another_input(run: Run, account: Account, input: dict[str, int]) -> None:
    arn = machine(account)
    account.client("stepfunctions").start_execution(stateMachineArn=arn, name="child", input='{"a":1}')
    if input == {"a": 1}:
        account.clock.advance(700)
    execution = run({"A": start(arn, arguments={"Input": input})})
    assert execution.error == "StepFunctions.ExecutionAlreadyExistsException"


def test_the_sdk_integration_names_the_same_error_after_itself(run: Run, account: Account) -> None:
    arn = machine(account)
    account.client("stepfunctions").start_execution(stateMachineArn=arn, name="child", input='{"a":2}')
    task = {**start(arn, arguments={"Input": "{}"}), "Resource": "arn:aws:states:::aws-sdk:sfn:startExecution"}
    assert run({"A": task}).error == "Sfn.ExecutionAlreadyExistsException"


@pytest.mark.parametrize(
    "missing",
    [
        *("states:StartExecution", "states:DescribeExecution", "states:StopExecution"),
        *("events:PutRule", "events:PutTargets", "events:DescribeRule"),
    ],
)
def test_waiting_needs_the_managed_rule_and_the_execution_in_iam(run: Run, account: Account, missing: str) -> None:
    arn = machine(account)
    needed = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"} | {
        f"events:{operation}" for operation in ("PutRule", "PutTargets", "DescribeRule")
    }
    rule = "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    resources = [arn, arn.replace("stateMachine", "execution") + ":*", rule]
    iam = account.client("iam")
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument="{}")

    def allow(actions: set[str]) -> None:
        statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": resources}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_role_policy(RoleName="machine", PolicyName="p", PolicyDocument=json.dumps(document))
        account.authorise()

    allow(needed - {missing})
    execution = run({"A": start(arn)})
    assert execution.error == "StepFunctions.AWSStepFunctionsException"
    assert missing in (execution.cause or "")
    assert nested(account) == []
    allow(needed)
    assert run({"A": start(arn)}, name="again").status == "SUCCEEDED"


def test_running_executions_are_listed_newest_first_page_by_page(account: Account) -> None:
    arn, client = machine(account), account.client("stepfunctions")
    for name in ("a", "b", "c"):
        client.start_execution(stateMachineArn=arn, name=name)
        account.clock.advance(1)
    client.stop_execution(executionArn=nested(account)[1].arn)
    page = client.list_executions(stateMachineArn=arn, statusFilter="RUNNING", maxResults=1)
    assert [one["name"] for one in page["executions"]] == ["c"]
    page = client.list_executions(stateMachineArn=arn, statusFilter="RUNNING", nextToken=page["nextToken"])
    assert [one["name"] for one in page["executions"]] == ["a"]
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        client.list_executions(stateMachineArn=arn + "x")
