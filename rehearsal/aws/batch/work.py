"""The work that attempts of jobs do on a file system. Owns when files appear, either as the plan says or as a real
script writes them into a real directory, and what an interruption cuts short. It knows nothing of Batch: it is started,
may be interrupted, and says when it is over."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..clock import Clock, Timer
from ..context import Context
from ..fsx.export import Content
from .job_plan import JobPlan, WritesPlan

CHUNKS = 400  # a slice of writes is followed in at most so many groups
SAMPLE_JOB = Path(__file__).parents[3] / "examples" / "sample_job" / "job.sh"
REAL_TIMEOUT_SECONDS = 60  # a script that computes for longer without sleeping is not rehearsed
GRACE_SECONDS = 2  # real seconds a script gets to end after SIGTERM

SLEEP = """#!/bin/sh
# Stands in for sleep: asks for a wake-up in virtual time and blocks until it comes.
mkfifo "$REHEARSAL_CLOCK/$$" && echo "$$ $1" > "$REHEARSAL_CLOCK/requests" && read -r _ < "$REHEARSAL_CLOCK/$$"
rm -f "$REHEARSAL_CLOCK/$$"
"""


class Step(NamedTuple):
    """Something an attempt does with a group of files, `offset` seconds after it began."""

    offset: float
    key: str
    files: int
    bytes_each: int
    previous: str | None = None  # the group that is then removed
    renamed_from: str | None = None


def schedule(writes: list[WritesPlan]) -> list[Step]:
    """What an attempt does, in order of time.

    Files that are renamed lie under the other name, closed, for as long as it takes to write them: a tool that writes
    in several goes closes them more than once, and what is closed is exported.
    """
    found: list[Step] = []
    for number, planned in enumerate(writes):
        chunks = max(1, min(planned.files, CHUNKS if planned.over else 1))
        for chunk in range(chunks):
            files = planned.files * (chunk + 1) // chunks - planned.files * chunk // chunks
            offset = planned.at + planned.over * (chunk + 1) / chunks
            key, previous = (
                f"#{number}:{chunk}",
                f"#{number}:{chunk - 1}" if planned.deletes_previous and chunk else None,
            )
            if planned.renames:
                begun = planned.at + planned.over * chunk / chunks
                found.append(Step(begun, f"{key}.part", files, planned.bytes_each))
            renamed_from = f"{key}.part" if planned.renames else None
            found.append(Step(offset, key, files, planned.bytes_each, previous, renamed_from))
    return sorted(found, key=lambda step: step.offset)


class ModelledAttempt:
    """Writes what the plan says and ends when it says."""

    def __init__(self, content: Content, plan: JobPlan, clock: Clock, finished: Callable[[int], None]) -> None:
        self.content = content
        self._began: float = clock.now()
        self._changes = schedule(plan.modelled_writes)
        self._next = 0
        self._end: float | None = None
        code = 0 if plan.outcome == "SUCCEEDED" else plan.exit_code
        self._timer: Timer = clock.after(plan.runtime, lambda: finished(code))

    def settle(self, now: float) -> None:
        limit = now if self._end is None else min(now, self._end)
        while self._next < len(self._changes):
            step = self._changes[self._next]
            at = self._began + step.offset
            if at > limit:
                break
            self._next += 1
            if step.renamed_from is not None:
                self.content.rename(step.renamed_from, step.key, at)
            else:
                self.content.write(step.key, at, step.files, step.bytes_each)
            if step.previous is not None:
                self.content.remove(step.previous, at)

    def interrupt(self, now: float, gently: bool = False) -> None:
        self.settle(now)
        self._end = now if self._end is None else self._end
        self._timer.cancel()


class RealAttempt:
    """Runs a script against a directory; its sleeps pass in virtual time."""

    def __init__(
        self, content: Content, folder: Path, variables: dict[str, str], clock: Clock, finished: Callable[[int], None]
    ) -> None:
        self.content = content
        self._folder = folder
        self._clock = clock
        self._finished = finished
        self._known = {key: signature for key, signature in _listing(folder).items() if key in content.groups}
        self._control = Path(tempfile.mkdtemp(prefix="rehearsal-clock-"))
        (self._control / "bin").mkdir()
        sleep = self._control / "bin" / "sleep"
        sleep.write_text(SLEEP)
        sleep.chmod(0o755)
        os.mkfifo(self._control / "requests")
        self._requests = os.open(self._control / "requests", os.O_RDWR | os.O_NONBLOCK)
        path = f"{self._control / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        environment = {**variables, "PATH": path, "SCRATCH_DIR": str(folder), "REHEARSAL_CLOCK": str(self._control)}
        self._log = (self._control / "log").open("wb")
        self._process = subprocess.Popen(
            ["/bin/sh", str(SAMPLE_JOB)],
            env=environment,
            cwd=folder,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._over = False
        self._reply: int | None = None
        clock.after(0, self._follow)

    def settle(self, now: float) -> None:
        """Nothing to catch up with: the directory is looked at whenever the script sleeps or ends."""

    def _follow(self) -> None:
        """Let the script run until it sleeps or ends."""
        if self._over:
            return
        process = os.pidfd_open(self._process.pid)
        try:
            poll = select.poll()
            poll.register(self._requests, select.POLLIN)
            poll.register(process, select.POLLIN)
            ready = poll.poll(REAL_TIMEOUT_SECONDS * 1000)
        finally:
            os.close(process)
        if not ready:
            self._kill()
            raise RuntimeError(f"the job neither slept nor ended within {REAL_TIMEOUT_SECONDS} s of real time")
        self._scan()
        if any(descriptor == self._requests for descriptor, _ in ready):
            number, _, wish = os.read(self._requests, 4096).decode().partition("\n")[0].partition(" ")
            self._clock.after(_duration(wish), lambda: self._wake(number))
        else:
            code = self._process.wait()
            self._close()
            self._finished(code if code >= 0 else 128 - code)

    def _wake(self, number: str) -> None:
        if self._over:
            return
        self.content.settle(self._clock.now())  # with the bytes as they are before the script goes on
        reply = os.open(self._control / number, os.O_RDWR)
        os.write(reply, b"\n")
        # The reader may not have opened its end yet: the pipe keeps the line as long as one end is open.
        self._reply, previous = reply, self._reply
        if previous is not None:
            os.close(previous)
        self._follow()

    def _scan(self) -> None:
        now, found = self._clock.now(), _listing(self._folder)
        gone = {self._known[key]: key for key in sorted(set(self._known) - set(found))}
        for key, signature in sorted(found.items(), key=lambda item: item[1][0]):
            if self._known.get(key) == signature:
                continue
            if signature in gone:  # the same file, neither younger nor larger: it has another name now
                self.content.rename(gone.pop(signature), key, now)
            else:
                self.content.write(key, now, 1, signature[1])
        for key in gone.values():
            self.content.remove(key, now)
        self._known = found

    def interrupt(self, now: float, gently: bool = False) -> None:
        if self._over:
            return
        if gently:
            os.killpg(self._process.pid, signal.SIGTERM)
            process = os.pidfd_open(self._process.pid)
            poll = select.poll()
            poll.register(process, select.POLLIN)
            poll.poll(GRACE_SECONDS * 1000)
            os.close(process)
        self._kill()
        self._scan()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def _close(self) -> None:
        self._over = True
        os.close(self._requests)
        if self._reply is not None:
            os.close(self._reply)
        self._log.close()
        shutil.rmtree(self._control, ignore_errors=True)


def _listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file under the folder with what tells one version from the next."""
    found = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            status = path.stat()
            found[str(path.relative_to(folder))] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def _duration(wish: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return float(wish[:-1]) * units[wish[-1]] if wish[-1:] in units else float(wish)


class Work:
    """All attempts of the run."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self.plan = JobPlan()
        self.attempts: list[ModelledAttempt | RealAttempt] = []
        # Told when the first attempt of all starts.
        self.on_first_attempt: Callable[[float], None] = lambda now: None

    def reset(self, plan: JobPlan) -> None:
        self.stop()
        self.plan = plan
        self.attempts = []

    def stop(self) -> None:
        """Interrupt whatever is still at work."""
        for attempt in self.attempts:
            attempt.interrupt(self._clock.now())

    def settle(self, now: float) -> None:
        for attempt in self.attempts:
            attempt.settle(now)

    def start(
        self, content: Content, folder: Path | None, variables: dict[str, str], finished: Callable[[int], None]
    ) -> ModelledAttempt | RealAttempt:
        if not self.attempts:
            self.on_first_attempt(self._clock.now())
        attempt: ModelledAttempt | RealAttempt
        if not self.plan.is_real or folder is None:
            attempt = ModelledAttempt(content, self.plan, self._clock, finished)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            attempt = RealAttempt(content, folder, variables, self._clock, finished)
        self.attempts.append(attempt)
        return attempt
