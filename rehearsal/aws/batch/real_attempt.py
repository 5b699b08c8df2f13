"""An attempt that is a real process. Owns following it: what it has changed in its directory whenever it sleeps or
ends, and what becomes of a write that does not fit. It knows nothing of Batch: it is started, may be interrupted, and
says when it is over."""

from __future__ import annotations

import functools
import math
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from ..clock import Clock, Timer
from ..fsx import tree
from ..fsx.export import Content
from .processes import Command, Processes

# Told the exit status and why, if the container's runtime could say so.
Finished = Callable[[int, str], None]
NO_SPACE = "No space left on device: the file system is full"


class JobComputes(Exception):
    """A real job goes on for so long, without sleeping, that nobody wants to wait for it."""


class RealAttempt:
    """Runs a command on a directory; its sleeps pass in virtual time."""

    def __init__(
        self,
        content: Content,
        command: Command,
        folder: Path,
        clock: Clock,
        finished: Finished,
        said: Callable[[list[str]], None],
    ) -> None:
        self.content = content
        self._folder = folder
        self._real_seconds = command.real_seconds
        self._clock = clock
        self._finished = finished
        # One after the other: of several that start at the same moment each is looked at before the next one runs.
        self._start = functools.partial(Processes, command, said)
        self._processes: Processes | None = None
        self._over = False
        self._timers: list[Timer] = [clock.after(0, self._follow)]

    def settle(self, now: float) -> None:
        """Nothing to catch up with: the directory is looked at whenever the job sleeps or ends."""

    def _follow(self) -> None:
        """Let the job run until it sleeps or ends."""
        if self._over:
            return
        self._processes = processes = self._processes or self._start()
        try:
            sleepers = processes.run()
        except TimeoutError:
            processes.end()
            raise JobComputes(f"the job neither slept nor ended within {self._real_seconds:g} s of real time") from None
        code = processes.end() if sleepers is None else None
        self._over = code is not None
        if not self._scan():
            self._end()
            self._finished(1, NO_SPACE)
        elif code is not None:
            self._finished(code, "")
        for sleeper, seconds in (sleepers or {}).items():
            if not math.isinf(seconds):
                self._timers.append(self._clock.after(seconds, functools.partial(self._wake, sleeper)))

    def _wake(self, sleeper: int) -> None:
        self.content.settle(self._clock.now())  # with the bytes as they are before the job goes on
        if self._processes is not None and self._processes.wake(sleeper):
            self._follow()

    def _scan(self) -> bool:
        """Note what has changed; false when it does not fit."""
        content, now, found = self.content, self._clock.now(), tree.listing(self._folder)
        fits = self._cut_to_fit(found)
        gone: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for key in sorted(set(content.seen) - set(found)):
            gone[content.seen[key].identity].append(key)
        for key in tree.changes(content.seen, found):
            entry = found[key]
            if key not in content.seen and gone.get(entry.identity):  # the same file has another name now
                content.rename(gone[entry.identity].pop(), key, now)
            else:
                content.write(key, now, 1, entry.size)
        for key in sorted((key for keys in gone.values() for key in keys), reverse=True):
            content.remove(key, now)
        content.seen = found
        return fits

    def _cut_to_fit(self, found: dict[str, tree.Entry]) -> bool:
        """What was written last ends where the space does. Holes count: what is apparent is what is taken."""
        files = {entry.inode: (entry, key) for key, entry in found.items() if entry.size}
        space = self.content.space
        excess = sum(entry.size for entry, _ in files.values()) - (space.capacity - space.planned)
        space.hold(int(sum(entry.size for entry, _ in files.values()) - max(0, excess)), self._clock.now())
        if excess <= 0:
            return True
        for entry, key in sorted(files.values(), key=lambda item: item[0].changed, reverse=True):
            cut = min(entry.size, math.ceil(max(0, excess)))
            os.truncate(self._folder / key, entry.size - cut)
            excess -= cut
            if excess <= 0:
                break
        found.clear()
        found.update(tree.listing(self._folder))
        return False

    def interrupt(self, now: float, gently: bool = False) -> None:
        if self._over:
            return
        if gently and self._processes is not None:
            self._processes.ask_to_end()
        self._end()
        self._scan()

    def _end(self) -> None:
        self._over = True
        if self._processes is not None:
            self._processes.end()
        for timer in self._timers:
            timer.cancel()
