"""Rows of the table for CloudWatch Logs: log groups."""

from __future__ import annotations

from .kind import Aws, Kind, Naming, Props, given, gone_is_none
from .tags import retag


def _create_log_group(aws: Aws, inputs: Props) -> str:
    logs, name = aws.client("logs"), inputs["name"]
    logs.create_log_group(
        logGroupName=name,
        **given(
            kmsKeyId=inputs.get("kmsKeyId"),
            tags=inputs.get("tagsAll") or None,
        ),
    )
    return str(name)


def _set_retention(aws: Aws, identity: str, new: Props, old: Props) -> None:
    logs, days = aws.client("logs"), int(new.get("retentionInDays") or 0)
    if days:
        logs.put_retention_policy(logGroupName=identity, retentionInDays=days)
    elif old.get("retentionInDays"):
        logs.delete_retention_policy(logGroupName=identity)


def _set_key(aws: Aws, identity: str, new: Props, old: Props) -> None:
    if new.get("kmsKeyId"):
        aws.client("logs").associate_kms_key(logGroupName=identity, kmsKeyId=new["kmsKeyId"])
    else:
        aws.client("logs").disassociate_kms_key(logGroupName=identity)


@gone_is_none("ResourceNotFoundException")
def _read_log_group(aws: Aws, identity: str, state: Props) -> Props | None:
    logs = aws.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix=identity)["logGroups"]
    group = next((group for group in found if group["logGroupName"] == identity), None)
    if group is None:
        return None
    arn = group["arn"].removesuffix(":*")
    return {
        "arn": arn,
        "name": identity,
        "retentionInDays": group.get("retentionInDays", 0),
        "kmsKeyId": group.get("kmsKeyId"),
        "tagsAll": dict(logs.list_tags_for_resource(resourceArn=arn).get("tags") or {}),
    }


def _delete_log_group(aws: Aws, identity: str, state: Props) -> None:
    aws.client("logs").delete_log_group(logGroupName=identity)


KINDS = (
    Kind(
        "aws:cloudwatch/logGroup:LogGroup",
        _create_log_group,
        _read_log_group,
        _delete_log_group,
        lambda aws, identity, inputs: _set_retention(aws, identity, inputs, {}),
        update={
            "retentionInDays": _set_retention,
            "kmsKeyId": _set_key,
            "tags": retag("logs", "resourceArn", tags="tags", keys="tagKeys", spelled=dict),
        },
        naming=Naming(limit=512),
        defaults={"retentionInDays": 0},
    ),
)
