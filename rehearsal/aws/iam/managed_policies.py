"""AWS's own managed policies. moto reads all of them, over a thousand, once for every partition; an account needs those
of its own partition."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from moto.iam.models import IAMBackend


@contextlib.contextmanager
def in_partition(partition: str) -> Iterator[None]:
    """Let moto read the managed policies for this partition only."""
    read = IAMBackend._init_aws_policies

    def policies(backend: Any) -> Any:
        return read(backend) if backend.region_name == partition else []

    with mock.patch.object(IAMBackend, "_init_aws_policies", policies):
        yield
