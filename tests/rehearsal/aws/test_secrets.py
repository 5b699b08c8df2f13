"""Versions of a secret: labels stay until they are moved, and a version without one is gone."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws.account import Account


def test_a_version_with_a_label_of_its_own_outlives_any_number_of_edits_and_one_without_does_not() -> None:
    with Account() as account:
        client = account.client("secretsmanager")
        client.create_secret(Name="s")
        kept = client.put_secret_value(SecretId="s", SecretString="1", VersionStages=["AWSCURRENT", "mine"])[
            "VersionId"
        ]
        lost = client.put_secret_value(SecretId="s", SecretString="2")["VersionId"]
        for value in ("3", "4"):
            client.update_secret(SecretId="s", SecretString=value)
        assert client.get_secret_value(SecretId="s")["SecretString"] == "4"
        assert client.get_secret_value(SecretId="s", VersionStage="AWSPREVIOUS")["SecretString"] == "3"
        found = client.get_secret_value(SecretId="s", VersionId=kept)
        assert (found["SecretString"], found["VersionStages"]) == ("1", ["mine"])
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.get_secret_value(SecretId="s", VersionId=lost)


def test_a_label_that_a_new_version_brings_is_taken_from_the_old_one() -> None:
    with Account() as account:
        client = account.client("secretsmanager")
        client.create_secret(Name="s")
        first = client.put_secret_value(SecretId="s", SecretString="1", VersionStages=["AWSCURRENT", "mine"])[
            "VersionId"
        ]
        second = client.put_secret_value(SecretId="s", SecretString="2", VersionStages=["AWSCURRENT", "mine"])
        assert sorted(second["VersionStages"]) == ["AWSCURRENT", "mine"]
        assert client.get_secret_value(SecretId="s", VersionId=first)["VersionStages"] == ["AWSPREVIOUS"]
