"""Objects that an export of another file system has replaced with older files. Owns finding them: what FSx exports it
exports over whatever is in the bucket, and no file system knows of the others. It judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..aws.fsx.association import Association
from ..aws.fsx.export import Group
from .ledger import overlap


class Overwritten(NamedTuple):
    """What became of a file system's results: objects that another's older files had replaced when it was deleted, with
    their bytes, and those that were replaced later."""

    lost_files: int = 0
    lost_bytes: int = 0
    stale_objects: int = 0


class _Export(NamedTuple):
    at: float
    written_at: float
    link: Association
    group: Group


def of(link: Association, others: Iterable[Association]) -> Overwritten:
    """Of two file systems that export under one key the later export is what is in the bucket. That is as it should be
    where its file is the newer one: runs under one prefix replace each other's results."""
    exported = _exports(link)
    near = [one for one in others if one.bucket == link.bucket and overlap(one.prefix, link.prefix)]
    rivals: dict[str, list[_Export]] = {}
    for other in near if exported else []:
        if other.file_system is not link.file_system:
            for key, rival in _exports(other).items():
                if key in exported:
                    rivals.setdefault(key, []).append(rival)
    deleted_at = link.file_system.deleting_at
    files = size = stale = 0
    for key, those in rivals.items():
        mine = exported[key]
        before = [one for one in those if deleted_at is not None and one.at <= deleted_at]
        if count := _replaced(mine, before):
            files += count
            size += count * mine.group.bytes_each
        else:
            stale += _replaced(mine, those)
    return Overwritten(files, size, stale)


def _exports(link: Association) -> dict[str, _Export]:
    """The last export of each key that is in the bucket."""
    return {
        link.prefix + key: _Export(*group.last_export, link, group)
        for key, group in link.content.groups.items()
        if group.last_export is not None and group.exported and not group.imported
    }


def _replaced(mine: _Export, others: list[_Export]) -> int:
    """How many objects of these files an older file has taken the place of."""
    last = max((mine, *others), key=lambda one: one.at)
    return 0 if last.written_at >= mine.written_at else min(mine.group.exported, last.group.exported)
