"""Rows of the table for EventBridge and SNS. Owns how rules, targets, topics and subscriptions map to those APIs; it
must never delete a rule that still has targets."""

from __future__ import annotations

import json

from .kind import Aws, Enumeration, Kind, Naming, Props, given, gone_is_none, keep_only, tag_list, tag_map

_DEFAULT_BUS = "default"


def _put_rule(aws: Aws, inputs: Props) -> str:
    aws.client("events").put_rule(
        Name=inputs["name"],
        EventBusName=inputs.get("eventBusName", _DEFAULT_BUS),
        State=inputs.get("state") or ("DISABLED" if inputs.get("isEnabled") is False else "ENABLED"),
        **given(
            EventPattern=inputs.get("eventPattern"),
            ScheduleExpression=inputs.get("scheduleExpression"),
            Description=inputs.get("description"),
            RoleArn=inputs.get("roleArn"),
        ),
    )
    return str(inputs["name"])


def _create_rule(aws: Aws, inputs: Props) -> str:
    if inputs.get("eventPattern"):
        json.loads(inputs["eventPattern"])
    return _put_rule(aws, inputs)


def _finish_rule(aws: Aws, identity: str, inputs: Props) -> None:
    if inputs.get("tagsAll"):
        arn = aws.client("events").describe_rule(Name=identity, EventBusName=inputs["eventBusName"])["Arn"]
        aws.client("events").tag_resource(ResourceARN=arn, Tags=tag_list(inputs["tagsAll"]))


@gone_is_none("ResourceNotFoundException")
def _read_rule(aws: Aws, identity: str, state: Props) -> Props:
    events = aws.client("events")
    found = events.describe_rule(Name=identity, EventBusName=state.get("eventBusName", _DEFAULT_BUS))
    return {
        "arn": found["Arn"],
        "name": found["Name"],
        "eventBusName": found.get("EventBusName", _DEFAULT_BUS),
        "eventPattern": found.get("EventPattern"),
        "scheduleExpression": found.get("ScheduleExpression") or None,
        "description": found.get("Description") or None,
        "state": found["State"],
        "roleArn": found.get("RoleArn") or None,
        "forceDestroy": bool(state.get("forceDestroy", False)),
        "tagsAll": tag_map(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]),
    }


def _change_rule(aws: Aws, identity: str, new: Props, old: Props) -> None:
    _put_rule(aws, new)


