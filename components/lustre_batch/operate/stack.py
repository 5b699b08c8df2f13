"""The stack that a verb works on: which one it is, the clients that ask its account, and the names of what it has.

The ARN of the state machine is all that has to be known. The rest is what the deployment filled into the definition:
the deployed one is read beside the source that this package has of it, state by state.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from .. import definition
from .problems import Problem, code_of

VARIABLE: Final = "LUSTRE_BATCH_STATE_MACHINE"
CLEAN_UP: Final = "-clean-up"
# SFN API reference, StateMachine: its ARN; a name has at most 80 characters.
_ARN: Final = re.compile(r"arn:(aws[a-z-]*):states:([a-z0-9-]+):(\d{12}):stateMachine:([^\s:]{1,80})")
_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")
_PULUMI_SECONDS: Final = 120


def find(given: str | None, pulumi_stack: str | None) -> str:
    """The ARN of the state machine: as it is given, else from the environment, else of the Pulumi stack in this folder.

    Raises
    ------
    Problem
        When there is none, or it is none.
    """
    arn, source = given, "--state-machine"
    if not arn and not pulumi_stack:
        arn, source = os.environ.get(VARIABLE), VARIABLE
    if not arn:
        arn, source = _from_pulumi(pulumi_stack), "stateMachineArn"
    if _ARN.fullmatch(arn) is None:
        raise Problem(
            f"{source}: {arn} is not the ARN of a state machine "
            "(arn:aws:states:REGION:ACCOUNT:stateMachine:NAME; pulumi stack output stateMachineArn prints it)"
        )
    if arn.endswith(CLEAN_UP):
        raise Problem(
            f"{source}: {arn} is the machine that cleans up; the one that runs is {arn.removesuffix(CLEAN_UP)}"
        )
    return arn


def _from_pulumi(stack: str | None) -> str:
    command = ["pulumi", "stack", "output", "--json", *(["--stack", stack] if stack else [])]
    otherwise = f"give --state-machine ARN, set {VARIABLE}, or go to the folder of the Pulumi project"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PULUMI_SECONDS, check=False)
    except FileNotFoundError:
        said = (
            f"--stack {stack}: there is no pulumi on PATH to ask"
            if stack
            else "no stack is named, and there is no pulumi to ask for one"
        )
        raise Problem(f"{said}: {otherwise}") from None
    except subprocess.TimeoutExpired:
        raise Problem(f"pulumi stack output had not answered after {_PULUMI_SECONDS} seconds: {otherwise}") from None
    if done.returncode != 0:
        said = next((line for line in done.stderr.splitlines() if line.strip()), "it failed").removeprefix("error: ")
        raise Problem(f"pulumi stack output: {said}: {otherwise}, and choose with --stack")
    try:
        arn = json.loads(done.stdout)["stateMachineArn"]
    except (ValueError, KeyError, TypeError):
        raise Problem(f"the Pulumi stack exports no stateMachineArn: {otherwise}") from None
    return str(arn)


@dataclass(frozen=True)
class Stack:
    """One deployed stack, by the ARN of its state machine."""

    arn: str
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    # As Pulumi calls it, where it was named or is rehearsed.
    pulumi_name: str | None = field(default=None, compare=False)
    # Of a rehearsed stack: lets so many seconds of its time pass.
    pass_time: Callable[[float], None] | None = field(default=None, compare=False, repr=False)

    @property
    def is_rehearsed(self) -> bool:
        return self.pass_time is not None

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def account_id(self) -> str:
        return self.arn.split(":")[4]

    @property
    def id(self) -> str:
        """What everything of the stack is named after and tagged with."""
        return self.arn.rpartition(":")[2]

    @property
    def clean_up_arn(self) -> str:
        return self.arn + CLEAN_UP

    @functools.cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(region_name=self.region)

    def client(self, service: str) -> Any:
        """A client from boto3's chain of credentials, patient with throttling."""
        if service not in self._clients:
            retries = Config(retries={"mode": "standard", "max_attempts": 6})
            self._clients[service] = self._session.client(service, config=retries)
        return self._clients[service]

    def execution_arn(self, run: str) -> str:
        """Of a run's name or ARN."""
        prefix = self.arn.replace(":stateMachine:", ":execution:") + ":"
        if not run.startswith("arn:"):
            return prefix + run
        if not run.startswith(prefix):
            raise Problem(f"{run} is not the ARN of a run of {self.arn}: those begin with {prefix}")
        return run

    @functools.cached_property
    def values(self) -> dict[str, str]:
        """What the deployment has filled in, by the names that the definitions have for it."""
        found: dict[str, str] = {}
        for name, arn in (("run", self.arn), ("clean_up", self.clean_up_arn)):
            found = filled_in(definition.read(name), self._deployed(arn)) | found
        if "ParametersSecretArn" not in found:
            raise Problem(f"{self.arn} is not the state machine of a lustre-batch stack: its states are others")
        return found

    def value(self, name: str) -> str:
        """One of them; text, or JSON as text.

        Raises
        ------
        Problem
            When the deployed definition differs where it stands in this one.
        """
        if name not in self.values:
            raise Problem(
                f"{self.id} was deployed by another version of lustre-batch: {name} is not where this one has it; "
                "use that version, or deploy with this one"
            )
        return self.values[name]

    def first_environment(self) -> dict[str, Any] | None:
        """The compute environment of the first lane, as Batch describes it; those of all lanes are alike."""
        arns = json.loads(self.value("ComputeEnvironmentArns"))
        answer = self.client("batch").describe_compute_environments(computeEnvironments=arns[:1])
        return next(iter(answer["computeEnvironments"]), None)

    @property
    def role_arn(self) -> str:
        """The role of the run's state machine."""
        return str(self._machine(self.arn)["roleArn"])

    def _deployed(self, arn: str) -> Any:
        return json.loads(self._machine(arn)["definition"])

    def _machine(self, arn: str) -> dict[str, Any]:
        try:
            return dict(self.client("stepfunctions").describe_state_machine(stateMachineArn=arn))
        except ClientError as error:
            if code_of(error) in ("StateMachineDoesNotExist", "InvalidArn"):
                raise Problem(
                    f"there is no state machine {arn} (for the account that you are signed in to); "
                    "aws stepfunctions list-state-machines shows those that there are"
                ) from None
            raise


