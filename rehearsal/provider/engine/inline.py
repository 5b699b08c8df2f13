"""A Pulumi program that runs in this process under the real engine, which the Automation API calls an inline program: a
language host, whose address the engine is given."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import platform
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any
from unittest import mock

import grpc
import pulumi
from google.protobuf import empty_pb2
from lustre_batch.testing import event_loop
from pulumi.errors import RunError
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import run_in_stack

Program = Callable[[], None]


class _StoppedError(Exception):
    """The engine refused something that nothing in the program waits for any longer."""


def _stop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Stop at a refusal: the engine reports it, and whatever still waits for an answer would wait for ever."""
    if isinstance(context.get("exception"), grpc.RpcError):
        loop.stop()


def _complete(loop: asyncio.AbstractEventLoop, program: Coroutine[Any, Any, None]) -> None:
    main = loop.create_task(program)
    main.add_done_callback(lambda _: loop.stop())
    loop.run_forever()
    if not main.done():
        raise _StoppedError
    main.result()


class _Host(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs the program from the beginning for every operation."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.AboutResponse(executable=sys.executable, version=platform.python_version())

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPluginsResponse()

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version="0.0.0")

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        return contextvars.copy_context().run(self._run, request)

    def _run(self, request: Any) -> Any:
        reset_options(
            project=request.project,
            stack=request.stack,
            monitor_address=request.monitor_address,
            engine_address=request.args[0] if request.args else "",
            parallel=request.parallel,
            preview=request.dryRun,
            organization=request.organization or "organization",
        )
        set_all_config(dict(request.config), list(request.configSecretKeys))
        with event_loop(workers=16) as loop:
            loop.set_exception_handler(_stop)
            try:
                _complete(loop, run_in_stack(self._program))
            except (grpc.RpcError, _StoppedError):
                return language_pb2.RunResponse(bail=True)
            except RunError as error:
                return language_pb2.RunResponse(error=str(error))
            except Exception as error:
                return language_pb2.RunResponse(error=f"{type(error).__name__}: {error}")
        return language_pb2.RunResponse()


def _nothing(*message: Any, **more: Any) -> None:
    pass


@contextlib.contextmanager
def running(program: Program) -> Iterator[int]:
    """Start the host, and answer the local port that it listens on.

    The program sends no debug messages to the engine: each is a call that it waits for, and nobody is shown any.
    """
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=4))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(_Host(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with mock.patch.object(pulumi.log, "debug", _nothing):
            yield int(port)
    finally:
        server.stop(grace=None).wait()
