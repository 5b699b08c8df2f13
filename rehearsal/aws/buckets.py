"""Objects that AWS's own services read and write in a bucket, as FSx does through its service-linked role: no bucket
policy applies to them. Owns nothing of S3's API, which moto answers; it must never be used to look where a caller
could not."""

from __future__ import annotations

import contextlib
import hashlib
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import pieces
from .bucket_plan import BucketPlan, ObjectsPlan, files_in
from .context import Context
from .pieces import readable

Baseline = dict[str, int]
LARGE_BYTES = 8 << 20  # what is larger is copied and compared in pieces


class Buckets:
    """The account's buckets, from within AWS."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._prepared: dict[str, BucketPlan] = {}
        self._notified_before: dict[str, Any] = {}  # the configuration that was there before somebody prepared it
        # Told of every object that is created, with its size; not of those that were there before a run.
        self.on_created: Callable[[str, str, int], None] = lambda bucket, key, size: None

    @property
    def _s3(self) -> Any:
        return self._context.backend("s3")

    def snapshot(self) -> Baseline:
        return {name: len(bucket.keys) for name, bucket in self._s3.buckets.items()}

    def reset(self, baseline: Baseline) -> None:
        """Empty every bucket that was empty or did not exist."""
        for name, bucket in self._s3.buckets.items():
            if len(bucket.keys) and not baseline.get(name):
                bucket.keys.clear()
            if name in self._prepared:
                bucket.notification_configuration = self._notified_before.get(name)
        self._prepared, self._notified_before = {}, {}

    def prepare(self, name: str, plan: BucketPlan) -> None:
        """Let the bucket be as somebody has left it before the run."""
        self._prepared[name] = plan
        self._notified_before[name] = getattr(self.find(name), "notification_configuration", None)
        for key, path in files_in(plan.folder).items() if plan.folder is not None else ():
            self._put_file(name, key, path, {})
        for key, text in plan.files.items():
            self._put(name, key, text.encode())
        if plan.notifications or plan.event_bridge:
            queue = self._context.arn("sqs", "somebody-elses")
            self._s3.put_bucket_notification_configuration(
                name,
                {
                    "QueueConfiguration": [
                        {
                            "Queue": queue,
                            "Event": one.events,
                            "Filter": {"S3Key": {"FilterRule": [{"Name": "prefix", "Value": one.prefix}]}},
                        }
                        for one in plan.notifications
                    ],
                    **({"EventBridgeConfiguration": {}} if plan.event_bridge else {}),
                },
            )

    def planned(self, name: str) -> list[ObjectsPlan]:
        """Objects that are only counted."""
        return self._prepared.get(name, BucketPlan()).objects

    def keys(self, name: str, prefix: str) -> list[str]:
        """The keys below a prefix, without it, in order; those of deleted objects left out."""
        bucket = self.find(name)
        found = sorted(key for key in (bucket.keys if bucket is not None else ()) if key.startswith(prefix))
        return [key.removeprefix(prefix) for key in found if key != prefix and self.find_object(name, key) is not None]

    def notified(self, name: str, kinds: set[str]) -> list[str]:
        """The prefixes below which events of these kinds (ObjectCreated, …) go to a topic, queue or function."""
        configuration = self._s3.buckets[name].notification_configuration
        if configuration is None:  # S3 guide: EventBridge gets every event, beside whatever else is configured
            return []
        return [
            _prefix(one.filters)
            for one in (*configuration.topic, *configuration.queue, *configuration.cloud_function)
            if kinds & {event.split(":")[1] for event in one.events}
        ]

    def find(self, name: str) -> Any | None:
        return self._s3.buckets.get(name)

    def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> Any:
        """Create an object, or its next version."""
        created = self._put(bucket, key, body, metadata)
        self.on_created(bucket, key, len(body))
        return created

    def put_file(self, bucket: str, key: str, path: Path, metadata: Mapping[str, str]) -> None:
        """The same with the bytes of a file, which may be larger than memory if most of it is holes."""
        self._put_file(bucket, key, path, metadata)
        self.on_created(bucket, key, path.stat().st_size)

    def sends_to_event_bridge(self, name: str) -> bool:
        """Whether every event goes to EventBridge as well (S3 guide, using EventBridge)."""
        configuration = getattr(self.find(name), "notification_configuration", None)
        return configuration is not None and configuration.event_bridge is not None

    def _put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> Any:
        created = self._s3.put_object(bucket, key, body)
        created.set_metadata(dict(metadata or {}))
        return created

    def _put_file(self, bucket: str, key: str, path: Path, metadata: Mapping[str, str]) -> None:
        size = path.stat().st_size
        if size <= LARGE_BYTES:
            with readable(path):
                self._put(bucket, key, path.read_bytes(), metadata)
            return
        created = self._put(bucket, key, b"", metadata)
        copied = tempfile.TemporaryFile()  # noqa: SIM115 (open for as long as the object exists)
        with readable(path), path.open("rb") as source:
            pieces.copy(source, copied, size)
        created._value_buffer, created.contentsize = copied, size
        # As of a multipart upload: not the MD5 of all bytes.
        created._etag = f"{hashlib.md5(f'{key}{size}'.encode()).hexdigest()}-{math.ceil(size / LARGE_BYTES)}"

    def get_file(self, bucket: str, key: str, path: Path) -> None:
        """Write the bytes of an object, which may be larger than memory, into a file that does not exist."""
        found = self._s3.get_object(bucket, key)
        if found.contentsize <= LARGE_BYTES:
            path.write_bytes(found.value)
            return
        with path.open("wb") as target:
            pieces.copy(found._value_buffer, target, found.contentsize)

    def find_object(self, bucket: str, key: str) -> Any | None:
        """The object of that key, unless it was deleted."""
        with contextlib.suppress(Exception):
            return self._s3.get_object(bucket, key)
        return None

    def delete(self, bucket: str, key: str) -> None:
        if self.find_object(bucket, key) is not None:
            self._s3.delete_object(bucket, key)

    def read(self, bucket: str, key: str) -> bytes | None:
        found = self.find_object(bucket, key)
        return None if found is None else bytes(found.value)

    def holds(self, bucket: str, key: str, path: Path) -> bool:
        """Whether an object has the bytes of a file."""
        found, size = self.find_object(bucket, key), path.stat().st_size
        if found is None or found.contentsize != size:
            return False
        with readable(path), path.open("rb") as file:
            return bool(found.value == file.read()) if size <= LARGE_BYTES else pieces.same(file, found._value_buffer)


def _prefix(filters: Mapping[str, Any]) -> str:
    rules = filters.get("S3Key", {}).get("FilterRule", [])
    return next((str(rule["Value"]) for rule in rules if rule["Name"].lower() == "prefix"), "")
