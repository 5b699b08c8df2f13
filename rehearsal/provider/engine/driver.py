"""The driver with the real Pulumi engine: puts Pulumi's command line and an `aws` provider over the embedded account
together."""

from __future__ import annotations

import collections
import contextlib
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.alias_generators import to_camel

from .. import table as resources
from ..adopted import adopt
from ..configuration import configuration, structure
from ..deployment import ROOT, Deployed, DeployError, Deployment
from ..own_program import COMPONENT, Glance
from .cli import SCRIPTS, Workspace
from .inline import running
from .provider import Provider, serving

TOLD_EVERY = 25  # resources


@dataclass
class Engine:
    """A workspace whose engine deploys into the account."""

    workspace: Workspace
    provider: Provider

    def init(self, stack: str) -> None:
        self.workspace.run("stack", "init", stack)

    @contextlib.contextmanager
    def inline(self, program: Callable[[], None]) -> Iterator[None]:
        """Run this program in this process, instead of starting a language host for every operation."""
        with running(program) as port:
            self.workspace.client = f"127.0.0.1:{port}"
            try:
                yield
            finally:
                self.workspace.client = None

    def deployment(self, stack: str) -> Deployment:
        """What the stack consists of now."""
        found = [
            Deployed(
                entry["type"],
                entry["urn"].rpartition("::")[2],
                entry["id"],
                entry["inputs"],
                entry.get("outputs") or {},
            )
            for entry in self.workspace.resources(stack)
            if entry.get("custom") and not entry["type"].startswith("pulumi:providers:")
        ]
        components = [
            (entry["urn"].rpartition("::")[2], {to_camel(key): value for key, value in entry["outputs"].items()})
            for entry in self.workspace.resources(stack)
            if entry["type"] == COMPONENT
        ]
        return Deployment(self.workspace.outputs(stack), found, components=components)


@contextlib.contextmanager
def started(account: resources.Aws, program: pathlib.Path = ROOT, scripts: pathlib.Path = SCRIPTS) -> Iterator[Engine]:
    """An engine for this account, for as long as the block lasts. Programs and plugins run with what is in
    `scripts`."""
    with tempfile.TemporaryDirectory(prefix="lustre-batch-engine-") as name:
        folder = pathlib.Path(name)
        with serving(account, folder / "project") as (provider, port):
            yield Engine(Workspace(folder, port, program, scripts), provider)


@contextlib.contextmanager
def deployed(
    account: resources.Aws,
    stack: str = "autoexport",
    config: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] = lambda line: None,
    folder: pathlib.Path = ROOT,
    own: Glance | None = None,
) -> Iterator[tuple[Engine, Deployment]]:
    """Run `pulumi up` of the stack program against the account: what it made, and the engine, which can go on with it
    for as long as the block lasts. Each phase is told."""
    settings = configuration(stack, config, folder, with_file=own is None)
    for each in (settings, *(own.adopted if own is not None else ())):
        adopt(account, each)
    with started(account, folder) as engine:
        if settings.stand_ins:
            engine.workspace.decrypt(stack, settings.stand_ins)
        tell(f"pulumi stack init {stack}")
        engine.init(stack)
        if config:
            tell(f"pulumi config set {' '.join(sorted(config))}")
        # Typed configuration takes lists and maps item by item only.
        engine.workspace.set_config(stack, {key: structure(value) for key, value in (config or {}).items()})
        tell("pulumi up: the program starts, which takes the longest")
        with _counted(engine.provider, tell):
            outcome = engine.workspace.operate("up", stack, expect=None)
        if not outcome.succeeded:
            raise DeployError(outcome.reason)
        deployment = engine.deployment(stack)
        tell(made(deployment))
        yield engine, deployment


def deploy(account: resources.Aws, stack: str = "autoexport", config: Mapping[str, Any] | None = None) -> Deployment:
    """Run `pulumi up` of the stack program against the account; answer what it made."""
    with deployed(account, stack, config) as (_, deployment):
        return deployment


def made(deployment: Deployment) -> str:
    """What Pulumi made, by the service it is in."""
    services = collections.Counter(one.type.partition(":")[2].partition("/")[0] for one in deployment.resources)
    each = ", ".join(f"{count} of {service}" for service, count in services.most_common())
    return f"pulumi made {len(deployment.resources)} resources: {each}"


@contextlib.contextmanager
def _counted(provider: Provider, tell: Callable[[str], None]) -> Iterator[None]:
    """Tell every now and then how many resources there are."""
    begun = 0

    def count(operation: str, urn: str) -> None:
        nonlocal begun
        begun += 1
        if begun == 1 or begun % TOLD_EVERY == 0:
            tell(f"pulumi up: {begun} {'resource' if begun == 1 else 'resources'}, {urn.rpartition('::')[2]}")

    provider.before = count
    try:
        yield
    finally:
        provider.before = lambda operation, urn: None