def _retag_rule(aws: Aws, identity: str, new: Props, old: Props) -> None:
    events, wanted, present = aws.client("events"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        events.untag_resource(ResourceARN=old["arn"], TagKeys=surplus)
    if wanted:
        events.tag_resource(ResourceARN=old["arn"], Tags=tag_list(wanted))


def _delete_rule(aws: Aws, identity: str, state: Props) -> None:
    aws.client("events").delete_rule(Name=identity, EventBusName=state.get("eventBusName", _DEFAULT_BUS))


def _put_target(aws: Aws, inputs: Props) -> str:
    retry, dead = inputs.get("retryPolicy") or {}, inputs.get("deadLetterConfig") or {}
    transformer = inputs.get("inputTransformer")
    target = given(
        Id=inputs["targetId"],
        Arn=inputs["arn"],
        RoleArn=inputs.get("roleArn"),
        Input=inputs.get("input"),
        InputPath=inputs.get("inputPath"),
        InputTransformer=given(InputPathsMap=transformer.get("inputPaths"), InputTemplate=transformer["inputTemplate"])
        if transformer
        else None,
        RetryPolicy=given(
            MaximumRetryAttempts=retry.get("maximumRetryAttempts"),
            MaximumEventAgeInSeconds=retry.get("maximumEventAgeInSeconds"),
        )
        if retry
        else None,
        DeadLetterConfig={"Arn": dead["arn"]} if dead.get("arn") else None,
    )
    answer = aws.client("events").put_targets(
        Rule=inputs["rule"], EventBusName=inputs.get("eventBusName", _DEFAULT_BUS), Targets=[target]
    )
    if answer.get("FailedEntryCount"):
        raise ValueError(f"PutTargets: {answer['FailedEntries']}")
    return f"{inputs['rule']}-{inputs['targetId']}"


@gone_is_none("ResourceNotFoundException")
def _read_target(aws: Aws, identity: str, state: Props) -> Props | None:
    bus = state.get("eventBusName", _DEFAULT_BUS)
    for target in aws.client("events").list_targets_by_rule(Rule=state["rule"], EventBusName=bus)["Targets"]:
        if target["Id"] == state["targetId"]:
            retry, transformer = target.get("RetryPolicy"), target.get("InputTransformer")
            return {
                "rule": state["rule"],
                "eventBusName": bus,
                "targetId": target["Id"],
                "arn": target["Arn"],
                "roleArn": target.get("RoleArn"),
                "input": target.get("Input"),
                "inputPath": target.get("InputPath"),
                "inputTransformer": given(
                    inputPaths=transformer.get("InputPathsMap"), inputTemplate=transformer["InputTemplate"]
                )
                if transformer
                else None,
                "retryPolicy": given(
                    maximumRetryAttempts=retry.get("MaximumRetryAttempts"),
                    maximumEventAgeInSeconds=retry.get("MaximumEventAgeInSeconds"),
                )
                if retry
                else None,
                "deadLetterConfig": {"arn": target["DeadLetterConfig"]["Arn"]}
                if target.get("DeadLetterConfig")
                else None,
            }
    return None


def _change_target(aws: Aws, identity: str, new: Props, old: Props) -> None:
    _put_target(aws, new)


def _delete_target(aws: Aws, identity: str, state: Props) -> None:
    bus = state.get("eventBusName", _DEFAULT_BUS)
    aws.client("events").remove_targets(Rule=state["rule"], EventBusName=bus, Ids=[state["targetId"]])


# --- SNS -------------------------------------------------------------------------------------------------------------

_ATTRIBUTES = {"displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId", "policy": "Policy"}


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
        if new.get(name) != old.get(name) and (name != "policy" or new.get(name)):
            aws.client("sns").set_topic_attributes(
                TopicArn=identity, AttributeName=member, AttributeValue=new.get(name) or ""
            )


def _retag_topic(aws: Aws, identity: str, new: Props, old: Props) -> None:
    sns, wanted, present = aws.client("sns"), new.get("tagsAll") or {}, old.get("tagsAll") or {}
    if surplus := [key for key in present if key not in wanted]:
        sns.untag_resource(ResourceArn=identity, TagKeys=surplus)
    if wanted:
        sns.tag_resource(ResourceArn=identity, Tags=tag_list(wanted))


def _delete_topic(aws: Aws, identity: str, state: Props) -> None:
    aws.client("sns").delete_topic(TopicArn=identity)


def _put_topic_policy(aws: Aws, inputs: Props) -> str:
    aws.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return str(inputs["arn"])


@gone_is_none("NotFound", "NotFoundException")
def _read_topic_policy(aws: Aws, identity: str, state: Props) -> Props:
    attributes = aws.client("sns").get_topic_attributes(TopicArn=identity)["Attributes"]
    return {"arn": identity, "owner": aws.account_id, "policy": attributes["Policy"]}


def _change_topic_policy(aws: Aws, identity: str, new: Props, old: Props) -> None:
    _put_topic_policy(aws, new)


def _delete_topic_policy(aws: Aws, identity: str, state: Props) -> None:
    # terraform-provider-aws, topic_policy.go: the topic gets back the policy it was born with.
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": identity,
        "Condition": {"StringEquals": {"AWS:SourceOwner": aws.account_id}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    aws.client("sns").set_topic_attributes(
        TopicArn=identity, AttributeName="Policy", AttributeValue=json.dumps(document)
    )


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


_RULE_CHANGES = ("eventPattern", "scheduleExpression", "description", "state", "isEnabled", "roleArn")
_TARGET_CHANGES = ("arn", "roleArn", "input", "inputPath", "inputTransformer", "retryPolicy", "deadLetterConfig")

KINDS = (
    Kind(
        "aws:cloudwatch/eventRule:EventRule",
        _create_rule,
        _read_rule,
        _delete_rule,
        _finish_rule,
        update=dict.fromkeys(_RULE_CHANGES, _change_rule) | {"forceDestroy": keep_only, "tags": _retag_rule},
        naming=Naming(limit=64),
        computed=frozenset({"isEnabled"}),
        defaults={"eventBusName": _DEFAULT_BUS, "state": "ENABLED", "forceDestroy": False},
        documents=frozenset({"eventPattern"}),
        enumerations={"state": Enumeration("events", "RuleState")},
        local=frozenset({"forceDestroy"}),
    ),
    Kind(
        "aws:cloudwatch/eventTarget:EventTarget",
        _put_target,
        _read_target,
        _delete_target,
        update=dict.fromkeys(_TARGET_CHANGES, _change_target),
        # terraform-provider-aws, target.go: a unique id when none is given.
        naming=Naming("targetId", limit=64),
        defaults={"eventBusName": _DEFAULT_BUS},
        documents=frozenset({"input"}),
    ),
    Kind(
        "aws:sns/topic:Topic",
        _create_topic,
        _read_topic,
        _delete_topic,
        update=dict.fromkeys(_ATTRIBUTES, _change_topic) | {"tags": _retag_topic},
        naming=Naming(limit=256),
        computed=frozenset({"policy"}),
        documents=frozenset({"policy"}),
    ),
    Kind(
        "aws:sns/topicPolicy:TopicPolicy",
        _put_topic_policy,
        _read_topic_policy,
        _delete_topic_policy,
        update={"policy": _change_topic_policy},
        documents=frozenset({"policy"}),
    ),
    Kind("aws:sns/topicSubscription:TopicSubscription", _subscribe, _read_subscription, _unsubscribe),
)
