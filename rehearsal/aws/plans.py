"""What a scenario may say about the account. Owns which plan goes under which key, and which of them each run may have
of its own; each plan itself lies beside the model that follows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .batch.environments import ComputeEnvironmentPlan
from .batch.job_plan import JobPlan
from .batch.queues import JobQueuePlan
from .bucket_plan import BucketPlan, OtherBucketPlan
from .calls import Fault
from .cloudwatch.fsx import MetricPlan
from .events import EventsPlan
from .fsx.association import AssociationPlan
from .fsx.data_repository_tasks import DataRepositoryTaskPlan
from .fsx.export import ExportPlan
from .fsx.file_systems import FileSystemPlan
from .plan import Plan
from .quotas import QuotaPlan


class RunPlans(Plan):
    """What may be planned for one run apart from the others: for what it creates, and for what is done to that."""

    job: JobPlan = JobPlan()
    export: ExportPlan = ExportPlan()
    metric: MetricPlan = MetricPlan()
    file_system: FileSystemPlan = FileSystemPlan()
    association: AssociationPlan = AssociationPlan()
    task: DataRepositoryTaskPlan = DataRepositoryTaskPlan()
    compute_environment: ComputeEnvironmentPlan = ComputeEnvironmentPlan()


class Plans(RunPlans):
    """The same for every run that has no plan of its own, and what there is once in an account."""

    bucket: BucketPlan = BucketPlan()
    buckets: list[OtherBucketPlan] = Field(default=[])
    """Other buckets that the stack may link (`inputBuckets`), and what is in them."""
    job_queue: JobQueuePlan = JobQueuePlan()
    quota: QuotaPlan = QuotaPlan()
    faults: list[Fault] = Field(default=[])
    """API calls that fail."""
    events: EventsPlan = EventsPlan()
    seed: int = 0
    """What the ids and the jitter of retries follow from."""
    fsx_error_prefix: Literal["FSx", "Fsx"] = "FSx"  # AWS documents FSx, others have seen Fsx
    """`FSx` or `Fsx`: the prefix of FSx's errors in the state machine."""
