"""Batch's job definitions. Owns their revisions, of which no number is used twice, and the checks Batch makes when one
is registered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..calls import ModelError
from ..context import Context
from .environments import NAME

DEFINITION_BYTES = 24 * 1024  # Batch guide, service quotas: maximum job definition size
SHORTEST_ATTEMPT = 60  # SDK JobTimeout
TAGS_LIMIT = 50  # Batch guide, tag restrictions
# SDK Ulimit, name.
ULIMITS = frozenset(
    {
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
        "rttime", "sigpending", "stack",
    }
)  # fmt: skip
ATTEMPTS_LIMIT = 10  # Batch API reference, RetryStrategy
CONDITIONS_LIMIT = 5  # Batch API reference, RetryStrategy.evaluateOnExit


class Definitions:
    """Answers batch: what concerns job definitions."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.all: dict[str, dict[str, Any]] = {}
        self._revisions: dict[str, int] = {}
        context.calls.answer(
            "batch",
            RegisterJobDefinition=self.register,
            DeregisterJobDefinition=self.deregister,
            DescribeJobDefinitions=self.describe,
        )

    def reset(self) -> None:
        self.all = {}
        self._revisions = {}

    def register(self, params: dict[str, Any]) -> dict[str, Any]:
        name = params["jobDefinitionName"]
        _check(params)
        revision = self._revisions[name] = self._revisions.get(name, 0) + 1
        arn = self._context.arn("batch", f"job-definition/{name}:{revision}")
        self.all[arn] = {
            **params,
            "tags": params.get("tags", {}),
            "jobDefinitionArn": arn,
            "revision": revision,
            "status": "ACTIVE",
            "containerOrchestrationType": "ECS",
        }
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": revision}

    def find(self, reference: str) -> dict[str, Any] | None:
        """By ARN, name:revision, or name (the latest active revision)."""
        short = reference.rpartition("/")[2]
        if ":" in short:
            return self.all.get(self._context.arn("batch", f"job-definition/{short}"))
        active = [one for one in self.all.values() if one["jobDefinitionName"] == short and one["status"] == "ACTIVE"]
        return max(active, key=lambda one: one["revision"], default=None)

    def active(self, reference: str) -> dict[str, Any]:
        definition = self.find(reference)
        if definition is None or definition["status"] != "ACTIVE":
            raise ModelError("ClientException", f"JobDefinition {reference} does not exist or is not active")
        return definition

    def deregister(self, params: dict[str, Any]) -> None:
        reference = params["jobDefinition"]
        definition = self.find(reference) if ":" in reference.rpartition("/")[2] else None
        if definition is None:
            raise ModelError("ClientException", f"JobDefinition {reference} does not exist, or names no revision")
        definition["status"] = "INACTIVE"

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        found = list(self.all.values())
        if "jobDefinitions" in params:
            wanted = set(params["jobDefinitions"])
            found = [
                one
                for one in found
                if wanted & {one["jobDefinitionArn"], f"{one['jobDefinitionName']}:{one['revision']}"}
            ]
        if "jobDefinitionName" in params:
            found = [one for one in found if one["jobDefinitionName"] == params["jobDefinitionName"]]
        if "status" in params:
            found = [one for one in found if one["status"] == params["status"]]
        start, size = int(params.get("nextToken", 0)), params.get("maxResults", 100)
        answer: dict[str, Any] = {"jobDefinitions": found[start : start + size]}
        if start + size < len(found):
            answer["nextToken"] = str(start + size)
        return answer


