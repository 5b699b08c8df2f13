"""Launch templates: created once for each client token."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account


def test_a_launch_template_is_created_once_per_client_token(account: Account) -> None:
    request = {
        "LaunchTemplateName": "t",
        "ClientToken": "token",
        "LaunchTemplateData": {"UserData": ""},
    }
    ec2 = account.client("ec2")
    first = ec2.create_launch_template(**request)["LaunchTemplate"]["LaunchTemplateId"]
    assert ec2.create_launch_template(**request)["LaunchTemplate"]["LaunchTemplateId"] == first
    with pytest.raises(ClientError):
        ec2.create_launch_template(**request | {"ClientToken": "another"})
