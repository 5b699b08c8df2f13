"""What a test needs beside the Python packages, and what becomes of it without."""

from __future__ import annotations

import os

import pytest


def lacks(missing: str) -> None:
    """Skip a test, or a module of them, for want of this; in CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI no test may be skipped: {missing}")
    pytest.skip(missing)
