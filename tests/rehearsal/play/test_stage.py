"""Where a stack is rehearsed: in its own region and partition, with what it adopts, and the same each time."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.calls import internally
from rehearsal.play.scenario import parse
from rehearsal.play.session import Played, Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import judge
from rehearsal.provider.deployment import ConfigurationError

QUICK = {"job": {"runtime": 60, "writes": [{"files": 3}]}}


def played(session: Session, **keys: Any) -> Played:
    one = session.play(parse(QUICK | keys, "test"), log_calls=True)
    assert judge(session, one).why_not == []
    return one


@pytest.mark.parametrize(("region", "partition"), [("ap-northeast-1", "aws"), ("us-gov-west-1", "aws-us-gov")])
def test_every_arn_and_every_name_of_a_run_is_in_the_stacks_region_and_partition(region: str, partition: str) -> None:
    with staged({"aws:region": region}) as stage:
        calls = played(stage.session).calls
        assert calls is not None
        said = calls.lines() + json.dumps(stage.session.exports)
        assert set(re.findall(r"arn:([\w-]+):", said)) == {partition}
        assert set(re.findall(r"arn:[\w-]+:(?!iam|s3)\w+:([\w-]*):", said)) == {region}
        assert "us-east-1" not in said
        account = stage.session.account
        zones = {zone["AvailabilityZone"] for zone in account.client("ec2").describe_subnets()["Subnets"]}
        assert all(zone.startswith(region) for zone in zones)
        principals = {call["principal"] for call in calls.calls}
        assert len(principals) >= 3, "the run's, the clean-up's and the function's roles"


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("mars-1", "mars-1 is no region"),
        ("ap-notheast-1", "did you mean ap-northeast-1?"),
        ("us-iso-east-1", "us-iso-east-1 is no region"),
    ],
)
def test_a_region_that_does_not_exist_is_refused_before_anything_begins(region: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)), staged({"aws:region": region}):
        pass


ADOPTED: dict[str, Any] = {
    "aws:region": "eu-west-1",
    "bucketName": "somebodys-bucket",
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": ["subnet-12345678", "subnet-0123456789abcdef0"],
    "securityGroupIds": ["sg-12345678"],
    "kmsKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "permissionsBoundaryArn": "arn:aws:iam::111122223333:policy/teams/boundary",
    "jobDefinitionContainerImage": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/team/image:1.2",
}


def test_what_a_stack_adopts_is_there_before_the_program_runs_and_a_run_works_with_it() -> None:
    with staged(ADOPTED) as stage:
        account = stage.session.account
        one = played(stage.session)
        (system,) = account.file_systems.all.values()
        assert system.request["SubnetIds"] == ["subnet-12345678"]
        assert system.request["SecurityGroupIds"] == ["sg-12345678"]
        (link,) = account.associations.all
        assert link.bucket == "somebodys-bucket"
        assert one.exports["bucketName"] == "somebodys-bucket"
        _check_network(account)
        _check_others(account)


def _check_network(account: Account) -> None:
    with internally():
        ec2 = account.client("ec2")
        (group,) = ec2.describe_security_groups(GroupIds=["sg-12345678"])["SecurityGroups"]
        assert group["VpcId"] == "vpc-0123456789abcdef0"
        subnets = ec2.describe_subnets(SubnetIds=ADOPTED["subnetIds"])["Subnets"]
        assert {subnet["VpcId"] for subnet in subnets} == {"vpc-0123456789abcdef0"}
        zones = {subnet["AvailabilityZone"] for subnet in subnets}
        assert len(zones) == 2
        assert all(zone.startswith("eu-west-1") for zone in zones)


def _check_others(account: Account) -> None:
    with internally():
        location = account.client("s3").get_bucket_location(Bucket="somebodys-bucket")["LocationConstraint"]
        assert location == "eu-west-1", "FSx links a bucket of its own region"
        key = account.client("kms").describe_key(KeyId=ADOPTED["kmsKeyArn"])["KeyMetadata"]
        assert key["Arn"] == ADOPTED["kmsKeyArn"]
        assert (
            account.client("iam").get_policy(PolicyArn=ADOPTED["permissionsBoundaryArn"])["Policy"]["Path"] == "/teams/"
        )
    from moto.backends import get_backend

    registry = get_backend("ecr")["111122223333"]["eu-central-1"]
    assert [image.image_tags for image in registry.repositories["team/image"].images] == [["1.2"]]


def test_an_adopted_vpc_without_groups_gets_one_of_the_stack() -> None:
    with staged({"vpcId": "vpc-12345678", "subnetIds": ["subnet-12345678"]}) as stage:
        played(stage.session)
        (system,) = stage.session.account.file_systems.all.values()
        (group,) = system.request["SecurityGroupIds"]
        with internally():
            found = stage.session.account.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
        assert found[0]["VpcId"] == "vpc-12345678"


@pytest.mark.parametrize(
    ("key", "arn"),
    [
        ("kmsKeyArn", "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("permissionsBoundaryArn", "arn:aws-us-gov:iam::111122223333:policy/boundary"),
    ],
)
def test_what_is_adopted_from_where_the_stack_cannot_use_it_is_refused(key: str, arn: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{key}: {arn}"), staged({key: arn}):
        pass


def test_a_permissions_boundary_of_awss_own_bounds_the_roles() -> None:
    """PowerUserAccess allows nothing of IAM, so that no role may be passed (IAM guide, permissions boundaries)."""
    with staged({"permissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess"}) as stage:
        one = stage.session.play(parse(QUICK, "test"))
        assert one.first.status == "FAILED"
        assert "no permissions boundary allows the iam:" in (one.first.cause or "")


def test_two_rehearsals_of_one_seed_are_equal_to_the_last_name() -> None:
    def once() -> str:
        with staged() as stage:
            calls = played(stage.session).calls
            assert calls is not None
            return calls.lines()

    assert once() == once()


OTHERS = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::others/*"}
NOTHING = json.dumps({"Version": "2012-10-17", "Statement": [OTHERS]})
SECRETS = {
    "TOKEN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:token-AbCdEf:key::",
    "PASSWORD": "arn:aws:ssm:us-east-1:123456789012:parameter/team/password",
}


def test_a_job_sees_a_stand_in_for_each_secret_that_its_execution_role_may_read() -> None:
    script = 'echo "$TOKEN $PASSWORD"'
    play = parse({"job": {"command": ["sh", "-c", script]}}, "test")
    with staged({"jobDefinitionSecrets": SECRETS}) as stage:
        verdict = judge(stage.session, stage.session.play(play))
        assert verdict.passed, verdict.why_not
        said = " ".join(f"a stand-in for {arn}" for arn in SECRETS.values())
        assert verdict.facts["attempts"][0]["output"] == [said]
        iam = stage.session.account.client("iam")
        (role,) = [one["RoleName"] for one in iam.list_roles()["Roles"] if "job-execution" in one["RoleName"]]
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=NOTHING)
        facts = judge(stage.session, stage.session.play(play)).facts
    assert facts["outcome"] == "FAILED"
    assert "unable to pull secrets or registry auth" in facts["attempts"][0]["reason"]
    assert "secretsmanager:GetSecretValue" in facts["attempts"][0]["reason"]
