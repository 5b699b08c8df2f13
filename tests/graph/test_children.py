"""Exactly which resources there are, whose children they are, and in which order they can be created and deleted."""

from __future__ import annotations

import pytest
from lustre_batch import LustreBatchAutoExport
from lustre_batch.notifications import UNHEARD, WITHOUT_KEY

from rehearsal.aws.account import Account
from rehearsal.provider import mocks
from tests.graph.recording import COMPONENT, STACK, Graph, record, record_stack

# type: what follows the component's name in the name of each child
CHILDREN = {
    "aws:batch/computeEnvironment:ComputeEnvironment": ["environment", "environment-2"],
    "aws:batch/jobQueue:JobQueue": ["queue", "queue-2"],
    "aws:cloudwatch/dashboard:Dashboard": ["dashboard"],
    "aws:cloudwatch/eventRule:EventRule": ["clean-up"],
    "aws:cloudwatch/eventTarget:EventTarget": ["clean-up"],
    "aws:cloudwatch/logGroup:LogGroup": [
        "check-metrics",
        "clean-up",
        "file-systems",
        "guard-destroy",
        "guard-lanes",
        "jobs",
        "workflow",
    ],
    "aws:cloudwatch/metricAlarm:MetricAlarm": [
        "clean-up-failed",
        "full",
        "kept",
        "run-failed",
        "undelivered",
        "without-run",
    ],
    "aws:dynamodb/table:Table": ["lanes"],
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ["unused"],
    "aws:ec2/eip:Eip": ["nat"],
    "aws:ec2/internetGateway:InternetGateway": ["internet"],
    "aws:ec2/natGateway:NatGateway": ["nat"],
    "aws:ec2/route:Route": ["private", "public"],
    "aws:ec2/routeTable:RouteTable": ["private", "public"],
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ["private-1", "private-2", "public-1", "public-2"],
    "aws:ec2/securityGroup:SecurityGroup": ["lustre"],
    "aws:ec2/subnet:Subnet": ["private-1", "private-2", "public-1", "public-2"],
    "aws:ec2/vpc:Vpc": ["vpc"],
    "aws:ec2/vpcEndpoint:VpcEndpoint": ["s3"],
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ["image"],
    "aws:ecr/repository:Repository": ["batch-job-with-lustre-auto-export"],
    "aws:iam/instanceProfile:InstanceProfile": ["instance"],
    "aws:iam/role:Role": [
        "check-metrics",
        "clean-up",
        "clean-up-rule",
        "guard-destroy",
        "guard-lanes",
        "instance",
        "sweep",
        "workflow",
    ],
    "aws:iam/rolePolicy:RolePolicy": [
        "check-metrics",
        "clean-up",
        "clean-up-rule",
        "guard-destroy",
        "guard-lanes",
        "sweep",
        "workflow",
    ],
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ["instance"],
    "aws:lambda/function:Function": ["check-metrics", "guard-destroy", "guard-lanes"],
    "aws:lambda/invocation:Invocation": ["guard-destroy", "guard-lanes"],
    "aws:s3/bucket:Bucket": ["data"],
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ["data"],
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ["data"],
    "aws:s3/bucketPolicy:BucketPolicy": ["data"],
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ["data"],
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": ["data"],
    "aws:s3/bucketVersioning:BucketVersioning": ["data"],
    "aws:scheduler/schedule:Schedule": ["sweep"],
    "aws:secretsmanager/secret:Secret": ["parameters"],
    "aws:secretsmanager/secretVersion:SecretVersion": ["parameters"],
    "aws:sfn/stateMachine:StateMachine": ["clean-up", "workflow"],
    "aws:sns/topic:Topic": [""],
    "aws:sqs/queue:Queue": ["undelivered"],
    "aws:sqs/queuePolicy:QueuePolicy": ["undelivered"],
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["outbound"],
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ["lustre-1018", "lustre-988"],
}
NETWORK = {type_ for type_ in CHILDREN if type_.split("/")[0] in ("aws:ec2", "aws:vpc")}

# What others rely on reading from the stack.
EXPORTS = {
    "stateMachineArn",
    "cleanUpStateMachineArn",
    "bucketName",
    "repositoryUrl",
    "jobQueueArn",
    "computeEnvironmentArn",
    "parametersSecretArn",
    "checkMetricsFunctionName",
    "computeEnvironmentArns",
    "jobQueueArns",
    "lanesTableName",
}


def by_type(graph: Graph, component: str = STACK) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child in graph.children:
        found.setdefault(child.type, []).append(child.name.removeprefix(component).removeprefix("-"))
    return {type_: sorted(names) for type_, names in sorted(found.items())}


