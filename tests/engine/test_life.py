"""The life of one stack under the real engine, from the first preview to `up` after `destroy`: in this order."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from lustre_batch.notifications import UNHEARD

from rehearsal.play import scenario
from rehearsal.play.session import Session
from rehearsal.play.verdict import judge
from tests.engine.inventory import inventory
from tests.engine.stack import Stack

pytestmark = pytest.mark.engine

ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"


def test_the_first_preview_plans_only_creations_and_warns_of_nothing(stack: Stack) -> None:
    before = inventory(stack.account)
    preview = stack.operate("preview")
    assert {operation for operation, _, _ in preview.steps} <= {"create", "read"}
    assert set(preview.changes) == {"create"}
    assert preview.warnings == [UNHEARD]
    assert preview.errors == []
    assert inventory(stack.account) == before


def test_the_first_up_exports_what_is_really_there(stack: Stack) -> None:
    stack.operate("up")
    exports, client = stack.exports, stack.account.client
    assert (
        client("stepfunctions").describe_state_machine(stateMachineArn=exports["stateMachineArn"])["status"] == "ACTIVE"
    )
    assert client("s3").head_bucket(Bucket=exports["bucketName"])
    repositories = client("ecr").describe_repositories()["repositories"]
    assert exports["repositoryUrl"] in {repository["repositoryUri"] for repository in repositories}
    queue = client("batch").describe_job_queues(jobQueues=[exports["jobQueueArn"]])["jobQueues"][0]
    assert queue["computeEnvironmentOrder"][0]["computeEnvironment"] == exports["computeEnvironmentArn"]
    secret = client("secretsmanager").get_secret_value(SecretId=exports["parametersSecretArn"])
    assert json.loads(secret["SecretString"])["lustreStorageCapacity"] == 2400
    assert client("lambda").get_function(FunctionName=exports["checkMetricsFunctionName"])


def test_up_again_changes_nothing(stack: Stack) -> None:
    again = stack.operate("up")
    assert again.changes == {}
    assert again.warnings == [UNHEARD]


def test_a_wrong_value_is_refused_before_anything_changes(stack: Stack, program_here: None) -> None:
    before = inventory(stack.account)
    for key, value, words in (
        # Refused by Pulumi's typed configuration.
        ("deleteLustre", "maybe", "'lustre-batch:deleteLustre' must be of type 'boolean'"),
        # Refused by this project, with key, value and rule.
        ("lustreStorageCapacity", 1300, "lustre-batch:lustreStorageCapacity: 1300 is not 1200, 2400 or a multiple"),
        (
            "computeEnvironmentAllocationStrategy",
            "BEST_FIT",
            "lustre-batch:computeEnvironmentAllocationStrategy: BEST_FIT",
        ),
        ("lustreStorageCapacty", 2400, "lustre-batch:lustreStorageCapacty"),
    ):
        stack.set(**{key: value})
        refused = stack.operate("up", expect=None)
        stack.unset(key)
        assert not refused.succeeded
        assert words in refused.output
        assert refused.steps == []
    assert inventory(stack.account) == before


def test_the_default_rehearsal_runs_on_what_the_engine_made(stack: Stack) -> None:
    session = Session(stack.account, stack.exports)
    verdict = judge(session, session.play(scenario.load("default")))
    assert verdict.passed, verdict.why_not


def test_refresh_and_up_after_the_run_change_nothing(stack: Stack) -> None:
    assert stack.operate("refresh").changes == {}
    assert stack.operate("up").changes == {}


def test_what_people_write_into_the_secret_survives_refresh_and_up_however_often_they_do(stack: Stack) -> None:
    """Once edited twice, a version without a label of its own is gone, and would be put again on top."""
    secrets, secret = stack.account.client("secretsmanager"), stack.exports["parametersSecretArn"]
    for vcpus in (4, 8, 16):
        secrets.put_secret_value(SecretId=secret, SecretString=json.dumps({"jobDefinitionVcpus": vcpus}))
    # The labels of the deployed version are another's now; that is seen, and left alone.
    assert set(stack.operate("refresh").changes) <= {"update"}
    assert stack.operate("up").changes == {}
    assert json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"]) == {"jobDefinitionVcpus": 16}


def test_a_deployment_that_changes_a_parameter_still_puts_the_next_version(stack: Stack) -> None:
    secrets, secret = stack.account.client("secretsmanager"), stack.exports["parametersSecretArn"]
    stack.set(jobDefinitionVcpus=24)
    stack.operate("up")
    assert json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])["jobDefinitionVcpus"] == 24
    stack.unset("jobDefinitionVcpus")
    stack.operate("up")
    assert json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])["jobDefinitionVcpus"] == 32


def test_what_a_run_sets_on_the_environment_is_left_to_it(stack: Stack) -> None:
    _name_a_template(stack, "what-a-run-made")
    stack.operate("refresh")
    assert stack.operate("up").changes == {}
    assert _environment(stack)["computeResources"]["launchTemplate"]["version"] == "1"


def test_drift_that_is_not_the_workflows_is_put_right(stack: Stack) -> None:
    name = _environment(stack)["computeEnvironmentName"]
    batch, clock = stack.account.client("batch"), stack.account.clock
    batch.update_compute_environment(computeEnvironment=name, computeResources={"maxvCpus": 64})
    clock.advance(600)
    assert stack.operate("refresh").changes == {"update": 1}
    assert stack.operate("up").steps.count(("update", ENVIRONMENT, "autoexport-environment")) == 1
    assert _environment(stack)["computeResources"]["maxvCpus"] == 256


def test_an_address_ends_the_warning_that_nobody_is_subscribed(stack: Stack) -> None:
    stack.set(notificationEmail="ops@example.com")
    assert stack.operate("preview").warnings == []
    stack.unset("notificationEmail")


def test_a_run_under_way_is_left_alone_by_up_and_named_by_destroy(stack: Stack) -> None:
    session = Session(stack.account, stack.exports)
    account, client = stack.account, stack.account.client("stepfunctions")
    session.play(scenario.load("late-burst"))  # its rules are in force from now on
    arn = client.start_execution(stateMachineArn=stack.exports["stateMachineArn"], input="{}")["executionArn"]
    queue = stack.exports["jobQueueArn"]
    batch = account.client("batch")
    working = account.clock.run(
        account.clock.now() + 86400,
        stop=lambda: bool(batch.list_jobs(jobQueue=queue, jobStatus="RUNNING")["jobSummaryList"]),
    )
    assert working
    assert stack.operate("up").changes == {}
    assert client.describe_execution(executionArn=arn)["status"] == "RUNNING"
    planned = stack.operate("destroy", "--preview-only")
    taken = {token for operation, token, _ in planned.steps if operation == "delete"}
    assert {ENVIRONMENT, "aws:batch/jobQueue:JobQueue", "aws:sfn/stateMachine:StateMachine"} <= taken
    ended = lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING"  # noqa: E731
    assert account.clock.run(account.clock.now() + 10 * 86400, stop=ended)
    assert client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"


def test_a_lane_that_a_run_holds_is_not_taken_down_and_one_that_is_free_is(stack: Stack) -> None:
    account, client = stack.account, stack.account.client("stepfunctions")
    batch, machine = account.client("batch"), stack.exports["stateMachineArn"]
    queues = stack.exports["jobQueueArns"]
    for prefix in ("a/", "b/"):
        client.start_execution(stateMachineArn=machine, input=json.dumps({"keyPrefix": prefix}))

    def works() -> bool:
        return all(batch.list_jobs(jobQueue=queue, jobStatus="RUNNING")["jobSummaryList"] for queue in queues)

    assert account.clock.run(account.clock.now() + 86400, stop=works)
    stack.set(maxConcurrentRuns=1)
    before = client.describe_state_machine(stateMachineArn=machine)["definition"]
    refused = stack.operate("up", expect=None)
    assert not refused.succeeded
    assert re.search(r"maxConcurrentRuns cannot be lowered yet: lane 2 is held by arn:aws:states:", refused.output)
    assert client.describe_state_machine(stateMachineArn=machine)["definition"] == before
    assert works()

    def ended() -> bool:
        return not client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]

    assert account.clock.run(account.clock.now() + 10 * 86400, stop=ended)
    latest = client.list_executions(stateMachineArn=machine)["executions"][:2]
    assert [one["status"] for one in latest] == ["SUCCEEDED", "SUCCEEDED"]
    lowered = stack.operate("up")
    assert {name for operation, _, name in lowered.steps if operation == "delete"} == {
        "autoexport-environment-2",
        "autoexport-queue-2",
    }
    assert stack.exports["jobQueueArns"] == queues[:1]
    stack.unset("maxConcurrentRuns")
    stack.operate("up")
    assert (stack.exports["jobQueueArns"][0], len(stack.exports["jobQueueArns"])) == (queues[0], 2)
    assert stack.operate("up").changes == {}


def test_destroy_ends_without_a_manual_step_and_leaves_only_data(stack: Stack) -> None:
    exports, account = stack.exports, stack.account
    destroyed = stack.operate("destroy")
    for kept in ("aws:s3:Bucket autoexport-data", "aws:ecr:Repository autoexport-batch-job-with-lustre-auto-export"):
        assert re.search(rf"{kept} deleted .*\[retain\]", destroyed.output), destroyed.output
    assert stack.engine.workspace.resources(stack.name) in ([], _only_the_stack(stack))
    left = {item for item in inventory(account) if re.search(r"autoexport|batch-job", item)}
    bucket, repository = exports["bucketName"], exports["repositoryUrl"].rpartition("/")[2]
    secret = exports["parametersSecretArn"]  # in its recovery window
    assert left - {f"secretsmanager {secret}"} == {f"s3 {bucket}", f"ecr {repository}"}
    assert account.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] > 0


def test_up_right_after_destroy_works(stack: Stack) -> None:
    stack.operate("up")
    session = Session(stack.account, stack.exports)
    assert judge(session, session.play(scenario.load("late-burst"))).passed
    stack.operate("destroy")


def _only_the_stack(stack: Stack) -> list[dict[str, Any]]:
    return [each for each in stack.engine.workspace.resources(stack.name) if each["type"] == "pulumi:pulumi:Stack"]


def _environment(stack: Stack) -> dict[str, Any]:
    arn = stack.exports["computeEnvironmentArn"]
    found = stack.account.client("batch").describe_compute_environments(computeEnvironments=[arn])
    return dict(found["computeEnvironments"][0])


def _name_a_template(stack: Stack, name: str) -> None:
    """Name a launch template on the environment, as the workflow does."""
    text = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\ntrue\n--b--\n'
    template = stack.account.client("ec2").create_launch_template(
        LaunchTemplateName=name, LaunchTemplateData={"UserData": base64.b64encode(text.encode()).decode()}
    )["LaunchTemplate"]
    stack.account.client("batch").update_compute_environment(
        computeEnvironment=stack.exports["computeEnvironmentArn"],
        computeResources={"launchTemplate": {"launchTemplateId": template["LaunchTemplateId"], "version": "1"}},
    )
    stack.account.clock.advance(600)
