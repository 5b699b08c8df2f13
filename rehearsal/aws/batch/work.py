"""The work that attempts of jobs do on a file system. Owns when files appear, either as the plan says or as a real
script writes them into a real directory, and what an interruption cuts short. It knows nothing of Batch: it is started,
may be interrupted, and says when it is over."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..clock import Clock
from ..context import Context
from ..fsx.export import Content
from ..fsx.space import NoSpaceLeft
from ..fsx.speed import writing_speed
from . import container_engine
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


def writing_seconds(writes: list[WritesPlan], begin: float, end: float) -> float:
    """How much of that time of an attempt it writes in."""
    spent, done = 0.0, begin
    for planned in sorted(writes, key=lambda one: one.at):
        until = min(end, planned.at + planned.over)
        spent += max(0.0, until - max(done, planned.at))
        done = max(done, until)
    return spent


class ModelledAttempt:
    """Writes what the plan says and ends when it says, or when there is no room for more. What waits for its export
    slows its writes down (speed.writing_speed), and it ends so much later."""

    def __init__(self, content: Content, plan: JobPlan, clock: Clock, finished: Finished) -> None:
        self.content = content
        self._clock = clock
        self._finished = finished
        self._began: float = clock.now()
        self._writes = plan.modelled_writes
        self._changes = schedule(self._writes)
        self._next = 0
        self._offset = 0.0  # up to which the delay is known
        self._delay = 0.0
        self._end: float | None = None
        self._full = False
        self._code = 0 if plan.outcome == "SUCCEEDED" else plan.exit_code
        self._runtime = plan.runtime
        # It may fill up: each step is taken when it is due, so that the attempt ends at that moment.
        self._may_fill = sum(step.files * step.bytes_each for step in self._changes) > content.space.free
        self._timer = clock.at(self._due(), self._go_on)

    def _due(self) -> float:
        """When it has to be looked at again: when the next step is due, if that may be its last, or at its end."""
        step_at = self._at(self._changes[self._next]) if self._next < len(self._changes) else None
        if self._may_fill and step_at is not None:
            return step_at
        return self._finish

    @property
    def _finish(self) -> float:
        """When the attempt ends, as far as its delay is known."""
        return self._began + self._runtime + self._delay

    def _at(self, step: Step) -> float:
        """When that next step is taken. How long it takes to get there follows from what waited when it began to."""
        if step.offset > self._offset:
            waiting = self.content.waiting(self._began + self._offset + self._delay)
            seconds = writing_seconds(self._writes, self._offset, step.offset)
            self._delay += seconds / writing_speed(waiting) - seconds
            self._offset = step.offset
        return self._began + step.offset + self._delay

    def _go_on(self) -> None:
        self.settle(self._clock.now())
        if self._full:
            return
        due = self._due()  # which learns of the delay on the way there
        if self._finish <= self._clock.now():
            self._finished(self._code, "")
        else:
            self._timer = self._clock.at(due, self._go_on)

    def settle(self, now: float) -> None:
        limit = now if self._end is None else min(now, self._end)
        while self._next < len(self._changes) and not self._full:
            step = self._changes[self._next]
            at = self._at(step)
            if at > limit:
                break
            self._next += 1
            try:
                self._take(step, at)
            except NoSpaceLeft:
                self._full = True
                self._timer.cancel()
                self._clock.after(0, lambda: self._finished(1, NO_SPACE))

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
        self._timer.cancel()


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
        container: Mapping[str, Any] | None = None,
    ) -> ModelledAttempt | RealAttempt:
        """Start an attempt; a real one works in the folder, which it sees at a path. The container's properties are
        those of its definition."""
        if not self.attempts:
            self.on_first_attempt(self._clock.now())
        attempt: ModelledAttempt | RealAttempt
        if not self.plan.is_real or folder is None:
            attempt = ModelledAttempt(content, self.plan, self._clock, finished)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            command = self._command(folder, seen_at, container or {}, variables)

            def told(lines: list[str]) -> None:  # as in a container, whatever the folder is called here
                said([line.replace(str(folder), seen_at) for line in lines])

            attempt = RealAttempt(content, command, folder, self._clock, finished, told)
        self.attempts.append(attempt)
        return attempt

    def _command(self, folder: Path, seen_at: str, container: Mapping[str, Any], variables: dict[str, str]) -> Command:
        """The sample job's script, which asks a variable where its file system is, in place of the image's own command;
        or a job of somebody's own: the scenario's, else the container's."""
        here, words = {"SCRATCH_DIR": str(folder)}, container.get("command", [])
        if self.plan.image is not None:
            return self._in_its_image(self.plan.image, {seen_at: folder}, container, variables)
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

    def _in_its_image(
        self, image: str, volumes: dict[str, Path], container: Mapping[str, Any], variables: dict[str, str]
    ) -> Command:
        """The same in an image: the scenario's words, else the container's, else the image's own."""
        words, script = self.plan.command or container.get("command", []), self.plan.script
        # Not of the rehearsal's own ids, which are the same each time: two of them may run at once.
        engine, name = container_engine.usable() or container_engine.ENGINES[0], f"rehearsal-{uuid.uuid4()}"
        return Command(
            words=container_engine.run(engine, name, image, container, volumes, variables, words, script),
            folder=Path.cwd(),
            variables=container_engine.environment(),
            at_end=container_engine.remove(engine, name),
            real_seconds=self.plan.real_seconds,
        )
