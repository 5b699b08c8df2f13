"""docs/conform.md: what is sent, what is left out and why, and what was found when it was last sent."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.conform.attempts import PARTS, Attempt
from tools.conform.requests import LeftOut, request

PAGE = Path(__file__).parents[2] / "docs" / "conform.md"
UNVISITED = "no scenario that is included visits it"


@dataclass
class Plan:
    """What is sent: the requests, and the states of which none is, by part and reason."""

    requests: list[tuple[Attempt, dict[str, Any]]] = field(default_factory=list)
    left_out: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)

    def sent(self, part: str) -> set[str]:
        return {attempt.state for attempt, _ in self.requests if attempt.part == part}


def plan(attempts: Iterable[Attempt]) -> Plan:
    made = Plan()
    reasons: dict[tuple[str, str], str] = {}
    for attempt in attempts:
        made.states.setdefault(attempt.part, list(attempt.machine["States"]))
        try:
            made.requests.append((attempt, request(attempt)))
        except LeftOut as why:
            reasons.setdefault((attempt.part, attempt.state), str(why))
    for part, states in made.states.items():
        for state in states:
            if state not in made.sent(part):
                reason = reasons.get((part, state), UNVISITED)
                made.left_out.setdefault((part, reason), []).append(state)
    return made


def tables(made: Plan) -> dict[str, str]:
    """The parts of the page that follow from the plan."""
    sent = ["| state machine | states | of which sent |", "|---|---:|---:|"]
    left_out = ["| state machine | why | states |", "|---|---|---|"]
    for part in PARTS.values():
        sent.append(f"| `{part}` | {len(made.states[part])} | {len(made.sent(part))} |")
        for (of, reason), states in made.left_out.items():
            if of == part:
                left_out.append(f"| `{part}` | {reason} | {', '.join(f'`{state}`' for state in states)} |")
    return {"sent": "\n".join(sent), "left out": "\n".join(left_out)}


def found(made: Plan, region: str, differing: Sequence[tuple[str, Sequence[str]]]) -> str:
    """What one run found: the names of the attempts that differ, and how."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    head = f"Asked on {today} in {region}: {len(made.requests)} requests, {len(differing)} of them with differences."
    return "\n".join([head, *(f"\n- {name}: {'; '.join(what)}" for name, what in differing)])


def write(parts: Mapping[str, str]) -> None:
    PAGE.write_text(refreshed(PAGE.read_text("utf-8"), parts), "utf-8")


def refreshed(page: str, parts: Mapping[str, str]) -> str:
    """The page with what stands between each pair of markers replaced."""
    for name, text in parts.items():
        before, after = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        start, end = page.index(before) + len(before), page.index(after)
        page = f"{page[:start]}{text}\n{page[end:]}"
    return page
