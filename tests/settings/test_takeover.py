"""`lustre-batch config`: a cdk.json's section becomes a stack's configuration, and nothing else in the file changes."""

from __future__ import annotations

import json
import pathlib
import resource
import subprocess
import sys
from typing import Any

import pytest
import yaml
from lustre_batch import Settings, read_settings, takeover
from lustre_batch.command import app
from typer.testing import CliRunner, Result

from rehearsal.provider.configuration import configuration
from rehearsal.provider.deployment import ROOT

SEED = {
    "envName": "AutoExport",
    "lustreFileSystemTypeVersion": 2.15,
    "lustreStorageCapacity": 4800,
    "computeEnvironmentInstanceTypes": ["c7i", "m7i"],
    "jobDefinitionVcpus": "64",
    "deleteLustre": False,
}
STACK = """\
# our stack
config:
  aws:region: eu-west-1  # where the data is
  lustre-batch:jobDefinitionVcpus: "32"  # as on the cluster
  lustre-batch:computeEnvironmentInstanceTypes:  # asked for by the team
    - c6i
    - m6i
  # tags of the company
  lustre-batch:tags:
    CostCenter: "1234"
encryptionsalt: v1:abc=
"""


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK, "utf-8")
    return tmp_path


def cdk(folder: pathlib.Path, section: Any, inside: bool = True) -> None:
    content = {
        "app": "npx ts-node app.ts",
        **({"context": {"autoExport": section}} if inside else {"autoExport": section}),
    }
    (folder / "cdk.json").write_text(json.dumps(content), "utf-8")


def command(*options: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, ["config", "--from", "cdk.json", "--stack", "prod", *options], input=answer)


def written(folder: pathlib.Path) -> str:
    return (folder / "Pulumi.prod.yaml").read_text("utf-8")


# ---------------------------------------------------------------------- what is taken, and how it is written
@pytest.mark.parametrize("inside", [True, False], ids=["in the context", "at the top level"])
def test_a_section_is_taken_over_and_is_what_the_deployment_reads(folder: pathlib.Path, inside: bool) -> None:
    cdk(folder, SEED, inside)
    assert command("--yes").exit_code == 0
    read = configuration("prod", folder=folder)
    assert read.region == "eu-west-1"
    values = {key.removeprefix("lustre-batch:"): value for key, value in read.values.items() if "batch:" in key}
    assert values["lustreFileSystemTypeVersion"] == "2.15"
    assert (values["lustreStorageCapacity"], values["jobDefinitionVcpus"], values["deleteLustre"]) == (
        "4800",
        "64",
        "false",
    )
    assert json.loads(values["computeEnvironmentInstanceTypes"]) == ["c7i", "m7i"]
    assert json.loads(values["tags"]) == {"CostCenter": "1234"}


def test_comments_and_whatever_is_not_taken_stay_as_they_are(folder: pathlib.Path) -> None:
    cdk(folder, SEED)
    assert command("--yes").exit_code == 0
    assert written(folder) == (
        "# our stack\n"
        "config:\n"
        "  aws:region: eu-west-1  # where the data is\n"
        "  lustre-batch:jobDefinitionVcpus: 64  # as on the cluster\n"
        '  lustre-batch:computeEnvironmentInstanceTypes: ["c7i", "m7i"]  # asked for by the team\n'
        "  # tags of the company\n"
        "  lustre-batch:tags:\n"
        '    CostCenter: "1234"\n'
        '  lustre-batch:envName: "AutoExport"\n'
        '  lustre-batch:lustreFileSystemTypeVersion: "2.15"\n'
        "  lustre-batch:lustreStorageCapacity: 4800\n"
        "  lustre-batch:deleteLustre: false\n"
        "encryptionsalt: v1:abc=\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet",
        "config: {}\n",
        "config:\n",
        "config:   # later\nencryptionsalt: v1:a\n",
        "encryptionsalt: v1:a",
        "config: {aws:region: us-east-1}\n",
        'config: {"aws:region": us-east-1, "lustre-batch:envName": x}  # kept\n',
        "config:\n    aws:region: us-east-1",
        "config:\n  lustre-batch:envName: |\n    Old\n  aws:region: us-east-1\n",
        "config:\n  lustre-batch:envName:\n  # why\n  aws:region: us-east-1\n",
        "config:\n  lustre-batch:computeEnvironmentInstanceTypes:\n  - c5\n  # why\n\n\nencryptionsalt: v1:a\n",
        "config:\r\n  aws:region: us-east-1\r\n",
        "config:\n  'lustre-batch:envName': 'a # b'   # c\n",
        "config:\n  lustre-batch:vpcId:\n    secure: v1:xyz\n",
    ],
)
def test_a_stacks_file_of_any_form_says_afterwards_what_it_said_and_what_was_taken(text: str) -> None:
    values = {
        "envName": "Nightly 'x' # \"y\"",
        "computeEnvironmentInstanceTypes": ["c7i"],
        "lustreStorageCapacity": 1200,
    }
    made = takeover.with_values(text, values)
    before = yaml.safe_load(text) or {}
    after = yaml.safe_load(made)
    assert after.pop("config") == (before.pop("config", None) or {}) | {
        f"lustre-batch:{key}": value for key, value in values.items()
    }
    assert after == before
    assert [comment for comment in ("# nothing yet", "# later", "# kept", "# why", "# c\n") if comment in text] == [
        comment for comment in ("# nothing yet", "# later", "# kept", "# why", "# c\n") if comment in made
    ]


