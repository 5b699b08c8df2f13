"""Where scenarios are played: an account in the stack's region, with the stack deployed into it. Owns the way from a
configuration to a session; what happens on it is the session's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..aws import regions
from ..aws.account import Account
from ..provider.configuration import configuration
from ..provider.deployment import ConfigurationError
from .session import Session


@dataclass(frozen=True)
class Stage:
    """A session, and what whoever watches it should know about how it was set."""

    session: Session
    notes: list[str]
    to_type: list[str] = field(default_factory=list)  # into a shell, to go on with the engine that has deployed it


@contextlib.contextmanager
def staged(
    config: Mapping[str, Any] | None = None,
    stack: str = "autoexport",
    with_engine: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Stage]:
    """A session on that stack, for as long as the block lasts. What an engine does is told.

    Raises
    ------
    DeployError
        When the program, or the account, refuses the stack. ConfigurationError when nothing was begun.
    """
    settings = configuration(stack, config)
    if (problem := regions.problem(settings.region)) is not None:
        raise ConfigurationError(f"aws:region: {problem}")
    notes = [
        f"{key} is encrypted, and rehearsed with {_shown(value)}: --set {key}=VALUE rehearses another"
        for key, value in settings.stand_ins.items()
    ]
    with Account(settings.region) as account:
        if not with_engine:
            from ..provider.mocks import deploy

            yield Stage(Session(account, deploy(account, stack, config).exports), notes)
            return
        from ..provider.engine import deployed  # late: it needs what only the engine's provider needs

        with deployed(account, stack, config, tell) as (engine, deployment):
            yield Stage(Session(account, deployment.exports), notes, engine.workspace.to_type())


def _shown(value: Any) -> str:
    return "nothing" if value in ("", None) else json.dumps(value)
