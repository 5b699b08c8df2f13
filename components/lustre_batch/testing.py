"""Unit tests of programs with the component: mocks that answer what AWS would assign, and a record of what a program
asked the engine for.

It needs Pulumi and nothing else: no engine, no account. It records, and judges nothing; what a run would do to the data
it does not know, the rehearsal does.
"""

import asyncio
import contextlib
import contextvars
import hashlib
import logging
import os
import runpy
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack

# The forms of ARNs (Service Authorization Reference), by module and kind; for every other kind, the bare name.
_ARNS: Final = {
    "batch/computeEnvironment": "batch:{scope}:compute-environment/{name}",
    "batch/jobQueue": "batch:{scope}:job-queue/{name}",
    "cloudwatch/eventRule": "events:{scope}:rule/{name}",
    "cloudwatch/dashboard": "cloudwatch::{account}:dashboard/{name}",
    "cloudwatch/logGroup": "logs:{scope}:log-group:{name}",
    "cloudwatch/metricAlarm": "cloudwatch:{scope}:alarm:{name}",
    "dynamodb/table": "dynamodb:{scope}:table/{name}",
    "ecr/repository": "ecr:{scope}:repository/{name}",
    "iam/instanceProfile": "iam::{account}:instance-profile/{name}",
    "iam/policy": "iam::{account}:policy/{name}",
    "iam/role": "iam::{account}:role/{name}",
    "kms/key": "kms:{scope}:key/{name}",
    "lambda/function": "lambda:{scope}:function:{name}",
    "s3/bucket": "s3:::{name}",
    "scheduler/schedule": "scheduler:{scope}:schedule/default/{name}",
    "secretsmanager/secret": "secretsmanager:{scope}:secret:{name}",
    "sfn/stateMachine": "states:{scope}:stateMachine:{name}",
}


_TRIES: Final = 10  # to end what a program left unfinished, a second each


