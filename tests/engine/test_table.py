"""The table of resources behind both drivers, without an engine: what it refuses, plans, and declines to delete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.provider import table as resources
from rehearsal.provider.configuration import configuration
from rehearsal.provider.deployment import DeployError
from rehearsal.provider.engine.diff import changes, delete_first
from rehearsal.provider.table import KINDS, REPLACES, Kind, Props, ResourceError, declared_properties, modelled

POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}]}'
VPC = KINDS["aws:ec2/vpc:Vpc"]
ENVIRONMENT = KINDS["aws:batch/computeEnvironment:ComputeEnvironment"]


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


def _reasons(kind: Kind, inputs: Props) -> str:
    return "; ".join(f"{failure.property}: {failure.reason}" for failure in resources.check_inputs(kind, inputs))


@pytest.mark.parametrize("token", sorted(KINDS))
def test_every_property_of_the_table_is_one_that_pulumi_aws_declares(token: str) -> None:
    kind = KINDS[token]
    prefixes = {kind.naming.prefix} if kind.naming else set()
    assert modelled(kind) - prefixes - {"region"} <= declared_properties(token)
    assert {name.split(".")[0] for name in REPLACES.get(token, ())} <= declared_properties(token)


@pytest.mark.parametrize("token", sorted(KINDS))
def test_no_top_level_property_is_both_changed_in_place_and_replaced(token: str) -> None:
    assert not set(KINDS[token].update) & REPLACES.get(token, frozenset())


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"cidr_block": "10.0.0.0/16"}, "there is no property 'cidr_block' in Vpc; it is cidrBlock"),
        ({"cidrBlock": 10}, "cidrBlock: expected text, got 10"),
        ({"enableDnsSupport": "yes"}, "enableDnsSupport: expected true or false, got 'yes'"),
        ({"tags": ["a"]}, "tags: expected a map, got a list"),
        ({"ipv6IpamPoolId": "x"}, "the rehearsal does not model ipv6IpamPoolId"),
    ],
)
def test_inputs_that_the_provider_would_refuse_are_refused(inputs: dict[str, Any], words: str) -> None:
    assert words in _reasons(VPC, inputs)


def test_a_missing_property_and_an_unknown_value_of_an_enumeration_are_refused_inside_objects_too() -> None:
    reasons = _reasons(ENVIRONMENT, {"type": "MANAGED", "computeResources": {"type": "CHEAP", "maxVcpus": 1}})
    assert "computeResources.subnets: this required property is missing" in reasons
    assert "computeResources.type: 'CHEAP' is not one of EC2, SPOT" in reasons


def test_a_launch_template_that_appears_is_a_replacement_unless_it_is_ignored() -> None:
    """terraform-provider-aws #44644."""
    wanted: Props = {
        "name": "e",
        "type": "MANAGED",
        "computeResources": {"type": "SPOT", "maxVcpus": 1, "subnets": ["s"]},
    }
    there: Props = {**wanted, "state": "ENABLED", "tagsAll": {}}
    there["computeResources"] = {**wanted["computeResources"], "launchTemplate": {"launchTemplateId": "lt-1"}}
    (change,) = changes(ENVIRONMENT, there, wanted, [])
    assert (change.path, change.kind, change.replaces) == ("computeResources.launchTemplate", "DELETE", True)
    assert changes(ENVIRONMENT, there, wanted, ["computeResources.launchTemplate"]) == []


def test_a_replacement_that_keeps_a_given_name_deletes_first() -> None:
    assert delete_first(ENVIRONMENT, {"name": "fixed"}, {"name": "fixed"})
    assert not delete_first(ENVIRONMENT, {"name": "e-1234567"}, {"name": "e-1234567", "__defaults": ["name"]})


def test_policies_are_compared_by_what_they_say() -> None:
    role = KINDS["aws:iam/role:Role"]
    old = {
        "name": "r",
        "path": "/",
        "assumeRolePolicy": '{"Statement": [{"Action": "sts:AssumeRole"}]}',
        "tagsAll": {},
    }
    same = {"name": "r", "assumeRolePolicy": '{"Statement":{"Action":["sts:AssumeRole"]}}'}
    other = {"name": "r", "assumeRolePolicy": '{"Statement":{"Action":["sts:TagSession"]}}'}
    assert changes(role, old, same, []) == []
    assert [change.path for change in changes(role, old, other, [])] == ["assumeRolePolicy"]


