"""What a deployment made, and why there is none: the same for both drivers."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass, field
from typing import Any

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]
_INSTALLED = _PACKAGE / "stack_program"  # pyproject.toml, package-dir
# The stack program's folder: the repository, or what the wheel has of it.
ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent


class DeployError(Exception):
    """Why the stack could not be deployed, in words for the person who typed the command."""


class ConfigurationError(DeployError):
    """A stack's configuration that cannot be read, or that no rehearsal can be made of: nothing was begun."""


@dataclass
class Deployed:
    """One resource of a deployment."""

    type: str
    name: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class Deployment:
    """The stack's exports, every resource in the order of creation, and what the program warned of."""

    exports: dict[str, Any] = field(default_factory=dict)
    resources: list[Deployed] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    # Each LustreBatchAutoExport of the program: its name, and its outputs by their camelCase names.
    components: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    # What the program has that the embedded AWS does not, so that it only has an id: type and name.
    stand_ins: list[str] = field(default_factory=list)

    def of_type(self, token: str) -> list[Deployed]:
        return [resource for resource in self.resources if resource.type == token]
