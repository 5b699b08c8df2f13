"""The user data, handed to cloud-init itself: what its handlers make of the parts, and what becomes of an instance
whose boothook fails or never ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from lustre_batch.user_data import user_data

from tests.instance.machine import DNS_NAME, MOUNT_NAME, Machine, metadata_service
from tests.needs import lacks

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / ".cloud-init" / "usr" / "lib" / "python3" / "dist-packages"


@pytest.fixture(autouse=True)
def available() -> None:
    if not (ROOT / ".cloud-init" / "complete").exists():
        lacks("there is no cloud-init (make cloud-init)")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def consume(machine: Machine, text: str) -> str:
    """Let cloud-init consume the user data on that machine; returns what it logged."""
    directory = machine.root.parent / "cloud-init"
    directory.mkdir(exist_ok=True)
    (directory / "user-data").write_text(text)
    consumed = subprocess.run(
        [sys.executable, Path(__file__).with_name("cloud_init.py"), directory / "user-data", directory],
        env=machine.environment | {"PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert consumed.returncode == 0, consumed.stderr
    return consumed.stderr


def filled_in(**changes: str) -> str:
    text = user_data().replace("@@DNS_NAME@@", DNS_NAME).replace("@@MOUNT_NAME@@", MOUNT_NAME)
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def test_cloud_init_runs_the_boothook_to_its_end_and_takes_nothing_else_for_a_part(machine: Machine) -> None:
    with metadata_service(machine, []):
        logged = consume(machine, filled_in())
    assert machine.mounted
    assert machine.calls()[-1].startswith("systemctl start --no-block lustre-release.service")
    assert "WARNING" not in logged
    parts = [path.name for path in (machine.root.parent / "cloud-init").rglob("part-*")]
    assert parts == ["part-001"]


def test_cloud_init_runs_it_again_at_the_next_boot_of_the_same_instance(machine: Machine) -> None:
    consume(machine, filled_in())
    machine.reboot()
    consume(machine, filled_in())
    assert machine.mounted
    assert len(machine.calls("mount")) == 1  # since the reboot


def test_an_instance_that_refuses_has_no_agent_though_cloud_init_only_logs_the_failure(machine: Machine) -> None:
    machine.mounts_as("xfs")
    logged = consume(machine, filled_in())
    assert "Boothooks script" in logged
    assert machine.calls()[-1] == "shutdown -h now"
    assert machine.unit("ecs.service.d/lustre.conf") == "[Unit]\nAssertPathIsMountPoint=/fsx\n"


def test_cloud_init_goes_on_when_a_mount_is_left_behind_in_the_kernel(machine: Machine) -> None:
    """It reads the boothook's output to the end (subp.subp, capture): nothing left behind may hold it open."""
    machine.hangs("mount")
    text = filled_in(**{'kill -KILL "$pid"': ":", "BOOT_SECONDS=150": "BOOT_SECONDS=3", "retry 60": "retry 1"})
    began = time.monotonic()
    with machine.left_behind():
        consume(machine, text)
        assert time.monotonic() - began < 20
        assert machine.calls()[-1] == "shutdown -h now"
