"""What is in a real job's directory, as FSx sees it. Owns which entries are exported, under which keys, with which
bytes and metadata, and which S3 cannot hold. A name means nothing: whatever a file is called, it is a file."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

from .. import object_keys
from ..pieces import readable

# FSx guide, data repository event logs, S3ExportFileSizeTooLarge.
LARGEST_OBJECT_BYTES = 5 * 1024**4
PATH_TOO_LONG, FILE_TOO_LARGE = "PathSizeTooLong", "FileSizeTooLarge"
NOT_UTF8 = "InternalError"  # the guide names the rule and no code for it
# FSx guide, POSIX metadata support: the set-user-ID bit is not kept.
KEPT_MODE = ~stat.S_ISUID


class Entry(NamedTuple):
    """One entry, with what tells one version of it from the next."""

    size: int
    identity: tuple[int, ...]  # the same under another name
    changed: int  # whatever happens to it changes this
    inode: tuple[int, int]


def changes(before: dict[str, Entry], now: dict[str, Entry]) -> list[str]:
    """The keys of what is new or was changed between two looks, in the order in which it was.

    Another name for a file, or one less, touches all of its hard links and changes none.
    """
    linked = {(before.get(key) or now[key]).inode for key in before.keys() ^ now.keys()}
    found = []
    for key, entry in now.items():
        known = before.get(key)
        untouched = known is not None and (known.changed == entry.changed or entry.inode in linked)
        if known is None or known.identity != entry.identity or not untouched:
            found.append(key)
    return sorted(found, key=lambda key: (now[key].changed, key))


def is_real(key: str) -> bool:
    """Whether a key is the path of a file, relative to its folder; those of modelled files begin with a slash."""
    return not key.startswith("/")


def is_directory(key: str) -> bool:
    """FSx guide, POSIX metadata support: the key of a directory's object ends with a slash."""
    return key.endswith("/")


def listing(folder: Path) -> dict[str, Entry]:
    """Every entry under the folder that FSx exports, by its key: files, every one of their hard links, directories, and
    symbolic links, whatever they point to. FIFOs, sockets and devices are left out."""
    found: dict[str, Entry] = {}
    left = [""]
    while left:
        above = left.pop()
        path = folder / above
        with contextlib.suppress(OSError), readable(path), os.scandir(path) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    key = above + entry.name
                    if stat.S_ISDIR(status.st_mode):
                        key += "/"
                        left.append(key)
                    if stat.S_IFMT(status.st_mode) in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
                        found[key] = _entry(status)
    return found


def _entry(status: os.stat_result) -> Entry:
    who = (status.st_mode, status.st_uid, status.st_gid, status.st_ino)
    if stat.S_ISDIR(status.st_mode):  # its times and its size follow from what is in it
        return Entry(0, who, 0, (status.st_dev, status.st_ino))
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    identity = (*who, status.st_mtime_ns, status.st_size)
    return Entry(size, identity, status.st_ctime_ns, (status.st_dev, status.st_ino))


def body(path: Path) -> bytes | None:
    """What the object of an entry holds; nothing of a file, which is read where it lies.

    FSx guide, POSIX metadata support: that of a symbolic link holds the path of its target, that of a directory
    nothing.
    """
    if path.is_symlink():
        return os.readlink(os.fsencode(path))
    return b"" if path.is_dir() else None


def is_there(path: Path, key: str) -> bool:
    """Whether there is an entry of that kind: a directory and a link to one are not the same."""
    return os.path.lexists(path) and (path.is_dir() and not path.is_symlink()) == is_directory(key)


def refusal(object_key: str, size: int) -> str | None:
    """The code with which FSx drops what S3 cannot hold (FSx guide, data repository event logs), or nothing."""
    if not object_keys.is_utf8(object_key):
        return NOT_UTF8
    if object_keys.is_too_long(object_key):
        return PATH_TOO_LONG
    return FILE_TOO_LARGE if size > LARGEST_OBJECT_BYTES else None


def metadata(path: Path, changed_at: float) -> dict[str, str]:
    """FSx guide, POSIX metadata support: what an object carries of its file. Times are those of the rehearsal."""
    status = path.lstat()
    nanoseconds = f"{int(changed_at * 1000)}000000ns"
    return {
        "x-amz-meta-file-permissions": f"0{status.st_mode & KEPT_MODE:o}",
        "x-amz-meta-file-owner": str(status.st_uid),
        "x-amz-meta-file-group": str(status.st_gid),
        "x-amz-meta-file-atime": nanoseconds,
        "x-amz-meta-file-mtime": nanoseconds,
        "x-amz-meta-user-agent": "aws-fsx-lustre",
    }


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, whatever its permissions and however deep it is."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        subprocess.run(["chmod", "-R", "u+rwx", folder], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", folder], check=False, capture_output=True)
