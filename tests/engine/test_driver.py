"""A rehearsal that deploys with the engine: what fails is one line, and what it cannot decrypt has something in its
place."""

from __future__ import annotations

import pytest
import yaml

from rehearsal.aws.account import Account
from rehearsal.provider import engine
from rehearsal.provider.deployment import DeployError
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
