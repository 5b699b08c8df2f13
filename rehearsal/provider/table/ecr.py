"""Rows of the table for ECR: repositories and their lifecycle policies."""

from __future__ import annotations

from .kind import Aws, Enumeration, Kind, Naming, Props, given, gone_is_none, keep_only, put_again
from .tags import retag, tag_list, tag_map


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


def _delete_lifecycle(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ecr").delete_lifecycle_policy(repositoryName=identity)


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
            "tags": retag("ecr", "resourceArn", tags="tags", keys="tagKeys"),
        },
        naming=Naming(limit=256, lower=True),
        computed=frozenset({"encryptionConfigurations"}),
        defaults={
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": False},
            "forceDelete": False,
        },
        enumerations={"imageTagMutability": Enumeration("ecr", "ImageTagMutability")},
    ),
    Kind(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        _put_lifecycle,
        _read_lifecycle,
        _delete_lifecycle,
        update={"policy": put_again(_put_lifecycle)},
        documents=frozenset({"policy"}),
    ),
)
