"""The export queue: order, rates, pauses, what is dropped, what is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.aws.fsx.export import EXPORT_LATENCY_SECONDS, Content, Rates


def content(rates: Rates | None = None, refused: int = 0) -> Content:
    made = Content(rates or Rates(), refused)
    made.switch_on()
    return made


def test_a_file_is_an_object_eight_to_ten_seconds_after_it_was_closed() -> None:
    made = content()
    made.write("a", at=100)
    made.settle(108)
    assert made.lost() == (1, 0)
    made.settle(110)
    assert made.lost() == (0, 0)
    assert made.last_exported_at == 100 + EXPORT_LATENCY_SECONDS


def test_small_files_are_bound_by_their_number_and_large_ones_by_their_bytes() -> None:
    rates = Rates(files_per_second=100, bytes_per_second=1000)
    assert rates.finish(0, files=1000, size=10) == 10
    assert rates.finish(0, files=1, size=50_000) == 50


def test_nothing_is_exported_during_a_stall() -> None:
    rates = Rates(files_per_second=10, stalls=[(5, 105), (110, 120)])
    assert rates.finish(0, files=40, size=0) == 4
    assert rates.finish(0, files=100, size=0) == 110
    assert rates.finish(0, files=101, size=0) == pytest.approx(120.1)
    assert rates.finish(50, files=10, size=0) == 106


def test_the_age_is_that_of_the_oldest_change_and_zero_when_the_queue_is_empty() -> None:
    made = content(Rates(files_per_second=1))
    made.write("a", at=0, count=60)
    made.write("b", at=30, count=60)
    assert made.age(4) == 0, "a change shows only after a few seconds"
    assert made.age(50) == 50
    assert made.age(90) == 60
    assert made.age(200) == 0


def test_files_wait_from_their_close_until_their_export() -> None:
    made = content(Rates(files_per_second=1))
    made.write("a", at=0, count=60)
    made.write("b", at=30, count=60)
    assert [made.waiting(at) for at in (30, 67, 68, 127, 128)] == [120, 120, 60, 60, 0]
    made.write("a", at=200, count=7)
    assert made.waiting(200) == 7
    made.switch_off(205)
    assert made.waiting(205) == 0


def test_what_is_still_queued_when_auto_export_is_switched_off_is_dropped_deletions_included() -> None:
    made = content(Rates(files_per_second=1))
    made.write("old", at=0)
    made.settle(60)
    made.write("half", at=100, count=100, bytes_each=10)
    made.remove("old", at=101)
    made.switch_off(158)
    made.settle(10_000)
    assert made.lost() == (50, 500)
    assert made.stale() == 1
    assert made.age(150) == 50, "what the metric said before does not change"
    assert made.age(160) == 0


def test_a_deleted_file_is_not_lost_and_its_object_goes() -> None:
    made = content()
    made.write("a", at=0)
    made.remove("a", at=50)
    made.settle(100)
    assert (made.lost(), made.stale()) == ((0, 0), 0)


def test_a_newer_version_is_missing_until_it_is_exported_too() -> None:
    made = content()
    made.write("a", at=0)
    made.settle(50)
    made.write("a", at=60)
    assert made.lost()[0] == 1
    made.settle(80)
    assert made.lost()[0] == 0


def test_refused_files_leave_the_queue_and_stay_missing() -> None:
    refused: list[tuple[str, int]] = []
    made = content(refused=3)
    made.on_refused = lambda key, count: refused.append((key, count))
    made.write("a", at=0, count=10)
    made.settle(100)
    assert made.age(100) == 0
    assert made.lost()[0] == 3
    assert refused == [("a", 3)]
    assert made.to_export() == [("a", 0, 3)]


def test_an_export_task_finds_only_what_is_new_or_changed() -> None:
    made = content()
    made.write("a", at=0)
    made.settle(50)
    made.switch_off(50)
    made.write("b", at=60)
    made.remove("a", at=61)
    assert made.to_export() == [("b", 1, 0)]
    made.export_by_task("b", version=1, at=90)
    assert (made.lost(), made.stale(), made.last_exported_at) == ((0, 0), 1, 90)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 500), st.booleans()), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), max_size=3),
    st.integers(0, 2000),
)
def test_every_file_is_exported_deleted_or_counted_as_lost(
    changes: list[tuple[int, int, bool]], stalls: list[tuple[int, int]], cut: int
) -> None:
    made = content(Rates(files_per_second=20, stalls=[(at, at + length) for at, length in stalls]))
    now, alive = 0.0, 0
    for number, (pause, count, removed) in enumerate(changes):
        now += pause
        made.write(str(number), at=now, count=count)
        alive += count
        if removed:
            made.remove(str(number), at=now)
            alive -= count
    made.switch_off(now + cut)
    exported = sum(group.exported for group in made.groups.values() if not group.deleted)
    assert exported + made.lost()[0] == alive
    if made.age(now + cut - 0.001) == 0 and cut > 10:
        assert made.lost()[0] == 0


def test_an_object_that_was_there_before_the_file_was_removed_is_stale_until_the_removal_travels() -> None:
    made = content()
    made.write("a", at=0)
    made.remove("a", at=1000)
    assert made.stale() == 1, "nobody asked in between, and it was exported all the same"
    made.settle(1010)
    assert made.stale() == 0


def test_an_export_of_an_older_version_does_not_count_for_the_newer() -> None:
    made = content(Rates(files_per_second=1, stalls=[(1000, 2000)]))
    made.write("a", at=0)
    made.write("a", at=1000)
    made.settle(1100)
    assert made.lost() == (1, 0)


def test_a_renamed_file_is_two_objects_until_the_queue_has_carried_the_rename() -> None:
    made = content()
    made.write("a.part", at=0)
    made.rename("a.part", "a", at=100)
    assert (made.lost()[0], made.stale()) == (1, 1)
    made.settle(120)
    assert (made.lost()[0], made.stale()) == (0, 0)


def test_a_file_renamed_before_it_was_exported_leaves_nothing_under_the_old_name() -> None:
    made = content()
    made.write("a.part", at=0)
    made.rename("a.part", "a", at=1)
    made.settle(60)
    assert (made.lost()[0], made.stale()) == (0, 0)


def test_a_task_carries_neither_a_deletion_nor_a_rename_of_what_was_exported() -> None:
    made = content()
    made.write("a", at=0)
    made.write("b", at=0)
    made.write("c", at=100)
    made.rename("a", "a.new", at=101)
    made.remove("b", at=101)
    made.switch_off(102)
    assert made.to_export() == [("c", 1, 0)]
    made.export_by_task("c", 1, at=200)
    assert (made.lost()[0], made.stale()) == (1, 2)


def test_a_refused_file_that_is_given_another_name_is_something_for_a_task() -> None:
    made = content()
    made.refusal = lambda key, size: "no name for S3" if key == "bad" else None
    made.write("bad", at=0)
    made.settle(60)
    made.switch_off(61)
    assert made.to_export() == [("bad", 0, 1)]
    made.rename("bad", "good", at=100)
    assert made.to_export() == [("good", 1, 0)]


def test_a_renamed_file_that_changes_again_is_something_for_a_task() -> None:
    made = content()
    made.write("a", at=0)
    made.rename("a", "b", at=100)
    made.switch_off(101)
    made.write("b", at=200)
    assert made.to_export() == [("b", 1, 0)]
