"""Every API call passes one place: checked, counted, authorised, faulted, answered."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from pydantic import ValidationError

from rehearsal.aws.account import Account
from rehearsal.aws.calls import Fault, ModelError, NoAnswer, acting_as, internally
from rehearsal.aws.clock import ORIGIN


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_client_made_by_anyone_is_intercepted(account: Account) -> None:
    boto3.client("s3").create_bucket(Bucket="a-bucket")
    assert account.calls.counts == {"s3:CreateBucket": 1}


def test_members_that_the_api_does_not_have_are_refused(account: Account) -> None:
    with pytest.raises(ParamValidationError, match="Unknown parameter"):
        account.client("fsx").describe_file_systems(FileSystemId="fs-1")


def test_a_missing_member_is_refused(account: Account) -> None:
    with pytest.raises(ParamValidationError, match="FileSystemId"):
        account.client("fsx").delete_file_system()


def test_a_fault_strikes_the_planned_calls_only(account: Account) -> None:
    account.calls.faults = [Fault(call="s3:ListBuckets", error="SlowDown", times=2, skip=1)]
    client = account.client("s3")
    outcomes = []
    for _ in range(5):
        try:
            client.list_buckets()
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["ok", "SlowDown", "SlowDown", "ok", "ok"]


def test_a_lost_answer_still_takes_effect(account: Account) -> None:
    account.calls.faults = [Fault(call="s3:CreateBucket", error="InternalError", after=True)]
    with pytest.raises(ClientError):
        account.client("s3").create_bucket(Bucket="a-bucket")
    assert [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]] == ["a-bucket"]


def outcomes(account: Account, moments: list[float]) -> list[str]:
    """What listing the buckets gives at those moments."""
    found = []
    for moment in moments:
        account.clock.set(ORIGIN + moment)
        try:
            account.client("s3").list_buckets()
            found.append("ok")
        except ClientError as error:
            found.append(error.response["Error"]["Code"])
    return found


@pytest.mark.parametrize("call", ["s3:ListBuckets", "s3:*", "*:*"])
def test_a_service_is_away_from_one_moment_to_another(account: Account, call: str) -> None:
    account.calls.reset([Fault.model_validate({"call": call, "error": "InternalError", "at": 10, "for": 20})])
    assert outcomes(account, [9, 10, 20, 29, 30]) == ["ok", "InternalError", "InternalError", "InternalError", "ok"]


def test_other_services_go_on_while_one_is_away(account: Account) -> None:
    account.calls.reset([Fault(call="fsx:*", error="InternalServerError", at=0)])
    assert outcomes(account, [0, 1e6]) == ["ok", "ok"]
    with pytest.raises(ClientError):
        account.client("fsx").describe_file_systems()


def test_a_window_can_be_limited_to_some_of_its_calls(account: Account) -> None:
    account.calls.reset([Fault(call="s3:ListBuckets", error="SlowDown", at=10, skip=1, times=1)])
    assert outcomes(account, [5, 10, 11, 12]) == ["ok", "ok", "SlowDown", "ok"]


def test_the_moments_count_from_the_reset(account: Account) -> None:
    account.clock.advance(1000)
    account.calls.reset([Fault.model_validate({"call": "s3:*", "error": "SlowDown", "at": 0, "for": 5})])
    assert outcomes(account, [1004, 1005]) == ["SlowDown", "ok"]


@pytest.mark.parametrize("call", ["fsx", "fsx:", "*:DescribeFileSystems", "fsx:describeFileSystems", "f*:*"])
def test_a_fault_names_one_operation_all_of_a_service_or_all_of_all(call: str) -> None:
    with pytest.raises(ValidationError):
        Fault(call=call)


@pytest.mark.parametrize(("key", "value"), [("for", 0), ("at", -1), ("times", 0), ("until", 5)])
def test_a_fault_that_could_never_strike_is_refused(key: str, value: int) -> None:
    with pytest.raises(ValidationError, match=key):
        Fault.model_validate({"call": "fsx:*", key: value})


@pytest.mark.parametrize("after", [False, True])
def test_a_call_that_hangs_has_no_answer_and_takes_effect_only_when_planned(account: Account, after: bool) -> None:
    account.calls.reset([Fault(call="s3:CreateBucket", error="hang", after=after)])
    with pytest.raises(NoAnswer):
        account.client("s3").create_bucket(Bucket="a-bucket")
    assert len(account.client("s3").list_buckets()["Buckets"]) == after


@pytest.mark.parametrize(
    ("service", "error", "status"),
    [
        ("fsx", "ThrottlingException", 400),
        ("fsx", "InternalServerError", 500),
        ("batch", "TooManyRequestsException", 429),
        ("batch", "ServerException", 500),
        ("ec2", "RequestLimitExceeded", 400),
    ],
)
def test_errors_carry_the_status_of_their_service(account: Account, service: str, error: str, status: int) -> None:
    operations = {"fsx": "DescribeFileSystems", "batch": "DescribeJobQueues", "ec2": "DescribeVpcs"}
    operation = operations[service]
    account.calls.faults = [Fault(call=f"{service}:{operation}", error=error)]
    with pytest.raises(ClientError) as caught:
        account.client(service)._make_api_call(operation, {})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_models_refusal_is_the_clients_modelled_exception(account: Account) -> None:
    with pytest.raises(account.client("fsx").exceptions.FileSystemNotFound):
        account.client("fsx").describe_file_systems(FileSystemIds=["fs-01234567890abcdef"])


def test_only_calls_in_somebodys_name_are_authorised(account: Account) -> None:
    account.calls.authoriser = lambda role, service, operation, params: f"{role} may not {operation}"
    account.client("s3").list_buckets()
    with acting_as("arn:aws:iam::123456789012:role/r"), pytest.raises(ClientError) as caught:
        account.client("s3").list_buckets()
    assert code(caught) == "AccessDeniedException"


def test_internal_calls_are_neither_counted_nor_faulted(account: Account) -> None:
    account.calls.faults = [Fault(call="s3:ListBuckets", error="SlowDown", times=9)]
    with internally():
        account.client("s3").list_buckets()
    assert account.calls.counts == {}


def test_an_answer_is_a_copy_of_the_models_state(account: Account) -> None:
    state = {"FileSystems": [{"FileSystemId": "fs-01234567890abcdef"}]}
    account.calls.answer("fsx", DescribeFileSystems=lambda params: state)
    account.client("fsx").describe_file_systems()["FileSystems"].clear()
    assert state["FileSystems"]


def test_a_refused_model_call_names_its_code(account: Account) -> None:
    def refuse(params: dict[str, object]) -> None:
        raise ModelError("BadRequest", "no")

    account.calls.answer("fsx", DescribeFileSystems=refuse)
    with pytest.raises(ClientError) as caught:
        account.client("fsx").describe_file_systems()
    assert code(caught) == "BadRequest"