def test_a_secret_in_its_recovery_window_keeps_its_name(account: Account) -> None:
    kind = KINDS["aws:secretsmanager/secret:Secret"]
    identity, state = resources.create(account, kind, {"name": "parameters"})
    resources.delete(account, kind, identity, state)
    with pytest.raises(ResourceError, match=r"already exists|scheduled for deletion"):
        resources.create(account, kind, {"name": "parameters"})


def test_a_bucket_that_is_not_empty_is_not_deleted(account: Account) -> None:
    kind = KINDS["aws:s3/bucket:Bucket"]
    identity, state = resources.create(account, kind, {"bucket": "results"})
    account.client("s3").put_object(Bucket="results", Key="a", Body=b"a")
    with pytest.raises(ResourceError, match="BucketNotEmpty"):
        resources.delete(account, kind, identity, state)
    resources.delete(account, kind, identity, {**state, "forceDestroy": True})
    assert resources.read(account, kind, identity, state) is None


def test_a_role_with_a_policy_is_not_deleted(account: Account) -> None:
    kind, policy = KINDS["aws:iam/role:Role"], KINDS["aws:iam/rolePolicy:RolePolicy"]
    identity, state = resources.create(account, kind, {"name": "r", "assumeRolePolicy": "{}"})
    resources.create(account, policy, {"name": "p", "role": "r", "policy": POLICY})
    with pytest.raises(ResourceError, match="DeleteConflict"):
        resources.delete(account, kind, identity, state)


ROLE, ROLE_POLICY = KINDS["aws:iam/role:Role"], KINDS["aws:iam/rolePolicy:RolePolicy"]


def _policy_of(characters: int) -> str:
    """So many characters, and as much white space again, which IAM does not count."""
    topic = json.loads(POLICY)["Statement"][0] | {"Resource": "arn:aws:sns:us-east-1:123456789012:"}
    bare = json.dumps({"Version": "2012-10-17", "Statement": topic}, separators=(",", ":"))
    return bare.removesuffix('"}}') + "t" * (characters - len(bare)) + '"}}' + " " * characters


def test_the_inline_policies_of_a_role_are_together_no_longer_than_iam_takes(account: Account) -> None:
    """IAM guide, quotas; the words are those of aws-cdk #12403."""
    too_long = "^LimitExceeded: Maximum policy size of 10240 bytes exceeded for role r$"
    for role in ("r", "other"):
        resources.create(account, ROLE, {"name": role, "assumeRolePolicy": "{}"})
    given = {"name": "p", "role": "r"}
    with pytest.raises(ResourceError, match=too_long):
        resources.create(account, ROLE_POLICY, {**given, "policy": _policy_of(10_241)})
    identity, state = resources.create(account, ROLE_POLICY, {**given, "policy": _policy_of(10_240)})
    with pytest.raises(ResourceError, match=too_long):
        resources.create(account, ROLE_POLICY, {**given, "name": "q", "policy": POLICY})
    resources.create(account, ROLE_POLICY, {"name": "q", "role": "other", "policy": POLICY})
    with pytest.raises(ResourceError, match=too_long):
        resources.update(account, ROLE_POLICY, identity, {**given, "policy": _policy_of(10_241)}, state, {}, {"policy"})
    resources.update(account, ROLE_POLICY, identity, {**given, "policy": _policy_of(5_000)}, state, {}, {"policy"})
    resources.create(account, ROLE_POLICY, {**given, "name": "q", "policy": _policy_of(5_240)})


def test_the_policy_of_an_endpoint_is_no_longer_than_the_vpc_takes(account: Account) -> None:
    """PrivateLink guide, quotas: white space included."""
    kind = KINDS["aws:ec2/vpcEndpoint:VpcEndpoint"]
    vpc, _ = resources.create(account, VPC, {"cidrBlock": "10.0.0.0/16"})
    inputs = {"vpcId": vpc, "serviceName": "com.amazonaws.us-east-1.s3"}
    with pytest.raises(ResourceError, match="20481 characters, more than the 20480"):
        resources.create(account, kind, {**inputs, "policy": POLICY.ljust(20_481)})
    identity, state = resources.create(account, kind, {**inputs, "policy": POLICY.ljust(20_480)})
    with pytest.raises(ResourceError, match="20481 characters, more than the 20480"):
        resources.update(account, kind, identity, {**inputs, "policy": POLICY.ljust(20_481)}, state, {}, {"policy"})


def test_a_network_in_use_is_not_deleted(account: Account) -> None:
    gateway = KINDS["aws:ec2/internetGateway:InternetGateway"]
    identity, state = resources.create(account, VPC, {"cidrBlock": "10.0.0.0/16"})
    attached, gateway_state = resources.create(account, gateway, {"vpcId": identity})
    with pytest.raises(ResourceError, match="DependencyViolation"):
        resources.delete(account, VPC, identity, state)
    resources.delete(account, gateway, attached, gateway_state)
    resources.delete(account, VPC, identity, state)
    assert resources.read(account, VPC, identity, state) is None


