"""Virtual time. Owns the one clock that every part of the rehearsal reads (time, datetime, boto3, moto and the handler
see it through time-machine) and the queue of what happens when. It must never let two threads run at once: an
execution is a `Strand` that holds the only baton while it runs and hands it back when it waits."""

from __future__ import annotations

import contextvars
import datetime
import heapq
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import time_machine

# An odd second on purpose: what is aligned to minutes (CloudWatch periods) must not be aligned to the run by luck.
ORIGIN = datetime.datetime(2026, 1, 15, 9, 0, 17, tzinfo=datetime.UTC).timestamp()


def moment(epoch: float) -> datetime.datetime:
    """That instant as AWS's SDKs give it: with a time zone, UTC."""
    return datetime.datetime.fromtimestamp(epoch, tz=datetime.UTC)


class StrandStopped(BaseException):
    """Raised inside a strand that was stopped while it waited; not an Exception, so no handler swallows it."""


@dataclass(order=True)
class Timer:
    """One thing that is due at one time."""

    at: float
    number: int
    callback: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Strand:
    """A function that runs in a thread of its own, one at a time with everything else, and may sleep."""

    def __init__(self, clock: Clock, function: Callable[[], None], name: str) -> None:
        self._clock = clock
        self._turn = threading.Semaphore(0)
        self._yielded = threading.Semaphore(0)
        self._wake: Timer | None = None
        self._stopped = False
        self.error: BaseException | None = None
        self.done = False
        # A context of its own: whose name calls are made in must not depend on who started the strand.
        run = contextvars.Context().run
        self._thread = threading.Thread(target=run, args=(self._run, function), name=name, daemon=True)
        self._thread.start()

    def _run(self, function: Callable[[], None]) -> None:
        self._turn.acquire()
        _current.set(self)
        try:
            if not self._stopped:
                function()
        except StrandStopped:
            pass
        except BaseException as error:
            self.error = error
        self.done = True
        self._yielded.release()

    def resume(self) -> None:
        """Let the strand run until it sleeps or ends; called by whoever drives the clock."""
        if self.done:  # stopped before its first turn, which is still due
            return
        self._turn.release()
        self._yielded.acquire()
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    def sleep(self, seconds: float) -> None:
        self._wake = self._clock.at(self._clock.now() + max(0.0, seconds), self.resume)
        self._yielded.release()
        self._turn.acquire()
        if self._stopped:
            raise StrandStopped

    def wake(self, seconds: float = 0.0) -> None:
        """Let a strand that is asleep sleep no longer than this from now."""
        if self.done or self._wake is None or self._wake.cancelled:
            return
        until = self._clock.now() + seconds
        if until < self._wake.at:
            self._wake.cancel()
            self._wake = self._clock.at(until, self.resume)

    def stop(self) -> None:
        """End a strand that is asleep; it unwinds at once."""
        if self.done:
            return
        self._stopped = True
        if self._wake is not None:
            self._wake.cancel()
        self.resume()
        self._thread.join()


_current: contextvars.ContextVar[Strand | None] = contextvars.ContextVar("current_strand", default=None)


class Clock:
    """Time that moves only when someone advances it, firing what is due on the way, in order."""

    def __init__(self, start: float = ORIGIN) -> None:
        self._now = start
        self._queue: list[Timer] = []
        self._numbers = itertools.count()
        self._traveller = time_machine.travel(start, tick=False)
        self._coordinates: Any = None
        self._strands: list[Strand] = []

    def __enter__(self) -> Clock:
        self._coordinates = self._traveller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        self._traveller.stop()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def datetime(self) -> datetime.datetime:
        return moment(self._now)

    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back at that time (at the next advance when it has passed already)."""
        timer = Timer(max(when, self._now), next(self._numbers), callback)
        heapq.heappush(self._queue, timer)
        return timer

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return self.at(self._now + seconds, callback)

    def spawn(self, function: Callable[[], None], name: str = "strand") -> Strand:
        """Start a strand at the present instant, once the clock is driven."""
        strand = Strand(self, function, name)
        self._strands = [known for known in self._strands if not known.done]
        self._strands.append(strand)
        self.after(0, strand.resume)
        return strand

    def sleep(self, seconds: float) -> None:
        """Wait in virtual time: a strand hands the baton back, everyone else drives the clock."""
        strand = _current.get()
        if strand is not None:
            strand.sleep(seconds)
        else:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.run(until=self._now + seconds)

    def run(self, until: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """Move to that time, or to the moment `stop` holds; true when it does."""
        if _current.get() is not None:
            raise RuntimeError("a strand cannot drive the clock: it sleeps")
        while not stop():
            timer = self._next(until)
            if timer is None:
                self._move(until)
                return stop()
            self._move(timer.at)
            timer.callback()
        return True

    def idle(self) -> bool:
        """Whether nothing is due any more."""
        return self._next(float("inf"), keep=True) is None

    def clear(self) -> None:
        """Forget what is due and end every strand."""
        for strand in self._strands:
            strand.stop()
        self._strands = []
        self._queue = []

    def set(self, when: float) -> None:
        """Put the clock to that time, backwards too, with nothing due."""
        self.clear()
        self._now = when
        self._travel()

    def _next(self, until: float, keep: bool = False) -> Timer | None:
        while self._queue and self._queue[0].cancelled:
            heapq.heappop(self._queue)
        if not self._queue or self._queue[0].at > until:
            return None
        return self._queue[0] if keep else heapq.heappop(self._queue)

    def _move(self, when: float) -> None:
        if when > self._now:
            self._now = when
            self._travel()

    def _travel(self) -> None:
        if self._coordinates is not None:
            self._coordinates.move_to(self._now)
