"""What a call has to be allowed to do. Owns one table: for every API call that the workflow, the Lambda and the rule
make, the IAM actions, resources and condition keys that AWS evaluates, dependent ones included. It must never be more
lenient than AWS: a call without a row is refused.

Sources: the Service Authorization Reference (SAR) for actions, resource types and condition keys; the service's guide
where a row says so. The name of what a call is about to create is not known yet, so its ARN ends with `*`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .evaluation import evaluate

Params = Mapping[str, Any]
Tags = Mapping[str, str]


def _no_tags(arn: str) -> Tags:
    return {}


@dataclass(frozen=True)
class Place:
    """Where a call is made, and what has to be looked up there."""

    account_id: str
    region: str
    partition: str = "aws"
    tags: Callable[[str], Tags] = _no_tags  # by ARN
    file_system_of: Callable[[str], str] = lambda association_id: "*"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource here; one that is an ARN already stays as it is."""
        if resource.startswith("arn:"):
            return resource
        region = "" if service in ("iam", "s3") else self.region
        return f"arn:{self.partition}:{service}:{region}:{'' if service == 's3' else self.account_id}:{resource}"


class Demand(NamedTuple):
    """One question to IAM."""

    action: str
    resource: str
    context: dict[str, str | list[str]]


Resource = Callable[[Params, Place], str]


@dataclass(frozen=True)
class Row:
    """One action of a call. Tag keys of the request go into the context of every row, as AWS does."""

    action: str
    resource: Resource
    when: Callable[[Params], Any] = lambda params: True
    context: Mapping[str, str] | Callable[[Params], Mapping[str, str]] | None = None
    tagged: bool = False  # the resource exists, so its tags are in the context


class UnknownCall(LookupError):
    """No row says what the call has to be allowed to do."""


def named_index(params: Params) -> Any:
    return params.get("IndexName")


def anything(params: Params, place: Place) -> str:
    """For an action without resource-level permissions."""
    return "*"


def of(service: str, template: str) -> Resource:
    """Return the resource whose name the template makes of the parameters; ARNs among them stay as they are."""

    def resource(params: Params, place: Place) -> str:
        values = [value for name, value in params.items() if f"{{{name}}}" in template and isinstance(value, str)]
        whole = next((value for value in values if value.startswith("arn:")), None)
        return place.arn(service, whole or template.format_map({**params}))

    return resource


def association(params: Params, place: Place) -> str:
    identity = params["AssociationId"]
    return place.arn("fsx", f"association/{place.file_system_of(identity)}/{identity}")


def launch_template(params: Params, place: Place) -> str:
    return place.arn("ec2", f"launch-template/{params.get('LaunchTemplateId', '*')}")


def secret(params: Params, place: Place) -> str:
    # SAR, Secrets Manager: a secret's ARN ends with six random characters that its name does not have.
    return place.arn(
        "secretsmanager", params["SecretId"] if ":" in params["SecretId"] else f"secret:{params['SecretId']}-*"
    )


def parameter(params: Params, place: Place) -> str:
    # SAR, Systems Manager: a parameter's ARN; SDK GetParameters, Names: a name or an ARN, here one.
    (name,) = params["Names"]
    return place.arn("ssm", name if ":" in name else f"parameter/{name.lstrip('/')}")


def queue(params: Params, place: Place) -> str:
    return place.arn("sqs", params["QueueUrl"].rpartition("/")[2])


def bucket(params: Params, place: Place) -> str:
    return place.arn("s3", params["DataRepositoryPath"].removeprefix("s3://").partition("/")[0])


def objects(params: Params, place: Place) -> str:
    return place.arn("s3", params["DataRepositoryPath"].removeprefix("s3://").rstrip("/") + "/*")


def role_of_batch(name: str) -> Resource:
    return lambda params, place: place.arn("iam", str(params["containerProperties"][name]).removeprefix("role/"))


def passed(name: str) -> Callable[[Params], Any]:
    return lambda params: params.get("containerProperties", {}).get(name)


def request_tags(params: Params) -> dict[str, str]:
    """Return the tags a call brings, in each of the three forms that services have for them."""
    given = params.get("Tags", params.get("tags", []))
    specified = [tag for specification in params.get("TagSpecifications", []) for tag in specification.get("Tags", [])]
    if isinstance(given, Mapping):
        return dict(given)
    return {tag["Key"]: tag["Value"] for tag in [*given, *specified]}


