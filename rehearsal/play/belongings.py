"""What runs created and what of it is still there. Owns the list of the things that may be left behind, whose each of
them is, and how to tell that nothing changed between two looks at the account. It reads models and tags, and must never
take a workflow's word for either."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..aws.account import Account
from ..aws.batch.job import TERMINAL
from ..aws.plan import Tags

# The tag by which everything is found again, and the signs of an execution's name that tags do not take.
OWNER_TAG = "lustre-batch:execution"
ENCODED = {"=29": ")", "=28": "(", "=27": "'", "=21": "!", "=3D": "="}


@dataclass(frozen=True)
class Thing:
    """One resource that an execution created; associations and tasks are part of their file system."""

    type: str
    id: str
    execution: str | None  # the ARN of the execution, unless the resource does not say whose it is

    @property
    def short_name(self) -> str:
        """What people call it: of a job definition, its name without the revision."""
        return self.id.partition("/")[2].rpartition(":")[0] if self.type == "job-definition" else self.id


class Belongings:
    """What was created since the deployment, in one account."""

    def __init__(self, account: Account, deployed_templates: frozenset[str]) -> None:
        self._account = account
        self._deployed_templates = deployed_templates
        self._held_before = set(self._held())

    def all(self) -> list[Thing]:
        """Everything that is still there."""
        return [*self._file_systems(), *self._templates(), *self._definitions(), *self._jobs(), *self._held_now()]

    def of(self, execution: str) -> list[Thing]:
        return [thing for thing in self.all() if thing.execution == execution]

    def look(self) -> object:
        """Something that is equal to an earlier look if nothing happened to what runs created.

        Tasks are left out: one that fails is tried again with every sweep, and that leads to nothing new."""
        account = self._account
        return (
            [(one.id, one.lifecycle, sorted(one.tags.items())) for one in account.file_systems.living()],
            [(one.id, one.lifecycle, one.events, one.content.lost()) for one in account.associations.living()],
            [(job.id, job.status) for job in account.jobs.all.values()],
            [(one.arn, one.status, _template(one.resources)) for one in account.environments.all.values()],
            self.all(),
        )

    def _file_systems(self) -> Iterator[Thing]:
        for one in self._account.file_systems.living():
            yield Thing("file-system", one.id, owner(one.tags))

    def _templates(self) -> Iterator[Thing]:
        templates = self._account.launch_templates
        existing = templates.since(self._deployed_templates)
        for identifier in existing:
            yield Thing("launch-template", identifier, owner(templates.tags_of(f":launch-template/{identifier}")))
        for environment in self._account.environments.all.values():
            named = _template(environment.resources)
            if named and named not in self._deployed_templates and named not in existing:
                # An environment that names a template that is gone turns INVALID when it next starts an instance.
                yield Thing("compute-environment", environment.arn, None)

    def _definitions(self) -> Iterator[Thing]:
        for arn, one in self._account.definitions.all.items():
            if one["status"] == "ACTIVE":
                yield Thing("job-definition", arn, owner(one["tags"]))

    def _jobs(self) -> Iterator[Thing]:
        for job in self._account.jobs.all.values():
            if job.status not in TERMINAL and job.parent is None:  # children are part of their array
                yield Thing("job", job.id, owner(job.tags))

    def _held_now(self) -> Iterator[Thing]:
        return (thing for thing in self._held() if thing not in self._held_before)

    def _held(self) -> Iterator[Thing]:
        """Lanes and prefixes that are held, the tickets of who waits, and sessions."""
        for name, table in self._account.context.backend("dynamodb").tables.items():
            for item in (each.to_json()["Attributes"] for each in table.all_items()):
                for holder in item.get("holders", {}).get("L", []):
                    yield _held_by("lane", name, holder["M"])
                if "run" in item:
                    yield _held_by(str(item["kind"]["S"]), name, item)


def owner(tags: Tags) -> str | None:
    """The execution that a resource's tag names."""
    value = tags.get(OWNER_TAG)
    if value is None:
        return None
    for code, sign in ENCODED.items():
        value = value.replace(code, sign)
    return value


def _held_by(kind: str, table: str, item: dict[str, Any]) -> Thing:
    run = str(item["run"]["S"])
    name = hashlib.md5(run.encode(), usedforsecurity=False).hexdigest()
    return Thing(kind, f"{table}/session/{name}" if kind == "session" else f"{table}/{name}", run)


def _template(resources: dict[str, Any]) -> str | None:
    return resources.get("launchTemplate", {}).get("launchTemplateId") or None
