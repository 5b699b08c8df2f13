"""Rows of the table for S3: buckets, and each setting of a bucket as a resource of its own. A row must never empty a
bucket that was not declared with `forceDestroy`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .kind import (
    Aws,
    Enumeration,
    Kind,
    Naming,
    Props,
    ResourceError,
    Update,
    camel,
    dns_suffix,
    given,
    gone_is_none,
    keep_only,
    pascal,
)
from .tags import tag_list, tag_map

_GONE = gone_is_none(
    "NoSuchBucket",
    "404",
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "OwnershipControlsNotFoundError",
)


def _create_bucket(aws: Aws, inputs: Props) -> str:
    s3, name = aws.client("s3"), inputs["bucket"]
    if name in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        # us-east-1 answers 200 to the owner's second CreateBucket (S3 API reference); the provider asks first.
        raise ResourceError(f"BucketAlreadyOwnedByYou: a bucket named {name} exists already")
    create_bucket(aws, name)
    return str(name)


def create_bucket(aws: Aws, name: str) -> None:
    """us-east-1 is the one region that is chosen by leaving the constraint out (S3 API reference, CreateBucket)."""
    place = {} if aws.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": aws.region}}
    aws.client("s3").create_bucket(Bucket=name, **place)


def _retag(aws: Aws, identity: str, new: Props, old: Props) -> None:
    if new.get("tagsAll"):
        aws.client("s3").put_bucket_tagging(Bucket=identity, Tagging={"TagSet": tag_list(new["tagsAll"])})
    elif old.get("tagsAll"):
        aws.client("s3").delete_bucket_tagging(Bucket=identity)


def _tags(aws: Aws, name: str) -> dict[str, str]:
    reader = gone_is_none("NoSuchTagSet")(lambda aws, name, _: aws.client("s3").get_bucket_tagging(Bucket=name))
    return tag_map((reader(aws, name, {}) or {}).get("TagSet"))


@_GONE
def _read_bucket(aws: Aws, identity: str, state: Props) -> Props:
    aws.client("s3").head_bucket(Bucket=identity)
    suffix = dns_suffix(aws)
    return {
        "arn": f"arn:{aws.partition}:s3:::{identity}",
        "bucket": identity,
        "bucketDomainName": f"{identity}.s3.{suffix}",
        "bucketRegionalDomainName": f"{identity}.s3.{aws.region}.{suffix}",
        "forceDestroy": bool(state.get("forceDestroy", False)),
        "region": aws.region,
        "tagsAll": _tags(aws, identity),
    }


def _delete_bucket(aws: Aws, identity: str, state: Props) -> None:
    s3 = aws.client("s3")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=identity)
    held = [item for page in pages for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))]
    if held and not state.get("forceDestroy"):
        raise ResourceError(
            f"BucketNotEmpty: The bucket you tried to delete is not empty ({identity}). You must delete all versions."
        )
    for item in held:
        s3.delete_object(Bucket=identity, Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket=identity)


def _setting(
    token: str,
    put: Callable[[Any, Props], Any],
    get: Callable[[Any, str], Props],
    delete: str | Callable[[Any, str], Any],
    properties: tuple[str, ...],
    **more: Any,
) -> Kind:
    """A resource that is one setting of one bucket, and whose id is the bucket's name."""

    def create(aws: Aws, inputs: Props) -> str:
        put(aws.client("s3"), inputs)
        return str(inputs["bucket"])

    @_GONE
    def read(aws: Aws, identity: str, state: Props) -> Props | None:
        found = get(aws.client("s3"), identity)
        return {"bucket": identity, **found} if found else None

    def change(aws: Aws, identity: str, new: Props, old: Props) -> None:
        put(aws.client("s3"), new)

    def remove(aws: Aws, identity: str, state: Props) -> None:
        client = aws.client("s3")
        if isinstance(delete, str):
            getattr(client, delete)(Bucket=identity)
        else:
            delete(client, identity)

    update: dict[str, Update] = dict.fromkeys(properties, change)
    return Kind(token, create, read, remove, update=update, **more)


_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _encryption(s3: Any, bucket: str) -> Props:
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    names = {"KMSMasterKeyID": "kmsMasterKeyId", "SSEAlgorithm": "sseAlgorithm"}
    return {
        "rules": [
            given(
                applyServerSideEncryptionByDefault={
                    names[key]: value for key, value in rule["ApplyServerSideEncryptionByDefault"].items()
                },
                bucketKeyEnabled=rule.get("BucketKeyEnabled"),
            )
            for rule in rules
        ]
    }


def _encrypt(s3: Any, inputs: Props) -> None:
    def default(rule: Props) -> dict[str, Any]:
        chosen = rule["applyServerSideEncryptionByDefault"]
        return given(SSEAlgorithm=chosen["sseAlgorithm"], KMSMasterKeyID=chosen.get("kmsMasterKeyId"))

    rules = [
        given(ApplyServerSideEncryptionByDefault=default(rule), BucketKeyEnabled=rule.get("bucketKeyEnabled"))
        for rule in inputs["rules"]
    ]
    s3.put_bucket_encryption(Bucket=inputs["bucket"], ServerSideEncryptionConfiguration={"Rules": rules})


