"""File systems. Owns their lifecycle and rules as FSx for Lustre has them. Associations and data repository tasks refer
to a file system; it knows neither. It must never be kinder than AWS: what AWS leaves open is refused."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from .. import service_roles
from ..calls import ModelError, internally
from ..clock import moment
from ..context import Context
from ..plan import Count, Plan, Seconds, Tags
from . import speed, tree
from .creation_rules import automatic_metadata_iops, default_version, refusals
from .export import Content
from .requests import created_before, page, request_tags, tag_list
from .space import Space

# FSx guide, file system access control with Amazon VPC.
LUSTRE_PORTS = [(988, 988), (1018, 1023)]


class FileSystemPlan(Plan):
    create: Seconds | None = None  # absent: as measured for its type and capacity (speed)
    """Time to create it; `null`: as measured."""
    outcome: Literal["AVAILABLE", "FAILED", "MISCONFIGURED"] = "AVAILABLE"
    """What becomes of it: `AVAILABLE`, `FAILED` or `MISCONFIGURED`."""
    delete: Seconds | None = None
    """Time to delete it; `null`: as measured."""
    delete_refused: Count = 0
    """Number of deletions that are answered with BadRequest."""
    deleted_by_others_at: Seconds | None = None
    """Somebody deletes it this long after it became AVAILABLE."""
    delete_stuck: bool = False
    """It stays DELETING."""
    create_stuck: bool = False
    """It stays CREATING."""
    names_late: bool = False  # its names are answered only once it is AVAILABLE; AWS's example has them at once
    """CreateFileSystem answers without the DNS name and the mount name."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.create_stuck and self.outcome != "AVAILABLE":
            yield "outcome", "a file system that stays CREATING (file_system.create_stuck) has none"
        if self.deleted_by_others_at is not None and (self.create_stuck or self.outcome != "AVAILABLE"):
            yield "deleted_by_others_at", "it counts from when the file system became AVAILABLE, which it never does"


@dataclass
class FileSystem:
    """One file system."""

    id: str
    arn: str
    mount_name: str
    request: dict[str, Any]
    tags: dict[str, str]
    created: float
    lifecycle: str = "CREATING"
    failure: str | None = None
    available_at: float | None = None
    deleting_at: float | None = None
    deleted_at: float | None = None
    local: Content | None = None  # what was written outside of every association
    folder: Path | None = None  # where a real job's files are
    space: Space = field(default_factory=Space)
    deleted_by_others: bool = False
    first_attempt_at: float | None = None  # what the plan's windows count from