def _check(params: dict[str, Any]) -> None:
    container = params.get("containerProperties", {})
    problems = []
    if not NAME.match(params["jobDefinitionName"]):
        problems.append("the name has letters, digits, - and _ only, 128 at most")
    if params["type"] != "container" or not container.get("image"):
        problems.append("a container job needs an image")
    if {"vcpus", "memory"} & set(container):
        problems.append("vcpus and memory are deprecated: use resourceRequirements")
    needs = {entry["type"]: entry["value"] for entry in container.get("resourceRequirements", [])}
    for kind in ("VCPU", "MEMORY"):
        if not needs.get(kind, "").isdigit() or int(needs[kind]) < 1:
            problems.append(f"resourceRequirements needs {kind} as a positive whole number")
    volumes = {volume.get("name") for volume in container.get("volumes", [])}
    for mount in container.get("mountPoints", []):
        if mount.get("sourceVolume") not in volumes:
            problems.append(f"mountPoints names an unknown volume {mount.get('sourceVolume')}")
    problems += [*_of_variables(container), *_of_secrets(container), *_of_linux(container)]
    if not needs.get("GPU", "1").isdigit() or int(needs.get("GPU", "1")) < 1:
        problems.append("resourceRequirements: GPU is a positive whole number")
    if params.get("timeout", {}).get("attemptDurationSeconds", SHORTEST_ATTEMPT) < SHORTEST_ATTEMPT:
        problems.append(f"timeout: attemptDurationSeconds is at least {SHORTEST_ATTEMPT}")
    if len(params.get("tags", {})) > TAGS_LIMIT:
        problems.append(f"tags: there are more than {TAGS_LIMIT}")
    if len(json.dumps(params)) > DEFINITION_BYTES:
        problems.append(f"a job definition has at most {DEFINITION_BYTES} bytes")
    strategy = params.get("retryStrategy", {})
    if not 1 <= strategy.get("attempts", 1) <= ATTEMPTS_LIMIT:
        problems.append(f"attempts is from 1 to {ATTEMPTS_LIMIT}")
    if len(strategy.get("evaluateOnExit", [])) > CONDITIONS_LIMIT:
        problems.append(f"evaluateOnExit has at most {CONDITIONS_LIMIT} entries")
    if problems:
        raise ModelError("ClientException", "; ".join(problems))


def _of_variables(container: dict[str, Any]) -> Iterator[str]:
    """SDK ContainerProperties, environment: names that begin with AWS_BATCH are reserved. A process takes neither a
    name with = nor a zero byte (execve(2))."""
    names = [entry.get("name", "") for entry in container.get("environment", [])]
    for name in names:
        if name.startswith("AWS_BATCH"):
            yield f"environment: names that begin with AWS_BATCH are reserved, as {name} is"
        if not name or "=" in name:
            yield f"environment: {name!r} is not the name of a variable"
    if len(set(names)) < len(names):
        yield "environment: a name is there twice"
    values = [entry.get("value", "") for entry in container.get("environment", [])]
    if any("\0" in text for text in [*names, *values, *container.get("command", [])]):
        yield "command and environment: there is a zero byte"


def _of_secrets(container: dict[str, Any]) -> Iterator[str]:
    """SDK ECS, ContainerDefinition, secrets, and RegisterTaskDefinition: names that no variable has, and a role to read
    them by. Assumed: Batch refuses what ECS would refuse."""
    secrets = container.get("secrets", [])
    names = [entry["name"] for entry in secrets]
    taken = {entry.get("name") for entry in container.get("environment", [])}
    if secrets and not container.get("executionRoleArn"):
        yield "secrets: they need an executionRoleArn"
    if len(set(names)) < len(names) or taken & set(names):
        yield "secrets: a name is there twice, or is that of a variable in environment"
    for entry in secrets:
        if not re.fullmatch(r"arn:[a-z-]+:(secretsmanager:.+:secret:.+|ssm:.+:parameter/.+)", entry["valueFrom"]):
            yield f"secrets: {entry['valueFrom']} is not the ARN of a secret or parameter"


def _of_linux(container: dict[str, Any]) -> Iterator[str]:
    """What Docker refuses when it creates the container (docker run, ulimit), and what is no role."""
    limits = container.get("ulimits", [])
    for limit in limits:
        soft, hard = limit["softLimit"], limit["hardLimit"]
        if limit["name"] not in ULIMITS:
            yield f"ulimits: there is no {limit['name']}"
        if min(soft, hard) < -1 or (hard != -1 and not 0 <= soft <= hard):
            yield f"ulimits: of {limit['name']}, {soft} is above {hard}"
    if len({limit["name"] for limit in limits}) < len(limits):
        yield "ulimits: a name is there twice"
    if container.get("user") == "":
        yield "user: it is empty"
    if container.get("linuxParameters", {}).get("sharedMemorySize", 1) < 1:
        yield "linuxParameters: sharedMemorySize is positive"
    for key in ("jobRoleArn", "executionRoleArn"):
        if key in container and not re.fullmatch(r"arn:[a-z-]+:iam::[0-9]{12}:role/.+", container[key]):
            yield f"{key}: {container[key]} is not the ARN of a role"
