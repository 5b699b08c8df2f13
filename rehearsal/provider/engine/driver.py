"""The driver with the real Pulumi engine: puts Pulumi's command line and an `aws` provider over the embedded account
together."""

from __future__ import annotations

import contextlib
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import table as resources
from ..adopted import adopt
from ..configuration import configuration, structure
from ..deployment import ROOT, Deployed, DeployError, Deployment
from .cli import SCRIPTS, Workspace
from .inline import running
from .provider import Provider, serving


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
        return Deployment(self.workspace.outputs(stack), found)


@contextlib.contextmanager
def started(account: resources.Aws, program: pathlib.Path = ROOT, scripts: pathlib.Path = SCRIPTS) -> Iterator[Engine]:
    """An engine for this account, for as long as the block lasts. Programs and plugins run with what is in
    `scripts`."""
    with tempfile.TemporaryDirectory(prefix="lustre-batch-engine-") as name:
        folder = pathlib.Path(name)
        with serving(account, folder / "project") as (provider, port):
            yield Engine(Workspace(folder, port, program, scripts), provider)


def deploy(account: resources.Aws, stack: str = "autoexport", config: Mapping[str, Any] | None = None) -> Deployment:
    """Run `pulumi up` of the stack program against the account; answer what it made."""
    settings = configuration(stack, config)
    adopt(account, settings)
    with started(account) as engine:
        if settings.stand_ins:
            engine.workspace.decrypt(stack, settings.stand_ins)
        engine.init(stack)
        # Typed configuration takes lists and maps item by item only.
        engine.workspace.set_config(stack, {key: structure(value) for key, value in (config or {}).items()})
        outcome = engine.workspace.operate("up", stack, expect=None)
        if not outcome.succeeded:
            raise DeployError(outcome.reason)
        return engine.deployment(stack)
