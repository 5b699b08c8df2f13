"""The container engine of this machine, if there is one: Docker, or Podman, which takes the same words. Owns which of
them can be used, and what to say to it so that a job runs in an image as it would on an instance. It starts nothing but
the question whether it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ENGINES = ("docker", "podman")
ANSWER_SECONDS = 20
# Where the file lies that a job of one's own consists of.
SCRIPTS = "/rehearsal"
# What the engine's command reads: where its service is, and who may use it.
ITS_OWN = ("HOME", "DOCKER_", "CONTAINER_", "CONTAINERS_", "XDG_", "REGISTRY_", "SSH_AUTH_SOCK")


def problem() -> str | None:
    """Why no job can run in an image here, if so."""
    return None if usable() is not None else f"it takes a container engine, and {_why_not()}"


def usable() -> str | None:
    """The engine that answers."""
    return next((engine for engine in ENGINES if _failure(engine) is None), None)


def _why_not() -> str:
    found = {engine: failure for engine in ENGINES if (failure := _failure(engine))}
    return "; ".join(found.values()) or f"there is none ({' or '.join(ENGINES)}) on this machine"


def _failure(engine: str) -> str | None:
    """Why an engine cannot be used; empty if it is not there."""
    if shutil.which(engine) is None:
        return ""
    try:
        asked = subprocess.run([engine, "version"], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return f"{engine} does not answer"
    lines = asked.stderr.strip().splitlines()
    return (
        None if asked.returncode == 0 else f"{engine} cannot be used: {lines[-1] if lines else 'it does not say why'}"
    )


def run(
    engine: str,
    name: str,
    image: str,
    properties: Mapping[str, Any],
    volumes: Mapping[str, Path],
    variables: Mapping[str, str],
    words: Sequence[str],
    script: Path | None = None,
) -> list[str]:
    """What starts the container, as Batch's container properties would have it on an instance (SDK ContainerProperties,
    which names the option of `docker run` for each). A script, if there is one, takes the place of the words."""
    linux = properties.get("linuxParameters", {})
    read_only = {each["containerPath"] for each in properties.get("mountPoints", []) if each.get("readOnly")}
    needs = {each["type"]: each["value"] for each in properties.get("resourceRequirements", [])}
    limits = [
        f"--ulimit={each['name']}={each['softLimit']}:{each['hardLimit']}" for each in properties.get("ulimits", [])
    ]
    return [
        *(engine, "run", "--rm", f"--name={name}"),
        *(f"--env={key}={value}" for key, value in variables.items()),
        *(f"--volume={folder}:{path}{':ro' if path in read_only else ''}" for path, folder in volumes.items()),
        *([f"--volume={script}:{SCRIPTS}/{script.name}:ro"] if script is not None else []),
        *limits,
        *([f"--memory={needs['MEMORY']}m"] if "MEMORY" in needs else []),
        *([f"--user={properties['user']}"] if properties.get("user") else []),
        *(["--privileged"] if properties.get("privileged") else []),
        *([f"--shm-size={linux['sharedMemorySize']}m"] if "sharedMemorySize" in linux else []),
        *(["--gpus=all"] if "GPU" in needs else []),
        image,
        *([f"{SCRIPTS}/{script.name}"] if script is not None else words),
    ]


def remove(engine: str, name: str) -> list[str]:
    """What ends the container, whatever has become of whoever started it."""
    return [engine, "rm", "--force", name]


def environment() -> dict[str, str]:
    """What the engine's command needs of the environment; none of it reaches the container."""
    return {name: value for name, value in os.environ.items() if name.startswith(ITS_OWN)}