def service_linked(service: str) -> Resource:
    return lambda params, place: place.arn("iam", f"role/aws-service-role/{service}/*")


def log_destination_given(params: Params) -> Any:
    return params.get("LustreConfiguration", {}).get("LogConfiguration", {}).get("Destination")


def log_destination(params: Params, place: Place) -> str:
    return f"{log_destination_given(params)}:log-stream:*"


def given_key(params: Params) -> Any:
    return params.get("KmsKeyId")


def key(params: Params, place: Place) -> str:
    # KMS guide, key identifiers: an id without its ARN is a key of this account and region.
    return place.arn("kms", params["KmsKeyId"] if ":" in params["KmsKeyId"] else f"key/{params['KmsKeyId']}")


def metric_namespace(params: Params) -> dict[str, str]:
    return {"cloudwatch:namespace": params["Namespace"]}


FILE_SYSTEM = of("fsx", "file-system/{FileSystemId}")
NEW_FILE_SYSTEM = of("fsx", "file-system/*")
NEW_ASSOCIATION = of("fsx", "association/{FileSystemId}/*")
NEW_TASK = of("fsx", "task/*")
DEFINITION = of("batch", "job-definition/{jobDefinition}")
EXECUTION = of("states", "{executionArn}")
NEW_TEMPLATE = of("ec2", "launch-template/*")
EVERY_JOB = of("batch", "job/*")
TABLE = of("dynamodb", "table/{TableName}")
LOG_STREAMS = of("logs", "log-group:{logGroupName}:log-stream:")
FSX_ROLE, BUCKET_ROLE = "fsx.amazonaws.com", "s3.data-source.lustre.fsx.amazonaws.com"
TO_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}