def _lifecycle_rule(rule: Props) -> dict[str, Any]:
    renamed = {"id": "ID", "transitions": "Transitions", "noncurrentVersionTransitions": "NoncurrentVersionTransitions"}
    sent = {renamed.get(name, name): value for name, value in rule.items() if value is not None}
    sent.setdefault("filter", {"prefix": ""})
    converted: dict[str, Any] = pascal(sent)
    return converted


def _lifecycle(s3: Any, bucket: str) -> Props:
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {"rules": [camel({{"ID": "id"}.get(name, name): value for name, value in rule.items()}) for rule in rules]}


def _put_notifications(aws: Aws, bucket: str, event_bridge: bool) -> None:
    configuration: dict[str, Any] = {"EventBridgeConfiguration": {}} if event_bridge else {}
    aws.client("s3").put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


def _notify(aws: Aws, inputs: Props) -> str:
    _put_notifications(aws, inputs["bucket"], bool(inputs.get("eventbridge")))
    return str(inputs["bucket"])


@_GONE
def _read_notification(aws: Aws, identity: str, state: Props) -> Props | None:
    aws.client("s3").head_bucket(Bucket=identity)
    # moto forgets an element without content, and so this one.
    return {"bucket": identity, "eventbridge": state.get("eventbridge", False)}


KINDS = (
    Kind(
        "aws:s3/bucket:Bucket",
        _create_bucket,
        _read_bucket,
        _delete_bucket,
        lambda aws, identity, inputs: _retag(aws, identity, inputs, {}),
        update={"tags": _retag, "forceDestroy": keep_only},
        naming=Naming("bucket", limit=63, lower=True),
        defaults={"forceDestroy": False},
    ),
    _setting(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda s3, inputs: s3.put_public_access_block(
            Bucket=inputs["bucket"],
            PublicAccessBlockConfiguration=pascal({name: bool(inputs.get(name)) for name in _BLOCKS}),
        ),
        lambda s3, bucket: dict(camel(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])),
        "delete_public_access_block",
        _BLOCKS,
        defaults=dict.fromkeys(_BLOCKS, False),
    ),
    _setting(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        _encrypt,
        _encryption,
        "delete_bucket_encryption",
        ("rules",),
        enumerations={
            "rules.applyServerSideEncryptionByDefault.sseAlgorithm": Enumeration("s3", "ServerSideEncryption")
        },
    ),
    _setting(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda s3, inputs: s3.put_bucket_versioning(
            Bucket=inputs["bucket"],
            VersioningConfiguration={"Status": inputs["versioningConfiguration"]["status"]},
        ),
        lambda s3, bucket: (
            {"versioningConfiguration": {"status": status}}
            if (status := s3.get_bucket_versioning(Bucket=bucket).get("Status"))
            else {}
        ),
        # terraform-provider-aws, bucket_versioning.go: deletion suspends, versioning cannot be switched off again.
        lambda s3, bucket: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}),
        ("versioningConfiguration",),
        enumerations={"versioningConfiguration.status": Enumeration("s3", "BucketVersioningStatus")},
    ),
    _setting(
        "aws:s3/bucketPolicy:BucketPolicy",
        lambda s3, inputs: s3.put_bucket_policy(Bucket=inputs["bucket"], Policy=_checked_json(inputs["policy"])),
        lambda s3, bucket: {"policy": s3.get_bucket_policy(Bucket=bucket)["Policy"]},
        "delete_bucket_policy",
        ("policy",),
        documents=frozenset({"policy"}),
    ),
    _setting(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda s3, inputs: s3.put_bucket_lifecycle_configuration(
            Bucket=inputs["bucket"],
            LifecycleConfiguration={"Rules": [_lifecycle_rule(rule) for rule in inputs["rules"]]},
        ),
        _lifecycle,
        "delete_bucket_lifecycle",
        ("rules",),
        enumerations={"rules.status": Enumeration("s3", "ExpirationStatus")},
        computed=frozenset({"rules.filter", "rules.prefix"}),
    ),
    _setting(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda s3, inputs: s3.put_bucket_ownership_controls(
            Bucket=inputs["bucket"],
            OwnershipControls={"Rules": [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]},
        ),
        lambda s3, bucket: {
            "rule": camel(s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"][0])
        },
        "delete_bucket_ownership_controls",
        ("rule",),
        enumerations={"rule.objectOwnership": Enumeration("s3", "ObjectOwnership")},
    ),
    Kind(
        "aws:s3/bucketNotification:BucketNotification",
        _notify,
        _read_notification,
        # terraform-provider-aws, bucket_notification.go: deletion puts an empty configuration.
        lambda aws, identity, state: _put_notifications(aws, identity, False),
        update={"eventbridge": lambda aws, identity, new, old: _put_notifications(aws, identity, new["eventbridge"])},
    ),
)


def _checked_json(text: str) -> str:
    json.loads(text)
    return text
