"""Runs one command as a container's runtime would: when the command ends, so does every process that it left behind,
those in sessions of their own included. A script that needs nothing but Python, started by `processes`; it ends its
processes too when whoever started it is gone, however that came about."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
END_ALL = signal.SIGHUP  # asked for by `processes`, and sent by the kernel when the parent dies
HANDLED = {signal.SIGTERM, signal.SIGINT, END_ALL}


def children(process: int) -> list[int]:
    """The processes that a process has started, or taken over as their nearest reaper (proc(5))."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())
    return found


def supervise(parent: int, command: list[str]) -> int:
    """Run the command to its end and give its exit status, as a shell would."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    libc.prctl(PR_SET_PDEATHSIG, int(END_ALL))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    if os.getppid() != parent:
        return 128 + signal.SIGKILL
    job = os.fork()
    if job == 0:
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which Python ignores, and what it starts would too
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        with contextlib.suppress(OSError):
            os.execvp(command[0], command)
        os._exit(127)

    def passed_on(number: int, frame: object) -> None:
        for kill, target in ((os.killpg, job), (os.kill, job)):
            with contextlib.suppress(ProcessLookupError):
                kill(target, number)
                return

    signal.signal(signal.SIGTERM, passed_on)
    signal.signal(END_ALL, lambda number, frame: passed_on(signal.SIGKILL, frame))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = _reap(job)
    for number in HANDLED:
        signal.signal(number, signal.SIG_IGN)
    _end_all()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _reap(job: int) -> int:
    """Wait for the command, and for whatever it leaves in the meantime."""
    while True:
        process, status = os.waitpid(-1, 0)
        if process == job:
            return status


def _end_all() -> None:
    """Kill what is left: the children of what is killed become children of this process, until there are none."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for process in children(os.getpid()):
                os.kill(process, signal.SIGKILL)
            os.waitpid(-1, 0)


if __name__ == "__main__":
    sys.exit(supervise(int(sys.argv[1]), sys.argv[2:]))
