"""A program of somebody's own: its component is rehearsed with what stands beside it, and what cannot be rehearsed is
said in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.__main__ import main
from rehearsal.play.scenario import parse
from rehearsal.play.stage import OwnProgram, staged
from rehearsal.play.verdict import judge
from rehearsal.provider.configuration import configuration
from rehearsal.provider.deployment import ROOT
from rehearsal.provider.own_program import check_read, chosen, glance

EXAMPLES = ROOT / "examples"
ADOPTED = {"vpcId": "vpc-12345678", "subnetIds": ["subnet-12345678"], "bucketName": "results"}
QUICK = {"job": {"runtime": 60, "writes": [{"files": 3}]}}
COMPONENT = """
import pulumi
import pulumi_aws as aws
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs
from sizes import CAPACITY

beside = aws.efs.FileSystem("beside")
LustreBatchAutoExport("mine", LustreBatchAutoExportArgs(
    vpc_id="vpc-0123456789abcdef0",
    subnet_ids=["subnet-0123456789abcdef0"],
    bucket_name="somebodys-bucket",
    lustre_storage_capacity=CAPACITY,
    delete_lustre=False,
    tags={"beside": "no-output"},
))
"""


def program(folder: Path, text: str, runtime: str = "python", stacks: tuple[str, ...] = ()) -> Path:
    (folder / "Pulumi.yaml").write_text(f"name: mine\nruntime: {runtime}\n")
    for name in stacks:
        (folder / f"Pulumi.{name}.yaml").write_text("config: {aws:region: eu-west-1}\n")
    (folder / "__main__.py").write_text(text)
    return folder


def test_what_a_program_has_in_its_own_code_is_adopted_and_what_stands_beside_it_stands_there(tmp_path: Path) -> None:
    (tmp_path / "sizes.py").write_text("CAPACITY = 4800\n")
    folder = program(tmp_path, COMPONENT, stacks=("prod",))
    with staged(program=OwnProgram(folder)) as stage:
        assert stage.session.account.region == "eu-west-1"
        assert stage.notes == [
            "aws:efs/fileSystem:FileSystem (beside) is not rehearsed: it has an id, and does nothing"
        ]
        assert stage.session.exports["bucketName"] == "somebodys-bucket"
        played = stage.session.play(parse(QUICK, "test"))
        verdict = judge(stage.session, played)
    assert verdict.why_not == [], "a file system that the program keeps (delete_lustre) is kept for a reason"
    (kept,) = [one for one in verdict.facts["retained"] if one["type"] == "file-system"]
    assert "deleteLustre" in kept["reason"]
    assert next(iter(stage.session.account.file_systems.all.values())).request["StorageCapacity"] == 4800


def test_whatever_aws_a_program_asks_by_itself_is_the_embedded_one_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "import boto3\nprint(boto3.client('sts').get_caller_identity()['Account'])\nraise ValueError('enough')"
    assert main(["--program", str(program(tmp_path, text))]) == 1
    said = capsys.readouterr()
    assert said.out.split() == ["123456789012"] * 2
    assert "ValueError: enough" in said.err


def test_the_component_of_several_is_chosen_by_its_name() -> None:
    assert chosen(["imaging", "genomics"], "genomics") == "genomics"
    assert chosen(["mine"], None) == "mine"


def test_the_array_of_the_example_is_rehearsed_with_a_command_in_place_of_its_images() -> None:
    script = 'echo "$PARTS" > "${SCRATCH_DIR:-/scratch}/$AWS_BATCH_JOB_ARRAY_INDEX"'
    with staged(program=OwnProgram(EXAMPLES / "gpu_array")) as stage:
        played = stage.session.play(parse({"job": {"command": ["sh", "-c", script]}}, "test"))
        verdict = judge(stage.session, played)
        assert verdict.why_not == []
        held = stage.session.account.buckets
        bucket = stage.session.exports["bucketName"]
        assert {key: held.read(bucket, key) for key in held.keys(bucket, "")} == {str(n): b"8\n" for n in range(8)}


@pytest.mark.parametrize(
    ("example", "arguments", "words"),
    [
        ("two_teams", [], "several components: choose with --component (imaging, genomics)"),
        ("two_teams", ["--component", "physics"], "--component physics: the program has no such component (known: ima"),
        ("adopted", ["--set", "vpcId="], "is missing configuration value 'adopted:subnetIds'; add it to the stack's"),
        ("yaml", [], "only Python programs are rehearsed; the properties of its component are parameters of the same"),
        ("sample_job", [], "there is no Pulumi.yaml in it"),
        ("nowhere", [], "there is no folder"),
        ("adopted", ["--stack", "prod"], "there is no stack 'prod'"),
        ("adopted", ["--scenario", "metrics-verification"], "it sets exportVerification of the stack program"),
    ],
)
def test_what_cannot_be_rehearsed_is_one_line(
    capsys: pytest.CaptureFixture[str], example: str, arguments: list[str], words: str
) -> None:
    given = [f"--set={key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in ADOPTED.items()]
    given = given if example == "two_teams" else []
    assert main(["--program", str(EXAMPLES / example), *given, *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("raise ValueError('no')", 1, "the program failed in __main__.py, line 1: ValueError: no"),
        ("import sys; sys.exit('not today')", 1, "SystemExit: not today"),
        ("import pulumi_aws as aws\naws.sns.Topic('a')", 2, "the program has no LustreBatchAutoExport"),
        (
            "import lustre_batch as our\nour.LustreBatchAutoExport('mine', our.LustreBatchAutoExportArgs(vcpus=2))",
            1,
            "LustreBatchAutoExport 'mine': vcpus: there is no parameter of this name",
        ),
    ],
)
def test_a_program_that_fails_or_has_nothing_to_rehearse_is_one_line(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, text: str, status: int, words: str
) -> None:
    assert main(["--program", str(program(tmp_path, text))]) == status
    said = capfd.readouterr()
    (line,) = said.err.splitlines()
    assert (said.out, words in line) == ("", True), line


READS = """
import pulumi
from lustre_batch import LustreBatchAutoExport, LustreBatchAutoExportArgs
{all}
LustreBatchAutoExport("mine", LustreBatchAutoExportArgs(env_name=pulumi.Config().get("envName") or "mine"))
"""


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("lustreStorageCapacity", "nothing in the program reads it (it reads: envName)"),
        ("mine:lustreStorageCapacity", "nothing in the program reads it (it reads: envName)"),
        ("envNam", "nothing in the program reads it; did you mean envName?"),
    ],
)
def test_what_is_set_and_no_program_reads_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, key: str, said: str
) -> None:
    assert main(["--program", str(program(tmp_path, READS.format(all=""))), "--set", f"{key}=2400"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f": {key}: {said}")


@pytest.mark.parametrize(
    ("bulk", "key"),
    [
        ("", "envName"),
        ("", "other:key"),
        ("from pulumi.runtime.config import CONFIG; everything = {} | CONFIG.get()", "anything"),
        ("from pulumi.runtime.config import CONFIG; everything = {**CONFIG.get()}", "anything"),
        ("from pulumi.runtime.config import CONFIG; everything = dict(CONFIG.get())", "anything"),
    ],
)
def test_what_is_set_and_the_program_or_another_may_read_is_rehearsed(tmp_path: Path, bulk: str, key: str) -> None:
    folder = program(tmp_path, READS.format(all=bulk))
    settings = configuration("dev", {key: "given"}, folder, with_file=False)
    seen = glance(folder, "dev", settings)
    assert seen.names == ["mine"]
    check_read(seen, settings.project, [key])


def test_of_several_stacks_one_is_chosen(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--program", str(program(tmp_path, "", stacks=("dev", "prod")))]) == 2
    assert "there are several stacks: choose one with --stack (dev, prod)" in capsys.readouterr().err


def test_a_component_is_only_chosen_in_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--component", "mine"]) == 2
    assert "add --program" in capsys.readouterr().err
