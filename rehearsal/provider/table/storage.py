"""Rows of the table for ECR and Secrets Manager. Owns how they map to those APIs; it must never take a name that AWS
still holds: a secret in its recovery window keeps it."""

from __future__ import annotations

from typing import Any

from .kind import (
    Aws,
    Enumeration,
    Kind,
    Naming,
    Props,
    ResourceError,
    given,
    gone_is_none,
    keep_only,
    tag_list,
    tag_map,
)

# --- ECR -------------------------------------------------------------------------------------------------------------


def _create_repository(aws: Aws, inputs: Props) -> str:
    encryption = inputs.get("encryptionConfigurations")
    return str(
        aws.client("ecr").create_repository(
            repositoryName=inputs["name"],
            imageTagMutability=inputs.get("imageTagMutability", "MUTABLE"),
            imageScanningConfiguration=inputs.get("imageScanningConfiguration") or {"scanOnPush": False},
            **given(
                encryptionConfiguration=given(
                    encryptionType=encryption[0].get("encryptionType", "AES256"), kmsKey=encryption[0].get("kmsKey")
                )
                if encryption
                else None,
                tags=tag_list(inputs.get("tagsAll")) or None,
            ),
        )["repository"]["repositoryName"]
    )


@gone_is_none("RepositoryNotFoundException")
def _read_repository(aws: Aws, identity: str, state: Props) -> Props:
    ecr = aws.client("ecr")
    found = ecr.describe_repositories(repositoryNames=[identity])["repositories"][0]
    return {
        "arn": found["repositoryArn"],
        "name": found["repositoryName"],
        "registryId": found["registryId"],
        "repositoryUrl": found["repositoryUri"],
        "imageTagMutability": found["imageTagMutability"],
        "imageScanningConfiguration": {"scanOnPush": found["imageScanningConfiguration"]["scanOnPush"]},
        "encryptionConfigurations": [found["encryptionConfiguration"]] if "encryptionConfiguration" in found else [],
        "forceDelete": bool(state.get("forceDelete", False)),
        "tagsAll": tag_map(ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]),
    }


def _set_mutability(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("ecr").put_image_tag_mutability(
        repositoryName=identity, imageTagMutability=new.get("imageTagMutability", "MUTABLE")
    )


def _set_scanning(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("ecr").put_image_scanning_configuration(
        repositoryName=identity,
        imageScanningConfiguration=new.get("imageScanningConfiguration") or {"scanOnPush": False},
    )


def _retag_repository(aws: Aws, identity: str, new: Props, old: Props) -> None:
    ecr, wanted, present = aws.client("ecr"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        ecr.untag_resource(resourceArn=old["arn"], tagKeys=surplus)
    if wanted:
        ecr.tag_resource(resourceArn=old["arn"], tags=tag_list(wanted))


def _delete_repository(aws: Aws, identity: str, state: Props) -> None:
    # ECR API reference, DeleteRepository: RepositoryNotEmptyException unless `force`.
    aws.client("ecr").delete_repository(repositoryName=identity, force=bool(state.get("forceDelete")))


def _put_lifecycle(aws: Aws, inputs: Props) -> str:
    aws.client("ecr").put_lifecycle_policy(repositoryName=inputs["repository"], lifecyclePolicyText=inputs["policy"])
    return str(inputs["repository"])


@gone_is_none("LifecyclePolicyNotFoundException", "RepositoryNotFoundException")
def _read_lifecycle(aws: Aws, identity: str, state: Props) -> Props:
    found = aws.client("ecr").get_lifecycle_policy(repositoryName=identity)
    return {
        "repository": identity,
        "registryId": found["registryId"],
        "policy": found["lifecyclePolicyText"],
    }


def _change_lifecycle(aws: Aws, identity: str, new: Props, old: Props) -> None:
    _put_lifecycle(aws, new)


def _delete_lifecycle(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ecr").delete_lifecycle_policy(repositoryName=identity)


# --- Secrets Manager -------------------------------------------------------------------------------------------------

# Secrets Manager API reference, DeleteSecret: 7 to 30 days, 30 when not given; 0 is the provider's word for at once.
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


def _retag_secret(aws: Aws, identity: str, new: Props, old: Props) -> None:
    secrets, wanted, present = aws.client("secretsmanager"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        secrets.untag_resource(SecretId=identity, TagKeys=surplus)
    if wanted:
        secrets.tag_resource(SecretId=identity, Tags=tag_list(wanted))


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


def _delete_version(aws: Aws, identity: str, state: Props) -> None:
    # terraform-provider-aws, secret_version.go: the version labelled AWSCURRENT cannot be removed and goes with the
    # secret.
    return


KINDS = (
    Kind(
        "aws:ecr/repository:Repository",
        _create_repository,
        _read_repository,
        _delete_repository,
        update={
            "imageTagMutability": _set_mutability,
            "imageScanningConfiguration": _set_scanning,
            "forceDelete": keep_only,
            "tags": _retag_repository,
        },
        naming=Naming(limit=256, lower=True),
        computed=frozenset({"encryptionConfigurations"}),
        defaults={
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": False},
            "forceDelete": False,
        },
        enumerations={"imageTagMutability": Enumeration("ecr", "ImageTagMutability")},
        local=frozenset({"forceDelete"}),
    ),
    Kind(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        _put_lifecycle,
        _read_lifecycle,
        _delete_lifecycle,
        update={"policy": _change_lifecycle},
        documents=frozenset({"policy"}),
    ),
    Kind(
        "aws:secretsmanager/secret:Secret",
        _create_secret,
        _read_secret,
        _delete_secret,
        update={
            "description": _change_secret,
            "kmsKeyId": _change_secret,
            "recoveryWindowInDays": keep_only,
            "tags": _retag_secret,
        },
        naming=Naming(limit=512),
        computed=frozenset({"policy"}),
        defaults={"recoveryWindowInDays": _RECOVERY_DAYS},
        local=frozenset({"recoveryWindowInDays"}),
    ),
    Kind(
        "aws:secretsmanager/secretVersion:SecretVersion",
        _put_version,
        _read_version,
        _delete_version,
        computed=frozenset({"versionStages"}),
    ),
)
