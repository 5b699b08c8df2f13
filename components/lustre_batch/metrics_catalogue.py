"""Every metric that the dashboard shows, an alarm watches or the stack puts, and where it comes from: read from
metrics_catalogue.yaml.

Dashboard and alarms name metrics only; namespace and dimensions are from here, so that neither can ask for a metric
that nobody publishes.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .templates import read_data

NAMESPACE = "LustreBatch"


@dataclass(frozen=True)
class Metric:
    """One metric, with placeholders where its dimensions depend on the stack."""

    name: str
    namespace: str
    dimensions: Mapping[str, str | None]
    """None: any value."""
    unit: str
    statistics: tuple[str, ...]
    """Those that make sense."""
    source: str
    """The guide and page; or run, clean-up or sweep, which put it."""
    meaning: str

    @property
    def is_searched(self) -> bool:
        """Whether no stack knows its dimensions: file systems live for one run only."""
        return None in self.dimensions.values()


@functools.cache
def catalogue() -> dict[str, Metric]:
    """By name."""
    return {
        name: Metric(
            name=name,
            namespace=group["namespace"],
            dimensions=group["dimensions"],
            # YAML reads the unit that CloudWatch calls None as text.
            unit=described["unit"],
            statistics=tuple(described["statistics"]),
            source=group["from"],
            meaning=described["meaning"],
        )
        for group in entries("metrics_catalogue")
        for name, described in group["metrics"].items()
    }


def metric(name: str, statistic: str) -> Metric:
    """The metric of that name, of which that statistic makes sense.

    Raises
    ------
    LookupError
    """
    found = catalogue().get(name)
    if found is None or statistic not in found.statistics:
        raise LookupError(f"metrics_catalogue.yaml has no {statistic} of {name}")
    return found


def entries(name: str) -> Any:
    """A data file of the package that is YAML."""
    return yaml.safe_load(read_data(f"{name}.yaml"))
