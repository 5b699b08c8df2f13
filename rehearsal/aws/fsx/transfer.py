"""What FSx writes into other services for an association: objects in the bucket, events in the log. Owns the bytes of
real files; modelled files, whose keys begin with `#`, have none."""

from __future__ import annotations

from ..buckets import Buckets
from ..logs import Logs
from .association import Association


class Transfer:
    """Carries files from file systems to buckets."""

    def __init__(self, buckets: Buckets, logs: Logs) -> None:
        self._buckets = buckets
        self._logs = logs

    def export(self, association: Association, key: str, removed: bool) -> None:
        """Bring a file's bytes, or its removal, to the bucket."""
        if association.folder is None or key.startswith("#"):
            return
        path = association.folder / key
        if removed:
            self._buckets.delete(association.bucket, association.prefix + key)
        elif path.exists():
            self._buckets.put(association.bucket, association.prefix + key, path.read_bytes())

    def refuse(self, association: Association, key: str, count: int) -> None:
        """FSx guide, data repository event logs: what cannot be exported leaves the queue and is logged."""
        self._log(association, f"ERROR S3ExportPathSizeTooLong: {count} files of {association.path}/{key}")

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
        """Compare files with their objects, byte for byte; what differs counts as not exported."""
        for key, group in association.content.groups.items():
            if association.folder is None or key.startswith("#") or group.deleted or group.missing():
                continue
            path = association.folder / key
            found = self._buckets.read(association.bucket, association.prefix + key)
            if path.exists() and path.read_bytes() != found:
                group.exported_version = 0

    def bucket_problem(self, association: Association, others: list[Association]) -> str | None:
        """Why the bucket cannot be linked. FSx guide, linking: event notifications must not overlap."""
        bucket = self._buckets.find(association.bucket)
        if bucket is None:
            return f"The bucket {association.bucket} does not exist"
        if not association.s3.get("AutoImportPolicy", {}).get("Events"):
            return None
        if bucket.notification_configuration is not None:
            return f"The bucket {association.bucket} has an event notification configuration that overlaps"
        for other in others:
            if other is association or other.bucket != association.bucket:
                continue
            listens = other.lifecycle in {"AVAILABLE", "UPDATING"} and other.s3.get("AutoImportPolicy")
            overlaps = other.prefix.startswith(association.prefix) or association.prefix.startswith(other.prefix)
            if listens and overlaps:
                return f"The event notification configuration of {other.id} overlaps"
        return None
