"""AWS's rates: what a role asks too often is refused as the service does it, and transitions are delayed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lustre_batch import definition as definitions

from rehearsal.aws import rates
from rehearsal.aws.account import Account
from rehearsal.aws.calls import acting_as
from rehearsal.aws.rates import RATES, TRANSITION, rate_of
from rehearsal.aws.states import naming
from rehearsal.aws.states.executions import Execution
from tests.lanes_table import create_lanes_table

ROLE = "arn:aws:iam::123456789012:role/role"
Run = Callable[..., Execution]


def ask(account: Account, times: int, call: Callable[[], Any]) -> list[str]:
    """Ask so often at once, in a role's name."""
    outcomes = []
    with acting_as(ROLE):
        for _ in range(times):
            try:
                call()
                outcomes.append("ok")
            except ClientError as error:
                outcomes.append(error.response["Error"]["Code"])
    return outcomes


def quota(account: Account) -> Callable[[], Any]:
    client = account.client("service-quotas")
    return lambda: client.get_service_quota(ServiceCode="ec2", QuotaCode="L-34B43A08")


def test_a_burst_empties_the_bucket_and_time_refills_it(account: Account) -> None:
    assert ask(account, 12, quota(account)) == ["ok"] * 10 + ["TooManyRequestsException"] * 2
    account.clock.advance(1)
    assert ask(account, 7, quota(account)) == ["ok"] * 5 + ["TooManyRequestsException"] * 2
    account.clock.advance(3600)
    assert ask(account, 11, quota(account)).count("ok") == 10, "a bucket holds no more than its size"


def test_only_what_roles_ask_is_limited(account: Account) -> None:
    for _ in range(30):
        quota(account)()


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("batch", "describe_job_queues", "TooManyRequestsException"),
        ("ec2", "describe_launch_templates", "RequestLimitExceeded"),
        ("fsx", "describe_file_systems", "ThrottlingException"),
        ("logs", "describe_log_streams", "ThrottlingException"),
    ],
)
def test_each_service_refuses_with_its_own_error(account: Account, service: str, operation: str, code: str) -> None:
    given = {"logGroupName": "group"} if service == "logs" else {}
    if given:
        account.client("logs").create_log_group(**given)
    outcomes = ask(account, 120, lambda: getattr(account.client(service), operation)(**given))
    assert set(outcomes) == {"ok", code}


def test_all_of_batch_takes_from_one_bucket(account: Account) -> None:
    batch = account.client("batch")
    assert ask(account, 40, batch.describe_job_queues) == ["ok"] * 40
    assert ask(account, 40, batch.describe_compute_environments).count("ok") == 10


def test_a_list_of_all_instances_has_a_smaller_bucket(account: Account) -> None:
    ec2 = account.client("ec2")
    assert ask(account, 101, ec2.describe_instances).count("ok") == 50
    filtered = ask(account, 101, lambda: ec2.describe_instances(MaxResults=100))
    assert filtered.count("ok") == 100


@pytest.fixture
def table(account: Account) -> str:
    return create_lanes_table(account.client("dynamodb"), "tickets")


def test_tables_are_charged_by_what_is_read_and_written(account: Account, table: str) -> None:
    client = account.client("dynamodb")

    def put(number: int = 0, size: int = 10, **more: Any) -> Any:
        item = {"kind": {"S": "ticket"}, "id": {"S": f"{number}"}, "since": {"S": f"{number}"}, "x": {"S": "x" * size}}
        return client.put_item(TableName=table, Item=item, **more)

    # One for the table and one for the index, of each KB.
    assert ask(account, 510, put).count("ok") == 500
    account.clock.advance(1)
    assert ask(account, 260, lambda: put(size=1500)).count("ok") == 250
    account.clock.advance(1)
    refused = ask(account, 1000, lambda: put(size=1500, ConditionExpression="attribute_not_exists(id)"))
    assert refused.count("ConditionalCheckFailedException") == 250, "it costs the same"
    assert refused.count("ThrottlingException") == 750

    for number in range(80):
        put(number, size=1000)
    values = {":kind": {"S": "ticket"}}

    def count(**more: Any) -> Any:
        asked = {"TableName": table, "KeyConditionExpression": "kind = :kind", "ExpressionAttributeValues": values}
        return client.query(Select="COUNT", ConsistentRead=True, **asked, **more)

    assert count()["Count"] == 80
    # 80 tickets of 1 KB are about 20 read units, although only their number is asked for.
    assert 140 <= ask(account, 200, count).count("ok") <= 155
    account.clock.advance(1)
    few = ask(account, 1000, lambda: count(Limit=8))
    assert 950 <= few.count("ok") <= 1000, "three units each"


def test_transitions_are_delayed_and_nothing_fails(account: Account, run: Run) -> None:
    account.rates.scale = 0.01  # 50 at once, 15 a second
    states: dict[str, Any] = {f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(200)}
    execution = run({**states, "S200": {"Type": "Succeed"}})
    took = (execution.stopped or 0) - execution.started
    assert execution.status == "SUCCEEDED"
    assert took == pytest.approx((201 - 50) / 15, abs=0.1)


def test_small_regions_have_less(account: Account) -> None:
    for name in (TRANSITION, "stepfunctions:DescribeExecution"):
        large, small = (
            dict([rate_of(region, name) or ("", RATES[name])])[name] for region in ("us-east-1", "eu-south-1")
        )
        assert large.per_second > small.per_second == RATES[name].per_second


def test_every_call_of_the_definitions_and_of_the_function_has_a_rate() -> None:
    text = " ".join(definitions.source(name) for name in definitions.names())
    found = set(re.findall(r"states:::(?:aws-sdk:)?(\w+):(\w+)", text))
    calls = {
        f"{naming.BOTO_SERVICES.get(service, service)}:{operation[0].upper()}{operation[1:]}"
        for service, operation in found
        if service != "states"
    }
    calls |= {"stepfunctions:StartExecution", "cloudwatch:GetMetricData"}
    assert len(calls) > 30
    limited = {call for call in calls if call.startswith("dynamodb:") or rate_of("eu-south-1", call) is not None}
    assert calls - limited == set()


def test_every_rate_says_where_it_is_from() -> None:
    for call, rate in {**RATES, **rates.IN_LARGE_REGIONS}.items():
        assert (bool(rate.source), rate.size >= 1, rate.per_second > 0) == (True, True, True), call
    assert {call for call, rate in RATES.items() if rate.source == "assumed"} == {
        call for call in RATES if call.startswith("fsx:")
    }
