"""The embedded AWS account. Owns starting and stopping it, wiring its models to each other, and putting all of them
back to an earlier state. It must never reach a real endpoint: while it is entered, every boto3 client of the process
talks to it."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from unittest import mock

import moto

from . import buckets, launch_templates, partitions, subnets, tables
from .batch.attempts import Attempts
from .batch.definitions import Definitions
from .batch.environments import Environment, Environments
from .batch.job import Job, log_group
from .batch.jobs import Jobs
from .batch.placement import Placement
from .batch.queues import Queue, Queues
from .batch.tags import Tags as BatchTags
from .batch.work import Work
from .buckets import Buckets
from .clock import ORIGIN
from .cloudwatch.service import CloudWatch
from .context import Context
from .deliveries import Deliveries
from .events import Events
from .fsx.associations import Associations
from .fsx.data_repository_tasks import DataRepositoryTasks
from .fsx.file_systems import FileSystem, FileSystems
from .fsx.tags import Tags as FsxTags
from .fsx.transfer import Transfer
from .functions import Functions
from .iam.authoriser import Authoriser
from .iam.bucket_access import BucketAccess
from .iam.simulator import Simulator
from .instances import Instances
from .launch_templates import LaunchTemplates
from .logs import Logs
from .plan import Tags
from .plans import Plans, RunPlans
from .quotas import Quotas
from .rates import Rates
from .schedules import Schedules
from .secrets import Secrets
from .states.corrections import corrected
from .states.executions import Execution, Executions
from .states.expressions import Evaluator
from .states.integrations import Integrations
from .table_reads import TableReads
from .tables import Tables
from .topics import Topics


@dataclass(frozen=True)
class Baseline:
    """A state of the account to come back to, as far as runs change it."""

    at: float
    environments: dict[str, Environment]
    queues: dict[str, Queue]
    launch_templates: launch_templates.Baseline
    tables: tables.Baseline
    buckets: buckets.Baseline


class Account:
    """`with Account() as account:` is one AWS account in one region."""

    def __init__(self, region: str = "us-east-1", start: float = ORIGIN) -> None:
        context = self.context = Context(region, start)
        self.region, self.account_id, self.partition = context.region, context.account_id, context.partition
        self.clock, self.calls, self.ids = context.clock, context.calls, context.ids

        # Whose plan applies is decided by whom a resource belongs to, which its tags say.
        self.plan_of: Callable[[Tags], RunPlans] = lambda tags: Plans()

        self.buckets = Buckets(context)
        self.logs = Logs(context)
        self.topics = Topics(context)
        Secrets(context)
        self.quotas = Quotas(context)
        self.instances = Instances(context)
        self.launch_templates = LaunchTemplates(context)
        self.tables = Tables(context)
        self.table_reads = TableReads(context, self.tables)
        self.rates = Rates(context, self.tables.units)
        self.functions = Functions(context)

        self.work = Work(context)
        self.file_systems = FileSystems(context, lambda tags: self.plan_of(tags).file_system)
        transfer = Transfer(self.buckets, self.logs)
        self.associations = Associations(
            context,
            self.file_systems,
            transfer,
            self.work.settle,
            lambda tags: self.plan_of(tags).association,
            lambda tags: self.plan_of(tags).export,
        )
        self.data_repository_tasks = DataRepositoryTasks(
            context,
            self.file_systems,
            self.associations,
            self.buckets,
            self.work.settle,
            lambda tags: self.plan_of(tags).task,
        )
        self._fsx_tags = FsxTags(
            context, self.file_systems.living, self.associations.living, self.data_repository_tasks.living
        )
        self.logs.before_reading = self.associations.settle
        self.file_systems.on_available = self.associations.work_on
        self.file_systems.on_deleting = self._file_system_gone
        self.file_systems.task_in_progress = self.data_repository_tasks.in_progress
        self.associations.on_import = self.data_repository_tasks.import_listing
        self.associations.bucket_refusal = BucketAccess(self.buckets).refusal
        Simulator(context)

        self.environments = Environments(
            context,
            lambda tags: self.plan_of(tags).compute_environment,
            lambda template: self.launch_templates.tags_of(f":launch-template/{template}"),
        )
        self.definitions = Definitions(context)
        self.queues = Queues(context, self.environments)
        self.placement = Placement(context, self.instances, self.environments, self.queues, self.file_systems)
        self.placement.quota_allows = self.quotas.allow
        self.attempts = Attempts(context, self.placement, self.associations, self.work)
        self.attempts.on_output = self._printed
        self.attempts.on_status = self._job_changed
        # Told the lines that a real job prints, when it does.
        self.listener: Callable[[list[str]], None] | None = None
        # Told of a job that is SUBMITTED, RUNNING or over.
        self.job_watcher: Callable[[Job], None] | None = None
        self.jobs = Jobs(
            context,
            self.definitions,
            self.queues,
            self.placement,
            self.attempts,
            lambda tags: self.plan_of(tags).job,
        )
        self._batch_tags = BatchTags(context, self.definitions, self.environments, self.queues, self.jobs)
        self.environments.on_valid = self.jobs.kick
        self.environments.on_eviction = self.jobs.evict
        self.environments.is_held = self.jobs.holds
        self.environments.queues_naming = self.queues.naming
        self.queues.on_deleting = self.jobs.queue_deleted

        self.evaluator = Evaluator()
        self.jitter = random.Random(0)
        self.integrations = Integrations(context)
        self.executions = Executions(context, self.evaluator, self.integrations)
        self.executions.transition_delay = self.rates.transition_delay
        self.integrations.nested.on_waited = self.rates.waited_for
        self.deliveries = Deliveries(context)
        self.events = Events(context, self.evaluator, self.deliveries)
        self.buckets.on_created = self._object_created
        self.schedules = Schedules(context, self.deliveries)

        self.cloudwatch = CloudWatch(
            context,
            self.file_systems,
            self.associations,
            self.executions,
            self.work.settle,
            lambda tags: self.plan_of(tags).metric,
        )
        self.executions.on_start = self.executions.on_end = self._execution_changed
        self.deliveries.on_buried = self.cloudwatch.queues.received

        self._stack = contextlib.ExitStack()
        # moto's list of machine images takes a second of every start-up, and nothing here looks at it.
        variables = {"AWS_DEFAULT_REGION": region, "AWS_REGION": region, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
        self._environment = mock.patch.dict(os.environ, variables)
        self._moto = moto.mock_aws(
            config={
                "core": {"reset_boto3_session": True},
                "iam": {"load_aws_managed_policies": True},
                "stepfunctions": {"execute_state_machine": True},
            }
        )

    def __enter__(self) -> Account:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._environment)
            stack.enter_context(self.clock)
            stack.enter_context(partitions.only(self.partition))
            stack.enter_context(subnets.default_in_the_default_vpc())
            stack.enter_context(self._moto)
            stack.enter_context(self.calls)
            stack.enter_context(corrected(self.clock, self.jitter))
            stack.callback(self.functions.close)
            stack.callback(self.file_systems.close)
            stack.callback(self.clock.clear)
            stack.callback(self.work.stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def client(self, service: str) -> Any:
        """The account's own boto3 client for that service, created once."""
        return self.context.client(service)

    def snapshot(self) -> Baseline:
        """The account as it is now, for `reset` to come back to."""
        return Baseline(
            at=self.clock.now(),
            environments=self.environments.snapshot(),
            queues=self.queues.snapshot(),
            launch_templates=self.launch_templates.snapshot(),
            tables=self.tables.snapshot(),
            buckets=self.buckets.snapshot(),
        )

    def reset(self, baseline: Baseline, plans: Plans, plan_of: Callable[[Tags], RunPlans] | None = None) -> None:
        """Put the account back to how it was, to behave as planned from then on; what a resource's tags say may lead
        to a plan of its own."""
        self.stop()
        self.plan_of = plan_of or (lambda tags: plans)
        self.clock.set(baseline.at)
        self.calls.reset(plans.faults)
        self.ids.reseed(plans.seed)
        self.buckets.reset(baseline.buckets)
        self.logs.reset()
        self.topics.reset()
        self.instances.reset()
        self.launch_templates.reset(baseline.launch_templates)
        self.tables.reset(baseline.tables)
        self.rates.reset()
        self.work.reset()
        self.file_systems.reset()
        self.associations.reset()
        self.data_repository_tasks.reset()
        self.environments.reset(baseline.environments)
        self.definitions.reset()
        self.queues.reset(plans.job_queue, baseline.queues)
        self.placement.reset()
        self.quotas.reset(plans.quota)
        self.jobs.reset()
        self.evaluator.reseed(plans.seed)
        self.jitter.seed(plans.seed)
        self.integrations.reset(plans.fsx_error_prefix)
        self.executions.reset()
        self.deliveries.reset()
        self.cloudwatch.reset()
        self.events.reset(plans.events)
        self.schedules.start()

    def authorise(self) -> None:
        """From now on, let a role make only those calls that its policies allow."""
        self.calls.authoriser = Authoriser(self.context, self._tags_of, self.associations.file_system_of)

    def _file_system_gone(self, file_system: FileSystem) -> None:
        """First the jobs that are at work on it end, then what is not in S3 is accounted for."""
        self.jobs.file_system_gone(file_system)
        self.associations.account_for(file_system)

    def _execution_changed(self, execution: Execution) -> None:
        self.cloudwatch.states.changed(execution)
        self.events.changed(execution)

    def _object_created(self, bucket: str, key: str, size: int) -> None:
        if self.buckets.sends_to_event_bridge(bucket):
            self.events.created(bucket, key, size)

    def _printed(self, job: Job, log_stream: str, lines: list[str]) -> None:
        for line in lines:
            self.logs.write(log_group(job), log_stream, line)
        if self.listener is not None:
            self.listener(lines)

    def _job_changed(self, job: Job) -> None:
        if self.job_watcher is not None:
            self.job_watcher(job)

    def stop(self) -> None:
        """End what is under way and what is planned; what has happened stays as it is, to be looked at."""
        self.work.stop()
        self.schedules.stop()
        self.clock.clear()
        self.calls.disarm()
        self.executions.watcher = None
        self.listener = self.job_watcher = None

    def _tags_of(self, arn: str) -> dict[str, str]:
        sources = {"fsx": self._fsx_tags.of, "batch": self._batch_tags.of, "ec2": self.launch_templates.tags_of}
        source = sources.get(arn.split(":")[2])
        return source(arn) if source is not None else {}
