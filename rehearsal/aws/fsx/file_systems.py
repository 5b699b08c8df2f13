"""File systems. Owns their lifecycle, rules and tags as FSx for Lustre has them, and what was lost when one was
deleted. Associations and tasks live next door. It must never be kinder than AWS: what AWS leaves open is refused."""

from __future__ import annotations

import datetime
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...play.scenario import Scenario
from ..calls import ModelError, internally
from ..clock import Timer
from .export import Content

if TYPE_CHECKING:
    from ..account import Account
    from .associations import Association
    from .tasks import Task

# FSx API reference, CreateFileSystem, StorageCapacity for SCRATCH_2 (GiB).
SCRATCH_STEP_GIB = 2400
SMALLEST_GIB = 1200
VERSIONS = {"2.10", "2.12", "2.15"}
# FSx guide, file system access control with Amazon VPC.
LUSTRE_PORTS = [(988, 988), (1018, 1023)]


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
    associations: list[Association] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    local: Content | None = None
    folder: Path | None = None
    timer: Timer | None = None

    @property
    def token(self) -> str | None:
        return self.request.get("ClientRequestToken")


class FileSystems:
    """Answers fsx: what concerns file systems and tags."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.scenario = Scenario()
        self.all: dict[str, FileSystem] = {}
        self._refused_deletions = 0
        self._networks: dict[tuple[str, ...], str | None] = {}
        account.calls.answer(
            "fsx",
            CreateFileSystem=self.create,
            DescribeFileSystems=self.describe,
            DeleteFileSystem=self.delete,
            TagResource=self.tag,
            UntagResource=self.untag,
            ListTagsForResource=self.list_tags,
        )

    def reset(self, scenario: Scenario) -> None:
        for file_system in self.all.values():
            if file_system.folder is not None:
                shutil.rmtree(file_system.folder, ignore_errors=True)
        self.scenario = scenario
        self.all = {}
        self._refused_deletions = scenario.file_system.delete_refused

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        known = next(
            (one for one in self.all.values() if one.token and one.token == params.get("ClientRequestToken")), None
        )
        if known is not None:
            if known.request != params:
                raise ModelError("IncompatibleParameterError", "The token was used with other parameters before")
            return {"FileSystem": self.view(known)}
        self._check(params)
        account, clock = self.account, self.account.clock
        identifier = account.ids.hexadecimal("fs")
        file_system = FileSystem(
            id=identifier,
            arn=f"arn:{account.partition}:fsx:{account.region}:{account.account_id}:file-system/{identifier}",
            mount_name=account.ids.letters(8),
            request=params,
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
            created=clock.now(),
        )
        self.all[identifier] = file_system
        if not self.scenario.file_system.create_stuck:
            clock.after(self.scenario.file_system.create, lambda: self._created(file_system))
        return {"FileSystem": self.view(file_system)}

    def _created(self, file_system: FileSystem) -> None:
        if file_system.lifecycle != "CREATING":
            return
        file_system.lifecycle = self.scenario.file_system.outcome
        if file_system.lifecycle == "AVAILABLE":
            file_system.available_at = self.account.clock.now()
            file_system.folder = Path(tempfile.mkdtemp(prefix=f"rehearsal-{file_system.id}-"))
        else:
            file_system.failure = "The file system could not be created (planned by the scenario)"

    def _check(self, params: dict[str, Any]) -> None:
        lustre = params.get("LustreConfiguration", {})
        capacity = params.get("StorageCapacity", 0)
        if params["FileSystemType"] != "LUSTRE":
            raise ModelError("BadRequest", "Only LUSTRE file systems are modelled")
        if lustre.get("DeploymentType") != "SCRATCH_2":
            raise ModelError("BadRequest", "Only the deployment type SCRATCH_2 is modelled")
        if capacity != SMALLEST_GIB and (capacity < SCRATCH_STEP_GIB or capacity % SCRATCH_STEP_GIB):
            message = f"The storage capacity {capacity} is not 1200, 2400, or a multiple of 2400"
            raise ModelError("BadRequest", message)
        if params.get("FileSystemTypeVersion", "2.10") not in VERSIONS:
            raise ModelError("BadRequest", f"The file system type version must be one of {sorted(VERSIONS)}")
        if len(params["SubnetIds"]) != 1:
            raise ModelError("BadRequest", "A Lustre file system takes exactly one subnet")
        log = lustre.get("LogConfiguration", {}).get("Destination", "")
        if log and ":log-group:/aws/fsx" not in log:
            raise ModelError("BadRequest", "The name of the log group must begin with /aws/fsx")
        if {"ImportPath", "ExportPath", "AutoImportPolicy"} & set(lustre):
            raise ModelError("BadRequest", "ImportPath and ExportPath exclude data repository associations")
        network = (*params["SubnetIds"], *sorted(params.get("SecurityGroupIds", [])))
        if network not in self._networks:
            self._networks[network] = self._network_problem(params)
        problem = self._networks[network]
        if problem is not None:
            raise ModelError("InvalidNetworkSettings", problem)

    def _network_problem(self, params: dict[str, Any]) -> str | None:
        client = self.account.client("ec2")
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
        start, size = int(params.get("NextToken", 0)), params.get("MaxResults", 100)
        answer: dict[str, Any] = {"FileSystems": [self.view(one) for one in found[start : start + size]]}
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer

    def view(self, file_system: FileSystem) -> dict[str, Any]:
        request = file_system.request
        answer = {
            "OwnerId": self.account.account_id,
            "CreationTime": _moment(file_system.created),
            "FileSystemId": file_system.id,
            "FileSystemType": "LUSTRE",
            "FileSystemTypeVersion": request.get("FileSystemTypeVersion", "2.10"),
            "Lifecycle": file_system.lifecycle,
            "StorageCapacity": request["StorageCapacity"],
            "StorageType": request.get("StorageType", "SSD"),
            "SubnetIds": request["SubnetIds"],
            "DNSName": f"{file_system.id}.fsx.{self.account.region}.amazonaws.com",
            "ResourceARN": file_system.arn,
            "Tags": [{"Key": key, "Value": value} for key, value in file_system.tags.items()],
            "LustreConfiguration": {"DeploymentType": "SCRATCH_2", "MountName": file_system.mount_name},
        }
        if file_system.failure:
            answer["FailureDetails"] = {"Message": file_system.failure}
        return answer

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        file_system = self.get(params["FileSystemId"])
        if self._refused_deletions > 0:
            self._refused_deletions -= 1
            raise ModelError("BadRequest", "The file system cannot be deleted now (planned by the scenario)")
        if file_system.lifecycle in {"CREATING", "DELETING", "UPDATING"}:
            raise ModelError("BadRequest", f"The file system is {file_system.lifecycle}")
        busy = [task.id for task in file_system.tasks if task.lifecycle in {"PENDING", "EXECUTING", "CANCELING"}]
        if busy:
            raise ModelError("BadRequest", f"The data repository task {busy[0]} is in progress on the file system")
        self._account_for(file_system)
        file_system.lifecycle = "DELETING"
        file_system.deleting_at = self.account.clock.now()
        for association in file_system.associations:
            association.lifecycle = "DELETING"
        if not self.scenario.file_system.delete_stuck:
            self.account.clock.after(self.scenario.file_system.delete, lambda: self._deleted(file_system))
        return {"FileSystemId": file_system.id, "Lifecycle": "DELETING"}

    def _account_for(self, file_system: FileSystem) -> None:
        """Nothing is exported any more: what is not in S3 now is lost."""
        now = self.account.clock.now()
        self.account.work.settle(now)
        for association in file_system.associations:
            association.content.switch_off(now)
            self.account.associations.verify(association)

    def _deleted(self, file_system: FileSystem) -> None:
        file_system.deleted_at = self.account.clock.now()
        if file_system.folder is not None:
            shutil.rmtree(file_system.folder, ignore_errors=True)
            file_system.folder = None

    def _tagged(self, arn: str) -> dict[str, str]:
        for file_system in self.living():
            things: list[Any] = [file_system, *file_system.associations, *file_system.tasks]
            for thing in things:
                if thing.arn == arn:
                    tags: dict[str, str] = thing.tags
                    return tags
        raise ModelError("ResourceNotFound", f"The resource {arn} does not exist")

    def tags_of(self, arn: str) -> dict[str, str]:
        try:
            return self._tagged(arn)
        except ModelError:
            return {}

    def tag(self, params: dict[str, Any]) -> None:
        self._tagged(params["ResourceARN"]).update({tag["Key"]: tag["Value"] for tag in params["Tags"]})

    def untag(self, params: dict[str, Any]) -> None:
        tags = self._tagged(params["ResourceARN"])
        for key in params["TagKeys"]:
            tags.pop(key, None)

    def list_tags(self, params: dict[str, Any]) -> dict[str, Any]:
        tags = self._tagged(params["ResourceARN"])
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _moment(epoch: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(epoch, tz=datetime.UTC)
