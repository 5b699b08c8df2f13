"""`run` and `watch`: a run that is started, followed, left to itself, and told of when it is over."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pty
import re
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lustre_batch import definition
from lustre_batch.command import app
from lustre_batch.operate import follow, inputs, phases
from lustre_batch.operate.problems import Problem
from lustre_batch.operate.stack import Stack
from typer.testing import CliRunner

from tests.operate.conftest import Desk, Typed


def followed(desk: Desk, *words: str, **keys: Any) -> Typed:
    typed: list[Typed] = []
    desk.play(lambda: typed.append(desk.type(*words)), **keys)
    return typed[0]


@pytest.mark.parametrize(("name", "known"), [("run", phases.RUN), ("clean_up", phases.CLEAN_UP)])
def test_every_state_belongs_to_one_phase_and_every_phase_has_states_that_there_are(
    name: str, known: tuple[phases.Phase, ...]
) -> None:
    listed = [state for phase in known for state in phase.states]
    assert sorted(listed) == sorted(definition.read(name)["States"])


def test_a_run_is_followed_through_its_phases_to_its_end_one_line_a_change(desk: Desk) -> None:
    typed = followed(desk, "run", "--name", "nightly")
    assert typed.status == 0, typed.result.output
    text = typed.result.stdout
    words = [phase.words for phase in (*phases.RUN[2:3], *phases.RUN[5:6], phases.CLEAN_UP[2], phases.CLEAN_UP[5])]
    places = [text.find(each) for each in words]
    assert -1 not in places
    assert places == sorted(places)
    assert typed.lines[0] == "started nightly"
    assert len(typed.lines) == len(set(typed.lines))
    assert "the run succeeded after" in text
    assert "file system: about $" in typed.lines[-1]


def test_what_is_set_for_a_run_reaches_its_job(desk: Desk) -> None:
    words = ("--set", "jobDefinitionVcpus=2", "--env", "STEPS=7", "--prefix", "today/", "--array", "2")
    typed = followed(desk, "run", "--json", *words, "--command", "python3", "run.py", "--steps", "7")
    assert (typed.status, typed.facts["status"], typed.facts["kept"]) == (0, "SUCCEEDED", []), typed.result.output
    (parent,) = [job for job in desk.account.jobs.all.values() if job.parent is None]
    container = parent.definition["containerProperties"]
    assert container["command"] == ["python3", "run.py", "--steps", "7"]
    assert {"name": "STEPS", "value": "7"} in container["environment"]
    assert {"type": "VCPU", "value": "2"} in container["resourceRequirements"]
    assert parent.array_size == 2
    assert typed.facts["file_system_dollars"]["working"] > 0


def test_every_name_of_the_object_of_a_run_is_on_the_page_of_the_command(desk: Desk) -> None:
    facts = followed(desk, "run", "--json").facts
    assert len(facts) > 10
    for page in ("command.md", "command.ja.md"):
        text = (Path(__file__).parents[2] / "docs" / page).read_text()
        assert [key for key in facts if f"`{key}`" not in text] == []


@pytest.mark.parametrize(
    ("query", "answer", "said"),
    [
        (
            "file_system_dollars.workin",
            None,
            ["lustre-batch: --query: there is no workin; there are waiting, working, draining, deleting"],
        ),
        ("{status: status, state: staet}", {"status": "SUCCEEDED", "state": None}, ["--query: there is no staet; th"]),
        ("[status, error]", ["SUCCEEDED", ""], []),
        ("kept[*].id", [], []),
    ],
)
def test_of_a_key_that_is_not_there_those_that_are_there_are_told(
    desk: Desk, query: str, answer: Any, said: list[str]
) -> None:
    typed = followed(desk, "run", "--query", query)
    lines = [line for line in typed.result.stderr.splitlines() if "--query" in line]
    assert (typed.answer, len(lines)) == (answer, len(said))
    assert all(part in line for part, line in zip(said, lines, strict=True))


def test_a_run_that_failed_says_why_and_exits_with_1(desk: Desk) -> None:
    typed = followed(desk, "run", job={"runtime": 60, "outcome": "FAILED", "exit_code": 3})
    assert typed.status == 1
    assert "the run failed: JobFailed after" in typed.result.stdout


def test_a_file_system_that_is_kept_as_asked_for_is_named_with_its_cost_and_exits_with_0(desk: Desk) -> None:
    typed = followed(desk, "run", "--set", "deleteLustre=false")
    (system,) = desk.account.file_systems.living()
    assert typed.status == 0
    assert f"kept: file-system {system.id}, about $" in typed.result.stdout
    assert f"lustre-batch reclaim {system.id} --state-machine {desk.arn}" in typed.result.stdout


def test_a_file_system_that_is_kept_because_files_were_refused_exits_with_3(desk: Desk) -> None:
    typed = followed(desk, "run", "--json", export={"refused": 1})
    (system,) = desk.account.file_systems.living()
    assert typed.status == 3
    assert [one["id"] for one in typed.facts["kept"]] == [system.id]


def test_a_run_may_be_left_to_itself_from_the_start_and_come_back_to(desk: Desk) -> None:
    typed: list[Typed] = []

    def doing() -> None:
        typed.append(desk.type("run", "--name", "later", "--detach"))
        typed.append(desk.type("watch"))

    desk.play(doing)
    assert [one.status for one in typed] == [4, 0]
    assert f"lustre-batch watch later --state-machine {desk.arn}" in typed[0].result.stdout
    assert "the run succeeded after" in typed[1].result.stdout
    assert "the run succeeded after" in desk.type("watch", "later").result.stdout


def test_ctrl_c_leaves_the_run_to_itself_and_says_how_to_come_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(follow, "pause", interrupt)
    typed = followed(desk, "run", "--name", "left")
    assert typed.status == 4
    assert f"lustre-batch watch left --state-machine {desk.arn}" in typed.result.stdout
    assert desk.account.executions.all[desk.stack.execution_arn("left")].status == "SUCCEEDED"


def test_trouble_that_passes_is_sat_out_and_trouble_that_stays_leaves_the_run_to_itself(desk: Desk) -> None:
    throttled = {"call": "stepfunctions:GetExecutionHistory", "error": "ThrottlingException"}
    assert followed(desk, "run", faults=[throttled | {"skip": 2, "times": 2}]).status == 0
    expired = {"call": "stepfunctions:GetExecutionHistory", "error": "ExpiredTokenException", "skip": 2, "times": 9}
    typed = followed(desk, "run", faults=[expired])
    assert typed.status == 4
    assert "sign in again" in typed.result.stderr
    assert len(typed.result.stderr.splitlines()) == 2


def test_a_run_that_step_functions_does_not_know_of_yet_is_waited_for(desk: Desk) -> None:
    unknown = {"call": "stepfunctions:DescribeExecution", "error": "ExecutionDoesNotExist", "times": 2}
    assert followed(desk, "run", faults=[unknown]).status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "jobDefinitionVcpus=0"), "jobDefinitionVcpus: 0 is not a whole number from 1 to 256"),
        (("--set", "jobDefinitionVcpu=1"), "jobDefinitionVcpu: 1 is not a run-time parameter (did you mean jobDef"),
        (
            ("--set", "egress=nat"),
            "; it belongs to the stack: pulumi config set lustre-batch:egress nat, and then pulumi up\n",
        ),
        (
            ("--set", "maxConcurrentRuns=3"),
            "maxConcurrentRuns: 3 is not a run-time parameter; it belongs to the stack: "
            "pulumi config set lustre-batch:maxConcurrentRuns 3, and then pulumi up\n",
        ),
        (
            ("--set", 'subnetIds=["subnet-1"]'),
            """: pulumi config set lustre-batch:subnetIds '["subnet-1"]', and then pulumi up\n""",
        ),
        (("--set", "maxConcurrentRun=3"), "maxConcurrentRun: 3 is not a run-time parameter (known: "),
        (("--set", 'jobDefinitionSecrets={"A": "arn:aws:ssm:us-east-1:123456789012:parameter/a"}'), " a run may read"),
        (("--set", "autoExport"), "--set autoExport: write --set KEY=VALUE"),
        (("--prefix", "/a"), "keyPrefix: /a is not empty, or a key prefix"),
        (("--array", "2", "--set", "jobDefinitionArraySize=3"), "jobDefinitionArraySize: it is given twice"),
        (("--set", "jobDefinitionVcpus=200"), "jobDefinitionVcpus: 200 with jobDefinitionMemory"),
        (("--name", "a b"), "--name: a b is not the name of a run"),
        (("--name", ""), "--name: '' is not the name of a run"),
        (("--component", "one"), "--component: it chooses what is rehearsed: add --rehearse"),
        (("--command",), "--command: nothing follows it"),
        (("--set", "wait=false"), "wait: false is not a run-time parameter, but lustre-batch run --no-wait"),
        (("--query", "runs["), "--query: runs[ is not a JMESPath expression"),
    ],
)
def test_what_a_run_would_refuse_is_refused_before_anything_is_started(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    before = len(desk.account.executions.all)
    typed = desk.type("run", *words)
    assert typed.status == 2
    assert said in typed.result.stderr
    assert len(desk.account.executions.all) == before


@pytest.mark.parametrize(
    ("of_the_stack", "given"),
    [
        (
            {"lustreDeploymentType": "PERSISTENT_2", "lustrePerUnitStorageThroughput": 125},
            ("lustrePerUnitStorageThroughput", 250),
        ),
        ({"keyPrefix": "runs/"}, ("inputPrefixes", ["reference/"])),
        ({"jobDefinitionVcpus": 0}, ("lustreStorageCapacity", 2400)),
    ],
)
def test_what_is_set_is_looked_at_beside_what_the_stack_has_and_not_beside_defaults(
    desk: Desk, of_the_stack: dict[str, Any], given: tuple[str, Any]
) -> None:
    key, value = given
    with in_the_secret(desk, of_the_stack):
        assert inputs.checked(desk.stack, {key: value}) == {key: value}
        with pytest.raises(Problem, match=f"{key}: "):
            inputs.checked(desk.stack, {key: -7})


def test_what_is_wrong_in_the_secret_is_refused_of_an_input_that_says_the_same(desk: Desk) -> None:
    with in_the_secret(desk, {"jobDefinitionVcpus": 0}):
        typed = desk.type("run", "--set", "jobDefinitionVcpus=0")
    assert (typed.status, "jobDefinitionVcpus: 0 is not" in typed.result.stderr) == (2, True)


def test_a_run_reads_the_secrets_that_its_stack_was_deployed_with_and_no_others() -> None:
    arn = "arn:aws:ssm:us-east-1:123456789012:parameter/{}"
    asked = {"jobDefinitionSecrets": {"TOKEN": arn.format("token")}}
    assert inputs.problems({"jobSecretArns": [arn.format("token")], **asked}) == []
    (line,) = inputs.problems({"jobSecretArns": [arn.format("other")], **asked})
    assert line.startswith("jobDefinitionSecrets: ")
    assert inputs.problems({}) == []


def test_a_key_of_the_stack_that_was_named_is_set_in_that_stack(desk: Desk) -> None:
    named = Stack(desk.arn, pulumi_name="prod")
    with pytest.raises(Problem) as refused:
        inputs.checked(named, {"maxConcurrentRuns": "5"})
    assert str(refused.value).endswith(
        ": pulumi config set lustre-batch:maxConcurrentRuns 5 -s prod, and then pulumi up -s prod"
    )


@contextlib.contextmanager
def in_the_secret(desk: Desk, values: dict[str, Any]) -> Iterator[None]:
    """Parameters that somebody has put into the stack's secret."""
    secrets, name = desk.stack.client("secretsmanager"), desk.stack.value("ParametersSecretArn")
    before = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(json.loads(before) | values))
    yield
    secrets.put_secret_value(SecretId=name, SecretString=before)