def filled_in(source: Any, deployed: Any) -> dict[str, str]:
    """What stands in the deployed definition where the source has ``${Name}``; nothing where they differ otherwise.

    Text with one name comes before text with several, in which one could end later than it does.
    """
    found: dict[str, str] = {}
    for text, other in sorted(_texts(source, deployed), key=lambda pair: len(_PLACEHOLDER.findall(pair[0]))):
        names = set(_PLACEHOLDER.findall(text))
        if names <= found.keys():
            continue
        if match := _pattern(text).fullmatch(other):
            found |= {name: _unescaped(value) for name, value in match.groupdict().items() if name not in found}
    return found


def _texts(source: Any, deployed: Any) -> Iterator[tuple[str, str]]:
    if isinstance(source, Mapping) and isinstance(deployed, Mapping):
        for key in source.keys() & deployed.keys():
            yield from _texts(source[key], deployed[key])
    elif isinstance(source, list) and isinstance(deployed, list):
        for one, other in zip(source, deployed, strict=False):
            yield from _texts(one, other)
    elif isinstance(source, str) and isinstance(deployed, str) and "${" in source:
        yield source, deployed


def _pattern(text: str) -> re.Pattern[str]:
    parts, seen = [], set()
    for number, part in enumerate(_PLACEHOLDER.split(text)):
        if number % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>.*?)")
            seen.add(part)
    return re.compile("".join(parts), re.S)


def _unescaped(text: str) -> str:
    """Without the escapes that protect a value within a literal of JSONata (templates.py)."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text
