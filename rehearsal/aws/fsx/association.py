"""One data repository association: the link of a path on a file system with a prefix of a bucket. Owns what is known
about a link; `associations` moves it through its lifecycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..plan import Plan, Seconds
from . import tree
from .export import Content
from .file_systems import FileSystem

# Measured by others (aws-parallelcluster #4211): over 4,000,000 objects took more than an hour.
LISTED_PER_SECOND = 1100


class AssociationPlan(Plan):
    create: Seconds = 60
    """Time to create it."""
    update: Seconds = 30
    """Time to update it."""
    import_: Seconds = Field(default=60, alias="import")
    """Time to import the bucket's listing; if absent, a second more for every 1,100 objects in it."""
    import_fails: bool = False
    """The import of the listing fails."""
    breaks_at: Seconds | None = None
    """It becomes MISCONFIGURED this long after it was AVAILABLE."""
    heals_at: Seconds | None = None
    """It is AVAILABLE again this long after it first was: somebody mended what broke it."""
    mends: bool = True
    """Sending the policies again makes it AVAILABLE; `false`: what broke it goes on."""
    stays_broken: bool = False
    """It becomes FAILED instead, for good."""
    queued: bool = False  # strict: what the guide says of the queue, others have not always seen
    """`true`: asked for while the file system or another association is being created, it is queued, as the guide says;
    `false`: it is refused."""
    outcome: Literal["AVAILABLE", "FAILED", "MISCONFIGURED"] = "AVAILABLE"
    """What becomes of it: `AVAILABLE`, `FAILED` or `MISCONFIGURED`."""
    update_stuck: bool = False
    """It stays UPDATING."""

    def import_seconds(self, objects: int) -> float:
        """How long the import of so many objects takes, unless the plan says so itself."""
        return self.import_ + (0 if "import_" in self.model_fields_set else objects / LISTED_PER_SECOND)

    def contradictions(self) -> Iterator[tuple[str, str]]:
        if self.outcome != "AVAILABLE" and self.breaks_at is not None:
            yield "breaks_at", "an association that never was AVAILABLE (association.outcome) cannot break"
        if self.heals_at is not None and (self.breaks_at is None or self.heals_at <= self.breaks_at):
            yield "heals_at", "it heals after it broke (association.breaks_at)"
        if self.stays_broken and self.breaks_at is None:
            yield "stays_broken", "it never breaks (association.breaks_at)"
        if self.stays_broken and self.heals_at is not None:
            yield "stays_broken", "what is FAILED for good does not heal (association.heals_at)"


@dataclass
class Association:
    id: str
    arn: str
    file_system: FileSystem
    path: str
    repository: str
    s3: dict[str, Any]
    tags: dict[str, str]
    content: Content
    created: float
    request: dict[str, Any]
    lifecycle: str = "CREATING"
    failure: str | None = None
    linked_at: float | None = None
    begun: bool = False  # whether FSx is at work on it, or has been

    @property
    def bucket(self) -> str:
        return self.repository.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        prefix = self.repository.removeprefix("s3://").partition("/")[2].strip("/")
        return f"{prefix}/" if prefix else ""

    @property
    def is_input(self) -> bool:
        """Whether it only ever imports, once: it has no policies."""
        return not self.s3

    @property
    def events(self) -> list[str]:
        return list(self.s3.get("AutoExportPolicy", {}).get("Events", []))

    def refusal(self, key: str, size: int) -> str | None:
        """Why S3 cannot hold a file, which is known of real ones."""
        return tree.refusal(self.prefix + key, size) if tree.is_real(key) else None

    @property
    def folder(self) -> Path | None:
        """Where a real job's files are, as far as they are under this association."""
        folder = self.file_system.folder
        return folder / self.path.strip("/") if folder is not None else None
