"""What a scenario may say about the bucket before a run. Owns the form of it; the bucket itself and its import into a
file system are other models' business."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from . import object_keys
from .plan import Bytes, Count, Plan, beside, refused

# S3 guide, storage classes: those whose objects have to be restored before they can be read.
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
StorageClass = Literal["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]


class ObjectsPlan(Plan):
    """Objects that are only counted: they have no bytes, and a real job does not see them."""

    prefix: str = ""
    """What their keys begin with."""
    count: Count = 1
    """Number of objects."""
    bytes_each: Bytes = 1_048_576
    """Size of each object."""
    storage_class: StorageClass = "STANDARD"
    """`STANDARD`, `STANDARD_IA`, `INTELLIGENT_TIERING`, `GLACIER_IR`, `GLACIER` or `DEEP_ARCHIVE`; what is in the last
    two cannot be read."""


def _type_of_event(name: str) -> str:
    if not re.fullmatch(r"s3:[A-Za-z]+(:[A-Za-z*]+)*", name):
        raise refused("is no type of event: write one of S3's, such as s3:ObjectCreated:*")
    return name


class NotificationPlan(Plan):
    """An event notification that somebody else configured."""

    prefix: str = ""
    """What the keys that they are about begin with."""
    # S3 guide, event notification types and destinations.
    events: list[Annotated[str, AfterValidator(_type_of_event)]] = Field(default=["s3:ObjectCreated:*"], min_length=1)
    """The types of events."""


def folder_problem(folder: Path) -> str | None:
    """Why the files of a folder cannot be objects of a bucket, if they cannot."""
    if os.path.isfile(folder):
        return "it is a file, and not a folder"
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    for key, path in files_in(folder).items():
        if not object_keys.is_utf8(key):
            return f"{object_keys.shown(key)} cannot be the key of an object: it is not UTF-8"
        if object_keys.is_too_long(key):
            return f"{object_keys.shown(key)} cannot be the key of an object: it is over 1,024 bytes"
        if not os.access(path, os.R_OK):
            return f"{path} may not be read"
    return None


def files_in(folder: Path) -> dict[str, Path]:
    """The files below a folder, by the keys that `aws s3 sync` would give their objects: a directory has none, and a
    link to a file stands for it."""
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}


class BucketPlan(Plan):
    files: dict[str, str] = Field(default={})
    """Files in the bucket before the run, by key, with their text; a real job sees them."""
    folder: Annotated[Path, beside(folder_problem)] | None = None
    """A folder beside the scenario whose files are in the bucket, too; their paths in it are the keys."""
    objects: list[ObjectsPlan] = Field(default=[])
    """Objects that are only counted: they take time to list, and a real job does not see them."""
    notifications: list[NotificationPlan] = Field(default=[])
    """Event notifications that somebody else configured; those that overlap break the link."""
    event_bridge: bool = False
    """`true`: the bucket sends its events to EventBridge, which overlaps with nothing."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        return _that_are_no_files(self.files)


class OtherBucketPlan(Plan):
    """A bucket beside the stack's own."""

    name: str
    """Its name, which is among `inputBuckets`."""
    files: dict[str, str] = Field(default={})
    """Files in it before the run, by key, with their text."""

    def contradictions(self) -> Iterator[tuple[str, str]]:
        return _that_are_no_files(self.files)


def _that_are_no_files(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    for key in keys:
        # FSx guide, data repository event logs, S3ObjectPathNotPosixCompliant.
        if not key or any(part in ("", ".", "..") for part in key.split("/")):
            yield "files", f"{key!r} cannot be the path of a file: it would not be imported"
        if any(other.startswith(f"{key}/") for other in keys):
            yield "files", f"{key!r} cannot be a file and a directory"
