"""The user data, run as it is: no job ever sees a /fsx that is not Lustre, and the mount is let go of cleanly."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.instance.machine import DNS_NAME, MOUNT_NAME, USER_DATA, Machine, metadata_service

MOUNT = f"mount -t lustre -o relatime,flock {DNS_NAME}@tcp:/{MOUNT_NAME} /fsx"
REFUSED = ["systemctl mask --runtime --now ecs.service docker.service docker.socket", "shutdown -h now"]
RELEASED = ["systemctl stop ecs.service", "docker ps --quiet", "sync --file-system /fsx", "umount /fsx"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def assert_refused(machine: Machine) -> None:
    assert machine.calls()[-2:] == REFUSED
    assert not machine.scratch.exists()
    assert not any("start" in call for call in machine.calls("systemctl"))


def test_the_client_is_installed_and_the_file_system_mounted_before_the_units_start(machine: Machine) -> None:
    booted = machine.boot()
    assert booted.returncode == 0, booted.stderr
    assert machine.calls() == [
        "systemctl daemon-reload",
        "dnf install -y lustre-client",
        MOUNT,
        "systemctl start --no-block lustre-release.service lustre-spot-watch.service",
    ]
    assert f"{DNS_NAME} is mounted" in booted.stdout


def test_containers_that_are_not_root_can_write_to_scratch(machine: Machine) -> None:
    machine.boot()
    assert machine.scratch.stat().st_mode & 0o7777 == 0o1777


def test_the_agent_cannot_start_without_the_mount_whatever_happens_to_the_script(machine: Machine) -> None:
    machine.boot(change=lambda text: text.replace("systemctl daemon-reload", "kill -KILL $$"))
    assert machine.unit("ecs.service.d/lustre.conf") == "[Unit]\nAssertPathIsMountPoint=/fsx\n"
    assert not machine.mounted


@pytest.mark.parametrize("command", ["dnf", "mount"])
def test_what_fails_a_few_times_is_tried_again_with_growing_pauses(machine: Machine, command: str) -> None:
    machine.fails(command, 6)
    assert machine.boot().returncode == 0
    assert len(machine.calls(command)) == 7
    assert machine.calls("sleep") == [f"sleep {seconds}" for seconds in (2, 4, 8, 16, 30, 30)]
    assert machine.scratch.is_dir()


@pytest.mark.parametrize("command", ["dnf", "mount"])
def test_an_instance_that_never_mounts_starts_no_agent_and_shuts_down(machine: Machine, command: str) -> None:
    machine.fails(command, 1000)
    assert machine.boot().returncode == 1
    assert len(machine.calls(command)) == 8
    assert_refused(machine)


@pytest.mark.parametrize("kind", ["xfs", "tmpfs"])
def test_a_mount_that_is_not_lustre_is_no_mount(machine: Machine, kind: str) -> None:
    machine.mounts_as(kind)
    assert machine.boot().returncode == 1
    assert_refused(machine)


def test_an_instance_that_cannot_mask_its_agent_shuts_down_all_the_same(machine: Machine) -> None:
    machine.fails("mount", 1000)
    machine.fails("systemctl", 1000)
    assert machine.boot().returncode == 1
    assert machine.calls()[-1] == "shutdown -h now"


def test_when_shutting_down_fails_the_power_goes_off(machine: Machine) -> None:
    machine.fails("mount", 1000)
    machine.fails("shutdown", 1)
    assert machine.boot().returncode == 1
    assert machine.calls()[-1] == "systemctl poweroff --force"


def test_an_error_nobody_thought_of_ends_the_same_way(machine: Machine) -> None:
    booted = machine.boot(change=lambda text: text.replace('mkdir -p "$MOUNT_POINT"\n', "false\n"))
    assert booted.returncode == 1
    assert "user data ended early, status 1" in booted.stdout
    assert_refused(machine)


@pytest.mark.parametrize(
    ("dns_name", "mount_name"),
    [("@@DNS_NAME@@", "@@MOUNT_NAME@@"), ("", MOUNT_NAME), (DNS_NAME, ""), (DNS_NAME, "a b"), ("$(touch x)", "a")],
)
def test_a_name_that_was_not_filled_in_or_is_no_name_is_refused(
    machine: Machine, dns_name: str, mount_name: str
) -> None:
    booted = machine.boot(dns_name, mount_name)
    assert booted.returncode == 1
    assert "no file system named" in booted.stdout
    assert machine.calls("mount", "dnf") == []
    assert_refused(machine)


def test_a_second_boot_mounts_again_and_leaves_the_same_files(machine: Machine) -> None:
    machine.boot()
    first = {path: path.read_bytes() for path in machine.root.rglob("*") if path.is_file()}
    machine.reboot()
    assert machine.boot().returncode == 0
    assert MOUNT in machine.calls()
    assert {path: path.read_bytes() for path in machine.root.rglob("*") if path.is_file()} == first


def test_run_again_in_the_same_boot_it_does_not_mount_twice(machine: Machine) -> None:
    machine.boot()
    assert machine.boot().returncode == 0
    assert machine.calls("mount") == [MOUNT]


class TestRelease:
    """Unmounting: at shutdown, and on a Spot notice."""

    def test_the_agent_stops_before_the_containers_so_that_batch_sees_the_host_end_and_not_the_job(
        self, machine: Machine
    ) -> None:
        machine.boot()
        machine.runs_containers("aaa", "bbb")
        before = len(machine.calls())
        assert machine.run(machine.program("lustre-release")).returncode == 0
        assert machine.calls()[before:] == [*RELEASED[:2], "docker stop -t 20 aaa bbb", *RELEASED[2:]]
        assert not machine.mounted

    def test_a_busy_mount_is_tried_again_and_unmounted_without_force(self, machine: Machine) -> None:
        machine.boot()
        machine.fails("umount", 4)
        machine.run(machine.program("lustre-release"))
        assert machine.calls("umount") == ["umount /fsx"] * 5
        assert not machine.mounted

    def test_a_mount_that_stays_busy_is_detached_as_a_last_resort(self, machine: Machine) -> None:
        machine.boot()
        machine.fails("umount", 5)
        machine.run(machine.program("lustre-release"))
        assert machine.calls("umount") == ["umount /fsx"] * 5 + ["umount -l /fsx"]
        assert not machine.mounted

    def test_no_step_that_fails_keeps_the_next_from_being_tried(self, machine: Machine) -> None:
        machine.boot()
        for command in ("systemctl", "docker", "sync"):
            machine.fails(command, 1000)
        machine.run(machine.program("lustre-release"))
        assert not machine.mounted

    def test_nothing_is_stopped_when_nothing_is_mounted(self, machine: Machine) -> None:
        machine.boot()
        machine.reboot()
        assert machine.run(machine.program("lustre-release")).returncode == 0
        assert machine.calls() == []

    def test_its_bounds_add_up_to_less_than_the_two_minutes_of_a_notice(self, machine: Machine) -> None:
        machine.boot()
        release = machine.program("lustre-release").read_text()
        loop = release[release.index("for _ in") : release.index("done")]
        once = release.replace(loop, "")
        rounds = len(re.findall(r"\d", loop.splitlines()[0]))
        seconds = [int(number) for number in re.findall(r"timeout (\d+)", once)]
        seconds += [int(number) * rounds for number in re.findall(r"(?:timeout|sleep) (\d+)", loop)]
        poll_and_request = 5 + 2
        assert sum(seconds) + poll_and_request <= 115
        assert "TimeoutStopSec=110\n" in machine.unit("lustre-release.service")

    def test_systemd_stops_containers_first_and_the_network_last(self, machine: Machine) -> None:
        machine.boot()
        unit = machine.unit("lustre-release.service")
        assert "After=network.target\nBefore=docker.service ecs.service\n" in unit
        assert "ExecStop=/usr/local/sbin/lustre-release\n" in unit
        assert "ExecStart=/usr/local/sbin/lustre-spot-watch\n" in machine.unit("lustre-spot-watch.service")


class TestSpotWatch:
    """Against a metadata service that gives nothing without a token."""

    def test_it_polls_until_the_notice_and_then_unmounts(self, machine: Machine) -> None:
        machine.boot()
        before = len(machine.calls())
        with metadata_service(machine, [404, 404, 200]) as requests:
            assert machine.run(machine.program("lustre-spot-watch")).returncode == 0
        assert requests == [
            "PUT /latest/api/token 200",
            *["GET /latest/meta-data/spot/instance-action 404"] * 2,
            "GET /latest/meta-data/spot/instance-action 200",
        ]
        assert set(machine.calls("sleep")) == {"sleep 5"}
        assert machine.calls()[before:] == RELEASED
        assert not machine.mounted

    def test_an_expired_token_is_renewed_and_an_error_is_no_notice(self, machine: Machine) -> None:
        machine.boot()
        with metadata_service(machine, [401, 500, 404, 200]) as requests:
            machine.run(machine.program("lustre-spot-watch"))
        assert [request.split()[0] for request in requests] == ["PUT", "GET", "PUT", "GET", "GET", "GET"]
        assert not machine.mounted

    def test_a_metadata_service_that_comes_late_is_waited_for(self, machine: Machine) -> None:
        machine.boot()
        machine.fails("curl", 6)
        with metadata_service(machine, [404, 200]):
            assert machine.run(machine.program("lustre-spot-watch")).returncode == 0
        assert not machine.mounted


def test_the_file_is_plain_ascii_with_each_placeholder_once_and_far_below_the_limit() -> None:
    text = USER_DATA.read_bytes().decode("ascii")
    assert re.findall("@@[^@]*@@", text) == ["@@DNS_NAME@@", "@@MOUNT_NAME@@"]
    assert len(text) < 16 * 1024 / 2  # EC2 guide: user data is limited to 16 KB before base64


@pytest.mark.parametrize("program", ["lustre-release", "lustre-spot-watch"])
def test_the_programs_it_writes_are_executable_and_clean_under_shellcheck(machine: Machine, program: str) -> None:
    machine.boot()
    written = machine.program(program)
    assert written.stat().st_mode & 0o777 == 0o755
    shellcheck = Path(sys.executable).with_name("shellcheck")
    checked = subprocess.run([shellcheck, written], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
