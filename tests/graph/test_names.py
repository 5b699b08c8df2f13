"""A stack or component may be called whatever Pulumi allows: every service takes the names that are made of it."""

from __future__ import annotations

import functools
import pathlib
import re
import shutil

import botocore.session
import pytest
from lustre_batch import LustreBatchAutoExport, physical_name

from rehearsal.aws.account import Account
from rehearsal.provider import mocks
from rehearsal.provider.deployment import ROOT, Deployment
from rehearsal.provider.program import run_main
from tests.graph.recording import record

# What Pulumi allows: letters, digits, hyphens, underscores and periods, up to 100.
ODD = {
    "2024-run": "2024-run",
    "_dev": "dev",
    "prod_": "prod",
    "prod--eu..west": "prod-eu-west",
    "Team.A_B": "team-a-b",
    "sg-lustre": "n-sg-lustre",
    "a" * 41: "a" * 22 + "-",
    ("-".join("abcdefghijklmnopqrstuvwxyz") * 2)[:100]: "a-b-c-d-e-f-g-h-i-j-k-",
    "___": "n-",
    "é": "n-",
}

# type: where botocore's model has the pattern and the length of the name, or both where it has none and a guide does
NAMES: dict[str, tuple[str, str] | str] = {
    "aws:batch/computeEnvironment:ComputeEnvironment": r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}",  # Batch API
    "aws:batch/jobQueue:JobQueue": r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}",
    "aws:cloudwatch/dashboard:Dashboard": r"[A-Za-z0-9_-]{1,255}",  # CloudWatch API, PutDashboard
    "aws:cloudwatch/eventRule:EventRule": ("events", "RuleName"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "LogGroupName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": r"[A-Za-z0-9_-]{1,255}",  # CloudWatch API, PutMetricAlarm: and more
    "aws:dynamodb/table:Table": r"[A-Za-z0-9_.-]{3,255}",  # DynamoDB guide, naming rules
    "aws:ec2/securityGroup:SecurityGroup": r"(?!sg-)[A-Za-z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}",  # EC2 API
    "aws:ecr/repository:Repository": ("ecr", "RepositoryName"),
    "aws:iam/instanceProfile:InstanceProfile": ("iam", "instanceProfileNameType"),
    "aws:iam/role:Role": ("iam", "roleNameType"),
    "aws:lambda/function:Function": r"[A-Za-z0-9_-]{1,64}",  # Lambda API, CreateFunction
    # S3 guide, bucket naming rules
    "aws:s3/bucket:Bucket": r"(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "aws:scheduler/schedule:Schedule": ("scheduler", "Name"),
    "aws:secretsmanager/secret:Secret": r"[A-Za-z0-9/_+=.@-]{1,512}",  # Secrets Manager API, CreateSecret
    "aws:sfn/stateMachine:StateMachine": r"[A-Za-z0-9_-]{1,80}",  # Step Functions guide, names that CloudWatch takes
    "aws:sns/topic:Topic": r"[A-Za-z0-9_-]{1,256}",  # SNS API, CreateTopic
    "aws:sqs/queue:Queue": r"[A-Za-z0-9_-]{1,80}",  # SQS API, CreateQueue
}

# type: the property that has the name, if it is not called that
KEYS = {"aws:s3/bucket:Bucket": "bucket", "aws:cloudwatch/dashboard:Dashboard": "dashboardName"}


@functools.cache
def accepted(type_: str) -> tuple[re.Pattern[str], int]:
    """The pattern and the longest name of a service."""
    rule = NAMES[type_]
    if isinstance(rule, str):
        return re.compile(rule), 10_000
    service, shape = rule
    found = botocore.session.get_session().get_service_model(service).shape_for(shape).metadata
    return re.compile(found["pattern"]), int(found["max"])


def refused(deployment: Deployment) -> list[tuple[str, str]]:
    """The names in a deployment that their services would refuse."""
    found = []
    for resource in deployment.resources:
        name = resource.outputs.get(KEYS.get(resource.type, "name"))
        if resource.type in NAMES:
            pattern, limit = accepted(resource.type)
            if not isinstance(name, str) or len(name) > limit or not pattern.fullmatch(name):
                found.append((resource.type, str(name)))
    return found


@pytest.mark.parametrize("stack", [name for name in ODD if name.isascii()])
def test_a_stack_of_any_name_is_deployed_under_names_that_every_service_takes(
    stack: str, tmp_path: pathlib.Path
) -> None:
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    with Account() as account:
        deployment = mocks.deploy(account, stack, program=functools.partial(run_main, ROOT), folder=tmp_path)
    assert {resource.type for resource in deployment.resources} >= set(NAMES)
    assert refused(deployment) == []


@pytest.mark.parametrize(("name", "start"), ODD.items())
def test_names_begin_with_what_can_be_kept_of_the_stacks(name: str, start: str) -> None:
    made = physical_name(name)
    assert made.startswith(start)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", made)
    assert len(made) <= 30
    assert physical_name(made) == made


@pytest.mark.parametrize("name", ["autoexport", "a", "prod-2", "x" * 30])
def test_a_name_that_every_service_takes_stays_as_it_is(name: str) -> None:
    assert physical_name(name) == name


def test_long_names_that_begin_alike_stay_apart() -> None:
    made = {physical_name("a-name-that-is-far-too-long-for-aws-" + end) for end in ("one", "two", "")}
    assert len(made) == 3


def test_a_component_of_any_name_names_its_children_so_that_two_fit_in_one_program() -> None:
    def program() -> None:
        for name in ("Nightly_Run", "x" * 60):
            LustreBatchAutoExport(name)

    graph = record(program)
    urns = [each.urn for each in graph.registrations]
    assert len(urns) == len(set(urns))
    starts = (physical_name("Nightly_Run"), physical_name("x" * 60))
    assert [child.name for child in graph.children if not child.name.startswith(starts)] == []
