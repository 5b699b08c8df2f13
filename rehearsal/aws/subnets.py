"""Subnets as EC2 makes them. moto takes the first one of a zone for a default subnet, whose instances get public
addresses; in EC2 those of the default VPC alone are (VPC guide, default subnets)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

from moto.ec2.models.subnets import SubnetBackend


@contextlib.contextmanager
def default_in_the_default_vpc() -> Iterator[None]:
    """Let moto create subnets without public addresses, whichever comes first, in any VPC but the default one."""
    create = SubnetBackend.create_subnet

    def created(backend: Any, *arguments: Any, **named: Any) -> Any:
        subnet = create(backend, *arguments, **named)
        if not backend.get_vpc(subnet.vpc_id).is_default:
            subnet.default_for_az = subnet.map_public_ip_on_launch = False
        return subnet

    with mock.patch.object(SubnetBackend, "create_subnet", created):
        yield
