"""The user data, run as it is: no job ever sees a /fsx that is not Lustre, and the mount is let go of cleanly."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.instance.machine import DNS_NAME, MOUNT_NAME, USER_DATA, Machine, metadata_service

INSTALL = "dnf install -y --repo=amazonlinux --setopt=timeout=10 --setopt=retries=2 lustre-client"
MOUNT = f"mount -t lustre -o relatime,flock {DNS_NAME}@tcp:/{MOUNT_NAME} /fsx"
REFUSED = ["systemctl mask --runtime --now ecs.service docker.service docker.socket", "shutdown -h now"]
STARTED = "systemctl start --no-block lustre-release.service lustre-spot-watch.service"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def assert_refused(machine: Machine) -> None:
    assert machine.calls()[-2:] == REFUSED
    assert not machine.scratch.exists()
    assert not any("start" in call for call in machine.calls("systemctl"))


def within(seconds: int) -> Callable[[str], str]:
    """The user data with less time for all attempts together, so that a test need not wait for it."""
    return lambda text: text.replace("BOOT_SECONDS=150", f"BOOT_SECONDS={seconds}")


def test_the_client_is_installed_and_the_file_system_mounted_before_the_units_start(machine: Machine) -> None:
    booted = machine.boot()
    assert booted.returncode == 0, booted.stderr
    assert machine.calls() == ["systemctl daemon-reload", INSTALL, MOUNT, STARTED]
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
    with metadata_service(machine, []):
        assert machine.boot().returncode == 0
    assert len(machine.calls(command)) == 7
    pauses = [call for call in machine.calls("sleep") if call != "sleep 0.2"]
    assert pauses == [f"sleep {seconds}" for seconds in (2, 4, 8, 16, 30, 30)]
    assert machine.scratch.is_dir()


@pytest.mark.parametrize("command", ["dnf", "mount"])
def test_an_instance_that_never_mounts_starts_no_agent_and_shuts_down(machine: Machine, command: str) -> None:
    machine.fails(command, 1000)
    assert machine.boot(change=within(25)).returncode == 1
    assert len(machine.calls(command)) == 5
    assert_refused(machine)


@pytest.mark.parametrize("kind", ["xfs", "tmpfs"])
def test_a_mount_that_is_not_lustre_is_no_mount(machine: Machine, kind: str) -> None:
    machine.mounts_as(kind)
    assert machine.boot().returncode == 1
    assert_refused(machine)


def test_an_instance_that_cannot_mask_its_agent_shuts_down_all_the_same(machine: Machine) -> None:
    machine.fails("mount", 1000)
    machine.fails("systemctl", 1000)
    assert machine.boot(change=within(25)).returncode == 1
    assert machine.calls()[-1] == "shutdown -h now"


def test_when_shutting_down_fails_the_power_goes_off(machine: Machine) -> None:
    machine.fails("mount", 1000)
    machine.fails("shutdown", 1)
    assert machine.boot(change=within(25)).returncode == 1
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


class TestFirstBoot:
    """What is asked for over the network, of whom, and for how long."""

    def test_dnf_is_told_the_instances_region_and_domain_before_it_is_asked_anything(self, machine: Machine) -> None:
        variables = machine.root / "etc" / "dnf" / "vars"
        (machine.programs / "dnf").write_text(f'#!/bin/sh\ncat {variables}/* >"$STATE/told"\n')
        with metadata_service(machine, [], placement_region="cn-north-1", services_domain="amazonaws.com.cn") as asked:
            assert machine.boot().returncode == 0
        assert (variables / "awsregion").read_text() == "cn-north-1\n"
        assert (variables / "awsdomain").read_text() == "amazonaws.com.cn\n"
        assert (machine.state / "told").read_text() == "amazonaws.com.cn\ncn-north-1\n"
        assert asked == [
            "PUT /latest/api/token 200",
            "GET /latest/meta-data/placement/region 200",
            "GET /latest/meta-data/services/domain 200",
        ]

    def test_a_metadata_service_that_comes_late_is_asked_again(self, machine: Machine) -> None:
        machine.fails("curl", 2)
        with metadata_service(machine, []):
            machine.boot()
        assert (machine.root / "etc" / "dnf" / "vars" / "awsregion").read_text() == "eu-west-3\n"

    def test_an_answer_that_is_no_region_is_not_written_into_an_address(self, machine: Machine) -> None:
        with metadata_service(machine, [], placement_region="<html>"):
            booted = machine.boot()
        assert booted.returncode == 0
        assert "the region is not known" in booted.stdout
        assert not (machine.root / "etc" / "dnf").exists()

    def test_only_the_distributions_repository_is_asked_so_that_a_gateway_endpoint_is_enough(
        self, machine: Machine
    ) -> None:
        with metadata_service(machine, []) as asked:
            machine.boot()
        assert machine.calls("dnf") == [INSTALL]
        assert len(machine.calls("curl")) == len(asked)  # nobody else is

    def test_a_client_that_is_there_already_needs_no_network(self, machine: Machine) -> None:
        machine.has_the_client()
        assert machine.boot().returncode == 0
        assert machine.calls("dnf", "curl") == []
        assert machine.mounted

    @pytest.mark.parametrize("command", ["dnf", "mount"])
    def test_a_network_that_swallows_everything_is_refused_when_the_time_for_all_attempts_is_over(
        self, machine: Machine, command: str
    ) -> None:
        machine.hangs(command)

        def impatient(text: str) -> str:
            assert text.count("retry 60 ") == 2
            return text.replace("BOOT_SECONDS=150", "BOOT_SECONDS=6").replace("retry 60 ", "retry 1 ")

        began = time.monotonic()
        booted = machine.boot(change=impatient)
        assert booted.returncode == 1
        assert time.monotonic() - began < 6 + 2
        assert 2 <= len(machine.calls(command)) <= 6
        assert_refused(machine)

    def test_all_that_may_take_time_before_a_refusal_adds_up_to_less_than_three_minutes(self) -> None:
        text = USER_DATA.read_text()
        (boot,) = re.findall(r"^BOOT_SECONDS=(\d+)", text, re.MULTILINE)
        (mask,) = re.findall(r"bounded (\d+) systemctl mask", text)
        (scratch,) = re.findall(r"bounded (\d+) open_scratch", text)
        a_second_to_give_up = 1
        assert int(boot) + int(scratch) + int(mask) + 2 * a_second_to_give_up <= 180

    @pytest.mark.parametrize("command", ["mount", "systemctl"])
    def test_who_reads_the_output_to_its_end_does_not_wait_for_what_hangs_in_the_kernel(
        self, machine: Machine, command: str
    ) -> None:
        machine.hangs(command)

        def unkillable(text: str) -> str:
            assert text.count('kill -KILL -- "-$pid"') == 1
            text = text.replace('kill -KILL -- "-$pid"', ":").replace("bounded 15", "bounded 1")
            text = text.replace("retry 60", "retry 1")
            return text.replace("BOOT_SECONDS=150", "BOOT_SECONDS=3").replace("\nsystemctl daemon-reload\n", "\n")

        machine.fails("dnf", 1000 if command == "systemctl" else 0)
        began = time.monotonic()
        with machine.left_behind():
            assert machine.boot(change=unkillable).returncode == 1
            assert time.monotonic() - began < 10
            assert machine.calls("shutdown") == ["shutdown -h now"]


class TestAttempts:
    """One at a time: none begins while what the last one started may still mount."""

    @pytest.mark.parametrize("ends", ["wait", "exit 32"], ids=["given up", "failed"])
    def test_what_a_command_started_does_not_outlive_an_attempt_that_failed(self, machine: Machine, ends: str) -> None:
        """As mount starts mount.lustre."""
        recorded = (machine.programs / "mount").read_text().partition("left=")[0]
        hung = """sh -c 'trap "" TERM; echo $$ >>"$STATE/hung"; while :; do sleep 0.1; done' &"""
        (machine.programs / "mount").write_text(
            f'{recorded}{hung}\nuntil [ -s "$STATE/hung" ]; do sleep 0.1; done\n{ends}\n'
        )
        with machine.left_behind():
            booted = machine.boot(change=lambda text: within(6)(text).replace("retry 60 mount", "retry 1 mount"))
            assert booted.returncode == 1
            assert len(machine.calls("mount")) >= 2
            assert machine.left_running == []

    def test_what_was_given_up_but_has_mounted_all_the_same_is_not_mounted_a_second_time(
        self, machine: Machine
    ) -> None:
        mount = machine.programs / "mount"
        mount.write_text(mount.read_text() + "while :; do sleep 0.1; done\n")
        assert machine.boot(change=lambda text: text.replace("retry 60 mount", "retry 1 mount")).returncode == 0
        assert machine.calls("mount") == [MOUNT]
        assert machine.scratch.is_dir()


class TestTuning:
    """FSx guide, performance tips: by cores and memory of the instance."""

    OPTIONS = Path("etc/modprobe.d/lustre-batch.conf")

    def test_a_small_instance_is_left_as_it_is(self, machine: Machine) -> None:
        machine.has(cores=64, memory_gib=64)
        machine.boot()
        assert machine.calls("lctl") == []
        assert not (machine.root / self.OPTIONS).exists()

    def test_many_cores_get_more_of_the_clients_threads_before_it_loads_and_more_requests_after(
        self, machine: Machine
    ) -> None:
        machine.has(cores=96, memory_gib=64)
        (machine.programs / "mount").write_text(
            (machine.programs / "mount").read_text() + f'cp "$ROOT/{self.OPTIONS}" "$STATE/options"\n'
        )
        assert machine.boot().returncode == 0
        assert (machine.state / "options").read_text() == (
            "options ptlrpc ptlrpcd_per_cpt_max=32\noptions ksocklnd credits=2560\n"
        )
        assert machine.calls("mount", "lctl") == [
            MOUNT,
            "lctl set_param osc.*OST*.max_rpcs_in_flight=32",
            "lctl set_param mdc.*.max_rpcs_in_flight=64",
            "lctl set_param mdc.*.max_mod_rpcs_in_flight=50",
        ]

    def test_much_memory_shortens_how_long_unused_locks_are_kept(self, machine: Machine) -> None:
        machine.has(cores=16, memory_gib=123)
        machine.boot()
        assert machine.calls("lctl") == ["lctl set_param ldlm.namespaces.*.lru_max_age=600000"]

    def test_tuning_that_fails_is_logged_and_the_job_runs_all_the_same(self, machine: Machine) -> None:
        machine.has(cores=128, memory_gib=512)
        machine.fails("lctl", 1000)
        (machine.root / "etc").mkdir()
        (machine.root / "etc" / "modprobe.d").write_text("in the way")
        booted = machine.boot()
        assert booted.returncode == 0
        assert booted.stdout.count("not tuned: ") == 5
        assert machine.calls()[-1] == STARTED

    def test_an_instance_that_cannot_be_measured_is_not_tuned(self, machine: Machine) -> None:
        machine.fails("nproc", 1)
        (machine.root / "proc" / "meminfo").unlink()
        assert machine.boot().returncode == 0
        assert machine.calls("lctl") == []


def steps(machine: Machine, before: int) -> list[str]:
    """What was done since then, without the writing that goes on beside it."""
    return [call for call in machine.calls()[before:] if not call.startswith("sync")]


class TestRelease:
    """Unmounting: at shutdown, and on a Spot notice."""

    def test_the_agent_stops_before_the_containers_so_that_batch_sees_the_host_end_and_not_the_job(
        self, machine: Machine
    ) -> None:
        machine.boot()
        machine.runs_containers("aaa", "bbb")
        before = len(machine.calls())
        assert machine.run(machine.program("lustre-release")).returncode == 0
        agent, listed, stopped, unmounted = steps(machine, before)
        assert (agent, listed) == ("systemctl stop ecs.service", "docker ps --quiet")
        assert re.fullmatch(r"docker stop -t \d+ aaa bbb", stopped)
        assert unmounted == "umount /fsx"
        assert not machine.mounted

    def test_each_of_many_containers_is_told_at_once(self, machine: Machine) -> None:
        """Docker's client works on fifty at a time (docker/cli, parallelOperation)."""
        machine.boot()
        machine.runs_containers(*(f"{number:03x}" for number in range(95)))
        machine.run(machine.program("lustre-release"))
        stops = [call.split()[4:] for call in machine.calls("docker") if call.startswith("docker stop")]
        assert sorted(len(told) for told in stops) == [15, 40, 40]
        assert len({container for told in stops for container in told}) == 95

    def test_the_job_has_all_the_time_that_agent_and_unmounting_do_not_need(self, machine: Machine) -> None:
        machine.boot()
        machine.runs_containers("aaa")
        machine.run(machine.program("lustre-release"))
        (grace,) = re.findall(r"docker stop -t (\d+)", "\n".join(machine.calls("docker")))
        assert 75 <= int(grace) <= 80

    def test_an_agent_that_hangs_takes_from_the_job_and_not_from_the_unmounting(self, machine: Machine) -> None:
        machine.boot()
        machine.runs_containers("aaa")
        machine.hangs("systemctl")
        program = machine.program("lustre-release")
        program.write_text(program.read_text().replace("bounded 10 systemctl", "bounded 2 systemctl"))
        machine.run(program)
        (grace,) = re.findall(r"docker stop -t (\d+)", "\n".join(machine.calls("docker")))
        assert 74 <= int(grace) <= 78
        assert not machine.mounted

    def test_what_was_written_begins_to_travel_with_the_notice_and_is_waited_for_at_the_end(
        self, machine: Machine
    ) -> None:
        machine.boot()
        machine.runs_containers("aaa")
        before = len(machine.calls())
        machine.run(machine.program("lustre-release"))
        calls = machine.calls()[before:]
        assert calls.count("sync --file-system /fsx") == 2
        assert calls[-2:] == ["sync --file-system /fsx", "umount /fsx"]

    def test_a_busy_mount_is_tried_again_and_unmounted_without_force(self, machine: Machine) -> None:
        machine.boot()
        machine.fails("umount", 4)
        machine.run(machine.program("lustre-release"))
        assert machine.calls("umount") == ["umount /fsx"] * 5
        assert not machine.mounted

    def test_a_mount_that_stays_busy_is_detached_as_a_last_resort(self, machine: Machine) -> None:
        machine.boot()
        umount = machine.programs / "umount"
        umount.write_text(umount.read_text().replace("sed -i", '[ "$1" = -l ] || exit 32\nsed -i'))
        program = machine.program("lustre-release")
        program.write_text(program.read_text().replace("SECONDS + 8", "SECONDS + 2"))
        machine.run(program)
        assert set(machine.calls("umount")[:-1]) == {"umount /fsx"}
        assert machine.calls("umount")[-1] == "umount -l /fsx"
        assert not machine.mounted

    @pytest.mark.parametrize("busy", [False, True])
    def test_of_two_mounts_one_on_the_other_none_is_left(self, machine: Machine, busy: bool) -> None:
        machine.boot()
        mounts = machine.root / "proc" / "self" / "mounts"
        mounts.write_text(mounts.read_text() * 2)
        program, umount = machine.program("lustre-release"), machine.programs / "umount"
        if busy:
            umount.write_text(umount.read_text().replace("sed -i", '[ "$1" = -l ] || exit 32\nsed -i'))
            program.write_text(program.read_text().replace("SECONDS + 8", "SECONDS + 2"))
        released = machine.run(program)
        assert not machine.mounted
        assert machine.calls("umount")[-2:] == ["umount -l /fsx" if busy else "umount /fsx"] * 2
        assert ("unmounted" in released.stdout) is not busy

    def test_no_step_that_fails_keeps_the_next_from_being_tried(self, machine: Machine) -> None:
        machine.boot()
        for command in ("systemctl", "docker", "sync"):
            machine.fails(command, 1000)
        machine.run(machine.program("lustre-release"))
        assert not machine.mounted

    def test_no_step_that_hangs_keeps_the_next_from_being_tried(self, machine: Machine) -> None:
        machine.boot()
        machine.hangs("systemctl", "docker", "sync", "umount")
        program = machine.program("lustre-release")
        text = program.read_text().replace("docker ps --quiet", "echo aaa").replace("SECONDS + 8", "SECONDS + 2")
        program.write_text(re.sub(r"bounded (\d+|\$\(\(left \+ 3\)\))", "bounded 1", text))
        machine.run(program)
        hung = [call.rpartition(" ")[0] for call in steps(machine, 0)][-4:]
        assert [call.split()[0] for call in hung] == ["systemctl", "docker", "umount", "umount"]
        assert machine.calls()[-1] == "umount -l /fsx"

    def test_what_docker_says_when_it_fails_is_not_taken_for_a_container(self, machine: Machine) -> None:
        machine.boot()
        (machine.programs / "docker").write_text(
            '#!/bin/sh\necho "docker $*" >>"$STATE/calls"\necho Cannot connect >&2; exit 1\n'
        )
        machine.run(machine.program("lustre-release"))
        assert machine.calls("docker") == ["docker ps --quiet"]
        assert not machine.mounted

    def test_nothing_is_stopped_when_nothing_is_mounted(self, machine: Machine) -> None:
        machine.boot()
        machine.reboot()
        assert machine.run(machine.program("lustre-release")).returncode == 0
        assert machine.calls() == []

    def test_its_bounds_add_up_to_less_than_the_two_minutes_of_a_notice(self, machine: Machine) -> None:
        machine.boot()
        release = machine.program("lustre-release").read_text()
        (job_ends,) = re.findall(r"JOB_ENDS_SECONDS=(\d+)", release)
        (reported,) = re.findall(r"bounded \$\(\(left \+ (\d+)\)\) stop \$containers", release)
        (written,) = re.findall(r"^bounded (\d+) sync", release, re.MULTILINE)[-1:]
        (unmounted,) = re.findall(r"end = SECONDS \+ (\d+)", release)
        (detached,) = re.findall(r"bounded (\d+) detach", release)
        before_the_job = [int(number) for number in re.findall(r"bounded (\d+) (?:systemctl|docker ps)", release)]
        assert len(before_the_job) == 2
        assert int(job_ends) - sum(before_the_job) - 2 >= 60  # what the job has at least
        a_second_to_give_up, poll_and_request = 1, 5 + 2
        after = [int(number) + a_second_to_give_up for number in (reported, written, unmounted, detached)]
        assert poll_and_request + int(job_ends) + sum(after) <= 118
        assert "TimeoutStopSec=120\n" in machine.unit("lustre-release.service")

    def test_no_bound_is_left_to_a_command_that_waits_for_its_child(self) -> None:
        """timeout waits for a child in uninterruptible sleep, and who asks a dead file system waits for its servers."""
        code = "\n".join(line for line in USER_DATA.read_text().splitlines() if not line.lstrip().startswith("#"))
        assert not re.search(r"\b(timeout|mountpoint|findmnt) ", code)

    def test_systemd_stops_containers_first_and_the_network_last(self, machine: Machine) -> None:
        machine.boot()
        unit = machine.unit("lustre-release.service")
        assert "After=network.target\nBefore=docker.service ecs.service\n" in unit
        assert "ExecStop=/usr/local/sbin/lustre-release\n" in unit
        assert "ExecStart=/usr/local/sbin/lustre-spot-watch\n" in machine.unit("lustre-spot-watch.service")


