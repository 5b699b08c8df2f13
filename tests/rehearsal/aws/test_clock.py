"""Virtual time: everything sees it, nothing runs twice at once."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator

import pytest

from rehearsal.aws.clock import ORIGIN, Clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock() as running:
        yield running


def test_the_first_instant_is_not_on_a_full_minute() -> None:
    assert ORIGIN % 60 == 17


def test_everyone_sees_the_virtual_time(clock: Clock) -> None:
    clock.advance(86_400.5)
    assert time.time() == pytest.approx(ORIGIN + 86_400.5)
    assert datetime.datetime.now(tz=datetime.UTC).timestamp() == pytest.approx(clock.now())


def test_what_is_due_fires_in_order_at_its_own_time(clock: Clock) -> None:
    seen: list[tuple[str, float]] = []
    clock.after(20, lambda: seen.append(("second", clock.now() - ORIGIN)))

    def at_ten() -> None:
        clock.after(5, lambda: seen.append(("first", clock.now() - ORIGIN)))

    clock.after(10, at_ten)
    clock.after(20, lambda: seen.append(("third", clock.now() - ORIGIN)))
    clock.after(15, lambda: seen.append(("never", 0))).cancel()
    clock.advance(30)
    assert seen == [("first", 15), ("second", 20), ("third", 20)]


def test_strands_sleep_side_by_side_and_run_one_at_a_time(clock: Clock) -> None:
    seen: list[str] = []

    def work(name: str, seconds: float) -> None:
        for _ in range(2):
            clock.sleep(seconds)
            seen.append(f"{name} {clock.now() - ORIGIN:.0f}")

    clock.spawn(lambda: work("a", 10))
    clock.spawn(lambda: work("b", 15))
    clock.advance(100)
    assert seen == ["a 10", "b 15", "a 20", "b 30"]


def test_a_stopped_strand_unwinds_where_it_sleeps(clock: Clock) -> None:
    seen: list[str] = []

    def work() -> None:
        try:
            clock.sleep(100)
            seen.append("woke")
        finally:
            seen.append("unwound")

    strand = clock.spawn(work)
    clock.after(50, strand.stop)
    clock.advance(200)
    assert seen == ["unwound"]
    assert strand.done


def test_a_strands_failure_reaches_whoever_drives_the_clock(clock: Clock) -> None:
    def work() -> None:
        clock.sleep(1)
        raise ValueError("broken")

    clock.spawn(work)
    with pytest.raises(ValueError, match="broken"):
        clock.advance(2)


def test_the_clock_can_be_put_back_with_nothing_due(clock: Clock) -> None:
    fired: list[int] = []
    clock.after(10, lambda: fired.append(1))
    clock.set(ORIGIN)
    clock.advance(100)
    assert fired == []


def test_a_strand_that_is_woken_sleeps_no_longer_and_never_longer_than_it_wanted() -> None:
    with Clock(0) as clock:
        woken: list[float] = []

        def sleeper() -> None:
            clock.sleep(100)
            woken.append(clock.now())
            clock.sleep(100)
            woken.append(clock.now())

        strand = clock.spawn(sleeper)
        clock.at(10, lambda: strand.wake(1))
        clock.at(20, lambda: strand.wake(500))
        clock.run(1000)
        assert woken == [11, 111]


def test_a_strand_that_is_stopped_before_its_first_turn_never_runs() -> None:
    with Clock() as clock:
        ran: list[bool] = []
        strand = clock.spawn(lambda: ran.append(True))
        strand.stop()
        clock.advance(10)
        assert (ran, strand.done) == ([], True)