ROWS: dict[str, tuple[Row, ...]] = {
    # SAR, Service Quotas: no resource can be named for reading.
    "service-quotas:GetServiceQuota": (Row("servicequotas:GetServiceQuota", anything),),
    "secretsmanager:GetSecretValue": (Row("secretsmanager:GetSecretValue", secret, tagged=True),),
    "ssm:GetParameters": (Row("ssm:GetParameters", parameter),),
    "fsx:CreateFileSystem": (
        Row("fsx:CreateFileSystem", NEW_FILE_SYSTEM),
        Row("fsx:TagResource", NEW_FILE_SYSTEM, when=request_tags),
        # SAR, FSx: dependent action of CreateFileSystem, which checks the groups against those of the VPC.
        Row("ec2:GetSecurityGroupsForVpc", of("ec2", "vpc/*"), when=lambda params: params.get("SecurityGroupIds")),
        # The managed policy AmazonFSxFullAccess grants these to who has file systems log to a group of their own.
        Row("logs:CreateLogGroup", log_destination, when=log_destination_given),
        Row("logs:CreateLogStream", log_destination, when=log_destination_given),
        Row("logs:PutLogEvents", log_destination, when=log_destination_given),
        # FSx guide, "Using service-linked roles": made with the account's first file system.
        Row("iam:CreateServiceLinkedRole", service_linked(FSX_ROLE), context={"iam:AWSServiceName": FSX_ROLE}),
        # FSx guide, "Encrypting data at rest", key policies: those that are required, for a key of one's own.
        Row("kms:DescribeKey", key, when=given_key),
        Row("kms:Decrypt", key, when=given_key),
        Row("kms:GenerateDataKeyWithoutPlaintext", key, when=given_key),
        Row("kms:CreateGrant", key, when=given_key, context={"kms:GrantIsForAWSResource": "true"}),
    ),
    "fsx:DescribeFileSystems": (Row("fsx:DescribeFileSystems", anything),),
    "fsx:DeleteFileSystem": (Row("fsx:DeleteFileSystem", FILE_SYSTEM, tagged=True),),
    "fsx:CreateDataRepositoryAssociation": (
        Row("fsx:CreateDataRepositoryAssociation", NEW_ASSOCIATION),
        Row("fsx:CreateDataRepositoryAssociation", FILE_SYSTEM, tagged=True),
        Row("fsx:TagResource", NEW_ASSOCIATION, when=request_tags),
        # FSx guide, "Setting up", permissions to link a bucket: the whole of s3:Get* and s3:List*, so it is asked for.
        Row("s3:Get*", bucket),
        Row("s3:List*", bucket),
        Row("s3:Get*", objects),
        Row("s3:PutObject", objects),
        Row("iam:CreateServiceLinkedRole", service_linked(BUCKET_ROLE), context={"iam:AWSServiceName": BUCKET_ROLE}),
        Row("iam:AttachRolePolicy", service_linked(BUCKET_ROLE)),
        Row("iam:PutRolePolicy", service_linked(BUCKET_ROLE)),
    ),
    "fsx:DescribeDataRepositoryAssociations": (Row("fsx:DescribeDataRepositoryAssociations", anything),),
    "fsx:UpdateDataRepositoryAssociation": (Row("fsx:UpdateDataRepositoryAssociation", association, tagged=True),),
    "fsx:CreateDataRepositoryTask": (
        Row("fsx:CreateDataRepositoryTask", FILE_SYSTEM, tagged=True),
        Row("fsx:CreateDataRepositoryTask", NEW_TASK),
        Row("fsx:TagResource", NEW_TASK, when=request_tags),
    ),
    "fsx:CancelDataRepositoryTask": (Row("fsx:CancelDataRepositoryTask", of("fsx", "task/{TaskId}"), tagged=True),),
    "fsx:DescribeDataRepositoryTasks": (Row("fsx:DescribeDataRepositoryTasks", anything),),
    "fsx:TagResource": (Row("fsx:TagResource", of("fsx", "{ResourceARN}"), tagged=True),),
    "ec2:CreateLaunchTemplate": (
        Row("ec2:CreateLaunchTemplate", NEW_TEMPLATE),
        # EC2 guide, "Grant permission to tag resources during creation".
        Row("ec2:CreateTags", NEW_TEMPLATE, when=request_tags, context={"ec2:CreateAction": "CreateLaunchTemplate"}),
    ),
    "ec2:DescribeInstances": (Row("ec2:DescribeInstances", anything),),
    "ec2:DescribeLaunchTemplates": (Row("ec2:DescribeLaunchTemplates", anything),),
    "ec2:DeleteLaunchTemplate": (Row("ec2:DeleteLaunchTemplate", launch_template, tagged=True),),
    "batch:UpdateComputeEnvironment": (
        Row("batch:UpdateComputeEnvironment", of("batch", "compute-environment/{computeEnvironment}"), tagged=True),
    ),
    # Service authorization reference, Batch: UpdateJobQueue names the queue, of which environments are part if given.
    "batch:UpdateJobQueue": (Row("batch:UpdateJobQueue", of("batch", "job-queue/{jobQueue}"), tagged=True),),
    "batch:DescribeJobQueues": (Row("batch:DescribeJobQueues", anything),),
    "batch:DescribeComputeEnvironments": (Row("batch:DescribeComputeEnvironments", anything),),
    "batch:RegisterJobDefinition": (
        Row("batch:RegisterJobDefinition", of("batch", "job-definition/{jobDefinitionName}")),
        Row("batch:TagResource", of("batch", "job-definition/{jobDefinitionName}:*"), when=request_tags),
        Row("iam:PassRole", role_of_batch("jobRoleArn"), when=passed("jobRoleArn"), context=TO_TASKS),
        Row("iam:PassRole", role_of_batch("executionRoleArn"), when=passed("executionRoleArn"), context=TO_TASKS),
    ),
    "batch:DescribeJobDefinitions": (Row("batch:DescribeJobDefinitions", anything),),
    "batch:DeregisterJobDefinition": (Row("batch:DeregisterJobDefinition", DEFINITION, tagged=True),),
    "batch:SubmitJob": (
        Row("batch:SubmitJob", EVERY_JOB),
        Row("batch:SubmitJob", DEFINITION, tagged=True),
        Row("batch:SubmitJob", of("batch", "job-queue/{jobQueue}"), tagged=True),
        Row("batch:TagResource", EVERY_JOB, when=request_tags),
    ),
    "batch:ListJobs": (Row("batch:ListJobs", anything),),
    "batch:DescribeJobs": (Row("batch:DescribeJobs", anything),),
    "batch:TerminateJob": (Row("batch:TerminateJob", of("batch", "job/{jobId}"), tagged=True),),
    "sns:Publish": (Row("sns:Publish", of("sns", "{TopicArn}"), tagged=True),),
    "stepfunctions:DescribeExecution": (Row("states:DescribeExecution", EXECUTION),),
    "stepfunctions:StopExecution": (Row("states:StopExecution", EXECUTION),),
    "stepfunctions:StartExecution": (Row("states:StartExecution", of("states", "{stateMachineArn}"), tagged=True),),
    "stepfunctions:ListExecutions": (Row("states:ListExecutions", of("states", "{stateMachineArn}"), tagged=True),),
    "sqs:SendMessage": (Row("sqs:SendMessage", queue),),
    # SFN guide, "Start workflow executions from a task": the managed rule by which a .sync task learns of the end.
    "events:PutRule": (Row("events:PutRule", of("events", "rule/{Name}")),),
    "events:PutTargets": (Row("events:PutTargets", of("events", "rule/{Rule}")),),
    "events:DescribeRule": (Row("events:DescribeRule", of("events", "rule/{Name}")),),
    # SAR, DynamoDB: a condition expression needs nothing of its own outside of transactions.
    "dynamodb:PutItem": (Row("dynamodb:PutItem", TABLE),),
    "dynamodb:GetItem": (Row("dynamodb:GetItem", TABLE),),
    "dynamodb:DeleteItem": (Row("dynamodb:DeleteItem", TABLE),),
    "dynamodb:UpdateItem": (Row("dynamodb:UpdateItem", TABLE),),
    # SAR, DynamoDB: a table, and an index where one is named. That the first is asked for then, too, is assumed.
    "dynamodb:Query": (
        Row("dynamodb:Query", TABLE),
        Row("dynamodb:Query", of("dynamodb", "table/{TableName}/index/{IndexName}"), when=named_index),
    ),
    "lambda:Invoke": (Row("lambda:InvokeFunction", of("lambda", "function:{FunctionName}"), tagged=True),),
    # SAR, CloudWatch: no resource can be named for reading or putting metrics; what is put has its namespace.
    "cloudwatch:GetMetricData": (Row("cloudwatch:GetMetricData", anything),),
    "cloudwatch:GetMetricStatistics": (Row("cloudwatch:GetMetricStatistics", anything),),
    "cloudwatch:PutMetricData": (Row("cloudwatch:PutMetricData", anything, context=metric_namespace),),
    # CloudWatch Logs evaluates what is read from a group as its (here unnamed) log stream.
    "logs:FilterLogEvents": (Row("logs:FilterLogEvents", LOG_STREAMS),),
    "logs:DescribeLogStreams": (Row("logs:DescribeLogStreams", LOG_STREAMS),),
}


