"""The input of a run, from what somebody typed. Owns that nothing is started which the run would refuse: values are
checked by the rules of the deployment, against what the stack was deployed with."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError
from pydantic.alias_generators import to_camel

from ..rules import show
from ..settings import Settings, run_time_names, shape
from ..validation import SettingsError, hint, read_settings, rule_of
from .problems import Problem
from .stack import Stack

# Keys of an input that are no parameters, by what says them here.
_INSTEAD = {
    "wait": ", but lustre-batch run --no-wait",
    "session": ", but lustre-batch session start",
    "reclaim": ", but lustre-batch reclaim",
}
_KEYS = {to_camel(name): name for name in run_time_names()}


def pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """What `KEY=VALUE` options say."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise Problem(f"{option} {text}: write {option} KEY=VALUE")
        if key in found:
            raise Problem(f"{option} {key}: it is given twice")
        found[key] = value
    return found


def wanted(
    sets: Sequence[str],
    command: Sequence[str] | None,
    environment: Sequence[str],
    array: int | None,
    image: str | None,
    prefix: str | None,
) -> dict[str, Any]:
    """What the options ask for, by the keys of parameters; not looked at yet."""
    values: dict[str, Any] = {key: _read(key, text) for key, text in pairs(sets, "--set").items()}
    options = {
        "jobDefinitionCommand": None if command is None else list(command),
        "jobDefinitionEnvironment": pairs(environment, "--env") or None,
        "jobDefinitionArraySize": array,
        "jobDefinitionContainerImage": image,
        "keyPrefix": prefix,
    }
    for key, value in options.items():
        if value is None:
            continue
        if key in values:
            raise Problem(f"{key}: it is given twice, with --set and with an option of its own")
        values[key] = value
    return values


def checked(stack: Stack, values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values as their types have them.

    Raises
    ------
    Problem
        With a line for each that a run would refuse, in the words of the deployment.
    """
    if not values:
        return {}
    strange = [
        f"{key}: {show(value)} is not a run-time parameter{_instead_of(stack, key, value)}"
        for key, value in values.items()
        if key not in _KEYS
    ]
    given = {key: value for key, value in values.items() if key in _KEYS}
    base = deployed(stack)
    # What is wrong already is not this input's; of what it gives itself, everything is.
    before = [line for line in problems(base) if line.partition(":")[0] not in given]
    refused = strange + [_as_the_run(stack, line) for line in problems(base | given) if line not in before]
    if refused:
        raise Problem("nothing was started:\n" + "\n".join(f"  {line}" for line in refused))
    # Each by itself is right by now; together with others they were looked at above, beside what the stack has.
    read = Settings.model_validate(given)
    return {key: value for key, value in read.run_time_values().items() if key in given}


def where(stack: Stack, values: Mapping[str, Any]) -> str:
    """Which stack it is that a run with these values would be of, where its results would go, and its file system."""
    has = {**deployed(stack), **values}
    prefix = f"{stack.value('BucketPrefix')}{has['keyPrefix']}".rstrip("/")
    results = "/".join(["s3:/", stack.value("BucketName"), *([prefix] if prefix else []), ""])
    throughput = has["lustrePerUnitStorageThroughput"]
    system = f"{has['lustreDeploymentType']}, {has['lustreStorageCapacity']:,} GiB" + (
        f", {throughput} MB/s per TiB" if throughput else ""
    )
    return f"stack {stack.pulumi_name} in {stack.region}: {system}; results in {results}"


def _instead_of(stack: Stack, key: str, value: Any) -> str:
    """What to do about a key that no run has; which there are, if nothing better is known."""
    if key in _INSTEAD:
        return _INSTEAD[key]
    if key in map(to_camel, Settings.model_fields):
        text = shlex.quote(value if isinstance(value, str) else json.dumps(value))
        where = f" -s {shlex.quote(stack.pulumi_name)}" if stack.pulumi_name else ""
        return (
            f"; it belongs to the stack: pulumi config set lustre-batch:{key} {text}{where}, and then pulumi up{where}"
        )
    return hint(key, run_time_names()) or f" (known: {', '.join(_KEYS)})"


def _as_the_run(stack: Stack, line: str) -> str:
    """With the rule that the run has, whose bounds may be the stack's."""
    key = line.partition(":")[0]
    rules = {rule["key"]: rule["rule"] for rule in json.loads(stack.value("ParameterRules"))}
    return line.replace(f"is not {rule_of(_KEYS[key])}", f"is not {rules[key]}") if key in rules else line


def _read(key: str, text: str) -> Any:
    """Lists and maps are JSON, as `pulumi config set` takes them."""
    if key in _KEYS and shape(_KEYS[key])["type"] in ("array", "object"):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return text


def problems(values: Mapping[str, Any]) -> list[str]:
    """What a run would refuse of these, a line each."""
    try:
        read_settings(values, of_a_run=True)
    except SettingsError as error:
        return list(error.problems)
    return []


def deployed(stack: Stack) -> dict[str, Any]:
    """What a run has without an input: the deployment's values, below the secret's; and what no run may choose."""
    found: dict[str, Any] = json.loads(stack.value("ParameterDefaults"))
    with contextlib.suppress(ClientError, ValueError):  # who may not read it is told by the run
        secret = stack.client("secretsmanager").get_secret_value(SecretId=stack.value("ParametersSecretArn"))
        found |= {key: value for key, value in json.loads(secret["SecretString"]).items() if key in _KEYS}
    others = json.loads(stack.value("StackValues")) | {
        "bucketName": stack.value("BucketName"),
        "bucketPrefix": stack.value("BucketPrefix"),
        "inputBuckets": json.loads(stack.value("InputBuckets")),
    }
    if environment := stack.first_environment():
        resources = environment["computeResources"]
        others |= {
            "computeEnvironmentType": resources["type"],
            "computeEnvironmentMaxvCpus": resources["maxvCpus"],
            "computeEnvironmentInstanceTypes": resources["instanceTypes"],
        }
        if "allocationStrategy" in resources:
            others["computeEnvironmentAllocationStrategy"] = resources["allocationStrategy"]
    settings = {to_camel(name) for name in Settings.model_fields}
    return {key: value for key, value in {**others, **found}.items() if key in settings}
