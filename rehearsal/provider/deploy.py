"""Deployment of the stack program into the embedded account. Owns reading the stack's configuration as the engine reads
it, and running `__main__.py` under Pulumi's mocks over the table of resources. It must never know which resources the
program registers, and leaves nothing of one run behind for the next in the same process."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import json
import logging
import pathlib
import types
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import configure
from pulumi.runtime.stack import run_in_stack

from . import table as resources
from .table import Aws, ResourceError, gaps

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROVIDER = "pulumi:providers:aws"

Program = Callable[[], Any]


class DeployError(Exception):
    """Why the stack could not be deployed, in words for whoever typed the command."""


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
    """What a deployment made: the stack's exports, and every resource in the order of its creation."""

    exports: dict[str, Any] = field(default_factory=dict)
    resources: list[Deployed] = field(default_factory=list)

    def of_type(self, token: str) -> list[Deployed]:
        return [resource for resource in self.resources if resource.type == token]


# --- configuration ---------------------------------------------------------------------------------------------------


def configuration(
    stack: str, overrides: Mapping[str, Any] | None = None, folder: pathlib.Path = ROOT
) -> tuple[str, dict[str, str]]:
    """The project's name, and the configuration that the engine would hand to the program.

    Pulumi.yaml's defaults, below the stack's file, below the overrides; every value as text, structures as JSON
    (Pulumi docs, "Project-level configuration")."""
    project = _yaml(folder / "Pulumi.yaml")
    name = str(project["name"])
    schema = {_qualified(name, key): entry for key, entry in (project.get("config") or {}).items()}
    stack_file = folder / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))
        raise DeployError(f"there is no stack {stack!r}: no {stack_file.name} (known: {', '.join(known) or 'none'})")
    values = {key: _default(entry) for key, entry in schema.items() if _default(entry) is not None}
    values |= {_qualified(name, key): value for key, value in (_yaml(stack_file).get("config") or {}).items()}
    values |= {_qualified(name, key): value for key, value in (overrides or {}).items()}
    texts = {key: _text(value) for key, value in values.items()}
    for key, entry in schema.items():
        _check_type(stack, key, entry, texts.get(key))
    return name, texts


