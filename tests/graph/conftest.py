"""The graph of the repository's own program without any configuration, recorded once for the tests that only read
it."""

from __future__ import annotations

import pytest

from tests.graph.recording import Graph, record_stack


@pytest.fixture(scope="session")
def graph() -> Graph:
    return record_stack()
