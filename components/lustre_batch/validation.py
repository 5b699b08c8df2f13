"""From values to settings: reads them, checks them, and says what is wrong in terms a user can act on.

A mistake names the key, the value and the rule, and several mistakes are reported together. It must never guess: a
value that is not clearly right is refused before any resource is registered.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel, to_snake

from . import links
from .combinations import COMBINATIONS, contradictions
from .entries import TEXTS, readable, too_large
from .instance_types import fits, offers, problem_with, too_small
from .policy_room import no_room_for_a_run, no_room_for_secrets, no_room_in_the_endpoint
from .rules import Refused, show
from .settings import (
    METADATA_IOPS_BELOW_IT,
    METADATA_IOPS_STEP,
    NONE_OR_AT_LEAST,
    NOT_IN_CHINA,
    Settings,
    extra,
    lists_and_maps,
    run_time_names,
    shape,
)


class SettingsError(ValueError):
    """One or more parameters are wrong; the message has a line for each: key, value and rule."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


def read_settings(
    values: Mapping[str, Any], *, prefix: str = "", unknown: Iterable[str] = (), of_a_run: bool = False
) -> Settings:
    """Settings from camelCase or snake_case keys; what is None counts as not given.

    ``unknown`` are keys whose values are only known later: they count as given, and no rule asks for more.
    ``of_a_run``: what the stack was deployed with is settled, so that naming a secret does not let the job read it.

    Raises
    ------
    SettingsError
        With a line for every problem: ``<prefix><key>: <value> is not <rule>``.
    """
    later = {to_snake(key) for key in unknown}
    given = {key: value for key, value in values.items() if value is not None and to_snake(key) not in later}
    problems: list[str] = []
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        wrong = _explain(error)
        problems += wrong.values()
        # The remaining values may still contradict each other, so they are checked without the wrong ones.
        settings = Settings.model_validate({key: value for key, value in given.items() if to_camel(key) not in wrong})
    settings = settings.model_copy(update={key: _LATER[shape(key)["type"]] for key in later})
    blamed = {problem.partition(":")[0] for problem in problems}
    for keys, rule in _RULES_FOR_SEVERAL:
        if blamed.isdisjoint(keys) and (problem := rule(settings)):
            problems.append(problem)
    unsure = blamed | {to_camel(key) for key in later}
    found = [*contradictions(combined(settings, of_a_run)), *unlinkable(settings)]
    problems += [line for keys, line in found if unsure.isdisjoint(keys)]
    if problems:
        raise SettingsError(f"{prefix}{problem}" for problem in problems)
    return settings


_LATER: Final = {"string": "output", "array": ["output"], "object": {}}


def read_config(config: Mapping[str, str], namespace: str = "lustre-batch") -> Settings:
    """Settings from a stack's configuration: ``namespace:key`` to text, lists and maps as JSON."""
    prefix = f"{namespace}:"
    own = {key.removeprefix(prefix): text for key, text in config.items() if key.startswith(prefix)}
    if (region := config.get("aws:region", "")).startswith("cn-"):
        raise SettingsError([f"aws:region: {region} cannot be used: {NOT_IN_CHINA}"])
    return read_settings({name: _read_value(name, text) for name, text in own.items()}, prefix=prefix)


def run_time_rules(settings: Settings) -> list[dict[str, Any]]:
    """The rules of the run-time parameters as data, for the state machine to check a run's values by.

    Each is ``{key, type, rule}`` with ``minimum``, ``maximum``, ``multipleOf``, ``orElse``, ``values`` or ``maxLength``
    as they apply, and what lists, maps and text consist of (entries.py).
    """
    rules = {}
    for name in run_time_names():
        stated = shape(name)
        bounds = {new: stated[old] for old, new in _BOUNDS.items() if old in stated}
        rules[name] = {"key": to_camel(name), "type": stated["type"], "rule": rule_of(name)} | bounds
        rules[name] |= TEXTS.get(name, {})
    for name in NONE_OR_AT_LEAST.keys() & rules.keys():
        rules[name] |= {"minimum": NONE_OR_AT_LEAST[name], "orElse": [0]}
    rules["lustre_storage_capacity"] |= {"multipleOf": 2400, "orElse": [1200]}
    rules["lustre_metadata_iops"] |= {"multipleOf": METADATA_IOPS_STEP, "orElse": list(METADATA_IOPS_BELOW_IT)}
    limit = settings.compute_environment_maxv_cpus
    rules["job_definition_vcpus"] |= {
        "maximum": limit,
        "rule": f"a whole number from 1 to {limit} (computeEnvironmentMaxvCpus)",
    }
    return list(rules.values())


def combined(settings: Settings, of_a_run: bool = False) -> dict[str, Any]:
    """The values that the rules for several parameters read, whether a run may choose them or not."""
    arns = settings.job_secret_arns
    may_read = arns if of_a_run else readable(arns, settings.job_definition_secrets)
    return settings.run_time_values() | values_of_the_stack(settings) | {"jobSecretArns": may_read}


