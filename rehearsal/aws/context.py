"""What every model of the account stands on. Owns the account's identity and place, its one clock, its switchboard of
calls and its source of identifiers. It knows no model, so a model that is handed a context can reach no other."""

from __future__ import annotations

from typing import Any

import boto3

from .calls import Calls
from .clock import ORIGIN, Clock
from .ids import Ids

ACCOUNT_ID = "123456789012"
# moto keeps the state of these services per partition, that of all others per region.
GLOBAL_SERVICES = {"iam", "s3"}


class Context:
    """One account in one region."""

    def __init__(self, region: str = "us-east-1", start: float = ORIGIN) -> None:
        self.region = region
        self.account_id = ACCOUNT_ID
        self.partition = boto3.session.Session().get_partition_for_region(region)
        self.clock = Clock(start)
        self.calls = Calls(self.clock.now)
        self.ids = Ids()
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The account's own boto3 client for that service, created once."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self.region)
        return self._clients[service]

    def backend(self, service: Any) -> Any:
        """moto's own state of that service, for what AWS does there without an API call."""
        from moto.backends import (
            get_backend,  # late: reading a scenario needs the plans, and so this module, but no moto
        )

        scope = self.partition if service in GLOBAL_SERVICES else self.region
        return get_backend(service)[self.account_id][scope]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource in this account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"