def test_a_stack_without_a_file_gets_one(folder: pathlib.Path) -> None:
    cdk(folder, {"deleteLustre": False})
    (folder / "Pulumi.prod.yaml").unlink()
    assert command("--yes").exit_code == 0
    assert written(folder) == "config:\n  lustre-batch:deleteLustre: false\n"


def test_every_parameter_is_taken_with_its_default() -> None:
    section = Settings().model_dump(by_alias=True)
    result = takeover.take_over(section, {})
    assert (result.taken, result.unknown, result.refused) == (section, {}, [])


# ---------------------------------------------------------------------- what is said first
def test_it_says_what_it_takes_what_it_does_not_know_and_what_would_be_refused_and_then_asks(
    folder: pathlib.Path,
) -> None:
    cdk(folder, {**SEED, "computeEnvironmentAllocationStrategy": "BEST_FIT", "jobDefinitionVcpu": 8, "efs": True})
    result = command(answer="n\n")
    assert result.exit_code == 1
    assert written(folder) == STACK
    lines = result.output.splitlines()
    assert lines[0] == "taken from cdk.json into Pulumi.prod.yaml:"
    assert "  lustre-batch:lustreStorageCapacity: 4800" in lines
    assert "  lustre-batch:jobDefinitionVcpus: 64 (was 32)" in lines
    assert lines[-7:-2] == [
        "not known, and left out:",
        "  jobDefinitionVcpu: 8 (did you mean jobDefinitionVcpus?)",
        "  efs: true",
        "would be refused:",
        "  computeEnvironmentAllocationStrategy: BEST_FIT is not a strategy whose environment Batch can update, which "
        "every run needs (Batch guide, updating compute environments)",
    ]
    assert lines[-2] == "Write 6 values to Pulumi.prod.yaml? [y/N]: n"
    assert lines[-1] == "nothing was written"


def test_what_is_refused_is_left_out_and_the_rest_is_written_when_one_agrees(folder: pathlib.Path) -> None:
    cdk(folder, {"lustreStorageCapacity": 1300, "envName": "Nightly"})
    result = command(answer="y\n")
    assert result.exit_code == 1
    assert result.output.endswith("Pulumi.prod.yaml: written\n")
    config = yaml.safe_load(written(folder))["config"]
    assert config["lustre-batch:envName"] == "Nightly"
    assert "lustre-batch:lustreStorageCapacity" not in config


def test_nobody_there_to_answer_writes_nothing(folder: pathlib.Path) -> None:
    cdk(folder, SEED)
    assert command(answer="").exit_code == 1
    assert written(folder) == STACK


