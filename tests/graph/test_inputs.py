"""The inputs of storage, compute, the function and the state machine, where others rely on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.provider.deployment import ROOT
from tests.graph.recording import Graph, record_stack

BUCKET, REPOSITORY = "aws:s3/bucket:Bucket", "aws:ecr/repository:Repository"
ENVIRONMENT, FUNCTION = "aws:batch/computeEnvironment:ComputeEnvironment", "aws:lambda/function:Function"
MACHINE, LOGS = "aws:sfn/stateMachine:StateMachine", "aws:cloudwatch/logGroup:LogGroup"
QUEUE, SCHEDULE = "aws:sqs/queue:Queue", "aws:scheduler/schedule:Schedule"
CHECK = "autoexport-check-metrics"
DATA = {BUCKET, REPOSITORY, "aws:ecr/lifecyclePolicy:LifecyclePolicy"}


def of_the_bucket(graph: Graph, kind: str) -> dict[str, Any]:
    found = [child for child in graph.children if child.type.startswith(f"aws:s3/bucket{kind}:")]
    assert len(found) == 1
    assert found[0].inputs["bucket"].startswith("autoexport-data-")
    return found[0].inputs


# ---------------------------------------------------------------------- the bucket
def test_the_bucket_is_private(graph: Graph) -> None:
    block = of_the_bucket(graph, "PublicAccessBlock")
    assert {key: value for key, value in block.items() if key != "bucket"} == {
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert of_the_bucket(graph, "OwnershipControls")["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_the_bucket_is_encrypted_and_versioned(graph: Graph) -> None:
    rules = of_the_bucket(graph, "ServerSideEncryptionConfiguration")["rules"]
    assert [rule["applyServerSideEncryptionByDefault"] for rule in rules] == [{"sseAlgorithm": "AES256"}]
    assert of_the_bucket(graph, "Versioning")["versioningConfiguration"] == {"status": "Enabled"}


def test_the_bucket_refuses_whoever_does_not_speak_tls(graph: Graph) -> None:
    (statement,) = json.loads(of_the_bucket(graph, "Policy")["policy"])["Statement"]
    name = graph.exports["bucketName"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_condition_of_the_bucket_policy_stands_in_the_way_of_fsx(graph: Graph) -> None:
    """FSx guide, linking to a bucket: a policy with aws:SourceVpc or aws:SourceVpce breaks the export."""
    assert "aws:SourceVpc" not in of_the_bucket(graph, "Policy")["policy"]


def test_replaced_versions_expire_after_the_days_given_and_current_ones_never() -> None:
    graph = record_stack({"noncurrentVersionDays": "9"})
    rules = {rule["id"]: rule for rule in of_the_bucket(graph, "LifecycleConfiguration")["rules"]}
    assert {rule["status"] for rule in rules.values()} == {"Enabled"}
    assert rules["expire-replaced-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 9}
    assert rules["abort-incomplete-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert [rule["expiration"] for rule in rules.values() if "expiration" in rule] == [
        {"expiredObjectDeleteMarker": True}
    ]


def test_bucket_and_images_stay_when_the_stack_is_destroyed_and_nothing_else_does(graph: Graph) -> None:
    kept = {child.type for child in graph.children if child.retain_on_delete}
    assert kept == DATA | {child.type for child in graph.children if child.type.startswith("aws:s3/bucket")}
    assert graph.one(BUCKET).inputs["forceDestroy"] is False
    assert graph.one(REPOSITORY).inputs["forceDelete"] is False


def test_asked_to_keep_nothing_destroying_the_stack_takes_bucket_and_images_along() -> None:
    graph = record_stack({"retainDataOnDestroy": "false"})
    assert [child.name for child in graph.children if child.retain_on_delete] == []
    assert graph.one(BUCKET).inputs["forceDestroy"] is True
    assert graph.one(REPOSITORY).inputs["forceDelete"] is True


# ---------------------------------------------------------------------- repository and secret
def test_images_are_scanned_when_they_are_pushed(graph: Graph) -> None:
    assert graph.one(REPOSITORY).inputs["imageScanningConfiguration"] == {"scanOnPush": True}


def test_the_repository_has_the_configured_name_with_a_suffix_of_its_own() -> None:
    """Pulumi's automatic naming: the name of a retained repository never collides with the next one's."""
    graph = record_stack({"ecrRepositoryName": "team/job"})
    assert "name" not in graph.one(REPOSITORY).inputs
    assert "/autoexport-team/job-" in graph.exports["repositoryUrl"]


def test_the_secret_holds_every_run_time_parameter_as_the_deployment_sets_it(graph: Graph) -> None:
    version = record_stack({"jobDefinitionVcpus": "64", "deleteLustre": "false"}).one(
        "aws:secretsmanager/secretVersion:SecretVersion"
    )
    image = graph.exports["repositoryUrl"] + ":latest"
    assert json.loads(version.text("secretString")) == {
        "autoExport": True,
        "continueAfterImportFailure": False,
        "deleteLustre": False,
        "lustreFileSystemTypeVersion": "2.15",
        "lustreStorageCapacity": 2400,
        "lustreImportedFileChunkSize": 1024,
        "jobDefinitionContainerImage": image,
        "jobDefinitionRetryAttempts": 5,
        "jobDefinitionVcpus": 64,
        "jobDefinitionMemory": 30000,
        "waitForLustreCreationSeconds": 30,
        "waitForJobCompletionSeconds": 300,
        "waitForCheckMetricsSeconds": 60,
        "lambdaPeriodSeconds": 60,
        "lambdaTimeDiffMinutes": 15,
    }


def test_the_secrets_text_crosses_to_the_engine_as_a_secret(graph: Graph) -> None:
    value = graph.one("aws:secretsmanager/secretVersion:SecretVersion").inputs["secretString"]
    assert isinstance(value, dict), "in plain text in the state"


def test_the_secrets_name_is_free_for_the_next_stack_although_aws_keeps_a_deleted_one() -> None:
    secret = record_stack().one("aws:secretsmanager/secret:Secret").inputs
    assert not {"name", "namePrefix"} & set(secret)
    assert secret["recoveryWindowInDays"] == 7


# ---------------------------------------------------------------------- compute
def test_the_environment_is_one_that_batch_can_update(graph: Graph) -> None:
    """Batch guide, updating compute environments: the service-linked role, and any strategy but BEST_FIT."""
    inputs = graph.one(ENVIRONMENT).inputs
    assert inputs["type"] == "MANAGED"
    assert "serviceRole" not in inputs
    assert inputs["computeResources"]["allocationStrategy"] == "BEST_FIT_PROGRESSIVE"
    assert inputs["computeResources"]["ec2Configurations"] == [{"imageType": "ECS_AL2023"}]
    assert "launchTemplate" not in inputs["computeResources"]


def test_the_environment_is_made_with_the_configured_sizes() -> None:
    graph = record_stack(
        {
            "computeEnvironmentType": "EC2",
            "computeEnvironmentInstanceTypes": '["c7i", "m7i.8xlarge"]',
            "computeEnvironmentMinvCpus": "2",
            "computeEnvironmentDesiredvCpus": "4",
            "computeEnvironmentMaxvCpus": "64",
        }
    )
    resources = graph.one(ENVIRONMENT).inputs["computeResources"]
    assert resources["type"] == "EC2"
    assert resources["instanceTypes"] == ["c7i", "m7i.8xlarge"]
    assert (resources["minVcpus"], resources["desiredVcpus"], resources["maxVcpus"]) == (2, 4, 64)


def test_nothing_in_use_has_a_fixed_name_that_a_replacement_would_meet(graph: Graph) -> None:
    """The engine creates a replacement before it deletes what it replaces."""
    named = {child.name: child.inputs["name"] for child in graph.children if "name" in child.inputs}
    assert set(named) == {"autoexport-workflow", "autoexport-clean-up"}
    topic = graph.exports["notificationTopicArn"].rsplit(":", 1)[-1]
    assert named["autoexport-workflow"] == topic
    assert named["autoexport-clean-up"] == f"{topic}-clean-up"


def test_instances_may_do_what_the_ecs_agent_needs_and_no_more(graph: Graph) -> None:
    attachment = graph.one("aws:iam/rolePolicyAttachment:RolePolicyAttachment").inputs
    assert attachment["policyArn"] == "arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
    instance_role = graph.one("aws:iam/role:Role", "autoexport-instance").inputs
    assert not {"inlinePolicies", "managedPolicyArns"} & set(instance_role)
    policies = [policy.name for policy in graph.all("aws:iam/rolePolicy:RolePolicy")]
    assert "autoexport-instance" not in policies


# ---------------------------------------------------------------------- the function
def test_the_function_runs_python_on_arm64_with_the_configured_defaults() -> None:
    inputs = record_stack({"lambdaPeriodSeconds": "120", "lambdaTimeDiffMinutes": "20"}).one(FUNCTION, CHECK).inputs
    assert inputs["runtime"] == "python3.13"
    assert inputs["architectures"] == ["arm64"]
    assert inputs["handler"] == "handler.handler"
    assert inputs["environment"] == {"variables": {"PERIOD": "120", "TIME_DIFF": "20"}}


@pytest.mark.parametrize("function", ["check-metrics", "guard-destroy"])
def test_each_functions_archive_is_its_handler_and_nothing_else(graph: Graph, function: str) -> None:
    assets = graph.one(FUNCTION, f"autoexport-{function}").inputs["code"].assets
    assert list(assets) == ["handler.py"]
    shipped = Path(assets["handler.py"].path)
    source = ROOT / "functions" / function.replace("-", "_") / "handler.py"
    assert shipped.read_bytes() == source.read_bytes()


def test_each_log_group_is_kept_for_the_days_given_and_named_as_its_writer_asks() -> None:
    groups = {group.name: group.inputs for group in record_stack({"logRetentionDays": "7"}).all(LOGS)}
    assert {name: (each["namePrefix"], each["retentionInDays"]) for name, each in groups.items()} == {
        "autoexport-check-metrics": ("/aws/lambda/autoexport-", 7),
        "autoexport-guard-destroy": ("/aws/lambda/autoexport-", 7),
        # Step Functions guide, logging: this prefix keeps the account's resource policy from growing with each group.
        "autoexport-workflow": ("/aws/vendedlogs/states/autoexport-", 7),
        "autoexport-clean-up": ("/aws/vendedlogs/states/autoexport-", 7),
        # SDK LustreLogCreateConfiguration: the destination's name begins with /aws/fsx.
        "autoexport-file-systems": ("/aws/fsx/autoexport-", 7),
    }


def test_each_function_logs_to_a_group_of_its_own(graph: Graph) -> None:
    groups = {function.inputs["loggingConfig"]["logGroup"] for function in graph.all(FUNCTION)}
    assert len(groups) == 2
    assert [group for group in groups if not group.startswith("/aws/lambda/autoexport-")] == []


# ---------------------------------------------------------------------- the state machines
@pytest.mark.parametrize("name", ["autoexport-workflow", "autoexport-clean-up"])
def test_each_state_machine_is_standard_logged_and_traced(graph: Graph, name: str) -> None:
    machine = graph.one(MACHINE, name).inputs
    assert machine["type"] == "STANDARD"
    assert machine["tracingConfiguration"] == {"enabled": True}
    logging = machine["loggingConfiguration"]
    assert logging["level"] == "ERROR"
    assert logging["logDestination"].startswith("arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/")
    assert logging["logDestination"].endswith(":*")


def test_the_two_machines_have_a_role_and_a_log_each(graph: Graph) -> None:
    machines = [machine.inputs for machine in graph.all(MACHINE)]
    assert len({machine["roleArn"] for machine in machines}) == 2
    assert len({machine["loggingConfiguration"]["logDestination"] for machine in machines}) == 2


# Whatever ends something, or could lose what is not in S3.
ENDING = {
    "batch:DeregisterJobDefinition",
    "batch:TerminateJob",
    "ec2:DeleteLaunchTemplate",
    "fsx:CreateDataRepositoryTask",
    "fsx:DeleteDataRepositoryAssociation",
    "fsx:DeleteFileSystem",
    "fsx:UpdateDataRepositoryAssociation",
}


def allowed(graph: Graph, role: str) -> set[str]:
    """The actions that a role's policy allows."""
    document = json.loads(graph.one("aws:iam/rolePolicy:RolePolicy", f"autoexport-{role}").inputs["policy"])
    actions = [statement["Action"] for statement in document["Statement"]]
    return {action for each in actions for action in (each if isinstance(each, list) else [each])}


