"""Every API call passes one place: checked, counted, authorised, faulted, answered."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from rehearsal.aws.account import Account
from rehearsal.aws.calls import Fault, ModelError, acting_as, internally


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
