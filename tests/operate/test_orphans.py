"""`list`, `stop`, `reclaim`, `orphans` and `logs`: what there is, and what becomes of it."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from lustre_batch.operate.leftovers import Orphan, too_young
from lustre_batch.operate.runs import md5

from rehearsal.aws.calls import Fault, internally
from rehearsal.play.session import Played
from rehearsal.play.strangers import CONTAINER
from tests.operate.conftest import Desk, Typed

KEEPING = ("run", "--set", "deleteLustre=false")


def during(desk: Desk, doing: Callable[[], None], seconds: float = 1500, **keys: object) -> Played:
    """Something is typed while a run named `nightly` is at work."""

    def both() -> None:
        assert desk.type("run", "--name", "nightly", "--detach").status == 4
        desk.account.clock.advance(seconds)
        doing()

    return desk.play(both, **{"job": {"runtime": 7200, "writes": [{"files": 3}]}, **keys})


def test_the_list_has_runs_with_what_they_are_at_and_file_systems_with_their_cost(desk: Desk) -> None:
    def doing() -> None:
        (system,) = desk.account.file_systems.living()
        typed, facts = desk.type("list"), desk.type("list", "--json").facts
        assert typed.status == 0
        first = typed.lines[0]
        assert first.startswith("nightly  RUNNING  ")
        assert first.endswith("  lane 1: the job")
        assert typed.lines[-1].startswith(f"file system {system.id} is AVAILABLE, about $")
        (run,) = facts["runs"]
        assert (run["name"], run["file_system"], run["elapsed_seconds"]) == ("nightly", system.id, 1500)

    during(desk, doing)
    assert desk.type("list").lines == [line for line in desk.type("list").lines if "SUCCEEDED" in line]


def test_a_stack_without_runs_says_how_to_start_one(desk: Desk) -> None:
    desk.account.executions.reset()
    assert desk.type("list").lines == ["no run yet: lustre-batch run starts one"]
    typed = desk.type("watch")
    assert (typed.status, "has had no run yet" in typed.result.stderr) == (2, True)


def test_a_run_is_stopped_once_somebody_agreed_and_its_clean_up_goes_on(desk: Desk) -> None:
    def doing() -> None:
        declined = desk.type("stop", "nightly", text="n\n")
        assert (declined.status, "nothing was done" in declined.result.stderr) == (2, True)
        assert desk.type("stop", "nightly", text="").status == 2
        assert desk.type("stop", "nightly", "--json").status == 2
        assert desk.account.executions.all[desk.stack.execution_arn("nightly")].status == "RUNNING"
        agreed = desk.type("stop", "nightly", text="y\n")
        assert agreed.status == 0
        assert "stopped nightly" in agreed.result.stdout
        assert "its clean-up begins within a minute" in agreed.result.stdout
        watched = desk.type("watch", "nightly")
        assert (watched.status, "the run was stopped: Stopped after" in watched.result.stdout) == (3, True)
        assert "its clean-up goes on by itself" in watched.result.stdout

    played = during(desk, doing)
    assert played.first.status == "ABORTED"
    assert desk.account.file_systems.living() == []
    assert desk.type("watch", "nightly").status == 1
    again = desk.type("stop", "nightly", "--yes")
    assert (again.status, "nightly has ended already: it is ABORTED" in again.result.stderr) == (2, True)


def test_a_kept_file_system_is_reclaimed_and_followed_to_its_end(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        assert desk.type(*KEEPING).status == 0
        (system,) = desk.account.file_systems.living()
        typed.append(desk.type("orphans"))
        typed.append(desk.type("orphans", "--clean", "--json"))
        typed.append(desk.type("reclaim", system.id))
        typed.append(desk.type("orphans"))

    desk.play(doing)
    shown, cleaned, reclaimed, after = typed
    assert (shown.status, cleaned.status, reclaimed.status, after.status) == (3, 3, 0, 0)
    assert "kept: deleteLustre is false" in shown.result.stdout
    assert "lustre-batch reclaim fs-" in shown.result.stdout
    assert cleaned.facts["clean_ups_started"] == []
    assert "what the run created is removed" in reclaimed.result.stdout
    assert after.lines == ["nothing is left of runs that are over"]
    assert desk.account.file_systems.living() == []


def test_all_that_a_run_left_is_reclaimed_by_its_name(desk: Desk) -> None:
    def doing() -> None:
        assert desk.type(*KEEPING, "--name", "kept").status == 0
        assert desk.type("reclaim", "kept", "--json").facts["status"] == "SUCCEEDED"

    desk.play(doing)
    assert desk.account.file_systems.living() == []


def test_what_no_clean_up_would_take_is_refused_before_one_is_started(desk: Desk) -> None:
    def doing() -> None:
        request = desk.account.file_systems.living()[0].request
        with internally():
            others = desk.account.client("fsx").create_file_system(
                FileSystemType="LUSTRE",
                StorageCapacity=1200,
                SubnetIds=request["SubnetIds"],
                SecurityGroupIds=request["SecurityGroupIds"],
                LustreConfiguration={"DeploymentType": "SCRATCH_2"},
            )["FileSystem"]["FileSystemId"]
        before = len(desk.account.executions.all)
        for what, said in (
            ("nightly", "nightly still runs: lustre-batch stop nightly"),
            ("never", "has no run never"),
            ("fs-0123456789abcdef0", "there is no file system fs-0123456789abcdef0"),
            (others, f"{others} is not a file system that {desk.stack.id} created"),
        ):
            typed = desk.type("reclaim", what)
            assert (typed.status, said in typed.result.stderr) == (2, True), typed.result.stderr
        assert len(desk.account.executions.all) == before
        desk.account.clock.advance(900)
        with internally():
            desk.account.client("fsx").delete_file_system(FileSystemId=others)

    during(desk, doing)


def test_what_a_stopped_run_left_is_shown_and_cleaned_up_at_once_when_asked(desk: Desk) -> None:
    def doing() -> None:
        assert desk.type("orphans").lines == ["nothing is left of runs that are over"]
        assert desk.type("stop", "nightly", "--yes").status == 0
        shown = desk.type("orphans", "--json")
        left = {one["type"]: one for one in shown.facts["orphans"]}
        assert shown.status == 3
        assert {"file-system", "job", "job-definition", "lane", "launch-template"} == set(left)
        assert left["lane"]["detail"] == 'lane 1, prefix ""'
        assert left["lane"]["id"].endswith("/" + md5(desk.stack.execution_arn("nightly")))
        assert {one["run"] for one in left.values()} == {desk.stack.execution_arn("nightly")}
        assert left["file-system"]["dollars_a_day"] > 5
        assert left["file-system"]["run"] == desk.stack.execution_arn("nightly")
        assert "not cleaned up yet" in desk.type("orphans").lines[0]
        cleaned = desk.type("orphans", "--clean")
        assert (cleaned.status, cleaned.lines[-1]) == (0, "started the clean-up of nightly")
        desk.account.clock.advance(60)
        again = desk.type("orphans", "--clean")
        assert again.status == 0
        assert {line.rpartition(": ")[2] for line in again.lines[:-1]} == {"its clean-up is at work"}
        desk.account.clock.advance(2400)
        assert desk.account.file_systems.living() == []

    during(desk, doing, events={"delivered": False})


def test_what_a_run_that_died_while_it_waited_or_was_open_has_in_the_table_is_left_until_its_clean_up(
    desk: Desk,
) -> None:
    """Its ticket, its session, and the jobs that others have in its queue; those of a run that runs are none of it."""
    typed: list[Typed] = []

    def doing() -> None:
        sfn, batch = desk.stack.client("stepfunctions"), desk.stack.client("batch")
        assert desk.type("session", "start", "--name", "engine", "--prefix", "a/").status == 0
        assert desk.type("run", "--name", "waits", "--prefix", "a/b/", "--detach").status == 4
        desk.account.clock.advance(60)
        with internally():
            definition = batch.register_job_definition(
                jobDefinitionName="of-others", type="container", containerProperties=CONTAINER
            )["jobDefinitionArn"]
            queue = desk.session.exports["jobQueueArns"][0]
            batch.submit_job(jobName="theirs", jobQueue=queue, jobDefinition=definition)
        typed.append(desk.type("orphans"))
        for name in ("engine", "waits"):
            sfn.stop_execution(executionArn=desk.stack.execution_arn(name))
        desk.account.clock.advance(1)
        typed.append(desk.type("orphans"))
        typed.append(desk.type("orphans", "--clean", "--json"))
        desk.account.clock.advance(3600)
        typed.append(desk.type("orphans"))

    desk.play(doing, events={"delivered": False})
    live, left, cleaned, after = typed
    assert live.lines == after.lines == ["nothing is left of runs that are over"]
    assert (left.status, cleaned.status, after.status) == (3, 0, 0)
    whose = {one["type"]: one["run"].rpartition(":")[2] for one in cleaned.facts["orphans"]}
    assert whose["ticket"] == "waits"
    assert {whose[each] for each in ("file-system", "job", "lane", "launch-template", "session")} == {"engine"}
    assert sorted(run.rpartition(":")[2] for run in cleaned.facts["clean_ups_started"]) == ["engine", "waits"]
    (ticket,) = [line for line in left.lines if line.startswith("ticket ")]
    assert ' (prefix "a/b/") since ' in ticket
    assert ticket.endswith(", of waits: not cleaned up yet")
    (job,) = [line for line in left.lines if line.startswith("job ")]
    assert " in lane 1) since " in job
    assert job.endswith(", whose instances are billed, of engine: not cleaned up yet")
    assert any(line.endswith(" a day and the instances of jobs") for line in left.lines)


def test_no_clean_up_is_started_for_a_run_that_is_not_known_and_left_nothing_old_since_it_would_end_at_once(
    desk: Desk,
) -> None:
    def doing() -> None:
        assert desk.type("stop", "nightly", "--yes").status == 0
        before = len(desk.account.executions.all)
        desk.account.calls.faults = [
            Fault(call="stepfunctions:DescribeExecution", error="ExecutionDoesNotExist", times=99)
        ]
        shown, cleaned = desk.type("orphans"), desk.type("orphans", "--clean", "--json")
        desk.account.calls.disarm()
        assert (shown.status, cleaned.status, cleaned.facts["clean_ups_started"]) == (3, 3, [])
        assert "Step Functions does not know it" in shown.lines[0]
        assert not [line for line in shown.lines if "--clean" in line]
        assert len(desk.account.executions.all) == before
        assert desk.type("orphans", "--clean").status == 0

    during(desk, doing, events={"delivered": False})


def test_a_run_that_is_not_known_is_over_once_what_it_holds_is_older_than_a_day() -> None:
    now = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)

    def left(kind: str, run: str, hours: float, kept: str = "") -> Orphan:
        return Orphan(kind, kind, run, now - datetime.timedelta(hours=hours), 0.0, kept)

    found = [
        left("lane", "young", 23),
        left("job", "young", 30),
        left("file-system", "young", 30, "deleteLustre is false"),
        left("launch-template", "old", 25),
        left("ticket", "old", 1),
        left("lane", "known", 1),
        left("job", "", 1),
    ]
    assert too_young(found, {"young": "", "old": "", "known": "FAILED", "": ""}, now) == {"young"}


def test_a_job_in_a_lane_that_no_run_holds_is_left_to_whoever_submitted_it(desk: Desk) -> None:
    """A queue that takes jobs without a run is enabled by hand; no clean-up looks there."""
    typed: list[Typed] = []
    batch, queue = desk.stack.client("batch"), desk.session.exports["jobQueueArns"][0]

    def doing() -> None:
        assert desk.type("run").status == 0
        with internally():
            batch.update_job_queue(jobQueue=queue, state="ENABLED")
            desk.account.clock.advance(300)
            definition = batch.register_job_definition(
                jobDefinitionName="of-others", type="container", containerProperties=CONTAINER
            )["jobDefinitionArn"]
            job = batch.submit_job(jobName="theirs", jobQueue=queue, jobDefinition=definition)["jobId"]
        typed.append(desk.type("orphans"))
        typed.append(desk.type("orphans", "--clean", "--json"))
        with internally():
            batch.terminate_job(jobId=job, reason="over")
            batch.update_job_queue(jobQueue=queue, state="DISABLED")

    desk.play(doing)
    shown, cleaned = typed
    (job,) = cleaned.facts["orphans"]
    assert (shown.status, cleaned.status, cleaned.facts["clean_ups_started"]) == (3, 3, [])
    assert (job["type"], job["run"]) == ("job", "")
    assert shown.lines[0].endswith(
        f", of no run that is known: aws batch terminate-job --job-id {job['id']} --reason orphan ends it"
    )
    assert not [line for line in shown.lines if "--clean" in line]


def test_a_file_system_that_is_reclaimed_is_at_work_on_and_not_kept_any_more(desk: Desk) -> None:
    typed: list[Typed] = []
    listed: list[str | None] = []

    def doing() -> None:
        assert desk.type(*KEEPING).status == 0
        (system,) = desk.account.file_systems.living()
        assert desk.type("reclaim", system.id, "--detach").status == 4
        listed.append(desk.type("list", "--json").facts["file_systems"][0]["kept"])
        desk.account.clock.advance(120)
        typed.append(desk.type("orphans"))
        listed.append(desk.type("list", "--json").facts["file_systems"][0]["kept"])

    desk.play(doing)
    assert listed == ["deleteLustre is false", None]
    assert typed[0].status == 0
    assert {line.rpartition(": ")[2] for line in typed[0].lines[:-1]} == {"its clean-up is at work"}


def test_the_log_of_a_job_is_what_it_printed(desk: Desk) -> None:
    desk.play(lambda: desk.type("run", "--name", "talks"), job={"command": ["sh", "-c", "echo one; echo two"]})
    assert desk.type("logs", "talks").lines[-2:] == ["one", "two"]
    assert desk.type("logs", "--json").facts["lines"][-2:] == ["one", "two"]
    wrong = desk.type("logs", "talks", "--child", "1")
    assert (wrong.status, "the job of talks is no array" in wrong.result.stderr) == (2, True)


def test_a_log_that_is_not_there_yet_is_said_in_a_line(desk: Desk) -> None:
    def doing() -> None:
        typed = desk.type("logs")
        assert (typed.status, len(typed.result.stderr.splitlines())) == (2, 1)
        assert "nightly has no job that Batch knows of" in typed.result.stderr

    during(desk, doing, seconds=60)


def test_the_boot_log_of_instances_that_could_not_mount_says_why(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        typed.append(desk.type("run", "--name", "unmounted"))
        typed.append(desk.type("logs", "unmounted", "--instance"))

    desk.play(doing, job={"mounts": False})
    assert [one.status for one in typed] == [1, 0]
    assert "InstancesCannotMount" in typed[0].result.stdout
    assert any("lustre: " in line and line.startswith("i-") for line in typed[1].lines)


@pytest.mark.parametrize("verb", ["run", "watch", "list", "logs", "stop", "reclaim", "orphans"])
def test_every_verb_has_help_and_json(desk: Desk, verb: str) -> None:
    typed = desk.type(verb, "--help")
    assert typed.status == 0
    assert "--json" in typed.result.stdout
