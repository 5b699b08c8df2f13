"""How a run is drawn on a terminal, whatever its width and colours."""

from __future__ import annotations

import io
import re

import pytest
from lustre_batch.operate import phases, screen
from lustre_batch.operate.follow import Follower
from lustre_batch.operate.snapshot import Snapshot
from rich.console import Console

from rehearsal.play.measures import lifetime_seconds
from rehearsal.play.prices import file_system_dollars
from tests.operate.conftest import Desk


@pytest.fixture(scope="module")
def looks(desk: Desk) -> list[Snapshot]:
    """A whole run, as somebody sees it who looks every few minutes."""
    found: list[Snapshot] = []

    def doing() -> None:
        assert desk.type("run", "--name", "drawn", "--detach").status == 4
        follower = Follower(desk.stack, desk.stack.execution_arn("drawn"), closely=True)
        while not found or not found[-1].over:
            desk.account.clock.advance(60)
            found.append(follower.look())

    desk.play(doing)
    return found


def drawn(seen: Snapshot, width: int, **options: bool) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, force_terminal=True, **options).print(screen.drawn(seen))  # type: ignore[arg-type]
    return stream.getvalue()


def test_a_drawing_has_the_run_its_phases_the_present_one_marked_and_what_the_file_system_cost(
    looks: list[Snapshot],
) -> None:
    (seen, *_) = [one for one in looks if one.steps[-1].phase.name == "job" and one.job is not None]
    text = drawn(seen, 100, no_color=True)
    assert text.splitlines()[0].strip("\x1b[1m0 ").startswith("drawn")
    (present,) = [line for line in text.splitlines() if ">" in line]
    assert "the job (" in present
    assert "file system: about $" in text
    assert "Ctrl-C leaves the run to itself" in text
    assert "Ctrl-C" not in drawn(looks[-1], 100)


def test_a_phase_that_comes_again_has_one_row_with_all_its_time_so_that_a_run_fits_on_a_terminal_of_24_rows(
    looks: list[Snapshot],
) -> None:
    for seen in looks:
        rows = [line for line in drawn(seen, 100, no_color=True).splitlines() if line]
        for phase in {step.phase for step in seen.steps}:
            assert sum(phase.words in row for row in rows) == 1
        assert len(rows) <= 20  # below the command and what it says first
    last = looks[-1]
    assert len({step.phase for step in last.steps}) < len(last.steps)
    times = re.findall(r"(\d+):(\d\d):(\d\d)", drawn(last, 100, no_color=True))
    total, *each = [3600 * int(hours) + 60 * int(minutes) + int(seconds) for hours, minutes, seconds in times]
    assert total - len(each) <= sum(each) <= total  # each is cut to whole seconds


def test_its_sum_is_what_fsx_bills_until_the_file_system_is_gone_as_a_rehearsal_and_the_report_have_it(
    looks: list[Snapshot], desk: Desk
) -> None:
    (system,) = desk.account.file_systems.all.values()
    billed = file_system_dollars(system.request, lifetime_seconds(system, desk.account.clock.now()))
    minute = billed / lifetime_seconds(system, desk.account.clock.now()) * 60
    last = looks[-1].dollars
    assert last is not None
    assert billed <= sum(last.values()) <= billed + minute + 0.0002, "it is looked at every minute"
    # Deletion takes five to six minutes.
    assert last[phases.DELETING] > 4 * minute


def test_a_close_look_has_the_age_of_the_export_queue(desk: Desk) -> None:
    found: list[Snapshot] = []

    def doing() -> None:
        assert desk.type("run", "--name", "talks", "--detach").status == 4
        follower = Follower(desk.stack, desk.stack.execution_arn("talks"), closely=True)
        while not found or not found[-1].over:
            desk.account.clock.advance(30)
            found.append(follower.look())

    writes = [{"over": 600, "files": 2000, "bytes_each": 1_000_000}]
    desk.play(doing, job={"runtime": 600, "writes": writes}, export={"files_per_second": 2})
    ages = [one.queue_age_seconds for one in found if one.queue_age_seconds is not None]
    assert max(ages) > 60
    assert ages[-1] == 0
    (busy, *_) = [one for one in found if one.queue_age_seconds]
    assert "export queue: the oldest change has waited 0:0" in drawn(busy, 100)


@pytest.mark.parametrize("width", [30, 40, 200])
def test_no_line_is_wider_than_the_terminal(looks: list[Snapshot], width: int) -> None:
    for seen in looks[:: max(1, len(looks) // 8)]:
        plain = [line for line in drawn(seen, width, color_system=None).splitlines() if line]  # type: ignore[arg-type]
        assert max(map(len, plain)) <= width


def test_what_the_file_system_has_cost_only_grows_until_it_is_gone_and_is_split_by_what_for(
    looks: list[Snapshot],
) -> None:
    sums = [sum(one.dollars.values()) for one in looks if one.dollars]
    assert sums == sorted(sums)
    last = looks[-1].dollars
    assert last is not None
    assert {kind for kind, dollars in last.items() if dollars > 0} == {
        phases.WAITING,
        phases.WORKING,
        phases.DRAINING,
        phases.DELETING,
    }
    # Ten minutes of 2,400 GiB at $0.14 a GB-month.
    assert last[phases.WORKING] == pytest.approx(0.14 * 2400 / 730 / 6, rel=0.02)
