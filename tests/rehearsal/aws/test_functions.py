"""A deployed function runs for real, in the account's time."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.calls import Fault

HANDLER = """
import boto3

def handler(event, context):
    try:
        return {"count": len(boto3.client("s3").list_buckets()["Buckets"])}
    except Exception as error:
        return {"swallowed": str(error)}
"""


@pytest.fixture
def function(account: Account) -> str:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("handler.py", HANDLER)
    iam = account.client("iam")
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    account.client("lambda").create_function(
        FunctionName="count",
        Runtime="python3.12",
        Handler="handler.handler",
        Role=role,
        Timeout=30,
        Code={"ZipFile": code.getvalue()},
    )
    return "count"


def invoke(account: Account, function: str) -> Any:
    return json.loads(account.client("lambda").invoke(FunctionName=function)["Payload"].read())


def test_the_deployed_code_answers(account: Account, function: str) -> None:
    assert invoke(account, function) == {"count": 0}


def test_a_function_whose_call_hangs_is_ended_at_its_time_out(account: Account, function: str) -> None:
    account.calls.faults = [Fault(call="s3:ListBuckets", error="hang")]
    began = account.clock.now()
    assert invoke(account, function)["errorType"] == "Sandbox.Timedout"
    assert account.clock.now() - began == 30
