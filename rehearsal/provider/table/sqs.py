"""Rows of the table for SQS: queues and their policies. CreateQueue answers with a queue that exists already; a row
must never take one over."""

from __future__ import annotations

from collections.abc import Iterator

from .kind import Aws, Failure, Kind, Naming, Props, ResourceError, gone_is_none
from .tags import retag

# terraform-provider-aws, sqs/queue.go: queueAttributeMap, and the defaults of queueSchema.
_NUMBERS = {
    "delaySeconds": "DelaySeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_DEFAULTS = {
    "delaySeconds": 0,
    "messageRetentionSeconds": 345_600,
    "receiveWaitTimeSeconds": 0,
    "visibilityTimeoutSeconds": 30,
}
_GONE = gone_is_none("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def _attributes(inputs: Props) -> dict[str, str]:
    found = {member: str(int(inputs[name])) for name, member in _NUMBERS.items() if inputs.get(name) is not None}
    if inputs.get("kmsMasterKeyId"):
        found["KmsMasterKeyId"] = inputs["kmsMasterKeyId"]
    if inputs.get("sqsManagedSseEnabled") is not None:
        found["SqsManagedSseEnabled"] = "true" if inputs["sqsManagedSseEnabled"] else "false"
    return found


def _create_queue(aws: Aws, inputs: Props) -> str:
    sqs, name = aws.client("sqs"), inputs["name"]
    attributes = _attributes(inputs)
    if any(url.rpartition("/")[2] == name for url in sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", [])):
        raise ResourceError(f"QueueAlreadyExists: A queue already exists with the same name: {name}")
    return str(sqs.create_queue(QueueName=name, Attributes=attributes, tags=inputs.get("tagsAll") or {})["QueueUrl"])


@_GONE
def _read_queue(aws: Aws, identity: str, state: Props) -> Props:
    sqs = aws.client("sqs")
    found = sqs.get_queue_attributes(QueueUrl=identity, AttributeNames=["All"])["Attributes"]
    return {
        "arn": found["QueueArn"],
        "name": identity.rpartition("/")[2],
        "url": identity,
        **{name: int(found[member]) for name, member in _NUMBERS.items() if member in found},
        "kmsMasterKeyId": found.get("KmsMasterKeyId"),
        # SQS API, SetQueueAttributes: a queue has one of the two kinds of encryption.
        "sqsManagedSseEnabled": "KmsMasterKeyId" not in found and found.get("SqsManagedSseEnabled") == "true",
        "policy": found.get("Policy") or None,
        "tagsAll": dict(sqs.list_queue_tags(QueueUrl=identity).get("Tags") or {}),
    }


def _change_queue(aws: Aws, identity: str, new: Props, old: Props) -> None:
    attributes = _attributes(new)
    if old.get("kmsMasterKeyId") and not new.get("kmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = ""
    aws.client("sqs").set_queue_attributes(QueueUrl=identity, Attributes=attributes)


def _delete_queue(aws: Aws, identity: str, state: Props) -> None:
    aws.client("sqs").delete_queue(QueueUrl=identity)


def _put_policy(aws: Aws, inputs: Props) -> str:
    url = str(inputs["queueUrl"])
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": inputs["policy"]})
    return url


@_GONE
def _read_policy(aws: Aws, identity: str, state: Props) -> Props | None:
    answer = aws.client("sqs").get_queue_attributes(QueueUrl=identity, AttributeNames=["Policy"])
    policy = answer.get("Attributes", {}).get("Policy")
    return {"queueUrl": identity, "policy": policy} if policy else None


def _change_policy(aws: Aws, identity: str, new: Props, old: Props) -> None:
    _put_policy(aws, new)


def _delete_policy(aws: Aws, identity: str, state: Props) -> None:
    aws.client("sqs").set_queue_attributes(QueueUrl=identity, Attributes={"Policy": ""})


# sqs/queue.go: the ranges of the schema.
_RANGES = {
    "delaySeconds": (0, 900),
    "maxMessageSize": (1024, 1_048_576),
    "messageRetentionSeconds": (60, 1_209_600),
    "visibilityTimeoutSeconds": (0, 43_200),
}


def _check_queue(inputs: Props) -> Iterator[Failure]:
    for name, (least, most) in _RANGES.items():
        value = inputs.get(name)
        if isinstance(value, int) and not least <= value <= most:
            yield Failure(name, f"expected {name} to be in the range ({least} - {most}), got {value}")
    if inputs.get("kmsMasterKeyId") and inputs.get("sqsManagedSseEnabled") is not None:
        yield Failure("kmsMasterKeyId", '"kms_master_key_id": conflicts with sqs_managed_sse_enabled')


_QUEUE_CHANGES = [*_NUMBERS, "kmsMasterKeyId", "sqsManagedSseEnabled"]

KINDS = (
    Kind(
        "aws:sqs/queue:Queue",
        _create_queue,
        _read_queue,
        _delete_queue,
        update=dict.fromkeys(_QUEUE_CHANGES, _change_queue)
        | {"tags": retag("sqs", "QueueUrl", by="url", kind="queue", spelled=dict)},
        # terraform-provider-aws, sqs/queue.go, resourceQueueCustomizeDiff: up to 80 characters.
        naming=Naming(limit=80),
        computed=frozenset({"maxMessageSize", "policy", "sqsManagedSseEnabled", "kmsDataKeyReusePeriodSeconds"}),
        defaults=_DEFAULTS,
        check=_check_queue,
        documents=frozenset({"policy"}),
    ),
    Kind(
        "aws:sqs/queuePolicy:QueuePolicy",
        _put_policy,
        _read_policy,
        _delete_policy,
        update={"policy": _change_policy},
        documents=frozenset({"policy"}),
    ),
)
