"""Data repository tasks. Owns export tasks as FSx has them: refused while auto export is on or still finishing, counts
that are refreshed every 30 seconds, a report of what failed in the bucket. It must never carry deletions: tasks export
what is new or changed."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import object_keys
from ..buckets import Buckets
from ..calls import ModelError
from ..clock import moment
from ..context import Context
from ..plan import Count, Plan, Seconds, Tags
from . import imports, tree
from .association import Association, AssociationPlan
from .associations import Associations
from .export import Content
from .file_systems import FileSystem, FileSystems
from .requests import created_before, page, request_tags, tag_list

# The task that imports the listing "runs after the association is created" (FSx API reference,
# BatchImportMetaDataOnCreate); how long after is not documented. Assumed: for 20 seconds no task is listed.
IMPORT_LISTED_AFTER_SECONDS = 20.0
STATUS_SECONDS = 30.0  # FSx API reference, DataRepositoryTaskStatus: refreshed every 30 seconds
CANCEL_SECONDS = 20.0
AGAIN_SECONDS = 5.0  # until a task looks again whether the one before it has ended
UNDER_WAY = {"PENDING", "EXECUTING", "CANCELING"}
REPORT_FORMAT = "REPORT_CSV_20191124"


class DataRepositoryTaskPlan(Plan):
    start: Seconds = 30
    """From PENDING to EXECUTING."""
    refused: Count = 0
    """Number of export tasks that are refused because automatic export is still finishing."""
    outcome: Literal["SUCCEEDED", "FAILED"] = "SUCCEEDED"
    """`SUCCEEDED`, or `FAILED` as a whole, whatever the files."""
    stuck: bool = False
    """It stays EXECUTING."""


@dataclass
class DataRepositoryTask:
    id: str
    arn: str
    association: Association
    request: dict[str, Any]
    tags: dict[str, str]
    created: float
    lifecycle: str = "PENDING"
    began: float | None = None
    ended: float | None = None
    failure: str | None = None
    work: list[tuple[str, int, int, int]] = field(default_factory=list)  # key, version, files, refused
    total: int = 0
    duration: float = 0.0

    def counts(self, now: float) -> tuple[int, int]:
        """Succeeded and failed, as last refreshed."""
        refused = sum(entry[3] for entry in self.work)
        if self.ended is not None:
            return self.total - refused, refused
        if self.began is None or self.duration <= 0:
            return 0, 0
        refreshed = (now - self.began) // STATUS_SECONDS * STATUS_SECONDS
        share = min(1.0, refreshed / self.duration)
        return int((self.total - refused) * share), int(refused * share)


class DataRepositoryTasks:
    """Answers fsx: what concerns data repository tasks."""

    def __init__(
        self,
        context: Context,
        file_systems: FileSystems,
        associations: Associations,
        buckets: Buckets,
        settle_writers: Callable[[float], None],
        plan_of: Callable[[Tags], DataRepositoryTaskPlan],
    ) -> None:
        self._context = context
        self._file_systems = file_systems
        self._associations = associations
        self._buckets = buckets
        self._settle_writers = settle_writers
        self._plan_of = plan_of
        self.all: list[DataRepositoryTask] = []
        self._refused: Counter[str] = Counter()  # by the file system's id
        context.calls.answer(
            "fsx",
            CreateDataRepositoryTask=self.create,
            DescribeDataRepositoryTasks=self.describe,
            CancelDataRepositoryTask=self.cancel,
        )

    def reset(self) -> None:
        self.all = []
        self._refused.clear()

    def plan(self, file_system: FileSystem) -> DataRepositoryTaskPlan:
        """A task is planned for with its file system: of tasks that FSx starts itself, nobody can say more."""
        return self._plan_of(file_system.tags)

    def of(self, file_system: FileSystem) -> list[DataRepositoryTask]:
        return [task for task in self.all if task.association.file_system is file_system]

    def living(self) -> list[DataRepositoryTask]:
        return [task for task in self.all if task.association.file_system.deleted_at is None]

    def in_progress(self, file_system: FileSystem) -> str | None:
        return next((task.id for task in self.of(file_system) if task.lifecycle in UNDER_WAY), None)

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        file_system = self._file_systems.get(params["FileSystemId"])
        known = created_before(self.of(file_system), params)
        if known is not None:
            return {"DataRepositoryTask": self.view(known)}
        task = self._add(self._check(file_system, params), params, request_tags(params))
        self._context.clock.after(self.plan(file_system).start, lambda: self._begin(task))
        return {"DataRepositoryTask": self.view(task)}

    def _add(self, association: Association, request: dict[str, Any], tags: dict[str, str]) -> DataRepositoryTask:
        identifier = self._context.ids.hexadecimal("task")
        task = DataRepositoryTask(
            id=identifier,
            arn=self._context.arn("fsx", f"task/{identifier}"),
            association=association,
            request=request,
            tags=tags,
            created=self._context.clock.now(),
        )
        self.all.append(task)
        return task

    def import_listing(self, association: Association, plan: AssociationPlan) -> None:
        """FSx API reference, BatchImportMetaDataOnCreate: a task begins some time after the association is there.

        FSx creates that task itself, and nothing says how it could be tagged."""
        seconds, fails = plan.import_seconds(imports.count(self._buckets, association)), plan.import_fails
        self._context.clock.after(IMPORT_LISTED_AFTER_SECONDS, lambda: self._list_import(association, seconds, fails))

    def _list_import(self, association: Association, seconds: float, fails: bool) -> None:
        if association.lifecycle not in {"AVAILABLE", "UPDATING"} or association.file_system.lifecycle != "AVAILABLE":
            return
        request = {
            "Type": "IMPORT_METADATA_FROM_REPOSITORY", "Report": {"Enabled": False}, "Paths": [association.repository]
        }  # fmt: skip
        task = self._add(association, request, tags={})
        task.duration = seconds
        begins = max(0.0, self.plan(association.file_system).start - IMPORT_LISTED_AFTER_SECONDS)
        self._context.clock.after(begins, lambda: self._begin_import(task, "FAILED" if fails else "SUCCEEDED"))

    def _begin_import(self, task: DataRepositoryTask, end: str) -> None:
        """One after the other. Assumed: for two that are asked for, FSx says DataRepositoryTaskExecuting."""
        if any(other.lifecycle == "EXECUTING" for other in self.of(task.association.file_system)):
            self._context.clock.after(AGAIN_SECONDS, lambda: self._begin_import(task, end))
            return
        self._import(task, "EXECUTING")
        self._context.clock.after(task.duration, lambda: self._import(task, end))

    def _import(self, task: DataRepositoryTask, lifecycle: str) -> None:
        if task.lifecycle not in {"PENDING", "EXECUTING"}:
            return
        task.lifecycle = lifecycle
        if lifecycle != "EXECUTING":
            imports.appear(self._buckets, task.association)
        if lifecycle == "EXECUTING":
            task.began = self._context.clock.now()
        elif lifecycle == "FAILED":
            # FSx guide, data repository event logs: one bad key fails the task; the others were imported.
            task.work, task.total = [("", 0, 0, 1)], 1
            self._fail(task, "1 object could not be imported: S3ObjectPathNotPosixCompliant (planned by the scenario)")
        elif lifecycle == "SUCCEEDED":
            task.ended = self._context.clock.now()

    def cancel(self, params: dict[str, Any]) -> dict[str, Any]:
        """FSx API reference, CancelDataRepositoryTask: asynchronous; what was exported by then stays exported."""
        task = self._get(params["TaskId"])
        if task.lifecycle not in {"PENDING", "EXECUTING"}:
            raise ModelError("DataRepositoryTaskEnded", f"The task {task.id} is {task.lifecycle}")
        task.lifecycle = "CANCELING"
        self._context.clock.after(CANCEL_SECONDS, lambda: self._canceled(task))
        return {"Lifecycle": "CANCELING", "TaskId": task.id}

    def _canceled(self, task: DataRepositoryTask) -> None:
        task.lifecycle, task.ended = "CANCELED", self._context.clock.now()

    def _get(self, identifier: str) -> DataRepositoryTask:
        for task in self.all:
            if task.id == identifier:
                return task
        raise ModelError("DataRepositoryTaskNotFound", f"The task {identifier} does not exist")

    def _check(self, file_system: FileSystem, params: dict[str, Any]) -> Association:
        if params["Type"] != "EXPORT_TO_REPOSITORY":
            raise ModelError("BadRequest", "Only EXPORT_TO_REPOSITORY tasks are modelled")
        if file_system.lifecycle != "AVAILABLE":
            raise ModelError("BadRequest", f"The file system is {file_system.lifecycle}")
        associations = self._associations.of(file_system)
        if not associations:
            raise ModelError("BadRequest", "The file system is not linked to a data repository")
        if self.in_progress(file_system) is not None:
            raise ModelError("DataRepositoryTaskExecuting", "A data repository task is in progress")
        association = _covered(associations, params.get("Paths", []))
        if association.lifecycle != "AVAILABLE":
            raise ModelError("BadRequest", f"The association is {association.lifecycle}")
        if association.events:
            raise ModelError("BadRequest", "Export tasks are not supported while automatic export is enabled")
        if self._refused[file_system.id] < self.plan(file_system).refused:
            self._refused[file_system.id] += 1
            raise ModelError("BadRequest", "Automatic export is still finishing")
        report = params["Report"]
        if report.get("Enabled"):
            given = {"Path", "Format", "Scope"} <= set(report)
            if not given or report["Format"] != REPORT_FORMAT or report["Scope"] != "FAILED_FILES_ONLY":
                raise ModelError("BadRequest", f"A report needs Path, Format {REPORT_FORMAT}, Scope FAILED_FILES_ONLY")
            if not report["Path"].startswith(association.repository.rstrip("/") + "/"):
                raise ModelError("BadRequest", f"The report's path is not within {association.repository}")
        return association

    def _begin(self, task: DataRepositoryTask) -> None:
        if task.lifecycle != "PENDING":
            return
        task.lifecycle = "EXECUTING"
        task.began = now = self._context.clock.now()
        self._settle_writers(now)
        content = task.association.content
        if not self._paths_are_valid(task):
            self._fail(task, "A path that was given does not exist on the file system")
            return
        task.work = [(key, content.groups[key].version, count, refused) for key, count, refused in content.to_export()]
        task.total = sum(entry[2] + entry[3] for entry in task.work)
        size = sum(entry[2] * content.groups[entry[0]].bytes_each for entry in task.work)
        task.duration = content.rates.finish(now, task.total, size) - now
        if not self.plan(task.association.file_system).stuck:
            self._context.clock.after(max(1.0, task.duration), lambda: self._end(task))

    @staticmethod
    def _paths_are_valid(task: DataRepositoryTask) -> bool:
        """FSx API reference, CreateDataRepositoryTask: paths are relative to the mount point."""
        root = task.association.path.strip("/")
        return all(path == root or path.startswith(root + "/") for path in task.request.get("Paths", []))

    def _end(self, task: DataRepositoryTask) -> None:
        if task.lifecycle != "EXECUTING":
            return
        now = self._context.clock.now()
        if self.plan(task.association.file_system).outcome == "FAILED":
            self._fail(task, "The task failed as a whole (planned by the scenario)")
            return
        for key, version, _, _ in task.work:
            task.association.content.export_by_task(key, version, now)
        refused = sum(entry[3] for entry in task.work)
        if refused:
            self._report(task)
            self._fail(task, f"{refused} file{'' if refused == 1 else 's'} could not be exported")
            return
        task.lifecycle, task.ended = "SUCCEEDED", now

    def _fail(self, task: DataRepositoryTask, message: str) -> None:
        task.lifecycle, task.ended, task.failure = "FAILED", self._context.clock.now(), message

    def _report(self, task: DataRepositoryTask) -> None:
        report = task.request["Report"]
        if not report.get("Enabled"):
            return
        bucket, _, path = report["Path"].removeprefix("s3://").partition("/")
        body = io.StringIO()
        rows = csv.writer(body, lineterminator="\n")
        for entry in task.work:
            rows.writerows(_failures(task.association.content, entry[0], entry[3]))
        key = f"{path.strip('/')}/{task.id}/failures.csv".lstrip("/")
        self._buckets.put(bucket, key, body.getvalue().encode())

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        tasks = self.all
        wanted = params.get("TaskIds")
        if wanted:
            unknown = set(wanted) - {task.id for task in tasks}
            if unknown:
                raise ModelError("DataRepositoryTaskNotFound", f"The task {sorted(unknown)[0]} does not exist")
            tasks = [task for task in tasks if task.id in wanted]
        for condition in params.get("Filters", []):
            reads = {
                "file-system-id": lambda task: task.association.file_system.id,
                "task-lifecycle": lambda task: task.lifecycle,
            }
            if condition["Name"] in reads:
                tasks = [task for task in tasks if reads[condition["Name"]](task) in condition["Values"]]
        return page([self.view(task) for task in tasks], "DataRepositoryTasks", params)

    def view(self, task: DataRepositoryTask) -> dict[str, Any]:
        succeeded, failed = task.counts(self._context.clock.now())
        answer = {
            "TaskId": task.id,
            "Lifecycle": task.lifecycle,
            "Type": task.request["Type"],
            "CreationTime": moment(task.created),
            "ResourceARN": task.arn,
            "FileSystemId": task.association.file_system.id,
            "Paths": task.request.get("Paths", []),
            "Report": task.request["Report"],
            "Status": {"TotalCount": task.total, "SucceededCount": succeeded, "FailedCount": failed},
            "Tags": tag_list(task.tags),
        }
        if task.began is not None:
            answer["StartTime"] = moment(task.began)
        if task.ended is not None:
            answer["EndTime"] = moment(task.ended)
        if task.failure:
            answer["FailureDetails"] = {"Message": task.failure}
        return answer


def _covered(associations: list[Association], paths: list[str]) -> Association:
    """The association whose files the paths are about (FSx API reference, CreateDataRepositoryTask: relative to the
    mount point; without any, the whole file system)."""
    if len(associations) == 1:
        return associations[0]
    roots = [root for root in associations if any(f"/{path.strip('/')}/".startswith(f"{root.path}/") for path in paths)]
    if len(roots) != 1 or not paths:
        raise ModelError("BadRequest", "Only tasks over the paths of one association are modelled")
    return roots.pop()


def _failures(content: Content, key: str, count: int) -> list[tuple[str, str, str]]:
    """FSx guide, task completion reports: FilePath, FileStatus and ErrorCode, without a head; a path that a spreadsheet
    would take for a formula is quoted."""
    names = [object_keys.shown(key)] if tree.is_real(key) else [f"{key.strip('/')}-{number}" for number in range(count)]
    code = content.groups[key].refusal
    return [(f'"{name}"' if name[:1] in "@+-=" else name, "failed", code) for name in names if count]
