"""Which values of the run-time parameters go together: one table, by which the deployment and every run refuse the same
combinations in the same words.

A rule is about one run-time parameter and what another, or one of the stack's, allows it. The first of its cases counts
whose `of` has the other's value, or whose `upTo` is not below it; a case without either counts for every value. The
parameter then has to be `orElse`, one of `values`, one of the other's where `isOne` is said, or at least `minimum` or
at most `maximum`, which are meant `per` so much of the other where that is given. Of a map, each value has to be one of
the other's, or begin with it and a colon, where `areOf` is said, and no name may be among the other's where `apart` is;
what is not is named. The state machine reads the same table (definition/run.asl.yaml, CheckTogether).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .rules import compact

# SDK CreateFileSystemLustreConfiguration, PerUnitStorageThroughput: required with persistent types; values for SSD.
_THROUGHPUTS: Final = {"PERSISTENT_1": [50, 100, 200], "PERSISTENT_2": [125, 250, 500, 1000]}
# FSx guide, file system metadata performance: what AUTOMATIC mode provisions, by capacity (GiB). SDK
# CreateFileSystemLustreMetadataConfiguration, Iops: fewer cannot be provisioned; at most 192,000.
_AUTOMATIC_METADATA_IOPS: Final = ((1200, 1500), (2400, 3000), (9600, 6000), (45_600, 12_000))
_PER_24000_GIB: Final = "0 or at least 12000 per 24000 GiB"


COMBINATIONS: Final[tuple[dict[str, Any], ...]] = (
    {
        "key": "lustrePerUnitStorageThroughput",
        "other": "lustreDeploymentType",
        "cases": [
            {"of": ["SCRATCH_2"], "values": [0], "rule": "0"},
            *(
                {"of": [kind], "values": values, "rule": f"one of {', '.join(map(str, values))}"}
                for kind, values in _THROUGHPUTS.items()
            ),
        ],
    },
    {
        "key": "lustreMetadataIops",
        "other": "lustreDeploymentType",
        "cases": [{"of": ["SCRATCH_2", "PERSISTENT_1"], "values": [0], "rule": "0"}],
    },
    # SDK CreateFileSystem, FileSystemTypeVersion: 2.12 is not supported with a metadata configuration.
    {
        "key": "lustreMetadataIops",
        "other": "lustreFileSystemTypeVersion",
        "cases": [{"of": ["2.12"], "values": [0], "rule": "0"}],
    },
    {
        "key": "lustreMetadataIops",
        "other": "lustreStorageCapacity",
        "cases": [
            *(
                {"upTo": capacity, "minimum": iops, "orElse": 0, "rule": f"0 or at least {iops}"}
                for capacity, iops in _AUTOMATIC_METADATA_IOPS
            ),
            {"upTo": 384_000, "minimum": 12_000, "per": 24_000, "orElse": 0, "rule": _PER_24000_GIB},
            {"minimum": 192_000, "orElse": 0, "rule": "0 or 192000"},
        ],
    },
    # Fewer datapoints than two would prove nothing.
    {
        "key": "lambdaTimeDiffMinutes",
        "other": "lambdaPeriodSeconds",
        "cases": [{"minimum": 2, "per": 60, "rule": "at least two periods"}],
    },
    # The run itself would have ended the job before.
    {
        "key": "jobDefinitionAttemptSeconds",
        "other": "jobTimeoutMinutes",
        "cases": [{"maximum": 60, "per": 1, "rule": "within the time that the whole job may take"}],
    },
    {
        "key": "jobRoleArn",
        "other": "jobRoleArns",
        "cases": [{"isOne": True, "orElse": "", "rule": "empty or one of the roles that may be passed"}],
    },
    {
        "key": "jobDefinitionSecrets",
        "other": "jobSecretArns",
        "cases": [{"areOf": True, "rule": "of secrets that a run may read"}],
    },
    # SDK ECS, ContainerDefinition, secrets: a name is not shared with a variable of the environment.
    {
        "key": "jobDefinitionSecrets",
        "other": "jobDefinitionEnvironment",
        "cases": [{"apart": True, "rule": "apart from the other variables"}],
    },
)


def contradictions(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield every combination that does not go together: the two keys, and a line with key, value and rule."""
    for combination in COMBINATIONS:
        key, other = combination["key"], combination["other"]
        value, others = values[key], values[other]
        case = next((case for case in combination["cases"] if _counts(case, others)), None)
        if case is None:
            continue
        if isinstance(value, Mapping):
            if wrong := {name: text for name, text in value.items() if not _goes_with(case, name, text, others)}:
                yield (key, other), f"{key}: {compact(wrong)} is not {case['rule']} ({other} {compact(list(others))})"
        elif not _allows(case, value, others):
            allowed_by = compact(others) if isinstance(others, list) else others
            yield (key, other), f"{key}: {value} is not {case['rule']} ({other} {allowed_by})"


def _counts(case: Mapping[str, Any], others: Any) -> bool:
    return others in case["of"] if "of" in case else "upTo" not in case or others <= case["upTo"]


def _goes_with(case: Mapping[str, Any], name: str, text: str, others: Any) -> bool:
    return name not in others if "apart" in case else any(text == one or text.startswith(f"{one}:") for one in others)


def _allows(case: Mapping[str, Any], value: Any, others: Any) -> bool:
    if "values" in case:
        return value in case["values"]
    if value == case.get("orElse"):
        return True
    if "isOne" in case:
        return value in others
    of_other = others / case["per"] if "per" in case else 1
    return bool(value <= case["maximum"] * of_other if "maximum" in case else value >= case["minimum"] * of_other)
