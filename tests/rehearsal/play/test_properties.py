"""Whatever happens: nothing is lost, nothing is left behind, and every execution ends.

`make soak N=5000` plays more schedules than the default; a failure prints the smallest scenario file that shows it.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from rehearsal.aws.account import Account
from rehearsal.play.scenario import parse
from rehearsal.play.schedules import hostile
from rehearsal.play.session import Session
from rehearsal.play.verdict import judge
from rehearsal.provider.deploy import deploy

SCHEDULES = int(os.environ.get("SCHEDULES", "200"))
# The definition retries a failing call eight times; a schedule that fails one more often may have to keep things.
RETRIES = 8
EXCUSES = ("files could not be exported", "deleteLustre is false")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


@pytest.fixture(scope="module", params=["task", "metrics"])
def session(request: pytest.FixtureRequest, account: Account) -> Session:
    """One deployed stack for all schedules of a way of verifying."""
    return Session(account, deploy(account, config={"exportVerification": request.param}).exports)


@settings(max_examples=SCHEDULES // 2, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_schedule_loses_a_byte_or_leaves_anything_running(session: Session, data: st.DataObject) -> None:
    content: dict[str, Any] = hostile(lambda low, high: data.draw(st.integers(low, high)))
    note("a scenario file that shows it:\n" + yaml.safe_dump(content, sort_keys=False))

    facts = judge(session, session.play(parse(content, "schedule"))).facts

    assert facts["lost_files"] == 0, facts
    assert facts["leaked"] == [], facts
    assert all(execution["status"] != "RUNNING" for execution in facts["executions"]), facts
    if kept := [thing for thing in facts["retained"] if not any(word in thing["reason"] for word in EXCUSES)]:
        assert _strikes_often(content), kept


def _strikes_often(content: dict[str, Any]) -> bool:
    """Whether the schedule lets one call fail more often than the definition asks again."""
    times: Counter[str] = Counter()
    for fault in content["faults"]:
        times[fault["call"]] += fault["times"]
    return max(times.values(), default=0) > RETRIES
