"""The driver that needs no engine: runs the stack program under Pulumi's mocks, and creates what it registers in the
account."""

from __future__ import annotations

import contextlib
import functools
import pathlib
import uuid
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc

from . import table as resources
from .configuration import configuration
from .deployment import ROOT, Deployed, DeployError, Deployment
from .program import Program, QuietLog, Stack, run_main, run_under_mocks
from .table import Aws, ResourceError

PROVIDER = "pulumi:providers:aws"


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which also keeps the stack's outputs."""

    def __init__(self, driver: mocks.Mocks) -> None:
        super().__init__(driver)
        self.exports: dict[str, Any] = {}

    def RegisterResourceOutputs(self, request: Any) -> Any:
        if "pulumi:pulumi:Stack" in request.urn:
            self.exports = resources.plain(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _Driver(mocks.Mocks):
    """Creates what the program registers, one resource at a time."""

    def __init__(self, account: Aws, config: Mapping[str, str], deployment: Deployment) -> None:
        self._account = account
        self._deployment = deployment
        default = {
            key.removeprefix("aws:"): value for key, value in config.items() if key in ("aws:region", "aws:defaultTags")
        }
        self._providers: dict[str, resources.Props] = {"": default}

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

    def _create(self, args: mocks.MockResourceArgs, inputs: resources.Props) -> tuple[str, resources.Props]:
        provider = self._providers[(args.provider or "").rpartition("::")[2]]
        region = inputs.get("region") or provider.get("region") or self._account.region
        if region != self._account.region:
            here = self._account.region
            raise ResourceError(f"the embedded account is in {here}, not in {region}; another cannot be rehearsed yet")
        kind = resources.kind_of(args.typ)
        inputs = resources.named(kind, args.name, inputs)
        if failures := resources.check_inputs(kind, inputs):
            raise ResourceError("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        identity, outputs = resources.create(self._account, kind, inputs, resources.default_tags(provider))
        self._deployment.resources.append(Deployed(args.typ, args.name, identity, inputs, outputs))
        return identity, outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        try:
            return resources.look_up(self._account, args.token, args.args), []
        except ResourceError as error:
            raise DeployError(f"calling {args.token}: {error}") from error


def deploy(
    account: Aws,
    stack: str = "autoexport",
    config: Mapping[str, Any] | None = None,
    program: Program | None = None,
    folder: pathlib.Path = ROOT,
) -> Deployment:
    """Run the stack program, or another program, against the account; answer what it made."""
    project, values = configuration(stack, config, folder)
    deployment = Deployment()
    monitor = _Monitor(_Driver(account, values, deployment))
    try:
        with contextlib.chdir(folder):
            run_under_mocks(
                program or functools.partial(run_main, folder),
                monitor,
                Stack(project, stack, values),
                QuietLog(deployment.warnings),
            )
    except Exception as error:
        if cause := _cause(error):
            raise cause from None
        raise
    deployment.exports = monitor.exports
    return deployment


def _cause(error: BaseException) -> DeployError | None:
    """What the table refused, without Pulumi's wrapping."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:  # Pulumi re-raises with causes that refer to each other
        if isinstance(link, DeployError | pulumi.RunError):
            return DeployError(str(link))
        chain.append(link)
        link = link.__cause__ or link.__context__
    return None
