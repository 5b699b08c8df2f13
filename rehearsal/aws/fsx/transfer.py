"""What FSx writes into other services for an association: objects in the bucket, events in the log. Owns what becomes
of real files; modelled ones have no bytes, and no objects."""

from __future__ import annotations

from pathlib import Path

from .. import object_keys
from ..buckets import Buckets
from ..logs import Logs
from . import tree
from .association import Association
from .export import Group

# Assumed: the S3 events that FSx listens to for each event of an import policy. FSx guide, association lifecycle
# states: other notifications clash if they overlap with these.
KINDS = {"NEW": "ObjectCreated", "CHANGED": "ObjectCreated", "DELETED": "ObjectRemoved"}


class Transfer:
    """Carries files from file systems to buckets."""

    def __init__(self, buckets: Buckets, logs: Logs) -> None:
        self._buckets = buckets
        self._logs = logs

    def export(self, association: Association, key: str, removed: bool) -> None:
        """Bring an entry, or its removal, to the bucket."""
        group = association.content.groups[key]
        if association.folder is None or not tree.is_real(key):
            return
        path, name = association.folder / key, association.prefix + key
        if removed:
            self._buckets.delete(association.bucket, name)
        elif tree.is_there(path, key) and not group.refused:
            described, body = tree.metadata(path, group.written_at), tree.body(path)
            if body is None:
                self._buckets.put_file(association.bucket, name, path, described)
            else:
                self._buckets.put(association.bucket, name, body, described)

    def refuse(self, association: Association, key: str, count: int) -> None:
        """FSx guide, data repository event logs: what cannot be exported leaves the queue and is logged."""
        code = association.content.groups[key].refusal
        where = f"{association.path}/{object_keys.shown(key).lstrip('/')}"
        self._log(association, f"ERROR S3Export{code}: {count} files of {where}")

    def warn(self, association: Association, number: int) -> None:
        """The same: the log has import warnings too, and exports that were tried again and worked."""
        code = ("S3ExportResourceBusy", "S3ImportUnsupportedTierWarning")[number % 2]
        self._log(association, f"WARN {code}: a file of {association.path} (planned by the scenario)")

    def _log(self, association: Association, message: str) -> None:
        file_system = association.file_system
        destination = file_system.request.get("LustreConfiguration", {}).get("LogConfiguration", {})
        group = destination.get("Destination", "").partition(":log-group:")[2].removesuffix(":*")
        self._logs.write(group, f"datarepo_{file_system.id}", message)

    def verify(self, association: Association) -> None:
        """Compare what is on the file system, entry by entry, with what is in the bucket; what differs counts as not
        exported, and what is gone is stale only if its object is still there."""
        folder, content = association.folder, association.content
        if folder is None:
            return
        for key, entry in tree.listing(folder).items():
            group = content.groups.get(key)
            if group is None or group.deleted:  # nobody saw it come
                group = content.groups[key] = Group(1, entry.size, version=1, exported_version=1, exported=1)
            if group.imported and tree.is_directory(key):  # there because something is in it; it may have no object
                continue
            if not group.missing() and not self._is_exported(association, folder / key, key):
                group.exported_version = group.exported = 0
        for key, group in content.groups.items():
            if tree.is_real(key) and not tree.is_there(folder / key, key):
                group.deleted = True
                if self._buckets.find_object(association.bucket, association.prefix + key) is None:
                    group.exported_version = group.exported = 0

    def _is_exported(self, association: Association, path: Path, key: str) -> bool:
        """Whether the object holds what the entry does."""
        name, body = association.prefix + key, tree.body(path)
        if body is None:
            return self._buckets.holds(association.bucket, name, path)
        return self._buckets.read(association.bucket, name) == body

    def bucket_problem(self, association: Association, others: list[Association]) -> str | None:
        """Why the bucket cannot be linked. FSx guide, linking: event notifications must not overlap."""
        bucket = self._buckets.find(association.bucket)
        if bucket is None:
            return f"The bucket {association.bucket} does not exist"
        kinds = {KINDS[event] for event in association.s3.get("AutoImportPolicy", {}).get("Events") or ()}
        if not kinds:
            return None
        if any(_overlap(prefix, association.prefix) for prefix in self._buckets.notified(association.bucket, kinds)):
            return f"The bucket {association.bucket} has an event notification configuration that overlaps"
        for other in others:
            if other is association or other.bucket != association.bucket:
                continue
            listens = other.lifecycle in {"AVAILABLE", "UPDATING"} and other.s3.get("AutoImportPolicy", {}).get(
                "Events"
            )
            if listens and _overlap(other.prefix, association.prefix):
                return f"The event notification configuration of {other.id} overlaps"
        return None


def _overlap(one: str, other: str) -> bool:
    """S3 guide, event notifications with object key name filtering: prefixes overlap if one key may have both."""
    return one.startswith(other) or other.startswith(one)
