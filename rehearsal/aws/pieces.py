"""Files that may be larger than memory and mostly holes, and files that are locked away. Owns reading both: copying and
comparing piece by piece, holes skipped."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PIECE_BYTES = 1 << 20


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """What a job has locked away is read all the same: FSx is root."""
    if os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        yield
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    path.chmod(mode | stat.S_IRWXU)
    try:
        yield
    finally:
        path.chmod(mode)


def copy(source: IO[bytes], target: IO[bytes], size: int) -> None:
    """Copy what is not a hole, into an empty file."""
    os.ftruncate(target.fileno(), size)
    for at, length in _pieces(source, size):
        os.pwrite(target.fileno(), os.pread(source.fileno(), length, at), at)


def same(one: IO[bytes], other: IO[bytes]) -> bool:
    """Whether two files hold the same bytes."""
    size = os.fstat(one.fileno()).st_size
    if size != os.fstat(other.fileno()).st_size:
        return False
    return all(
        os.pread(one.fileno(), length, at) == os.pread(other.fileno(), length, at)
        for file in (one, other)
        for at, length in _pieces(file, size)
    )


def _pieces(file: IO[bytes], size: int) -> Iterator[tuple[int, int]]:
    """Where a file has data: offset and length of each piece."""
    at = 0
    while at < size:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError:  # nothing but a hole is left
            return
        end = min(size, os.lseek(file.fileno(), at, os.SEEK_HOLE))
        while at < end:
            length = min(PIECE_BYTES, end - at)
            yield at, length
            at += length
