"""`lustre-batch plan`: which file systems are tried for a job, how they are ordered, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from lustre_batch.command import app
from lustre_batch.operate import planning, rehearsing
from lustre_batch.operate.problems import Problem
from typer.testing import CliRunner

from rehearsal.aws.fsx import speed
from rehearsal.aws.fsx.speed import EXPORTS, law_of
from rehearsal.play import sizing
from rehearsal.play.session import Session
from rehearsal.play.sizing import Work
from rehearsal.play.stage import staged

OWN = {sizing.TYPE: "SCRATCH_2", sizing.THROUGHPUT: 0, sizing.CAPACITY: 2400, sizing.EXPORT: True}


def persistent(throughput: int, capacity_gib: int, exports: bool = True) -> dict[str, Any]:
    return {
        sizing.TYPE: "PERSISTENT_2",
        sizing.THROUGHPUT: throughput,
        sizing.CAPACITY: capacity_gib,
        sizing.EXPORT: exports,
    }


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged() as stage:
        yield stage.session


# ---------------------------------------------------------------------- what is tried
def test_every_type_and_throughput_and_way_of_export_is_tried_from_the_smallest_capacity_on() -> None:
    tried = sizing.grid(Work(1000, 10_000, 60), OWN, lambda values: [])
    kinds = {(one[sizing.TYPE], one[sizing.THROUGHPUT]) for one in tried}
    assert len(kinds) == 8
    assert {one[sizing.CAPACITY] for one in tried} == {1200, 2400, 4800, 9600, 19_200}
    assert len(tried) == 8 * 5 * 2


def test_nothing_is_tried_that_does_not_hold_the_data_or_that_the_stack_refuses() -> None:
    tried = sizing.grid(
        Work(30, 10**12, 60), OWN, lambda values: [] if values[sizing.TYPE] == "PERSISTENT_2" else ["refused"]
    )
    assert {one[sizing.TYPE] for one in tried} == {"PERSISTENT_2"}
    assert {one[sizing.CAPACITY] for one in tried} == {31_200, 38_400, 76_800, 153_600, 307_200}
    assert not Work(30, 10**12, 60).fits(28_800)


# ---------------------------------------------------------------------- how they are ordered
LARGE = [one for one in EXPORTS if one.bytes_each >= speed.SMALL_BYTES]
SYSTEMS = [persistent(125, 4800), persistent(250, 4800), persistent(125, 9600)]  # which these were measured on


@pytest.mark.parametrize("unseen", sorted({one.throughput for one in LARGE}))
def test_the_order_is_that_of_measurements_which_the_model_was_not_fitted_to(
    session: Session, monkeypatch: pytest.MonkeyPatch, unseen: float
) -> None:
    """Three file systems are played with what was measured of each (speed.EXPORTS), and by a model that has not seen
    what those of one throughput did. No other measurements of exports by several file systems were found published."""
    work = Work(102_400, 1_000_000, 60)

    def played(values: dict[str, Any], law: speed.ExportLaw) -> tuple[float, float]:
        monkeypatch.setattr(speed, "EXPORT", law)
        found = sizing.played(session, work, values)
        return found["in_s3_seconds"], planning.dollars(found)

    model = law_of(one for one in EXPORTS if one.throughput != unseen)
    measured = [played(values, law_of([one])) for one, values in zip(LARGE, SYSTEMS, strict=True)]
    planned = [played(values, model) for values in SYSTEMS]
    compared = 0
    for one, other in combinations(range(len(SYSTEMS)), 2):
        for what, least in ((0, 60.0), (1, 0.01)):  # a minute, a cent
            difference = measured[one][what] - measured[other][what]
            if abs(difference) > least:
                compared += 1
                assert (planned[one][what] - planned[other][what]) * difference > 0
    assert compared == 5, "two of them export as fast as each other"


def test_a_larger_file_system_may_be_the_cheaper_one_since_it_exports_faster(session: Session) -> None:
    work = Work(100_000, 20_000_000, 1800)
    smaller, larger = (sizing.played(session, work, persistent(125, capacity)) for capacity in (4800, 9600))
    assert larger["in_s3_seconds"] < smaller["in_s3_seconds"]
    assert planning.dollars(larger) < planning.dollars(smaller)


def test_a_job_of_days_is_played_without_the_sweeps_that_would_look_at_it_each_hour(session: Session) -> None:
    found = sizing.played(session, Work(1000, 1_000_000, 3 * 86_400), OWN)
    assert found["status"] == "SUCCEEDED"
    assert len(session.account.executions.all) == 2, "the run and its clean-up"


# ---------------------------------------------------------------------- how it is told
def option(seconds: float, dollars: float, **others: Any) -> dict[str, Any]:
    return {
        "values": OWN | {sizing.CAPACITY: round(dollars * 1200)},
        "status": "SUCCEEDED",
        "in_s3_seconds": seconds,
        "over_seconds": seconds + 600,
        "file_system_dollars": dollars,
        "transition_dollars": 0.0,
        "throughput_mb_per_second": 480.0,
        "is_too_slow": False,
        **others,
    }


def test_shown_is_what_nothing_cheaper_is_faster_than_and_the_stacks_own_with_the_line_that_gives_it() -> None:
    fast, slow, worse, dear = option(3600, 3), option(7200, 1), option(7201, 2), option(3590, 4)
    found = {"stack": worse["values"], "options": [dear, worse, fast, slow, option(60, 0.5, is_too_slow=True)]}
    answer = planning.answered(found, 10, 1000, 60)
    assert [one["in_s3_seconds"] for one in answer["best"]] == [7200, 3600]
    assert answer["cheapest"]["set"] == ["lustreStorageCapacity=1200"]
    lines = list(planning.lines(answer, False, lambda words: f"lustre-batch {words} --stack prod"))
    shown = [line for line in lines if line.startswith("SCRATCH_2")]
    assert [line.split("$")[1] for line in shown] == ["1.00  cheapest", "2.00  this stack", "3.00  fastest"]
    assert "cheapest: lustre-batch run --set lustreStorageCapacity=1200 --stack prod" in lines
    assert [line.partition(":")[0] for line in lines if " run --set " in line] == ["cheapest", "fastest"]
    assert all(len(line) <= 80 for line in shown)


def test_what_is_cheapest_and_fastest_is_told_once() -> None:
    found = {"stack": OWN, "options": [option(3600, 1), option(7200, 2)]}
    lines = list(planning.lines(planning.answered(found, 10, 1000, 60), False, str))
    assert [line for line in lines if "run --set" in line] == [
        "cheapest and fastest: run --set lustreStorageCapacity=1200"
    ]


def test_a_file_system_that_takes_less_than_the_job_writes_is_marked_and_not_recommended() -> None:
    found = {"stack": OWN, "options": [option(60, 2, is_too_slow=True), option(600, 3)]}
    answer = planning.answered(found, 1000, 10**9, 100)
    assert answer["cheapest"]["file_system_dollars"] == answer["fastest"]["file_system_dollars"] == 3
    assert "$2.00  this stack, *" in "\n".join(planning.lines(answer, False, str))
    assert "*: the job writes 10,000 MB/s" in "\n".join(planning.lines(answer, False, str))


def test_a_stack_whose_own_file_system_is_none_to_choose_from_is_told_why() -> None:
    held = option(600, 3)
    answer = planning.answered({"stack": OWN, "options": [held]}, 1, 10**12, 60)
    said = "this stack's own file system is not among them: "
    assert said + "its 2,400 GiB do not hold so much" in list(planning.lines(answer, False, str))
    failing = option(60, 2, status="FAILED", error="JobTimedOut", cause="it took too long")
    answer = planning.answered({"stack": failing["values"], "options": [held, failing]}, 1, 1, 60)
    assert said + "the run would fail: JobTimedOut: it took too long" in list(planning.lines(answer, False, str))
    answer = planning.answered({"stack": held["values"], "options": [held]}, 1, 1, 60)
    assert said not in "\n".join(planning.lines(answer, False, str))


@pytest.mark.parametrize(
    ("files", "bytes_each", "words"),
    [
        (1, 0, "1 file, 0 B, written over 0:01:00:"),
        (2, 499, "2 files, 998 B, written over 0:01:00:"),
        (1000, 10_000, "1,000 files, 10.0 MB, written over 0:01:00:"),
        (3000, 10**12, "3,000 files, 3,000.0 TB, written over 0:01:00:"),
    ],
)
def test_what_is_written_is_said_in_units_that_show_it(files: int, bytes_each: int, words: str) -> None:
    answer = planning.answered({"stack": OWN, "options": [option(600, 3)]}, files, bytes_each, 60)
    assert next(planning.lines(answer, False, str)) == words


def test_a_run_that_would_fail_everywhere_is_said_with_its_reason() -> None:
    failing = option(60, 1, status="FAILED", error="JobTimedOut", cause="it ran for longer than jobTimeoutMinutes")
    with pytest.raises(Problem, match="would fail on each of 1: JobTimedOut: it ran for longer than jobTimeout") as end:
        planning.answered({"stack": OWN, "options": [failing]}, 1, 1, 1)
    assert end.value.status == 1


@pytest.mark.parametrize(
    ("text", "count"), [("0", 0), ("10000", 10_000), ("10kB", 10_000), ("10 MB", 10**7), ("1.5GiB", 3 * 2**29)]
)
def test_a_size_is_bytes_or_has_a_unit(text: str, count: int) -> None:
    assert planning.size(text) == count


@pytest.mark.parametrize(("text", "count"), [("90", 90), ("30m", 1800), ("2h", 7200), ("1.5d", 129_600)])
def test_a_time_is_seconds_or_has_a_unit(text: str, count: float) -> None:
    assert planning.seconds(text) == count


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--bytes-each", "10XB"), "is not a size such as"),
        (("--bytes-each", "6TiB"), "exceeds 5TiB, the largest file that FSx exports"),
        (("--bytes-each", "9" * 400), "exceeds 5TiB"),
        (("--runtime", "0"), "is not a time such as"),
        (("--runtime", "1y"), "is not a time such as"),
        (("--runtime", "91d"), "exceeds 90 days"),
        (("--files", "0"), "is not a whole number from 1 to 1000000000"),
        (("--files", "-5"), "is not a whole number from 1 to"),
        (("--files", "1000000001"), "is not a whole number from 1 to"),
        (("--files", "1.5"), "is not a whole number from 1 to"),
    ],
)
def test_what_is_no_number_size_or_time_is_refused_in_one_line_before_anything_is_rehearsed(
    words: tuple[str, str], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsing, "REHEARSAL", "not_asked_for")
    given = {"--files": "10", "--bytes-each": "1kB", words[0]: words[1]}
    result = CliRunner().invoke(app, ["plan", *(word for pair in given.items() for word in pair)])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"lustre-batch: {words[0]}: {words[1]} {rule}")