def test_what_the_stack_has_already_is_part_of_the_judgement(folder: pathlib.Path) -> None:
    (folder / "Pulumi.prod.yaml").write_text("config:\n  lustre-batch:jobDefinitionVcpus: 128\n")
    cdk(folder, {"computeEnvironmentMaxvCpus": 64})
    result = command("--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["refused"] == [
        "jobDefinitionVcpus: 128 exceeds computeEnvironmentMaxvCpus (64); the job would never start"
    ]


def test_a_second_time_there_is_nothing_to_write(folder: pathlib.Path) -> None:
    cdk(folder, SEED)
    command("--yes")
    once = written(folder)
    result = command()
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "nothing to write")
    assert written(folder) == once


@pytest.mark.parametrize("options", [("--json",), ("--json", "--yes")])
def test_as_json_it_is_one_object_and_only_yes_writes(folder: pathlib.Path, options: tuple[str, ...]) -> None:
    cdk(folder, {"envName": "Nightly", "efs": True})
    result = command(*options)
    assert json.loads(result.output) == {
        "stack": "prod",
        "file": "Pulumi.prod.yaml",
        "taken": {"envName": "Nightly"},
        "changed": ["envName"],
        "unknown": {"efs": True},
        "refused": [],
        "written": "--yes" in options,
    }
    assert (written(folder) != STACK) == ("--yes" in options)
    assert result.exit_code == 0


# ---------------------------------------------------------------------- mistakes
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cdk.json: no such file or directory"),
        ("{", "cdk.json is not JSON: line 1, column 2: "),
        ('{"context": {}}', "cdk.json has no section autoExport, neither in its context nor at its top level"),
        ('{"context": {"autoExport": [1]}}', "cdk.json: autoExport is not a map of keys to values"),
        ("[]", "cdk.json has no section autoExport"),
    ],
)
def test_a_source_that_cannot_be_read_is_one_line_and_status_2(
    folder: pathlib.Path, content: str | None, words: str
) -> None:
    if content is not None:
        (folder / "cdk.json").write_text(content)
    result = command("--yes")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"lustre-batch: {words}")
    assert len(result.stderr.splitlines()) == 1
    assert written(folder) == STACK


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("Pulumi.prod.yaml", "config: [\n", "Pulumi.prod.yaml is not YAML: line 2: "),
        ("Pulumi.prod.yaml", "config: 3\n", "Pulumi.prod.yaml is not a map with a map as its config"),
        ("Pulumi.prod.yaml", "- config\n", "Pulumi.prod.yaml is not a map with a map as its config"),
        ("Pulumi.yaml", None, "there is no Pulumi.yaml here"),
    ],
)
def test_a_project_that_cannot_be_written_is_one_line_and_status_2(
    folder: pathlib.Path, name: str, content: str | None, words: str
) -> None:
    cdk(folder, SEED)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    result = command("--yes")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert result.stderr.startswith(f"lustre-batch: {words}")


def test_a_stack_is_no_path(folder: pathlib.Path) -> None:
    cdk(folder, SEED)
    result = CliRunner().invoke(app, ["config", "--from", "cdk.json", "--stack", "../prod", "--yes"])
    assert result.exit_code == 2
    assert "../prod is not the name of a stack" in result.stderr


# ---------------------------------------------------------------------- the command
def test_help_answers_at_once_and_imports_nothing_that_takes_long() -> None:
    program = (
        "import sys; from lustre_batch.command import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: print(sorted({'pulumi', 'pulumi_aws', 'pydantic', 'rich', 'yaml'} & set(sys.modules)))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.5
    assert "config" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_what_is_taken_is_what_read_settings_makes_of_it() -> None:
    taken = takeover.take_over(SEED, {}).taken
    assert read_settings(taken) == read_settings(SEED)


def test_a_stacks_file_that_cannot_be_read_is_one_line(folder: pathlib.Path) -> None:
    cdk(folder, {})
    (folder / "Pulumi.prod.yaml").write_bytes(b"config: \xff")
    assert command().stderr == "lustre-batch: Pulumi.prod.yaml is not text in UTF-8\n"
    (folder / "Pulumi.prod.yaml").unlink()
    (folder / "Pulumi.prod.yaml").mkdir()
    assert command().stderr == "lustre-batch: Pulumi.prod.yaml: is a directory\n"
