"""The component in other hands: another partition, two in one program, the caller's options, adopted resources."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs, SettingsError
from tests.graph.recording import COMPONENT, Graph, Place, Registration, record, record_stack

CHINA = Place("aws-cn", "cn-north-1", "210987654321", "amazonaws.com.cn", ("cn-north-1a", "cn-north-1b"))
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ROLE, MACHINE = "aws:iam/role:Role", "aws:sfn/stateMachine:StateMachine"
ENVIRONMENT = "aws:batch/computeEnvironment:ComputeEnvironment"
# What AWS makes unique in an account, or in the world, when it is given.
PHYSICAL_NAMES = ("name", "namePrefix", "bucket", "bucketPrefix", "roleName", "functionName")


def component(name: str = "lustre", opts: pulumi.ResourceOptions | None = None, **args: Any) -> Graph:
    return record(lambda: LustreBatchAutoExport(name, LustreBatchAutoExportArgs(**args), opts))


def texts(value: Any) -> Iterator[str]:
    """Every text in a nested value, keys and secret values included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from [str(key), *texts(item)]
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


@cache
def takes(type_: str, argument: str) -> bool:
    """Whether pulumi-aws says that a resource of that type has the argument."""
    module, kind = type_.removeprefix("aws:").split("/")
    owner = getattr(aws, {"lambda": "lambda_"}.get(module, module))
    resource = getattr(owner, kind.split(":")[1])
    return argument in inspect.signature(resource._internal_init).parameters


# ---------------------------------------------------------------------- any region and partition
def test_in_another_partition_no_input_names_the_usual_one_its_region_or_another_account() -> None:
    graph = record_stack({"aws:region": "cn-north-1"}, place=CHINA)
    foreign = re.compile(r"arn:aws:|us-east-1|123456789012")
    for child in graph.children:
        for text in texts(child.inputs):
            found = foreign.search(text)
            assert not found, f"{child.name}: …{text[max(0, found.start() - 40) : found.end() + 20]}…"


def test_in_another_partition_every_arn_is_of_that_partition_and_account() -> None:
    graph = record_stack(place=CHINA)
    arns = [
        arn
        for child in graph.children
        for text in texts(child.inputs)
        for arn in re.findall(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9a-z]*:", text)
    ]
    assert len(arns) > 30
    for arn in arns:
        _, partition, service, _, account, _ = arn.split(":")
        assert partition == "aws-cn", arn
        assert account in ("210987654321", "aws", "") or service == "states", arn


# ---------------------------------------------------------------------- several in one program
def two() -> None:
    for name in ("red", "blue"):
        LustreBatchAutoExport(name)


def test_two_instances_fit_in_one_program_and_share_no_name() -> None:
    graph = record(two)
    urns = [each.urn for each in graph.registrations]
    assert len(urns) == len(set(urns)) == 2 * 52
    by_owner: dict[str, set[tuple[str, str]]] = {"red": set(), "blue": set()}
    for child in graph.children:
        owner = child.parent.rsplit("::", 1)[-1]
        for key in PHYSICAL_NAMES:
            if isinstance(child.inputs.get(key), str) and not child.type.startswith("aws:s3/bucket"):
                by_owner[owner].add((child.type, child.inputs[key]))
    assert len(by_owner["red"]) == len(by_owner["blue"]) > 0
    assert by_owner["red"] & by_owner["blue"] == set()


def test_two_instances_in_one_program_never_mention_each_other() -> None:
    for child in record(two).children:
        own = child.parent.rsplit("::", 1)[-1]
        other = {"red": "blue", "blue": "red"}[own]
        assert [text for text in texts(child.inputs) if f"{other}-" in text] == [], child.name
        assert [urn for urn in child.depends_on if urn.rsplit("::", 1)[-1].startswith(other)] == [], child.name


# ---------------------------------------------------------------------- the caller's options
def test_protection_reaches_every_child() -> None:
    graph = component(opts=pulumi.ResourceOptions(protect=True))
    assert [child.name for child in graph.children if not child.protect] == []
    assert [child.name for child in component().children if child.protect] == []


def test_the_callers_provider_reaches_every_child() -> None:
    def program() -> None:
        provider = aws.Provider("elsewhere", region="eu-west-1")
        LustreBatchAutoExport("lustre", opts=pulumi.ResourceOptions(providers=[provider]))

    graph = record(program)
    assert {child.provider.rsplit("::", 1)[0].rsplit("::", 1)[-1] for child in graph.children} == {"elsewhere"}


