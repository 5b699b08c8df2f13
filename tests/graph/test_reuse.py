"""The component in other hands: another partition, two in one program, the caller's options, tags, boundary, key."""

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
from lustre_batch import LustreBatchAutoExport

from tests.graph.recording import COMPONENT, Graph, Mocks, Registration, record, record_stack
from tests.graph.standalone import ENVIRONMENT, component

GOV_CLOUD = Mocks("aws-us-gov", "us-gov-west-1", "210987654321", zones=("usgw1-az1", "usgw1-az2"))
CHINA = Mocks("aws-cn", "cn-north-1", suffix="amazonaws.com.cn", zones=("cnn1-az1", "cnn1-az2"))
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ROLE = "aws:iam/role:Role"
# Names that have to be unique in an account, or in the world, when they are given.
PHYSICAL_NAMES = ("name", "namePrefix", "bucket", "bucketPrefix", "roleName", "functionName")


def texts(value: Any) -> Iterator[str]:
    """Every string in a nested value, including keys and secret values."""
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
    graph = record_stack({"aws:region": "us-gov-west-1"}, mocks=GOV_CLOUD)
    foreign = re.compile(r"arn:aws:|us-east-1|123456789012")
    for child in graph.children:
        for text in texts(child.inputs):
            found = foreign.search(text)
            assert not found, f"{child.name}: …{text[max(0, found.start() - 40) : found.end() + 20]}…"


def test_in_another_partition_every_arn_is_of_that_partition_and_account() -> None:
    graph = record_stack(mocks=GOV_CLOUD)
    arns = [
        arn
        for child in graph.children
        for text in texts(child.inputs)
        for arn in re.findall(r"arn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9a-z]*:", text)
    ]
    assert len(arns) > 30
    for arn in arns:
        _, partition, service, _, account, _ = arn.split(":")
        assert partition == "aws-us-gov", arn
        assert account in ("210987654321", "aws", "") or service == "states", arn


def test_china_is_refused_before_anything_is_registered_where_the_configuration_names_the_region() -> None:
    """FSx guide as published in China, deployment options: persistent file systems only."""
    graph = Graph()
    with pytest.raises(pulumi.RunError) as refused:
        record_stack({"aws:region": "cn-northwest-1"}, mocks=CHINA, into=graph)
    assert str(refused.value) == (
        "aws:region: cn-northwest-1 cannot be used: "
        "the AWS regions in China have no scratch file systems of FSx for Lustre"
    )
    assert graph.registrations == []


def test_china_is_refused_by_its_partition_where_the_region_is_not_in_the_configuration() -> None:
    """In the preview: nothing exists yet."""
    with pytest.raises(pulumi.RunError, match=r"aws-cn: .* no scratch file systems of FSx for Lustre"):
        record(lambda: LustreBatchAutoExport("lustre"), mocks=CHINA, preview=True)


# ---------------------------------------------------------------------- several in one program
def two() -> None:
    for name in ("green", "blue"):
        LustreBatchAutoExport(name)


def test_two_instances_fit_in_one_program_and_share_no_name() -> None:
    graph = record(two)
    urns = [each.urn for each in graph.registrations]
    assert len(urns) == len(set(urns)) == 2 * 83
    by_owner: dict[str, set[tuple[str, str]]] = {"green": set(), "blue": set()}
    for child in graph.children:
        owner = child.parent.rsplit("::", 1)[-1]
        for key in PHYSICAL_NAMES:
            if isinstance(child.inputs.get(key), str) and not child.type.startswith("aws:s3/bucket"):
                by_owner[owner].add((child.type, child.inputs[key]))
    assert len(by_owner["green"]) == len(by_owner["blue"]) > 0
    assert by_owner["green"] & by_owner["blue"] == set()


def test_two_instances_in_one_program_never_mention_each_other() -> None:
    for child in record(two).children:
        own = child.parent.rsplit("::", 1)[-1]
        other = {"green": "blue", "blue": "green"}[own]
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


