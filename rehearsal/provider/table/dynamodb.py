"""Rows of the table for DynamoDB: tables. Only what on-demand tables with plain keys need is modelled; anything else is
refused."""

from __future__ import annotations

from typing import Any

from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, given, gone_is_none, wait
from .tags import retag, tag_list, tag_map

_POLL_SECONDS = 5


def _key_schema(inputs: Props) -> list[dict[str, str]]:
    kinds = (("hashKey", "HASH"), ("rangeKey", "RANGE"))
    return [{"AttributeName": inputs[name], "KeyType": kind} for name, kind in kinds if inputs.get(name)]


def _encryption(inputs: Props) -> dict[str, Any]:
    """DynamoDB API, SSESpecification: enabled means KMS; not enabled means a key that DynamoDB owns."""
    chosen = inputs.get("serverSideEncryption") or {}
    if not chosen.get("enabled"):
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": "KMS", **given(KMSMasterKeyId=chosen.get("kmsKeyArn"))}


def _create_table(aws: Aws, inputs: Props) -> str:
    if inputs["billingMode"] != "PAY_PER_REQUEST":
        raise ResourceError("this account takes on-demand tables only (billingMode: PAY_PER_REQUEST)")
    name = aws.client("dynamodb").create_table(
        TableName=inputs["name"],
        BillingMode=inputs["billingMode"],
        KeySchema=_key_schema(inputs),
        AttributeDefinitions=[
            {"AttributeName": each["name"], "AttributeType": each["type"]} for each in inputs.get("attributes") or []
        ],
        SSESpecification=_encryption(inputs),
        **given(
            LocalSecondaryIndexes=_local_indexes(inputs) or None,
            DeletionProtectionEnabled=inputs.get("deletionProtectionEnabled"),
            Tags=tag_list(inputs.get("tagsAll")) or None,
        ),
    )["TableDescription"]["TableName"]
    return str(name)


def _local_indexes(inputs: Props) -> list[dict[str, Any]]:
    return [
        {
            "IndexName": each["name"],
            "KeySchema": [
                {"AttributeName": inputs["hashKey"], "KeyType": "HASH"},
                {"AttributeName": each["rangeKey"], "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": each["projectionType"]},
        }
        for each in inputs.get("localSecondaryIndexes") or []
    ]


def _active(aws: Aws, identity: str, inputs: Props) -> None:
    describe = aws.client("dynamodb").describe_table
    wait(aws, lambda: bool(describe(TableName=identity)["Table"]["TableStatus"] == "ACTIVE"), identity, _POLL_SECONDS)


@gone_is_none("ResourceNotFoundException")
def _read_table(aws: Aws, identity: str, state: Props) -> Props:
    dynamodb = aws.client("dynamodb")
    found = dynamodb.describe_table(TableName=identity)["Table"]
    keys = {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}
    encryption = found.get("SSEDescription") or {}
    enabled = encryption.get("Status") in ("ENABLED", "ENABLING", "UPDATING")
    return {
        "arn": found["TableArn"],
        "name": found["TableName"],
        "billingMode": (found.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED"),
        "hashKey": keys.get("HASH"),
        "rangeKey": keys.get("RANGE"),
        "attributes": [
            {"name": each["AttributeName"], "type": each["AttributeType"]} for each in found["AttributeDefinitions"]
        ],
        "localSecondaryIndexes": [
            {
                "name": each["IndexName"],
                "rangeKey": next(key["AttributeName"] for key in each["KeySchema"] if key["KeyType"] == "RANGE"),
                "projectionType": each["Projection"]["ProjectionType"],
            }
            for each in found.get("LocalSecondaryIndexes") or []
        ],
        "deletionProtectionEnabled": bool(found.get("DeletionProtectionEnabled", False)),
        # dynamodb/table.go, CustomizeDiff: an encryption that is off means the same as one that is not given.
        "serverSideEncryption": given(
            enabled=enabled, kmsKeyArn=encryption.get("KMSMasterKeyArn") if enabled else None
        ),
        "tagsAll": tag_map(dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]),
    }


def _change_encryption(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("dynamodb").update_table(TableName=identity, SSESpecification=_encryption(new))
    _active(aws, identity, new)


def _change_protection(aws: Aws, identity: str, new: Props, old: Props) -> None:
    protected = bool(new.get("deletionProtectionEnabled"))
    aws.client("dynamodb").update_table(TableName=identity, DeletionProtectionEnabled=protected)


def _refuse_change(aws: Aws, identity: str, new: Props, old: Props) -> None:
    raise ResourceError("the rehearsal does not model this change of a table (rehearsal/provider/table/dynamodb.py)")


def _delete_table(aws: Aws, identity: str, state: Props) -> None:
    aws.client("dynamodb").delete_table(TableName=identity)
    wait(aws, lambda: _read_table(aws, identity, state) is None, f"{identity} to be deleted", _POLL_SECONDS)


KINDS = (
    Kind(
        "aws:dynamodb/table:Table",
        _create_table,
        _read_table,
        _delete_table,
        _active,
        update={
            "attributes": _refuse_change,
            "billingMode": _refuse_change,
            "serverSideEncryption": _change_encryption,
            "deletionProtectionEnabled": _change_protection,
            "tags": retag("dynamodb", "ResourceArn"),
        },
        # DynamoDB API, CreateTable: 3 to 255 characters.
        naming=Naming(limit=255),
        computed=frozenset({"serverSideEncryption"}),
        defaults={"billingMode": "PROVISIONED"},
        enumerations={
            "billingMode": Enumeration("dynamodb", "BillingMode"),
            "attributes.type": Enumeration("dynamodb", "ScalarAttributeType"),
            "localSecondaryIndexes.projectionType": Enumeration("dynamodb", "ProjectionType"),
        },
        unordered=frozenset({"attributes"}),
    ),
)
