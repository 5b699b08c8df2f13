"""The embedded AWS account. Owns starting and stopping it: moto, the virtual clock, the interception of calls and our
models of what moto lacks. It must never reach a real endpoint: while it is entered, every boto3 client of the process
talks to it."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any
from unittest import mock

import boto3
import moto

from .calls import Calls
from .clock import ORIGIN, Clock

ACCOUNT_ID = "123456789012"


class Account:
    """`with Account() as account:` is one AWS account in one region."""

    def __init__(self, region: str = "us-east-1", start: float = ORIGIN) -> None:
        self.region = region
        self.account_id = ACCOUNT_ID
        self.partition = boto3.session.Session().get_partition_for_region(region)
        self.clock = Clock(start)
        self.calls = Calls()
        self._clients: dict[str, Any] = {}
        self._environment = mock.patch.dict(os.environ, {"AWS_DEFAULT_REGION": region, "AWS_REGION": region})
        self._moto = moto.mock_aws(
            config={"stepfunctions": {"execute_state_machine": True}, "core": {"reset_boto3_session": True}}
        )

    def __enter__(self) -> Account:
        self._environment.start()
        self.clock.__enter__()
        self._moto.start()
        self.calls.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clock.clear()
        self.calls.uninstall()
        self._moto.stop()
        self.clock.__exit__()
        self._environment.stop()

    def client(self, service: str) -> Any:
        """The account's own boto3 client for that service, made once."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self.region)
        return self._clients[service]
