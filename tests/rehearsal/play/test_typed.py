"""`lustre-batch run --rehearse` and `plan`: what the command has played on the embedded AWS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from lustre_batch.command import app
from lustre_batch.operate import rehearsing
from typer.testing import CliRunner, Result

from rehearsal.aws.fsx.creation_rules import DeploymentType
from rehearsal.play import sizing
from rehearsal.provider import deployment

PROGRAM = """
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

print("a program may print")
LustreBatchAutoExport("mine", LustreBatchAutoExportArgs(lustre_storage_capacity=4800))
"""

TWO = """
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs

LustreBatchAutoExport("one", LustreBatchAutoExportArgs(env_name="first"))
LustreBatchAutoExport("other", LustreBatchAutoExportArgs(env_name="second", lustre_storage_capacity=4800))
"""


def typed(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(autouse=True)
def somebody_without_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing, "REHEARSAL", "rehearsal")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("LUSTRE_BATCH_STATE_MACHINE", "of no account that anybody is signed in to")
    monkeypatch.chdir(tmp_path)


def test_a_run_is_rehearsed_without_an_account_and_followed_to_its_end_with_what_it_would_cost() -> None:
    said = typed("run", "--rehearse", "--name", "nightly", "--prefix", "today/", "--env", "SAMPLE_FILES=2")
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert "the stack program that lustre-batch comes with" in lines[0]
    assert "started nightly" in lines
    phases = ("the file system is created", "the job (", "results are exported", "what the run created is removed")
    places = [next(number for number, line in enumerate(lines) if phase in line) for phase in phases]
    assert places == sorted(places)
    end = next(number for number, line in enumerate(lines) if line.startswith("the run succeeded after 0:2"))
    assert lines[end + 1].startswith("file system: about $0.1")
    assert lines[end + 2].startswith("state transitions: ")
    assert lines[end + 3 :] == ["this was a rehearsal: nothing was started on AWS"]
    assert lines[1].startswith("stack autoexport in us-east-1: ")


def test_a_session_is_rehearsed_as_it_would_open_and_says_what_the_shortest_one_costs() -> None:
    said = typed("session", "start", "--rehearse", "--name", "engine", "--prefix", "wf/", "--idle-minutes", "20")
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert not [line for line in lines if "sample job" in line]
    opened = next(number for number, line in enumerate(lines) if line.startswith("queue: "))
    assert lines[opened + 1] == "path on its instances: /fsx/scratch"
    assert lines[opened + 2].endswith("/wf/")
    assert "to end it: lustre-batch session stop engine" in lines
    end = next(number for number, line in enumerate(lines) if line.startswith("the run succeeded after 0:"))
    assert end > opened
    assert lines[end + 1].startswith("file system: about $0.")
    assert lines[end + 2].startswith("state transitions: ")
    assert lines[end + 3 :] == ["this was a rehearsal: nothing was started on AWS"]


def test_with_json_a_rehearsed_session_is_where_it_is_and_what_it_comes_to_by_its_idle_minutes() -> None:
    quick, patient = (
        json.loads(typed("session", "start", "--rehearse", "--json", "--idle-minutes", minutes).stdout)
        for minutes in ("1", "60")
    )
    assert quick["queueArn"] == patient["queueArn"]
    assert (quick["exit_status"], quick["rehearsed"]) == (0, True)
    assert patient["elapsed_seconds"] - quick["elapsed_seconds"] == pytest.approx(59 * 60, abs=600)
    assert sum(patient["file_system_dollars"].values()) > sum(quick["file_system_dollars"].values())


def test_what_a_session_would_refuse_its_rehearsal_refuses_in_the_same_words() -> None:
    said = typed("session", "start", "--rehearse", "--set", "jobDefinitionVcpus=2")
    assert (said.exit_code, "session: it submits no job of its own" in said.stderr) == (2, True), said.output


def test_the_program_in_the_folder_is_rehearsed_and_with_json_the_facts_are_one_object(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {aws:region: eu-west-1}\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    said = typed("run", "--rehearse", "--stack", "prod", "--json", "--env", "SAMPLE_FILES=1")
    facts = json.loads(said.stdout)
    assert (said.exit_code, facts["exit_status"], facts["status"], facts["rehearsed"]) == (0, 0, "SUCCEEDED", True)
    assert ":eu-west-1:" in facts["run"]
    monthly, hours = 4800 * 0.14, facts["elapsed_seconds"] / 3600
    assert sum(facts["file_system_dollars"].values()) == pytest.approx(monthly / 730 * hours, rel=0.25)
    assert facts["transition_dollars"] == pytest.approx(facts["transitions"] * 0.025 / 1000)


def project(folder: Path, text: str, stacks: dict[str, str]) -> None:
    (folder / "Pulumi.yaml").write_text("name: mine\nruntime: python\n")
    (folder / "__main__.py").write_text(text)
    for name, config in stacks.items():
        (folder / f"Pulumi.{name}.yaml").write_text(config)


START, SESSION, PLAN = (
    ("run", "--rehearse"),
    ("session", "start", "--rehearse"),
    ("plan", "--files", "1", "--bytes-each", "1kB"),
)


@pytest.mark.parametrize("words", [START, SESSION, PLAN])
@pytest.mark.parametrize("is_checkout", [False, True])
def test_of_several_stacks_none_is_guessed_neither_of_a_program_nor_of_a_checkout(
    words: tuple[str, ...], is_checkout: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, PROGRAM, {"autoexport": "config: {}\n", "prod": "config: {}\n"})
    if is_checkout:
        monkeypatch.setattr(deployment, "ROOT", tmp_path.resolve())
    said = typed(*words)
    assert said.exit_code == 2
    assert said.stderr.splitlines() == [
        "lustre-batch: there are several stacks: choose one with --stack (autoexport, prod)"
    ]


@pytest.mark.parametrize("words", [START, SESSION, PLAN])
def test_of_several_components_the_verb_itself_lets_one_be_chosen(words: tuple[str, ...], tmp_path: Path) -> None:
    project(tmp_path, TWO, {"prod": "config: {aws:region: eu-west-1}\n"})
    said = typed(*words)
    assert (said.exit_code, "choose with --component (one, other)" in said.stderr) == (2, True), said.output


def test_the_component_that_is_chosen_is_rehearsed_and_one_line_names_stack_results_and_file_system(
    tmp_path: Path,
) -> None:
    project(tmp_path, TWO, {"prod": "config: {aws:region: eu-west-1}\n"})
    given = ("lustreDeploymentType=PERSISTENT_2", "lustrePerUnitStorageThroughput=250", "jobDefinitionVcpus=1")
    words = [word for each in given for word in ("--set", each)]
    said = typed(*START, "--component", "other", "--prefix", "today/", "--env", "SAMPLE_FILES=1", *words)
    assert said.exit_code == 0, said.output
    (line,) = [line for line in said.stdout.splitlines() if line.startswith("stack ")]
    system = "PERSISTENT_2, 4,800 GiB, 250 MB/s per TiB"
    assert line.startswith(f"stack prod in eu-west-1: {system}; results in s3://")
    assert line.endswith("/today/")
    said = typed(*START, "--component", "nope")
    assert (said.exit_code, "no such component (known: one, other)" in said.stderr) == (2, True), said.output


def test_a_component_is_none_of_the_program_that_the_package_comes_with() -> None:
    said = typed(*START, "--component", "one")
    assert (said.exit_code, "no program of your own in this folder" in said.stderr) == (2, True), said.output


@pytest.mark.parametrize("name", ["a b", ""])
@pytest.mark.parametrize("words", [START, SESSION])
def test_a_name_that_is_none_is_refused_before_anything_is_said(words: tuple[str, ...], name: str) -> None:
    said = typed(*words, "--name", name)
    assert (said.exit_code, len(said.stdout.splitlines())) == (2, 1), "that the package's own program is used"
    assert f"--name: {name or repr('')} is not the name of a run" in said.stderr


@pytest.mark.parametrize("by", ["--command", "--set"])
def test_a_command_is_sent_and_never_run_the_sample_job_works_in_its_place(by: str, tmp_path: Path) -> None:
    words = ["touch", str(tmp_path / "run-on-this-machine")]
    given = ["--command", *words] if by == "--command" else ["--set", f"jobDefinitionCommand={json.dumps(words)}"]
    said = typed("run", "--rehearse", "--env", "SAMPLE_FILES=1", *given)
    assert said.exit_code == 0, said.output
    assert "rehearsed with the sample job in place of yours" in said.stdout.splitlines()
    assert list(tmp_path.iterdir()) == []
    refused = typed("run", "--rehearse", "--command", "echo", "a\0b")
    assert (refused.exit_code, "jobDefinitionCommand: " in refused.stderr) == (2, True), refused.output


def test_what_the_run_would_refuse_its_rehearsal_refuses_in_the_same_words() -> None:
    said = typed("run", "--rehearse", "--set", "jobDefinitionVcpus=0")
    assert said.exit_code == 2
    assert "nothing was started:\n  jobDefinitionVcpus: 0 is not a whole number from 1 to 256" in said.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--state-machine", "arn:aws:states:us-east-1:123456789012:stateMachine:x"), "leave --state-machine out"),
        (("--detach",), "leave one of them out"),
        (("--stack", "nope"), "there is no stack 'nope'"),
    ],
)
def test_what_cannot_be_rehearsed_is_said_in_one_line(words: tuple[str, ...], why: str) -> None:
    said = typed("run", "--rehearse", *words)
    *_, line = said.stderr.splitlines()
    assert (said.exit_code, why in line) == (2, True), said.output


def test_without_the_rehearsal_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing, "REHEARSAL", "not_installed")
    said = typed("run", "--rehearse")
    assert said.exit_code == 2
    assert said.stderr.splitlines() == [
        "lustre-batch: --rehearse needs not_installed: pip install 'lustre-batch[rehearsal]'"
    ]


@pytest.mark.parametrize(
    ("words", "what"),
    [(("run", "--rehearse"), "--rehearse"), (("plan", "--files", "1", "--bytes-each", "1kB"), "plan")],
)
def test_with_half_of_the_extra_it_is_said_how_to_install_the_rest(
    words: tuple[str, ...], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rehearsal.play.stage", None)  # imported late, as all that needs moto is
    said = typed(*words)
    (line,) = said.stderr.splitlines()
    assert said.exit_code == 2
    assert line.startswith(f"lustre-batch: {what} needs ")
    assert line.endswith(": pip install 'lustre-batch[rehearsal]'")


def test_a_plan_is_made_for_the_stack_in_the_folder_in_several_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sizing, "DEPLOYMENT_TYPES", {"PERSISTENT_2": DeploymentType(("2.15",), (125,))})
    monkeypatch.setattr(sizing, "CAPACITIES", 1)
    words = ("--files", "1000", "--bytes-each", "10kB", "--runtime", "10m")
    result = typed("plan", *words, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, len(answer["options"])) == (0, 5), result.stderr
    assert {one["status"] for one in answer["options"]} == {"SUCCEEDED"}
    assert answer["stack"]["set"] == []
    assert answer["cheapest"]["set"] == [
        "lustreDeploymentType=PERSISTENT_2",
        "lustrePerUnitStorageThroughput=125",
        "lustreStorageCapacity=1200",
    ] + (["autoExport=false"] if not answer["cheapest"]["values"]["autoExport"] else [])
    by_task = [one for one in answer["options"] if not one["values"]["autoExport"]]
    assert all(one["in_s3_seconds"] > one["job_ended_seconds"] + 60 for one in by_task)
