"""Least privilege, read off the policies: the workflow's role allows what the definition calls, and nothing else."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.aws.iam.demands import ROWS, Place, refusal
from rehearsal.aws.iam.evaluation import evaluate
from tests.graph.recording import Graph, record_stack
from tests.settings.mistakes import PARAMETER, SECRET
from tests.workflow.asl import optimised_tasks, sdk_tasks
from tests.workflow.conftest import Definition, definition_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports pkg_resources
    import parliament

STACK = "autoexport-4b8453b"
HERE = "us-east-1:123456789012"
KEY = f"arn:aws:kms:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"

# What is called by nobody's task but on behalf of the machine.
# Step Functions guide, "Logging using CloudWatch Logs" and "AWS X-Ray and Step Functions".
BY_STEP_FUNCTIONS = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# Dependent actions that only a call of another form needs: of a stack with roles for its jobs. Its own test is below.
NOT_FOR_OUR_CALLS = {"iam:PassRole"}
# Those that only a stack with a key of the customer's needs; its own test is below.
WITH_A_KEY = {"kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant"}
# FSx guide, "Setting up", permissions to link a bucket: given there with exactly these wildcards.
DOCUMENTED_WILDCARDS = {"s3:Get*", "s3:List*", "kms:GenerateDataKey*"}
# The same guide names these for whoever works on a link; which of its calls need them it does not say.
DOCUMENTED_FOR_LINKS = {"s3:Get*", "s3:List*", "s3:PutObject"}
# Service Authorization Reference: actions without resource-level permissions, for which only "*" can stand.
WITHOUT_RESOURCES = {
    "batch:DescribeComputeEnvironments",
    "batch:DescribeJobDefinitions",
    "batch:DescribeJobQueues",
    "batch:DescribeJobs",
    "batch:ListJobs",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
    "cloudwatch:PutMetricData",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplates",
    "fsx:DescribeDataRepositoryAssociations",
    "fsx:DescribeDataRepositoryTasks",
    "fsx:DescribeFileSystems",
    "servicequotas:GetServiceQuota",
} | BY_STEP_FUNCTIONS


def statements(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return found


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def allowed(policy: str) -> set[str]:
    return {action for statement in statements(policy) for action in listed(statement["Action"])}


def calls(definition: Definition) -> set[str]:
    """The definition's calls as botocore names them."""
    made = {f"{task.service_model.service_name}:{task.model.name}" for task in sdk_tasks(definition.states)}
    return made | {BY_INTEGRATION[resource] for resource in optimised_tasks(definition.states).values()}


BY_INTEGRATION = {
    "lambda:invoke": "lambda:Invoke",
    "states:startExecution": "stepfunctions:StartExecution",
    "states:startExecution.sync:2": "stepfunctions:StartExecution",
}
# Step Functions guide, IAM policies for nested workflows: what .sync needs beside the start.
TO_WAIT_FOR_AN_EXECUTION = {
    "states:DescribeExecution",
    "states:StopExecution",
    "events:PutTargets",
    "events:PutRule",
    "events:DescribeRule",
}


def policies(graph: Graph) -> Iterator[tuple[str, str]]:
    for policy in graph.all("aws:iam/rolePolicy:RolePolicy"):
        yield policy.name.removeprefix("autoexport-"), policy.text("policy")


# ---------------------------------------------------------------------- exactly what is called
def test_every_call_of_the_definition_has_a_row_that_says_what_it_needs(definition: Definition) -> None:
    assert calls(definition) - set(ROWS) == set()


def test_the_role_allows_every_action_that_the_calls_need_and_nothing_else(definition: Definition) -> None:
    needed = {row.action for call in calls(definition) for row in ROWS[call]} - NOT_FOR_OUR_CALLS - WITH_A_KEY
    if "states:startExecution.sync:2" in optimised_tasks(definition.states).values():
        needed |= TO_WAIT_FOR_AN_EXECUTION
    assert allowed(definition.policy) - needed - DOCUMENTED_FOR_LINKS == BY_STEP_FUNCTIONS
    assert needed - allowed(definition.policy) == set()


