"""What was said during a play, and what was there at that moment. Owns the statements: messages to the topic, outputs
and causes, each beside what runs had created and was still there when it was made. It takes note; it does not judge."""

from __future__ import annotations

import collections
import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lustre_batch.metrics_catalogue import entries

from ..aws.account import Account
from ..aws.calls import whereabouts
from ..aws.cloudwatch.alarms import Alarm
from ..aws.states.executions import Execution
from .belongings import Belongings, Thing
from .ledger import Ledger

NAMED = re.compile(r"^(Kept|Pending|Not removed yet): (\S+) (\S+): (.*)$", re.MULTILINE)
# How a clean-up says that it does not know whether something is there.
UNSEEN = ("could not be observed", "was not looked for")
# What a run says of what it created when its clean-up does not answer.
PERHAPS = re.compile(r"^Not known to be removed: (\S+) (\S+)$", re.MULTILINE)
# And of what it asked for without an answer, so that it knows no id.
PERHAPS_TAGGED = re.compile(r"^Not known to be removed: (\S+) tagged arn:\S+$", re.MULTILINE)
WITH_THE_REST = "held until the rest is removed"
REMOVED = re.compile(r"^Removed: (\S+) (\S+)$", re.MULTILINE)
# Whom a message is about.
ABOUT = re.compile(r"^Run: (arn:\S+)$", re.MULTILINE)

# The alarms of a stack. What AWS knows one by has the component's name before it, and a suffix of Pulumi's behind.
ALARMS: tuple[str, ...] = tuple(entry["name"] for entry in entries("alarms"))


def alarm_of_the_stack(name: str) -> str:
    """Which of them it is; any other keeps the name that AWS knows it by."""
    return next((each for each in ALARMS if re.search(rf"-{each}-[0-9a-f]+$", name)), name)


@dataclass(frozen=True)
class Statement:
    """What was said about what one execution created."""

    at: float
    speaker: str
    about: str  # the execution's ARN
    named: dict[str, str]  # id -> reason: what is still there
    pending: frozenset[str]  # of the named, those that are still to be removed
    perhaps: frozenset[str]  # of the named, those that may be gone
    removed: frozenset[str]
    there: tuple[Thing, ...]  # what was there when it was said
    text: str = ""
    by_others: bool = False  # whether somebody else deleted a file system
    tagged: frozenset[str] = frozenset()  # the types of what is named by its tag alone

    @property
    def left(self) -> list[Thing]:
        """What the execution had created and was there."""
        return [thing for thing in self.there if thing.execution == self.about]

    def reason(self, thing: Thing) -> str | None:
        """Why a thing is still there, if it was named; a job definition may be named without its revision."""
        return self.named.get(thing.id) or self.named.get(thing.short_name)

    def implies(self, thing: Thing) -> bool:
        """Whether a thing is named without its id: by its tag, or as the lane, held until nothing is pending."""
        return thing.type in self.tagged or (thing.type == "lane" and bool(self.pending))