def demands(service: str, operation: str, params: Params, place: Place) -> Iterator[Demand]:
    """Yield what IAM is asked for one call, named as botocore names service, operation and parameters.

    Raises
    ------
    UnknownCall
        When the table has no row for the call.
    """
    rows = ROWS.get(f"{service}:{operation}")
    if rows is None:
        raise UnknownCall(f"{service}:{operation} has no row that says what it has to be allowed to do")
    tags = request_tags(params)
    request: dict[str, str | list[str]] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if tags:
        request["aws:TagKeys"] = list(tags)
    for row in rows:
        if not row.when(params):
            continue
        resource = row.resource(params, place)
        own = {f"aws:ResourceTag/{key}": value for key, value in place.tags(resource).items()} if row.tagged else {}
        always = {"aws:RequestedRegion": place.region, "aws:PrincipalAccount": place.account_id}
        if row.action.startswith("kms:"):
            # KMS guide, kms:ViaService: the service that asks for its caller.
            always["kms:ViaService"] = f"{service}.{place.region}.amazonaws.com"
        context = row.context(params) if callable(row.context) else row.context or {}
        yield Demand(row.action, resource, {**always, **request, **own, **context})


def refusal(
    policies: list[dict[str, Any]],
    role_arn: str,
    service: str,
    operation: str,
    params: Params,
    place: Place,
    boundary: dict[str, Any] | None = None,
) -> str | None:
    """Return AWS's message when the role may not make the call, or None when it may.

    What the role's permissions boundary does not allow is refused, whatever its policies say (IAM guide, "Permissions
    boundaries for IAM entities").
    """
    try:
        for demand in demands(service, operation, params, place):
            decision = evaluate(policies, *demand)
            if not decision.allowed:
                return f"User: {role_arn} is not authorized to perform: {demand.action}: {decision.reason}"
            if boundary is not None and not evaluate([boundary], *demand).allowed:
                why = f"no permissions boundary allows the {demand.action} action"
                return f"User: {role_arn} is not authorized to perform: {demand.action}: {why}"
    except UnknownCall as unknown:
        return f"User: {role_arn} is not authorized: {unknown}"
    return None
