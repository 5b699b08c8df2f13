"""The work that attempts of jobs do on a file system. Owns when files appear, either as the plan says or as a real
script writes them into a real directory, and what an interruption cuts short. It knows nothing of Batch: it is started,
may be interrupted, and says when it is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..clock import Clock, Timer
from ..context import Context
from ..fsx.export import Content
from ..fsx.space import NoSpaceLeft
from .job_plan import JobPlan, WritesPlan
from .processes import Command
from .real_attempt import NO_SPACE, Finished, RealAttempt

CHUNKS = 400  # a slice of writes is followed in at most so many groups
_PACKAGE = Path(__file__).resolve().parents[2]
_INSTALLED = _PACKAGE / "sample_job"  # pyproject.toml, package-dir
SAMPLE_JOB = (_INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "examples" / "sample_job") / "job.sh"


class Step(NamedTuple):
    """Something an attempt does with a group of files, `offset` seconds after it began."""

    offset: float
    key: str  # which begins with a slash: no path of a real file does
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
        chunks = max(1, min(max(planned.files, planned.directories), CHUNKS if planned.over else 1))
        for chunk in range(chunks):
            files, directories = (
                total * (chunk + 1) // chunks - total * chunk // chunks
                for total in (planned.files, planned.directories)
            )
            begun = planned.at + planned.over * chunk / chunks
            offset = planned.at + planned.over * (chunk + 1) / chunks
            key = f"/{number}:{chunk}"
            previous = f"/{number}:{chunk - 1}" if planned.deletes_previous and chunk else None
            if directories:
                found.append(Step(begun, f"{key}/", directories, 0))
            if planned.renames:
                found.append(Step(begun, f"{key}.part", files, planned.bytes_each))
            renamed_from = f"{key}.part" if planned.renames else None
            found.append(Step(offset, key, files, planned.bytes_each, previous, renamed_from))
    return sorted(found, key=lambda step: step.offset)


class ModelledAttempt:
    """Writes what the plan says and ends when it says, or when there is no room for more."""

    def __init__(self, content: Content, plan: JobPlan, clock: Clock, finished: Finished) -> None:
        self.content = content
        self._clock = clock
        self._finished = finished
        self._began: float = clock.now()
        self._changes = schedule(plan.modelled_writes)
        self._next = 0
        self._end: float | None = None
        self._full = False
        code = 0 if plan.outcome == "SUCCEEDED" else plan.exit_code
        self._timers: list[Timer] = []
        if sum(step.files * step.bytes_each for step in self._changes) > content.space.free:
            # It may fill up: each step is taken when it is due, so that the attempt ends at that moment.
            moments = sorted({self._began + step.offset for step in self._changes})
            self._timers = [clock.at(moment, lambda: self.settle(clock.now())) for moment in moments]
        self._timers.append(clock.after(plan.runtime, lambda: finished(code, "")))

    def settle(self, now: float) -> None:
        limit = now if self._end is None else min(now, self._end)
        while self._next < len(self._changes):
            step = self._changes[self._next]
            at = self._began + step.offset
            if at > limit or self._full:
                break
            self._next += 1
            try:
                self._take(step, at)
            except NoSpaceLeft:
                self._full = True
                self._cancel()
                self._clock.after(0, lambda: self._finished(1, NO_SPACE))
                return

    def _take(self, step: Step, at: float) -> None:
        if step.renamed_from is not None:
            self.content.rename(step.renamed_from, step.key, at)
        else:
            self.content.write(step.key, at, step.files, step.bytes_each)
        if step.previous is not None:
            self.content.remove(step.previous, at)

    def interrupt(self, now: float, gently: bool = False) -> None:
        self.settle(now)
        self._end = now if self._end is None else self._end
        self._cancel()

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()


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
        self,
        content: Content,
        folder: Path | None,
        seen_at: str,
        variables: dict[str, str],
        finished: Finished,
        said: Callable[[list[str]], None],
        words: Sequence[str] = (),
    ) -> ModelledAttempt | RealAttempt:
        """Start an attempt; a real one works in the folder, which it sees at a path. `words` are the container's."""
        if not self.attempts:
            self.on_first_attempt(self._clock.now())
        attempt: ModelledAttempt | RealAttempt
        if not self.plan.is_real or folder is None:
            attempt = ModelledAttempt(content, self.plan, self._clock, finished)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            command = self._command(folder, seen_at, words, variables)

            def told(lines: list[str]) -> None:  # as in a container, whatever the folder is called here
                said([line.replace(str(folder), seen_at) for line in lines])

            attempt = RealAttempt(content, command, folder, self._clock, finished, told)
        self.attempts.append(attempt)
        return attempt

    def _command(self, folder: Path, seen_at: str, words: Sequence[str], variables: dict[str, str]) -> Command:
        """The sample job's script, which asks a variable where its file system is, in place of the image's own command;
        or a job of somebody's own: the scenario's, else the container's."""
        here = {"SCRATCH_DIR": str(folder)}
        if self.plan.words is None and not words:
            return Command(["/bin/sh", str(SAMPLE_JOB)], folder, variables=variables | here)
        return Command(
            words=self.plan.words or words,
            folder=self.plan.script.parent if self.plan.script is not None else Path.cwd(),
            volumes={seen_at: folder},
            instead=here,
            variables={"HOME": str(Path.home()), **variables},
            real_seconds=self.plan.real_seconds,
        )