def test_a_run_without_a_name_gets_one_that_can_be_said_and_is_no_others(desk: Desk) -> None:
    names = {followed(desk, "run", "--query", "run").answer.rpartition(":")[2] for _ in range(2)}
    assert len(names) == 2
    assert all(re.fullmatch(r"[a-z]+-[a-z]+-[0-9a-f]{6}", name) for name in names), names


def test_no_line_of_the_help_is_cut_off_in_a_terminal_of_80_columns() -> None:
    for words in ([], ["session"]):
        commands = CliRunner().invoke(app, [*words, "--help"], terminal_width=80).stdout.partition("Commands:")[2]
        assert "start" in commands
        assert "..." not in commands


def test_a_run_and_the_command_refuse_a_value_with_the_same_words(desk: Desk) -> None:
    sfn = desk.stack.client("stepfunctions")
    secrets = {"A": "arn:aws:ssm:us-east-1:123456789012:parameter/a"}
    given: dict[str, Any] = {"jobDefinitionVcpus": 0, "jobDefinitionSecrets": secrets}
    for key, value in given.items():
        start = functools.partial(sfn.start_execution, stateMachineArn=desk.arn, input=json.dumps({key: value}))
        desk.play(start)
        (run,) = [one for one in desk.account.executions.all.values() if one.machine_arn == desk.arn]
        assert str(run.cause) in desk.type("run", "--set", f"{key}={json.dumps(value)}").result.stderr


