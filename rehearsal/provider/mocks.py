"""The driver that needs no engine: runs the stack program under Pulumi's mocks, and creates what it registers in the
account."""

from __future__ import annotations

import functools
import hashlib
import pathlib
import traceback
import uuid
import weakref
from collections.abc import Mapping
from typing import Any
from unittest import mock

import pulumi
from lustre_batch.testing import Mocks, QuietLog
from moto.moto_api._internal import mock_random
from pulumi.runtime import mocks, rpc
from pydantic.alias_generators import to_camel

from . import table as resources
from .adopted import adopt
from .configuration import configuration
from .deployment import ROOT, Deployed, DeployError, Deployment
from .own_program import COMPONENT, Glance, importable
from .program import Program, Stack, run_main, run_under_mocks
from .table import Aws, ResourceError

PROVIDER = "pulumi:providers:aws"


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which also keeps the outputs of the stack and of our components."""

    def __init__(self, driver: mocks.Mocks, deployment: Deployment) -> None:
        super().__init__(driver)
        self._deployment = deployment

    def RegisterResourceOutputs(self, request: Any) -> Any:
        # A component's URN contains the stack's type as well, as the type of its parent.
        _, _, type_, name = request.urn.split("::", 3)
        outputs = resources.plain(rpc.deserialize_properties(request.outputs))
        if type_ == "pulumi:pulumi:Stack":
            self._deployment.exports = outputs
        elif type_.rpartition("$")[2] == COMPONENT:
            named = {to_camel(key): value for key, value in outputs.items()}
            self._deployment.components.append((name, named))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


# How many deployments an account has seen: what is random in names and ids differs from one to the next, but not from
# one rehearsal to the next.
_SEEN: weakref.WeakKeyDictionary[Aws, int] = weakref.WeakKeyDictionary()


class _Driver(mocks.Mocks):
    """Creates what the program registers, one resource at a time. In a program of somebody's own, what the table does
    not have is given an id and an ARN, and noted."""

    def __init__(self, account: Aws, config: Mapping[str, str], deployment: Deployment, lenient: bool) -> None:
        self._account = account
        self._beside = Mocks(account.partition, account.region, account.account_id) if lenient else None
        self._deployment = deployment
        self._number = _SEEN[account] = _SEEN.get(account, 0) + 1
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
        if self._beside is not None and args.typ not in resources.KINDS:
            if not args.typ.startswith("pulumi:"):
                self._deployment.stand_ins.append(f"{args.typ} ({args.name})")
            return self._beside.new_resource(args)
        try:
            return self._create(args, inputs)
        except ResourceError as error:
            raise DeployError(f"creating {args.typ} ({args.name}): {error}") from error

    def _provider(self, reference: str | None) -> resources.Props:
        return self._providers[(reference or "").rpartition("::")[2]]

    def _create(self, args: mocks.MockResourceArgs, inputs: resources.Props) -> tuple[str, resources.Props]:
        provider = self._provider(args.provider)
        region = inputs.get("region") or provider.get("region") or self._account.region
        if region != self._account.region:
            raise ResourceError(resources.elsewhere(self._account.region, region))
        kind = resources.kind_of(args.typ)
        seed = hashlib.sha256(f"{self._number}:{args.typ}:{args.name}".encode()).digest()
        mock_random.seed(seed)  # moto's ids
        inputs = resources.named(kind, args.name, inputs, seed)
        if failures := resources.check_inputs(kind, inputs):
            raise ResourceError("; ".join(f"{failure.property}: {failure.reason}" for failure in failures))
        identity, outputs = resources.create(self._account, kind, inputs, resources.default_tags(provider), seed)
        self._deployment.resources.append(Deployed(args.typ, args.name, identity, inputs, outputs))
        return identity, outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        try:
            tags = resources.default_tags(self._provider(args.provider))
            return resources.look_up(self._account, args.token, args.args, tags), []
        except ResourceError as error:
            raise DeployError(f"calling {args.token}: {error}") from error


def deploy(
    account: Aws,
    stack: str = "autoexport",
    config: Mapping[str, Any] | None = None,
    program: Program | None = None,
    folder: pathlib.Path = ROOT,
    own: Glance | None = None,
) -> Deployment:
    """Run the stack program, or another program, against the account; answer what it made. Of somebody's own program,
    at which somebody has had a glance, the account does not have to know everything."""
    settings = configuration(stack, config, folder, with_file=own is None)
    adopt(account, settings)
    deployment = Deployment()
    monitor = _Monitor(_Driver(account, settings.values, deployment, own is not None), deployment)
    try:
        for each in own.adopted if own is not None else ():
            adopt(account, each)
        # botocore fills in idempotency tokens, which become names and ids.
        with importable(folder), mock.patch("botocore.handlers.uuid", mock_random):
            run_under_mocks(
                program or functools.partial(run_main, folder),
                monitor,
                Stack(settings.project, stack, settings.values, folder=folder),
                QuietLog(deployment.warnings),
            )
    except (Exception, SystemExit) as error:
        raise _refusal(error, folder) from error
    return deployment


def _refusal(error: BaseException, folder: pathlib.Path) -> DeployError:
    """Why the deployment failed, in one line: in the words of the table or the program, without Pulumi's wrapping."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:  # Pulumi re-raises with causes that refer to each other
        if isinstance(link, DeployError | pulumi.RunError):
            return DeployError(str(link))
        chain.append(link)
        link = link.__cause__ or link.__context__
    first = chain[-1]
    words = " ".join(str(first).split())
    return DeployError(f"the program failed{_place(first, folder)}: {type(first).__name__}{words and f': {words}'}")


def _place(error: BaseException, folder: pathlib.Path) -> str:
    """Where in the program, or in the component beside it, an error was raised."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if (path := pathlib.Path(frame.filename)).is_relative_to(folder)
        and not {"site-packages", "rehearsal"} & set(path.relative_to(folder).parts)
    ]
    return f" in {pathlib.Path(own[-1].filename).relative_to(folder)}, line {own[-1].lineno}" if own else ""
