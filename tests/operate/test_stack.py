"""Which stack a verb works on, what is known of it, and what is said when there is none or AWS does not answer."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from lustre_batch.command import app
from lustre_batch.operate import stack as stacks
from lustre_batch.operate.problems import Problem
from lustre_batch.operate.stack import Stack, filled_in
from typer.testing import CliRunner

from rehearsal.aws.calls import Fault
from tests.operate.conftest import Desk

ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:autoexport-1234567"


def test_what_the_deployment_filled_in_is_read_off_the_deployed_definitions(desk: Desk) -> None:
    stack = Stack(desk.arn)
    exports = desk.session.exports
    assert stack.value("StackId") == stack.id
    assert stack.value("ParametersSecretArn") == exports["parametersSecretArn"]
    assert stack.value("TopicArn") == exports["notificationTopicArn"]
    assert stack.value("LanesTableName") == exports["lanesTableName"]
    assert json.loads(stack.value("JobQueueArns")) == exports["jobQueueArns"]
    assert stack.value("BucketName") == exports["bucketName"]
    assert stack.value("CleanUpMachineArn") == stack.clean_up_arn == exports["cleanUpStateMachineArn"]


def test_what_is_filled_into_text_with_several_names_is_found_by_what_is_around_them() -> None:
    source = {"a": "x-${One}-y-${Two}", "b": ["${Three}", "{% '${One}' & '${Four}' %}"], "c": "${Five}", "d": "${Six}!"}
    deployed = {"a": "x-1-y-2", "b": ["3", "{% '1' & '4\\u0027' %}"], "c": {"other": 1}, "d": "6"}
    assert filled_in(source, deployed) == {"One": "1", "Two": "2", "Three": "3", "Four": "4'"}


def test_the_machine_is_the_one_that_is_given_else_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LUSTRE_BATCH_STATE_MACHINE", ARN + "x")
    assert stacks.find(ARN, None) == ARN
    assert stacks.find(None, None) == ARN + "x"


def test_otherwise_it_is_the_one_that_the_pulumi_stack_exports(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pulumi"
    program.write_text(f"""#!/bin/sh
test "$*" = "stack output --json --stack prod" || {{ echo "error: no stack named '$5' found" >&2; exit 255; }}
echo '{{"stateMachineArn": "{ARN}"}}'
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert stacks.find(None, "prod") == ARN
    with pytest.raises(Problem, match="pulumi stack output: no stack named 'dev' found: give --state-machine ARN"):
        stacks.find(None, "dev")


def test_without_pulumi_the_other_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Problem, match="no stack is named, and there is no pulumi to ask for one: give --state-machine"):
        stacks.find(None, None)
    with pytest.raises(Problem, match=r"^--stack nope: there is no pulumi on PATH to ask: give --state-machine"):
        stacks.find(None, "nope")


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("autoexport", "--state-machine: autoexport is not the ARN of a state machine"),
        (ARN.replace(":stateMachine:", ":execution:") + ":x", "is not the ARN of a state machine"),
        (ARN + "-clean-up", f"is the machine that cleans up; the one that runs is {ARN}"),
    ],
)
def test_what_is_no_machine_of_a_stack_is_refused_in_a_line_and_as_json(arn: str, said: str) -> None:
    result = CliRunner().invoke(app, ["watch", "--json", "--state-machine", arn])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    facts: dict[str, Any] = json.loads(result.stdout)
    assert said in facts["error"]


def test_a_machine_that_does_not_exist_is_told_from_one_that_is_not_ours(desk: Desk) -> None:
    client = desk.account.context.client("stepfunctions")
    other = client.create_state_machine(
        name="somebody-elses",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn=f"arn:aws:iam::{desk.account.account_id}:role/x",
    )["stateMachineArn"]
    for arn, said in ((other, "there is no state machine"), (desk.arn + "x", "there is no state machine")):
        with pytest.raises(Problem, match=said):
            Stack(arn).value("StackId")
    client.create_state_machine(
        name="somebody-elses-clean-up",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn=f"arn:aws:iam::{desk.account.account_id}:role/x",
    )
    with pytest.raises(Problem, match="is not the state machine of a lustre-batch stack"):
        Stack(other).value("StackId")


@pytest.mark.parametrize(
    ("code", "to_do"),
    [
        ("ExpiredTokenException", "sign in again"),
        ("ThrottlingException", "repeat the command in a minute"),
        ("AccessDeniedException", "ask whoever administers the account"),
    ],
)
def test_what_aws_refuses_is_one_line_that_says_what_to_do(desk: Desk, code: str, to_do: str) -> None:
    desk.account.calls.faults = [Fault(call="stepfunctions:ListExecutions", error=code, times=9)]
    try:
        typed = desk.type("watch")
    finally:
        desk.account.calls.disarm()
    assert typed.status == 2
    assert len(typed.result.stderr.splitlines()) == 1
    assert f"ListExecutions: {code}: " in typed.result.stderr
    assert to_do in typed.result.stderr


def test_nobody_who_is_signed_in_nowhere_sees_a_traceback(tmp_path: pathlib.Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        "LUSTRE_BATCH_STATE_MACHINE": ARN,
    }
    program = "from lustre_batch.command import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "watch"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "sign in (aws configure" in done.stderr
    assert len(done.stderr.splitlines()) == 1
