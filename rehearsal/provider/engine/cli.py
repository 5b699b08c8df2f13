"""The Pulumi command line, used the way a person uses it. Owns finding it, and running it with a state, a home and a
passphrase of its own: it must never read or write the user's own stacks, settings or credentials."""

from __future__ import annotations

import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ... import supervise
from ..deployment import ROOT, DeployError

# The folder that this interpreter, and what is installed beside it, is started from.
SCRIPTS = pathlib.Path(sys.executable).parent
_BUILT = ROOT / ".engine" / "bin"
MISSING = "no Pulumi engine: there is no 'pulumi' on PATH, and none in .engine/bin (run 'make engine')"
_TIMEOUT_SECONDS = 600.0


def find() -> pathlib.Path | None:
    """The folder of the `pulumi` to use: the one on PATH, otherwise the one that `make engine` built."""
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return pathlib.Path(on_path).parent
    return _BUILT if (_BUILT / "pulumi").exists() else None


@dataclass
class Outcome:
    """What one command did."""

    command: str
    succeeded: bool
    output: str
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """Operation, type and name of each resource that the engine planned for, changed, or left as it is."""
        found = []
        for event in self.events:
            metadata = (event.get("resourcePreEvent") or {}).get("metadata")
            if metadata and metadata["type"] != "pulumi:pulumi:Stack":
                found.append((metadata["op"], metadata["type"], metadata["urn"].rpartition("::")[2]))
        return found

    @property
    def changes(self) -> dict[str, int]:
        """How many resources each operation concerned, without those left as they are."""
        for event in self.events:
            if "summaryEvent" in event:
                counts = event["summaryEvent"].get("resourceChanges") or {}
                return {op: count for op, count in counts.items() if op != "same"}
        return {}

    @property
    def warnings(self) -> list[str]:
        return self._said("warning")

    @property
    def errors(self) -> list[str]:
        return self._said("error")

    @property
    def reason(self) -> str:
        """Why it failed, in one line: what was said first, since the engine goes on to say that it failed."""
        printed = [line.strip().removeprefix("error: ") for line in self.output.splitlines() if "error: " in line]
        for message in [*self.errors, *printed, self.output]:
            lines = [line.strip() for line in message.splitlines() if line.strip()]
            if lines:
                # A traceback ends with what was raised.
                return lines[-1] if any(line.startswith("Traceback") for line in lines) else " ".join(lines)
        return f"pulumi {self.command} failed"

    def _said(self, severity: str) -> list[str]:
        diagnostics = (event.get("diagnosticEvent") for event in self.events)
        return [said["message"].strip() for said in diagnostics if said and said["severity"] == severity]

    def checked(self) -> Outcome:
        if not self.succeeded:
            raise DeployError(f"pulumi {self.command} failed:\n{self.output}")
        return self