def test_the_run_may_create_a_persistent_file_system_under_the_customers_key_and_no_other() -> None:
    other = KEY.replace("1234abcd", "deadbeef")
    run = definition_of(record_stack({"kmsKeyArn": KEY}))
    asked = {"Tags": [{"Key": "lustre-batch:stack", "Value": STACK}], "KmsKeyId": KEY}
    place = Place(account_id="123456789012", region="us-east-1")
    assert refusal([json.loads(run.policy)], "role", "fsx", "CreateFileSystem", asked, place) is None
    refused = refusal([json.loads(run.policy)], "role", "fsx", "CreateFileSystem", asked | {"KmsKeyId": other}, place)
    assert refused is not None
    assert "kms:DescribeKey" in refused
    elsewhere = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:GrantIsForAWSResource": "true"}
    assert not evaluate([json.loads(run.policy)], "kms:CreateGrant", KEY, elsewhere).allowed


def test_the_functions_role_reads_the_metric_and_writes_its_own_log(graph: Graph) -> None:
    policy = dict(policies(graph))["check-metrics"]
    assert allowed(policy) == {"cloudwatch:GetMetricData", "logs:CreateLogStream", "logs:PutLogEvents"}
    (log,) = [each for each in statements(policy) if each["Sid"] == "WriteItsLog"]
    assert log["Resource"].startswith(f"arn:aws:logs:{HERE}:log-group:/aws/lambda/autoexport-")


@pytest.mark.parametrize("name", ["clean-up-rule", "sweep"])
def test_the_rule_and_the_schedule_start_the_clean_up_only(graph: Graph, name: str) -> None:
    start, *others = statements(dict(policies(graph))[name])
    assert start["Action"] == "states:StartExecution"
    assert start["Resource"] == graph.exports["cleanUpStateMachineArn"]
    assert [each["Action"] for each in others] == ([] if name == "clean-up-rule" else ["sqs:SendMessage"])


# ---------------------------------------------------------------------- form
def test_wildcards_stand_in_actions_only_where_aws_itself_puts_them(graph: Graph) -> None:
    for name, policy in policies(graph):
        assert {action for action in allowed(policy) if "*" in action} <= DOCUMENTED_WILDCARDS, name


def test_every_resource_is_named_unless_the_action_knows_none(graph: Graph) -> None:
    for name, policy in policies(graph):
        for statement in statements(policy):
            if "*" in listed(statement["Resource"]):
                assert set(listed(statement["Action"])) <= WITHOUT_RESOURCES, (name, statement["Sid"])


def test_every_statement_says_in_its_sid_what_it_is_for(graph: Graph) -> None:
    for name, policy in policies(graph):
        sids = [statement["Sid"] for statement in statements(policy)]
        assert len(sids) == len(set(sids)), name
        assert all(sid.isalnum() and sid[0].isupper() for sid in sids), name


def test_no_policy_is_larger_than_iam_takes(graph: Graph) -> None:
    """IAM quotas: the inline policies of a role together, white space left out, up to 10,240 characters."""
    for name, policy in policies(graph):
        assert len("".join(policy.split())) < 10_240 * 0.9, name


# parliament asks every statement for every resource type that its actions know. (action, type): why it is not there.
EXPECTED_FINDINGS = {
    ("fsx:CreateDataRepositoryTask", "task/*"): "the task is new: TagTasksAtCreation",
    ("fsx:CreateDataRepositoryTask", "file-system/*"): "the file system exists: ExportAndDeleteItsOwnFileSystems",
    ("fsx:CreateDataRepositoryAssociation", "file-system/*"): "the same",
    ("batch:SubmitJob", "job-definition/*"): "the definition's revisions are named, name:revision",
    ("batch:SubmitJob", "job-queue/*"): "by its tag: SubmitToItsQueues",
    ("batch:SubmitJob", "job/*"): "the job is new, and has no tags yet: SubmitItsJob",
    ("states:DescribeExecution", "express:*:*:*"): "the machine is a standard one",
    ("states:ListExecutions", "mapRun:*/*:*"): "it has no map states",
}


def test_parliament_has_nothing_to_say_about_any_policy(graph: Graph) -> None:
    seen: set[tuple[str, str]] = set()
    unexpected: list[tuple[str, ...]] = []
    for name, text in policies(graph):
        for finding in parliament.analyze_policy_string(text, ignore_private_auditors=True).findings:
            finding = parliament.enhance_finding(finding)
            if finding.issue != "RESOURCE_MISMATCH":
                unexpected.append((name, finding.severity, finding.issue, str(finding.detail)))
                continue
            for detail in finding.detail:
                found = (detail["action"], detail["required_format"].split(":", 5)[-1])
                # the documented s3:Get* and s3:List* reach actions of access points, which the bucket is none of
                if found[0].startswith(("s3:Get", "s3:List")):
                    continue
                seen.add(found)
                if found not in EXPECTED_FINDINGS:
                    unexpected.append((name, *found))
    assert unexpected == []
    assert seen == set(EXPECTED_FINDINGS), "an exception that is not needed any more"


