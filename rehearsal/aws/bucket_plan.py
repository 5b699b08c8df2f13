"""What a scenario may say about the bucket before a run. Owns the form of it; the bucket itself and its import into a
file system are other models' business."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from .plan import Count, Plan

# S3 guide, storage classes: those whose objects have to be restored before they can be read.
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
StorageClass = Literal["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]


class ObjectsPlan(Plan):
    """Objects that are only counted: they have no bytes, and a real job does not see them."""

    prefix: str = ""
    count: Count = 1
    bytes_each: Count = 1_048_576
    storage_class: StorageClass = "STANDARD"


class NotificationPlan(Plan):
    """An event notification that somebody else configured."""

    prefix: str = ""
    # S3 guide, event notification types and destinations.
    events: list[Annotated[str, Field(pattern=r"^s3:[A-Za-z]+(:[A-Za-z*]+)*$")]] = Field(
        default=["s3:ObjectCreated:*"], min_length=1
    )


class BucketPlan(Plan):
    files: dict[str, str] = Field(default={})  # by key, text
    objects: list[ObjectsPlan] = Field(default=[])
    notifications: list[NotificationPlan] = Field(default=[])
    event_bridge: bool = False  # it sends all its events to EventBridge

    def contradictions(self) -> Iterator[tuple[str, str]]:
        for key in self.files:
            # FSx guide, data repository event logs, S3ObjectPathNotPosixCompliant.
            if not key or any(part in ("", ".", "..") for part in key.split("/")):
                yield "files", f"{key!r} cannot be the path of a file: it would not be imported"
            if any(other.startswith(f"{key}/") for other in self.files):
                yield "files", f"{key!r} cannot be a file and a directory"
