"""Whatever happens: nothing is lost, nothing is left behind, and every execution ends.

`SCHEDULES=5000 pytest tests/rehearsal/test_properties.py` (or `make soak N=5000`) plays more of them.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from rehearsal.account import Account
from rehearsal.deploy import deploy
from rehearsal.scenario import parse
from rehearsal.schedules import hostile
from rehearsal.session import Session
from rehearsal.verdict import judge

SCHEDULES = int(os.environ.get("SCHEDULES", "200"))


@pytest.fixture(scope="module")
def stacks() -> Iterator[dict[str, Session]]:
    """One deployed stack for each way of verifying, for all schedules."""
    with Account() as account:
        yield {"task": Session(account, deploy(account).exports)}


@settings(
    max_examples=SCHEDULES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(data=st.data())
def test_no_schedule_loses_a_byte_or_leaves_anything_running(stacks: dict[str, Session], data: st.DataObject) -> None:
    content: dict[str, Any] = hostile(lambda low, high: data.draw(st.integers(low, high)))
    content.pop("set", None)
    note("a scenario file that shows it:\n" + yaml.safe_dump(content, sort_keys=False))
    session = stacks["task"]

    verdict = judge(session, session.play(parse(content, "schedule")))

    assert verdict.facts["lost_files"] == 0, verdict.facts
    assert verdict.facts["leaked"] == [], verdict.facts
    assert verdict.facts["outcome"] in ("SUCCEEDED", "FAILED", "ABORTED"), verdict.facts