def test_no_run_of_that_name_is_said_in_one_line(desk: Desk) -> None:
    typed = desk.type("watch", "never")
    assert (typed.status, len(typed.result.stderr.splitlines())) == (2, 1)
    assert "has no run never" in typed.result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a pseudo-terminal")
def test_ctrl_c_in_a_terminal_leaves_the_run_drawn_and_says_how_to_come_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process in a pseudo-terminal, which has the account of this one."""

    def look_again(seconds: float) -> None:
        desk.account.clock.advance(seconds)
        select.select([], [], [], 0.02)

    monkeypatch.setattr(follow, "pause", look_again)
    child, terminal = pty.fork()
    if child == 0:
        status = 99
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 (not the tests' own)
        try:
            app(["run", "--name", "terminal", "--state-machine", desk.arn])
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            sys.stdout.flush()
            os._exit(status)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone with its process
        while b"the job (" not in shown:
            shown += os.read(terminal, 4096)
        os.write(terminal, b"\x03")
        while data := os.read(terminal, 4096):
            shown += data
    _, ended = os.waitpid(child, 0)
    text = shown.decode()
    assert os.waitstatus_to_exitcode(ended) == 4, text
    assert "Ctrl-C leaves the run to itself" in text
    assert f"lustre-batch watch terminal --state-machine {desk.arn}" in "".join(text.split("\r\n"))
    assert "Traceback" not in text
