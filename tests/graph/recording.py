"""A program under Pulumi's mocks, and everything that it asked the engine for: registrations with their options, and
outputs. Records, and judges nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime import mocks, rpc

from rehearsal.provider.program import Program, QuietLog, Stack, run_main, run_under_mocks

PROJECT, STACK = "lustre-batch", "autoexport"
COMPONENT = "lustre-batch:index:LustreBatchAutoExport"


@dataclass(frozen=True)
class Place:
    """The account that the mocks stand for."""

    partition: str = "aws"
    region: str = "us-east-1"
    account_id: str = "123456789012"
    suffix: str = "amazonaws.com"
    zones: tuple[str, ...] = ("use1-az6", "use1-az1", "use1-az2")
    lacking: tuple[str, ...] = ()  # zones without any instance type
    default_tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Registration:
    """One registered resource: inputs by their camelCase names, and the options as the engine receives them."""

    type: str
    name: str
    inputs: dict[str, Any]
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
    """What a program registered and exported."""

    registrations: list[Registration] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)  # of components, by URN
    warnings: list[str] = field(default_factory=list)

    @property
    def children(self) -> list[Registration]:
        return [each for each in self.registrations if each.type.startswith("aws:")]

    def all(self, type_: str) -> list[Registration]:
        return [each for each in self.registrations if each.type == type_]

    def one(self, type_: str, name: str | None = None) -> Registration:
        found = [each for each in self.all(type_) if name is None or each.name == name]
        assert len(found) == 1, f"{type_} {name or ''}: {[each.name for each in self.all(type_)]}"
        return found[0]


# The forms of ARNs (Service Authorization Reference), by module and kind; for every other kind, the bare name.
_ARNS = {
    "batch/computeEnvironment": "batch:{scope}:compute-environment/{name}",
    "batch/jobQueue": "batch:{scope}:job-queue/{name}",
    "cloudwatch/logGroup": "logs:{scope}:log-group:{name}",
    "dynamodb/table": "dynamodb:{scope}:table/{name}",
    "ecr/repository": "ecr:{scope}:repository/{name}",
    "iam/instanceProfile": "iam::{account}:instance-profile/{name}",
    "iam/role": "iam::{account}:role/{name}",
    "lambda/function": "lambda:{scope}:function:{name}",
    "s3/bucket": "s3:::{name}",
    "secretsmanager/secret": "secretsmanager:{scope}:secret:{name}",
    "sfn/stateMachine": "states:{scope}:stateMachine:{name}",
}


def _offerings(place: Place, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Every family in one size, in every zone that lacks none."""
    patterns = [pattern for each in inputs.get("filters") or [] for pattern in each["values"]]
    found = [
        (pattern.replace("*", "8xlarge"), zone)
        for zone in place.zones
        if zone not in place.lacking
        for pattern in patterns
    ]
    return {"instanceTypes": [type_ for type_, _ in found], "locations": [zone for _, zone in found]}


class _Cloud(mocks.Mocks):
    """Answers what AWS would assign: ids, ARNs and physical names."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return None, dict(args.inputs)
        given, here = args.inputs, self.place
        suffix = hashlib.sha256(f"{args.typ} {args.name}".encode()).hexdigest()[:7]
        name = given.get("name") or given.get("bucket") or f"{given.get('namePrefix') or args.name + '-'}{suffix}"
        kind = args.typ.split(":")[1]
        form = _ARNS.get(kind, kind.split("/")[0] + ":{scope}:{name}")
        scope = f"{here.region}:{here.account_id}"
        arn = f"arn:{here.partition}:" + form.format(scope=scope, account=here.account_id, name=name)
        made = {"arn": arn, "name": name, "bucket": name, "allocationId": f"eipalloc-{suffix}"}
        made["repositoryUrl"] = f"{here.account_id}.dkr.ecr.{here.region}.{here.suffix}/{name}"
        return f"{name}-id", {**made, **{key: value for key, value in given.items() if value is not None}}

    def call(self, args: mocks.MockCallArgs) -> Any:
        here = self.place
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getRegion:getRegion": {"region": here.region, "name": here.region, "id": here.region},
            "aws:index/getPartition:getPartition": {"partition": here.partition, "dnsSuffix": here.suffix},
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": here.account_id},
            "aws:index/getDefaultTags:getDefaultTags": {"tags": dict(here.default_tags)},
            "aws:index/getAvailabilityZones:getAvailabilityZones": {"zoneIds": list(here.zones)},
            "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": _offerings(here, args.args),
        }
        return answers[args.token]


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which also keeps the options of every registration, and the outputs of stack and
    components."""

    def __init__(self, cloud: mocks.Mocks, graph: Graph) -> None:
        super().__init__(cloud)
        self.graph = graph

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self.graph.registrations.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    inputs=rpc.deserialize_properties(request.object),
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
            self.graph.exports = outputs
        else:
            self.graph.outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def record(
    program: Program,
    *,
    config: Mapping[str, str] | None = None,
    place: Place | None = None,
    preview: bool = False,
    stack: str = STACK,
    into: Graph | None = None,
) -> Graph:
    """Run a program in a stack of its own, and answer what it registered.

    In a preview the cloud makes nothing up: what AWS would assign is unknown, as it is to the real engine. A program
    that fails leaves in ``into`` what it had registered until then.
    """
    graph = Graph() if into is None else into
    cloud = _EmptyCloud(place or Place()) if preview else _Cloud(place or Place())
    run_under_mocks(
        program, _Monitor(cloud, graph), Stack(PROJECT, stack, config or {}, preview), QuietLog(graph.warnings)
    )
    return graph


def record_stack(config: Mapping[str, str] | None = None, **options: Any) -> Graph:
    """`record` for the repository's own program, whose configuration keys may omit the namespace."""
    named = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in (config or {}).items()}
    return record(run_main, config={"aws:region": "us-east-1"} | named, **options)


class _EmptyCloud(_Cloud):
    """The cloud of a preview: nothing exists yet."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return "", {key: value for key, value in args.inputs.items() if value is not None}
