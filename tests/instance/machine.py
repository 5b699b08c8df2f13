"""A machine for the user data: stand-ins on PATH that record every call, a root of its own, a metadata service."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER_DATA = Path(__file__).parents[2] / "components" / "lustre_batch" / "user_data.sh"
DNS_NAME, MOUNT_NAME = "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com", "abcdefgh"

# What each stand-in does after recording its call. $ROOT/proc/self/mounts is the kernel's table of what is mounted;
# $STATE/NAME.failures says how often NAME still fails, $STATE/NAME.hangs that it never returns and takes no signal but
# the last one.
STAND_INS = {
    "dnf": "",
    "rpm": '[ -e "$STATE/installed" ]',
    "mount": 'for point; do :; done\necho "fs $point $(cat "$STATE/mounts_as") rw 0 0" >>"$ROOT/proc/self/mounts"',
    "umount": "sed -i '$d' \"$ROOT/proc/self/mounts\"",
    "systemctl": "",
    "shutdown": "",
    "docker": 'if [ "$1" = ps ]; then cat "$STATE/containers" 2>/dev/null || :; fi',
    "sync": "",
    "lctl": "",
    "nproc": 'cat "$STATE/cores"',
    "sleep": f"exec {shutil.which('sleep')} 0.01",
    # The metadata service's address belongs to the instance; here it is a server on loopback.
    "curl": 'for word; do shift; set -- "$@" "$(echo "$word" | sed "s,http://169.254.169.254,$LOOPBACK,")"; done\n'
    f'exec {shutil.which("curl")} "$@"',
}
QUIET = ("sleep", "curl", "nproc", "rpm")


class Machine:
    """One instance: boot it, let its programs run, read what it did."""

    def __init__(self, path: Path) -> None:
        self.root, self.state, self.programs = path / "root", path / "state", path / "bin"
        for directory in (self.root, self.state, self.programs):
            directory.mkdir(parents=True)
        for name, action in STAND_INS.items():
            stand_in = self.programs / name
            stand_in.write_text(
                "#!/bin/sh\n"
                f'echo "{name} $*" >>"$STATE/calls"\n'
                f'left=$(cat "$STATE/{name}.failures" 2>/dev/null || echo 0)\n'
                f'if [ "$left" -gt 0 ]; then echo $((left - 1)) >"$STATE/{name}.failures"; exit 32; fi\n'
                f'if [ -e "$STATE/{name}.hangs" ]; then echo $$ >>"$STATE/hung"; trap "" TERM\n'
                f"while :; do {shutil.which('sleep')} 0.1; done; fi\n"
                f"{action}\n"
            )
            stand_in.chmod(0o755)
        self.mounts_as("lustre")
        self.has(cores=4, memory_gib=16)
        self.reboot()
        self.metadata = "http://127.0.0.1:9"  # nobody listens on discard

    def mounts_as(self, kind: str) -> None:
        (self.state / "mounts_as").write_text(kind)

    def has(self, cores: int, memory_gib: int) -> None:
        (self.state / "cores").write_text(str(cores))
        (self.root / "proc" / "self").mkdir(parents=True, exist_ok=True)
        (self.root / "proc" / "meminfo").write_text(f"MemTotal:       {memory_gib * 1024 * 1024} kB\nMemFree: 1 kB\n")

    def has_the_client(self) -> None:
        (self.state / "installed").touch()

    def hangs(self, *names: str) -> None:
        """Say what never returns, as a command that waits in the kernel for a server that is gone."""
        for name in names:
            (self.state / f"{name}.hangs").touch()

    @contextmanager
    def left_behind(self) -> Iterator[None]:
        """End what still hangs afterwards: nobody else does."""
        try:
            yield
        finally:
            for pid in (self.state / "hung").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)

    def fails(self, name: str, times: int) -> None:
        (self.state / f"{name}.failures").write_text(str(times))

    def runs_containers(self, *names: str) -> None:
        (self.state / "containers").write_text("\n".join(names) + "\n")

    @property
    def mounted(self) -> bool:
        return bool((self.root / "proc" / "self" / "mounts").read_text())

    @property
    def left_running(self) -> list[str]:
        """What hung and still runs; what has ended and nobody waited for does not."""
        states = {pid: Path("/proc", pid, "stat") for pid in (self.state / "hung").read_text().split()}
        return [pid for pid, state in states.items() if state.exists() and ") Z " not in state.read_text()]

    @property
    def scratch(self) -> Path:
        return self.root / "fsx" / "scratch"

    def calls(self, *names: str) -> list[str]:
        """Return the recorded calls in order: of `names`, or of everything that is not a mere question."""
        recorded = (self.state / "calls").read_text().splitlines() if (self.state / "calls").exists() else []
        kept = [call for call in recorded if (call.split()[0] in names if names else call.split()[0] not in QUIET)]
        return [call.rstrip().replace(str(self.root), "") for call in kept]

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        return {"ROOT": str(self.root), "STATE": str(self.state), "LOOPBACK": self.metadata, "PATH": path}

    def run(self, program: Path, timeout_seconds: float = 20) -> subprocess.CompletedProcess[str]:
        """Run it as its caller does, who reads its output to the end: cloud-init and systemd do."""
        return subprocess.run([program], env=self.environment, capture_output=True, text=True, timeout=timeout_seconds)

    def boot(
        self, dns_name: str = DNS_NAME, mount_name: str = MOUNT_NAME, change: Callable[[str], str] = str
    ) -> subprocess.CompletedProcess[str]:
        """Run the user data as the state machine fills it in and cloud-init starts it."""
        text = USER_DATA.read_text().replace("@@DNS_NAME@@", dns_name).replace("@@MOUNT_NAME@@", mount_name)
        boothook = self.root.parent / "boothook"
        boothook.write_text(change(text))
        boothook.chmod(0o700)
        return self.run(boothook)

    def reboot(self) -> None:
        """What a new boot forgets: mounts, and what was recorded so far."""
        (self.root / "proc" / "self" / "mounts").write_text("")
        (self.state / "calls").unlink(missing_ok=True)

    def program(self, name: str) -> Path:
        return self.root / "usr" / "local" / "sbin" / name

    def unit(self, name: str) -> str:
        return (self.root / "etc" / "systemd" / "system" / name).read_text()


class Metadata(BaseHTTPRequestHandler):
    """IMDSv2: no answer without a token that it gave out, and that it has not expired since."""

    answers: list[int]
    requests: list[str]
    values: dict[str, str]

    def reply(self, status: int, body: str = "") -> None:
        self.requests.append(f"{self.command} {self.path} {status}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_PUT(self) -> None:
        known = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
        self.reply(*((200, "token") if known else (400, "")))

    def do_GET(self) -> None:
        path = self.path.removeprefix("/latest/meta-data/")
        if self.headers["X-aws-ec2-metadata-token"] != "token":
            self.reply(401)
        elif path == "spot/instance-action":
            self.reply(self.answers.pop(0))
        else:
            self.reply(*((200, self.values[path]) if path in self.values else (404, "")))

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""


@contextmanager
def metadata_service(machine: Machine, answers: list[int], **values: str) -> Iterator[list[str]]:
    """Serve `answers` to the polls one after the other; yields what was asked."""
    requests: list[str] = []
    known = {"placement/region": "eu-west-3", "services/domain": "amazonaws.com"} | {
        name.replace("_", "/"): value for name, value in values.items()
    }
    handler = type("Handler", (Metadata,), {"answers": answers, "requests": requests, "values": known})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    machine.metadata = f"http://127.0.0.1:{server.server_port}"
    try:
        yield requests
    finally:
        server.shutdown()
        server.server_close()
