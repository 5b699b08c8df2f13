"""Data repository associations. Owns their lifecycle as FSx has it: one request at a time, event policies replaced
together, no two that listen to the same part of a bucket. It exports nothing itself: the content's queue and the data
repository tasks do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import service_roles
from ..calls import ModelError, principal
from ..clock import moment
from ..context import Context
from ..plan import Tags
from . import speed
from .association import Association, AssociationPlan
from .creation_rules import default_version
from .export import Content, ExportPlan, Rates
from .file_systems import FileSystem, FileSystems
from .requests import created_before, request_tags, tag_list
from .transfer import Transfer

EVENTS = {"NEW", "CHANGED", "DELETED"}
LINKS_LIMIT = 8  # FSx API reference, CreateDataRepositoryAssociation
CHUNK_LIMIT_MIB = 512_000  # FSx API reference, CreateDataRepositoryAssociation, ImportedFileChunkSize


class Associations:
    """Answers fsx: what concerns associations."""

    def __init__(
        self,
        context: Context,
        file_systems: FileSystems,
        transfer: Transfer,
        settle_writers: Callable[[float], None],
        plan_of: Callable[[Tags], AssociationPlan],
        export_plan_of: Callable[[Tags], ExportPlan],
    ) -> None:
        self._context = context
        self._file_systems = file_systems
        self._transfer = transfer
        self._settle_writers = settle_writers
        # What it plans for a file system is in the file system's tags, which nobody forgets.
        self._plan_of = plan_of
        self._export_plan_of = export_plan_of
        self.all: list[Association] = []
        # Told when the listing of the bucket has to be imported.
        self.on_import: Callable[[Association, AssociationPlan], None] = lambda association, plan: None
        # Says what the policy of a bucket denies a role, below a prefix.
        self.bucket_refusal: Callable[[str, str, str], str | None] = lambda role_arn, bucket, prefix: None
        context.calls.answer(
            "fsx",
            CreateDataRepositoryAssociation=self.create,
            DescribeDataRepositoryAssociations=self.describe,
            UpdateDataRepositoryAssociation=self.update,
        )

    def reset(self) -> None:
        self.all = []

    def plan(self, file_system: FileSystem) -> AssociationPlan:
        return self._plan_of(file_system.tags)

    def of(self, file_system: FileSystem) -> list[Association]:
        return [association for association in self.all if association.file_system is file_system]

    def living(self) -> list[Association]:
        return [association for association in self.all if association.file_system.deleted_at is None]

    def begin(self, file_system: FileSystem) -> None:
        """An attempt of a job starts on it: from the first one on, the stalls count."""
        if file_system.first_attempt_at is None:
            file_system.first_attempt_at = self._context.clock.now()
            for association in self.of(file_system):
                association.content.rates.stalls = self._stalls(file_system)

    def settle(self, now: float) -> None:
        """Let everything take effect that jobs have written and the queues have exported by now."""
        self._settle_writers(now)
        for association in self.all:
            association.content.settle(now)

    def account_for(self, file_system: FileSystem) -> None:
        """The file system is being deleted: nothing is exported any more, and what is not in S3 by now is lost."""
        now = self._context.clock.now()
        self._settle_writers(now)
        for association in self.of(file_system):
            association.content.switch_off(now)
            if not association.is_input:  # which no job could write to
                self._transfer.verify(association)
            association.lifecycle = "DELETING"

    def file_system_of(self, identifier: str) -> str:
        """The id of an association's file system; `*` when there is no such association."""
        return next((one.file_system.id for one in self.all if one.id == identifier), "*")

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        file_system = self._file_systems.get(params["FileSystemId"])
        known = created_before(self.all, params)
        if known is not None:
            return {"Association": self.view(known)}
        self._check(file_system, params)
        identifier = self._context.ids.hexadecimal("dra")
        association = Association(
            id=identifier,
            arn=self._context.arn("fsx", f"association/{file_system.id}/{identifier}"),
            file_system=file_system,
            path=params["FileSystemPath"].rstrip("/"),
            repository=params["DataRepositoryPath"],
            s3=params.get("S3", {}),
            tags=request_tags(params),
            content=Content(
                self._rates(file_system), self._export_plan_of(file_system.tags).refused, file_system.space
            ),
            created=self._context.clock.now(),
            request=params,
        )
        self._check_access(association)
        association.content.refusal = association.refusal
        association.content.on_export = lambda key, removed: self._transfer.export(association, key, removed)
        association.content.on_refused = lambda key, count: self._transfer.refuse(association, key, count)
        self.all.append(association)
        self.work_on(file_system)
        return {"Association": self.view(association)}

    def work_on(self, file_system: FileSystem) -> None:
        """FSx guide, linking: requests are queued, and one at a time is worked on; none before the file system is."""
        links = self.of(file_system)
        waiting = [link for link in links if link.lifecycle == "CREATING" and not link.begun]
        if not waiting or file_system.lifecycle != "AVAILABLE":
            return
        if any(link.lifecycle in {"UPDATING", "DELETING"} for link in links):
            return
        if any(link.lifecycle == "CREATING" and link.begun for link in links):
            return
        waiting[0].begun = True
        self._context.clock.after(self.plan(file_system).create, lambda: self._created(waiting[0]))

    def _rates(self, file_system: FileSystem) -> Rates:
        throughput, plan = speed.throughput(file_system.request), self._export_plan_of(file_system.tags)
        return Rates(
            plan.files_per_second or speed.EXPORT.files_per_second(throughput),
            plan.bytes_per_second or speed.EXPORT.bytes_per_second(throughput),
            self._stalls(file_system),
        )

    def _stalls(self, file_system: FileSystem) -> list[tuple[float, float]]:
        origin = file_system.first_attempt_at
        if origin is None:
            return []
        stalls = self._export_plan_of(file_system.tags).stalls
        return [(origin + stall.at, origin + stall.at + stall.for_) for stall in stalls]

    def _check(self, file_system: FileSystem, params: dict[str, Any]) -> None:
        queued = self.plan(file_system).queued
        if file_system.lifecycle != "AVAILABLE" and not (queued and file_system.lifecycle == "CREATING"):
            raise ModelError("BadRequest", f"The file system is {file_system.lifecycle}, not AVAILABLE")
        lustre = file_system.request["LustreConfiguration"]
        if file_system.request.get("FileSystemTypeVersion", default_version(lustre)) not in {"2.12", "2.15"}:
            raise ModelError("BadRequest", "Data repository associations need Lustre version 2.12 or 2.15")
        if lustre.get("AutomaticBackupRetentionDays"):  # FSx guide, backups: not of what is linked to S3
            raise ModelError("BadRequest", "A file system with automatic backups cannot be linked to a data repository")
        if not params.get("FileSystemPath", "").startswith("/"):
            raise ModelError("BadRequest", "FileSystemPath must be an absolute path")
        if not params["DataRepositoryPath"].startswith("s3://"):
            raise ModelError("BadRequest", "DataRepositoryPath must be an s3:// path")
        if not 1 <= params.get("ImportedFileChunkSize", 1024) <= CHUNK_LIMIT_MIB:
            raise ModelError("BadRequest", f"ImportedFileChunkSize must be from 1 to {CHUNK_LIMIT_MIB} MiB")
        self._check_events(params.get("S3", {}))
        if not queued:
            self._check_idle(file_system)
        links = self.of(file_system)
        if len(links) >= LINKS_LIMIT:
            raise ModelError("ServiceLimitExceeded", f"A file system has at most {LINKS_LIMIT} associations")
        asked = [_folder(params[key]) for key in ("FileSystemPath", "DataRepositoryPath")]
        for other in links:
            for path, its in zip(asked, (_folder(other.path), _folder(other.repository)), strict=True):
                if path.startswith(its) or its.startswith(path):
                    raise ModelError("BadRequest", f"The path {path} overlaps the one of {other.id}, {its}")

    def _check_access(self, association: Association) -> None:
        """FSx guide, adding permissions to use data repositories in S3: who links a bucket may read and write it."""
        if (caller := principal.get()) is None:
            return
        if (refused := self.bucket_refusal(caller, association.bucket, association.prefix)) is not None:
            raise ModelError("BadRequest", f"Amazon FSx is unable to validate access to the S3 bucket: {refused}")

    def _bucket_problem(self, association: Association) -> str | None:
        """Why the bucket cannot be linked, or not be used."""
        link, name = service_roles.LINK
        role = service_roles.arn(self._context, link, name + association.file_system.id)
        refused = self.bucket_refusal(role, association.bucket, association.prefix)
        if refused is not None:
            return f"Amazon FSx lacks permissions to access the bucket {association.bucket}: {refused}"
        return self._transfer.bucket_problem(association, self.all)

    @staticmethod
    def _check_events(s3: dict[str, Any]) -> None:
        for policy in ("AutoImportPolicy", "AutoExportPolicy"):
            unknown = set(s3.get(policy, {}).get("Events", [])) - EVENTS
            if unknown:
                raise ModelError("BadRequest", f"{policy}: {sorted(unknown)} is not among {sorted(EVENTS)}")

    def _check_idle(self, file_system: FileSystem) -> None:
        """FSx guide, linking: one request at a time is worked on."""
        busy = [link for link in self.of(file_system) if link.lifecycle in {"CREATING", "UPDATING", "DELETING"}]
        if busy:
            raise ModelError("BadRequest", f"The association {busy[0].id} is {busy[0].lifecycle}")

    def _created(self, association: Association) -> None:
        if association.lifecycle != "CREATING":
            return
        problem = self._bucket_problem(association)
        plan = self.plan(association.file_system)
        outcome = plan.outcome
        if problem is not None or outcome != "AVAILABLE":
            association.lifecycle = "MISCONFIGURED" if outcome == "AVAILABLE" else outcome
            association.failure = problem or "The association could not be made (planned by the scenario)"
            self.work_on(association.file_system)
            return
        association.lifecycle = "AVAILABLE"
        association.linked_at = self._context.clock.now()
        if association.request.get("BatchImportMetaDataOnCreate"):
            self.on_import(association, plan)
        self.work_on(association.file_system)
        if association.is_input:  # the plan is about what exports
            return
        for number in range(self._export_plan_of(association.file_system.tags).warnings):
            self._transfer.warn(association, number)
        if plan.breaks_at is not None:
            self._context.clock.after(plan.breaks_at, lambda: self._break(association))
        if plan.heals_at is not None:
            self._context.clock.after(plan.heals_at, lambda: self._heal(association))
        if association.events:
            association.content.switch_on()

    def _break(self, association: Association) -> None:
        """FSx guide, association lifecycle states: MISCONFIGURED exports nothing until it is corrected, FAILED is "in a
        terminal state that cannot be recovered (for example, because … its S3 bucket is deleted)".

        What the metric then shows is not documented; an empty queue, whose age is zero, is what would fool a workflow.
        """
        if association.lifecycle not in {"AVAILABLE", "UPDATING"}:
            return
        now = self._context.clock.now()
        self._settle_writers(now)
        association.content.switch_off(now)
        lasts = self.plan(association.file_system).stays_broken
        association.lifecycle = "FAILED" if lasts else "MISCONFIGURED"
        association.failure = "Amazon FSx lacks permissions to access the bucket (planned by the scenario)"

    def _heal(self, association: Association) -> None:
        """FSx guide, association lifecycle states: once its cause is gone, FSx notices within 15 minutes. What changed
        meanwhile has left no trace in the queue."""
        if association.lifecycle == "MISCONFIGURED":
            association.lifecycle, association.failure = "AVAILABLE", None
            if association.events:
                self._listen_again(association)

    def get(self, identifier: str) -> Association:
        for association in self.living():
            if association.id == identifier:
                return association
        raise ModelError("DataRepositoryAssociationNotFound", f"The association {identifier} does not exist")

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        identifiers, filters = params.get("AssociationIds"), params.get("Filters", [])
        found = [self.get(one) for one in identifiers] if identifiers else self.living()
        for wanted in filters:
            if wanted["Name"] == "file-system-id":
                found = [link for link in found if link.file_system.id in wanted["Values"]]
        return {"Associations": [self.view(link) for link in found]}

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
            "Tags": tag_list(association.tags),
            "CreationTime": moment(association.created),
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
        now = self._context.clock.now()
        if "S3" in params:
            association.s3 = params["S3"]
        if not association.events:
            self._settle_writers(now)
            association.content.switch_off(now)
        association.lifecycle = "UPDATING"
        plan = self.plan(association.file_system)
        if not plan.update_stuck:
            self._context.clock.after(plan.update, lambda: self._updated(association))
        return {"Association": self.view(association)}

    def _updated(self, association: Association) -> None:
        if association.lifecycle != "UPDATING":
            return
        # FSx guide, association lifecycle states: once the cause is fixed, an update brings it back (without one, it
        # takes up to 15 minutes: see _heal). What changed while it was broken has left no trace in the queue.
        problem = self._bucket_problem(association)
        if problem is not None or not self.plan(association.file_system).mends:
            association.failure = problem or association.failure
        else:
            association.failure = None
        association.lifecycle = "MISCONFIGURED" if association.failure else "AVAILABLE"
        if association.lifecycle == "AVAILABLE" and association.linked_at is None:
            association.linked_at = self._context.clock.now()
        if association.lifecycle == "AVAILABLE" and association.events and not association.content.exporting:
            self._listen_again(association)

    def _listen_again(self, association: Association) -> None:
        """What was written until now enters no queue."""
        self._settle_writers(self._context.clock.now())
        association.content.switch_on()


def _folder(path: str) -> str:
    """FSx guide, linking: a slash is appended where there is none."""
    return path.rstrip("/") + "/"