def test_parliament_would_have_something_to_say_about_a_wrong_one() -> None:
    statement = {"Sid": "A", "Effect": "Allow", "Action": "fsx:DeleteFileSistem", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert parliament.analyze_policy_string(text, ignore_private_auditors=True).findings


# ---------------------------------------------------------------------- what is out of reach
OURS = {"aws:ResourceTag/lustre-batch:stack": STACK}
OTHERS = {"aws:ResourceTag/lustre-batch:stack": "other-1234567"}
TAGGING = {"aws:RequestTag/lustre-batch:stack": STACK}
FILE_SYSTEM = f"arn:aws:fsx:{HERE}:file-system/fs-1"


RUN_MACHINE, CLEAN_UP_MACHINE = STACK, f"{STACK}-clean-up"
NEW = f"arn:aws:fsx:{HERE}:file-system/*"
ASSOCIATION = f"arn:aws:fsx:{HERE}:association/fs-1/dra-1"
TEMPLATE, NEW_TEMPLATE = (f"arn:aws:ec2:{HERE}:launch-template/{name}" for name in ("lt-1", "*"))
JOB = f"arn:aws:batch:{HERE}:job/1"
ENVIRONMENT = f"arn:aws:batch:{HERE}:compute-environment/autoexport-environment-2-1234567"
QUEUE = f"arn:aws:batch:{HERE}:job-queue/autoexport-queue-2-1234567"
JOB_DEFINITION = f"arn:aws:batch:{HERE}:job-definition/{STACK}:3"
START = f"arn:aws:states:{HERE}:stateMachine:{CLEAN_UP_MACHINE}"
OWN_RULE = f"arn:aws:events:{HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
AT_CREATION = {"ec2:CreateAction": "CreateLaunchTemplate"}


def permitted(definition: Definition, action: str, resource: str, context: dict[str, str]) -> bool:
    return evaluate([json.loads(definition.policy)], action, resource, context).allowed


@pytest.mark.parametrize(
    ("action", "resource", "context", "by_run", "by_clean_up"),
    [
        # What is created is the run's, what ends is the clean-up's.
        ("fsx:CreateFileSystem", NEW, TAGGING, True, False),
        ("ec2:CreateLaunchTemplate", NEW_TEMPLATE, TAGGING, True, False),
        ("ec2:CreateTags", NEW_TEMPLATE, AT_CREATION, True, False),
        ("batch:RegisterJobDefinition", JOB_DEFINITION, {}, True, False),
        ("secretsmanager:GetSecretValue", "the secret", {}, True, False),
        ("dynamodb:PutItem", "the table", {}, True, False),
        ("fsx:DeleteFileSystem", FILE_SYSTEM, OURS, False, True),
        ("fsx:UpdateDataRepositoryAssociation", ASSOCIATION, OURS, False, True),
        ("fsx:CreateDataRepositoryTask", FILE_SYSTEM, OURS, False, True),
        ("fsx:CancelDataRepositoryTask", f"arn:aws:fsx:{HERE}:task/task-1", {}, False, True),
        ("ec2:DeleteLaunchTemplate", TEMPLATE, OURS, False, True),
        ("batch:TerminateJob", JOB, OURS, False, True),
        ("batch:DeregisterJobDefinition", JOB_DEFINITION, {}, False, True),
        # Either gives up what it no longer wants, and the run asks after those it waits for.
        ("dynamodb:DeleteItem", "the table", {}, True, True),
        ("dynamodb:UpdateItem", "the table", {}, True, True),
        ("states:DescribeExecution", f"arn:aws:states:{HERE}:execution:{RUN_MACHINE}:run", {}, True, True),
        ("states:DescribeExecution", f"arn:aws:states:{HERE}:execution:{CLEAN_UP_MACHINE}:x", {}, True, False),
        ("states:StopExecution", f"arn:aws:states:{HERE}:execution:{CLEAN_UP_MACHINE}:x", {}, True, False),
        ("states:StopExecution", f"arn:aws:states:{HERE}:execution:{RUN_MACHINE}:run", {}, False, False),
        ("states:StartExecution", START, {}, True, True),
        ("states:StartExecution", f"arn:aws:states:{HERE}:stateMachine:{RUN_MACHINE}", {}, False, False),
        ("events:PutRule", OWN_RULE, {}, True, False),
        ("events:PutRule", f"arn:aws:events:{HERE}:rule/other", {}, False, False),
        ("fsx:TagResource", FILE_SYSTEM, OURS, True, True),
        # The stack's lanes, of which either knows the tag.
        ("batch:UpdateComputeEnvironment", ENVIRONMENT, OURS, True, True),
        ("batch:UpdateJobQueue", QUEUE, OURS, True, True),
        ("batch:SubmitJob", QUEUE, OURS, True, False),
        ("batch:SubmitJob", JOB_DEFINITION, {}, True, False),
        ("batch:SubmitJob", f"arn:aws:batch:{HERE}:job/*", TAGGING, True, False),
        # What belongs to others.
        ("fsx:DeleteFileSystem", FILE_SYSTEM, {}, False, False),
        ("fsx:DeleteFileSystem", FILE_SYSTEM, OTHERS, False, False),
        ("fsx:DeleteFileSystem", FILE_SYSTEM, TAGGING, False, False),
        ("fsx:TagResource", FILE_SYSTEM, OTHERS, False, False),
        ("fsx:CreateFileSystem", NEW, {}, False, False),
        ("fsx:UpdateDataRepositoryAssociation", ASSOCIATION, OTHERS, False, False),
        ("fsx:CreateDataRepositoryTask", FILE_SYSTEM, OTHERS, False, False),
        ("ec2:CreateLaunchTemplate", NEW_TEMPLATE, {}, False, False),
        ("ec2:DeleteLaunchTemplate", TEMPLATE, OTHERS, False, False),
        ("ec2:CreateTags", TEMPLATE, {}, False, False),
        ("ec2:CreateTags", f"arn:aws:ec2:{HERE}:instance/i-1", {"ec2:CreateAction": "RunInstances"}, False, False),
        # Whoever submitted it to a queue of the stack: no condition key names the queue of a job.
        ("batch:TerminateJob", JOB, OTHERS, False, True),
        # Another project's stack of the same name has lanes whose names begin alike.
        ("batch:UpdateComputeEnvironment", ENVIRONMENT, OTHERS, False, False),
        ("batch:UpdateComputeEnvironment", ENVIRONMENT, TAGGING, False, False),
        ("batch:UpdateJobQueue", QUEUE, OTHERS, False, False),
        ("batch:SubmitJob", QUEUE, OTHERS, False, False),
        ("batch:TagResource", ENVIRONMENT, TAGGING, False, False),
        ("batch:TagResource", QUEUE, TAGGING, False, False),
        ("batch:UpdateJobQueue", f"arn:aws:batch:{HERE}:job-queue/other", {}, False, False),
        ("batch:TagResource", JOB, {}, False, False),
        ("batch:UpdateComputeEnvironment", f"arn:aws:batch:{HERE}:compute-environment/other", {}, False, False),
        ("batch:DeregisterJobDefinition", f"arn:aws:batch:{HERE}:job-definition/other:3", {}, False, False),
        ("batch:SubmitJob", f"arn:aws:batch:{HERE}:job-queue/other", {}, False, False),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:other-AbCdEf", {}, False, False),
        ("dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/other", {}, False, False),
        ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{HERE}:table/other", {}, False, False),
        ("states:DescribeExecution", f"arn:aws:states:{HERE}:execution:other:run", {}, False, False),
        ("s3:GetObject", "arn:aws:s3:::other/key", {}, False, False),
        ("s3:DeleteObject", "arn:aws:s3:::autoexport-data-8a23db2/key", {}, False, False),
        ("sns:Publish", f"arn:aws:sns:{HERE}:other", {}, False, False),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/admin", {}, False, False),
        (
            "iam:CreateServiceLinkedRole",
            "arn:aws:iam::123456789012:role/aws-service-role/other.amazonaws.com/X",
            {},
            False,
            False,
        ),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:other", {}, False, False),
    ],
)
def test_each_role_reaches_its_own_part_of_the_stacks_resources_and_nothing_of_others(
    run: Definition,
    clean_up: Definition,
    action: str,
    resource: str,
    context: dict[str, str],
    by_run: bool,
    by_clean_up: bool,
) -> None:
    named = {
        "the secret": run.states["GetParameters"]["Arguments"].get("SecretId"),
        "the table": next(
            item for each in statements(run.policy) if each["Sid"] == "TakeALane" for item in listed(each["Resource"])
        ),
    }
    where = named.get(resource, resource)
    assert (permitted(run, action, where, context), permitted(clean_up, action, where, context)) == (
        by_run,
        by_clean_up,
    )


def test_the_execution_role_reads_the_secrets_that_the_stack_names_and_what_it_takes_to_start_the_job() -> None:
    """ECS guide, task execution role: secrets. With such a role, the agent pulls the image (amazon-ecs-agent #906) and
    writes the log by it as well (re:Post, "ECS container logs in CloudWatch")."""
    stack = {"jobDefinitionSecrets": json.dumps({"A": f"{SECRET}:key::"}), "jobSecretArns": json.dumps([PARAMETER])}
    graph = record_stack(stack)
    run = definition_of(graph)
    name = "autoexport-job-execution"
    policy = json.loads(graph.one("aws:iam/rolePolicy:RolePolicy", name).inputs["policy"])
    role = graph.one("aws:iam/role:Role", name)
    assert json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Principal"] == {
        "Service": "ecs-tasks.amazonaws.com"
    }
    assert permitted(run, "iam:PassRole", role.outputs["arn"], {"iam:PassedToService": "ecs-tasks.amazonaws.com"})
    by_secrets = {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com", "kms:EncryptionContext:SecretARN": SECRET}
    key = "arn:aws:kms:us-east-1:123456789012:key/1"
    (log,) = [each.outputs["arn"] for each in graph.all("aws:cloudwatch/logGroup:LogGroup") if "jobs" in each.name]
    for action, resource, context, allowed in (
        ("secretsmanager:GetSecretValue", SECRET, {}, True),
        ("secretsmanager:GetSecretValue", f"{SECRET}x", {}, False),
        ("ssm:GetParameters", PARAMETER, {}, True),
        ("ssm:GetParameters", f"{PARAMETER}/x", {}, False),
        ("kms:Decrypt", key, by_secrets, True),
        ("kms:Decrypt", key, by_secrets | {"kms:EncryptionContext:SecretARN": f"{SECRET}x"}, False),
        ("kms:Decrypt", key, {}, False),
        ("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:123456789012:repository/any", {}, True),
        ("logs:PutLogEvents", f"{log}:log-stream:a", {}, True),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:other:log-stream:a", {}, False),
    ):
        assert evaluate([policy], action, resource, context).allowed is allowed, (action, resource)


def test_no_execution_role_is_there_for_a_stack_without_secrets(graph: Graph) -> None:
    assert [each.name for each in graph.all("aws:iam/role:Role") if "execution" in each.name] == []


def test_a_run_may_link_the_buckets_that_the_stack_names_and_no_others(run: Definition, clean_up: Definition) -> None:
    """FSx guide, setting up: what whoever links a bucket has to be allowed, whichever way the link goes."""
    linking = definition_of(record_stack({"inputBuckets": '["genomes", "public.data"]'}))
    for bucket, named in (("genomes", True), ("public.data", True), ("genomes2", False), ("publicxdata", False)):
        where = f"arn:aws:s3:::{bucket}"
        for action, resource in (
            ("s3:ListBucket", where),
            ("s3:GetObject", f"{where}/a"),
            ("s3:PutObject", f"{where}/a"),
        ):
            assert permitted(linking, action, resource, {}) == named
            assert not permitted(run, action, resource, {})
            assert not permitted(clean_up, action, resource, {})
        assert not permitted(linking, "s3:DeleteObject", f"{where}/a", {})


def test_a_run_may_give_its_job_the_roles_that_the_stack_names_and_no_others(clean_up: Definition) -> None:
    """SAR, RegisterJobDefinition: iam:PassRole, to ECS's tasks."""
    roles = [f"arn:aws:iam::123456789012:role/{name}" for name in ("one", "path/two")]
    run = definition_of(record_stack({"jobRoleArns": json.dumps(roles)}))
    to_tasks = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    for role in roles:
        assert permitted(run, "iam:PassRole", role, to_tasks)
        assert not permitted(run, "iam:PassRole", role, {"iam:PassedToService": "lambda.amazonaws.com"})
        assert not permitted(run, "iam:PassRole", f"{role}x", to_tasks)
        assert not permitted(clean_up, "iam:PassRole", role, to_tasks)
