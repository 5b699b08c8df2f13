"""Rows of the table for Secrets Manager: secrets and their versions. A secret in its recovery window keeps its name; a
row must never take that name over."""

from __future__ import annotations

from typing import Any

from .kind import Aws, Kind, Naming, Props, ResourceError, given, gone_is_none, keep_only
from .tags import retag, tag_list, tag_map

# Secrets Manager API reference, DeleteSecret: 7 to 30 days, 30 when not given; 0 is how the provider says "at once".
_RECOVERY_DAYS = 30


def _create_secret(aws: Aws, inputs: Props) -> str:
    return str(
        aws.client("secretsmanager").create_secret(
            Name=inputs["name"],
            **given(
                Description=inputs.get("description"),
                KmsKeyId=inputs.get("kmsKeyId"),
                Tags=tag_list(inputs.get("tagsAll")) or None,
            ),
        )["ARN"]
    )


@gone_is_none("ResourceNotFoundException")
def _read_secret(aws: Aws, identity: str, state: Props) -> Props | None:
    found = aws.client("secretsmanager").describe_secret(SecretId=identity)
    if found.get("DeletedDate"):
        return None
    return {
        "arn": found["ARN"],
        "name": found["Name"],
        "description": found.get("Description") or None,
        "kmsKeyId": found.get("KmsKeyId") or None,
        "recoveryWindowInDays": state.get("recoveryWindowInDays", _RECOVERY_DAYS),
        "tagsAll": tag_map(found.get("Tags")),
    }


def _change_secret(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("secretsmanager").update_secret(
        SecretId=identity, Description=new.get("description") or "", KmsKeyId=new.get("kmsKeyId") or ""
    )


def _delete_secret(aws: Aws, identity: str, state: Props) -> None:
    days = int(state.get("recoveryWindowInDays", _RECOVERY_DAYS))
    how: dict[str, Any] = {"ForceDeleteWithoutRecovery": True} if days == 0 else {"RecoveryWindowInDays": days}
    aws.client("secretsmanager").delete_secret(SecretId=identity, **how)


def _put_version(aws: Aws, inputs: Props) -> str:
    if inputs.get("secretString") is None:
        raise ResourceError("secretString is needed: this account takes no binary secrets")
    answer = aws.client("secretsmanager").put_secret_value(
        SecretId=inputs["secretId"],
        SecretString=inputs["secretString"],
        **given(VersionStages=inputs.get("versionStages")),
    )
    return f"{inputs['secretId']}|{answer['VersionId']}"


@gone_is_none("ResourceNotFoundException", "InvalidRequestException")
def _read_version(aws: Aws, identity: str, state: Props) -> Props:
    secret, _, version = identity.partition("|")
    found = aws.client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version)
    return {
        "arn": found["ARN"],
        "secretId": secret,
        "versionId": version,
        "secretString": found.get("SecretString"),
        "versionStages": sorted(found.get("VersionStages", [])),
    }


def _relabel_version(aws: Aws, identity: str, new: Props, old: Props) -> None:
    """As the provider does it: labels are added, then removed, AWSCURRENT excepted (secret_version.go)."""
    secret, _, version = identity.partition("|")
    client = aws.client("secretsmanager")
    wanted, present = set(new.get("versionStages") or []), set(old.get("versionStages") or [])
    for label in sorted(wanted - present):
        versions = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
        holder = next((each for each, labels in versions.items() if label in labels), None)
        taken_from = {"RemoveFromVersionId": holder} if holder and label == "AWSCURRENT" else {}
        client.update_secret_version_stage(SecretId=secret, VersionStage=label, MoveToVersionId=version, **taken_from)
    _remove_labels(aws, identity, present - wanted)


def _delete_version(aws: Aws, identity: str, state: Props) -> None:
    _remove_labels(aws, identity, set(state.get("versionStages") or []))


def _remove_labels(aws: Aws, identity: str, labels: set[str]) -> None:
    """Remove them one by one; one that is elsewhere by now is an error. AWSCURRENT cannot be removed."""
    secret, _, version = identity.partition("|")
    for label in sorted(labels - {"AWSCURRENT"}):
        aws.client("secretsmanager").update_secret_version_stage(
            SecretId=secret, VersionStage=label, RemoveFromVersionId=version
        )


KINDS = (
    Kind(
        "aws:secretsmanager/secret:Secret",
        _create_secret,
        _read_secret,
        _delete_secret,
        update={
            "description": _change_secret,
            "kmsKeyId": _change_secret,
            "recoveryWindowInDays": keep_only,
            "tags": retag("secretsmanager", "SecretId"),
        },
        naming=Naming(limit=512),
        computed=frozenset({"policy"}),
        defaults={"recoveryWindowInDays": _RECOVERY_DAYS},
    ),
    Kind(
        "aws:secretsmanager/secretVersion:SecretVersion",
        _put_version,
        _read_version,
        _delete_version,
        update={"versionStages": _relabel_version},
        computed=frozenset({"versionStages"}),
        unordered=frozenset({"versionStages"}),
    ),
)
