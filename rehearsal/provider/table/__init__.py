"""The table of resources: how each type that the program registers is created, read, updated and deleted in the
embedded account. Both drivers, Pulumi's mocks and the engine's provider, go through these functions, and none of them
knows which driver is asking."""

from __future__ import annotations

from .declared import UNKNOWN, Unknown, check_object, declared_properties, output_properties
from .kind import Aws, Failure, Kind, PartialError, Props, ResourceError, elsewhere
from .kinds import KINDS, check_inputs, kind_of, modelled, named
from .operations import create, delete, look_up, plain, read, update
from .replacements import REPLACES
from .tags import default_tags

__all__ = [
    "KINDS",
    "REPLACES",
    "UNKNOWN",
    "Aws",
    "Failure",
    "Kind",
    "PartialError",
    "Props",
    "ResourceError",
    "Unknown",
    "check_inputs",
    "check_object",
    "create",
    "declared_properties",
    "default_tags",
    "delete",
    "elsewhere",
    "kind_of",
    "look_up",
    "modelled",
    "named",
    "output_properties",
    "plain",
    "read",
    "update",
]
