"""A fixed sample of `make exhaust`: calls that fail and executions that are stopped, without any excuse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rehearsal.aws.account import Account
from tools import exhaust

CASES = 20  # for each way of verifying


@pytest.fixture(scope="module", autouse=True)
def _one_account_for_this_module_alone() -> Iterator[None]:
    yield
    exhaust.close()


@pytest.mark.parametrize("verification", exhaust.VERIFICATIONS)
def test_no_failing_call_and_no_stop_loses_leaves_or_misstates_anything(verification: str) -> None:
    chosen = exhaust.sample(list(exhaust.cases(verification)), CASES)
    assert {case.kind for case in chosen} & set(exhaust.KINDS)
    assert {case.kind for case in chosen} & set(exhaust.STOPS)
    results = [exhaust.play(case) for case in chosen]
    assert {one.case.name: one.why_not for one in results if one.why_not} == {}


def test_a_table_has_a_row_for_every_state_and_says_what_failed() -> None:
    def result(state: str, kind: str, *why_not: str) -> exhaust.Result:
        case = exhaust.Case("a run", "task", state, 1, kind, {})
        return exhaust.Result(case, "SUCCEEDED", 3600.0, why_not)

    lines = exhaust.table([result("A", "hangs"), result("B", "refused", "lost")], ["refused", "hangs"]).splitlines()
    assert lines[2:] == [
        "| `A` | – | SUCCEEDED; gone after 1.0 h |",
        "| `B` | **1 of 1 failed** (SUCCEEDED; gone after 1.0 h) | – |",
    ]


def test_a_sample_is_spread_over_all_cases() -> None:
    cases = [exhaust.Case("a run", "task", str(number), 1, "hangs", {}) for number in range(100)]
    assert [case.state for case in exhaust.sample(cases, 4)] == ["0", "25", "50", "75"]
    assert exhaust.sample(cases[:2], 4) == cases[:2]


def test_after_it_is_closed_the_process_has_an_account_without_leftovers() -> None:
    exhaust.session("task")
    exhaust.close()
    with Account() as account:
        assert account.client("s3").list_buckets()["Buckets"] == []
