"""The processes of a real job. Owns starting them, telling whether all of them are asleep, and ending every one.
Sleeping passes in virtual time: a stand-in for `sleep` asks for a wake-up and blocks until it comes. What they print is
passed on whenever they sleep or end. It must never leave a process or a folder behind."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ... import supervise

GRACE_SECONDS = 2  # real seconds a script gets to end after SIGTERM
END_SECONDS = 10  # real seconds that ending every process may take
SUPERVISOR = supervise.COMMAND
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

SLEEP = """#!/bin/sh
# Stands in for sleep: asks for a wake-up in virtual time and blocks until it comes.
clock=CLOCK
mkfifo "$clock/$$" &&
    printf '%s %s\\n' "$$" "$*" >"$clock/requests" &&
    read -r answer <"$clock/$$"
rm -f "$clock/$$"
if [ "$answer" != woken ]; then
    echo "sleep: invalid time interval '$*'" >&2
    exit 1
fi
"""


@dataclass(frozen=True)
class Command:
    """What a job runs, and where."""

    words: Sequence[str]
    folder: Path  # where it starts
    # Folders of this machine, by the path at which the job sees each, and the variables that tell a job where they are
    # if this system allows no mounts.
    volumes: dict[str, Path] = field(default_factory=dict)
    read_only: Sequence[str] = ()  # of those paths
    instead: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    at_end: Sequence[str] = ()  # what ends whatever of it is not among its processes
    real_seconds: float = 60  # a job that computes for longer without sleeping is not rehearsed


class Processes:
    """One job's processes, from their start until the last of them is gone."""

    def __init__(self, command: Command, said: Callable[[list[str]], None]) -> None:
        self._said = said
        self._real_seconds = command.real_seconds
        self._control = Path(tempfile.mkdtemp(prefix="rehearsal-clock-"))
        self._asking: dict[int, float] = {}
        self._reply: int | None = None
        self._unsaid = ""
        self.over = False
        (self._control / "bin").mkdir()
        sleep = self._control / "bin" / "sleep"
        sleep.write_text(SLEEP.replace("CLOCK", shlex.quote(str(self._control))))
        sleep.chmod(0o755)
        os.mkfifo(self._control / "requests")
        self._requests = os.open(self._control / "requests", os.O_RDWR | os.O_NONBLOCK)
        path = f"{self._control / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        (self._control / "root").mkdir()
        setup = {
            "root": str(self._control / "root"),
            "volumes": {path: str(folder) for path, folder in command.volumes.items()},
            "read_only": list(command.read_only),
            "instead": command.instead,
            "at_end": command.at_end,
        }
        with (self._control / "log").open("wb") as log:
            self._log = (self._control / "log").open(encoding="utf-8", errors="replace", newline="\n")
            self._supervisor = subprocess.Popen(
                [*SUPERVISOR, str(os.getpid()), json.dumps(setup), *command.words],
                env={**command.variables, "PATH": path},
                cwd=command.folder,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def run(self) -> dict[int, float] | None:
        """Let them run until all are asleep or the job is over; the new sleepers and for how long each of them sleeps,
        or None when it is over.

        Raises
        ------
        TimeoutError
            When they neither sleep nor end for too long in real time.
        """
        process = os.pidfd_open(self._supervisor.pid)
        try:
            poll = select.poll()
            poll.register(process, select.POLLIN)
            poll.register(self._requests, select.POLLIN)
            deadline, pause = time.perf_counter() + self._real_seconds, 1
            found: dict[int, float] = {}
            while True:
                ready = [descriptor for descriptor, _ in poll.poll(pause)]
                if process in ready:
                    return None
                found |= self._read()
                asleep = self._asleep()
                if asleep is not None and any(sleeper in asleep for sleeper in self._asking):
                    return found
                if time.perf_counter() > deadline:
                    raise TimeoutError
                pause = 1 if ready else min(2 * pause, 50)
        finally:
            os.close(process)
            self._pass_on()

    def _pass_on(self, last: bool = False) -> None:
        """What they have printed since the last time, in whole lines until the end."""
        text = self._unsaid + self._log.read()
        end = len(text) if last else text.rfind("\n") + 1
        self._unsaid = text[end:]
        if end:
            self._said([_as_on_a_terminal(line) for line in text[:end].removesuffix("\n").split("\n")])

    def _read(self) -> dict[int, float]:
        """Who has asked for a wake-up."""
        found: dict[int, float] = {}
        with contextlib.suppress(BlockingIOError):
            for line in os.read(self._requests, 1 << 16).decode(errors="replace").splitlines():
                number, _, wish = line.partition(" ")
                if not number.isdigit() or not (self._control / number).exists():
                    continue
                try:
                    found[int(number)] = self._asking[int(number)] = duration(wish)
                except ValueError:
                    self._answer(int(number), "invalid")
        return found

    def _asleep(self) -> set[int] | None:
        """All processes, if none of them runs or is about to.

        Looked at twice: whoever has run in between has been switched once more. With all asleep at the first look and
        none switched at the second, all were asleep in between.
        """
        first = self._look()
        return set(first) if first and first == self._look() else None

    def _look(self) -> dict[int, tuple[str, ...]] | None:
        """How often each process has been switched, or None while one of them runs."""
        found: dict[int, tuple[str, ...]] = {}
        left = [self._supervisor.pid]  # which has something to do when the job has just ended
        while left:
            process = left.pop()
            left += supervise.children(process)
            switches = []
            try:
                for thread in os.listdir(f"/proc/{process}/task"):
                    lines = Path(f"/proc/{process}/task/{thread}/status").read_text().splitlines()
                    if next(line for line in lines if line.startswith("State:")).split()[1] not in "SZTtX":
                        return None
                    switches += [line for line in lines if "ctxt_switches" in line]
            except OSError:  # it has just ended
                return None
            found[process] = tuple(switches)
        return found

    def wake(self, sleeper: int) -> bool:
        """Let a sleeper go on; false when it is gone."""
        if self.over or self._asking.pop(sleeper, None) is None or not Path(f"/proc/{sleeper}").exists():
            return False
        self._answer(sleeper, "woken")
        return True

    def _answer(self, sleeper: int, word: str) -> None:
        reply = os.open(self._control / str(sleeper), os.O_RDWR)
        os.write(reply, f"{word}\n".encode())
        # The reader may not have opened its end yet: the pipe keeps the line as long as one end is open.
        self._reply, previous = reply, self._reply
        if previous is not None:
            os.close(previous)

    def ask_to_end(self) -> None:
        """SIGTERM, and some time to do what it has to."""
        self._supervisor.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._supervisor.wait(GRACE_SECONDS)

    def end(self) -> int:
        """End all of them, if they have not ended by themselves; the exit status of the job."""
        if self.over:
            return 0
        self.over = True
        try:
            if self._supervisor.poll() is None:
                self._supervisor.send_signal(supervise.END_ALL)
            return self._supervisor.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            return self._supervisor.wait()
        finally:
            self._pass_on(last=True)
            self._log.close()
            os.close(self._requests)
            if self._reply is not None:
                os.close(self._reply)
            shutil.rmtree(self._control, ignore_errors=True)


def _as_on_a_terminal(line: str) -> str:
    """Without what a carriage return has overwritten; one at the end, before the line feed, overwrites nothing."""
    return line.rstrip("\r").rpartition("\r")[2]


def duration(wish: str) -> float:
    """How long `sleep` with these arguments sleeps, in seconds."""
    seconds = 0.0
    for part in wish.split() or [""]:
        number, unit = (part[:-1], UNITS[part[-1]]) if part[-1:] in UNITS else (part, 1)
        seconds += float(number) * unit
    if math.isnan(seconds) or seconds < 0:
        raise ValueError(wish)
    return seconds