def test_the_program_registers_exactly_these_children(graph: Graph) -> None:
    assert by_type(graph) == CHILDREN


def test_every_child_is_parented_to_the_component_and_named_after_it(graph: Graph) -> None:
    component = graph.one(COMPONENT)
    assert component.name == STACK
    assert {child.parent for child in graph.children} == {component.urn}
    assert [child.name for child in graph.children if not child.name.startswith(STACK)] == []


def test_up_says_that_nobody_is_subscribed_unless_an_address_is_given(graph: Graph) -> None:
    assert graph.warnings == [UNHEARD]
    assert record_stack({"notificationEmail": "ops@example.com"}).warnings == []


def test_the_rehearsal_keeps_the_warning_and_does_not_print_it(capfd: pytest.CaptureFixture[str]) -> None:
    with Account() as account:
        assert mocks.deploy(account).warnings == [UNHEARD]
    assert capfd.readouterr() == ("", "")


def test_the_stack_exports_its_contract_with_the_childrens_own_values(graph: Graph) -> None:
    exports = graph.exports
    assert set(exports) == EXPORTS | {"notificationTopicArn"}
    assert exports["stateMachineArn"].startswith("arn:aws:states:us-east-1:123456789012:stateMachine:autoexport-")
    assert exports["bucketName"].startswith("autoexport-data-")
    assert exports["jobQueueArn"].startswith("arn:aws:batch:us-east-1:123456789012:job-queue/autoexport-queue-")
    environment = "arn:aws:batch:us-east-1:123456789012:compute-environment/autoexport-environment-"
    assert exports["computeEnvironmentArn"].startswith(environment)
    assert [arn.rsplit("-", 1)[0] for arn in exports["jobQueueArns"]] == [
        "arn:aws:batch:us-east-1:123456789012:job-queue/autoexport-queue",
        "arn:aws:batch:us-east-1:123456789012:job-queue/autoexport-queue-2",
    ]
    assert exports["computeEnvironmentArns"][0] == exports["computeEnvironmentArn"]
    assert exports["lanesTableName"].startswith("autoexport-lanes-")
    assert exports["parametersSecretArn"].startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:autoexport-")
    assert exports["checkMetricsFunctionName"].startswith("autoexport-check-metrics-")
    registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com/"
    assert exports["repositoryUrl"].startswith(f"{registry}autoexport-batch-job-with-lustre-auto-export-")


def test_every_public_output_of_the_component_is_registered_and_has_a_value(graph: Graph) -> None:
    outputs = graph.outputs[graph.one(COMPONENT).urn]
    assert set(outputs) == {key for key in LustreBatchAutoExport.__annotations__ if not key.startswith("_")}
    assert [key for key, value in outputs.items() if not value] == []


def test_a_preview_of_a_new_stack_registers_the_same_children_without_tripping_over_unknown_values(
    graph: Graph,
) -> None:
    preview = record_stack(preview=True)
    assert by_type(preview) == by_type(graph)
    assert preview.warnings == graph.warnings


def test_the_program_run_twice_registers_the_same_inputs(graph: Graph) -> None:
    again = record_stack()
    inputs = {child.urn: child.inputs for child in graph.children if child.type != "aws:lambda/function:Function"}
    assert {child.urn: child.inputs for child in again.children if child.urn in inputs} == inputs


def test_a_queue_takes_no_job_until_a_run_enables_it_and_no_deployment_does(graph: Graph) -> None:
    for name in ("autoexport-queue", "autoexport-queue-2"):
        queue = graph.one("aws:batch/jobQueue:JobQueue", name)
        assert (queue.inputs["state"], queue.ignore_changes) == ("DISABLED", ["state"])


def test_the_queue_depends_on_the_environment_so_that_it_is_removed_first(graph: Graph) -> None:
    queue = graph.one("aws:batch/jobQueue:JobQueue", "autoexport-queue")
    environment = graph.one("aws:batch/computeEnvironment:ComputeEnvironment", "autoexport-environment")
    assert queue.inputs["computeEnvironmentOrders"] == [
        {"order": 1, "computeEnvironment": graph.exports["computeEnvironmentArn"]}
    ]
    assert environment.urn in queue.depends_on


