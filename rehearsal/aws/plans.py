"""What a scenario may say about the account as a whole. Owns which plan goes under which key; each plan itself lies
beside the model that follows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .batch.environments import ComputeEnvironmentPlan
from .batch.job_plan import JobPlan
from .bucket_plan import BucketPlan, OtherBucketPlan
from .calls import Fault
from .events import EventsPlan
from .export_metric import MetricPlan
from .fsx.association import AssociationPlan
from .fsx.data_repository_tasks import DataRepositoryTaskPlan
from .fsx.export import ExportPlan
from .fsx.file_systems import FileSystemPlan
from .plan import Plan
from .quotas import QuotaPlan


class Plans(Plan):
    job: JobPlan = JobPlan()
    export: ExportPlan = ExportPlan()
    metric: MetricPlan = MetricPlan()
    file_system: FileSystemPlan = FileSystemPlan()
    association: AssociationPlan = AssociationPlan()
    bucket: BucketPlan = BucketPlan()
    buckets: list[OtherBucketPlan] = Field(default=[])
    """Other buckets that the stack may link (`inputBuckets`), and what is in them."""
    task: DataRepositoryTaskPlan = DataRepositoryTaskPlan()
    compute_environment: ComputeEnvironmentPlan = ComputeEnvironmentPlan()
    quota: QuotaPlan = QuotaPlan()
    faults: list[Fault] = Field(default=[])
    """API calls that fail."""
    events: EventsPlan = EventsPlan()
    seed: int = 0
    """What the ids and the jitter of retries follow from."""
    fsx_error_prefix: Literal["FSx", "Fsx"] = "FSx"  # AWS documents FSx, others have seen Fsx
    """`FSx` or `Fsx`: the prefix of FSx's errors in the state machine."""
