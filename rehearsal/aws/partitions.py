"""moto's notion of a partition, set right for an account that is in one of them. moto reads all of AWS's own managed
policies, over a thousand, once for every partition, and tells the partition of a request from its host name, which does
not name a region for IAM outside of the partition aws (iam.us-gov.amazonaws.com)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from moto.core import responses
from moto.iam.models import IAMBackend


@contextlib.contextmanager
def only(partition: str) -> Iterator[None]:
    """Let moto answer every request in this partition, and read the managed policies for no other."""
    read = IAMBackend._init_aws_policies

    def policies(backend: Any) -> Any:
        return read(backend) if backend.region_name == partition else []

    with (
        mock.patch.object(IAMBackend, "_init_aws_policies", policies),
        mock.patch.object(responses, "get_partition", return_value=partition),
    ):
        yield
