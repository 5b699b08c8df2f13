"""The work that attempts of jobs do on a file system. Owns when files appear, either as the plan says or as a real
script writes them into a real directory, and what an interruption cuts short. It knows nothing of Batch: it is started,
may be interrupted, and says when it is over."""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Callable, Mapping, Sequence
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

CHUNKS = 400  # a slice of writes is followed in at most so many groups, those of all children of an array together
_PACKAGE = Path(__file__).resolve().parents[2]
_INSTALLED = _PACKAGE / "sample_job"  # pyproject.toml, package-dir
SAMPLE_JOB = (_INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "examples" / "sample_job") / "job.sh"


class Child(NamedTuple):
    """Which child of an array an attempt is of."""

    number: int
    array_size: int


class Step(NamedTuple):
    """Something an attempt does with a group of files, `offset` seconds after it began."""

    offset: float
    key: str  # which begins with a slash: no path of a real file does
    files: int
    bytes_each: int
    previous: str | None = None  # the group that is then removed
    renamed_from: str | None = None


def schedule(writes: list[WritesPlan], child: Child | None = None, folder: str = "") -> list[Step]:
    """What an attempt does below a folder, in order of time. Each child of an array has paths of its own.

    Files that are renamed lie under the other name, closed, for as long as it takes to write them: a tool that writes
    in several goes closes them more than once, and what is closed is exported.
    """
    found: list[Step] = []
    most = CHUNKS if child is None else max(1, CHUNKS // child.array_size)
    folder = folder if child is None else f"{folder}/{child.number}"
    for number, planned in enumerate(writes):
        chunks = max(1, min(max(planned.files, planned.directories), most if planned.over else 1))
        for chunk in range(chunks):
            files, directories = (
                total * (chunk + 1) // chunks - total * chunk // chunks
                for total in (planned.files, planned.directories)
            )
            begun = planned.at + planned.over * chunk / chunks
            offset = planned.at + planned.over * (chunk + 1) / chunks
            key = f"{folder}/{number}:{chunk}"
            previous = f"{folder}/{number}:{chunk - 1}" if planned.deletes_previous and chunk else None
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

    def __init__(
        self,
        content: Content,
        plan: JobPlan,
        clock: Clock,
        finished: Finished,
        settle_all: Callable[[float], None],
        child: Child | None = None,
        folder: str = "",
    ) -> None:
        self.content = content
        self._clock = clock
        self._finished = finished
        self._settle_all = settle_all
        self._began: float = clock.now()
        self._writes = plan.modelled_writes
        self._changes = schedule(self._writes, child, folder)
        self.planned_bytes = sum(step.files * step.bytes_each for step in self._changes)
        self._next = 0
        self._offset = 0.0  # up to which the delay is known
        self._delay = 0.0
        self._over = False
        self._is_watched = False
        self._code = 0 if plan.outcome == "SUCCEEDED" else plan.exit_code
        self._runtime = plan.runtime
        self.due_at = self._next_at()  # when the next of its steps is to be taken, if there is one
        self._timer = clock.at(self._finish, self._go_on)

    def watch_every_step(self) -> None:
        """The file system may fill up: each step is taken when it is due, so that the attempt ends at that moment."""
        self._is_watched = True
        self._timer.cancel()
        self._timer = self._clock.at(self._look_at, self._go_on)

    @property
    def _look_at(self) -> float:
        """When it has to be looked at again: when the next step is due, if that may be its last, or at its end."""
        return self.due_at if self._is_watched and self.due_at is not None else self._finish

    @property
    def _finish(self) -> float:
        """When the attempt ends, as far as its delay is known."""
        return self._began + self._runtime + self._delay

    def _next_at(self) -> float | None:
        """How long it takes to get there follows from what waited when it began to, which is now."""
        if self._next == len(self._changes):
            return None
        step = self._changes[self._next]
        if step.offset > self._offset:
            waiting = self.content.waiting(self._began + self._offset + self._delay)
            seconds = writing_seconds(self._writes, self._offset, step.offset)
            self._delay += seconds / writing_speed(waiting) - seconds
            self._offset = step.offset
        return self._began + step.offset + self._delay

    def _go_on(self) -> None:
        self.settle(self._clock.now())
        if self._over:
            return
        if self._finish <= self._clock.now():
            self._finished(self._code, "")
        else:
            self._timer = self._clock.at(self._look_at, self._go_on)

    def take_step(self, at: float) -> None:
        step = self._changes[self._next]
        self._next += 1
        try:
            if step.renamed_from is not None:
                self.content.rename(step.renamed_from, step.key, at)
            else:
                self.content.write(step.key, at, step.files, step.bytes_each)
            if step.previous is not None:
                self.content.remove(step.previous, at)
            self.due_at = self._next_at()
        except NoSpaceLeft:
            self._end()
            self._clock.after(0, lambda: self._finished(1, NO_SPACE))

    def settle(self, now: float) -> None:
        """Attempts that write to one file system do so in the order of time."""
        self._settle_all(now)

    def interrupt(self, now: float, gently: bool = False) -> None:
        self.settle(now)
        self._end()

    def _end(self) -> None:
        self._over, self.due_at = True, None
        self._timer.cancel()


class Work:
    """All attempts of the run."""

    def __init__(self, context: Context) -> None:
        self._clock = context.clock
        self._real: list[RealAttempt] = []
        self._due: list[tuple[float, int, ModelledAttempt]] = []  # a heap: whose next step comes when
        self._promised = 0  # the bytes that those write in all
        self._started = 0
        self.runs_commands = True  # of job definitions; otherwise the sample job works in place of each

    def reset(self) -> None:
        self.stop()
        self.runs_commands = True
        self._real, self._due, self._promised, self._started = [], [], 0, 0

    def stop(self) -> None:
        """Interrupt whatever is still at work."""
        now = self._clock.now()
        for modelled in [attempt for _, _, attempt in self._due]:
            modelled.interrupt(now)
        for real in self._real:
            real.interrupt(now)

    def settle(self, now: float) -> None:
        """Let modelled attempts have done what they do by now. Real ones are looked at whenever they sleep or end."""
        while self._due and self._due[0][0] <= now:
            at, number, attempt = heapq.heappop(self._due)
            if attempt.due_at == at:
                attempt.take_step(at)
            if attempt.due_at is None:
                self._promised -= attempt.planned_bytes
            else:
                heapq.heappush(self._due, (attempt.due_at, number, attempt))

    def start(
        self,
        plan: JobPlan,
        content: Content,
        folder: Path | None,
        seen_at: str,
        variables: dict[str, str],
        finished: Finished,
        said: Callable[[list[str]], None],
        container: Mapping[str, Any] | None = None,
        child: Child | None = None,
        inputs: Mapping[str, Path] | None = None,
        below: str = "",
    ) -> ModelledAttempt | RealAttempt:
        """Start an attempt as planned; a real one works in the folder, which it sees at a path, and may read the
        inputs. The container's properties are those of its definition. A modelled one writes below a folder of its own,
        if any."""
        self._started += 1
        if not plan.is_real or folder is None:
            return self._modelled(plan, content, finished, child, below)
        volumes = {seen_at: folder, **(inputs or {})}
        for each in volumes.values():
            each.mkdir(parents=True, exist_ok=True)
        command = self._command(plan, volumes, tuple(inputs or {}), container or {}, variables)

        def told(lines: list[str]) -> None:  # as in a container, whatever the folders are called here
            for path, each in volumes.items():
                lines = [line.replace(str(each), path) for line in lines]
            said(lines)

        attempt = RealAttempt(content, command, folder, self._clock, finished, told)
        self._real.append(attempt)
        return attempt

    def _modelled(
        self, plan: JobPlan, content: Content, finished: Finished, child: Child | None, below: str
    ) -> ModelledAttempt:
        self.settle(self._clock.now())
        planned = plan.of(None if child is None else child.number)
        attempt = ModelledAttempt(content, planned, self._clock, finished, self.settle, child, below)
        if attempt.due_at is not None:
            self._promised += attempt.planned_bytes
            heapq.heappush(self._due, (attempt.due_at, self._started, attempt))
        if self._promised > content.space.free:
            attempt.watch_every_step()
        return attempt

    def _command(
        self,
        plan: JobPlan,
        volumes: dict[str, Path],
        read_only: Sequence[str],
        container: Mapping[str, Any],
        variables: dict[str, str],
    ) -> Command:
        """The sample job's script, which asks a variable where its file system is, in place of the image's own command;
        or a job of somebody's own: the scenario's, else the container's."""
        here = {f"{Path(path).name.upper()}_DIR": str(folder) for path, folder in volumes.items()}
        words = container.get("command", []) if self.runs_commands else []
        if plan.image is not None:
            return self._in_its_image(plan, plan.image, volumes, container, variables)
        if plan.words is None and not words:
            return Command(["/bin/sh", str(SAMPLE_JOB)], next(iter(volumes.values())), variables=variables | here)
        return Command(
            words=plan.words or words,
            folder=plan.script.parent if plan.script is not None else Path.cwd(),
            volumes=volumes,
            read_only=read_only,
            instead=here,
            variables={"HOME": str(Path.home()), **variables},
            real_seconds=plan.real_seconds,
        )

    def _in_its_image(
        self,
        plan: JobPlan,
        image: str,
        volumes: dict[str, Path],
        container: Mapping[str, Any],
        variables: dict[str, str],
    ) -> Command:
        """The same in an image: the scenario's words, else the container's, else the image's own."""
        words, script = plan.command or container.get("command", []), plan.script
        # Not of the rehearsal's own ids, which are the same each time: two of them may run at once.
        engine, name = container_engine.usable() or container_engine.ENGINES[0], f"rehearsal-{uuid.uuid4()}"
        return Command(
            words=container_engine.run(engine, name, plan.image or "", container, volumes, variables, words, script),
            folder=Path.cwd(),
            variables=container_engine.environment(),
            at_end=container_engine.remove(engine, name),
            real_seconds=plan.real_seconds,
        )
