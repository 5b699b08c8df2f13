"""A deployed stack that scenarios are played on. Owns the order of a rehearsal: put the account back to how the
deployment left it, start the execution, do to it what the scenario says, wait until everything has come to rest. It
does not judge: the verdict is reached from what a play leaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..aws.account import Account
from ..aws.calls import internally
from ..aws.states.executions import Execution
from .scenario import Scenario

Watcher = Callable[[Execution, str, str], None]

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
        self._baseline = account.snapshot()

    def play(self, scenario: Scenario, watcher: Watcher | None = None) -> Played:
        """Play one scenario. Afterwards the account shows what came of it, and nothing planned is in force any more."""
        began_wall = time.perf_counter()
        account = self.account
        account.reset(self._baseline, scenario)
        account.authorise()
        account.executions.watcher = watcher
        try:
            self._run(scenario)
        finally:
            account.stop()
        return Played(
            scenario=scenario,
            exports=self.exports,
            executions=list(account.executions.all.values()),
            began=self._baseline.at,
            ended=max(one.stopped or account.clock.now() for one in account.executions.all.values()),
            wall_seconds=time.perf_counter() - began_wall,
            api_calls=dict(sorted(account.calls.counts.items())),
            undelivered=list(account.events.undelivered),
            messages=account.topics.messages(),
        )

    def new_templates(self) -> list[str]:
        """Launch templates that runs created and that still exist."""
        return self.account.launch_templates.since(self._baseline.launch_templates)

    def ever_templates(self) -> set[str]:
        """Every launch template an environment may name that the deployment did not create."""
        named = [one.resources.get("launchTemplate", {}) for one in self.account.environments.all.values()]
        identifiers = {str(template["launchTemplateId"]) for template in named if template.get("launchTemplateId")}
        return identifiers - self._baseline.launch_templates

    def _run(self, scenario: Scenario) -> None:
        arn = self._start(scenario.input)
        if scenario.execution.abort_at is not None:
            self.account.clock.after(scenario.execution.abort_at, lambda: self._abort(arn))
        self._rest()
        if scenario.execution.reclaim:
            self._reclaim()

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
