"""An Amazon FSx for Lustre file system per AWS Batch run, as a Pulumi component.

What the package offers is imported when it is asked for: Pulumi's resources take seconds, which the command and the
tests of single modules do without.
"""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .args import LustreBatchAutoExportArgs
    from .arguments import ArgumentsError
    from .auto_export import LustreBatchAutoExport
    from .naming import physical_name
    from .settings import Settings
    from .validation import SettingsError, read_config, read_settings

    __version__: str

_HOMES = {
    "ArgumentsError": "arguments",
    "LustreBatchAutoExport": "auto_export",
    "LustreBatchAutoExportArgs": "args",
    "Settings": "settings",
    "SettingsError": "validation",
    "physical_name": "naming",
    "read_config": "validation",
    "read_settings": "validation",
}

__all__ = [
    "ArgumentsError",
    "LustreBatchAutoExport",
    "LustreBatchAutoExportArgs",
    "Settings",
    "SettingsError",
    "__version__",
    "physical_name",
    "read_config",
    "read_settings",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _version() -> str:
    try:
        return metadata.version("lustre-batch")
    except metadata.PackageNotFoundError:  # imported from a checkout that is not installed
        return "0.0.0"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
