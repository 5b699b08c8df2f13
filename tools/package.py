"""Modules of the package, without the package around them."""

import importlib
import sys
import types
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "components" / "lustre_batch"


def described(module: str) -> Any:
    """A module of the package: importing the package itself takes seconds, and needs args.py, which is made here."""
    if "_described" not in sys.modules:
        package = types.ModuleType("_described")
        package.__path__ = [str(FOLDER)]
        sys.modules["_described"] = package
    return importlib.import_module(f"_described.{module}")
