"""A deployed stack that scenarios are played on. Owns the order of a rehearsal: put the account back to how the
deployment left it, start each run when it is due, do to it what the scenario says, wait until everything has come to
rest, sweeps included. It does not judge: the verdict is reached from what a play leaves."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..aws.account import Account
from ..aws.batch.job import Job
from ..aws.bucket_plan import BucketPlan
from ..aws.calls import Fault, internally
from ..aws.clock import ORIGIN
from ..aws.plan import Tags
from ..aws.plans import RunPlans
from ..aws.states.executions import Execution
from .belongings import Belongings, owner
from .call_log import CallLog
from .due import Due, Unmet
from .ledger import Ledger
from .measures import whose
from .purposes import cleans_up, is_sweep
from .scenario import MOST_FAILURES, OfRun, Run, Scenario, ScenarioError
from .strangers import Strangers
from .witness import Witness

Watcher = Callable[[Execution, str, str], None]
Listener = Callable[[list[str]], None]
JobsWatcher = Callable[[str, Job], None]  # of the run that a job counts as, and of a job whose status has changed

# After the clock's origin: a minute after a deployment, which takes some seconds.
STARTS_AFTER_SECONDS = 70.0
DAY_SECONDS = 86_400.0
# No run may take longer; a job may take weeks.
LONGEST_SECONDS = 400 * 86400.0
# What goes on by itself after the last execution ended (deletions that were asked for, terminated jobs).
REST_SECONDS = 900.0
# A sweep comes once a day at least (sweepIntervalMinutes); without one in that time there is no schedule.
LONGEST_INTERVAL_SECONDS = 86_400.0
# So many sweeps that changed nothing show that none will.
IDLE_SWEEPS = 2
# Trouble is sat out so long after the run ended; what lasts longer counts as trouble that never passes.
PATIENCE_SECONDS = 4 * 86_400.0


@dataclass
class Played:
    """One scenario, played."""

    scenario: Scenario
    exports: dict[str, Any]
    runs: list[tuple[Run, Execution]]  # what is planned for each, in the order of their starts
    executions: list[Execution]
    sweeps: list[Execution]  # of the executions; those that only looked around
    began: float
    ended: float
    wall_seconds: float
    api_calls: dict[str, int]
    witness: Witness
    strangers: Strangers
    calls: CallLog | None = None
    undelivered: list[str] = field(default_factory=list)
    unmet: list[Fault] = field(default_factory=list)  # the planned faults that have failed no call
    unmet_plans: list[Unmet] = field(default_factory=list)  # what else was to happen at some moment, and did not

    @property
    def are_several(self) -> bool:
        """Whether it is told of each run apart."""
        return bool(self.scenario.runs) or len(self.runs) > 1

    @property
    def first(self) -> Execution:
        return self.runs[0][1]

    @property
    def at_work(self) -> list[Execution]:
        """Runs and their clean-ups."""
        return [one for one in self.executions if one not in self.sweeps]


class Session:
    """Plays scenarios on one deployed stack, each from the same start."""

    def __init__(self, account: Account, exports: dict[str, Any]) -> None:
        self.account = account
        self.exports = exports
        # At the same time of a day as every other session, so that a scenario plays the same way in each.
        account.clock.advance((STARTS_AFTER_SECONDS + ORIGIN - account.clock.now()) % DAY_SECONDS)
        self._baseline = account.snapshot()
        self.belongings = Belongings(account, self._baseline.launch_templates)
        self._runs: dict[str, Run] = {}  # by the execution's ARN
        self._unstarted = 0
        self._due = Due()
        self._strangers: Strangers | None = None

    def play(
        self,
        scenario: Scenario,
        watcher: Watcher | None = None,
        log_calls: bool = False,
        listener: Listener | None = None,
        starter: Callable[[], object] | None = None,
        jobs_watcher: JobsWatcher | None = None,
        with_sweeps: bool = True,
        with_commands: bool = True,
    ) -> Played:
        """Play one scenario: the watcher is told of states, the listener of what a real job prints, the jobs' watcher
        of what becomes of those that others submit. A starter does what leads to the first execution in place of
        whoever would start it. Without sweeps, which change nothing of a run that ends well, weeks take a second.
        Without commands nothing runs that a job definition says: the sample job works in its place.

        Afterwards the account shows what came of it, and nothing planned is in force any more.
        """
        began_wall = time.perf_counter()
        account = self.account
        self._runs, self._unstarted, self._due = {}, 0, Due()
        account.reset(self._baseline, scenario, lambda tags: self._plan_of(scenario, tags))
        account.work.runs_commands = with_commands
        account.buckets.prepare(self.exports["bucketName"], scenario.bucket)
        for each in scenario.buckets:
            if account.buckets.find(each.name) is None:
                raise ScenarioError(f"buckets: {each.name}: the stack names no such bucket (inputBuckets)")
            account.buckets.prepare(each.name, BucketPlan(files=each.files))
        if with_sweeps:
            account.schedules.start(self._clean_up_machine)
        else:
            account.schedules.stop()
        account.authorise()
        account.executions.watcher = watcher
        account.listener = listener
        calls = CallLog(account.clock, self._baseline.at) if log_calls else None
        queue_arns = list(self.exports.get("jobQueueArns", ()))
        witness = Witness(
            account,
            self.belongings,
            self._clean_up_machine,
            queue_arns,
            observe=calls.observe if calls is not None else None,
        )
        if jobs_watcher is not None:
            account.job_watcher = functools.partial(_of_others, jobs_watcher, witness.ledger)
        strangers = self._strangers = Strangers(
            account, queue_arns, str(self.exports.get("lanesTableName", "")), self._due
        )
        strangers.plan(scenario.submissions)
        try:
            with witness.listening():
                self._run(scenario, starter)
            unmet = [fault for number, fault in enumerate(scenario.faults) if account.calls.met[number] <= fault.skip]
        finally:
            account.stop()
        executions = list(account.executions.all.values())
        sweeps = [one for one in executions if is_sweep(one)]
        return Played(
            scenario=scenario,
            exports=self.exports,
            runs=[(run, account.executions.all[arn]) for arn, run in self._runs.items()],
            executions=executions,
            sweeps=sweeps,
            began=self._baseline.at,
            ended=max(one.stopped or account.clock.now() for one in executions if one not in sweeps),
            wall_seconds=time.perf_counter() - began_wall,
            api_calls=dict(sorted(account.calls.counts.items())),
            witness=witness,
            strangers=strangers,
            calls=calls,
            undelivered=list(account.events.undelivered),
            unmet=unmet,
            unmet_plans=self._due.unmet,
        )

    @property
    def _clean_up_machine(self) -> str:
        return str(self.exports.get("cleanUpStateMachineArn", ""))

    def _plan_of(self, scenario: Scenario, tags: Tags) -> RunPlans:
        """The plan of the run that a resource says it belongs to; the scenario's, if it says nothing."""
        return self._runs.get(owner(tags) or "", scenario)

    def parameter(self, scenario: Scenario, run: OfRun, key: str) -> Any:
        """A run-time parameter as a run of this scenario has it: from its input, else as the stack was deployed."""
        given = run.input if isinstance(run.input, dict) else {}
        if key in given or "parametersSecretArn" not in self.exports:
            return scenario.parameter(key, run)
        with internally():
            secret = self.account.client("secretsmanager").get_secret_value(
                SecretId=self.exports["parametersSecretArn"]
            )
        return json.loads(secret["SecretString"]).get(key)

    def _run(self, scenario: Scenario, starter: Callable[[], object] | None) -> None:
        clock, executions, runs = self.account.clock, self.account.executions.all, scenario.each()
        self._unstarted = len(runs)
        if starter is not None:
            starter()
            clock.run(clock.now() + LONGEST_INTERVAL_SECONDS, stop=lambda: bool(executions))
            self._started(next(iter(executions), ""), runs[0], _place(scenario, 0))
        for number, run in list(enumerate(runs))[0 if starter is None else 1 :]:
            clock.after(run.at, functools.partial(self._start_run, run, _place(scenario, number)))
        self._rest(scenario)
        if any(run.execution.reclaim for run in self._runs.values()):
            self._reclaim(scenario)

    def _start_run(self, run: Run, place: str) -> None:
        self._started(self._start(run.input, run.execution.name), run, place)

    def _started(self, arn: str, run: Run, place: str) -> None:
        self._runs[arn] = run
        self._unstarted -= 1
        plan = run.execution
        if self._strangers is not None:
            self._strangers.attend(arn, run.session, place)
        if plan.abort_at is not None:
            key = self._due.plan(f"{place}execution.abort_at", plan.abort_at, "stopped nothing: it had ended before")
            self.account.clock.after(plan.abort_at, lambda: self._abort(arn, key))
        if plan.clean_up_abort_at is not None:
            self._abort_clean_up(arn, plan.clean_up_abort_at, f"{place}execution.clean_up_abort_at")

    def _start(self, content: Any, name: str | None = None) -> str:
        with internally():
            answer = self.account.client("stepfunctions").start_execution(
                stateMachineArn=self.exports["stateMachineArn"],
                input=json.dumps(content),
                **({"name": name} if name is not None else {}),
            )
        return str(answer["executionArn"])

    def _abort(self, arn: str, key: str) -> None:
        if self.account.executions.all[arn].status == "RUNNING":
            self._due.done(key)
        with internally():
            self.account.client("stepfunctions").stop_execution(executionArn=arn)

    def _abort_clean_up(self, arn: str, seconds: float, key: str) -> None:
        """Stop the first clean-up of an execution so long after it began, whenever that is. Whoever only looks whether
        one is needed, and starts it, is none."""
        watcher, begun = self.account.executions.watcher, False
        self._due.plan(key, seconds, "stopped nothing: it had ended before, or there was none")

        def watch(execution: Execution, state: str, kind: str) -> None:
            nonlocal begun
            if not begun and execution.machine_arn == self._clean_up_machine and cleans_up(execution, arn):
                begun = True
                self.account.clock.after(seconds, lambda: self._abort(execution.arn, key))
            if watcher is not None:
                watcher(execution, state, kind)

        self.account.executions.watcher = watch

    def _ended(self) -> bool:
        return not self._unstarted and all(one.status != "RUNNING" for one in self.account.executions.all.values())

    def _rest(self, scenario: Scenario) -> None:
        """Until no execution runs, and nothing is left or two sweeps in a row changed nothing."""
        clock, executions = self.account.clock, self.account.executions.all
        limit = clock.now() + LONGEST_SECONDS
        first_end: float | None = None
        seen: object = None
        changed_at = clock.now()
        while clock.run(limit, stop=self._ended):
            now = clock.now()
            first_end = now if first_end is None else first_end
            self.account.associations.settle(now)
            look = (self.belongings.look(), self._spent(scenario))
            if look != seen:
                seen, changed_at = look, now
            passes_at = scenario.trouble_passes_at(self._baseline.at, self._first_attempts())
            settled_at = max(changed_at, passes_at)
            swept = [one for one in executions.values() if is_sweep(one) and one.started >= settled_at]
            if len(swept) >= IDLE_SWEEPS or now - first_end > PATIENCE_SECONDS:
                return
            worked = [one for one in executions.values() if not is_sweep(one)]
            quiet_at = max(one.stopped or now for one in worked) + REST_SECONDS + scenario.events.delay
            if now < quiet_at:
                clock.run(quiet_at, stop=lambda: not self._ended())
                continue
            if not self.belongings.all():
                return
            if not clock.run(now + LONGEST_INTERVAL_SECONDS, stop=lambda: not self._ended()):
                return

    def _first_attempts(self) -> list[tuple[Run, float | None]]:
        """When the first attempt of each run began, as far as there was one."""
        found: dict[str, float] = {}
        for one in self.account.file_systems.all.values():
            mine = owner(one.tags)
            if one.first_attempt_at is not None:
                arn = mine if mine in self._runs else next(iter(self._runs))
                found[arn] = min(found.get(arn, one.first_attempt_at), one.first_attempt_at)
        return [(run, found.get(arn)) for arn, run in self._runs.items()]

    def _spent(self, scenario: Scenario) -> list[float]:
        """How often the planned failures that pass with their number have met a call."""
        met = self.account.calls.met
        lasts = [
            (number, fault.skip + fault.most) for number, fault in enumerate(scenario.faults) if not fault.is_window
        ]
        return [min(met[number], last) for number, last in lasts if last <= MOST_FAILURES]

    def _reclaim(self, scenario: Scenario) -> None:
        for file_system in self.account.file_systems.living():
            self._start({"reclaim": file_system.id})
            self._rest(scenario)


def _of_others(watcher: JobsWatcher, ledger: Ledger, job: Job) -> None:
    """Tell of a job that no run submitted, whose it is and how it stands."""
    run = whose(job, ledger.holder_of_queue)
    if run is not None and owner(job.tags) is None and job.parent is None:
        watcher(run, job)


def _place(scenario: Scenario, number: int) -> str:
    """Where a scenario says what is planned for one of its executions: what its keys begin with."""
    return f"runs.{number}." if scenario.runs else "again." if number else ""