def test_a_queue_has_one_kind_of_encryption_and_times_within_the_providers_ranges() -> None:
    queue = KINDS["aws:sqs/queue:Queue"]
    assert _reasons(queue, {"messageRetentionSeconds": 1_209_600, "sqsManagedSseEnabled": True}) == ""
    assert "in the range (60 - 1209600)" in _reasons(queue, {"messageRetentionSeconds": 1_209_601})
    both = {"kmsMasterKeyId": "alias/ours", "sqsManagedSseEnabled": True}
    assert "conflicts with sqs_managed_sse_enabled" in _reasons(queue, both)


def test_a_queue_that_exists_already_is_not_taken_over(account: Account) -> None:
    queue = KINDS["aws:sqs/queue:Queue"]
    resources.create(account, queue, {"name": "undelivered"})
    with pytest.raises(ResourceError, match="QueueAlreadyExists"):
        resources.create(account, queue, {"name": "undelivered"})


def test_an_encryption_that_is_off_is_the_same_as_none() -> None:
    table = KINDS["aws:dynamodb/table:Table"]
    wanted: Props = {"name": "t", "billingMode": "PAY_PER_REQUEST", "hashKey": "id"}
    there: Props = {**wanted, "serverSideEncryption": {"enabled": False}, "tagsAll": {}}
    assert changes(table, there, wanted, []) == []
    assert changes(table, there, {**wanted, "serverSideEncryption": {"enabled": False}}, []) == []
    key = {"enabled": True, "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1"}
    assert {change.top for change in changes(table, there, {**wanted, "serverSideEncryption": key}, [])} == {
        "serverSideEncryption"
    }


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"lifecycleScope": "ALWAYS", "input": "{}"}, "expected lifecycle_scope to be one of"),
        ({"lifecycleScope": "CRUD", "input": "[]"}, "requires input to be a JSON object"),
        ({"input": "{"}, "contains an invalid JSON"),
    ],
)
def test_an_invocation_whose_input_or_scope_the_provider_would_refuse_is_refused(
    inputs: dict[str, Any], words: str
) -> None:
    invocation = KINDS["aws:lambda/invocation:Invocation"]
    assert words in _reasons(invocation, {"functionName": "f", **inputs})


def test_an_unknown_type_says_where_it_would_belong() -> None:
    with pytest.raises(ResourceError, match="aws:efs/fileSystem:FileSystem is not in the rehearsal's table"):
        resources.kind_of("aws:efs/fileSystem:FileSystem")


def test_typed_configuration_is_checked_as_the_engine_checks_it() -> None:
    with pytest.raises(DeployError, match="'lustre-batch:lustreStorageCapacity' must be of type 'integer'"):
        configuration("autoexport", {"lustreStorageCapacity": "plenty"})
    with pytest.raises(DeployError, match="there is no stack 'nowhere'"):
        configuration("nowhere")
    found = configuration("autoexport", {"jobDefinitionVcpus": 16})
    assert (found.project, found.values["lustre-batch:jobDefinitionVcpus"]) == ("lustre-batch", "16")
    assert found.values["lustre-batch:computeEnvironmentInstanceTypes"] == '["optimal"]'


GROUP, SUBNET = KINDS["aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"], KINDS["aws:ec2/subnet:Subnet"]


def test_the_default_group_of_a_vpc_is_emptied_and_goes_with_its_vpc_only(account: Account) -> None:
    ec2 = account.client("ec2")
    vpc, _ = resources.create(account, VPC, {"cidrBlock": "10.0.0.0/16"})
    identity, state = resources.create(account, GROUP, {"vpcId": vpc})
    (group,) = ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"]
    assert (group["GroupName"], group["IpPermissions"], group["IpPermissionsEgress"]) == ("default", [], [])
    resources.delete(account, GROUP, identity, state)
    assert ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"]


def test_a_subnet_is_in_the_zone_whose_id_it_names_and_names_it_once(account: Account) -> None:
    vpc, _ = resources.create(account, VPC, {"cidrBlock": "10.0.0.0/16"})
    wanted = {"vpcId": vpc, "cidrBlock": "10.0.0.0/24", "availabilityZoneId": "use1-az4", "mapPublicIpOnLaunch": True}
    _, state = resources.create(account, SUBNET, wanted)
    assert (state["availabilityZoneId"], state["mapPublicIpOnLaunch"]) == ("use1-az4", True)
    assert "conflicts with availabilityZone" in _reasons(SUBNET, {**wanted, "availabilityZone": "us-east-1a"})


