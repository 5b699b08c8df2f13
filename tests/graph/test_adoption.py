"""Existing resources are used as they are, named by text or by another resource's output; contradictions are
refused."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs, SettingsError

from tests.graph.recording import COMPONENT, Graph, record, record_stack
from tests.graph.standalone import ENVIRONMENT, MACHINE, component, run, states


def test_an_adopted_network_is_used_as_it_is_and_nothing_is_created_in_it() -> None:
    graph = component(
        vpc_id="vpc-11111111",
        subnet_ids=["subnet-11111111", "subnet-22222222"],
        security_group_ids=["sg-11111111"],
        spread_across_zones=True,
    )
    assert [child.type for child in graph.children if child.type.startswith(("aws:ec2/", "aws:vpc/"))] == []
    resources = graph.all(ENVIRONMENT)[0].inputs["computeResources"]
    assert resources["subnets"] == ["subnet-11111111", "subnet-22222222"]
    assert resources["securityGroupIds"] == ["sg-11111111"]
    (created,) = [state for state in states(graph).values() if state.get("Resource", "").endswith(":createFileSystem")]
    assert "'SubnetIds': ['subnet-11111111']" in created["Arguments"]
    assert "sg-11111111" in created["Arguments"]


def test_in_an_adopted_vpc_without_groups_only_the_lustre_group_is_created() -> None:
    graph = component(vpc_id="vpc-11111111", subnet_ids=["subnet-11111111"])
    network = [child.type for child in graph.children if child.type.startswith(("aws:ec2/", "aws:vpc/"))]
    assert sorted(network) == [
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        *["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"] * 2,
    ]
    assert graph.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"] == "vpc-11111111"


def test_an_adopted_bucket_is_neither_created_nor_configured_and_its_prefix_is_linked() -> None:
    graph = component(bucket_name="results", bucket_prefix="runs/today")
    assert [child.type for child in graph.children if child.type.startswith("aws:s3/")] == []
    definition = run(graph).inputs["definition"]
    assert re.search(r"[\"']s3://results/runs/today/[\"']", definition)
    clean_up = graph.one("aws:sfn/stateMachine:StateMachine", "lustre-clean-up").inputs["definition"]
    assert "results" not in re.findall(r"s3://(\w*)", clean_up), "it reads where the reports go off the link itself"
    policy = graph.one("aws:iam/rolePolicy:RolePolicy", "lustre-workflow").inputs["policy"]
    assert ["arn:aws:s3:::results", "arn:aws:s3:::results/*"] in [
        statement["Resource"] for statement in json.loads(policy)["Statement"]
    ]


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
    (subnet,) = graph.all(ENVIRONMENT)[0].inputs["computeResources"]["subnets"]
    assert subnet.startswith("mine-")
    assert graph.one("aws:ec2/securityGroup:SecurityGroup").inputs["vpcId"].startswith("mine-")
    assert re.search(r"[\"']s3://mine-[0-9a-f]{7}/[\"']", run(graph).inputs["definition"])
    assert len(graph.all("aws:ec2/vpc:Vpc")) == len(graph.all("aws:s3/bucket:Bucket")) == 1


def test_a_list_that_is_an_output_as_a_whole_is_taken_too() -> None:
    def program() -> None:
        ids: list[pulumi.Input[str]] = ["subnet-11111111", "subnet-22222222"]
        whole = pulumi.Output.from_input(ids)
        LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(vpc_id="vpc-11111111", subnet_ids=whole))

    graph = record(program)
    assert graph.all(ENVIRONMENT)[0].inputs["computeResources"]["subnets"] == ["subnet-11111111"]


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
    assert len(preview.all(MACHINE)) == 2


def test_an_output_where_a_value_has_to_be_known_is_refused_by_name() -> None:
    def program() -> None:
        LustreBatchAutoExport("lustre", LustreBatchAutoExportArgs(env_name=pulumi.Output.from_input("X")))  # type: ignore[arg-type]

    with pytest.raises(SettingsError, match="env_name"):
        record(program)


# ---------------------------------------------------------------------- mistakes
ADOPTED = {"vpc_id": "vpc-11111111", "subnet_ids": ["subnet-11111111"]}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"vpc_id": "vpc-11111111"}, ["subnet_ids", "[]", "vpc-11111111"]),
        ({"subnet_ids": ["subnet-11111111"]}, ["vpc_id", "subnet-11111111"]),
        ({"security_group_ids": ["sg-11111111"]}, ["vpc_id", "sg-11111111"]),
        ({**ADOPTED, "vpc_cidr": "10.9.0.0/16"}, ["vpc_cidr", "10.9.0.0/16", "vpc_id vpc-11111111"]),
        (
            {**ADOPTED, "availability_zone_ids": ["use1-az4"]},
            ["availability_zone_ids", "use1-az4", "vpc_id vpc-11111111"],
        ),
        ({**ADOPTED, "egress": "public"}, ["egress: public", "vpc_id vpc-11111111"]),
        ({**ADOPTED, "reachable_buckets": ["data"]}, ["reachable_buckets", "data", "vpc_id vpc-11111111"]),
        ({**ADOPTED, "vpc_flow_logs": True}, ["vpc_flow_logs: true", "vpc_id vpc-11111111"]),
        (
            {"spread_across_zones": True, "availability_zone_ids": ["use1-az4"]},
            ["spread_across_zones: true needs two availability_zone_ids, not only use1-az4"],
        ),
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
    with pytest.raises(pulumi.RunError, match="lustre-batch:lustreStorageCapacity: 1300"):
        record_stack({"lustreStorageCapacity": "1300"}, into=graph)
    assert graph.registrations == []
