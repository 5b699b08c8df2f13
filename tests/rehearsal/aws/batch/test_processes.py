"""The processes of a real job: all of them end with it, and their sleeping is told from their working."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.aws.batch.processes import Command, Processes, duration


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the processes keep what they need; nothing of it stays."""
    path = tmp_path / "temporary"
    path.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(path))
    yield path
    assert list(path.iterdir()) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "scratch"
    path.mkdir()
    return path


def started(folder: Path, script: str) -> Processes:
    return Processes(Command(["/bin/sh", "-c", script], folder), lambda lines: None)


def is_gone(process: int) -> bool:
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


LEAVES_OTHERS = """
sleep 600 & echo $! > one
setsid sh -c 'echo $$ > two; exec tail -f /dev/null' &
(setsid setsid tail -f /dev/null & echo $! > three) &
while ! [ -s one ] || ! [ -s two ] || ! [ -s three ]; do :; done
exit 3
"""


def test_whatever_a_job_leaves_behind_ends_with_it(folder: Path) -> None:
    processes = started(folder, LEAVES_OTHERS)
    while processes.run() is not None:
        pass
    assert processes.end() == 3
    for name in ("one", "two", "three"):
        assert is_gone(int((folder / name).read_text())), name


def test_a_job_that_is_ended_takes_all_of_them_along(folder: Path) -> None:
    processes = started(folder, LEAVES_OTHERS.replace("exit 3", "sleep 5"))
    assert processes.run()
    assert processes.end() == 128 + signal.SIGKILL
    assert is_gone(int((folder / "two").read_text()))


def test_they_end_when_the_rehearsal_is_killed(folder: Path, temporary: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rehearsal.aws.batch.processes import *\n"
        "words = ['/bin/sh', '-c', 'setsid tail -f /dev/null & echo $! > pid; wait']\n"
        f"Processes(Command(words, Path({str(folder)!r})), print)\n"
        "print('started', flush=True); sys.stdin.read()"
    )
    rehearsal = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(folder)},
    )
    assert rehearsal.stdout is not None
    rehearsal.stdout.readline()
    while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():
        time.sleep(0.05)
    rehearsal.kill()
    rehearsal.communicate()
    assert is_gone(int((folder / "pid").read_text()))


def test_all_sleepers_are_known_at_once_however_long_the_job_works_in_between(folder: Path) -> None:
    works = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"
    processes = started(folder, f"sleep 10 & sleep 20s 1m & {works}; wait; exit 4")
    sleepers = processes.run()
    assert sleepers is not None
    assert sorted(sleepers.values()) == [10, 80]
    first, second = sorted(sleepers, key=lambda sleeper: sleepers[sleeper])
    assert processes.wake(first)
    assert processes.run() == {}
    assert not processes.wake(first)
    assert processes.wake(second)
    assert processes.run() is None
    assert processes.end() == 4


def test_what_sleep_does_not_understand_fails_as_it_should(folder: Path) -> None:
    processes = started(folder, "sleep soon || exit 5")
    assert processes.run() is None
    assert processes.end() == 5


def test_pipes_end_as_in_any_shell(folder: Path) -> None:
    processes = started(folder, "(yes; echo $? > status) | head -n 1; while ! [ -s status ]; do :; done")
    assert processes.run() is None
    assert processes.end() == 0
    assert (folder / "status").read_text() == "141\n"


@pytest.mark.parametrize(("wish", "seconds"), [("5", 5), ("1.5m", 90), ("1h 30m", 5400), ("infinity", float("inf"))])
def test_durations_are_those_of_sleep(wish: str, seconds: float) -> None:
    assert duration(wish) == seconds


@pytest.mark.parametrize("wish", ["", "soon", "-1", "nan", "5x"])
def test_no_other_durations_are_known(wish: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        duration(wish)


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        ("hello\\r\\nworld\\r\\n", ["hello", "world"]),
        ("10%%\\r100%%\\r\\n", ["100%"]),
        ("10%%\\r100%%\\n", ["100%"]),
        ("twice\\r\\r\\n\\r\\n", ["twice", ""]),
        ("the end\\r", ["the end"]),
    ],
)
def test_what_is_printed_is_heard_as_a_terminal_shows_it_line_ends_of_windows_included(
    folder: Path, printed: str, lines: list[str]
) -> None:
    heard: list[str] = []
    processes = Processes(Command(["/bin/sh", "-c", f"printf '{printed}'"], folder), heard.extend)
    while processes.run() is not None:
        pass
    processes.end()
    assert heard == lines
