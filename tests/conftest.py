"""What all tests share: botocore reads each of its models once for all accounts, which takes most of an account's
time otherwise. Its loader keeps them for one session only, and each account has a session of its own."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.loaders import JSONFileLoader


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    read = functools.cache(JSONFileLoader().load_file)
    with mock.patch.object(JSONFileLoader, "load_file", lambda loader, path: read(path)):
        yield
