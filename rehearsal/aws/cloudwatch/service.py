"""CloudWatch as a whole: who publishes, who reads, and the alarms that are told of every datapoint."""

from __future__ import annotations

from collections.abc import Callable

from ..context import Context
from ..fsx.associations import Associations
from ..fsx.file_systems import FileSystems
from ..plan import Tags
from ..states.executions import Executions
from .alarms import Alarms
from .custom import CustomMetrics
from .dashboards import Dashboards
from .fsx import FsxMetrics, MetricPlan
from .metrics import Metrics
from .queues import QueueMetrics
from .states import StatesMetrics


class CloudWatch:
    """Answers cloudwatch."""

    def __init__(
        self,
        context: Context,
        file_systems: FileSystems,
        associations: Associations,
        executions: Executions,
        settle_writers: Callable[[float], None],
        plan_of: Callable[[Tags], MetricPlan],
    ) -> None:
        self.fsx = FsxMetrics(context, file_systems, associations, settle_writers, plan_of)
        self.states = StatesMetrics(context.clock, executions)
        self.queues = QueueMetrics(context)
        self.custom = CustomMetrics(context)
        sources = (self.fsx, self.states, self.queues, self.custom)
        Metrics(context, self.custom, sources)
        Dashboards(context)
        self.alarms = Alarms(context, sources)
        self.states.told = self.queues.told = self.custom.told = self.alarms.told

    def reset(self) -> None:
        self.custom.reset()
        self.alarms.reset()