def unlinkable(s: Settings) -> Iterable[tuple[tuple[str, ...], str]]:
    """What no file system could be linked to together."""
    return links.problems(s.bucket_name, s.bucket_prefix, s.key_prefix, s.input_prefixes, s.input_buckets)


def values_of_the_stack(settings: Settings) -> dict[str, Any]:
    """Those that no run may choose."""
    others = dict.fromkeys(to_snake(combination["other"]) for combination in COMBINATIONS)
    return {to_camel(name): getattr(settings, name) for name in others if not extra(name)["run_time"]}


def hint(key: str, among: Iterable[str] = Settings.model_fields) -> str:
    """What a key that does not exist may be meant for."""
    spelled = {name.lower(): name for name in map(to_camel, among)}
    near = difflib.get_close_matches(key.lower(), spelled, n=1)
    return f" (did you mean {spelled[near[0]]}?)" if near else ""


def instance_offers(settings: Settings) -> dict[str, Any]:
    """The largest jobs that the instance types take, for the state machine to check a run's job by: a list of
    ``{vcpus, memory, gpus}``, empty where their sizes are not known, and what is said of a job that is larger.
    """
    names = settings.compute_environment_instance_types
    offered = offers(names)
    return {
        "largest": [dict(zip(("vcpus", "memory", "gpus"), offer, strict=True)) for offer in offered],
        "tooSmall": too_small(names, offered) if offered else "",
    }


def rule_of(name: str) -> str:
    """The rule of a parameter in words, as error messages and tables give it."""
    if stated := extra(name)["rule"]:
        return str(stated)
    match shape(name):
        case {"enum": values}:
            return "one of " + ", ".join(str(value) for value in values)
        case {"type": "boolean"}:
            return "true or false"
        case {"type": "integer", "minimum": low, "maximum": high}:
            unit = unit_of(name)
            return f"a whole number{f' of {UNITS[unit]}' if unit else ''} from {low} to {high}"
        case {"type": "array"}:
            return "a list of strings"
        case _:
            return "a string"


def meaning_of(name: str) -> str:
    """What a parameter means, its unit and its default, as the component's arguments describe it."""
    field = Settings.model_fields[name]
    return f"{field.description} Default: {json.dumps(field.default, ensure_ascii=False)}.".replace(
        ": true.", ": True."
    ).replace(": false.", ": False.")


# As help texts give them in parentheses, and as a rule spells them out.
UNITS: Final = {"s": "seconds", "min": "minutes", "d": "days", "MiB": "MiB", "GiB": "GiB"}


def unit_of(name: str) -> str:
    """The unit of a number, as its help text gives it; empty where things are counted."""
    found = re.search(rf"\(({'|'.join(UNITS)})\)", Settings.model_fields[name].description or "")
    return found[1] if found else ""


_BOUNDS: Final = {
    **{each: each for each in ("minimum", "maximum", "multipleOf", "maxLength")},
    "enum": "values",
}

# Why a value that other systems take is refused here; shown instead of the bare rule.
_REASONS: Final = {
    ("compute_environment_allocation_strategy", "BEST_FIT"): (
        "a strategy whose environment Batch can update, which every run needs "
        "(Batch guide, updating compute environments)"
    ),
}


def _read_value(name: str, text: str) -> Any:
    """A configuration value, which the engine hands over as text: JSON where a list or a map is meant."""
    names = {to_camel(field): field for field in Settings.model_fields}
    if name in names and shape(names[name])["type"] in ("array", "object"):
        try:
            return json.loads(text or "null")
        except json.JSONDecodeError:
            return text
    return text


def _explain(error: ValidationError) -> dict[str, str]:
    """Pydantic's findings, one line a key, in terms of key, value and rule."""
    names = {to_camel(field): field for field in Settings.model_fields}
    lines: dict[str, str] = {}
    for finding in error.errors():
        key = str(finding["loc"][0]) if finding["loc"] else ""
        name = names.get(key, key)
        key = to_camel(name)
        value = finding["input"]
        if finding["type"] == "extra_forbidden":
            lines[key] = f"{key}: there is no parameter of this name{hint(key)}; its value was {show(value)}"
        elif name in Settings.model_fields and key not in lines:
            said = finding.get("ctx", {}).get("error")
            if isinstance(said, Refused):
                lines[key] = f"{key}: {said}"
                continue
            rule = _REASONS.get((name, value) if isinstance(value, str) else (name, ""), rule_of(name))
            lines[key] = f"{key}: {show(value)} is not {rule}"
    return lines


# ---------------------------------------------------------------------- rules for several parameters
def _spot_strategies_need_spot(s: Settings) -> str | None:
    if s.compute_environment_allocation_strategy.startswith("SPOT_") and s.compute_environment_type != "SPOT":
        return (
            f"computeEnvironmentAllocationStrategy: {s.compute_environment_allocation_strategy} is not a strategy of "
            f"computeEnvironmentType {s.compute_environment_type}; it needs SPOT"
        )
    return None


