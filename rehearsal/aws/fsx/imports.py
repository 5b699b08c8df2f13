"""What of a bucket appears on a file system. Owns the import of the listing: how many objects there are, and the files
that stand for them, as FSx makes them of the objects' metadata. What is imported is in the bucket already, so that
nothing is exported until a job changes it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..buckets import Buckets
from . import tree
from .association import Association
from .export import Group

# FSx guide, POSIX metadata support: what objects without metadata get.
MODE = 0o755
SYMBOLIC_LINK = "0120"


def count(buckets: Buckets, association: Association) -> int:
    """How many objects there are to list."""
    planned = sum(one.count for one in buckets.planned(association.bucket) if one.prefix.startswith(association.prefix))
    return planned + len(buckets.keys(association.bucket, association.prefix))


def appear(buckets: Buckets, association: Association) -> None:
    """Let a file stand for each object, and a group for those that are only counted."""
    content, folder = association.content, association.folder
    for number, one in enumerate(buckets.planned(association.bucket)):
        if one.prefix.startswith(association.prefix):
            content.groups.setdefault(f"/listed:{number}", imported(one.bytes_each, one.count))
    if folder is None:
        return
    made = set()
    for key in buckets.keys(association.bucket, association.prefix):
        with contextlib.suppress(OSError):  # a name that no file can have, or that another object has taken
            _make(buckets, association, folder, key)
            made |= {key, *(f"{above}/" for above in map(str, Path(key).parents) if above != ".")}
    for key, entry in tree.listing(folder).items():
        if key in made and key not in content.seen:
            content.seen[key] = entry
            content.groups.setdefault(key, imported(entry.size))


def imported(bytes_each: int, files: int = 1) -> Group:
    """Files that are as their objects are."""
    return Group(files, bytes_each, version=1, exported_version=1, exported=files, imported=True)


def _make(buckets: Buckets, association: Association, folder: Path, key: str) -> None:
    path, found = folder / key, buckets.find_object(association.bucket, association.prefix + key)
    if found is None or os.path.lexists(path) or any(part in ("", ".", "..") for part in key.rstrip("/").split("/")):
        return
    mode = found.metadata.get("x-amz-meta-file-permissions", "")
    path.parent.mkdir(parents=True, exist_ok=True)
    if tree.is_directory(key):
        path.mkdir(exist_ok=True)
    elif mode.startswith(SYMBOLIC_LINK):
        os.symlink(bytes(found.value), os.fsencode(path))
        return
    else:
        buckets.get_file(association.bucket, association.prefix + key, path)
    path.chmod(int(mode, 8) & 0o7777 if mode else MODE)