def test_an_alias_of_the_component_reaches_every_child() -> None:
    """The engine hands a parent's alias on to each child whose name begins with the parent's (Pulumi docs, aliases).

    Renamed by its owner, the component would otherwise replace everything it has, the bucket included.
    """
    graph = component("new", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))
    renamed = graph.one(COMPONENT)
    assert renamed.aliases == ["old"]
    assert [child.name for child in graph.children if not child.name.startswith("new")] == []
    assert {child.parent for child in graph.children} == {renamed.urn}


# ---------------------------------------------------------------------- adopting
def test_an_adopted_network_is_used_as_it_is_and_nothing_is_created_in_it() -> None:
    graph = component(
        vpc_id="vpc-1", subnet_ids=["subnet-1", "subnet-2"], security_group_ids=["sg-1"], spread_across_zones=True
    )
    assert [child.type for child in graph.children if child.type.startswith(("aws:ec2/", "aws:vpc/"))] == []
    resources = graph.one(ENVIRONMENT).inputs["computeResources"]
    assert resources["subnets"] == ["subnet-1", "subnet-2"]
    assert resources["securityGroupIds"] == ["sg-1"]
    (created,) = [state for state in states(graph).values() if state.get("Resource", "").endswith(":createFileSystem")]
    assert created["Arguments"]["SubnetIds"] == ["subnet-1"]
    assert "sg-1" in created["Arguments"]["SecurityGroupIds"]


def states(graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(graph.one(MACHINE).inputs["definition"])["States"]
    return found


def test_in_an_adopted_vpc_without_groups_only_the_lustre_group_is_created() -> None:
    graph = component(vpc_id="vpc-1", subnet_ids=["subnet-1"])
    network = [child.type for child in graph.children if child.type.startswith(("aws:ec2/", "aws:vpc/"))]
    assert sorted(network) == [
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        *["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"] * 2,
    ]
    assert graph.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"] == "vpc-1"


def test_an_adopted_bucket_is_neither_created_nor_configured_and_its_prefix_is_linked() -> None:
    graph = component(bucket_name="results", bucket_prefix="runs/today")
    assert [child.type for child in graph.children if child.type.startswith("aws:s3/")] == []
    definition = graph.one(MACHINE).inputs["definition"]
    assert "'DataRepositoryPath': 's3://results/runs/today/'" in definition
    assert "s3://results/runs/today/lustre-batch-reports" in definition
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", "lustre-workflow").inputs["policy"]
    assert '"arn:aws:s3:::results", "arn:aws:s3:::results/*"' in policy


def test_an_adopted_image_needs_no_repository() -> None:
    image = "public.ecr.aws/docker/library/busybox:1.37"
    graph = component(job_definition_container_image=image)
    assert [child.type for child in graph.children if child.type.startswith("aws:ecr/")] == []
    assert graph.outputs[graph.one(COMPONENT).urn]["repository_url"] == ""
    secret = graph.one("aws:secretsmanager/secretVersion:SecretVersion").text("secretString")
    assert json.loads(secret)["jobDefinitionContainerImage"] == image


def test_arguments_may_be_another_resources_outputs() -> None:
    def program() -> None:
        vpc = aws.ec2.Vpc("mine", cidr_block="10.1.0.0/16")
        subnet = aws.ec2.Subnet("mine", vpc_id=vpc.id, cidr_block="10.1.0.0/24")
        bucket = aws.s3.Bucket("mine")
        args = LustreBatchAutoExportArgs(vpc_id=vpc.id, subnet_ids=[subnet.id], bucket_name=bucket.bucket)
        LustreBatchAutoExport("lustre", args)

    graph = record(program)
    (subnet,) = graph.one(ENVIRONMENT).inputs["computeResources"]["subnets"]
    assert subnet.startswith("mine-")
    assert graph.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"].startswith("mine-")
    assert re.search(r"'s3://mine-[0-9a-f]{7}/'", graph.one(MACHINE).inputs["definition"])
    assert len(graph.all("aws:ec2/vpc:Vpc")) == len(graph.all("aws:s3/bucket:Bucket")) == 1


def test_a_list_that_is_an_output_as_a_whole_is_taken_too() -> None:
    def program() -> None:
        whole = pulumi.Output.from_input(["subnet-1", "subnet-2"])
        LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(vpc_id="vpc-1", subnet_ids=whole))

    graph = record(program)
    assert graph.one(ENVIRONMENT).inputs["computeResources"]["subnets"] == ["subnet-1"]


