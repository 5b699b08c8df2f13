"""`push`: an image is built for the stack's instances, gets a tag of its own, and is what later runs have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from lustre_batch.operate import images
from lustre_batch.operate.inputs import deployed

from tests.operate.conftest import Desk

ENGINE = """#!/bin/sh
echo "$@" >> "{log}"
[ "$1" = login ] && cat >> "{log}" && echo >> "{log}"
[ "$1" = "{fails}" ] && echo "no space left on device" >&2 && exit 7
exit 0
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "docker", fails: str = "-") -> Path:
    """An engine that writes down what it is asked for, alone on the PATH beside the shell's own commands."""
    tool, log = tmp_path / "bin" / name, tmp_path / "log"
    tool.parent.mkdir()
    tool.write_text(ENGINE.format(log=log, fails=fails))
    tool.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda one: str(tool) if one == name else None)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    return log


@pytest.mark.parametrize("name", images.ENGINES)
def test_an_image_is_built_for_the_instances_pushed_and_what_the_next_run_has(
    desk: Desk, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    log = engine(tmp_path, monkeypatch, name)
    before = deployed(desk.stack)
    typed = desk.type("push", str(context), "--json")
    assert typed.status == 0, typed.result.output
    repository = desk.session.exports["repositoryUrl"]
    image = typed.facts["image"]
    assert re.fullmatch(re.escape(repository) + r":\d{8}-\d{6}-[0-9a-f]{6}", image)
    assert log.read_text().splitlines() == [
        f"build --platform linux/amd64 --file {context}/Dockerfile --tag {image} {context}",
        f"login --username AWS --password-stdin {repository.partition('/')[0]}",
        f"{desk.stack.account_id}-auth-token",
        f"push {image}",
    ]
    assert deployed(desk.stack) == before | {"jobDefinitionContainerImage": image}
    started: list[Any] = []
    desk.play(lambda: started.append(desk.type("run", "--json")))
    (job,) = desk.account.jobs.all.values()
    assert job.definition["containerProperties"]["image"] == image


def test_two_pushes_have_two_tags_and_one_may_leave_the_image_of_runs(
    desk: Desk, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(tmp_path, monkeypatch)
    before = deployed(desk.stack)["jobDefinitionContainerImage"]
    pushed = [desk.type("push", str(context), "--push-only", "--json").facts["image"] for _ in range(2)]
    assert len(set(pushed)) == 2
    assert deployed(desk.stack)["jobDefinitionContainerImage"] == before


@pytest.mark.parametrize("fails", ["build", "login", "push"])
def test_what_the_engine_refuses_changes_nothing(
    desk: Desk, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    engine(tmp_path, monkeypatch, fails=fails)
    before = deployed(desk.stack)
    typed = desk.type("push", str(context))
    assert typed.status == 2
    assert f"docker {fails} ended with status 7" in typed.result.stderr
    assert deployed(desk.stack) == before


def test_what_cannot_be_pushed_is_said_before_anything_is_built(
    desk: Desk, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = engine(tmp_path, monkeypatch)
    refused = {
        str(tmp_path / "nowhere"): "is no folder to build an image from",
        str(tmp_path): "Dockerfile does not exist",
    }
    for folder, said in refused.items():
        assert said in desk.type("push", folder).result.stderr
    monkeypatch.setattr("shutil.which", lambda one: None)
    assert "there is no docker, podman, finch or nerdctl here" in desk.type("push", str(context)).result.stderr
    defaults = json.dumps({"jobDefinitionContainerImage": "public.ecr.aws/x/y:1"})
    monkeypatch.setattr("lustre_batch.operate.stack.Stack.value", lambda stack, name: defaults)
    assert "is in no registry of its account and region" in desk.type("push", str(context)).result.stderr
    assert not log.exists()
