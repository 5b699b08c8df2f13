"""Whatever becomes of a `pulumi` that was started, no process of it is left: those in a process group or a session of
their own, as Pulumi's plugins are, included."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
import time

import pytest

from rehearsal.provider.deployment import DeployError
from rehearsal.provider.engine import cli
from rehearsal.provider.engine.cli import Workspace

# Like Pulumi with a language host: a child in a session of its own, which nobody ends but whoever knows of it.
STAND_IN = """#!/bin/sh
setsid sh -c 'echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 300' < /dev/null > /dev/null 2>&1 &
until [ -e {pid} ]; do sleep 0.01; done
{then}
"""


def workspace(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, then: str) -> Workspace:
    (folder / "bin").mkdir()
    (folder / "program").mkdir()
    (folder / "program" / "Pulumi.yaml").write_text("name: project\n")
    binary = folder / "bin" / "pulumi"
    binary.write_text(STAND_IN.format(pid=folder / "pid", then=then))
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    return Workspace(folder / "work", None, folder / "program")


def is_there(folder: pathlib.Path) -> bool:
    try:
        os.kill(int((folder / "pid").read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interrupted_command_leaves_no_process(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulumi = workspace(tmp_path, monkeypatch, then="sleep 300")

    def interrupt() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        pulumi.run("up")
    assert not is_there(tmp_path)


@pytest.mark.parametrize(("then", "succeeded"), [("echo done", True), ("echo error: no >&2; exit 1", False)])
def test_neither_does_one_that_ends_by_itself(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, then: str, succeeded: bool
) -> None:
    outcome = workspace(tmp_path, monkeypatch, then).run("up", expect=None)
    assert (outcome.succeeded, outcome.output) == (succeeded, "done\n" if succeeded else "error: no\n")
    assert not is_there(tmp_path)


def test_one_that_takes_too_long_is_one_line_and_leaves_no_process(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "_TIMEOUT_SECONDS", 0.5)
    with pytest.raises(DeployError, match=r"^pulumi up did not end within 0\.5 s$"):
        workspace(tmp_path, monkeypatch, then="sleep 300").run("up")
    assert not is_there(tmp_path)
