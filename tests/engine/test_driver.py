"""A rehearsal that deploys with the engine: what fails is one line, and what it cannot decrypt has something in its
place."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest
import yaml

from rehearsal.aws.account import Account
from rehearsal.provider import engine
from rehearsal.provider.deployment import Deployed, DeployError, Deployment
from rehearsal.provider.engine import Provider, cli, driver
from rehearsal.provider.engine.cli import Outcome, Workspace


def said(severity: str, message: str) -> dict[str, object]:
    return {"diagnosticEvent": {"severity": severity, "message": message}}


@pytest.mark.parametrize(
    ("events", "output", "reason"),
    [
        ([said("error", "creating a: no\n"), said("error", "update failed")], "", "creating a: no"),
        (
            [said("error", "Program failed:\nTraceback (most recent call last):\n  File x\nIndexError: out of range")],
            "",
            "IndexError: out of range",
        ),
        ([], "error: validating stack config: 'a' must be of type 'object'\n", "validating stack config: 'a' must be"),
        ([], "", "pulumi up failed"),
    ],
)
def test_why_the_engine_failed_is_one_line(events: list[dict[str, object]], output: str, reason: str) -> None:
    found = Outcome("up", succeeded=False, output=output, events=events).reason
    assert found.startswith(reason)
    assert "\n" not in found


@pytest.mark.engine
def test_a_deployment_that_the_account_refuses_says_so_in_one_line() -> None:
    twice = '{"tags": {"a": "x", "A": "y"}}'
    with Account() as account, pytest.raises(DeployError) as caught:
        engine.deploy(account, config={"aws:defaultTags": twice, "tags": '{"team": "cfd"}'})
    assert "Duplicate tag keys found" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.engine
def test_encrypted_values_are_replaced_before_the_engine_reads_them() -> None:
    with Account() as account, engine.started(account) as started:
        workspace: Workspace = started.workspace
        stack_file = workspace.folder / "Pulumi.mine.yaml"
        config = "{lustre-batch:tags: {team: {secure: v1:AAAA}}, aws:region: eu-west-1}"
        stack_file.write_text(f"encryptionsalt: v1:somebodys\nconfig: {config}\n")
        workspace.decrypt("mine", {"lustre-batch:tags": {"team": "encrypted"}})
        started.init("mine")
        content = yaml.safe_load(stack_file.read_text())
        assert content["config"] == {"lustre-batch:tags": {"team": "encrypted"}, "aws:region": "eu-west-1"}
        read = workspace.run("config", "get", "--path", "lustre-batch:tags.team", stack="mine").output
        assert read.strip() == "encrypted"
        typed = "; ".join([*workspace.to_type(), "pulumi config get aws:region -s mine"])
        bare = {name: os.environ[name] for name in ("PATH", "HOME")}
        said = subprocess.run(["sh", "-c", typed], env=bare, capture_output=True, text=True, check=True)
        assert said.stdout.strip() == "eu-west-1", "what --serve says is enough to go on with the stack"


def test_what_the_engine_made_is_one_line_and_so_is_every_so_many_resources() -> None:
    provider, told = Provider(None, pathlib.Path()), list[str]()  # type: ignore[arg-type]
    with driver._counted(provider, told.append):
        for number in range(60):
            provider.before("create", f"urn:pulumi:a::b::aws:s3/bucket:Bucket::bucket-{number}")
    assert told == [
        "pulumi up: 1 resource, bucket-0",
        "pulumi up: 25 resources, bucket-24",
        "pulumi up: 50 resources, bucket-49",
    ]
    found = [Deployed(f"aws:{token}", "a", "a", {}, {}) for token in ("s3/bucket:Bucket", "iam/role:Role") * 2]
    assert driver.made(Deployment({"a": 1}, found)) == ("pulumi made 4 resources: 2 of s3, 2 of iam")


def test_a_program_under_the_engine_finds_nobodys_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    seen = cli._environment(pathlib.Path("/tmp/a"), pathlib.Path("/tmp/b"), 1, pathlib.Path("/tmp/c/bin"))
    assert {name: value for name, value in seen.items() if name.startswith("AWS_")} == {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
