"""The component for programs in any Pulumi language: a provider plugin that serves it and its schema.

It only hands over the component; what that is, auto_export and settings define.
"""

from pulumi.provider.experimental import component_provider_host

from . import __version__
from .auto_export import LustreBatchAutoExport

PACKAGE = "lustre-batch"


def main() -> None:
    """Serve the component to the engine; the wheel installs this as ``pulumi-resource-lustre-batch``."""
    component_provider_host([LustreBatchAutoExport], name=PACKAGE, version=__version__)
