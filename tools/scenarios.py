"""How every scenario that is included ends: `python -m tools.scenarios` plays them and writes docs/scenarios.md. A test
holds the page to what the tests see, so that a change of the workflow shows there."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lustre_batch.operate.screen import clock_time

from rehearsal.play.scenario import Scenario, load, names
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import judge

PAGE = Path(__file__).parents[1] / "docs" / "scenarios.md"
HEAD = """# Scenarios

<!-- Made by `python -m tools.scenarios`, which plays them all. Do not edit. -->

How each scenario of [rehearsal/play/scenarios](../rehearsal/play/scenarios) ends. Watch one with
`make rehearse ARGS="--scenario NAME"`. "After" is the time until everything has come to rest, sweeps included;
"steps" are state transitions of the run and its clean-ups, "calls" are calls of AWS APIs.

| scenario | what happens | ends | after | kept | steps | calls | messages |
|---|---|---|---:|---|---:|---:|---:|
"""


def sessions(scenarios: Iterable[Scenario]) -> Iterator[tuple[Session, Scenario]]:
    """Each scenario with a session of its settings; one account at a time, since moto is one for the whole process."""
    groups: dict[str, list[Scenario]] = defaultdict(list)
    for scenario in scenarios:
        groups[repr(sorted(scenario.set.items()))].append(scenario)
    for group in groups.values():
        with staged(group[0].set) as stage:
            for scenario in group:
                yield stage.session, scenario


def row(facts: dict[str, Any], description: str) -> str:
    """The line of one scenario."""
    cells = [
        f"`{facts['scenario']}`",
        description,
        facts["outcome"] + (f" (`{facts['error']}`)" if facts["error"] else ""),
        clock_time(facts["virtual_seconds"]),
        ", ".join(sorted({thing["type"] for thing in facts["retained"]})) or "–",
        str(facts["transitions"]),
        str(sum(facts["api_calls"].values())),
        str(len(facts["messages"])),
    ]
    return "| " + " | ".join(cells) + " |"


def page() -> str:
    rows = {
        scenario.name: row(judge(session, session.play(scenario)).facts, scenario.description)
        for session, scenario in sessions(map(load, names()))
    }
    return HEAD + "\n".join(rows[name] for name in names()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