def test_outputs_as_arguments_survive_a_preview_in_which_they_are_unknown() -> None:
    def program() -> None:
        vpc = aws.ec2.Vpc("mine", cidr_block="10.1.0.0/16")
        subnet = aws.ec2.Subnet("mine", vpc_id=vpc.id, cidr_block="10.1.0.0/24")
        bucket, key = aws.s3.Bucket("mine"), aws.kms.Key("mine")
        args = LustreBatchAutoExportArgs(
            vpc_id=vpc.id, subnet_ids=[subnet.id], bucket_name=bucket.bucket, kms_key_arn=key.arn
        )
        LustreBatchAutoExport("lustre", args)

    preview = record(program, preview=True)
    assert len(preview.all(MACHINE)) == 1


def test_an_output_where_a_value_has_to_be_known_is_refused_by_name() -> None:
    def program() -> None:
        LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(env_name=pulumi.Output.from_input("X")))  # type: ignore[arg-type]

    with pytest.raises(SettingsError, match="envName"):
        record(program)


# ---------------------------------------------------------------------- tags, boundary, key
def test_the_users_tags_are_on_everything_that_can_have_tags_and_on_what_the_workflow_creates() -> None:
    graph = component(tags={"cost-centre": "42"})
    taggable = [child for child in graph.children if takes(child.type, "tags")]
    assert len(taggable) > 25
    assert [child.name for child in taggable if child.inputs.get("tags", {}).get("cost-centre") != "42"] == []
    instances = graph.one(ENVIRONMENT).inputs["computeResources"]["tags"]
    assert instances["cost-centre"] == "42"
    assert "cost-centre" in states(graph)["StartRun"]["Assign"]["tags"]


def test_the_permissions_boundary_is_on_every_role() -> None:
    roles = component(permissions_boundary_arn=BOUNDARY).all(ROLE)
    assert len(roles) == 4
    assert [role.name for role in roles if role.inputs.get("permissionsBoundary") != BOUNDARY] == []
    assert [role.name for role in component().all(ROLE) if "permissionsBoundary" in role.inputs] == []


# type: where the key stands
KEYS = {
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:lambda/function:Function": "kmsKeyArn",
}


def with_key(child: Registration) -> bool:
    return KEY in json.dumps(child.inputs, default=str)


def test_the_customers_key_encrypts_whatever_holds_data() -> None:
    graph = component(kms_key_arn=KEY)
    for type_, argument in KEYS.items():
        assert [child.inputs.get(argument) for child in graph.all(type_)] == [KEY] * len(graph.all(type_)), type_
    repository = graph.one("aws:ecr/repository:Repository").inputs
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]
    encryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    (rule,) = graph.one(encryption).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert rule["bucketKeyEnabled"] is True


def test_the_workflow_may_use_the_customers_key_and_only_that_one() -> None:
    def key_statements(graph: Graph) -> list[dict[str, Any]]:
        document = json.loads(graph.one("aws:iam/rolePolicy:RolePolicy", "lustre-workflow").inputs["policy"])
        return [each for each in document["Statement"] if "kms:" in json.dumps(each["Action"])]

    (statement,) = key_statements(component(kms_key_arn=KEY))
    assert statement["Resource"] == KEY
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"}
    assert key_statements(component()) == []


def test_without_a_key_of_the_customers_none_is_named_anywhere() -> None:
    graph = component()
    assert [child.name for child in graph.children if with_key(child)] == []
    assert [child.name for child in graph.children for key in KEYS.values() if child.inputs.get(key)] == []


# ---------------------------------------------------------------------- mistakes
@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"vpc_id": "vpc-1"}, ["subnetIds", "[]", "vpc-1"]),
        ({"subnet_ids": ["subnet-1"]}, ["vpcId", "subnet-1"]),
        ({"security_group_ids": ["sg-1"]}, ["vpcId", "sg-1"]),
        ({"vpc_id": "vpc-1", "subnet_ids": ["subnet-1"], "vpc_cidr": "10.9.0.0/16"}, ["vpcCidr", "10.9.0.0/16"]),
    ],
)
def test_contradictory_arguments_are_refused_before_anything_is_registered(
    args: dict[str, Any], words: list[str]
) -> None:
    graph = Graph()
    with pytest.raises(SettingsError) as refused:
        record(lambda: LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(**args)), into=graph)
    assert graph.registrations == []
    assert [word for word in words if word not in str(refused.value)] == []


def test_wrong_configuration_registers_nothing_at_all() -> None:
    graph = Graph()
    with pytest.raises(SettingsError, match="lustre-batch:lustreStorageCapacity: 1300"):
        record_stack({"lustreStorageCapacity": "1300"}, into=graph)
    assert graph.registrations == []


@pytest.mark.parametrize("name", ["", "Upper", "9lives", "under_score", "a" * 31])
def test_a_name_that_makes_no_valid_physical_names_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="lower-case letters, digits or hyphens"):
        component(name)