@dataclass(frozen=True)
class Mocks(pulumi.runtime.Mocks):
    """Answers for an account that does not exist: ids, ARNs and names of resources, and what the component looks up.

    For `record`, or for `pulumi.runtime.set_mocks`. Of a lookup that it does not know it answers the arguments; extend
    `call` for more.
    """

    partition: str = "aws"
    region: str = "us-east-1"
    account_id: str = "123456789012"
    suffix: str = "amazonaws.com"
    zones: tuple[str, ...] = ("use1-az6", "use1-az1", "use1-az2")
    lacking: tuple[str, ...] = ()
    """Zones without any instance type."""
    default_tags: tuple[tuple[str, str], ...] = ()

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """What AWS would assign; nothing of it in a preview, in which it is as unknown as to the real engine."""
        given = {key: value for key, value in args.inputs.items() if value is not None}
        if not args.custom:
            return None, given
        if pulumi.runtime.is_dry_run():
            return "", given
        suffix = hashlib.sha256(f"{args.typ} {args.name}".encode()).hexdigest()[:7]
        name = (
            given.get("name")
            or given.get("bucket")
            or given.get("dashboardName")
            or f"{given.get('namePrefix') or args.name + '-'}{suffix}"
        )
        kind = args.typ.split(":")[1]
        form = _ARNS.get(kind, kind.split("/")[0] + ":{scope}:{name}")
        scope = f"{self.region}:{self.account_id}"
        made = {
            "arn": f"arn:{self.partition}:" + form.format(scope=scope, account=self.account_id, name=name),
            "name": name,
            "bucket": name,
            "allocationId": f"eipalloc-{suffix}",
            "repositoryUrl": f"{self.account_id}.dkr.ecr.{self.region}.{self.suffix}/{name}",
        }
        return f"{name}-id", made | given

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        """The answer to a lookup."""
        return self._answer(args.token, args.args), []

    def _answer(self, lookup: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        match lookup:
            case "aws:index/getRegion:getRegion":
                return {"region": self.region, "name": self.region, "id": self.region}
            case "aws:index/getPartition:getPartition":
                return {"partition": self.partition, "dnsSuffix": self.suffix}
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": self.account_id}
            case "aws:index/getDefaultTags:getDefaultTags":
                return {"tags": dict(self.default_tags)}
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                return {"zoneIds": list(self.zones)}
            case "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings":
                return self._offerings(asked)
            case _:
                return dict(asked)

    def _offerings(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Every family in one size, in every zone that lacks none."""
        patterns = [pattern for each in asked.get("filters") or [] for pattern in each["values"]]
        zones = [zone for zone in self.zones if zone not in self.lacking]
        found = [(pattern.replace("*", "8xlarge"), zone) for zone in zones for pattern in patterns]
        return {"instanceTypes": [type_ for type_, _ in found], "locations": [zone for _, zone in found]}


@dataclass(frozen=True)
class Registration:
    """One registered resource: inputs, and what the mocks made of them, by their camelCase names; and the options as
    the engine receives them."""

    type: str
    name: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    urn: str
    parent: str
    provider: str
    depends_on: list[str]
    ignore_changes: list[str]
    replace_on_changes: list[str]
    protect: bool
    retain_on_delete: bool
    aliases: list[str]

    def text(self, key: str) -> str:
        """An input that is text, possibly secret."""
        value = self.inputs[key]
        text = value["value"] if isinstance(value, dict) else value
        assert isinstance(text, str)
        return text


@dataclass
class Graph:
    """What a program registered, exported and warned of."""

    registrations: list[Registration] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of components, by URN."""
    warnings: list[str] = field(default_factory=list)

    @property
    def children(self) -> list[Registration]:
        """The resources of the AWS provider."""
        return [each for each in self.registrations if each.type.startswith("aws:")]

    def all(self, type_: str) -> list[Registration]:
        """The resources of a type, such as ``aws:s3/bucket:Bucket``."""
        return [each for each in self.registrations if each.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        """The one resource of a type, or the one that has this name as well."""
        found = [each for each in self.all(type_) if name is None or each.name == name]
        assert len(found) == 1, f"{type_} {name or ''}: {[each.name for each in self.all(type_)]}"
        return found[0]


def record(
    program: Callable[[], Any] | str | os.PathLike[str],
    *,
    config: Mapping[str, str] | None = None,
    mocks: pulumi.runtime.Mocks | None = None,
    preview: bool = False,
    project: str = "project",
    stack: str = "stack",
    into: Graph | None = None,
) -> Graph:
    """Run a program, a function or the folder of a ``__main__.py``, and answer what it registered and exported.

    Configuration is text, as the engine hands it over, lists and maps as JSON; a key without a namespace is the
    project's. A program that fails raises what it failed with, and leaves in ``into`` what it had registered until
    then. Nothing of it is left in the process.
    """
    graph = Graph() if into is None else into
    cloud = Mocks() if mocks is None else mocks
    run = program if callable(program) else lambda: runpy.run_path(os.fspath(program), run_name="__main__")
    named = {key if ":" in key else f"{project}:{key}": value for key, value in (config or {}).items()}

    def settled() -> None:
        set_root_resource(object())  # type: ignore[arg-type]  # the program makes one of its own
        pulumi.runtime.set_mocks(
            cloud,
            project=project,
            stack=stack,
            preview=preview,
            logger=QuietLog(graph.warnings),
            monitor=_Monitor(cloud, graph),
        )
        set_root_resource(None)  # type: ignore[arg-type]
        set_all_config(named, [])
        _run(run)

    contextvars.copy_context().run(settled)
    return graph


def _run(program: Callable[[], Any]) -> None:
    """Run the program in an event loop of its own; what it left unfinished ends with it."""
    # As pulumi.runtime.test does: what an earlier program left is nothing to wait for.
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    with event_loop(workers=1) as loop:  # one: the order of registrations is the program's
        loop.set_exception_handler(lambda *_: None)  # what fails beside the first failure, which is raised
        loop.run_until_complete(run_in_stack(lambda: (program(), None)[1]))


@contextlib.contextmanager
def event_loop(workers: int) -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for one run of a program; what the program left unfinished ends with it."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        loop = asyncio.new_event_loop()
        loop.set_default_executor(pool)
        try:
            yield loop
        finally:
            for _ in range(_TRIES):
                # All of them first: one may wait for another. Who answers with more waiting is told again.
                if not (left := asyncio.all_tasks(loop)):
                    break
                for task in left:
                    task.cancel()
                with contextlib.suppress(BaseException):
                    loop.run_until_complete(asyncio.wait(left, timeout=1))
            loop.close()


class QuietLog(logging.Logger):
    """Where Pulumi's mock engine logs. Warnings are kept for whoever asks, and not printed. What fails is raised as
    well, so errors are not repeated here."""

    def __init__(self, warnings: list[str]) -> None:
        super().__init__("lustre_batch.testing")
        self._warnings = warnings

    def warning(self, msg: object, *_: Any, **__: Any) -> None:
        self._warnings.append(str(msg))

    def error(self, *_: Any, **__: Any) -> None:
        return


class _Monitor(MockMonitor):
    """Pulumi's mock monitor, which also keeps the options of every registration, and the outputs of stack and
    components; and which refuses, as the engine does, what would have the URN of another."""

    def __init__(self, cloud: pulumi.runtime.Mocks, graph: Graph) -> None:
        super().__init__(cloud)
        self._graph = graph

    def RegisterResource(self, request: Any) -> Any:
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self.resources:
            raise pulumi.RunError(
                f"{request.type}: two have the name {request.name!r}; give each a name of its own (duplicate URN {urn})"
            )
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self._graph.registrations.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    inputs=rpc.deserialize_properties(request.object),
                    outputs=dict(self.resources[urn].state),
                    urn=response.urn,
                    parent=request.parent,
                    provider=request.provider,
                    depends_on=list(request.dependencies),
                    ignore_changes=list(request.ignoreChanges),
                    replace_on_changes=list(request.replaceOnChanges),
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                    aliases=[alias.urn or alias.spec.name for alias in request.aliases],
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = dict(rpc.deserialize_properties(request.outputs))
        # A component's URN contains the stack's type as well, as the type of its parent.
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self._graph.exports = outputs
        else:
            self._graph.outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]
