"""The vCPUs of compute environments. Owns which jobs hold how many of them and which wait until others let go, in the
order in which they came; how many there are is the environment's to say."""

from __future__ import annotations

from .job import Job


class Room:
    """Who holds vCPUs, and who waits for some."""

    def __init__(self) -> None:
        self._held: dict[str, float] = {}  # by the environment
        self._holders: dict[str, tuple[str, float]] = {}  # by the job
        self._waiting: dict[str, dict[str, Job]] = {}

    def take(self, job: Job, environment_arn: str, vcpus: float, most: float) -> bool:
        """Whether the job has them; if not, it waits from now on."""
        if not self.fits(environment_arn, vcpus, most):
            self._waiting.setdefault(environment_arn, {})[job.id] = job
            return False
        self._holders[job.id] = environment_arn, vcpus
        self._held[environment_arn] = self._held.get(environment_arn, 0) + vcpus
        return True

    def fits(self, environment_arn: str, vcpus: float, most: float) -> bool:
        return self._held.get(environment_arn, 0) + vcpus <= most

    def leave(self, job: Job) -> None:
        """The job neither holds any more nor waits."""
        environment_arn, vcpus = self._holders.pop(job.id, ("", 0))
        if vcpus:
            self._held[environment_arn] -= vcpus
        for waiting in self._waiting.values():
            waiting.pop(job.id, None)

    def first(self, environment_arn: str) -> Job | None:
        """Who has waited for longest."""
        return next(iter(self._waiting.get(environment_arn, {}).values()), None)