def test_only_the_clean_ups_role_may_delete_stop_a_job_or_switch_export_off(graph: Graph) -> None:
    policies = [policy.name.removeprefix("autoexport-") for policy in graph.all("aws:iam/rolePolicy:RolePolicy")]
    able = {role for role in policies for action in allowed(graph, role) if action in ENDING}
    assert able == {"clean-up"}
    assert allowed(graph, "clean-up") >= ENDING - {"fsx:DeleteDataRepositoryAssociation"}
    patterns = [action for role in policies for action in allowed(graph, role) if "*" in action]
    assert [pattern for pattern in patterns if not pattern.startswith("s3:")] == []


def test_executions_that_ended_without_their_own_clean_up_start_one(graph: Graph) -> None:
    machine = graph.exports["stateMachineArn"]
    assert json.loads(graph.one("aws:cloudwatch/eventRule:EventRule").inputs["eventPattern"]) == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [machine], "status": ["ABORTED", "FAILED", "TIMED_OUT"]},
    }
    target = graph.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    assert target["arn"] == graph.exports["cleanUpStateMachineArn"]
    assert not {"input", "inputPath", "inputTransformer"} & set(target), "the event has to arrive as it is"


def test_what_rule_and_schedule_cannot_deliver_is_kept_for_two_weeks_in_one_queue(graph: Graph) -> None:
    queue = graph.one(QUEUE)
    assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 3600
    assert queue.inputs["sqsManagedSseEnabled"] is True
    (statement,) = json.loads(graph.one("aws:sqs/queuePolicy:QueuePolicy").inputs["policy"])["Statement"]
    target = graph.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    schedule = graph.one(SCHEDULE).inputs["target"]
    assert target["deadLetterConfig"] == schedule["deadLetterConfig"] == {"arn": statement["Resource"]}
    # EventBridge sends in its own name, Scheduler in that of the role.
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"].rpartition(":")[2].startswith("autoexport-clean-up-")
    assert allowed(graph, "sweep") == {"states:StartExecution", "sqs:SendMessage"}
    assert allowed(graph, "clean-up-rule") == {"states:StartExecution"}


