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
from rehearsal.provider.mocks import deploy

SCHEDULES = int(os.environ.get("SCHEDULES", "200"))
# The definition retries a failing call eight times; a schedule that fails one more often may have to keep things.
RETRIES = 8
EXCUSES = ("files could not be exported", "deleteLustre is false")


@pytest.fixture(scope="class")
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with Account() as account:
        config = {"exportVerification": request.cls.verification}
        yield Session(account, deploy(account, config=config).exports)


class Schedules:
    """Schedules against one deployed stack; each way of verifying is a class, so that workers can share them."""

    verification: str

    @settings(
        max_examples=max(1, SCHEDULES // 2), deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
    )
    @given(data=st.data())
    def test_no_schedule_loses_a_byte_or_leaves_anything_running(self, session: Session, data: st.DataObject) -> None:
        content: dict[str, Any] = hostile(lambda low, high: data.draw(st.integers(low, high)))
        note("a scenario file that shows it:\n" + yaml.safe_dump(content, sort_keys=False))

        facts = judge(session, session.play(parse(content, "schedule"))).facts

        assert facts["lost_files"] == 0, facts
        assert facts["leaked"] == [], facts
        assert all(execution["status"] != "RUNNING" for execution in facts["executions"]), facts
        if kept := [thing for thing in facts["retained"] if not any(word in thing["reason"] for word in EXCUSES)]:
            assert _strikes_often(content), kept


class TestVerifiedByTask(Schedules):
    verification = "task"


class TestVerifiedByMetrics(Schedules):
    verification = "metrics"


def _strikes_often(content: dict[str, Any]) -> bool:
    """Whether the schedule lets one call fail more often than the definition asks again."""
    times: Counter[str] = Counter()
    for fault in content["faults"]:
        times[fault["call"]] += fault["times"]
    return max(times.values(), default=0) > RETRIES