@dataclass
class Witness:
    """Listens to one play."""

    account: Account
    belongings: Belongings
    clean_up_machine: str
    queue_arns: Sequence[str] = ()  # of the lanes
    observe: Callable[..., Callable[[Any], None]] | None = None  # every call, for whoever wants a log
    statements: list[Statement] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    spoken_of: list[str | None] = field(default_factory=list)  # by each message: the execution's ARN
    alarms: list[str] = field(default_factory=list)  # those that went off
    api_calls: dict[str, collections.Counter[str]] = field(default_factory=dict)  # by the execution that made them
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.account, self.queue_arns)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of every call, every alarm and every end of an execution while this lasts."""
        calls, executions = self.account.calls, self.account.executions
        before = executions.on_end

        def on_end(execution: Execution) -> None:
            self._ended(execution)
            before(execution)

        alarms = self.account.cloudwatch.alarms
        calls.observer, executions.on_end, alarms.on_action = self._call, on_end, self._alarmed
        try:
            yield
        finally:
            calls.observer, executions.on_end, alarms.on_action = None, before, lambda alarm: None

    def _call(self, service: str, operation: str, params: dict[str, Any]) -> Callable[[Any], None]:
        noted = self.observe(service, operation, params) if self.observe is not None else None
        execution, _ = whereabouts.get() or ("", "")
        self.api_calls.setdefault(execution, collections.Counter())[f"{service}:{operation}"] += 1

        def ended(outcome: Any) -> None:
            if noted is not None:
                noted(outcome)
            self.ledger.look(service, operation, params)
            if (service, operation) == ("sns", "Publish"):
                self._published()

        return ended

    def _alarmed(self, alarm: Alarm) -> None:
        self.alarms.append(alarm_of_the_stack(alarm.name))
        self._published()

    def _published(self) -> None:
        """Whatever the answer was: what has arrived at the topic since the last look was said now."""
        arrived = self.account.topics.messages()[len(self.messages) :]
        for message in arrived:
            self.messages.append(message | {"at": self.account.clock.now()})
            text = str(message["message"])
            about = ABOUT.search(text)
            self.spoken_of.append(about.group(1) if about is not None else None)
            if about is not None:
                self._state(f"the message {message['subject']!r}", about.group(1), text)

    def _ended(self, execution: Execution) -> None:
        content = json.loads(execution.input)
        if execution.machine_arn == self.clean_up_machine:
            self._cleaned_up(execution)
        elif execution.status == "SUCCEEDED" and not (isinstance(content, dict) and "reclaim" in content):
            self._state("the run's output", execution.arn, output=execution.output)
        elif execution.status == "FAILED" and not (isinstance(content, dict) and "reclaim" in content):
            self._state("the run's cause", execution.arn, execution.cause or "")

    def _cleaned_up(self, execution: Execution) -> None:
        """A clean-up that ended by itself answers what is left; a sweep, and one that found its target at work, say
        nothing about it."""
        output = execution.output if execution.status == "SUCCEEDED" else None
        if not isinstance(output, dict) or not output.get("execution"):
            return
        target = self.account.executions.all.get(str(output["execution"]))
        by_target = target is not None and target.name in execution.input
        if target is not None and target.status == "RUNNING" and not by_target:
            return
        self._state("the clean-up's answer", str(output["execution"]), output=output)

    def _state(self, speaker: str, about: str, text: str = "", output: Any = None) -> None:
        lines = NAMED.findall(text)
        perhaps = {identifier: "not known to be removed" for _, identifier in PERHAPS.findall(text)}
        retained, pending = _listed(output, "retained"), _listed(output, "pending")
        named = {identifier: reason for _, _, identifier, reason in lines} | retained | pending | perhaps
        self.statements.append(
            Statement(
                at=self.account.clock.now(),
                speaker=speaker,
                about=about,
                named=named,
                pending=frozenset(
                    {identifier for word, _, identifier, _ in lines if word != "Kept"} | set(pending) | set(perhaps)
                ),
                perhaps=frozenset(
                    {identifier for identifier, reason in named.items() if any(words in reason for words in UNSEEN)}
                    | set(perhaps)
                ),
                removed=frozenset({name for _, name in REMOVED.findall(text)} | set(_listed(output, "removed"))),
                there=tuple(self.belongings.all()),
                text=text,
                by_others=any(one.deleted_by_others for one in self.account.file_systems.all.values()),
                tagged=frozenset(PERHAPS_TAGGED.findall(text)),
            )
        )

    def reason(self, thing: Thing) -> str | None:
        """Why a thing is still there, in the last word that was said about the execution that created it."""
        last = next((one for one in reversed(self.statements) if one.about == thing.execution), None)
        if last is None:
            return None
        return last.reason(thing) or (WITH_THE_REST if last.implies(thing) else None)


def _listed(output: Any, key: str) -> dict[str, str]:
    """What an output lists under a key: its id and the reason."""
    things = (output.get(key) or []) if isinstance(output, dict) else []
    return {str(thing["id"]): str(thing.get("reason", "")) for thing in things}
