"""A Pulumi program of somebody's own: which one in a folder can be rehearsed, as which stack, and what it adopts. Owns
why one cannot, in one line, and what stands in for resources that the embedded AWS does not have. It must never judge
what a component is given: the component does."""

from __future__ import annotations

import contextlib
import difflib
import json
import pathlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unittest import mock

import pulumi
from lustre_batch import auto_export, testing
from lustre_batch.arguments import Told, settings_from_args
from lustre_batch.settings import Settings
from lustre_batch.testing import record
from pulumi.runtime.config import CONFIG

from . import documents
from .configuration import Configuration
from .deployment import ConfigurationError

COMPONENT = "lustre-batch:index:LustreBatchAutoExport"
# The stack of a program that nobody has made one for yet.
FIRST_STACK = "dev"
# What lies beside a program in a checkout of this project.
_OURS = {"lustre_batch", __name__.partition(".")[0]}


def problem(folder: pathlib.Path) -> str | None:
    """Why what is in this folder cannot be rehearsed, if so."""
    if not folder.is_dir():
        return f"there is no folder {folder}"
    project = folder / "Pulumi.yaml"
    if not project.exists():
        return "there is no Pulumi.yaml in it, which makes a folder a Pulumi project"
    try:
        content = documents.mapping(project, "its Pulumi.yaml")
    except documents.NotReadable as error:
        return str(error)
    if not content.get("name"):
        return "its Pulumi.yaml names no project (name)"
    runtime = content.get("runtime")
    runtime = runtime.get("name") if isinstance(runtime, dict) else runtime
    if runtime != "python":
        return (
            f"its language is {runtime}, and only Python programs are rehearsed; the properties of its component are "
            "parameters of the same names: leave --program out and give them as --set KEY=VALUE"
        )
    if not (folder / "__main__.py").is_file():
        return "there is no __main__.py in it"
    return None


def stack_name(folder: pathlib.Path, given: str | None) -> str:
    """The stack to rehearse: the given one, else the one that there is.

    Raises
    ------
    ConfigurationError
        When there are several.
    """
    if given is not None:
        return given
    known = sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml"))
    if len(known) > 1:
        raise ConfigurationError(f"there are several stacks: choose one with --stack ({', '.join(known)})")
    return known[0] if known else FIRST_STACK


def chosen(names: Sequence[str], name: str | None) -> str:
    """The component to rehearse: the one of that name, else the only one.

    Raises
    ------
    ConfigurationError
        When there is none, or none of that name, or the choice is open.
    """
    if not names:
        raise ConfigurationError("the program has no LustreBatchAutoExport: there is nothing to rehearse")
    if name is not None and name not in names:
        raise ConfigurationError(f"--component {name}: the program has no such component (known: {', '.join(names)})")
    if name is None and len(names) > 1:
        raise ConfigurationError(f"the program has several components: choose with --component ({', '.join(names)})")
    return name or names[0]


@contextlib.contextmanager
def importable(folder: pathlib.Path) -> Iterator[None]:
    """Let the program read and import what lies beside it, as the language host does, and forget that afterwards: what
    a module creates is created each time."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = pathlib.Path(getattr(sys.modules[name], "__file__", None) or "/")
            installed = "site-packages" in file.parts or name.partition(".")[0] in _OURS
            if file.is_relative_to(folder) and not installed:
                del sys.modules[name]


@dataclass(frozen=True)
class Glance:
    """What a program showed when it ran under the mocks of unit tests."""

    names: list[str] | None  # of its components; unknown if it failed
    adopted: list[Configuration]  # what each is given, as a stack's configuration would have it
    read: frozenset[str] = frozenset()  # the keys of the configuration that it has asked for


class _Noting(dict[str, str]):
    """A configuration that notes what is read of it; who goes through all of it may read anything."""

    def __init__(self, values: Mapping[str, str], read: set[str]) -> None:
        super().__init__(values)
        self._read = read

    def __contains__(self, key: object) -> bool:
        self._read.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> str:
        self._read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self._read.add(key)
        return super().get(key, default)

    def _all(self) -> dict[str, str]:
        found = dict(super().items())
        self._read.update(found)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def keys(self) -> Any:
        return self._all().keys()

    def values(self) -> Any:
        return self._all().values()

    def items(self) -> Any:
        return self._all().items()

    def copy(self) -> dict[str, str]:
        return self._all()

    def __or__(self, other: Any) -> Any:
        return self._all() | other

    def __ror__(self, other: Any) -> Any:
        return other | self._all()


def glance(folder: pathlib.Path, stack: str, settings: Configuration) -> Glance:
    """Run a program once before it is deployed, as every preview runs it: what its components are given has to be in
    the account then, but for what is only known once something was created. If it fails, it fails again when it is
    deployed, and says why."""
    seen: list[Settings] = []
    read: set[str] = set()

    def noted(told: Told) -> Settings:
        seen.append(settings_from_args(told))
        return seen[-1]

    def noting(config: dict[str, str], secret_keys: list[str] | None = None) -> None:
        CONFIG.set(_Noting(config, read))

    names = None
    with (
        mock.patch.object(auto_export, "settings_from_args", noted),
        mock.patch.object(testing, "set_all_config", noting),
        importable(folder),
        contextlib.suppress(Exception, SystemExit),
    ):
        graph = record(folder, config=settings.values, project=settings.project, stack=stack)
        names = [each.name for each in graph.all(COMPONENT)]
    adopted = [Configuration("", {f":{key}": text for key, text in _texts(each)}, {}) for each in seen]
    return Glance(names, adopted, frozenset(read))


def check_read(seen: Glance, project: str, given: Iterable[str]) -> None:
    """Refuse what is given for a rehearsal and changes nothing: a component has what the program gives it. What is of
    another namespace may be a provider's.

    Raises
    ------
    ConfigurationError
        Naming the key.
    """
    known = [key.partition(":")[2] for key in seen.read if key.startswith(f"{project}:")]
    for key in given:
        namespace, _, name = key.rpartition(":")
        if namespace in ("", project) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else f" (it reads: {', '.join(sorted(known)) or 'none'})"
            raise ConfigurationError(f"{key}: nothing in the program reads it{hint}")


def _texts(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        items = value if isinstance(value, list) else [value]
        if value and not any(isinstance(item, pulumi.Output) for item in items):
            yield str(field.alias), value if isinstance(value, str) else json.dumps(value, default=str)
