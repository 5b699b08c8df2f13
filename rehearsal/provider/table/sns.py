"""Rows of the table for SNS: topics and their subscriptions."""

from __future__ import annotations

from .kind import Aws, Kind, Naming, Props, gone_is_none
from .tags import retag, tag_list, tag_map

_ATTRIBUTES = {"displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId"}


def _create_topic(aws: Aws, inputs: Props) -> str:
    return str(
        aws.client("sns").create_topic(
            Name=inputs["name"],
            Attributes={member: inputs[name] for name, member in _ATTRIBUTES.items() if inputs.get(name)},
            Tags=tag_list(inputs.get("tagsAll")),
        )["TopicArn"]
    )


@gone_is_none("NotFound", "NotFoundException")
def _read_topic(aws: Aws, identity: str, state: Props) -> Props:
    sns = aws.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=identity)["Attributes"]
    return {
        "arn": identity,
        "name": identity.rpartition(":")[2],
        "owner": aws.account_id,
        **{name: attributes.get(member) or None for name, member in _ATTRIBUTES.items()},
        "tagsAll": tag_map(sns.list_tags_for_resource(ResourceArn=identity)["Tags"]),
    }


def _change_topic(aws: Aws, identity: str, new: Props, old: Props) -> None:
    for name, member in _ATTRIBUTES.items():
        if new.get(name) != old.get(name):
            aws.client("sns").set_topic_attributes(
                TopicArn=identity, AttributeName=member, AttributeValue=new.get(name) or ""
            )


def _delete_topic(aws: Aws, identity: str, state: Props) -> None:
    aws.client("sns").delete_topic(TopicArn=identity)


def _subscribe(aws: Aws, inputs: Props) -> str:
    answer = aws.client("sns").subscribe(
        TopicArn=inputs["topic"], Protocol=inputs["protocol"], Endpoint=inputs["endpoint"], ReturnSubscriptionArn=True
    )
    return str(answer["SubscriptionArn"])


@gone_is_none("NotFound", "NotFoundException")
def _read_subscription(aws: Aws, identity: str, state: Props) -> Props:
    found = aws.client("sns").get_subscription_attributes(SubscriptionArn=identity)["Attributes"]
    return {
        "arn": identity,
        "topic": found["TopicArn"],
        "protocol": found.get("Protocol", state.get("protocol")),
        "endpoint": found.get("Endpoint", state.get("endpoint")),
        "pendingConfirmation": found.get("PendingConfirmation") == "true",
        "rawMessageDelivery": found.get("RawMessageDelivery") == "true",
        "ownerId": aws.account_id,
    }


def _unsubscribe(aws: Aws, identity: str, state: Props) -> None:
    aws.client("sns").unsubscribe(SubscriptionArn=identity)


KINDS = (
    Kind(
        "aws:sns/topic:Topic",
        _create_topic,
        _read_topic,
        _delete_topic,
        update=dict.fromkeys(_ATTRIBUTES, _change_topic) | {"tags": retag("sns", "ResourceArn")},
        naming=Naming(limit=256),
    ),
    Kind("aws:sns/topicSubscription:TopicSubscription", _subscribe, _read_subscription, _unsubscribe),
)
