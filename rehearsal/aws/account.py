"""The embedded AWS account. Owns starting and stopping it: moto, the virtual clock, the interception of calls and our
models of what moto lacks. It must never reach a real endpoint: while it is entered, every boto3 client of the process
talks to it."""

from __future__ import annotations

import contextlib
import os
import random
from types import TracebackType
from typing import Any
from unittest import mock

import boto3
import moto

from .batch.attempts import Attempts
from .batch.definitions import Definitions
from .batch.environments import Environments
from .batch.jobs import Jobs
from .batch.queues import Queues
from .batch.tags import Tags
from .batch.work import Work
from .calls import Calls
from .clock import ORIGIN, Clock
from .cloudwatch import Metric
from .fsx.associations import Associations
from .fsx.file_systems import FileSystems
from .fsx.tasks import Tasks
from .functions import Functions
from .ids import Ids
from .log_keys import LogKeys
from .neighbours import Neighbours
from .states.corrections import corrected
from .states.executions import Executions
from .states.expressions import Evaluator

ACCOUNT_ID = "123456789012"


class Account:
    """`with Account() as account:` is one AWS account in one region."""

    def __init__(self, region: str = "us-east-1", start: float = ORIGIN) -> None:
        self.region = region
        self.account_id = ACCOUNT_ID
        self.partition = boto3.session.Session().get_partition_for_region(region)
        self.clock = Clock(start)
        self.calls = Calls()
        self.evaluator = Evaluator()
        self.jitter = random.Random(0)
        self.executions = Executions(self)
        self.functions = Functions(self)
        self.ids = Ids()
        self.neighbours = Neighbours(self)
        self.file_systems = FileSystems(self)
        self.associations = Associations(self)
        self.tasks = Tasks(self)
        self.metric = Metric(self)
        self.environments = Environments(self)
        self.definitions = Definitions(self)
        self.queues = Queues(self)
        self.jobs = Jobs(self)
        self.attempts = Attempts(self)
        self.work = Work(self)
        Tags(self.calls, self.environments, self.queues)
        LogKeys(self.calls, self.account_id, region)
        self._clients: dict[str, Any] = {}
        self._stack = contextlib.ExitStack()
        # A second of every start-up goes into moto's list of machine images otherwise; nothing here looks at it.
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
            stack.enter_context(self._moto)
            stack.enter_context(self.calls)
            stack.enter_context(corrected(self.clock, self.jitter))
            stack.callback(self.functions.close)
            stack.callback(self.clock.clear)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def client(self, service: str) -> Any:
        """The account's own boto3 client for that service, made once."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, region_name=self.region)
        return self._clients[service]

    def batch_tags(self, arn: str) -> dict[str, str]:
        """The tags of a Batch resource, by ARN."""
        definition = self.definitions.all.get(arn)
        if definition is not None:
            return dict(definition.get("tags", {}))
        environments = self.environments
        everything: list[Any] = [
            *self.jobs.all.values(),
            *environments.environments.values(),
            *self.queues.all.values(),
        ]
        return next((dict(thing.tags) for thing in everything if thing.arn == arn), {})
