"""Rows of the table for EventBridge: rules and their targets."""

from __future__ import annotations

import json

from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, camel, given, gone_is_none, pascal, put_again
from .tags import retag, tag_list, tag_map

_DEFAULT_BUS = "default"


def _put_rule(aws: Aws, inputs: Props) -> str:
    if inputs.get("eventPattern"):
        json.loads(inputs["eventPattern"])
    aws.client("events").put_rule(
        Name=inputs["name"],
        EventBusName=inputs.get("eventBusName", _DEFAULT_BUS),
        State=inputs.get("state", "ENABLED"),
        **given(
            EventPattern=inputs.get("eventPattern"),
            ScheduleExpression=inputs.get("scheduleExpression"),
            Description=inputs.get("description"),
        ),
    )
    return str(inputs["name"])


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
        "tagsAll": tag_map(events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]),
    }


def _delete_rule(aws: Aws, identity: str, state: Props) -> None:
    aws.client("events").delete_rule(Name=identity, EventBusName=state.get("eventBusName", _DEFAULT_BUS))


def _put_target(aws: Aws, inputs: Props) -> str:
    target = given(
        Id=inputs["targetId"],
        Arn=inputs["arn"],
        RoleArn=inputs.get("roleArn"),
        Input=inputs.get("input"),
        DeadLetterConfig=pascal(inputs.get("deadLetterConfig") or None),
    )
    answer = aws.client("events").put_targets(
        Rule=inputs["rule"], EventBusName=inputs.get("eventBusName", _DEFAULT_BUS), Targets=[target]
    )
    if answer.get("FailedEntryCount"):
        raise ResourceError(f"PutTargets: {answer['FailedEntries']}")
    return f"{inputs['rule']}-{inputs['targetId']}"


@gone_is_none("ResourceNotFoundException")
def _read_target(aws: Aws, identity: str, state: Props) -> Props | None:
    bus = state.get("eventBusName", _DEFAULT_BUS)
    for target in aws.client("events").list_targets_by_rule(Rule=state["rule"], EventBusName=bus)["Targets"]:
        if target["Id"] == state["targetId"]:
            return {
                "rule": state["rule"],
                "eventBusName": bus,
                "targetId": target["Id"],
                "arn": target["Arn"],
                "roleArn": target.get("RoleArn"),
                "input": target.get("Input"),
                "deadLetterConfig": camel(target.get("DeadLetterConfig")),
            }
    return None


def _delete_target(aws: Aws, identity: str, state: Props) -> None:
    bus = state.get("eventBusName", _DEFAULT_BUS)
    aws.client("events").remove_targets(Rule=state["rule"], EventBusName=bus, Ids=[state["targetId"]])


_RULE_CHANGES = ("eventPattern", "scheduleExpression", "description", "state")
_TARGET_CHANGES = ("arn", "roleArn", "input", "deadLetterConfig")

KINDS = (
    Kind(
        "aws:cloudwatch/eventRule:EventRule",
        _put_rule,
        _read_rule,
        _delete_rule,
        _finish_rule,
        update=dict.fromkeys(_RULE_CHANGES, put_again(_put_rule)) | {"tags": retag("events", "ResourceARN")},
        naming=Naming(limit=64),
        defaults={"eventBusName": _DEFAULT_BUS, "state": "ENABLED"},
        documents=frozenset({"eventPattern"}),
        enumerations={"state": Enumeration("events", "RuleState")},
    ),
    Kind(
        "aws:cloudwatch/eventTarget:EventTarget",
        _put_target,
        _read_target,
        _delete_target,
        update=dict.fromkeys(_TARGET_CHANGES, put_again(_put_target)),
        # terraform-provider-aws, target.go: a unique id when none is given.
        naming=Naming("targetId", limit=64),
        defaults={"eventBusName": _DEFAULT_BUS},
        documents=frozenset({"input"}),
    ),
)
