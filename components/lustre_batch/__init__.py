"""An Amazon FSx for Lustre file system per AWS Batch run, as a Pulumi component."""

from .args import LustreBatchAutoExportArgs
from .auto_export import LustreBatchAutoExport
from .settings import Settings
from .validation import SettingsError, read_config, read_settings

__all__ = [
    "LustreBatchAutoExport",
    "LustreBatchAutoExportArgs",
    "Settings",
    "SettingsError",
    "read_config",
    "read_settings",
]
