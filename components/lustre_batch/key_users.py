"""The services that use the customer's KMS key by themselves: whom its policy has to admit, to what, and what for.

FSx's service-linked roles, one for each file system, are not services (docs/limits.md).
"""

from __future__ import annotations

from typing import Final, NamedTuple


class KeyUse(NamedTuple):
    """What a service does with the key, and what it calls for that."""

    purpose: str
    actions: tuple[str, ...]


_SENDS: Final = ("kms:Decrypt", "kms:GenerateDataKey")

KEY_USERS: Final = {
    # CloudWatch Logs guide, encrypt log data: what the key's policy allows.
    "logs.<region>.amazonaws.com": KeyUse(
        "the log groups", ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptTo")
    ),
    # Step Functions guide, "Data at rest encryption": log delivery decrypts a state machine's logs.
    "delivery.logs.amazonaws.com": KeyUse("the state machines' logs", ("kms:Decrypt",)),
    # SQS guide, key management: a service that sends to an encrypted queue.
    "events.amazonaws.com": KeyUse("the dead-letter queue", _SENDS),
    # SNS guide, key management: whoever publishes to an encrypted topic.
    "cloudwatch.amazonaws.com": KeyUse("alarms that publish to the topic", _SENDS),
}
