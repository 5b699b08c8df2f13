"""What was said during a play, and what was there at that moment. Owns the statements: messages to the topic, outputs
and causes, each beside what runs had created and was still there when it was made. It takes note; it does not judge."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..aws.account import Account
from ..aws.states.executions import Execution
from .belongings import Belongings, Thing

NAMED = re.compile(r"^(?:Kept|Pending|Not removed yet): (\S+) (\S+): (.*)$", re.MULTILINE)
REMOVED = re.compile(r"^Removed: (\S+) (\S+)$", re.MULTILINE)
# Whom a message is about: a clean-up names the execution that it cleaned up after, a run names itself at the end.
CLEANED_UP = re.compile(r"cleaned up after (arn:\S+)")
ITSELF = re.compile(r"^Execution: (arn:\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Statement:
    """What was said about what one execution created."""

    at: float
    speaker: str
    about: str  # the execution's ARN
    named: dict[str, str]  # id -> reason: what is still there
    removed: frozenset[str]
    there: tuple[Thing, ...]  # what was there when it was said
    text: str = ""

    @property
    def left(self) -> list[Thing]:
        """What the execution had created and was there."""
        return [thing for thing in self.there if thing.execution == self.about]


@dataclass
class Witness:
    """Listens to one play."""

    account: Account
    belongings: Belongings
    clean_up_machine: str
    observe: Callable[..., Callable[[Any], None]] | None = None  # every call, for whoever wants a log
    statements: list[Statement] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of every call and of every end of an execution while this lasts."""
        calls, executions = self.account.calls, self.account.executions
        before = executions.on_end

        def on_end(execution: Execution) -> None:
            self._ended(execution)
            before(execution)

        calls.observer, executions.on_end = self._call, on_end
        try:
            yield
        finally:
            calls.observer, executions.on_end = None, before

    def _call(self, service: str, operation: str, params: dict[str, Any]) -> Callable[[Any], None]:
        noted = self.observe(service, operation, params) if self.observe is not None else None

        def ended(outcome: Any) -> None:
            if noted is not None:
                noted(outcome)
            if (service, operation) == ("sns", "Publish"):
                self._published()

        return ended

    def _published(self) -> None:
        """Whatever the answer was: what has arrived at the topic since the last look was said now."""
        arrived = self.account.topics.messages()[len(self.messages) :]
        for message in arrived:
            self.messages.append(message | {"at": self.account.clock.now()})
            text = str(message["message"])
            about = CLEANED_UP.search(text) or ITSELF.search(text)
            if about is not None:
                self._state(f"the message {message['subject']!r}", about.group(1), text)

    def _ended(self, execution: Execution) -> None:
        content = json.loads(execution.input)
        if execution.machine_arn == self.clean_up_machine:
            self._cleaned_up(execution)
        elif execution.status == "SUCCEEDED" and not (isinstance(content, dict) and "reclaim" in content):
            self._state("the run's output", execution.arn, named=_listed(execution.output))
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
        removed = {str(thing["id"]) for thing in output.get("removed") or []}
        self._state("the clean-up's answer", str(output["execution"]), named=_listed(output), removed=removed)

    def _state(
        self, speaker: str, about: str, text: str = "", named: dict[str, str] | None = None, removed: set[str] | None = None
    ) -> None:
        self.statements.append(
            Statement(
                at=self.account.clock.now(),
                speaker=speaker,
                about=about,
                named={identifier: reason for _, identifier, reason in NAMED.findall(text)} if named is None else named,
                removed=frozenset(removed or {identifier for _, identifier in REMOVED.findall(text)}),
                there=tuple(self.belongings.all()),
                text=text,
            )
        )

    def last_word(self, about: str | None) -> dict[str, str]:
        """What was last said to be left of an execution; of something that nobody owns, what anybody said."""
        if about is None:
            return {key: reason for one in self.statements for key, reason in one.named.items()}
        return next((one.named for one in reversed(self.statements) if one.about == about), {})


def _listed(output: Any) -> dict[str, str]:
    """Retained and pending things of an output, by their ids."""
    if not isinstance(output, dict):
        return {}
    things = [*(output.get("retained") or []), *(output.get("pending") or [])]
    return {str(thing["id"]): str(thing["reason"]) for thing in things}
