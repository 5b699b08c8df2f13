"""What docs/security.md says of a control holds in the resources that a deployment registers: by default where it says
so, and with a setting, and only with it, where it names one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.docs import markdown
from tests.graph.recording import Graph, record_stack

Check = Callable[[Graph], bool]
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
HOLDS = "holds"
# What stands in the third column of the page beside settings, in both languages.
STATES = {"docs/security.md": (HOLDS, "no", "yours"), "docs/security.ja.md": ("満たす", "満たさない", "利用者")}


# ---------------------------------------------------------------------- what the checks look at
def run_states(graph: Graph, call: str) -> list[dict[str, Any]]:
    """The states of the run that make this call."""
    definition = json.loads(graph.one("aws:sfn/stateMachine:StateMachine", "autoexport-workflow").inputs["definition"])
    return [each for each in definition["States"].values() if each.get("Resource", "").endswith(f":{call}")]


def says(value: Any, words: str) -> bool:
    """Whether these words are anywhere in the value, however it is quoted."""
    return words in re.sub(r"[\"'\\ ]", "", json.dumps(value))


def of_the_bucket(graph: Graph, kind: str) -> dict[str, Any]:
    (found,) = [child for child in graph.children if child.type.startswith(f"aws:s3/bucket{kind}:")]
    return found.inputs


def role_statements(graph: Graph) -> Iterator[dict[str, Any]]:
    for policy in graph.all("aws:iam/rolePolicy:RolePolicy"):
        yield from json.loads(policy.inputs["policy"])["Statement"]


def rules(graph: Graph) -> list[dict[str, Any]]:
    return [rule.inputs for rule in graph.all("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")]


def inputs(graph: Graph, type_: str) -> list[dict[str, Any]]:
    return [child.inputs for child in graph.all(type_)]


def named_subnets(graph: Graph) -> list[str]:
    environment, _ = inputs(graph, "aws:batch/computeEnvironment:ComputeEnvironment")
    return list(environment["computeResources"]["subnets"])


# ---------------------------------------------------------------------- by default
def _nothing_is_open(graph: Graph) -> bool:
    return all(rule["referencedSecurityGroupId"] == rule["securityGroupId"] for rule in rules(graph))


def _every_template_says(words: str) -> Check:
    def check(graph: Graph) -> bool:
        templates = run_states(graph, "createLaunchTemplate")
        return bool(templates) and all(says(each, words) for each in templates)

    return check


def _no_public_access(graph: Graph) -> bool:
    blocks = of_the_bucket(graph, "PublicAccessBlock")
    names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    return all(blocks[name] is True for name in names)


def _policy_only_denies(graph: Graph) -> bool:
    statements = json.loads(of_the_bucket(graph, "Policy")["policy"])["Statement"]
    return {statement["Effect"] for statement in statements} == {"Deny"}


def _policy_demands_tls(graph: Graph) -> bool:
    conditions = [each.get("Condition") for each in json.loads(of_the_bucket(graph, "Policy")["policy"])["Statement"]]
    return {"Bool": {"aws:SecureTransport": "false"}} in conditions


def _jobs_are_given_nothing(graph: Graph) -> bool:
    definitions = run_states(graph, "registerJobDefinition")
    given = ("true ? {'Privileged'", "Pid")
    chosen = graph.one("aws:secretsmanager/secretVersion:SecretVersion").text("secretString")
    return (
        bool(definitions)
        and not any(says(each["Arguments"], word) for each in definitions for word in given)
        and json.loads(chosen)["jobDefinitionEnvironment"] == json.loads(chosen)["jobDefinitionSecrets"] == {}
    )


def _images_have_a_lifecycle(graph: Graph) -> bool:
    (repository,) = graph.all("aws:ecr/repository:Repository")
    (policy,) = graph.all("aws:ecr/lifecyclePolicy:LifecyclePolicy")
    return repository.urn in policy.depends_on


def _one_rule_may_send(graph: Graph) -> bool:
    (policy,) = inputs(graph, "aws:sqs/queuePolicy:QueuePolicy")
    return all("Condition" in each and each["Principal"] != "*" for each in json.loads(policy["policy"])["Statement"])


def _the_key_of_each_statement_is_named(graph: Graph) -> bool:
    with_key = record_stack({"kmsKeyArn": KEY})
    decrypting = [each for each in role_statements(with_key) if says(each["Action"], "kms:")]
    mine = [each for each in role_statements(graph) if says(each["Action"], "kms:")]
    return bool(decrypting) and not mine and all("key/" in str(each["Resource"]) for each in decrypting)


def test_whoever_reads_and_writes_the_table_may_use_its_key() -> None:
    """KMS guide, DynamoDB: it asks for the key on behalf of whoever calls it."""
    policies = record_stack({"kmsKeyArn": KEY}).all("aws:iam/rolePolicy:RolePolicy")
    by_table = [each for each in policies if "dynamodb:GetItem" in each.text("policy")]
    assert sorted(each.name.removeprefix("autoexport-") for each in by_table) == ["clean-up", "guard-lanes", "workflow"]
    assert [each.name for each in by_table if "kms:Decrypt" not in each.text("policy")] == []


def _nothing_of(*types: str) -> Check:
    return lambda graph: not any(graph.all(type_) for type_ in types)


CHECKS: dict[str, Check] = {
    "EC2.2": lambda graph: (
        len(graph.all("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")) == len(graph.all("aws:ec2/vpc:Vpc")) == 1
        and not {"ingress", "egress"}
        & set(*map(set, inputs(graph, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")))
    ),
    "EC2.3": _every_template_says("Encrypted:true"),
    "EC2.8": _every_template_says("HttpTokens:required"),
    "EC2.12": lambda graph: (
        len(graph.all("aws:ec2/eip:Eip")) == len({each["allocationId"] for each in inputs(graph, NAT)})
    ),
    "EC2.13": _nothing_is_open,
    "EC2.25": lambda graph: (
        not any(says(each, "AssociatePublic") for each in run_states(graph, "createLaunchTemplate"))
    ),
    "CIS 1.17": lambda graph: len(graph.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")) == 1,
    "ECR.1": lambda graph: all(
        each["imageScanningConfiguration"]["scanOnPush"] for each in inputs(graph, "aws:ecr/repository:Repository")
    ),
    "ECR.3": _images_have_a_lifecycle,
    "ECS.3": _jobs_are_given_nothing,
    "S3.2": _no_public_access,
    "S3.5": _policy_demands_tls,
    "S3.6": _policy_only_denies,
    "S3.12": lambda graph: (
        of_the_bucket(graph, "OwnershipControls")["rule"]["objectOwnership"] == "BucketOwnerEnforced"
    ),
    "S3.10": lambda graph: (
        {rule["status"] for rule in of_the_bucket(graph, "LifecycleConfiguration")["rules"]} == {"Enabled"}
    ),
    "S3.14": lambda graph: of_the_bucket(graph, "Versioning")["versioningConfiguration"]["status"] == "Enabled",
    "DynamoDB.1": lambda graph: (
        {t["billingMode"] for t in inputs(graph, "aws:dynamodb/table:Table")} == {"PAY_PER_REQUEST"}
    ),
    "SecretsManager.3": lambda graph: bool(run_states(graph, "getSecretValue")),
    "SNS.4": _nothing_of("aws:sns/topicPolicy:TopicPolicy"),
    "SQS.1": lambda graph: all(each["sqsManagedSseEnabled"] for each in inputs(graph, "aws:sqs/queue:Queue")),
    "SQS.3": _one_rule_may_send,
    "StepFunctions.1": lambda graph: all(
        each["loggingConfiguration"]["level"] != "OFF" and each["loggingConfiguration"]["logDestination"]
        for each in inputs(graph, "aws:sfn/stateMachine:StateMachine")
    ),
    "Lambda.1": _nothing_of("aws:lambda/permission:Permission"),
    # Lambda guide, runtimes: supported until 2029.
    "Lambda.2": lambda graph: (
        {each["runtime"] for each in inputs(graph, "aws:lambda/function:Function")} == {"python3.13"}
    ),
    "IAM.1": lambda graph: (
        not any(
            "*" in (each["Action"] if isinstance(each["Action"], list) else [each["Action"]])
            for each in role_statements(graph)
        )
    ),
    "IAM.21": _nothing_of("aws:iam/policy:Policy"),
    "KMS.1": _the_key_of_each_statement_is_named,
    "EventBridge.3": _nothing_of("aws:cloudwatch/eventBus:EventBus"),
    "CloudWatch.15": lambda graph: all(
        each["alarmActions"] and each.get("actionsEnabled", True)
        for each in inputs(graph, "aws:cloudwatch/metricAlarm:MetricAlarm")
    ),
}
NAT = "aws:ec2/natGateway:NatGateway"


# ---------------------------------------------------------------------- with a setting
@dataclass(frozen=True)
class WithSetting:
    """A check that holds with the setting that the page names, and fails with the other."""

    check: Check
    other: dict[str, str] = field(default_factory=dict)


WITH_SETTING = {
    "EC2.6": WithSetting(lambda graph: len(graph.all("aws:ec2/flowLog:FlowLog")) == 1),
    "EC2.9": WithSetting(
        lambda graph: not any(each.get("mapPublicIpOnLaunch") for each in inputs(graph, "aws:ec2/subnet:Subnet")),
        {"egress": "public"},
    ),
    "AutoScaling.2": WithSetting(lambda graph: len(named_subnets(graph)) == 2),
    "ECR.2": WithSetting(
        lambda graph: {r["imageTagMutability"] for r in inputs(graph, "aws:ecr/repository:Repository")} == {"IMMUTABLE"}
    ),
    "S3.17": WithSetting(
        lambda graph: says(of_the_bucket(graph, "ServerSideEncryptionConfiguration"), "sseAlgorithm:aws:kms")
    ),
    "SNS.1": WithSetting(
        lambda graph: all(each.get("kmsMasterKeyId") for each in inputs(graph, "aws:sns/topic:Topic"))
    ),
    "CloudWatch.16": WithSetting(
        lambda graph: all(each["retentionInDays"] >= 365 for each in inputs(graph, "aws:cloudwatch/logGroup:LogGroup"))
    ),
}


def rows(page: str) -> dict[str, str]:
    """The first control of each row, and the state that the page gives it."""
    found = [row for table in markdown.tables(page) for row in table if re.match(r"[A-Z]\w*[. ][\d.]+", row[0])]
    return {row[0].split(",")[0]: row[2] for row in found}


ENGLISH, JAPANESE = (rows(page) for page in STATES)


def test_every_control_that_is_said_to_hold_has_a_check_and_no_other() -> None:
    assert {control for control, state in ENGLISH.items() if state == HOLDS} == set(CHECKS)
    assert {control for control, state in ENGLISH.items() if state.startswith("`")} == set(WITH_SETTING)
    assert {state for state in ENGLISH.values() if not state.startswith("`")} == set(STATES["docs/security.md"])


def test_both_languages_say_the_same_of_each_control() -> None:
    translated = dict(zip(*STATES.values(), strict=True))
    assert list(JAPANESE.items()) == [(control, translated.get(state, state)) for control, state in ENGLISH.items()]


@pytest.mark.parametrize("control", CHECKS)
def test_what_is_said_to_hold_does(graph: Graph, control: str) -> None:
    assert CHECKS[control](graph)


@pytest.mark.parametrize("control", WITH_SETTING)
def test_what_takes_a_setting_holds_with_it_and_only_with_it(control: str) -> None:
    key, _, value = ENGLISH[control].strip("`").partition(": ")
    case = WITH_SETTING[control]
    assert case.check(record_stack({key: value or KEY}))
    assert not case.check(record_stack(case.other))
