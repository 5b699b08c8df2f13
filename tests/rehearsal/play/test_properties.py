"""Whatever happens: nothing is lost or stale, nothing is left once the trouble is over, and what is said is true.

`make soak N=5000` plays more schedules than the default; a failure prints the smallest scenario file that shows it.
"""

import os
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

SCHEDULES = int(os.environ.get("SCHEDULES", "100"))


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

        verdict = judge(session, session.play(parse(content, "schedule")))

        # How a run ends is up to the schedule. What is left of it, and what is said about that, is not.
        assert [reason for reason in verdict.why_not if not reason.startswith("the execution ended ")] == []


class TestVerifiedByTask(Schedules):
    verification = "task"


class TestVerifiedByMetrics(Schedules):
    verification = "metrics"
