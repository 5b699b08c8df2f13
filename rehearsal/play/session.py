"""A deployed stack that scenarios are played on. Owns the order of a rehearsal: put the account back to how the
deployment left it, start the execution, do to it what the scenario says, wait until everything has come to rest. It
must never judge: the verdict is made from what it leaves."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends

from ..aws.account import Account
from ..aws.calls import Fault, internally
from ..aws.iam import requests
from ..aws.states import naming
from ..aws.states.executions import Execution
from .scenario import Scenario

# No run may take longer; a job may take weeks.
LONGEST_SECONDS = 400 * 86400.0
# What goes on by itself after the last execution ended (deletions that were asked for, terminated jobs).
REST_SECONDS = 900.0


@dataclass
class Played:
    """One scenario, played."""

    scenario: Scenario
    exports: dict[str, Any]
    executions: list[Execution]
    began: float
    ended: float
    wall_seconds: float
    api_calls: dict[str, int]
    undelivered: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def first(self) -> Execution:
        return self.executions[0]


class Session:
    """Plays scenarios on one deployed stack, each from the same start."""

    def __init__(self, account: Account, exports: dict[str, Any]) -> None:
        self.account = account
        self.exports = exports
        account.clock.advance(60)
        self._baseline = Baseline(account)

    def play(self, scenario: Scenario, watcher: Callable[[Execution, str, str], None] | None = None) -> Played:
        began_wall = time.perf_counter()
        account, clock = self.account, self.account.clock
        self._baseline.restore(scenario)
        account.executions.watcher = watcher
        began = clock.now()
        arn = self._start(scenario.input)
        if scenario.execution.abort_at is not None:
            clock.after(scenario.execution.abort_at, lambda: self._abort(arn))
        self._rest()
        if scenario.execution.reclaim:
            self._reclaim()
        return Played(
            scenario=scenario,
            exports=self.exports,
            executions=list(account.executions.all.values()),
            began=began,
            ended=max(one.stopped or clock.now() for one in account.executions.all.values()),
            wall_seconds=time.perf_counter() - began_wall,
            api_calls=dict(sorted(account.calls.counts.items())),
            undelivered=list(account.executions.events.undelivered),
            messages=self._baseline.messages(),
        )

    def new_templates(self) -> list[str]:
        """Launch templates that runs made and that are still there."""
        return self._baseline.new_templates()

    def ever_templates(self) -> set[str]:
        """Every launch template an environment may name that the deployment did not make."""
        named = [one.resources.get("launchTemplate", {}) for one in self.account.environments.environments.values()]
        return {str(template["launchTemplateId"]) for template in named if template.get("launchTemplateId")} - set(
            self._baseline.templates
        )

    def _start(self, content: dict[str, Any]) -> str:
        with internally():
            answer = self.account.client("stepfunctions").start_execution(
                stateMachineArn=self.exports["stateMachineArn"], input=json.dumps(content)
            )
        return str(answer["executionArn"])

    def _abort(self, arn: str) -> None:
        with internally():
            self.account.client("stepfunctions").stop_execution(executionArn=arn)

    def _rest(self) -> None:
        clock, executions = self.account.clock, self.account.executions.all
        limit = clock.now() + LONGEST_SECONDS

        def ended() -> bool:
            return all(one.status != "RUNNING" for one in executions.values())

        while True:
            known = len(executions)
            if not clock.run(limit, stop=ended):
                return
            clock.run(clock.now() + REST_SECONDS, stop=lambda: not ended())
            if ended() and len(executions) == known:
                return

    def _reclaim(self) -> None:
        for file_system in self.account.file_systems.living():
            self._start({"reclaim": file_system.id})
            self._rest()


class Baseline:
    """What the deployment left, to come back to before each scenario."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._at = account.clock.now()
        self._environments = account.environments.snapshot()
        self._queues = account.queues.snapshot()
        self.templates = set(self._ec2.launch_templates)
        self._objects = {name: len(bucket.keys) for name, bucket in self._s3.buckets.items()}
        account.calls.authoriser = Authoriser(account)

    @property
    def _ec2(self) -> Any:
        return ec2_backends[self.account.account_id][self.account.region]

    @property
    def _s3(self) -> Any:
        return s3_backends[self.account.account_id][self.account.partition]

    @property
    def _topics(self) -> list[Any]:
        return list(sns_backends[self.account.account_id][self.account.region].topics.values())

    def restore(self, scenario: Scenario) -> None:
        account = self.account
        account.executions.reset()
        account.work.reset(scenario)
        naming.PREFIXES["fsx"] = scenario.fsx_error_prefix
        account.clock.set(self._at)
        account.calls.reset([Fault(**fault.model_dump()) for fault in scenario.faults])
        account.ids.reseed(scenario.seed)
        account.evaluator.reseed(scenario.seed)
        account.jitter.seed(scenario.seed)
        account.neighbours.reset()
        account.file_systems.reset(scenario)
        account.associations.reset(scenario)
        account.tasks.reset(scenario)
        account.metric.reset(scenario)
        account.jobs.reset(scenario)
        account.definitions.reset()
        account.environments.reset(scenario, self._environments)
        account.queues.reset(self._queues)
        account.attempts.scenario = scenario
        for identifier in self.new_templates():
            template = self._ec2.launch_templates.pop(identifier)
            self._ec2.launch_template_name_to_ids.pop(template.name, None)
        for name, bucket in self._s3.buckets.items():
            if len(bucket.keys) and not self._objects.get(name):
                bucket.keys.clear()
        for topic in self._topics:
            topic.sent_notifications.clear()
        for group in logs_backends[account.account_id][account.region].groups.values():
            group.streams.clear()

    def new_templates(self) -> list[str]:
        return [identifier for identifier in self._ec2.launch_templates if identifier not in self.templates]

    def messages(self) -> list[dict[str, Any]]:
        return [
            {"topic": topic.name, "subject": note[2], "message": note[1]}
            for topic in self._topics
            for note in topic.sent_notifications
        ]


