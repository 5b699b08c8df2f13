"""Objects that AWS's own services read and write in a bucket, as FSx does through its service-linked role: no bucket
policy applies to them. Owns nothing of S3's API, which moto answers; it must never be used to look where a caller
could not."""

from __future__ import annotations

import contextlib
from typing import Any

from .context import Context

Baseline = dict[str, int]


class Buckets:
    """The account's buckets, from within AWS."""

    def __init__(self, context: Context) -> None:
        self._context = context

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

    def find(self, name: str) -> Any | None:
        return self._s3.buckets.get(name)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self._s3.put_object(bucket, key, body)

    def delete(self, bucket: str, key: str) -> None:
        if self.read(bucket, key) is not None:
            self._s3.delete_object(bucket, key)

    def read(self, bucket: str, key: str) -> bytes | None:
        with contextlib.suppress(Exception):
            found = self._s3.get_object(bucket, key)
            if found is not None:
                return bytes(found.value)
        return None
