"""An Amazon FSx for Lustre file system per AWS Batch run, as a Pulumi component."""

from importlib import metadata

from .args import LustreBatchAutoExportArgs
from .arguments import ArgumentsError
from .auto_export import LustreBatchAutoExport
from .naming import physical_name
from .settings import Settings
from .validation import SettingsError, read_config, read_settings

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

try:
    __version__ = metadata.version("lustre-batch")
except metadata.PackageNotFoundError:  # imported from a checkout that is not installed
    __version__ = "0.0.0"
