"""The component for programs in any Pulumi language: a provider plugin that serves it and its schema.

It only hands over the component; what that is, auto_export and settings define.
"""

import sys

import pulumi
from pulumi.provider import ConstructResult
from pulumi.provider import main as serve
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from . import __version__
from .arguments import ArgumentsError
from .auto_export import LustreBatchAutoExport

PACKAGE = "lustre-batch"


class Provider(ComponentProvider):
    """Serves the component, and tells a wrong argument as Pulumi tells one: by its property, without a traceback."""

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Create the component.

        Raises
        ------
        InputPropertiesError
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if not isinstance(error.inner, ArgumentsError):
                raise
            told = [problem.partition(": ") for problem in error.inner.bare]
            raise pulumi.InputPropertiesError(
                "the arguments cannot be used", [{"property_path": key, "reason": reason} for key, _, reason in told]
            ) from None


def main() -> None:
    """Serve the component to the engine; the wheel installs this as ``pulumi-resource-lustre-batch``."""
    serve(Provider([LustreBatchAutoExport], PACKAGE, version=__version__), sys.argv[1:])
