"""Whether what was said is true. Owns the comparison of statements with what was there when they were made (rule 6 of
the workflow: a message names exactly what is still there, and says that nothing is left only when nothing is)."""

from __future__ import annotations

import re

from .belongings import Thing
from .witness import Statement

BY_OTHERS = "by somebody else"
NOTHING_LEFT = re.compile(r"nothing is left", re.IGNORECASE)


def contradictions(statements: list[Statement]) -> list[str]:
    """What statements say otherwise than the account, one line each, without repetition."""
    return list(dict.fromkeys(line for statement in statements for line in _contradictions(statement)))


def _contradictions(statement: Statement) -> list[str]:
    there = {name for thing in statement.there for name in (thing.id, thing.short_name)}
    left = statement.left
    lines = [
        f"{statement.speaker} names {identifier} as still there, which is gone"
        for identifier in statement.named
        if identifier not in there and identifier not in statement.perhaps
    ]
    lines += [
        f"{statement.speaker} says that {identifier} was removed, which is still there"
        for identifier in sorted(statement.removed & there)
    ]
    if BY_OTHERS in statement.text and not statement.by_others:
        lines.append(f"{statement.speaker} says that somebody else deleted it, which nobody did")
    if left and NOTHING_LEFT.search(statement.text):
        lines.append(f"{statement.speaker} says that nothing is left, although {_list(left)} is")
    elif unnamed := [thing for thing in left if statement.reason(thing) is None and not statement.implies(thing)]:
        lines.append(f"{statement.speaker} does not name {_list(unnamed)}, which is still there")
    return lines


def _list(things: list[Thing]) -> str:
    return ", ".join(f"{thing.type} {thing.id}" for thing in things)
