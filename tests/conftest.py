"""What all tests share, and what makes them faster: botocore's models are read once for all accounts (its loader keeps
them for one session, and each account has its own), and garbage is looked for less often, which takes long among the
many objects of an account."""

from __future__ import annotations

import functools
import gc
from collections.abc import Iterator
from unittest import mock

import pytest
from botocore.loaders import JSONFileLoader


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    read = functools.cache(JSONFileLoader().load_file)
    with mock.patch.object(JSONFileLoader, "load_file", lambda loader, path: read(path)):
        yield


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