class TestSpotWatch:
    """Against a metadata service that gives nothing without a token."""

    RELEASED = ("systemctl stop ecs.service", "docker ps --quiet", "umount /fsx")

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
        assert [call for call in machine.calls("sleep") if call != "sleep 0.2"][-2:] == ["sleep 5"] * 2
        assert steps(machine, before) == list(self.RELEASED)
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


def test_the_file_is_plain_ascii_with_each_placeholder_once_and_below_the_limit() -> None:
    text = USER_DATA.read_bytes().decode("ascii")
    assert re.findall("@@[^@]*@@", text) == ["@@DNS_NAME@@", "@@MOUNT_NAME@@"]
    # EC2 guide: user data is limited to 16 KB before base64; MIME and the two names take less than 1 KB.
    assert len(text) < 15 * 1024


@pytest.mark.parametrize("program", ["lustre-release", "lustre-spot-watch"])
def test_the_programs_it_writes_are_executable_and_clean_under_shellcheck(machine: Machine, program: str) -> None:
    machine.boot()
    written = machine.program(program)
    assert written.stat().st_mode & 0o777 == 0o755
    shellcheck = Path(sys.executable).with_name("shellcheck")
    library = machine.root / "usr" / "local" / "lib" / "lustre-batch.sh"
    for arguments in ([written], ["--shell=bash", "--exclude=SC2034", library]):
        checked = subprocess.run([shellcheck, *arguments], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout
