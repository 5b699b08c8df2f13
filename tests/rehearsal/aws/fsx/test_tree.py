"""What FSx sees in a directory, whatever is in it and however it is called."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from rehearsal.aws import object_keys, pieces
from rehearsal.aws.fsx import tree
from rehearsal.aws.fsx.space import GIB, Space


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "scratch"
    path.mkdir()
    return path


def test_files_links_and_directories_are_listed_and_nothing_else(folder: Path) -> None:
    (folder / "file").write_text("text")
    os.link(folder / "file", folder / "hard link")
    (folder / "empty").mkdir()
    (folder / "dangling").symlink_to("nowhere")
    (folder / "to a directory").symlink_to("empty")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        assert sorted(tree.listing(folder)) == ["dangling", "empty/", "file", "hard link", "to a directory"]
    assert tree.body(folder / "dangling") == b"nowhere"
    assert tree.body(folder / "empty") == b""
    assert tree.body(folder / "file") is None


def test_a_links_target_is_kept_to_the_letter(folder: Path) -> None:
    os.symlink(b"./a//b/../\xff/", os.fsencode(folder / "link"))
    assert tree.body(folder / "link") == b"./a//b/../\xff/"


@pytest.mark.parametrize(
    "name", [b"#0:1", b"x.part", b"-rf", b"a\nb", b" ", b"*", b"requests", b"\xff\xfe", b"...", b"0:0/"]
)
def test_no_name_means_anything_else(folder: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.path.join(os.fsencode(folder), name)))
    path.mkdir() if name.endswith(b"/") else path.write_bytes(b"")
    (key,) = tree.listing(folder)
    assert os.fsencode(key) == name
    assert tree.is_real(key)
    assert tree.is_there(folder / key, key)
    assert "\n" not in object_keys.shown(key)


@pytest.mark.parametrize(
    ("key", "size", "code"),
    [
        ("a" * 1024, 0, None),
        ("a" * 1025, 0, "PathSizeTooLong"),
        ("é" * 512, 0, None),
        ("é" * 512 + "a", 0, "PathSizeTooLong"),
        (os.fsdecode(b"\xff"), 0, "InternalError"),
        ("a", 5 * 1024**4, None),
        ("a", 5 * 1024**4 + 1, "FileSizeTooLarge"),
    ],
)
def test_what_s3_cannot_hold_is_refused_by_its_bytes(key: str, size: int, code: str | None) -> None:
    assert tree.refusal(key, size) == code


def test_an_object_carries_its_files_metadata_with_the_time_of_the_rehearsal(folder: Path) -> None:
    path = folder / "file"
    path.write_text("text")
    path.chmod(0o4750)
    assert tree.metadata(path, 1_595_002_920.25) == {
        "x-amz-meta-file-permissions": "0100750",
        "x-amz-meta-file-owner": str(os.getuid()),
        "x-amz-meta-file-group": str(os.getgid()),
        "x-amz-meta-file-atime": "1595002920250000000ns",
        "x-amz-meta-file-mtime": "1595002920250000000ns",
        "x-amz-meta-user-agent": "aws-fsx-lustre",
    }
    (folder / "link").symlink_to("file")
    assert tree.metadata(folder / "link", 0)["x-amz-meta-file-permissions"] == "0120777"


def test_files_of_holes_are_copied_and_compared_without_reading_them(tmp_path: Path) -> None:
    one, other = (tmp_path / name for name in ("one", "other"))
    with one.open("w+b") as source, other.open("w+b") as target:
        source.truncate(50 * GIB)
        os.pwrite(source.fileno(), b"here", 30 * GIB)
        pieces.copy(source, target, 50 * GIB)
        assert pieces.same(source, target)
        assert os.fstat(target.fileno()).st_blocks * 512 < GIB
        os.pwrite(target.fileno(), b"x", 40 * GIB)
        assert not pieces.same(source, target)
        assert not pieces.same(target, source)


def test_what_is_locked_away_is_read_and_removed(folder: Path) -> None:
    (folder / "locked").mkdir()
    (folder / "locked" / "file").write_text("text")
    (folder / "locked" / "file").chmod(0)
    (folder / "locked").chmod(0)
    assert "locked/file" in tree.listing(folder)
    assert stat.S_IMODE((folder / "locked").stat().st_mode) == 0
    deep = folder
    for _ in range(12):
        deep /= "d" * 200
    deep.mkdir(parents=True)
    tree.remove(folder)
    assert not folder.exists()


def test_space_knows_its_peak_and_what_can_be_used() -> None:
    space = Space.of(1200)
    assert space.free == pytest.approx(1126.4 * GIB)
    space.take(100, at=0)
    space.hold(50, at=1)
    space.take(-100, at=2)
    assert (space.peak, space.free) == (150, space.capacity - 50)
