"""The `aws` provider that the Pulumi engine talks to, over the embedded account. Owns Pulumi's provider protocol:
check, diff, read, create, update, delete and data sources. Requests share one virtual clock and are answered one at a
time."""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib.metadata
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from pulumi_aws import ProviderArgs

from .. import table as resources
from ..table import Kind, PartialError, Props, ResourceError
from . import planning, wire
from .diff import DEFAULTS, TAINTED, changes, delete_first

_MESSAGE_BYTES = 400 * 1024 * 1024  # as Pulumi's own SDKs


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves every provider instance of a program. The engine opens a connection for each, which tells them apart."""

    def __init__(self, account: resources.Aws, folder: pathlib.Path) -> None:
        self._account = account
        self._folder = folder
        self._configured: dict[str, Props] = {}
        self._turn = threading.Lock()
        # Called with the operation and the resource's URN before each change; may refuse it with a ResourceError.
        self.before: Callable[[str, str], None] = lambda operation, urn: None

    # --- the provider itself

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi_aws"))

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        given = {name: value for name, value in wire.decode(request.news).items() if name != "version"}
        parsed = {name: planning.parsed(value) for name, value in given.items()}
        failures = [
            provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
            for failure in resources.check_object(ProviderArgs, parsed)
        ]
        region = parsed.get("region")
        if isinstance(region, str) and region != self._account.region:
            failures.append(_foreign(self._account.region, region))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = wire.decode(request.olds), wire.decode(request.news)
        differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return provider_pb2.DiffResponse(
            changes=_some(bool(differing)),
            diffs=differing,
            replaces=[name for name in differing if name == "region"],
        )

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._configured[context.peer()] = wire.decode(request.args)
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def _default_tags(self, context: grpc.ServicerContext) -> dict[str, str]:
        return resources.default_tags(self._configured.get(context.peer(), {}))

    # --- resources

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("checking", request.urn, context):
            kind = _kind(request.urn)
            olds, news = wire.decode(request.olds), wire.decode(request.news)
            named = resources.named(kind, _name(request.urn), news, request.randomSeed, planning.autonamed(kind, olds))
            failures = resources.check_inputs(kind, wire.unpack(named, self._folder))
            if kind.naming and kind.naming.key not in news and kind.naming.key in named:
                named[DEFAULTS] = [kind.naming.key]
            region = named.get("region")
            found = [provider_pb2.CheckFailure(property=each.property, reason=each.reason) for each in failures]
            if isinstance(region, str) and region != self._account.region:
                found.append(_foreign(self._account.region, region))
            return provider_pb2.CheckResponse(inputs=wire.encode(named), failures=found)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("diffing", request.urn, context):
            kind = _kind(request.urn)
            olds, news = wire.decode(request.olds), wire.decode(request.news)
            found = changes(kind, olds, news, list(request.ignoreChanges), self._default_tags(context))
            return provider_pb2.DiffResponse(
                changes=_some(bool(found)),
                diffs=list(dict.fromkeys(change.top for change in found)),
                replaces=list(dict.fromkeys(change.top for change in found if change.replaces)),
                deleteBeforeReplace=delete_first(kind, olds, news),
                hasDetailedDiff=True,
                detailedDiff={
                    change.path: provider_pb2.PropertyDiff(
                        kind=provider_pb2.PropertyDiff.Kind.Value(
                            f"{change.kind}_REPLACE" if change.replaces else change.kind
                        )
                    )
                    for change in found
                },
            )

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("creating", request.urn, context):
            kind, news = _kind(request.urn), wire.decode(request.properties)
            if request.preview:
                return provider_pb2.CreateResponse(properties=wire.encode(planning.planned(kind, news, {})))
            self.before("create", request.urn)
            try:
                identity, outputs = resources.create(
                    self._account, kind, self._inputs(news), self._default_tags(context)
                )
            except PartialError as error:
                state = {**wire.repacked(error.state, news), TAINTED: True}
                _fail_partly(context, f"creating {_name(request.urn)}: {error}", error.identity, state, news)
            return provider_pb2.CreateResponse(id=identity, properties=wire.encode(wire.repacked(outputs, news)))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("reading", request.urn, context):
            kind, state, inputs = _kind(request.urn), wire.decode(request.properties), wire.decode(request.inputs)
            found = resources.read(self._account, kind, request.id, state or planning.identified(kind, request.id))
            if found is None:
                return provider_pb2.ReadResponse()
            actual = wire.repacked(found, state)
            if TAINTED in state:
                actual[TAINTED] = True
            return provider_pb2.ReadResponse(
                id=request.id,
                properties=wire.encode(actual),
                inputs=wire.encode(planning.refreshed(kind, inputs, actual)),
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("updating", request.urn, context):
            kind, olds, news = _kind(request.urn), wire.decode(request.olds), wire.decode(request.news)
            news = planning.keeping(news, olds, list(request.ignoreChanges))
            if request.preview:
                return provider_pb2.UpdateResponse(properties=wire.encode(planning.planned(kind, news, olds)))
            self.before("update", request.urn)
            outputs = resources.update(
                self._account,
                kind,
                request.id,
                self._inputs(news),
                wire.unpack(olds, self._folder),
                self._default_tags(context),
                changed={change.top for change in changes(kind, olds, news, list(request.ignoreChanges))},
            )
            return provider_pb2.UpdateResponse(properties=wire.encode(wire.repacked(outputs, news)))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("deleting", request.urn, context):
            self.before("delete", request.urn)
            state = wire.unpack(wire.decode(request.properties), self._folder)
            resources.delete(self._account, _kind(request.urn), request.id, state)
            return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._spoken("calling", request.tok, context):
            inputs = wire.decode(request.args)
            answer = resources.look_up(self._account, request.tok, inputs, self._default_tags(context))
            return provider_pb2.InvokeResponse(**{"return": wire.encode(answer)})

    # --- helpers

    def _inputs(self, news: Props) -> Props:
        own = {name: value for name, value in news.items() if not name.startswith("__")}
        unpacked: Props = wire.unpack(own, self._folder)
        return unpacked

    @contextlib.contextmanager
    def _spoken(self, doing: str, urn: str, context: grpc.ServicerContext) -> Iterator[None]:
        """One request at a time; a refusal names the resource."""
        with self._turn:
            try:
                yield
            except ResourceError as error:
                context.abort(grpc.StatusCode.UNKNOWN, f"{doing} {_name(urn)}: {error}")


def _kind(urn: str) -> Kind:
    return resources.kind_of(urn.split("::")[2].rpartition("$")[2])


def _some(changed: bool) -> Any:
    return provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE


def _foreign(here: str, there: str) -> Any:
    return provider_pb2.CheckFailure(property="region", reason=resources.elsewhere(here, there))


def _fail_partly(context: grpc.ServicerContext, message: str, identity: str, state: Props, inputs: Props) -> NoReturn:
    """Tell the engine that the resource exists but is incomplete, so that the engine records it."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=identity, properties=wire.encode(state), reasons=[message], inputs=wire.encode(inputs)
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


@contextlib.contextmanager
def serving(account: resources.Aws, folder: pathlib.Path) -> Iterator[tuple[Provider, int]]:
    """Start the provider, and answer it with the local port that it listens on."""
    provider = Provider(account, folder)
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=8), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield provider, port
    finally:
        server.stop(grace=None).wait()