class FileSystems:
    """Answers fsx: what concerns file systems."""

    def __init__(self, context: Context, plan_of: Callable[[Tags], FileSystemPlan]) -> None:
        self._context = context
        self._plan_of = plan_of
        self.all: dict[str, FileSystem] = {}
        # Names the task in progress on a file system, which then cannot be deleted.
        self.task_in_progress: Callable[[FileSystem], str | None] = lambda file_system: None
        # Told when one is AVAILABLE, so that what was asked for before can begin.
        self.on_available: Callable[[FileSystem], None] = lambda file_system: None
        # Told when a deletion begins, so that what is not in S3 by then can be accounted for.
        self.on_deleting: Callable[[FileSystem], None] = lambda file_system: None
        self._refused_deletions: Counter[str] = Counter()
        self._networks: dict[tuple[str, ...], str | None] = {}
        context.calls.answer(
            "fsx", CreateFileSystem=self.create, DescribeFileSystems=self.describe, DeleteFileSystem=self.delete
        )

    def close(self) -> None:
        """Remove the directories that hold the files of real jobs."""
        for file_system in self.all.values():
            _remove_folder(file_system)

    def reset(self) -> None:
        self.close()
        self.all = {}
        self._refused_deletions.clear()

    def plan(self, file_system: FileSystem) -> FileSystemPlan:
        return self._plan_of(file_system.tags)

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        known = created_before(self.all.values(), params)
        if known is not None:
            return {"FileSystem": self.view(known)}
        self._check(params)
        clock, ids = self._context.clock, self._context.ids
        identifier = ids.hexadecimal("fs")
        file_system = FileSystem(
            id=identifier,
            arn=self._context.arn("fsx", f"file-system/{identifier}"),
            mount_name=ids.letters(8),
            request=params,
            tags=request_tags(params),
            created=clock.now(),
            space=Space.of(params["StorageCapacity"]),
        )
        self.all[identifier] = file_system
        service_roles.make(self._context, *service_roles.FSX)
        if not self.plan(file_system).create_stuck:
            clock.after(self.creation_seconds(params), lambda: self._created(file_system))
        return {"FileSystem": self.view(file_system)}

    def creation_seconds(self, request: dict[str, Any]) -> float:
        """How long what was asked for takes to be created."""
        planned = self._plan_of(request_tags(request)).create
        return speed.creation_seconds(request) if planned is None else planned

    def _created(self, file_system: FileSystem) -> None:
        if file_system.lifecycle != "CREATING":
            return
        plan = self.plan(file_system)
        file_system.lifecycle = plan.outcome
        if file_system.lifecycle == "AVAILABLE":
            file_system.available_at = self._context.clock.now()
            self.on_available(file_system)
            if plan.deleted_by_others_at is not None:
                self._context.clock.after(plan.deleted_by_others_at, lambda: self._deleted_by_others(file_system))
            file_system.folder = Path(tempfile.mkdtemp(prefix=f"rehearsal-{file_system.id}-"))
        else:
            file_system.failure = "The file system could not be created (planned by the scenario)"

    def _check(self, params: dict[str, Any]) -> None:
        for refusal in refusals(params):
            raise ModelError(*refusal)
        network = (*params["SubnetIds"], *sorted(params.get("SecurityGroupIds", [])))
        if network not in self._networks:
            self._networks[network] = self._network_problem(params)
        problem = self._networks[network]
        if problem is not None:
            raise ModelError("InvalidNetworkSettings", problem)

    def _network_problem(self, params: dict[str, Any]) -> str | None:
        client = self._context.client("ec2")
        with internally():
            try:
                client.describe_subnets(SubnetIds=params["SubnetIds"])
                groups = client.describe_security_groups(GroupIds=params.get("SecurityGroupIds", []))["SecurityGroups"]
            except client.exceptions.ClientError as error:
                return str(error)
        if not params.get("SecurityGroupIds"):
            return "The default security group does not let Lustre traffic through"
        open_ports = [
            (rule.get("FromPort", 0), rule.get("ToPort", 65535))
            for group in groups
            for rule in group["IpPermissions"]
            if rule["IpProtocol"] in {"tcp", "6", "-1"}
        ]
        for first, last in LUSTRE_PORTS:
            if not any((low or 0) <= first and last <= (high or 65535) for low, high in open_ports):
                return f"The security groups do not allow inbound Lustre traffic on ports {first}-{last}"
        return None

    def get(self, identifier: str) -> FileSystem:
        file_system = self.all.get(identifier)
        if file_system is None or file_system.deleted_at is not None:
            raise ModelError("FileSystemNotFound", f"File system '{identifier}' does not exist.")
        return file_system

    def living(self) -> list[FileSystem]:
        return [one for one in self.all.values() if one.deleted_at is None]

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params.get("FileSystemIds")
        found = [self.get(identifier) for identifier in wanted] if wanted else self.living()
        return page([self.view(one) for one in found], "FileSystems", params)

    def view(self, file_system: FileSystem) -> dict[str, Any]:
        request = file_system.request
        lustre = request["LustreConfiguration"]
        answer: dict[str, Any] = {
            "OwnerId": self._context.account_id,
            "CreationTime": moment(file_system.created),
            "FileSystemId": file_system.id,
            "FileSystemType": "LUSTRE",
            "FileSystemTypeVersion": request.get("FileSystemTypeVersion", default_version(lustre)),
            "Lifecycle": file_system.lifecycle,
            "StorageCapacity": request["StorageCapacity"],
            "StorageType": request.get("StorageType", "SSD"),
            "SubnetIds": request["SubnetIds"],
            "DNSName": f"{file_system.id}.fsx.{self._context.region}.amazonaws.com",
            "ResourceARN": file_system.arn,
            "Tags": tag_list(file_system.tags),
            "LustreConfiguration": {
                "DeploymentType": lustre["DeploymentType"],
                "DataCompressionType": lustre.get("DataCompressionType", "NONE"),
                "MountName": file_system.mount_name,
            },
        }
        if "PerUnitStorageThroughput" in lustre:
            answer["LustreConfiguration"]["PerUnitStorageThroughput"] = lustre["PerUnitStorageThroughput"]
        if "MetadataConfiguration" in lustre:
            iops = automatic_metadata_iops(request["StorageCapacity"])
            answer["LustreConfiguration"]["MetadataConfiguration"] = {"Iops": iops, **lustre["MetadataConfiguration"]}
        if "KmsKeyId" in request:
            answer["KmsKeyId"] = request["KmsKeyId"]
        if self.plan(file_system).names_late and file_system.lifecycle == "CREATING":
            del answer["DNSName"], answer["LustreConfiguration"]["MountName"]
        if file_system.failure:
            answer["FailureDetails"] = {"Message": file_system.failure}
        return answer

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        file_system = self.get(params["FileSystemId"])
        plan = self.plan(file_system)
        if self._refused_deletions[file_system.id] < plan.delete_refused:
            self._refused_deletions[file_system.id] += 1
            raise ModelError("BadRequest", "The file system cannot be deleted now (planned by the scenario)")
        if file_system.lifecycle in {"CREATING", "DELETING", "UPDATING"}:
            raise ModelError("BadRequest", f"The file system is {file_system.lifecycle}")
        task = self.task_in_progress(file_system)
        if task is not None:
            raise ModelError("BadRequest", f"The data repository task {task} is in progress on the file system")
        self.on_deleting(file_system)
        file_system.lifecycle = "DELETING"
        file_system.deleting_at = self._context.clock.now()
        if not plan.delete_stuck:
            seconds = speed.DELETION_SECONDS if plan.delete is None else plan.delete
            self._context.clock.after(seconds, lambda: self._deleted(file_system))
        return {"FileSystemId": file_system.id, "Lifecycle": "DELETING"}

    def _deleted_by_others(self, file_system: FileSystem) -> None:
        if file_system.lifecycle != "AVAILABLE":
            return
        if self.task_in_progress(file_system) is not None:  # they try again, as anybody would
            self._context.clock.after(60, lambda: self._deleted_by_others(file_system))
            return
        file_system.deleted_by_others = True
        self.delete({"FileSystemId": file_system.id})

    def _deleted(self, file_system: FileSystem) -> None:
        file_system.deleted_at = self._context.clock.now()
        _remove_folder(file_system)


def _remove_folder(file_system: FileSystem) -> None:
    if file_system.folder is not None:
        tree.remove(file_system.folder)
        file_system.folder = None
