"""A Lambda function's one file, loaded as Lambda does: a module of its own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

FUNCTIONS = Path(__file__).parents[2] / "functions"


def loaded(package: str) -> ModuleType:
    """The handler of that function, in a module that no other test has."""
    spec = importlib.util.spec_from_file_location(f"{package}_handler", FUNCTIONS / package / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
