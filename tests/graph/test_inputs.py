"""The inputs of storage, compute, functions and logs, where others rely on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rehearsal.provider.deployment import ROOT
from tests.graph.recording import Graph, record_stack

BUCKET, REPOSITORY = "aws:s3/bucket:Bucket", "aws:ecr/repository:Repository"
# A version of a secret goes with its secret, whatever becomes of its record.
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
ENVIRONMENT, FUNCTION = "aws:batch/computeEnvironment:ComputeEnvironment", "aws:lambda/function:Function"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
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
    kept = {child.type for child in graph.children if child.retain_on_delete} - {VERSION}
    assert kept == DATA | {child.type for child in graph.children if child.type.startswith("aws:s3/bucket")}
    assert graph.one(BUCKET).inputs["forceDestroy"] is False
    assert graph.one(REPOSITORY).inputs["forceDelete"] is False


def test_asked_to_keep_nothing_destroying_the_stack_takes_bucket_and_images_along() -> None:
    graph = record_stack({"retainDataOnDestroy": "false"})
    assert {child.type for child in graph.children if child.retain_on_delete} == {VERSION}
    assert graph.one(BUCKET).inputs["forceDestroy"] is True
    assert graph.one(REPOSITORY).inputs["forceDelete"] is True


# ---------------------------------------------------------------------- repository and secret
def test_images_are_scanned_when_they_are_pushed(graph: Graph) -> None:
    assert graph.one(REPOSITORY).inputs["imageScanningConfiguration"] == {"scanOnPush": True}


def test_a_tag_stands_for_one_image_for_ever_unless_it_is_latest(graph: Graph) -> None:
    assert graph.one(REPOSITORY).inputs["imageTagMutability"] == "MUTABLE"
    tagged = record_stack({"ecrImageTag": "v1.2"})
    assert tagged.one(REPOSITORY).inputs["imageTagMutability"] == "IMMUTABLE"
    secret = tagged.one("aws:secretsmanager/secretVersion:SecretVersion").text("secretString")
    assert json.loads(secret)["jobDefinitionContainerImage"] == tagged.exports["repositoryUrl"] + ":v1.2"


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
        "lustreDeploymentType": "SCRATCH_2",
        "lustrePerUnitStorageThroughput": 0,
        "lustreDataCompressionType": "NONE",
        "lustreMetadataIops": 0,
        "jobDefinitionContainerImage": image,
        "jobDefinitionCommand": [],
        "jobDefinitionEnvironment": {},
        "jobDefinitionSecrets": {},
        "jobDefinitionArraySize": 0,
        "jobDefinitionAttemptSeconds": 0,
        "jobDefinitionGpus": 0,
        "jobDefinitionSharedMemoryMib": 0,
        "jobDefinitionUlimits": [],
        "jobDefinitionUser": "",
        "jobDefinitionTags": {},
        "jobRoleArn": "",
        "keyPrefix": "",
        "inputPrefixes": [],
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
    value = graph.one(VERSION).inputs["secretString"]
    assert isinstance(value, dict), "in plain text in the state"


def test_the_secrets_name_is_free_for_the_next_stack_although_aws_keeps_a_deleted_one() -> None:
    secret = record_stack().one("aws:secretsmanager/secret:Secret").inputs
    assert not {"name", "namePrefix"} & set(secret)
    assert secret["recoveryWindowInDays"] == 7


# ---------------------------------------------------------------------- compute
def test_the_environment_is_one_that_batch_can_update(graph: Graph) -> None:
    """Batch guide, updating compute environments: the service-linked role, and any strategy but BEST_FIT."""
    inputs = graph.all(ENVIRONMENT)[0].inputs
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
    resources = graph.all(ENVIRONMENT)[0].inputs["computeResources"]
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
        "autoexport-guard-lanes": ("/aws/lambda/autoexport-", 7),
        # Step Functions guide, logging: this prefix keeps the account's resource policy from growing with each group.
        "autoexport-workflow": ("/aws/vendedlogs/states/autoexport-", 7),
        "autoexport-clean-up": ("/aws/vendedlogs/states/autoexport-", 7),
        "autoexport-jobs": ("/aws/batch/autoexport-", 7),
        # SDK LustreLogCreateConfiguration: the destination's name begins with /aws/fsx.
        "autoexport-file-systems": ("/aws/fsx/autoexport-", 7),
    }


def test_each_function_logs_to_a_group_of_its_own(graph: Graph) -> None:
    groups = {function.inputs["loggingConfig"]["logGroup"] for function in graph.all(FUNCTION)}
    assert len(groups) == 3
    assert [group for group in groups if not group.startswith("/aws/lambda/autoexport-")] == []