def test_the_environment_outlives_nothing_it_needs_to_be_scaled_down_and_deleted(graph: Graph) -> None:
    """Its instances need the role's policy and a way to ECS until the environment is gone."""
    environment = graph.one("aws:batch/computeEnvironment:ComputeEnvironment", "autoexport-environment")
    for type_, name in [
        ("aws:iam/instanceProfile:InstanceProfile", "autoexport-instance"),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "autoexport-instance"),
        ("aws:ec2/route:Route", "autoexport-private"),
        ("aws:ec2/route:Route", "autoexport-public"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "autoexport-s3"),
        ("aws:ec2/securityGroup:SecurityGroup", "autoexport-lustre"),
        ("aws:ec2/subnet:Subnet", "autoexport-private-1"),
    ]:
        assert graph.one(type_, name).urn in environment.depends_on, name


@pytest.mark.parametrize(
    ("user", "name", "part"),
    [
        ("aws:sfn/stateMachine:StateMachine", "workflow", "workflow"),
        ("aws:sfn/stateMachine:StateMachine", "clean-up", "clean-up"),
        ("aws:lambda/function:Function", "check-metrics", "check-metrics"),
        ("aws:lambda/function:Function", "guard-destroy", "guard-destroy"),
        ("aws:cloudwatch/eventTarget:EventTarget", "clean-up", "clean-up-rule"),
        ("aws:scheduler/schedule:Schedule", "sweep", "sweep"),
    ],
)
def test_whoever_uses_a_role_waits_for_its_policy(graph: Graph, user: str, name: str, part: str) -> None:
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", f"{STACK}-{part}")
    assert policy.urn in graph.one(user, f"{STACK}-{name}").depends_on


def test_the_guard_depends_on_every_other_child_so_that_it_is_deleted_first(graph: Graph) -> None:
    guard = graph.one("aws:lambda/invocation:Invocation", "autoexport-guard-destroy")
    assert graph.children[-1] is guard
    assert {child.name for child in graph.children if child.urn not in guard.depends_on} == {guard.name}
    assert sorted(guard.depends_on) == sorted(child.urn for child in graph.children if child is not guard)


def test_the_nat_gateway_waits_for_the_internet_gateway(graph: Graph) -> None:
    """VPC guide, NAT gateways: a public one cannot be created before the VPC has an internet gateway."""
    gateway = graph.one("aws:ec2/internetGateway:InternetGateway")
    assert gateway.urn in graph.one("aws:ec2/natGateway:NatGateway").depends_on


def test_the_bucket_policy_waits_for_the_public_access_block_and_the_lifecycle_for_versioning(graph: Graph) -> None:
    block = graph.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
    versioning = graph.one("aws:s3/bucketVersioning:BucketVersioning")
    assert block.urn in graph.one("aws:s3/bucketPolicy:BucketPolicy").depends_on
    lifecycle = graph.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
    assert versioning.urn in lifecycle.depends_on


def test_what_the_workflow_and_batch_change_at_run_time_is_left_alone_by_a_deployment(graph: Graph) -> None:
    environment = graph.one("aws:batch/computeEnvironment:ComputeEnvironment", "autoexport-environment")
    assert environment.ignore_changes == [
        "computeResources.launchTemplate",
        "computeResources.ec2Configurations",
        "computeResources.desiredVcpus",
    ]


# What else a deployment may ignore: a change would replace a resource that is in use, or that holds data.
SET_ONCE = {
    "aws:batch/jobQueue:JobQueue": ["state"],
    "aws:ec2/subnet:Subnet": ["availabilityZone", "availabilityZoneId"],
    "aws:ecr/repository:Repository": ["encryptionConfigurations"],
    "aws:secretsmanager/secretVersion:SecretVersion": ["versionStages"],
}


def test_nothing_else_is_left_alone_but_what_would_replace_a_resource_in_use(graph: Graph) -> None:
    others = [child for child in graph.children if child.type != "aws:batch/computeEnvironment:ComputeEnvironment"]
    for child in others:
        assert child.ignore_changes in ([], SET_ONCE.get(child.type)), child.name
    subnets = graph.all("aws:ec2/subnet:Subnet")
    assert [subnet.ignore_changes for subnet in subnets] == [SET_ONCE["aws:ec2/subnet:Subnet"]] * 4


def test_without_arguments_the_component_is_the_same_as_the_stack_with_nothing_configured(graph: Graph) -> None:
    alone = record(lambda: LustreBatchAutoExport(STACK))
    assert by_type(alone) == by_type(graph)
    ours = {child.urn: child.inputs for child in graph.children if child.type != "aws:lambda/function:Function"}
    assert {child.urn: child.inputs for child in alone.children if child.urn in ours} == ours


def test_with_a_key_up_says_what_it_does_not_reach_and_whom_its_policy_has_to_admit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.info", lambda message, resource=None: said.append(message))
    record_stack()
    assert said == []
    record_stack({"kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"})
    assert said == [WITHOUT_KEY]