class Authoriser:
    """Decides about a role's calls with its own policies, read once: roles do not change during a run."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._policies: dict[str, list[dict[str, Any]]] = {}
        self._place = requests.Place(
            account_id=account.account_id,
            region=account.region,
            partition=account.partition,
            tags=functools.partial(tags_of, account),
            file_system_of=self._file_system_of,
        )

    def __call__(self, role_arn: str, service: str, operation: str, params: dict[str, Any]) -> str | None:
        if role_arn not in self._policies:
            self._policies[role_arn] = self._read(role_arn)
        return requests.refusal(self._policies[role_arn], role_arn, service, operation, params, self._place)

    def _read(self, role_arn: str) -> list[dict[str, Any]]:
        backend = iam_backends[self.account.account_id][self.account.partition]
        role = next(role for role in backend.roles.values() if role.arn == role_arn)
        managed = [policy.versions for policy in role.managed_policies.values()]
        documents = [next(one.document for one in versions if one.is_default) for versions in managed]
        return [json.loads(text) for text in (*role.policies.values(), *documents)]

    def _file_system_of(self, association_id: str) -> str:
        for association in self.account.associations.all():
            if association.id == association_id:
                return association.file_system.id
        return "*"


def tags_of(account: Account, arn: str) -> dict[str, str]:
    """The tags of whatever has that ARN."""
    service, kind = arn.split(":")[2], arn.split(":")[-1]
    if service == "fsx":
        return account.file_systems.tags_of(arn)
    if service == "batch":
        return account.batch_tags(arn)
    if service == "ec2" and "launch-template/" in kind:
        backend = ec2_backends[account.account_id][account.region]
        template = backend.launch_templates.get(kind.rpartition("/")[2])
        return {tag["key"]: tag["value"] for tag in template.get_tags()} if template is not None else {}
    return {}