def test_a_schedule_starts_a_sweep_as_often_as_configured() -> None:
    graph = record_stack({"sweepIntervalMinutes": "15"})
    schedule = graph.one(SCHEDULE).inputs
    assert schedule["scheduleExpression"] == "rate(15 minutes)"
    assert schedule["flexibleTimeWindow"] == {"mode": "OFF"}
    assert schedule["target"]["arn"] == graph.exports["cleanUpStateMachineArn"]
    assert json.loads(schedule["target"]["input"]) == {"sweep": True}


def test_an_interval_of_zero_creates_no_schedule_and_no_role_for_one() -> None:
    graph = record_stack({"sweepIntervalMinutes": "0"})
    assert graph.all(SCHEDULE) == []
    assert [child.name for child in graph.children if "sweep" in child.name] == []
    assert len(graph.all(QUEUE)) == 1


def test_the_table_of_locks_is_billed_by_the_request_and_keyed_by_id(graph: Graph) -> None:
    table = graph.one("aws:dynamodb/table:Table").inputs
    assert (table["billingMode"], table["hashKey"], table["attributes"]) == (
        "PAY_PER_REQUEST",
        "id",
        [{"name": "id", "type": "S"}],
    )
    assert table["serverSideEncryption"] == {"enabled": False}


def test_the_guard_is_invoked_on_every_change_and_told_both_machines_and_the_stack(graph: Graph) -> None:
    guard = graph.one("aws:lambda/invocation:Invocation").inputs
    assert guard["lifecycleScope"] == "CRUD"
    assert json.loads(guard["input"]) == {
        "stateMachineArns": [graph.exports["stateMachineArn"], graph.exports["cleanUpStateMachineArn"]],
        "stack": graph.exports["notificationTopicArn"].rpartition(":")[2],
    }
    assert allowed(graph, "guard-destroy") == {
        "states:ListExecutions",
        "fsx:DescribeFileSystems",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


@pytest.mark.parametrize(
    ("part", "service", "names_the_account"),
    [
        ("workflow", "states", True),
        ("clean-up", "states", True),
        ("clean-up-rule", "events", True),
        ("sweep", "scheduler", True),
        ("guard-destroy", "lambda", False),
        ("check-metrics", "lambda", False),
        ("instance", "ec2", False),
    ],
)
def test_only_the_service_that_needs_a_role_may_assume_it_and_for_this_account_where_it_says_so(
    graph: Graph, part: str, service: str, names_the_account: bool
) -> None:
    trust = json.loads(graph.one("aws:iam/role:Role", f"autoexport-{part}").inputs["assumeRolePolicy"])
    condition = {"StringEquals": {"aws:SourceAccount": "123456789012"}} if names_the_account else None
    assert [(each["Principal"], each["Action"], each.get("Condition")) for each in trust["Statement"]] == [
        ({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole", condition)
    ]


def test_an_address_is_subscribed_only_when_one_is_given(graph: Graph) -> None:
    kind = "aws:sns/topicSubscription:TopicSubscription"
    assert graph.all(kind) == []
    subscription = record_stack({"notificationEmail": "ops@example.com"}).one(kind).inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "ops@example.com")