# ---------------------------------------------------------------------- tags, boundary, key
def test_the_users_tags_are_on_everything_that_can_have_tags_and_on_what_the_workflow_creates() -> None:
    graph = component(tags={"cost-centre": "42"})
    taggable = [child for child in graph.children if takes(child.type, "tags")]
    assert len(taggable) > 25
    assert [child.name for child in taggable if child.inputs.get("tags", {}).get("cost-centre") != "42"] == []
    instances = graph.all(ENVIRONMENT)[0].inputs["computeResources"]["tags"]
    assert instances["cost-centre"] == "42"
    for machine in graph.all("aws:sfn/stateMachine:StateMachine"):
        assert "cost-centre" in machine.inputs["definition"], machine.name


def test_the_permissions_boundary_is_on_every_role() -> None:
    roles = component(permissions_boundary_arn=BOUNDARY).all(ROLE)
    assert len(roles) == 8
    assert [role.name for role in roles if role.inputs.get("permissionsBoundary") != BOUNDARY] == []
    assert [role.name for role in component().all(ROLE) if "permissionsBoundary" in role.inputs] == []


# type: the property that names the key
KEYS = {
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
    "aws:sns/topic:Topic": "kmsMasterKeyId",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:lambda/function:Function": "kmsKeyArn",
    "aws:sqs/queue:Queue": "kmsMasterKeyId",
    "aws:scheduler/schedule:Schedule": "kmsKeyArn",
}


def with_key(child: Registration) -> bool:
    return KEY in json.dumps(child.inputs, default=str)


def test_the_customers_key_encrypts_whatever_holds_data() -> None:
    graph = component(kms_key_arn=KEY)
    for type_, argument in KEYS.items():
        assert [child.inputs.get(argument) for child in graph.all(type_)] == [KEY] * len(graph.all(type_)), type_
    for machine in graph.all("aws:sfn/stateMachine:StateMachine"):
        wanted = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY}
        assert machine.inputs["encryptionConfiguration"] == wanted, machine.name
    repository = graph.one("aws:ecr/repository:Repository").inputs
    assert repository["encryptionConfigurations"] == [{"encryptionType": "KMS", "kmsKey": KEY}]
    assert graph.one("aws:dynamodb/table:Table").inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    assert "sqsManagedSseEnabled" not in graph.one("aws:sqs/queue:Queue").inputs  # SQS takes one of the two
    encryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    (rule,) = graph.one(encryption).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
    assert rule["bucketKeyEnabled"] is True


@pytest.mark.parametrize("user", ["workflow", "clean-up", "clean-up-rule", "sweep"])
def test_whoever_touches_what_the_customers_key_encrypts_may_use_it_and_only_that_one(user: str) -> None:
    def key_statements(graph: Graph) -> list[dict[str, Any]]:
        document = json.loads(graph.one("aws:iam/rolePolicy:RolePolicy", f"lustre-{user}").inputs["policy"])
        return [each for each in document["Statement"] if "kms:" in json.dumps(each["Action"])]

    use, *others = key_statements(component(kms_key_arn=KEY))
    assert use["Resource"] == KEY
    assert set(use["Action"]) == {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"}
    assert [each["Action"] for each in others] == (["kms:CreateGrant"] if user == "workflow" else [])
    assert key_statements(component()) == []


def test_a_grant_on_the_customers_key_may_only_be_made_by_fsx_for_a_file_system() -> None:
    """FSx guide, encrypting data at rest: kms:CreateGrant is required; KMS guide, condition keys."""
    document = json.loads(
        component(kms_key_arn=KEY).one("aws:iam/rolePolicy:RolePolicy", "lustre-workflow").inputs["policy"]
    )
    (grant,) = [each for each in document["Statement"] if each["Action"] == "kms:CreateGrant"]
    assert grant["Resource"] == KEY
    assert grant["Condition"] == {
        "StringEquals": {"kms:ViaService": "fsx.us-east-1.amazonaws.com"},
        "Bool": {"kms:GrantIsForAWSResource": "true"},
    }


def test_without_a_key_of_the_customers_none_is_named_anywhere() -> None:
    graph = component()
    assert [child.name for child in graph.children if with_key(child)] == []
    assert [child.name for child in graph.children for key in KEYS.values() if child.inputs.get(key)] == []
