"""Batch's compute environments. Owns their states, the asynchronous updates and what makes an environment invalid: what
can go wrong goes wrong at the moment it would in AWS, and not before."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import service_roles
from ..calls import ModelError, internally
from ..context import Context
from ..plan import Plan, Seconds, Tags
from . import capacity

# Batch guide, updating compute environments: changing these is an infrastructure update.
INFRASTRUCTURE = {
    "launchTemplate", "allocationStrategy", "instanceTypes", "ec2Configuration", "imageId", "instanceRole", "subnets",
    "securityGroupIds", "ec2KeyPair", "placementGroup", "bidPercentage", "tags", "type", "updateToLatestImageVersion",
}  # fmt: skip
# Batch guide, updatePolicy.jobExecutionTimeoutMinutes: how long running jobs may hold up a replacement of instances.
JOB_EXECUTION_TIMEOUT_MINUTES = 30
STATE_CHANGE_SECONDS = 2.0
HELD_SECONDS = 60.0  # until an update that a running job holds open looks again
# amazon-ecs-ami, block_device_size_gb: EC2 starts nothing from a volume that is smaller than its snapshot.
AMI_GIB = 30
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$")


class ComputeEnvironmentPlan(Plan):
    update: Seconds = 120
    """Time to update it."""
    outcome: Literal["VALID", "INVALID"] = "VALID"
    """`VALID` or `INVALID`."""
    stuck: bool = False
    """It stays UPDATING."""


@dataclass
class Environment:
    name: str
    arn: str
    request: dict[str, Any]
    resources: dict[str, Any]
    state: str
    status: str = "CREATING"
    reason: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    update: int = 0


class Environments:
    """Answers batch: what concerns compute environments."""

    def __init__(
        self,
        context: Context,
        plan_of: Callable[[Tags], ComputeEnvironmentPlan],
        template_tags: Callable[[str], Tags],
    ) -> None:
        self._context = context
        self._plan_of = plan_of
        self._template_tags = template_tags  # by the template's id
        self.all: dict[str, Environment] = {}
        # Told when an environment became VALID.
        self.on_valid: Callable[[], None] = lambda: None
        # Told when the instances of an environment that started before some time are replaced: its ARN, and that time.
        self.on_eviction: Callable[[str, float], None] = lambda arn, before: None
        # Says whether an attempt that started before some time still runs on the environment with that ARN.
        self.is_held: Callable[[str, float], bool] = lambda arn, before: False
        # Names the job queues that name an environment, which then cannot be deleted.
        self.queues_naming: Callable[[str], list[str]] = lambda arn: []
        context.calls.answer(
            "batch",
            CreateComputeEnvironment=self.create,
            UpdateComputeEnvironment=self.update,
            DeleteComputeEnvironment=self.delete,
            DescribeComputeEnvironments=self.describe,
        )

    def snapshot(self) -> dict[str, Environment]:
        return copy.deepcopy(self.all)

    def reset(self, baseline: dict[str, Environment]) -> None:
        self.all = copy.deepcopy(baseline)

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["computeEnvironmentName"]
        if not NAME.match(name):
            raise ModelError("ClientException", f"{name} is not a valid name")
        if name in self.all:
            raise ModelError("ClientException", "Object already exists")
        resources = params.get("computeResources", {})
        if params["type"] == "MANAGED" and not resources:
            raise ModelError("ClientException", "computeResources is required for a MANAGED compute environment")
        _check_sizes(resources)
        _check_types(resources)
        if not params.get("serviceRole"):
            service_roles.make(self._context, *service_roles.BATCH)
        environment = Environment(
            name=name,
            arn=self._context.arn("batch", f"compute-environment/{name}"),
            request=params,
            resources=resources,
            state=params.get("state", "ENABLED"),
            tags=params.get("tags", {}),
        )
        self.all[name] = environment
        self._context.clock.after(STATE_CHANGE_SECONDS, lambda: self._settled(environment, environment.update))
        return {"computeEnvironmentName": name, "computeEnvironmentArn": environment.arn}

    def get(self, name_or_arn: str) -> Environment:
        environment = self.all.get(name_or_arn.rpartition("/")[2])
        if environment is None or name_or_arn not in (environment.name, environment.arn):
            raise ModelError("ClientException", f"{name_or_arn} does not exist")
        return environment

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        environment = self.get(params["computeEnvironment"])
        if environment.status in {"CREATING", "UPDATING", "DELETING"}:
            message = f"Cannot update, resource is being modified: it is {environment.status}"
            raise ModelError("ClientException", message)
        if not {"state", "computeResources", "serviceRole", "unmanagedvCpus"} & set(params):
            # As terraform-provider-aws #43969 was answered.
            message = "One of [state | compute-resources | service-role | unmanaged-vcpus] is required."
            raise ModelError("ClientException", message)
        changes = _with_desired(environment.resources, params.get("computeResources", {}))
        _check_sizes({**environment.resources, **changes})
        _check_types(changes)
        infrastructure = bool(INFRASTRUCTURE & set(changes))
        if infrastructure:
            self._check_infrastructure(environment, params)
        changes = {key: value for key, value in changes.items() if key != "updateToLatestImageVersion"}
        environment.state = params.get("state", environment.state)
        environment.request |= {key: params[key] for key in ("updatePolicy", "serviceRole") if key in params}
        before, environment.resources = environment.resources, {**environment.resources, **changes}
        if environment.resources.get("launchTemplate", {}).get("launchTemplateId") == "":
            del environment.resources["launchTemplate"]
        environment.status, environment.reason = "UPDATING", ""
        environment.update += 1
        update = environment.update
        if not infrastructure:
            self._context.clock.after(STATE_CHANGE_SECONDS, lambda: self._settled(environment, update))
        elif not (plan := self._plan(environment.resources, before)).stuck:
            began = self._context.clock.now()
            self._context.clock.after(plan.update, lambda: self._updated(environment, update, began))
        if infrastructure:
            policy = environment.request.get("updatePolicy", {})
            minutes = policy.get("jobExecutionTimeoutMinutes", JOB_EXECUTION_TIMEOUT_MINUTES)
            if policy.get("terminateJobsOnUpdate"):
                minutes = 0
            began = self._context.clock.now()
            self._context.clock.after(minutes * 60, lambda: self.on_eviction(environment.arn, began))
        return {"computeEnvironmentName": environment.name, "computeEnvironmentArn": environment.arn}

    def _plan(self, *named: Mapping[str, Any]) -> ComputeEnvironmentPlan:
        """An environment is nobody's: it follows the plan of the run whose launch template it names, or has just
        ceased to name."""
        templates = (one.get("launchTemplate", {}).get("launchTemplateId") for one in named)
        return self._plan_of(next((self._template_tags(template) for template in templates if template), {}))

    def _check_infrastructure(self, environment: Environment, params: dict[str, Any]) -> None:
        """Batch guide, updating compute environments: what an infrastructure update asks for."""
        role = params.get("serviceRole", environment.request.get("serviceRole", ""))
        if role and "AWSServiceRoleForBatch" not in role:
            raise ModelError("ClientException", "Only the service-linked role can make infrastructure updates")
        resources = {**environment.resources, **params["computeResources"]}
        if resources.get("allocationStrategy", "BEST_FIT") == "BEST_FIT":
            raise ModelError("ClientException", "BEST_FIT environments cannot make infrastructure updates")
        if environment.state == "DISABLED" and params.get("state") != "ENABLED":
            return
        template = params["computeResources"].get("launchTemplate", {})
        if template.get("launchTemplateId") and template.get("launchTemplateName"):
            raise ModelError("ClientException", "Name a launch template by its id or by its name, not both")

    def _updated(self, environment: Environment, update: int, began: float) -> None:
        """Batch guide, updatePolicy: instances with running jobs are replaced when those end, or their time is over."""
        if environment.update == update and self.is_held(environment.arn, began):
            self._context.clock.after(HELD_SECONDS, lambda: self._updated(environment, update, began))
            return
        _, problem = self.user_data(environment)
        if not service_roles.exists(self._context, service_roles.BATCH[1]):
            # Batch guide, INVALID compute environment: its role is missing.
            problem = f"CLIENT_ERROR - {service_roles.arn(self._context, *service_roles.BATCH)} cannot be assumed"
        planned = self._plan(environment.resources).outcome == "INVALID"
        if environment.update == update and (problem or (planned and "launchTemplate" in environment.resources)):
            environment.status = "INVALID"
            environment.reason = problem or "CLIENT_ERROR - The environment is invalid (planned by the scenario)"
            return
        self._settled(environment, update)

    def _settled(self, environment: Environment, update: int) -> None:
        if environment.update == update and environment.status in {"CREATING", "UPDATING"}:
            environment.status, environment.reason = "VALID", "ComputeEnvironment Healthy"
            self.on_valid()

    def user_data(self, environment: Environment) -> tuple[str | None, str | None]:
        """The user data of the named launch template, and what is wrong with it."""
        data, problem = self.template(environment)
        if problem is not None or not environment.resources.get("launchTemplate"):
            return None, problem
        for mapping in data.get("BlockDeviceMappings", []):
            size = mapping.get("Ebs", {}).get("VolumeSize", AMI_GIB)
            if mapping.get("DeviceName") == "/dev/xvda" and size < AMI_GIB:
                reason = f"Volume of size {size}GB is smaller than snapshot, expect size >= {AMI_GIB}GB"
                return None, f"CLIENT_ERROR - {reason}"
        encoded = data.get("UserData", "")
        try:
            text = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            return None, "CLIENT_ERROR - Launch Template UserData is not base64"
        if text and not re.match(r"(?is)^(MIME-Version:.*\n)?Content-Type: *multipart/mixed|^MIME-Version", text):
            return None, "CLIENT_ERROR - Launch Template UserData is not MIME multipart format"
        return text, None

    def template(self, environment: Environment) -> tuple[dict[str, Any], str | None]:
        """The data of the named launch template, and why there is none."""
        template = environment.resources.get("launchTemplate")
        if not template:
            return {}, None
        named = {
            "LaunchTemplateId": template.get("launchTemplateId"),
            "LaunchTemplateName": template.get("launchTemplateName"),
        }
        client = self._context.client("ec2")
        with internally():
            try:
                answer = client.describe_launch_template_versions(
                    **{key: value for key, value in named.items() if value},
                    Versions=[template.get("version") or "$Default"],
                )
            except client.exceptions.ClientError as error:
                return {}, f"CLIENT_ERROR - {error}"
        if not answer["LaunchTemplateVersions"]:
            return {}, "CLIENT_ERROR - The launch template's version does not exist"
        return dict(answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]), None

    def delete(self, params: dict[str, Any]) -> None:
        environment = self.get(params["computeEnvironment"])
        if environment.state != "DISABLED":
            raise ModelError("ClientException", "Cannot delete, resource must be disabled first")
        if environment.status in {"CREATING", "UPDATING"}:
            raise ModelError("ClientException", "Cannot delete, resource is being modified")
        naming = self.queues_naming(environment.arn)
        if naming:
            raise ModelError("ClientException", f"Cannot delete, found existing JobQueue relationship: {naming[0]}")
        environment.status = "DELETING"
        # Its instances are its own.
        self.on_eviction(environment.arn, self._context.clock.now() + STATE_CHANGE_SECONDS)
        self._context.clock.after(STATE_CHANGE_SECONDS, lambda: drop(self.all, environment.name))

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params.get("computeEnvironments")
        found = [one for one in self.all.values() if not wanted or {one.name, one.arn} & set(wanted)]
        return {"computeEnvironments": [self._view(one) for one in found]}

    def _view(self, environment: Environment) -> dict[str, Any]:
        request = environment.request
        answer: dict[str, Any] = {
            "computeEnvironmentName": environment.name,
            "computeEnvironmentArn": environment.arn,
            "type": request["type"],
            "state": environment.state,
            "status": environment.status,
            "statusReason": environment.reason,
            "computeResources": environment.resources,
            "serviceRole": request.get("serviceRole") or service_roles.arn(self._context, *service_roles.BATCH),
            "tags": environment.tags,
            "containerOrchestrationType": "ECS",
        }
        if "updatePolicy" in request:
            answer["updatePolicy"] = request["updatePolicy"]
        return answer


def drop(things: dict[str, Any], name: str) -> None:
    things.pop(name, None)


def _with_desired(current: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Batch guide, updating compute environments: only a desiredvCpus that is given has to fit; else Batch moves it."""
    if "desiredvCpus" in changes or not {"minvCpus", "maxvCpus"} & set(changes):
        return changes
    low = changes.get("minvCpus", current.get("minvCpus", 0))
    high = changes.get("maxvCpus", current.get("maxvCpus", 1))
    return changes | {"desiredvCpus": min(max(current.get("desiredvCpus", low), low), high)}


def _check_sizes(resources: dict[str, Any]) -> None:
    low, high = resources.get("minvCpus", 0), resources.get("maxvCpus", 1)
    desired = resources.get("desiredvCpus", low)
    if not low <= desired <= high:
        raise ModelError(
            "ClientException", f"minvCpus {low} <= desiredvCpus {desired} <= maxvCpus {high} does not hold"
        )


def _check_types(resources: dict[str, Any]) -> None:
    """Batch API reference, ComputeResource: types that it knows, and (as strict as can be) of one architecture."""
    names = resources.get("instanceTypes", [])
    if strange := capacity.unknown(names):
        raise ModelError("ClientException", f"Instance type can only be one of those of EC2, not {', '.join(strange)}")
    if len(kinds := capacity.architectures(names)) > 1:
        raise ModelError("ClientException", f"Instance types are of more than one architecture: {sorted(kinds)}")
