"""Rows of the table for EventBridge Scheduler: schedules."""

from __future__ import annotations

from typing import Any

from .kind import Aws, Enumeration, Kind, Naming, Props, camel, given, gone_is_none, pascal

_DEFAULT_GROUP = "default"


def _named(identity: str) -> dict[str, str]:
    group, _, name = identity.partition("/")
    return {"GroupName": group, "Name": name}


def _schedule(inputs: Props) -> dict[str, Any]:
    """UpdateSchedule takes the whole schedule: what is left out goes back to its default."""
    return {
        "ScheduleExpression": inputs["scheduleExpression"],
        "ScheduleExpressionTimezone": inputs["scheduleExpressionTimezone"],
        "FlexibleTimeWindow": pascal(inputs["flexibleTimeWindow"]),
        "Target": pascal(inputs["target"]),
        "State": inputs["state"],
        **given(Description=inputs.get("description"), KmsKeyArn=inputs.get("kmsKeyArn")),
    }


def _create_schedule(aws: Aws, inputs: Props) -> str:
    group, name = inputs["groupName"], inputs["name"]
    aws.client("scheduler").create_schedule(GroupName=group, Name=name, **_schedule(inputs))
    return f"{group}/{name}"


@gone_is_none("ResourceNotFoundException")
def _read_schedule(aws: Aws, identity: str, state: Props) -> Props:
    found = aws.client("scheduler").get_schedule(**_named(identity))
    return {
        "arn": found["Arn"],
        "name": found["Name"],
        "groupName": found["GroupName"],
        "description": found.get("Description") or None,
        "kmsKeyArn": found.get("KmsKeyArn"),
        "scheduleExpression": found["ScheduleExpression"],
        "scheduleExpressionTimezone": found.get("ScheduleExpressionTimezone"),
        "flexibleTimeWindow": camel(found["FlexibleTimeWindow"]),
        "state": found["State"],
        "target": camel(found["Target"]),
    }


def _change_schedule(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("scheduler").update_schedule(**_named(identity), **_schedule(new))


def _delete_schedule(aws: Aws, identity: str, state: Props) -> None:
    aws.client("scheduler").delete_schedule(**_named(identity))


_CHANGES = (
    "description",
    "flexibleTimeWindow",
    "kmsKeyArn",
    "scheduleExpression",
    "scheduleExpressionTimezone",
    "state",
    "target",
)

KINDS = (
    Kind(
        "aws:scheduler/schedule:Schedule",
        _create_schedule,
        _read_schedule,
        _delete_schedule,
        update=dict.fromkeys(_CHANGES, _change_schedule),
        # EventBridge Scheduler API, CreateSchedule: up to 64 characters.
        naming=Naming(limit=64),
        computed=frozenset({"groupName", "target.retryPolicy"}),
        # terraform-provider-aws, scheduler/schedule.go.
        defaults={"groupName": _DEFAULT_GROUP, "scheduleExpressionTimezone": "UTC", "state": "ENABLED"},
        enumerations={
            "flexibleTimeWindow.mode": Enumeration("scheduler", "FlexibleTimeWindowMode"),
            "state": Enumeration("scheduler", "ScheduleState"),
        },
    ),
)
