"""Objects that AWS's own services read and write in a bucket, as FSx does through its service-linked role: no bucket
policy applies to them. Owns nothing of S3's API, which moto answers; it must never be used to look where a caller
could not."""

from __future__ import annotations

import contextlib
import hashlib
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import pieces
from .context import Context
from .pieces import readable

Baseline = dict[str, int]
LARGE_BYTES = 8 << 20  # what is larger is copied and compared in pieces


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

    def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> Any:
        """Create an object, or its next version."""
        created = self._s3.put_object(bucket, key, body)
        created.set_metadata(dict(metadata or {}))
        return created

    def put_file(self, bucket: str, key: str, path: Path, metadata: Mapping[str, str]) -> None:
        """The same with the bytes of a file, which may be larger than memory if most of it is holes."""
        size = path.stat().st_size
        if size <= LARGE_BYTES:
            with readable(path):
                self.put(bucket, key, path.read_bytes(), metadata)
            return
        created = self.put(bucket, key, b"", metadata)
        copied = tempfile.TemporaryFile()  # noqa: SIM115 (open for as long as the object exists)
        with readable(path), path.open("rb") as source:
            pieces.copy(source, copied, size)
        created._value_buffer, created.contentsize = copied, size
        # As of a multipart upload: not the MD5 of all bytes.
        created._etag = f"{hashlib.md5(f'{key}{size}'.encode()).hexdigest()}-{math.ceil(size / LARGE_BYTES)}"

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
