"""Runs one command as a container's runtime would: it sees volumes where the container would, and when it ends, so does
every process that it left behind, those in sessions of their own included. A script that needs nothing but Python,
started for a real job and for the Pulumi engine. It ends its processes too when whoever started it is gone, however
that came about."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

# What starts it; its parent's process id, the setup as JSON and the command follow.
COMMAND = [sys.executable, "-I", "-S", __file__]
# linux/sched.h, linux/mount.h
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 1, 1 << 5, 1 << 12, 1 << 14, 1 << 18, 2
MS_RELATIME, ST_RELATIME = 1 << 21, 1 << 12  # of the other flags, statvfs(3) has the same bits
ST_KEPT = 2 | 4 | 8 | 1 << 10 | 1 << 11  # nosuid, nodev, noexec, noatime, nodiratime
# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
END_ALL = signal.SIGHUP  # asked for by whoever started it, and sent by the kernel when that one dies
HANDLED = {signal.SIGTERM, signal.SIGINT, END_ALL}


def children(process: int) -> list[int]:
    """The processes that a process has started, or taken over as their nearest reaper (proc(5))."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())
    return found


def mount(root: Path, volumes: dict[str, str], read_only: list[str]) -> None:
    """From here on, this process and its children see folders of this machine (the values) at other paths (the keys),
    some of them to read from only.

    Nobody else does, and nothing is created on this machine: the process gets a root of its own, an empty folder with
    everything of the old root and the volumes mounted into it. That takes root's rights, or a user namespace, in which
    anyone has them (user_namespaces(7)).

    Raises
    ------
    OSError
        When this system does not allow it. What the process sees has not changed then.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def call(name: str, *arguments: bytes | int | None) -> None:
        if libc[name](*arguments) != 0:
            raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")

    def bind(source: str, target: Path) -> None:
        call("mount", os.fsencode(source), os.fsencode(target), None, MS_BIND | MS_REC, None)

    here, user, group = os.getcwd(), os.geteuid(), os.getegid()
    try:
        call("unshare", CLONE_NEWNS)
    except PermissionError:
        call("unshare", CLONE_NEWNS | CLONE_NEWUSER)
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path("/proc/self", name).write_text(text)
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    call("mount", b"tmpfs", os.fsencode(root), b"tmpfs", 0, None)
    replaced = {Path(path).parts[1] for path in volumes}
    for entry in os.scandir("/"):
        target = root / entry.name
        if entry.is_symlink():
            target.symlink_to(os.readlink(entry.path))
        elif entry.is_dir() and entry.name not in replaced:
            target.mkdir()
            bind(entry.path, target)
    for path, folder in volumes.items():
        target = root / path.lstrip("/")
        target.mkdir(parents=True)
        bind(folder, target)
        if path in read_only:
            # A user namespace may not take back what its parent has set: mount_namespaces(7), restrictions.
            had = os.statvfs(target).f_flag
            kept = had & ST_KEPT | (MS_RELATIME if had & ST_RELATIME else 0)
            call("mount", None, os.fsencode(target), None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept, None)
    os.chdir(root)
    try:
        call("pivot_root", b".", b".")  # the old root on top of the new one: pivot_root(2), notes
        call("umount2", b".", MNT_DETACH)
    finally:
        os.chdir(here)


def environment() -> dict[bytes, bytes]:
    """As it was given: where it names no locale, Python adds LC_CTYPE to its own (PEP 538), which no container has."""
    given = Path("/proc/self/environ").read_bytes().split(b"\0")
    return {name: value for name, equals, value in (pair.partition(b"=") for pair in given) if equals}


def _mount_or_say(setup: dict[str, Any]) -> dict[str, str]:
    """Mount the volumes, or say that it is not possible, and where they are instead: in which variables."""
    volumes = setup.get("volumes")
    if not volumes:
        return {}
    try:
        mount(Path(setup["root"]), volumes, setup["read_only"])
    except OSError as error:
        instead: dict[str, str] = setup["instead"]
        where = " and ".join(f"{name}={value}" for name, value in instead.items())
        print(
            f"rehearsal: nothing can be mounted here ({error.strerror}): {where}, not {', '.join(volumes)}", flush=True
        )
        return instead
    return {}


def supervise(parent: int, setup: dict[str, Any], command: list[str]) -> int:
    """Run the command to its end and give its exit status, as a shell would."""
    variables = environment()
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
        instead = {os.fsencode(name): os.fsencode(value) for name, value in _mount_or_say(setup).items()}
        try:
            os.execvpe(command[0], command, variables | instead)
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
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
    _run_quietly(setup.get("at_end", []))
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _run_quietly(command: list[str]) -> None:
    """Run a command to its end, if there is one, whatever it says."""
    if command:
        nowhere = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (1, 2)]
        with contextlib.suppress(OSError):
            os.waitpid(os.posix_spawnp(command[0], command, os.environ, file_actions=nowhere), 0)


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
    sys.exit(supervise(int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]))
