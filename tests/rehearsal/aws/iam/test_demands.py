"""What each call has to be allowed to do: held against the Service Authorization Reference, and row by row."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from rehearsal.aws.iam.demands import ROWS, Demand, Place, UnknownCall, demands, refusal

ACCOUNT = "123456789012"
TAGS = {"lustre-batch:stack": "mine"}
LISTED = [{"Key": "lustre-batch:stack", "Value": "mine"}]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/workflow"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DEFINITION = f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-definition/jd:3"
QUEUE = f"arn:aws:batch:eu-west-1:{ACCOUNT}:job-queue/queue"

# One call of each row, with everything in it that a row looks at.
CALLS: dict[str, dict[str, Any]] = {
    "secretsmanager:GetSecretValue": {"SecretId": f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:p-AbCdEf"},
    "service-quotas:GetServiceQuota": {"ServiceCode": "ec2", "QuotaCode": "L-34B43A08"},
    "fsx:CreateFileSystem": {"SecurityGroupIds": ["sg-1"], "Tags": LISTED, "KmsKeyId": KEY},
    "fsx:DescribeFileSystems": {"FileSystemIds": ["fs-1"]},
    "fsx:DeleteFileSystem": {"FileSystemId": "fs-1"},
    "fsx:CreateDataRepositoryAssociation": {
        "FileSystemId": "fs-1",
        "DataRepositoryPath": "s3://data/runs/",
        "Tags": LISTED,
    },
    "fsx:DescribeDataRepositoryAssociations": {"AssociationIds": ["dra-1"]},
    "fsx:UpdateDataRepositoryAssociation": {"AssociationId": "dra-1"},
    "fsx:CreateDataRepositoryTask": {"FileSystemId": "fs-1", "Tags": LISTED},
    "fsx:DescribeDataRepositoryTasks": {"TaskIds": ["task-1"]},
    "fsx:CancelDataRepositoryTask": {"TaskId": "task-1"},
    "fsx:TagResource": {"ResourceARN": f"arn:aws:fsx:eu-west-1:{ACCOUNT}:file-system/fs-1", "Tags": LISTED},
    "ec2:CreateLaunchTemplate": {"TagSpecifications": [{"ResourceType": "launch-template", "Tags": LISTED}]},
    "ec2:DescribeInstances": {"MaxResults": 1000},
    "ec2:DescribeLaunchTemplates": {},
    "ec2:DeleteLaunchTemplate": {"LaunchTemplateId": "lt-1"},
    "batch:UpdateComputeEnvironment": {"computeEnvironment": "env"},
    "batch:DescribeComputeEnvironments": {},
    "batch:UpdateJobQueue": {"jobQueue": QUEUE, "state": "DISABLED"},
    "batch:DescribeJobQueues": {},
    "ssm:GetParameters": {"Names": [f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter/a/b"]},
    "batch:RegisterJobDefinition": {
        "jobDefinitionName": "jd",
        "tags": TAGS,
        "containerProperties": {
            "jobRoleArn": f"arn:aws:iam::{ACCOUNT}:role/job",
            "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/start",
        },
    },
    "batch:DescribeJobDefinitions": {},
    "batch:DeregisterJobDefinition": {"jobDefinition": DEFINITION},
    "batch:SubmitJob": {"jobDefinition": DEFINITION, "jobQueue": QUEUE, "tags": TAGS},
    "batch:ListJobs": {"jobQueue": QUEUE},
    "batch:DescribeJobs": {"jobs": ["1"]},
    "batch:TerminateJob": {"jobId": "1"},
    "sns:Publish": {"TopicArn": f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic"},
    "stepfunctions:DescribeExecution": {"executionArn": f"arn:aws:states:eu-west-1:{ACCOUNT}:execution:m:e"},
    "stepfunctions:StopExecution": {"executionArn": f"arn:aws:states:eu-west-1:{ACCOUNT}:execution:m:e"},
    "stepfunctions:StartExecution": {"stateMachineArn": f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:m"},
    "stepfunctions:ListExecutions": {"stateMachineArn": f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:m"},
    "sqs:SendMessage": {"QueueUrl": f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/letters"},
    "events:PutRule": {"Name": "rule"},
    "events:PutTargets": {"Rule": "rule"},
    "events:DescribeRule": {"Name": "rule"},
    "dynamodb:PutItem": {"TableName": "lanes"},
    "dynamodb:GetItem": {"TableName": "lanes"},
    "dynamodb:DeleteItem": {"TableName": f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/lanes"},
    "dynamodb:UpdateItem": {"TableName": "lanes"},
    "dynamodb:Query": {"TableName": "lanes", "IndexName": "in-order"},
    "lambda:Invoke": {"FunctionName": "check"},
    "cloudwatch:GetMetricData": {},
    "cloudwatch:GetMetricStatistics": {"Namespace": "AWS/FSx"},
    "cloudwatch:PutMetricData": {"Namespace": "LustreBatch"},
    "logs:FilterLogEvents": {"logGroupName": "/aws/fsx/mine"},
    "logs:DescribeLogStreams": {"logGroupName": "/aws/fsx/mine"},
}
HERE = f"eu-west-1:{ACCOUNT}"
SERVICE_ROLES = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role"
BUCKET_ROLE = f"{SERVICE_ROLES}/s3.data-source.lustre.fsx.amazonaws.com/*"
EXPECTED: dict[str, list[str]] = {
    "secretsmanager:GetSecretValue": [f"secretsmanager:GetSecretValue arn:aws:secretsmanager:{HERE}:secret:p-AbCdEf"],
    "ssm:GetParameters": [f"ssm:GetParameters arn:aws:ssm:{HERE}:parameter/a/b"],
    "service-quotas:GetServiceQuota": ["servicequotas:GetServiceQuota *"],
    "fsx:CreateFileSystem": [
        f"fsx:CreateFileSystem arn:aws:fsx:{HERE}:file-system/*",
        f"fsx:TagResource arn:aws:fsx:{HERE}:file-system/*",
        f"ec2:GetSecurityGroupsForVpc arn:aws:ec2:{HERE}:vpc/*",
        f"iam:CreateServiceLinkedRole {SERVICE_ROLES}/fsx.amazonaws.com/*",
        f"kms:DescribeKey {KEY}",
        f"kms:Decrypt {KEY}",
        f"kms:GenerateDataKeyWithoutPlaintext {KEY}",
        f"kms:CreateGrant {KEY}",
    ],
    "fsx:DescribeFileSystems": ["fsx:DescribeFileSystems *"],
    "fsx:DeleteFileSystem": [f"fsx:DeleteFileSystem arn:aws:fsx:{HERE}:file-system/fs-1"],
    "fsx:CreateDataRepositoryAssociation": [
        f"fsx:CreateDataRepositoryAssociation arn:aws:fsx:{HERE}:association/fs-1/*",
        f"fsx:CreateDataRepositoryAssociation arn:aws:fsx:{HERE}:file-system/fs-1",
        f"fsx:TagResource arn:aws:fsx:{HERE}:association/fs-1/*",
        "s3:Get* arn:aws:s3:::data",
        "s3:List* arn:aws:s3:::data",
        "s3:Get* arn:aws:s3:::data/runs/*",
        "s3:PutObject arn:aws:s3:::data/runs/*",
        f"iam:CreateServiceLinkedRole {BUCKET_ROLE}",
        f"iam:AttachRolePolicy {BUCKET_ROLE}",
        f"iam:PutRolePolicy {BUCKET_ROLE}",
    ],
    "fsx:DescribeDataRepositoryAssociations": ["fsx:DescribeDataRepositoryAssociations *"],
    "fsx:UpdateDataRepositoryAssociation": [
        f"fsx:UpdateDataRepositoryAssociation arn:aws:fsx:{HERE}:association/fs-1/dra-1"
    ],
    "fsx:CreateDataRepositoryTask": [
        f"fsx:CreateDataRepositoryTask arn:aws:fsx:{HERE}:file-system/fs-1",
        f"fsx:CreateDataRepositoryTask arn:aws:fsx:{HERE}:task/*",
        f"fsx:TagResource arn:aws:fsx:{HERE}:task/*",
    ],
    "fsx:DescribeDataRepositoryTasks": ["fsx:DescribeDataRepositoryTasks *"],
    "fsx:CancelDataRepositoryTask": [f"fsx:CancelDataRepositoryTask arn:aws:fsx:{HERE}:task/task-1"],
    "fsx:TagResource": [f"fsx:TagResource arn:aws:fsx:{HERE}:file-system/fs-1"],
    "ec2:CreateLaunchTemplate": [
        f"ec2:CreateLaunchTemplate arn:aws:ec2:{HERE}:launch-template/*",
        f"ec2:CreateTags arn:aws:ec2:{HERE}:launch-template/*",
    ],
    "ec2:DescribeInstances": ["ec2:DescribeInstances *"],
    "ec2:DescribeLaunchTemplates": ["ec2:DescribeLaunchTemplates *"],
    "ec2:DeleteLaunchTemplate": [f"ec2:DeleteLaunchTemplate arn:aws:ec2:{HERE}:launch-template/lt-1"],
    "batch:UpdateComputeEnvironment": [f"batch:UpdateComputeEnvironment arn:aws:batch:{HERE}:compute-environment/env"],
    "batch:DescribeComputeEnvironments": ["batch:DescribeComputeEnvironments *"],
    "batch:UpdateJobQueue": [f"batch:UpdateJobQueue {QUEUE}"],
    "batch:DescribeJobQueues": ["batch:DescribeJobQueues *"],
    "batch:RegisterJobDefinition": [
        f"batch:RegisterJobDefinition arn:aws:batch:{HERE}:job-definition/jd",
        f"batch:TagResource arn:aws:batch:{HERE}:job-definition/jd:*",
        f"iam:PassRole arn:aws:iam::{ACCOUNT}:role/job",
        f"iam:PassRole arn:aws:iam::{ACCOUNT}:role/start",
    ],
    "batch:DescribeJobDefinitions": ["batch:DescribeJobDefinitions *"],
    "batch:DeregisterJobDefinition": [f"batch:DeregisterJobDefinition {DEFINITION}"],
    "batch:SubmitJob": [
        f"batch:SubmitJob arn:aws:batch:{HERE}:job/*",
        f"batch:SubmitJob {DEFINITION}",
        f"batch:SubmitJob {QUEUE}",
        f"batch:TagResource arn:aws:batch:{HERE}:job/*",
    ],
    "batch:ListJobs": ["batch:ListJobs *"],
    "batch:DescribeJobs": ["batch:DescribeJobs *"],
    "batch:TerminateJob": [f"batch:TerminateJob arn:aws:batch:{HERE}:job/1"],
    "sns:Publish": [f"sns:Publish arn:aws:sns:{HERE}:topic"],
    "stepfunctions:DescribeExecution": [f"states:DescribeExecution arn:aws:states:{HERE}:execution:m:e"],
    "stepfunctions:StopExecution": [f"states:StopExecution arn:aws:states:{HERE}:execution:m:e"],
    "stepfunctions:StartExecution": [f"states:StartExecution arn:aws:states:{HERE}:stateMachine:m"],
    "stepfunctions:ListExecutions": [f"states:ListExecutions arn:aws:states:{HERE}:stateMachine:m"],
    "sqs:SendMessage": [f"sqs:SendMessage arn:aws:sqs:{HERE}:letters"],
    "events:PutRule": [f"events:PutRule arn:aws:events:{HERE}:rule/rule"],
    "events:PutTargets": [f"events:PutTargets arn:aws:events:{HERE}:rule/rule"],
    "events:DescribeRule": [f"events:DescribeRule arn:aws:events:{HERE}:rule/rule"],
    "dynamodb:PutItem": [f"dynamodb:PutItem arn:aws:dynamodb:{HERE}:table/lanes"],
    "dynamodb:GetItem": [f"dynamodb:GetItem arn:aws:dynamodb:{HERE}:table/lanes"],
    "dynamodb:DeleteItem": [f"dynamodb:DeleteItem arn:aws:dynamodb:{HERE}:table/lanes"],
    "dynamodb:UpdateItem": [f"dynamodb:UpdateItem arn:aws:dynamodb:{HERE}:table/lanes"],
    "dynamodb:Query": [
        f"dynamodb:Query arn:aws:dynamodb:{HERE}:table/lanes",
        f"dynamodb:Query arn:aws:dynamodb:{HERE}:table/lanes/index/in-order",
    ],
    "lambda:Invoke": [f"lambda:InvokeFunction arn:aws:lambda:{HERE}:function:check"],
    "cloudwatch:GetMetricData": ["cloudwatch:GetMetricData *"],
    "cloudwatch:GetMetricStatistics": ["cloudwatch:GetMetricStatistics *"],
    "cloudwatch:PutMetricData": ["cloudwatch:PutMetricData *"],
    "logs:FilterLogEvents": [f"logs:FilterLogEvents arn:aws:logs:{HERE}:log-group:/aws/fsx/mine:log-stream:"],
    "logs:DescribeLogStreams": [f"logs:DescribeLogStreams arn:aws:logs:{HERE}:log-group:/aws/fsx/mine:log-stream:"],
}


def no_tags(arn: str) -> Mapping[str, str]:
    return {}


@pytest.fixture
def place() -> Place:
    return Place(ACCOUNT, "eu-west-1", file_system_of=lambda association: {"dra-1": "fs-1"}[association])


@pytest.fixture(scope="module")
def reference() -> dict[str, dict[str, Any]]:
    """The Service Authorization Reference as parliament ships it: `service:action` in lower case to its entry."""
    spec = importlib.util.find_spec("parliament")
    assert spec is not None
    assert spec.origin is not None
    services = json.loads((Path(spec.origin).parent / "iam_definition.json").read_text())
    return {
        f"{service['prefix']}:{entry['privilege']}".lower(): {
            **entry,
            "arns": {resource["resource"]: resource["arn"] for resource in service["resources"]},
        }
        for service in services
        for entry in service["privileges"]
    }


def of_call(call: str, place: Place, params: dict[str, Any] | None = None) -> list[Demand]:
    service, operation = call.split(":")
    return list(demands(service, operation, CALLS[call] if params is None else params, place))


def asked(call: str, place: Place, params: dict[str, Any] | None = None) -> list[str]:
    return [f"{demand.action} {demand.resource}" for demand in of_call(call, place, params)]


def test_every_row_is_tried_here() -> None:
    assert set(CALLS) == set(EXPECTED) == set(ROWS)


@pytest.mark.parametrize("call", ROWS)
def test_a_call_asks_for_exactly_these_actions_on_these_resources(call: str, place: Place) -> None:
    assert asked(call, place) == EXPECTED[call]


@pytest.mark.parametrize("call", ROWS)
def test_a_row_names_a_call_and_parameters_that_botocore_has(call: str) -> None:
    service, operation = call.split(":")
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    assert set(CALLS[call]) <= set(model.input_shape.members)


@pytest.mark.parametrize("call", ROWS)
def test_actions_and_resource_types_are_those_of_the_reference(
    call: str, place: Place, reference: dict[str, dict[str, Any]]
) -> None:
    for action, resource in (line.split() for line in asked(call, place)):
        entries = [entry for name, entry in reference.items() if fnmatch.fnmatchcase(name, action.lower())]
        assert entries, action
        types = {kind["resource_type"].rstrip("*") for entry in entries for kind in entry["resource_types"]} - {""}
        if resource == "*":
            assert not types, f"{action} has resource-level permissions"
            continue
        patterns = [re.sub(r"\$\{[^}]*\}", "*", arn) for entry in entries for arn in entry["arns"].values()]
        patterns += [pattern + ":log-stream:" for pattern in patterns if ":log-group:" in pattern]
        assert any(fnmatch.fnmatchcase(resource, pattern) for pattern in patterns), resource
        assert types


@pytest.mark.parametrize("call", ROWS)
def test_every_resource_that_the_reference_requires_is_asked_for(
    call: str, place: Place, reference: dict[str, dict[str, Any]]
) -> None:
    own = ROWS[call][0].action
    required = [kind["resource_type"] for kind in reference[own.lower()]["resource_types"]]
    required = [kind.rstrip("*") for kind in required if kind.endswith("*")]
    arns = reference[own.lower()]["arns"]
    resources = [line.split()[1] for line in asked(call, place) if line.split()[0] == own]
    for kind in required:
        if kind in ("express", "maprun"):  # executions of express machines and of distributed maps: none here
            continue
        pattern = re.sub(r"\$\{[^}]*\}", "*", arns[kind])
        assert any(fnmatch.fnmatchcase(resource, pattern) for resource in resources), f"{own}: {kind}"


def test_without_tags_nobody_needs_to_be_allowed_to_tag(place: Place) -> None:
    for call, params in CALLS.items():
        bare = {key: value for key, value in params.items() if key.lower() not in ("tags", "tagspecifications")}
        tagging = [line for line in asked(call, place, bare) if "Tag" in line.split()[0]]
        assert not tagging or call == "fsx:TagResource"


@pytest.mark.parametrize("call", ["fsx:CreateFileSystem", "ec2:CreateLaunchTemplate", "batch:SubmitJob"])
def test_tags_of_a_request_are_in_its_context_whatever_form_they_have(call: str, place: Place) -> None:
    for demand in of_call(call, place):
        assert demand.context["aws:RequestTag/lustre-batch:stack"] == "mine"
        assert demand.context["aws:TagKeys"] == ["lustre-batch:stack"]


def test_tags_of_what_exists_are_looked_up_and_what_is_being_created_has_none() -> None:
    place = Place(ACCOUNT, "eu-west-1", tags=lambda arn: {"arn": arn})
    found = list(demands("fsx", "CreateDataRepositoryTask", CALLS["fsx:CreateDataRepositoryTask"], place))
    assert [demand.context.get("aws:ResourceTag/arn") for demand in found] == [
        f"arn:aws:fsx:{HERE}:file-system/fs-1",
        None,
        None,
    ]


def test_dependent_actions_carry_their_own_condition_keys(place: Place) -> None:
    def keys(call: str, action: str) -> list[Mapping[str, Any]]:
        return [demand.context for demand in of_call(call, place) if demand.action == action]

    (tag,) = keys("ec2:CreateLaunchTemplate", "ec2:CreateTags")
    assert tag["ec2:CreateAction"] == "CreateLaunchTemplate"
    for context in keys("batch:RegisterJobDefinition", "iam:PassRole"):
        assert context["iam:PassedToService"] == "ecs-tasks.amazonaws.com"
    (role,) = keys("fsx:CreateDataRepositoryAssociation", "iam:CreateServiceLinkedRole")
    assert role["iam:AWSServiceName"] == "s3.data-source.lustre.fsx.amazonaws.com"
    (put,) = keys("cloudwatch:PutMetricData", "cloudwatch:PutMetricData")
    assert put["cloudwatch:namespace"] == "LustreBatch"


def test_arns_follow_the_partition_and_names_become_arns() -> None:
    china = Place(ACCOUNT, "cn-north-1", "aws-cn")
    assert asked("lambda:Invoke", china) == [
        f"lambda:InvokeFunction arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:check"
    ]
    assert asked("batch:SubmitJob", china, {"jobDefinition": "jd:3", "jobQueue": "queue"})[1:] == [
        f"batch:SubmitJob arn:aws-cn:batch:cn-north-1:{ACCOUNT}:job-definition/jd:3",
        f"batch:SubmitJob arn:aws-cn:batch:cn-north-1:{ACCOUNT}:job-queue/queue",
    ]
    assert asked("fsx:CreateDataRepositoryAssociation", china)[3] == "s3:Get* arn:aws-cn:s3:::data"
    assert asked("secretsmanager:GetSecretValue", china, {"SecretId": "p"}) == [
        f"secretsmanager:GetSecretValue arn:aws-cn:secretsmanager:cn-north-1:{ACCOUNT}:secret:p-*"
    ]


class TestRefusal:
    """The message a call fails with, or none."""

    def test_a_call_passes_only_when_every_demand_is_allowed(self, place: Place) -> None:
        actions = ["fsx:CreateFileSystem", "fsx:TagResource", "ec2:GetSecurityGroupsForVpc"]
        statement = {"Sid": "All", "Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        call = ("fsx", "CreateFileSystem", CALLS["fsx:CreateFileSystem"])
        refused = refusal([policy], ROLE, *call, place)
        assert refused is not None
        assert refused.startswith(f"User: {ROLE} is not authorized to perform: iam:CreateServiceLinkedRole: no ident")
        actions += ["iam:CreateServiceLinkedRole", "kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey*"]
        refused = refusal([policy], ROLE, *call, place)
        assert refused is not None
        assert "is not authorized to perform: kms:CreateGrant" in refused
        actions.append("kms:CreateGrant")
        assert refusal([policy], ROLE, *call, place) is None

    def test_the_tag_of_another_stack_is_refused(self) -> None:
        condition = {"StringEquals": {"aws:ResourceTag/lustre-batch:stack": "mine"}}
        statement = {"Effect": "Allow", "Action": "fsx:DeleteFileSystem", "Resource": "*", "Condition": condition}
        policy = {"Version": "2012-10-17", "Statement": statement}
        call = ("fsx", "DeleteFileSystem", {"FileSystemId": "fs-1"})
        for stack, refused in (("mine", False), ("yours", True)):
            tags = {"lustre-batch:stack": stack}
            place = Place(ACCOUNT, "eu-west-1", tags=lambda arn, tags=tags: tags)  # type: ignore[misc]
            assert (refusal([policy], ROLE, *call, place) is not None) is refused
        assert refusal([policy], ROLE, *call, Place(ACCOUNT, "eu-west-1", tags=no_tags)) is not None

    def test_a_call_without_a_row_is_refused_even_to_an_administrator(self, place: Place) -> None:
        everything = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        refused = refusal([everything], ROLE, "ec2", "TerminateInstances", {}, place)
        assert refused is not None
        assert "ec2:TerminateInstances has no row" in refused
        with pytest.raises(UnknownCall):
            list(demands("ec2", "TerminateInstances", {}, place))