def test_offerings_are_answered_for_families_as_ec2_does_by_wildcard(account: Account) -> None:
    def zones(*types: str) -> set[str]:
        inputs = {"locationType": "availability-zone-id", "filters": [{"name": "instance-type", "values": list(types)}]}
        answer = resources.look_up(account, "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings", inputs)
        assert {type_.split(".")[0] for type_ in answer["instanceTypes"]} <= {type_.split(".")[0] for type_ in types}
        return set(answer["locations"])

    assert "use1-az3" not in zones("c7i.*")
    assert {"use1-az1", "use1-az6"} <= zones("c7i.*", "m7i.8xlarge")
    assert zones("c99.*") == set()


ALARM: Props = {
    "name": "failed",
    "alarmActions": ["arn:aws:sns:us-east-1:123456789012:topic"],
    "alarmDescription": "A run failed.",
    "comparisonOperator": "GreaterThanOrEqualToThreshold",
    "dimensions": {"StateMachineArn": "arn"},
    "evaluationPeriods": 1,
    "metricName": "ExecutionsFailed",
    "namespace": "AWS/States",
    "period": 300,
    "statistic": "Sum",
    "threshold": 1.0,
    "treatMissingData": "notBreaching",
    "tags": {"a": "b"},
}


def test_an_alarm_is_changed_in_place_and_only_its_name_replaces_it(account: Account) -> None:
    kind = KINDS["aws:cloudwatch/metricAlarm:MetricAlarm"]
    identity, state = resources.create(account, kind, ALARM)
    assert {key: state[key] for key in ALARM} == ALARM
    assert state["actionsEnabled"] is True
    changed = {**ALARM, "threshold": 2.0, "alarmDescription": "Runs failed.", "tags": {"c": "d"}}
    assert [(change.path, change.replaces) for change in changes(kind, state, changed, [])] == [
        ("alarmDescription", False),
        ("threshold", False),
        ("tags.a", False),
        ("tags.c", False),
    ]
    after = resources.update(account, kind, identity, changed, state, {}, {"threshold", "alarmDescription", "tags"})
    assert (after["threshold"], after["alarmDescription"], after["tagsAll"]) == (2.0, "Runs failed.", {"c": "d"})
    (renamed,) = changes(kind, state, {**ALARM, "name": "other"}, [])
    assert renamed.replaces
    resources.delete(account, kind, identity, state)
    assert resources.read(account, kind, identity, state) is None


def test_a_dashboard_is_changed_in_place_and_refused_where_its_body_is_wrong(account: Account) -> None:
    kind = KINDS["aws:cloudwatch/dashboard:Dashboard"]
    inputs = {"dashboardName": "board", "dashboardBody": '{"widgets": []}'}
    identity, state = resources.create(account, kind, inputs)
    assert changes(kind, state, {**inputs, "dashboardBody": '{"widgets":[]}'}, []) == []
    text = '{"widgets": [{"type": "text", "properties": {"markdown": "# Stack"}}]}'
    (change,) = changes(kind, state, {**inputs, "dashboardBody": text}, [])
    assert (change.path, change.replaces) == ("dashboardBody", False)
    assert (
        resources.update(account, kind, identity, {**inputs, "dashboardBody": text}, state, {}, {"dashboardBody"})[
            "dashboardBody"
        ]
        == text
    )
    with pytest.raises(ResourceError, match="widgets is required"):
        resources.update(account, kind, identity, {**inputs, "dashboardBody": "{}"}, state, {}, {"dashboardBody"})
    assert "contains an invalid JSON" in _reasons(kind, {**inputs, "dashboardBody": "{"})
    assert "dashboardName: 1 to 255 letters" in _reasons(kind, {**inputs, "dashboardName": "my board"})
    resources.delete(account, kind, identity, state)
    assert resources.read(account, kind, identity, state) is None


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        ("aws:cloudwatch/metricAlarm:MetricAlarm", ALARM),
        ("aws:cloudwatch/dashboard:Dashboard", {"dashboardName": "board", "dashboardBody": '{"widgets": []}'}),
    ],
)
def test_neither_takes_over_one_of_the_same_name(account: Account, token: str, inputs: Props) -> None:
    resources.create(account, KINDS[token], inputs)
    with pytest.raises(ResourceError, match="exists already"):
        resources.create(account, KINDS[token], inputs)
