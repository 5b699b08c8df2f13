"""One deployment for all tests of a module, and how a verb is typed against it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from lustre_batch.command import app
from lustre_batch.operate import follow
from lustre_batch.operate.stack import Stack
from typer.testing import CliRunner, Result

from rehearsal.aws.account import Account
from rehearsal.play.scenario import parse
from rehearsal.play.session import Played, Session
from rehearsal.provider.mocks import deploy

QUICK: dict[str, Any] = {"job": {"runtime": 600, "writes": [{"files": 3}]}}


@dataclass
class Typed:
    """What a command answered."""

    result: Result

    @property
    def status(self) -> int:
        return self.result.exit_code

    @property
    def lines(self) -> list[str]:
        return self.result.stdout.splitlines()

    @property
    def facts(self) -> dict[str, Any]:
        """With --json, standard output is one object."""
        facts: dict[str, Any] = self.answer
        return facts

    @property
    def answer(self) -> Any:
        """With --query, it is whatever was asked for."""
        return json.loads(self.result.stdout)


class Desk:
    """Somebody with a terminal and a deployed stack."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.account = session.account
        self.arn: str = session.exports["stateMachineArn"]
        self.stack = Stack(self.arn)

    def type(self, *words: str, text: str | None = None) -> Typed:
        """A command about the stack; nothing escapes from it as a traceback."""
        place = words.index("--command") if "--command" in words else len(words)
        words = (*words[:place], "--state-machine", self.arn, *words[place:])
        result = CliRunner().invoke(app, list(words), input=text)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Typed(result)

    def play(self, doing: Callable[[], Any], **keys: Any) -> Played:
        """A scenario whose first execution is started by what is done."""
        return self.session.play(parse({**QUICK, **keys}, "test"), starter=doing)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with Account() as account:
        yield Desk(Session(account, deploy(account).exports))


@pytest.fixture(autouse=True)
def virtual_pauses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows a run lets the time of the rehearsal pass."""
    monkeypatch.setattr(follow, "pause", desk.account.clock.advance)
    monkeypatch.delenv("LUSTRE_BATCH_STATE_MACHINE", raising=False)
