"""Data repository associations. Owns the link between a file system and a bucket as FSx has it: one request at a time,
event policies replaced together, events of one bucket never twice. It must never export by itself: the content's queue
and the tasks do."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...play.scenario import Scenario
from ..calls import ModelError
from .export import Content, Rates

if TYPE_CHECKING:
    from ..account import Account
    from .file_systems import FileSystem

EVENTS = {"NEW", "CHANGED", "DELETED"}
CHUNK_LIMIT_MIB = 512_000  # FSx API reference, CreateDataRepositoryAssociation, ImportedFileChunkSize


@dataclass
class Association:
    id: str
    arn: str
    file_system: FileSystem
    path: str
    repository: str
    s3: dict[str, Any]
    tags: dict[str, str]
    content: Content
    created: float
    token: str | None
    request: dict[str, Any]
    lifecycle: str = "CREATING"
    failure: str | None = None
    linked_at: float | None = None

    @property
    def bucket(self) -> str:
        return self.repository.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        prefix = self.repository.removeprefix("s3://").partition("/")[2].strip("/")
        return f"{prefix}/" if prefix else ""

    @property
    def events(self) -> list[str]:
        return list(self.s3.get("AutoExportPolicy", {}).get("Events", []))


class Associations:
    """Answers fsx: what concerns associations and tasks."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.scenario = Scenario()
        account.calls.answer(
            "fsx",
            CreateDataRepositoryAssociation=self.create,
            DescribeDataRepositoryAssociations=self.describe,
            UpdateDataRepositoryAssociation=self.update,
        )

    def reset(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def all(self) -> list[Association]:
        return [link for one in self.account.file_systems.all.values() for link in one.associations]

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        account = self.account
        file_system = account.file_systems.get(params["FileSystemId"])
        token = params.get("ClientRequestToken")
        known = next((link for link in self.all() if token and link.token == token), None)
        if known is not None:
            if known.request != params:
                raise ModelError("IncompatibleParameterError", "The token was used with other parameters before")
            return {"Association": self.view(known)}
        self._check(file_system, params)
        identifier = account.ids.hexadecimal("dra")
        association = Association(
            id=identifier,
            arn=f"{file_system.arn.rsplit(':', 1)[0]}:association/{file_system.id}/{identifier}",
            file_system=file_system,
            path=params["FileSystemPath"].rstrip("/"),
            repository=params["DataRepositoryPath"],
            s3=params.get("S3", {}),
            tags={tag["Key"]: tag["Value"] for tag in params.get("Tags", [])},
            content=Content(self._rates(), self.scenario.export.refused),
            created=account.clock.now(),
            token=token,
            request=params,
        )
        association.content.on_export = lambda key, removed: self._export(association, key, removed)
        association.content.on_refused = lambda key, count: self._refuse(association, key, count)
        file_system.associations.append(association)
        account.clock.after(self.scenario.association.create, lambda: self._created(association))
        return {"Association": self.view(association)}

    def _rates(self) -> Rates:
        export = self.scenario.export
        return Rates(export.files_per_second, export.bytes_per_second, self.account.work.stalls())

    def _check(self, file_system: FileSystem, params: dict[str, Any]) -> None:
        if file_system.lifecycle != "AVAILABLE":
            raise ModelError("BadRequest", f"The file system is {file_system.lifecycle}, not AVAILABLE")
        if file_system.request.get("FileSystemTypeVersion") not in {"2.12", "2.15"}:
            raise ModelError("BadRequest", "Data repository associations need Lustre version 2.12 or 2.15")
        if not params.get("FileSystemPath", "").startswith("/"):
            raise ModelError("BadRequest", "FileSystemPath must be an absolute path")
        if not params["DataRepositoryPath"].startswith("s3://"):
            raise ModelError("BadRequest", "DataRepositoryPath must be an s3:// path")
        if not 1 <= params.get("ImportedFileChunkSize", 1024) <= CHUNK_LIMIT_MIB:
            raise ModelError("BadRequest", f"ImportedFileChunkSize must be from 1 to {CHUNK_LIMIT_MIB} MiB")
        self._check_events(params.get("S3", {}))
        self._check_idle(file_system)
        path = params["FileSystemPath"].rstrip("/") + "/"
        for other in file_system.associations:
            if path.startswith(other.path + "/") or (other.path + "/").startswith(path):
                raise ModelError("BadRequest", f"The path {path} overlaps the one of {other.id}")

    @staticmethod
    def _check_events(s3: dict[str, Any]) -> None:
        for policy in ("AutoImportPolicy", "AutoExportPolicy"):
            unknown = set(s3.get(policy, {}).get("Events", [])) - EVENTS
            if unknown:
                raise ModelError("BadRequest", f"{policy}: {sorted(unknown)} is not among {sorted(EVENTS)}")

    @staticmethod
    def _check_idle(file_system: FileSystem) -> None:
        """FSx guide, linking: one request at a time is worked on."""
        busy = [link for link in file_system.associations if link.lifecycle in {"CREATING", "UPDATING", "DELETING"}]
        if busy:
            raise ModelError("BadRequest", f"The association {busy[0].id} is {busy[0].lifecycle}")

    def _created(self, association: Association) -> None:
        if association.lifecycle != "CREATING":
            return
        problem = self._bucket_problem(association)
        outcome = self.scenario.association.outcome
        if problem is not None or outcome != "AVAILABLE":
            association.lifecycle = "MISCONFIGURED" if outcome == "AVAILABLE" else outcome
            association.failure = problem or "The association could not be made (planned by the scenario)"
            return
        association.lifecycle = "AVAILABLE"
        association.linked_at = self.account.clock.now()
        if self.scenario.association.breaks_at is not None:
            self.account.clock.after(self.scenario.association.breaks_at, lambda: self._break(association))
        if association.request.get("BatchImportMetaDataOnCreate"):
            self.account.tasks.import_listing(association)
        if association.events:
            association.content.switch_on()

    def _break(self, association: Association) -> None:
        """FSx guide, association lifecycle states: MISCONFIGURED exports nothing until it is corrected.

        What the metric then shows is not documented; no queue, and so no age, is what a workflow could be fooled by.
        """
        now = self.account.clock.now()
        self.account.work.settle(now)
        association.content.switch_off(now)
        association.lifecycle = "MISCONFIGURED"
        association.failure = "Amazon FSx lacks permissions to access the bucket (planned by the scenario)"

    def _bucket_problem(self, association: Association) -> str | None:
        bucket = self.account.neighbours.bucket(association.bucket)
        if bucket is None:
            return f"The bucket {association.bucket} does not exist"
        if not association.s3.get("AutoImportPolicy", {}).get("Events"):
            return None
        if bucket.notification_configuration is not None:
            return f"The bucket {association.bucket} has an event notification configuration that overlaps"
        for other in self.all():
            if other is association or other.bucket != association.bucket:
                continue
            listens = other.lifecycle in {"AVAILABLE", "UPDATING"} and other.s3.get("AutoImportPolicy")
            overlaps = other.prefix.startswith(association.prefix) or association.prefix.startswith(other.prefix)
            if listens and overlaps:
                return f"The event notification configuration of {other.id} overlaps"
        return None

    def _export(self, association: Association, key: str, removed: bool) -> None:
        """Bring a real file's bytes, or its removal, to the bucket; modelled files have no bytes."""
        folder = association.file_system.folder
        if folder is None or key.startswith("#"):
            return
        path = Path(folder, association.path.strip("/"), key)
        if removed:
            self.account.neighbours.delete_object(association.bucket, association.prefix + key)
        elif path.exists():
            self.account.neighbours.put_object(association.bucket, association.prefix + key, path.read_bytes())

    def _refuse(self, association: Association, key: str, count: int) -> None:
        """FSx guide, data repository event logs: what cannot be exported leaves the queue and is logged."""
        file_system = association.file_system
        destination = file_system.request.get("LustreConfiguration", {}).get("LogConfiguration", {})
        group = destination.get("Destination", "").partition(":log-group:")[2].removesuffix(":*")
        message = f"ERROR could not export {count} files of {association.path}/{key}: the path is too long"
        self.account.neighbours.log(group, f"datarepo_{file_system.id}", message)

    def verify(self, association: Association) -> None:
        """Compare the bytes of real files with their objects; what differs is not exported, whatever was thought."""
        folder = association.file_system.folder
        for key, group in association.content.groups.items():
            if folder is None or key.startswith("#") or group.deleted or group.missing():
                continue
            path = Path(folder, association.path.strip("/"), key)
            found = self.account.neighbours.read_object(association.bucket, association.prefix + key)
            if path.exists() and path.read_bytes() != found:
                group.exported_version = 0

    def get(self, identifier: str) -> Association:
        for association in self.all():
            if association.id == identifier and association.file_system.deleted_at is None:
                return association
        raise ModelError("DataRepositoryAssociationNotFound", f"The association {identifier} does not exist")

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        identifiers, filters = params.get("AssociationIds"), params.get("Filters", [])
        found = [self.get(one) for one in identifiers] if identifiers else self.all()
        for wanted in filters:
            if wanted["Name"] == "file-system-id":
                found = [link for link in found if link.file_system.id in wanted["Values"]]
        return {"Associations": [self.view(link) for link in found if link.file_system.deleted_at is None]}

    def view(self, association: Association) -> dict[str, Any]:
        answer = {
            "AssociationId": association.id,
            "ResourceARN": association.arn,
            "FileSystemId": association.file_system.id,
            "Lifecycle": association.lifecycle,
            "FileSystemPath": association.path,
            "DataRepositoryPath": association.repository,
            "BatchImportMetaDataOnCreate": association.request.get("BatchImportMetaDataOnCreate", False),
            "ImportedFileChunkSize": association.request.get("ImportedFileChunkSize", 1024),
            "S3": association.s3,
            "Tags": [{"Key": key, "Value": value} for key, value in association.tags.items()],
            "CreationTime": _moment(association.created),
        }
        if association.failure:
            answer["FailureDetails"] = {"Message": association.failure}
        return answer

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        association = self.get(params["AssociationId"])
        if association.lifecycle not in {"AVAILABLE", "MISCONFIGURED"}:
            raise ModelError("BadRequest", f"The association is {association.lifecycle}")
        self._check_idle(association.file_system)
        self._check_events(params.get("S3", {}))
        now = self.account.clock.now()
        if "S3" in params:
            association.s3 = params["S3"]
        if not association.events:
            self.account.work.settle(now)
            association.content.switch_off(now)
        association.lifecycle = "UPDATING"
        if not self.scenario.association.update_stuck:
            self.account.clock.after(self.scenario.association.update, lambda: self._updated(association))
        return {"Association": self.view(association)}

    def _updated(self, association: Association) -> None:
        if association.lifecycle != "UPDATING":
            return
        # An update only brings it back when the cause is mended (FSx guide, association lifecycle states).
        association.lifecycle = "MISCONFIGURED" if association.failure else "AVAILABLE"
        if association.lifecycle == "AVAILABLE" and association.events and not association.content.exporting:
            association.content.switch_on()


def _moment(epoch: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(epoch, tz=datetime.UTC)