class Workspace:
    """A Pulumi project in a folder of its own, which links to the program; what Pulumi writes stays in that folder."""

    def __init__(
        self,
        folder: pathlib.Path,
        port: int | None,
        program: pathlib.Path = ROOT,
        scripts: pathlib.Path = SCRIPTS,
    ) -> None:
        found = find()
        if found is None:
            raise DeployError(MISSING)
        self.folder = folder / "project"
        self.binary = found / "pulumi"
        self.scripts = scripts
        self._events = folder / "events.json"
        self.client: str | None = None
        for name in ("project", "state", "home"):
            (folder / name).mkdir(parents=True)
        for path in program.iterdir():
            _bring(path, self.folder)
        self.project = str(yaml.safe_load((self.folder / "Pulumi.yaml").read_text(encoding="utf-8"))["name"])
        self.environment = _environment(folder, found, port, scripts)

    def run(self, *arguments: str, stack: str | None = None, expect: bool | None = True) -> Outcome:
        """Run a command, which has to succeed unless `expect` is None."""
        named = [*arguments, *(("--stack", stack) if stack else ())]
        try:
            status, output = self._supervised([str(self.binary), "--non-interactive", "--color", "never", *named])
        except subprocess.TimeoutExpired:
            raise DeployError(f"pulumi {shlex.join(named)} did not end within {_TIMEOUT_SECONDS:g} s") from None
        outcome = Outcome(" ".join(named), status == 0, output)
        return outcome.checked() if expect else outcome

    def _supervised(self, words: list[str]) -> tuple[int, str]:
        """Run a command; however that ends, so does every process that it started. Pulumi gives each of its plugins a
        process group of its own (sdk/go/common/util/cmdutil), which outlives a Pulumi that is killed, and a language
        host that lost its engine waits for minutes."""
        with subprocess.Popen(
            [*supervise.COMMAND, str(os.getpid()), "{}", *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output = "".join(process.communicate(timeout=_TIMEOUT_SECONDS))
            finally:
                if process.poll() is None:
                    process.send_signal(supervise.END_ALL)
                    process.wait()
        return process.returncode, output

    def to_type(self) -> list[str]:
        """What to type into a shell to go on with `pulumi` in this workspace."""
        said = {name: value for name, value in self.environment.items() if name in _TYPED}
        folders = os.pathsep.join([str(self.scripts), str(self.binary.parent)])
        return [
            f"cd {shlex.quote(str(self.folder))}",
            f'export PATH={shlex.quote(folders)}:"$PATH"',
            *(f"export {name}={shlex.quote(value)}" for name, value in sorted(said.items())),
        ]

    def operate(self, operation: str, stack: str, *arguments: str, expect: bool | None = True) -> Outcome:
        """Run preview, up, refresh or destroy, and collect the engine's events."""
        self._events.unlink(missing_ok=True)
        looks = operation == "preview" or "--preview-only" in arguments
        direct: tuple[str, ...] = () if looks else ("--yes", "--skip-preview")
        if self.client is not None and operation in ("preview", "up"):
            # As the Automation API does for a program that runs in the caller's process.
            direct = (*direct, "--client", self.client, "--exec-kind", "auto.inline")
        outcome = self.run(operation, *direct, "--event-log", str(self._events), *arguments, stack=stack, expect=None)
        if self._events.exists():
            outcome.events = [json.loads(line) for line in self._events.read_text().splitlines() if line.strip()]
        return outcome.checked() if expect else outcome

    def decrypt(self, stack: str, stand_ins: Mapping[str, Any]) -> None:
        """Put plain values in the place of encrypted ones, and forget who encrypted them, before the stack exists."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["config"] = {key: stand_ins.get(self.qualified(key), value) for key, value in content["config"].items()}
        for key in _SECRETS_MANAGERS:
            content.pop(key, None)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def set_config(self, stack: str, values: Mapping[str, Any]) -> None:
        """Set the values as a person would: lists and maps item by item, the only way that typed configuration
        takes; in plain text, whatever they look like to Pulumi: an ARN of a secret under the key TOKEN is none."""
        for key, value in values.items():
            if isinstance(value, list | dict):
                for path, item in _leaves(self.qualified(key), value):
                    self.run("config", "set", "--plaintext", "--stack", stack, "--path", "--", path, _text(item))
            else:
                self.run("config", "set", "--plaintext", "--stack", stack, "--", key, _text(value))

    def unset_config(self, stack: str, keys: Iterable[str]) -> None:
        for key in keys:
            self.run("config", "rm", "--stack", stack, "--", key)

    def qualified(self, key: str) -> str:
        return key if ":" in key else f"{self.project}:{key}"

    def outputs(self, stack: str) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.run("stack", "output", "--json", "--show-secrets", stack=stack).output)
        return parsed

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The resources of the stack's state."""
        exported = json.loads(self.run("stack", "export", "--show-secrets", stack=stack).output)
        found: list[dict[str, Any]] = exported["deployment"].get("resources") or []
        return found


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every value in a list or a map, with its property path."""
    if not isinstance(value, list | dict):
        yield path, value
        return
    for place, item in enumerate(value) if isinstance(value, list) else value.items():
        yield from _leaves(f"{path}[{json.dumps(place)}]", item)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# Pulumi docs, "Pulumi stack settings file": how its encrypted values were encrypted.
_SECRETS_MANAGERS = ("secretsprovider", "encryptedkey", "encryptionsalt")
# What somebody who types `pulumi` needs of the environment.
_TYPED = {
    "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_DEBUG_PROVIDERS",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "PULUMI_HOME", "PULUMI_SKIP_UPDATE_CHECK", "VIRTUAL_ENV",
}  # fmt: skip
_LEFT_OUT = {".git", ".engine", ".pytest_cache", ".mypy_cache", ".ruff_cache", "__pycache__", ".ci", "tests"}


def _bring(path: pathlib.Path, into: pathlib.Path) -> None:
    """Copy Pulumi's own files, which Pulumi changes; link to everything else."""
    if path.name in _LEFT_OUT:
        return
    if path.name.startswith("Pulumi.") and path.suffix == ".yaml":
        shutil.copyfile(path, into / path.name)
    else:
        (into / path.name).symlink_to(path)


def _environment(folder: pathlib.Path, found: pathlib.Path, port: int | None, scripts: pathlib.Path) -> dict[str, str]:
    # The oldest hosts take the interpreter from PATH.
    kept: Iterable[str] = (name for name in os.environ if not name.startswith(("PULUMI_", "AWS_")))
    return {
        **{name: os.environ[name] for name in kept},
        "PATH": os.pathsep.join([str(scripts), str(found), os.environ.get("PATH", "")]),
        "VIRTUAL_ENV": str(scripts.parent),
        # A program that asks AWS by itself must find nobody's credentials here.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DEBUG_COMMANDS": "true",  # makes --event-log available, as the Automation API does
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        **({"PULUMI_DEBUG_PROVIDERS": f"aws:{port}"} if port is not None else {}),
    }
