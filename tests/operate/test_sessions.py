"""`session start` and `session stop`: a queue that others submit jobs to, from when it takes them to its end."""

from __future__ import annotations

from pathlib import Path

from tests.operate.conftest import Desk, Typed

ROOT = Path(__file__).parents[2]


def test_a_session_says_where_it_is_as_soon_as_it_takes_jobs_and_ends_when_it_is_told(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        typed.append(desk.type("session", "start", "--idle-minutes", "60", "--name", "engine", "--prefix", "wf/"))
        (run,) = [one for one in desk.account.executions.all.values() if one.name == "engine"]
        assert run.status == "RUNNING"
        typed.append(desk.type("session", "stop", "never"))
        typed.append(desk.type("session", "list"))
        typed.append(desk.type("logs", "engine"))
        typed.append(desk.type("session", "stop"))

    desk.play(doing)
    started, wrong, listed, logs, stopped = typed
    assert listed.lines == [line for line in started.lines if line in listed.lines]
    assert listed.lines[0].startswith("queue: ")
    assert "engine is a session: what its jobs print goes where their job definitions send it" in logs.result.stderr
    assert started.status == 0
    text = started.result.stdout
    assert f"queue: {desk.session.exports['jobQueueArns'][0]}" in text
    assert "path on its instances: /fsx/scratch" in text
    assert f"results: s3://{desk.session.exports['bucketName']}/wf/" in text
    assert f"run: {desk.stack.execution_arn('engine')}" in text
    assert f"to end it: lustre-batch session stop engine --state-machine {desk.arn}" in text
    assert (wrong.status, "never is no session that is open; open: engine" in wrong.result.stderr) == (2, True)
    assert stopped.status == 0
    assert "the run succeeded after" in stopped.result.stdout
    assert desk.account.executions.all[desk.stack.execution_arn("engine")].output["session"] == "told"
    assert desk.account.file_systems.living() == []
    none = desk.type("session", "stop")
    assert (none.status, "no session is open" in none.result.stderr) == (2, True)


def test_as_json_it_is_the_item_of_the_session(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        typed.append(desk.type("session", "start", "--json"))
        listed = desk.type("session", "list", "--json")
        typed.append(desk.type("session", "stop", "--detach", "--json"))
        typed.append(listed)

    desk.play(doing)
    assert typed[0].facts["queueArn"] in desk.session.exports["jobQueueArns"]
    assert (typed[0].status, typed[1].status) == (0, 4)
    assert "session" not in typed[0].facts
    assert {"since", "tag", "kind", "id"} & typed[0].facts.keys() == set(), "those are the runs' own"
    (listed,) = typed[2].facts["sessions"]
    assert listed == {key: value for key, value in typed[0].facts.items() if key != "exit_status"}
    assert (listed["lane"], listed["ending"]) == (1, False)
    for page in ("command.md", "command.ja.md"):
        text = (ROOT / "docs" / page).read_text()
        assert [key for key in listed if f"`{key}`" not in text] == []


def test_a_session_that_cannot_begin_says_why(desk: Desk) -> None:
    typed: list[Typed] = []
    refused = {"call": "fsx:CreateFileSystem", "error": "ServiceLimitExceeded", "times": 99}
    desk.play(lambda: typed.append(desk.type("session", "start")), faults=[refused])
    assert typed[0].status == 1
    assert "the run failed: " in typed[0].result.stdout


def test_what_is_about_a_job_is_refused_with_the_words_of_the_run(desk: Desk) -> None:
    sfn, given = desk.stack.client("stepfunctions"), '{"session": {}, "jobDefinitionVcpus": 2}'
    desk.play(lambda: sfn.start_execution(stateMachineArn=desk.arn, input=given))
    (run,) = [one for one in desk.account.executions.all.values() if one.machine_arn == desk.arn]
    typed = desk.type("session", "start", "--set", "jobDefinitionVcpus=2")
    assert typed.status == 2
    assert str(run.cause) in typed.result.stderr
    assert desk.type("session", "start", "--idle-minutes", "1441").status == 2


def test_what_is_no_open_session_says_what_it_is_and_what_ends_it(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        sfn = desk.stack.client("stepfunctions")
        sfn.start_execution(stateMachineArn=desk.arn, name="opening", input='{"session": {}, "keyPrefix": "o/"}')
        sfn.start_execution(stateMachineArn=desk.arn, name="plain", input='{"keyPrefix": "p/"}')
        typed.append(desk.type("session", "stop", "opening"))
        typed.append(desk.type("session", "stop", "plain"))
        typed.append(desk.type("session", "list"))

    desk.play(doing)
    typed.append(desk.type("session", "stop", "opening"))
    said = [one.result.output for one in typed]
    assert "opening does not take jobs, or not yet: lustre-batch stop opening ends it all the same" in said[0]
    assert "plain is no session: lustre-batch stop plain stops it" in said[1]
    assert typed[2].lines == ["no session takes jobs"]
    assert "the session opening has ended already: it is SUCCEEDED" in said[3]