def _vcpus_are_in_order(s: Settings) -> str | None:
    low, wanted, high = (
        s.compute_environment_minv_cpus,
        s.compute_environment_desiredv_cpus,
        s.compute_environment_maxv_cpus,
    )
    if low <= wanted <= high:
        return None
    return (
        f"computeEnvironmentDesiredvCpus: {wanted} is not between computeEnvironmentMinvCpus ({low}) "
        f"and computeEnvironmentMaxvCpus ({high})"
    )


def _job_fits_environment(s: Settings) -> str | None:
    if s.job_definition_vcpus <= s.compute_environment_maxv_cpus:
        return None
    return (
        f"jobDefinitionVcpus: {s.job_definition_vcpus} exceeds computeEnvironmentMaxvCpus "
        f"({s.compute_environment_maxv_cpus}); the job would never start"
    )


def _instance_types_are_some(s: Settings) -> str | None:
    problem = problem_with(s.compute_environment_instance_types)
    return None if problem is None else f"computeEnvironmentInstanceTypes: {problem}"


def _job_fits_an_instance(s: Settings) -> str | None:
    names = s.compute_environment_instance_types
    if problem_with(names) is not None or _job_fits_environment(s) is not None:
        return None
    offered, vcpus, memory_mib, gpus = (
        offers(names),
        s.job_definition_vcpus,
        s.job_definition_memory,
        s.job_definition_gpus,
    )
    if fits((vcpus, memory_mib, gpus), offered):
        return None
    and_gpus = f" and jobDefinitionGpus {gpus}" if gpus else ""
    job = f"{vcpus} with jobDefinitionMemory {memory_mib} (MiB){and_gpus}"
    return f"jobDefinitionVcpus: {job} {too_small(names, offered)}"


def _subnets_come_with_their_vpc(s: Settings) -> str | None:
    if bool(s.vpc_id) == bool(s.subnet_ids):
        return None
    if s.vpc_id:
        return f"subnetIds: {show(s.subnet_ids)} names no subnet; vpcId {s.vpc_id} needs at least one of its own"
    return f"vpcId: {show(s.vpc_id)} is not the VPC of subnetIds {show(s.subnet_ids)}; give both or neither"


def _groups_come_with_their_vpc(s: Settings) -> str | None:
    if not s.security_group_ids or s.vpc_id:
        return None
    return f"vpcId: {show(s.vpc_id)} is not the VPC of securityGroupIds {show(s.security_group_ids)}; give both"


# What shapes the network that is created, and means nothing for one that is adopted.
_OF_THE_CREATED_NETWORK: Final = ("vpcCidr", "availabilityZoneIds", "egress", "reachableBuckets", "vpcFlowLogs")


def _adopted_network_is_used_as_it_is(key: str, s: Settings) -> str | None:
    value = getattr(s, to_snake(key))
    if not s.vpc_id or value == Settings.model_fields[to_snake(key)].default:
        return None
    return f"{key}: {show(value)} cannot be combined with vpcId {s.vpc_id}, which is used as it is"


def _spreading_takes_two_zones(s: Settings) -> str | None:
    if not s.spread_across_zones or len(s.availability_zone_ids) != 1:
        return None
    return f"spreadAcrossZones: true needs two availabilityZoneIds, not only {s.availability_zone_ids[0]}"


def _job_definition_holds_it(s: Settings) -> str | None:
    return too_large({key: s.run_time_values()[key] for key in lists_and_maps()}, s.tags)


# Each with the keys it is about: a key that is wrong by itself is not also blamed for a contradiction.
_RULES_FOR_SEVERAL: Final[tuple[tuple[tuple[str, ...], Callable[[Settings], str | None]], ...]] = (
    (("computeEnvironmentAllocationStrategy", "computeEnvironmentType"), _spot_strategies_need_spot),
    (
        ("computeEnvironmentMinvCpus", "computeEnvironmentDesiredvCpus", "computeEnvironmentMaxvCpus"),
        _vcpus_are_in_order,
    ),
    (("jobDefinitionVcpus", "computeEnvironmentMaxvCpus"), _job_fits_environment),
    (("computeEnvironmentInstanceTypes",), _instance_types_are_some),
    (
        ("computeEnvironmentInstanceTypes", "jobDefinitionVcpus", "jobDefinitionMemory", "jobDefinitionGpus"),
        _job_fits_an_instance,
    ),
    (("vpcId", "subnetIds"), _subnets_come_with_their_vpc),
    (("vpcId", "securityGroupIds"), _groups_come_with_their_vpc),
    *((("vpcId", key), partial(_adopted_network_is_used_as_it_is, key)) for key in _OF_THE_CREATED_NETWORK),
    (("spreadAcrossZones", "availabilityZoneIds"), _spreading_takes_two_zones),
    ((*lists_and_maps(), "tags"), _job_definition_holds_it),
    (
        ("inputBuckets", "jobRoleArns", "kmsKeyArn"),
        lambda s: no_room_for_a_run(s.input_buckets, s.job_role_arns, s.kms_key_arn),
    ),
    (
        ("jobSecretArns", "jobDefinitionSecrets"),
        lambda s: no_room_for_secrets(readable(s.job_secret_arns, s.job_definition_secrets)),
    ),
    (("reachableBuckets",), lambda s: no_room_in_the_endpoint(s.reachable_buckets)),
)