def _yaml(path: pathlib.Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _default(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry  # `key: value`, the short form
    return entry.get("value", entry.get("default"))


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        raise DeployError("encrypted configuration values cannot be read without the engine (--engine)")
    return value if isinstance(value, str) else json.dumps(value)


def _check_type(stack: str, key: str, entry: Any, text: str | None) -> None:
    """Pulumi's own check of typed configuration, in its own words (sdk/go/common/workspace/config.go)."""
    if not isinstance(entry, Mapping):
        return
    if text is None:
        if "type" in entry:
            raise DeployError(f"Stack '{stack}' is missing configuration value '{key}'")
        return
    declared = entry.get("type", "string")
    if not _fits(declared, entry.get("items") or {}, text):
        items = f"<{entry['items']['type']}>" if declared == "array" and entry.get("items") else ""
        raise DeployError(f"Stack '{stack}' with configuration key '{key}' must be of type '{declared}{items}'")


def _fits(declared: str, items: Mapping[str, Any], text: str) -> bool:
    if declared == "string":
        return True
    try:
        value = json.loads(text)
    except ValueError:
        return False
    if declared == "array":
        return isinstance(value, list) and all(
            _fits(items.get("type", "string"), items.get("items") or {}, _text(item)) for item in value
        )
    if declared == "boolean":
        return isinstance(value, bool)
    if declared == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, Mapping) if declared == "object" else True


# --- the mocks driver ------------------------------------------------------------------------------------------------


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, plus the stack's outputs."""

    def __init__(self, driver: mocks.Mocks) -> None:
        super().__init__(driver)
        self.exports: dict[str, Any] = {}

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "pulumi:pulumi:Stack" in request.urn:
            self.exports = resources.plain(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Driver(mocks.Mocks):
    """Creates what the program registers, one at a time."""

    def __init__(self, account: Aws, config: Mapping[str, str], deployment: Deployment) -> None:
        self._account = account
        self._deployment = deployment
        default = {
            key.removeprefix("aws:"): value for key, value in config.items() if key in ("aws:region", "aws:defaultTags")
        }
        self._providers = {"": default}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = resources.plain(args.inputs)
        if args.typ == PROVIDER:
            identity = str(uuid.uuid4())
            self._providers[identity] = inputs
            return identity, inputs
        if not args.custom:
            return None, inputs
        try:
            return self._create(args, inputs)
        except ResourceError as error:
            raise DeployError(f"creating {args.typ} ({args.name}): {error}") from error

    def _create(self, args: mocks.MockResourceArgs, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        provider = self._providers[(args.provider or "").rpartition("::")[2]]
        region = inputs.get("region") or provider.get("region") or self._account.region
        if region != self._account.region:
            raise ResourceError(f"the embedded account is in {self._account.region}, not in {region}")
        kind = resources.kind_of(args.typ)
        inputs = resources.named(kind, args.name, inputs)
        if failures := resources.check_inputs(kind, inputs):
            raise ResourceError("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        identity, outputs = resources.create(self._account, kind, inputs, default_tags(provider))
        self._deployment.resources.append(Deployed(args.typ, args.name, identity, inputs, outputs))
        return identity, outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        try:
            return resources.look_up(self._account, args.token, args.args), []
        except ResourceError as error:
            raise DeployError(f"calling {args.token}: {error}") from error


def default_tags(provider: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a provider's `defaultTags`, which crosses the wire as JSON text."""
    given = provider.get("defaultTags") or {}
    parsed = json.loads(given) if isinstance(given, str) else given
    return dict(parsed.get("tags") or {})


def deploy(
    account: Aws,
    stack: str = "autoexport",
    config: Mapping[str, Any] | None = None,
    program: Program | None = None,
    folder: pathlib.Path = ROOT,
) -> Deployment:
    """Run the stack program (or another one) against the account, and answer what it made."""
    project, values = configuration(stack, config, folder)
    run = functools.partial(_run, account, project, stack, values, program or functools.partial(run_main, folder))
    with contextlib.chdir(folder):
        return contextvars.copy_context().run(run)


@functools.cache
def _compiled(path: pathlib.Path, modified_ns: int) -> types.CodeType:
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")


def run_main(folder: pathlib.Path) -> None:
    """`__main__.py` in a namespace of its own, as the language host starts it."""
    path = folder / "__main__.py"
    exec(_compiled(path, path.stat().st_mtime_ns), {"__name__": "__main__", "__file__": str(path)})


def _run(account: Aws, project: str, stack: str, values: dict[str, str], program: Program) -> Deployment:
    gaps.fill(account)
    deployment = Deployment()
    monitor = _Monitor(_Driver(account, values, deployment))
    configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),  # type: ignore[no-untyped-call]
            engine=mocks.MockEngine(_Quiet("rehearsal.deploy")),
            project=project,
            stack=stack,
            root_directory=str(ROOT),
            dry_run=False,
            organization="organization",
            package_refs={},
            base_providers_by_ref={},
            outputs=set(),
            callbacks=None,
        )
    )
    pulumi.runtime.settings.ROOT.set(None)
    set_all_config(values, [])
    # One worker: the account's clock is driven by one thread at a time, and the order of creation is the program's.
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as worker:
        loop = asyncio.new_event_loop()
        loop.set_default_executor(worker)
        try:
            loop.run_until_complete(run_in_stack(program))
        except Exception as error:
            if cause := _cause(error):
                raise cause from None
            raise
        finally:
            close(loop)
    deployment.exports = monitor.exports
    return deployment


class _Quiet(logging.Logger):
    """Pulumi logs each failure it also raises; the exception says it once."""

    def error(self, *_: Any, **__: Any) -> None:
        return


def _cause(error: BaseException) -> DeployError | None:
    """What the table refused, without Pulumi's wrapping."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:  # Pulumi re-raises with causes that point back at each other
        if isinstance(link, DeployError | pulumi.RunError):
            return DeployError(str(link))
        chain.append(link)
        link = link.__cause__ or link.__context__
    return None


def close(loop: asyncio.AbstractEventLoop) -> None:
    """End what a program left unfinished in its event loop, and the loop."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(task)
    loop.close()
