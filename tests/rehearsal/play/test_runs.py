"""Several runs of one stack: each follows its own plan, and what happened to each is told apart."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from rehearsal.aws.account import Account
from rehearsal.aws.states.executions import Execution
from rehearsal.play.beside import SideBySide, print_runs
from rehearsal.play.ledger import Entry, Holding, Ledger
from rehearsal.play.report import _of_each, show
from rehearsal.play.scenario import ScenarioError, parse
from rehearsal.play.session import Session
from rehearsal.play.stage import staged
from rehearsal.play.verdict import Verdict, judge

TWO = {
    "job": {"runtime": 600, "writes": [{"over": 500, "files": 50}]},
    "runs": [
        {"at": 0, "input": {"keyPrefix": "a/"}},
        {
            "at": 60,
            "input": {"keyPrefix": "b/"},
            "job": {"runtime": 300, "outcome": "FAILED", "writes": [{"files": 3}], "interruptions": [100]},
            "file_system": {"create": 900},
            "expect": "FAILED",
            "expect_error": "JobFailed",
        },
    ],
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with staged() as stage:
        yield stage.session


@pytest.fixture(scope="module")
def two(session: Session) -> Verdict:
    return judge(session, session.play(parse(TWO, "two")))


def test_each_run_follows_its_own_plan_at_the_same_time_as_the_other(two: Verdict) -> None:
    assert two.why_not == []
    first, second = two.facts["runs"]
    assert (first["outcome"], second["outcome"], second["error"]) == ("SUCCEEDED", "FAILED", "JobFailed")
    assert (first["exported_files"], second["exported_files"]) == (50, 3)
    assert [one["exit_code"] for one in first["attempts"]] == [0]
    assert [one["exit_code"] for one in second["attempts"]] == [None, 1]  # the first of them was interrupted
    assert first["job_started_at"] < 900 < second["job_started_at"]  # its file system takes so long
    assert {first["lane"], second["lane"]} == {1, 2}
    assert second["started_at"] == 60
    assert first["stopped_at"] > 60


def test_the_facts_of_all_are_the_sum_of_those_of_each_and_the_first_ones(two: Verdict) -> None:
    found = two.facts
    for key in ("exported_files", "exported_objects", "exported_bytes", "lost_files", "transitions", "foreign_mounts"):
        assert found[key] == sum(run[key] for run in found["runs"]), key
    for key in ("outcome", "error", "cause", "output", "job_started_at", "drained_at", "deleted_at", "idle_seconds"):
        assert found[key] == found["runs"][0][key], key
    assert len(found["attempts"]) == 3
    assert sum(map(sum, (run["api_calls"].values() for run in found["runs"]))) <= sum(found["api_calls"].values())
    assert found["makespan_seconds"] == max(run["stopped_at"] for run in found["runs"])


def test_how_long_a_run_waited_for_its_lane_is_seen_in_the_table(session: Session) -> None:
    content = {**TWO, "runs": [{"at": 0}, {"at": 30}]}
    found = judge(session, session.play(parse(content, "same prefix"))).facts
    first, second = found["runs"]
    assert first["queued_seconds"] < 5
    # It takes the prefix when the other has given it back, at the latest with its last look.
    assert first["stopped_at"] < 30 + second["queued_seconds"] < first["stopped_at"] + 120
    assert second["job_started_at"] > 30 + second["queued_seconds"]
    # What it waited for, and for whom, is read from the table as it was at each moment.
    assert first["queued_for"] == []
    (wait,) = second["queued_for"]
    assert (wait["for"], wait["runs"]) == ("prefix", [first["execution"]])
    assert wait["seconds"] == pytest.approx(second["queued_seconds"], abs=120)


def test_a_run_that_never_had_a_lane_says_so(session: Session) -> None:
    content = {**TWO, "runs": [{"at": 0}, {"at": 30, "input": {"wait": False}, "expect": "FAILED"}]}
    verdict = judge(session, session.play(parse(content, "no waiting")))
    assert verdict.why_not == []
    second = verdict.facts["runs"][1]
    assert (second["error"], second["lane"], second["queued_seconds"]) == ("PrefixBusy", None, None)
    assert second["foreign_mounts"] == 0


def test_every_run_has_a_real_job_if_none_is_modelled(session: Session) -> None:
    command = {"command": ["sh", "-c", "sleep 300; echo $AWS_BATCH_JOB_ID > ${SCRATCH_DIR:-/scratch}/out"]}
    runs = [{"at": 0, "input": {"keyPrefix": "a/"}}, {"at": 10, "input": {"keyPrefix": "b/"}}]
    verdict = judge(session, session.play(parse({"job": command, "runs": runs}, "real")))
    assert verdict.why_not == []
    bucket = session.exports["bucketName"]
    for prefix, run in zip(("a/", "b/"), verdict.facts["runs"], strict=True):
        written = session.account.buckets.read(bucket, f"{prefix}out") or b""
        assert written.decode().split() == run["output"]["jobIds"]
    shown = io.StringIO()
    show(Console(file=shown, width=200), session, verdict, 0.0)
    lines = [line.strip() for line in shown.getvalue().splitlines()]
    first, second = (
        next(n for n, line in enumerate(lines) if line.split() == ["run", f"{m}", "SUCCEEDED"]) for m in (1, 2)
    )
    for place, prefix in ((first, "a/"), (second, "b/")):
        assert lines[place + 1].startswith("job attempt 1: exit code 0 after 0:0")
        assert lines[place + 2].endswith(f"in s3://{bucket}/{prefix}")


def test_an_instance_that_mounts_another_runs_file_system_is_seen(session: Session) -> None:
    """The verdict itself: the second lane's environment is made to name the first run's launch template."""

    def watch(execution: Execution, state: str, kind: str) -> None:
        environments = session.account.environments.all
        named = {name: one.resources.get("launchTemplate") for name, one in environments.items()}
        if state == "WaitForJobCompletion" and all(named.values()):
            for environment in environments.values():
                environment.resources = {**environment.resources, "launchTemplate": next(iter(named.values()))}

    runs = [{"at": 0, "input": {"keyPrefix": "a/"}}, {"at": 0, "input": {"keyPrefix": "b/"}}]
    verdict = judge(session, session.play(parse({**TWO, "runs": runs}, "foreign"), watch))
    assert verdict.facts["foreign_mounts"] == 1
    by_lane = sorted(verdict.facts["runs"], key=lambda run: int(run["lane"]))
    assert [run["foreign_mounts"] for run in by_lane] == [0, 1]
    assert any("another run" in reason for reason in verdict.why_not)


def test_two_that_hold_a_lane_or_prefixes_that_overlap_are_seen(session: Session) -> None:
    ledger = Ledger(session.account)
    ledger.entries = [
        Entry(1.0, (Holding("a", 1, "x/"), Holding("b", 2, "y/"), Holding("c", 0, "z/"), Holding("d", 0, "w/")))
    ]
    assert list(ledger.clashes()) == []
    ledger.entries += [Entry(2.0, (Holding("a", 1, "x/"), Holding("b", 1, "x/y/")))]
    assert list(ledger.clashes()) == ["a and b both held lane 1", "a and b both held the prefix 'x/'"]
    assert ledger.taken("b") == (1.0, 2)
    assert (ledger.holder(1, 1.5), ledger.holder(1, 0.5), ledger.holder(3, 1.5)) == ("a", None, None)


def test_whoever_waits_starts_no_clean_up_beside_one_that_is_at_work(session: Session) -> None:
    """Two of one execution tell the other's deletion of the file system as somebody else's."""
    content = {
        **TWO,
        "events": {"delivered": False},
        "faults": [{"call": "lambda:*", "error": "InternalServerError", "at": 1500, "for": 4000}],
        "runs": [{"at": 0, "execution": {"abort_at": 1000, "clean_up_abort_at": 0}, "expect": "ABORTED"}, {"at": 60}],
    }
    verdict = judge(session, session.play(parse(content, "dead holder")))
    assert verdict.why_not == []
    dead = verdict.facts["runs"][0]["execution"]
    ends = [line for line in verdict.facts["messages"] if dead in line["message"]]
    assert [line["subject"].partition(": ")[2] for line in ends] == ["cleaned up, nothing is left"]


# ------------------------------------------------------------------ the format


def test_a_run_has_what_the_scenario_says_unless_it_says_otherwise_itself() -> None:
    content = {
        "job": {"runtime": 60, "writes": []},
        "input": {"keyPrefix": "all/"},
        "expect": "FAILED",
        "expect_error": "JobFailed",
        "runs": [{}, {"at": 5, "job": {"runtime": 30}, "input": {}, "expect": "SUCCEEDED"}],
    }
    first, second = parse(content, "file").each()
    assert (first.at, first.job.runtime, first.job.writes, first.input) == (0, 60, [], {"keyPrefix": "all/"})
    assert (first.expect, first.expect_error) == ("FAILED", "JobFailed")
    assert (second.at, second.job.runtime, second.job.writes, second.input) == (5, 30, None, {})
    assert (second.expect, second.expect_error) == ("SUCCEEDED", None)


def test_of_a_job_and_a_session_that_the_scenario_says_each_run_has_the_one_that_it_has_a_use_for() -> None:
    content = {
        "job": {"runtime": 60, "writes": []},
        "session": {"end_at": 90},
        "runs": [{"input": {"session": {}}}, {"at": 5}],
    }
    session, ordinary = parse(content, "file").each()
    assert (session.session.end_at, session.job.model_fields_set) == (90, set())
    assert (ordinary.session.end_at, ordinary.job.runtime) == (None, 60)


def test_without_runs_there_is_one_and_again_at_makes_it_two() -> None:
    [only] = parse({"execution": {"abort_at": 5}, "expect": "ABORTED"}, "file").each()
    assert (only.at, only.execution.abort_at, only.expect) == (0, 5, "ABORTED")
    first, again = parse({"execution": {"abort_at": 5, "again_at": 9}, "expect": "ABORTED"}, "file").each()
    assert (first.execution.abort_at, first.expect) == (5, "ABORTED")
    assert (again.at, again.execution.abort_at, again.expect) == (9, None, "SUCCEEDED")


def test_an_input_from_outside_is_merged_with_that_of_every_run() -> None:
    scenario = parse({"input": {"a": 1}, "runs": [{}, {"input": {"a": 2, "b": 2}}, {"input": "text"}]}, "file")
    assert [run.input for run in scenario.with_input({"a": 3}).each()] == [{"a": 3}, {"a": 3, "b": 2}, {"a": 3}]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        *(
            (
                {"runs": [{key: value}]},
                f"runs.0.{key}: {shown}: it belongs to the whole scenario, not to one of its runs",
            )
            for key, value, shown in (
                ("set", {}, "{}"),
                ("bucket", {}, "{}"),
                ("seed", 1, "1"),
                ("faults", [], "[]"),
                ("events", {}, "{}"),
                ("quota", {}, "{}"),
                ("runs", [], "[]"),
            )
        ),
        ({"runs": [{"imput": {}}]}, "runs.0.imput: {}: there is no such key; did you mean input?"),
        ({"runs": {}}, "runs: {}: is not a list"),
        ({"runs": [{"at": -1}]}, "runs.0.at: -1: is less than 0 s"),
        ({"runs": [{"at": 5}]}, "runs.0.at: 5: none of the runs starts at 0, which all times count from"),
        ({"runs": [{"job": {"runtime": "1h"}}]}, 'runs.0.job.runtime: "1h": is not a number (seconds)'),
        (
            {"runs": [{}], "execution": {"again_at": 5}},
            "execution.again_at: 5: with several runs (runs), another execution is one more of them",
        ),
        (
            {"runs": [{"execution": {"name": "a"}}, {"execution": {"name": "a"}}]},
            'runs.1.execution.name: "a": another of the runs has this name, and an execution\'s is its own',
        ),
        (
            {"runs": [{}, {}], "execution": {"name": "a"}},
            'execution.name: "a": another of the runs has this name, and an execution\'s is its own',
        ),
        (
            {"runs": [{"expect_error": "JobFailed"}]},
            'runs.0.expect_error: "JobFailed": an execution that is expected to succeed (expect) has no error',
        ),
        (
            {"runs": [{}, {"input": {"session": {}}, "job": {"runtime": 5}}]},
            'runs.1.job: {"runtime": 5}: the run opens a session (input.session), which has only the jobs of others '
            "(session.jobs)",
        ),
        (
            {"job": {"runtime": 5}, "input": {"session": {}}, "runs": [{}, {"at": 5}]},
            'job: {"runtime": 5}: the run opens a session (input.session), which has only the jobs of others '
            "(session.jobs)",
        ),
        (
            {"session": {"end_at": 5}, "runs": [{}, {"at": 5}]},
            'session: {"end_at": 5}: the run opens none (input: {"session": {}})',
        ),
        (
            {"runs": [{}, {"job": {"only_children": [1]}}]},
            "runs.1.job.only_children: [1]: the job is no array (jobDefinitionArraySize)",
        ),
    ],
)
def test_a_mistake_in_a_run_is_one_line_that_names_it(content: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(content, "file")
    assert str(caught.value) == f"file: {line}"


# ------------------------------------------------------------------ what people see


def execution(account: Account, name: str, machine: str = "m", content: str = "{}") -> Execution:
    arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{machine}"
    return Execution(
        clock=account.clock,
        evaluator=account.evaluator,
        integrations=account.integrations,
        arn=f"{arn}:{name}",
        name=name,
        machine_arn=arn,
        role_arn="arn:aws:iam::123456789012:role/m",
        input=content,
        started=account.clock.now(),
    )


def shown(account: Account, width: int) -> list[str]:
    written = io.StringIO()
    timeline = SideBySide(Console(file=written, width=width), 2)
    first = execution(account, "first")
    timeline(first, "SubmitJob", "Task")
    account.clock.advance(60)
    second = execution(account, "second")
    timeline(second, "TakeTicket", "Task")
    clean_up = execution(account, "c", "m-clean-up", f'{{"execution": "{first.arn}"}}')
    timeline(clean_up, "DescribeReleasedEnvironmentOfIt", "Task")
    for state in ("WaitForTurn", "WaitForTurn", "TakeLane"):
        timeline(second, state, "Task")
    first.status, first.error, first.stopped = "FAILED", "JobFailed", account.clock.now()
    timeline(second, "Succeeded", "Succeed")
    second.status, second.stopped = "SUCCEEDED", account.clock.now()
    timeline.close()
    return written.getvalue().splitlines()


def test_runs_are_shown_in_columns_with_their_clean_ups(session: Session) -> None:
    assert shown(session.account, width=61) == [
        "  0:00:00  ─ run 1",
        "  0:00:00  SubmitJob",
        "  0:01:00                           ─ run 2",
        "  0:01:00                           TakeTicket",
        "  0:01:00  ┆ DescribeReleasedEnvir…",
        "  0:01:00                           WaitForTurn",
        "                                    … polled, 1",
        "  0:01:00                           TakeLane",
        "  0:01:00  └ FAILED with JobFailed",
        "  0:01:00                           Succeeded",
        "  0:01:00                           └ SUCCEEDED",
    ]


def test_runs_that_have_no_room_beside_each_other_are_told_with_their_starts_and_ends(session: Session) -> None:
    assert shown(session.account, width=40) == [
        "  0:00:00  ─ run 1",
        "  0:01:00  ─ run 2",
        "  0:01:00  └ run 1 FAILED with JobFailed",
        "  0:01:00  └ run 2 SUCCEEDED",
    ]


def test_a_table_has_lane_wait_and_end_of_every_run_within_eighty_columns(two: Verdict) -> None:
    written = io.StringIO()
    runs = two.facts["runs"]
    waiting = {**runs[1], "lane": None, "queued_seconds": None, "job_started_at": None, "error": "LaneTimedOut"}
    print_runs(Console(file=written, width=80), [*runs, waiting], two.facts["virtual_seconds"])
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[:4] == ["run", "lane", "queued", "outcome"]
    assert [line.split()[:4] for line in lines[1:4]] == [
        ["1", "1", "0:00:01", "SUCCEEDED"],
        ["2", "2", "0:00:01", "JobFailed"],
        ["3", "–", "–", "LaneTimedOut"],
    ]
    assert ["█" in line for line in lines[1:4]] == [True, True, False]
    assert ["···" in line for line in lines[1:4]] == [False, False, True]


def test_the_table_says_what_a_run_waited_for_if_one_did(two: Verdict) -> None:
    written = io.StringIO()
    first, second = two.facts["runs"]
    waits = [
        {"for": "prefix", "runs": [first["execution"], "arn:of-another-play"], "seconds": 60.0},
        {"for": "lane", "runs": [first["execution"]], "seconds": 60.0},
    ]
    print_runs(Console(file=written, width=80), [first, second | {"queued_for": waits}], two.facts["virtual_seconds"])
    head, one, other, _ = written.getvalue().splitlines()
    assert head.split()[:5] == ["run", "lane", "queued", "for", "outcome"]
    assert one.split()[3] == "SUCCEEDED"
    assert "  prefix of 1, ?; lane  " in other
    assert max(map(len, (head, one, other))) <= 80


def test_a_run_waits_for_a_prefix_before_a_lane_and_for_whoever_is_in_front_of_it() -> None:
    ledger = Ledger(None, ["one", "two"])  # type: ignore[arg-type]
    mine, ahead = Holding("me", 0, "x/"), Holding("ahead", 0, "x/y/")
    ledger.entries = [
        Entry(0.0, (Holding("a", 1, "x/"),), (mine,)),
        Entry(10.0, (Holding("b", 1, "b/"), Holding("c", 2, "c/")), (ahead, mine)),
        Entry(20.0, (Holding("b", 1, "b/"), Holding("c", 2, "c/")), (mine,)),
        Entry(50.0, (Holding("b", 1, "b/"), Holding("d", 2, "d/"), Holding("c", 0, "c/")), (mine,)),
        Entry(60.0, (Holding("b", 1, "b/"),), (mine,)),
        Entry(61.0, (Holding("b", 1, "b/"), Holding("me", 2, "x/")), ()),
    ]
    assert [(one.what, one.runs, one.seconds) for one in ledger.waits("me", 99.0)] == [
        ("prefix", ("a",), 10.0),
        ("prefix", ("ahead",), 10.0),
        ("lane", ("b", "c"), 30.0),
        ("lane", ("b", "d"), 10.0),
    ]
    assert ledger.waits("b", 99.0) == []


def test_of_a_hundred_runs_the_table_has_the_first_and_the_last(two: Verdict) -> None:
    written = io.StringIO()
    print_runs(Console(file=written, width=80), two.facts["runs"] * 50, two.facts["virtual_seconds"])
    lines = written.getvalue().splitlines()
    assert len(lines) == 43
    assert lines[21].strip() == "… 60 runs left out"
    assert lines[41].split()[0] == "100"
    rows = _of_each(two.facts["runs"] * 50, has_own_job=False)
    assert (len(rows), rows[20], rows[-1][0]) == (41, ("", "… 60 runs left out"), "run 100")
