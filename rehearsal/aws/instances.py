"""EC2's instances, as far as Batch starts them. Owns what DescribeInstances says of them: the launch template's tags,
how one ended and for how long that stays visible. Who starts and ends them is the business of Batch's attempts."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .calls import ModelError
from .clock import moment
from .context import Context

# EC2 API reference, StateReason.
BY_ITSELF = "Client.InstanceInitiatedShutdown"
BY_CALL = "Client.UserInitiatedShutdown"
BY_SPOT = "Server.SpotInstanceTermination"
# EC2 API reference, DescribeInstances: recently terminated ones are listed for "usually less than one hour".
VISIBLE_SECONDS = 3600.0
# EC2 guide, terminate instances: tags "may no longer be visible on the terminated instance after a short while".
TAGS_VISIBLE_SECONDS = 300.0  # assumed
SHUTTING_DOWN_SECONDS = 30.0  # assumed
PAGE_SIZES = range(5, 1001)  # SDK DescribeInstances, MaxResults
CODES = {"running": 16, "shutting-down": 32, "terminated": 48, "stopped": 80}  # EC2 API reference, InstanceState


@dataclass
class Instance:
    id: str
    launched: float
    own_tags: dict[str, str]
    stays: bool  # stopped, when it shuts itself down
    ended: float | None = None
    reason: str = ""

    def state(self, now: float) -> str:
        if self.ended is None:
            return "running"
        if self.stays and self.reason == BY_ITSELF:
            return "stopped"
        return "shutting-down" if now < self.ended + SHUTTING_DOWN_SECONDS else "terminated"

    def tags(self, now: float) -> dict[str, str]:
        is_gone = (
            self.ended is not None and self.state(now) == "terminated" and now >= self.ended + TAGS_VISIBLE_SECONDS
        )
        return {} if is_gone else self.own_tags

    def is_listed(self, now: float) -> bool:
        return self.ended is None or self.state(now) == "stopped" or now < self.ended + VISIBLE_SECONDS


class Instances:
    """Answers ec2: DescribeInstances."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._ids = context.ids
        self.all: dict[str, Instance] = {}
        context.calls.answer("ec2", DescribeInstances=self.describe, GetConsoleOutput=self.console_output)

    def reset(self) -> None:
        self.all = {}

    def launch(self, template: Mapping[str, Any]) -> str:
        """Start one as the data of a launch template say, and give its id."""
        specifications = template.get("TagSpecifications", [])
        tags = [tag for one in specifications if one.get("ResourceType") == "instance" for tag in one.get("Tags", [])]
        instance = Instance(
            id=self._ids.hexadecimal("i"),
            launched=self._clock.now(),
            own_tags={tag["Key"]: tag["Value"] for tag in tags},
            # SDK RequestLaunchTemplateData, InstanceInitiatedShutdownBehavior: stop is the default.
            stays=template.get("InstanceInitiatedShutdownBehavior", "stop") == "stop",
        )
        self.all[instance.id] = instance
        return instance.id

    def end(self, identifier: str, reason: str) -> None:
        instance = self.all[identifier]
        if instance.ended is None:
            instance.ended, instance.reason = self._clock.now(), reason

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """One page. It is filled before it is filtered, so that it may be empty and not the last (aws-sdk-js #940)."""
        size, now = params.get("MaxResults"), self._clock.now()
        if size is not None and size not in PAGE_SIZES:
            raise ModelError("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid")
        listed = [instance for instance in self.all.values() if instance.is_listed(now)]
        begin = int(params.get("NextToken", 0))
        end = len(listed) if size is None else begin + size
        filters = params.get("Filters", [])
        found = [one for one in listed[begin:end] if all(passes(one, each, now) for each in filters)]
        answer: dict[str, Any] = {"Reservations": [{"Instances": [view(instance, now)]} for instance in found]}
        return answer if end >= len(listed) else answer | {"NextToken": str(end)}

    def console_output(self, params: dict[str, Any]) -> dict[str, Any]:
        """What an instance that shut itself down said last (user_data.sh, refuse), for as long as EC2 lists it; SDKs
        decode the text."""
        instance, now = self.all.get(params["InstanceId"]), self._clock.now()
        if instance is None or not instance.is_listed(now):
            raise ModelError("InvalidInstanceID.NotFound", f"The instance ID '{params['InstanceId']}' does not exist")
        said = "cannot be mounted; no job may run on this instance, shutting it down"
        lines = ["cloud-init: running modules", f"lustre: {said}"] if instance.reason == BY_ITSELF else []
        return {"InstanceId": instance.id, "Timestamp": moment(now), "Output": "\n".join(lines)}


def passes(instance: Instance, condition: Mapping[str, Any], now: float) -> bool:
    """EC2 guide, filtering: any of the values, in which * and ? stand for others, of every filter."""
    name = condition["Name"]
    values = {
        "instance-id": instance.id,
        "instance-state-name": instance.state(now),
        "state-reason-code": instance.reason,
    }
    if name.startswith("tag:"):
        value = instance.tags(now).get(name.removeprefix("tag:"))
    elif name in values:
        value = values[name]
    else:
        raise ModelError("InvalidParameterValue", f"The filter '{name}' is invalid")
    patterns = [pattern.replace("[", "[[]") for pattern in condition.get("Values", [])]
    return value is not None and any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns)


def view(instance: Instance, now: float) -> dict[str, Any]:
    state = instance.state(now)
    seen: dict[str, Any] = {
        "InstanceId": instance.id,
        "LaunchTime": moment(instance.launched),
        "State": {"Code": CODES[state], "Name": state},
        "Tags": [{"Key": key, "Value": value} for key, value in instance.tags(now).items()],
    }
    return seen | {"StateReason": {"Code": instance.reason}} if instance.reason else seen
