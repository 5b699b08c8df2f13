"""Where scenarios are played: an account in the stack's region, with the stack deployed into it. Owns the way from a
configuration to a session; what happens on it is the session's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..aws import regions
from ..aws.account import Account
from ..provider.configuration import configuration
from ..provider.deployment import ROOT, ConfigurationError, Deployment
from ..provider.own_program import check_read, chosen, glance, problem, stack_name
from .session import Session


@dataclass(frozen=True)
class Stage:
    """A session, and what whoever watches it should know about how it was set."""

    session: Session
    notes: list[str]
    to_type: list[str] = field(default_factory=list)  # into a shell, to go on with the engine that has deployed it
    stack: str = "autoexport"


@dataclass(frozen=True)
class OwnProgram:
    """Somebody's own program, and which of its components to rehearse, if that is a question."""

    folder: Path
    component: str | None = None


@contextlib.contextmanager
def staged(
    config: Mapping[str, Any] | None = None,
    stack: str | None = None,
    with_engine: bool = False,
    tell: Callable[[str], None] = lambda line: None,
    program: OwnProgram | None = None,
) -> Iterator[Stage]:
    """A session on that stack, for as long as the block lasts. What an engine does is told.

    Raises
    ------
    DeployError
        When the program, or the account, refuses the stack. ConfigurationError when nothing was begun, or nothing in
        the program can be rehearsed.
    """
    if program is not None and (why_not := problem(program.folder)) is not None:
        raise ConfigurationError(f"--program {program.folder}: {why_not}")
    may_be_new = program is not None and stack is None
    folder = ROOT if program is None else program.folder.resolve()
    stack = ("autoexport" if stack is None else stack) if program is None else stack_name(folder, stack)
    settings = configuration(stack, config, folder, with_file=not may_be_new)
    if (refusal := regions.problem(settings.region)) is not None:
        raise ConfigurationError(f"aws:region: {refusal}")
    notes = [
        f"{key} is encrypted, and rehearsed with {_shown(value)}: --set {key}=VALUE rehearses another"
        for key, value in settings.stand_ins.items()
    ]

    def exports(deployment: Deployment) -> dict[str, Any]:
        notes.extend(f"{each} is not rehearsed: it has an id, and does nothing" for each in deployment.stand_ins)
        if program is None:
            return deployment.exports
        found = dict(deployment.components)
        return found[chosen(list(found), program.component)]

    with Account(settings.region) as account:
        # Within the account: whatever AWS the program asks by itself, it is the embedded one.
        own = None if program is None else glance(folder, stack, settings)
        if program is not None and own is not None and own.names is not None:
            chosen(own.names, program.component)
            check_read(own, settings.project, config or {})
        if not with_engine:
            from ..provider.mocks import deploy

            deployment = deploy(account, stack, config, folder=folder, own=own)
            yield Stage(Session(account, exports(deployment)), notes, stack=stack)
            return
        from ..provider.engine import deployed  # late: it needs what only the engine's provider needs

        with deployed(account, stack, config, tell, folder, own=own) as (engine, deployment):
            yield Stage(Session(account, exports(deployment)), notes, engine.workspace.to_type(), stack)


def _shown(value: Any) -> str:
    return "nothing" if value in ("", None) else json.dumps(value)
