"""Rows of the table for AWS Batch: compute environments and job queues. Batch answers before it is done; a row must
never return before Batch says that the resource is VALID, or gone, which takes virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .kind import Aws, Enumeration, Kind, Naming, Props, ResourceError, given, wait
from .tags import retag

_POLL_SECONDS = 5.0

# Where Pulumi's plural or spelling differs from Batch's member.
_TO_BATCH = {"ec2Configurations": "ec2Configuration"}
_TO_PULUMI = {batch: pulumi for pulumi, batch in _TO_BATCH.items()}
# Batch API reference, ComputeResourceUpdate.
_RESOURCES_UPDATABLE = frozenset(
    [
        "allocationStrategy",
        "bidPercentage",
        "desiredvCpus",
        "ec2Configuration",
        "ec2KeyPair",
        "imageId",
        "instanceRole",
        "instanceTypes",
        "launchTemplate",
        "maxvCpus",
        "minvCpus",
        "placementGroup",
        "securityGroupIds",
        "subnets",
        "tags",
        "type",
    ]
)


def _vcpus(name: str, to_batch: bool) -> str:
    return name.replace("Vcpus", "vCpus") if to_batch else name.replace("vCpus", "Vcpus")


def _to_batch(resources: Props) -> dict[str, Any]:
    return {_TO_BATCH.get(name, _vcpus(name, True)): value for name, value in resources.items() if value is not None}


def _to_pulumi(resources: Props) -> Props:
    """Without what was never given, which Batch answers as an empty value."""
    return {
        _TO_PULUMI.get(name, _vcpus(name, False)): value
        for name, value in resources.items()
        if value not in (None, "", [], {})
    }


def _environment(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.client("batch").describe_compute_environments(computeEnvironments=[name])["computeEnvironments"]
    return next((dict(environment) for environment in found if environment["status"] != "DELETED"), None)


def _queue(aws: Aws, name: str) -> dict[str, Any] | None:
    found = aws.client("batch").describe_job_queues(jobQueues=[name])["jobQueues"]
    return next((dict(queue) for queue in found if queue["status"] != "DELETED"), None)


def _settle(aws: Aws, find: Callable[[Aws, str], dict[str, Any] | None], name: str) -> None:
    """Wait until it is VALID; INVALID ends the wait with the reason that Batch gives."""

    def ready() -> bool:
        found = find(aws, name) or {}
        if found.get("status") == "INVALID":
            raise ResourceError(f"{name} is INVALID: {found.get('statusReason', 'no reason given')}")
        return found.get("status") == "VALID"

    wait(aws, ready, f"{name} to be VALID", _POLL_SECONDS)


def _create_environment(aws: Aws, inputs: Props) -> str:
    name = inputs["name"]
    if _environment(aws, name) is not None:
        raise ResourceError(f"ClientException: Object already exists ({name})")
    resources = inputs.get("computeResources")
    aws.client("batch").create_compute_environment(
        computeEnvironmentName=name,
        type=inputs["type"],
        state=inputs.get("state", "ENABLED"),
        **given(
            computeResources=_to_batch(resources) if resources else None,
            tags=inputs.get("tagsAll") or None,
        ),
    )
    return str(name)


def _read_environment(aws: Aws, identity: str, state: Props) -> Props | None:
    found = _environment(aws, identity)
    if found is None:
        return None
    return {
        "arn": found["computeEnvironmentArn"],
        "name": found["computeEnvironmentName"],
        "type": found["type"],
        "state": found["state"],
        "status": found["status"],
        "statusReason": found.get("statusReason"),
        "ecsClusterArn": found.get("ecsClusterArn"),
        "serviceRole": found.get("serviceRole") or None,
        "computeResources": _to_pulumi(found.get("computeResources") or {}) or None,
        "tagsAll": dict(found.get("tags") or {}),
    }


def _change_environment(aws: Aws, identity: str, new: Props, old: Props) -> None:
    before, after = _to_batch(old.get("computeResources") or {}), _to_batch(new.get("computeResources") or {})
    changed = {name: after[name] for name in after if name in _RESOURCES_UPDATABLE and after[name] != before.get(name)}
    aws.client("batch").update_compute_environment(
        computeEnvironment=identity,
        **given(
            state=new.get("state") if new.get("state") != old.get("state") else None,
            computeResources=changed or None,
        ),
    )
    _settle(aws, _environment, identity)


def _delete_environment(aws: Aws, identity: str, state: Props) -> None:
    batch = aws.client("batch")
    queues = [
        queue["jobQueueName"]
        for queue in batch.describe_job_queues()["jobQueues"]
        if queue["status"] != "DELETED"
        and any(
            order["computeEnvironment"] in (identity, state.get("arn")) for order in queue["computeEnvironmentOrder"]
        )
    ]
    if queues:
        # Batch API reference, DeleteComputeEnvironment: disassociate it from its queues first.
        raise ResourceError(
            f"ClientException: Cannot delete, found existing JobQueue relationship ({', '.join(queues)})"
        )
    # terraform-provider-aws, compute_environment.go: disabled first, both steps waited for.
    batch.update_compute_environment(computeEnvironment=identity, state="DISABLED")
    _settle(aws, _environment, identity)
    batch.delete_compute_environment(computeEnvironment=identity)
    wait(aws, lambda: _environment(aws, identity) is None, f"{identity} to be deleted", _POLL_SECONDS)


def _orders(inputs: Props) -> list[dict[str, Any]]:
    return [
        {"order": int(entry["order"]), "computeEnvironment": entry["computeEnvironment"]}
        for entry in inputs.get("computeEnvironmentOrders") or []
    ]


def _create_queue(aws: Aws, inputs: Props) -> str:
    if _queue(aws, inputs["name"]) is not None:
        raise ResourceError(f"ClientException: Object already exists ({inputs['name']})")
    arn = aws.client("batch").create_job_queue(
        jobQueueName=inputs["name"],
        state=inputs["state"],
        priority=int(inputs["priority"]),
        computeEnvironmentOrder=_orders(inputs),
        **given(
            tags=inputs.get("tagsAll") or None,
        ),
    )["jobQueueArn"]
    return str(arn)


def _name_of(identity: str) -> str:
    return identity.rpartition("/")[2]


def _read_queue(aws: Aws, identity: str, state: Props) -> Props | None:
    found = _queue(aws, _name_of(identity))
    if found is None:
        return None
    return {
        "arn": found["jobQueueArn"],
        "name": found["jobQueueName"],
        "state": found["state"],
        "priority": found["priority"],
        "computeEnvironmentOrders": [
            {"order": entry["order"], "computeEnvironment": entry["computeEnvironment"]}
            for entry in found["computeEnvironmentOrder"]
        ],
        "tagsAll": dict(found.get("tags") or {}),
    }


def _change_queue(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("batch").update_job_queue(
        jobQueue=_name_of(identity),
        state=new["state"],
        priority=int(new["priority"]),
        computeEnvironmentOrder=_orders(new),
    )
    _settle(aws, _queue, _name_of(identity))


def _delete_queue(aws: Aws, identity: str, state: Props) -> None:
    batch, name = aws.client("batch"), _name_of(identity)
    # terraform-provider-aws, job_queue.go: disabled first, both steps waited for.
    batch.update_job_queue(jobQueue=name, state="DISABLED")
    _settle(aws, _queue, name)
    batch.delete_job_queue(jobQueue=name)
    wait(aws, lambda: _queue(aws, name) is None, f"{name} to be deleted", _POLL_SECONDS)


_ENVIRONMENT_CHANGES = ("state", "computeResources")
_QUEUE_CHANGES = ("state", "priority", "computeEnvironmentOrders")

_RETAG = retag("batch", "resourceArn", tags="tags", keys="tagKeys", spelled=dict)

KINDS = (
    Kind(
        "aws:batch/computeEnvironment:ComputeEnvironment",
        _create_environment,
        _read_environment,
        _delete_environment,
        lambda aws, identity, inputs: _settle(aws, _environment, identity),
        update=dict.fromkeys(_ENVIRONMENT_CHANGES, _change_environment) | {"tags": _RETAG},
        naming=Naming(limit=128),
        # terraform-provider-aws, compute_environment.go: Optional and Computed.
        computed=frozenset(
            {
                "serviceRole",
                "computeResources.desiredVcpus",
                "computeResources.ec2Configurations",
            }
        ),
        defaults={"state": "ENABLED"},
        enumerations={
            "type": Enumeration("batch", "CEType"),
            "state": Enumeration("batch", "CEState"),
            "computeResources.type": Enumeration("batch", "CRType"),
            "computeResources.allocationStrategy": Enumeration("batch", "CRAllocationStrategy"),
        },
        unordered=frozenset(
            {"computeResources.instanceTypes", "computeResources.subnets", "computeResources.securityGroupIds"}
        ),
    ),
    Kind(
        "aws:batch/jobQueue:JobQueue",
        _create_queue,
        _read_queue,
        _delete_queue,
        lambda aws, identity, inputs: _settle(aws, _queue, _name_of(identity)),
        update=dict.fromkeys(_QUEUE_CHANGES, _change_queue) | {"tags": _RETAG},
        naming=Naming(limit=128),
        enumerations={"state": Enumeration("batch", "JQState")},
    ),
)
