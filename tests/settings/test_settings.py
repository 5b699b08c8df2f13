"""The parameters: their defaults, what is refused, and what the messages say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lustre_batch import Settings, SettingsError, read_config, read_settings
from lustre_batch.validation import run_time_rules
from pydantic.alias_generators import to_camel

from tests.settings.mistakes import BAD, PARAMETER, SECRET

# The reference system's document, "Deployment parameters".
SEED_DEFAULTS: dict[str, Any] = {
    "envName": "AutoExport",
    "autoExport": True,
    "deleteLustre": True,
    "lustreFileSystemTypeVersion": "2.15",
    "lustreStorageCapacity": 2400,
    "lustreImportedFileChunkSize": 1024,
    "ecrRepositoryName": "batch-job-with-lustre-auto-export",
    "computeEnvironmentType": "SPOT",
    "computeEnvironmentAllocationStrategy": "BEST_FIT_PROGRESSIVE",
    "computeEnvironmentInstanceTypes": ["optimal"],
    "computeEnvironmentMinvCpus": 0,
    "computeEnvironmentMaxvCpus": 256,
    "computeEnvironmentDesiredvCpus": 0,
    "jobDefinitionRetryAttempts": 5,
    "jobDefinitionVcpus": 32,
    "jobDefinitionMemory": 30000,
    "waitForLustreCreationSeconds": 30,
    "waitForJobCompletionSeconds": 300,
    "waitForCheckMetricsSeconds": 60,
    "lambdaPeriodSeconds": 60,
    "lambdaTimeDiffMinutes": 15,
}
RUN_TIME = {
    "autoExport",
    "continueAfterImportFailure",
    "deleteLustre",
    "lustreFileSystemTypeVersion",
    "lustreStorageCapacity",
    "lustreImportedFileChunkSize",
    "lustreDeploymentType",
    "lustrePerUnitStorageThroughput",
    "lustreDataCompressionType",
    "lustreMetadataIops",
    "jobDefinitionContainerImage",
    "jobDefinitionCommand",
    "jobDefinitionEnvironment",
    "jobDefinitionSecrets",
    "jobDefinitionArraySize",
    "jobDefinitionAttemptSeconds",
    "jobDefinitionGpus",
    "jobDefinitionSharedMemoryMib",
    "jobDefinitionUlimits",
    "jobDefinitionUser",
    "jobDefinitionTags",
    "jobRoleArn",
    "jobDefinitionRetryAttempts",
    "jobDefinitionVcpus",
    "jobDefinitionMemory",
    "inputPrefixes",
    "keyPrefix",
    "waitForLustreCreationSeconds",
    "waitForJobCompletionSeconds",
    "waitForCheckMetricsSeconds",
    "lambdaPeriodSeconds",
    "lambdaTimeDiffMinutes",
}


def text(value: Any) -> str:
    """A value in the form in which the engine hands it over."""
    return value if isinstance(value, str) else json.dumps(value)


def problems(values: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read_settings(values)
    return refused.value.problems


# ---------------------------------------------------------------------- defaults
def test_the_21_parameters_of_the_document_come_first_with_its_defaults() -> None:
    given = Settings().model_dump(by_alias=True)
    assert list(given)[:21] == list(SEED_DEFAULTS)
    assert {key: given[key] for key in SEED_DEFAULTS} == SEED_DEFAULTS


def test_every_added_parameter_may_be_left_out() -> None:
    assert read_settings(SEED_DEFAULTS) == Settings() == read_settings({})


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_parameter_has_a_help_text_and_takes_its_own_default(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    assert read_settings({to_camel(name): field.default}) == Settings()


# ---------------------------------------------------------------------- as configuration
def test_values_carry_over_unchanged_from_the_documents_configuration() -> None:
    changed = SEED_DEFAULTS | {"jobDefinitionVcpus": 64, "computeEnvironmentInstanceTypes": ["c7i", "m7i.8xlarge"]}
    config = {f"lustre-batch:{key}": text(value) for key, value in changed.items()}
    assert read_config(config) == Settings(
        job_definition_vcpus=64, compute_environment_instance_types=["c7i", "m7i.8xlarge"]
    )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_text_as_the_engine_hands_it_over_is_read_as_what_it_stands_for(name: str) -> None:
    default = Settings.model_fields[name].default
    read = getattr(read_config({f"lustre-batch:{to_camel(name)}": text(default)}), name)
    assert read == default
    assert type(read) is type(default)


def test_other_namespaces_are_none_of_our_business() -> None:
    assert read_config({"aws:region": "eu-west-1", "other:jobDefinitionVcpus": "x"}) == Settings()


def test_a_mistake_in_the_configuration_names_key_value_and_rule_in_the_words_of_the_design() -> None:
    with pytest.raises(SettingsError) as refused:
        read_config({"lustre-batch:lustreStorageCapacity": "1300"})
    assert str(refused.value) == (
        "lustre-batch:lustreStorageCapacity: 1300 is not 1200, 2400 or a multiple of 2400 (GiB)"
    )


def test_map_and_list_that_are_no_json_are_refused_with_the_rule() -> None:
    with pytest.raises(SettingsError) as refused:
        read_config({"lustre-batch:tags": "team=a", "lustre-batch:computeEnvironmentInstanceTypes": "optimal"})
    lines = sorted(refused.value.problems)
    assert lines[0].startswith("lustre-batch:computeEnvironmentInstanceTypes: optimal is not a list of at least one")
    assert lines[1].startswith("lustre-batch:tags: team=a is not a map of at most 40 tags")


def test_a_number_in_a_tag_is_taken_as_the_text_that_was_written() -> None:
    config = {"lustre-batch:tags": '{"CostCenter": 1234, "Share": 0.5}'}
    assert read_config(config).tags == {"CostCenter": "1234", "Share": "0.5"}


# ---------------------------------------------------------------------- what is refused
@pytest.mark.parametrize(("key", "value", "words"), BAD, ids=[f"{key}={value}"[:60] for key, value, _ in BAD])
def test_a_bad_value_is_refused_with_key_value_and_rule(key: str, value: Any, words: str) -> None:
    (line,) = problems({key: value})
    assert line.startswith(f"{key}: ")
    assert words in line


# As text, "true" is not a number to begin with.
AS_TEXT = [(key, value) for key, value, _ in BAD if value is not True]


@pytest.mark.parametrize(("key", "value"), AS_TEXT, ids=[f"{key}={value}"[:60] for key, value in AS_TEXT])
def test_the_same_value_as_configuration_text_is_refused_too(key: str, value: Any) -> None:
    with pytest.raises(SettingsError) as refused:
        read_config({f"lustre-batch:{key}": text(value)})
    assert [line.startswith(f"lustre-batch:{key}: ") for line in refused.value.problems] == [True]


def test_every_parameter_with_a_bound_has_a_bad_value_here() -> None:
    unbounded = {"bucketName", "permissionsBoundaryArn", "kmsKeyArn"}
    assert {to_camel(name) for name in Settings.model_fields} - {key for key, _, _ in BAD} == unbounded


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    assert problems({"jobDefinitionVCPUS": 4}) == [
        "jobDefinitionVCPUS: there is no parameter of this name (did you mean jobDefinitionVcpus?); its value was 4"
    ]
    (line,) = problems({"zzz": "x"})
    assert line == "zzz: there is no parameter of this name; its value was x"


P2 = {"lustreDeploymentType": "PERSISTENT_2", "lustrePerUnitStorageThroughput": 125}
ROLES = [f"arn:aws:iam::123456789012:role/team/{name}" for name in ("one", "two")]
CONTRADICTIONS: list[tuple[dict[str, Any], str, list[str]]] = [
    (
        {"computeEnvironmentType": "EC2", "computeEnvironmentAllocationStrategy": "SPOT_CAPACITY_OPTIMIZED"},
        "computeEnvironmentAllocationStrategy",
        ["SPOT_CAPACITY_OPTIMIZED", "computeEnvironmentType EC2"],
    ),
    (
        {"computeEnvironmentMinvCpus": 8, "computeEnvironmentDesiredvCpus": 4},
        "computeEnvironmentDesiredvCpus",
        ["4", "computeEnvironmentMinvCpus (8)"],
    ),
    (
        {"computeEnvironmentDesiredvCpus": 300},
        "computeEnvironmentDesiredvCpus",
        ["300", "computeEnvironmentMaxvCpus (256)"],
    ),
    ({"jobDefinitionVcpus": 257}, "jobDefinitionVcpus", ["257", "computeEnvironmentMaxvCpus (256)"]),
    (
        {"lambdaPeriodSeconds": 600, "lambdaTimeDiffMinutes": 15},
        "lambdaTimeDiffMinutes",
        ["15", "two periods", "lambdaPeriodSeconds 600"],
    ),
    (
        {"lustreDeploymentType": "PERSISTENT_2"},
        "lustrePerUnitStorageThroughput",
        ["0 is not one of 125, 250, 500, 1000 (lustreDeploymentType PERSISTENT_2)"],
    ),
    (
        {"lustreDeploymentType": "PERSISTENT_1", "lustrePerUnitStorageThroughput": 125},
        "lustrePerUnitStorageThroughput",
        ["125 is not one of 50, 100, 200 (lustreDeploymentType PERSISTENT_1)"],
    ),
    (
        {"lustrePerUnitStorageThroughput": 200},
        "lustrePerUnitStorageThroughput",
        ["200 is not 0 (lustreDeploymentType SCRATCH_2)"],
    ),
    ({"lustreMetadataIops": 6000}, "lustreMetadataIops", ["6000 is not 0 (lustreDeploymentType SCRATCH_2)"]),
    (
        P2 | {"lustreFileSystemTypeVersion": "2.12", "lustreMetadataIops": 6000},
        "lustreMetadataIops",
        ["6000 is not 0 (lustreFileSystemTypeVersion 2.12)"],
    ),
    (
        P2 | {"lustreStorageCapacity": 9600, "lustreMetadataIops": 3000},
        "lustreMetadataIops",
        ["3000 is not 0 or at least 6000 (lustreStorageCapacity 9600)"],
    ),
    (
        P2 | {"lustreStorageCapacity": 50_400, "lustreMetadataIops": 24_000},
        "lustreMetadataIops",
        ["24000 is not 0 or at least 12000 per 24000 GiB (lustreStorageCapacity 50400)"],
    ),
    (
        P2 | {"lustreStorageCapacity": 400_800, "lustreMetadataIops": 180_000},
        "lustreMetadataIops",
        ["180000 is not 0 or 192000 (lustreStorageCapacity 400800)"],
    ),
    (
        {"jobTimeoutMinutes": 10, "jobDefinitionAttemptSeconds": 601},
        "jobDefinitionAttemptSeconds",
        ["601 is not within the time that the whole job may take (jobTimeoutMinutes 10)"],
    ),
    (
        {"jobRoleArn": ROLES[0]},
        "jobRoleArn",
        [f"{ROLES[0]} is not empty or one of the roles that may be passed (jobRoleArns [])"],
    ),
    (
        {"jobRoleArn": ROLES[1], "jobRoleArns": ROLES[:1]},
        "jobRoleArn",
        [f'{ROLES[1]} is not empty or one of the roles that may be passed (jobRoleArns ["{ROLES[0]}"])'],
    ),
    (
        {
            "jobDefinitionSecrets": {"TOKEN": SECRET, "OTHER": SECRET},
            "jobDefinitionEnvironment": {"TOKEN": "x", "A": "y"},
        },
        "jobDefinitionSecrets",
        [f'{{"TOKEN":"{SECRET}"}} is not apart from the other variables (jobDefinitionEnvironment ["TOKEN","A"])'],
    ),
    (
        {"jobDefinitionGpus": 1},
        "jobDefinitionVcpus",
        ["32 with jobDefinitionMemory 30000 (MiB) and jobDefinitionGpus 1 fits none of", '["optimal"]'],
    ),
    (
        {"jobDefinitionGpus": 2, "computeEnvironmentInstanceTypes": ["g5.xlarge"], "jobDefinitionVcpus": 4}
        | {"jobDefinitionMemory": 2000},
        "jobDefinitionVcpus",
        ["and jobDefinitionGpus 2 fits none of", "at most about 4 vCPUs, 15938 MiB and 1 GPUs"],
    ),
    ({"vpcId": "vpc-11111111"}, "subnetIds", ["[]", "vpc-11111111"]),
    ({"subnetIds": ["subnet-11111111"]}, "vpcId", ['""', "subnet-11111111"]),
    ({"securityGroupIds": ["sg-11111111"]}, "vpcId", ['""', "sg-11111111"]),
    (
        {"vpcId": "vpc-11111111", "subnetIds": ["subnet-11111111"], "vpcCidr": "10.1.0.0/16"},
        "vpcCidr",
        ["10.1.0.0/16", "vpc-11111111"],
    ),
]


@pytest.mark.parametrize(("values", "key", "words"), CONTRADICTIONS)
def test_a_contradictory_pair_is_refused_with_both_sides(values: dict[str, Any], key: str, words: list[str]) -> None:
    (line,) = problems(values)
    assert line.startswith(f"{key}: ")
    assert [word for word in words if word not in line] == []


@pytest.mark.parametrize(
    "values",
    [
        {"computeEnvironmentType": "SPOT", "computeEnvironmentAllocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED"},
        {"computeEnvironmentMinvCpus": 4, "computeEnvironmentDesiredvCpus": 4, "computeEnvironmentMaxvCpus": 32},
        {"computeEnvironmentMaxvCpus": 192, "jobDefinitionVcpus": 192},
        {"lustreStorageCapacity": 1200},
        {"lustreStorageCapacity": 7200},
        {"lambdaPeriodSeconds": 420, "lambdaTimeDiffMinutes": 14},
        {"lustreDeploymentType": "PERSISTENT_1", "lustrePerUnitStorageThroughput": 50},
        P2 | {"lustreFileSystemTypeVersion": "2.12", "lustreDataCompressionType": "LZ4"},
        P2 | {"lustreStorageCapacity": 1200, "lustreMetadataIops": 1500},
        P2 | {"lustreStorageCapacity": 48_000, "lustreMetadataIops": 24_000},
        P2 | {"lustreStorageCapacity": 2_400_000, "lustreMetadataIops": 192_000},
        {"vpcId": "vpc-11111111", "subnetIds": ["subnet-11111111"], "securityGroupIds": ["sg-11111111"]},
        {"jobTimeoutMinutes": 10, "jobDefinitionAttemptSeconds": 600},
        {"jobDefinitionAttemptSeconds": 60, "jobDefinitionUser": "1000:users", "jobDefinitionSharedMemoryMib": 1},
        {"jobRoleArns": ROLES, "jobRoleArn": ROLES[1]},
        {"jobDefinitionSecrets": {"A": f"{SECRET}:key::", "B": f"{SECRET}:::id-1", "C": PARAMETER}},
        {"jobSecretArns": [SECRET, PARAMETER], "jobDefinitionEnvironment": {"A": "b"}, "jobDefinitionSecrets": {}},
        {"jobDefinitionGpus": 8, "computeEnvironmentInstanceTypes": ["c7i", "g5"]},
        {"jobDefinitionUlimits": [{"name": "memlock", "softLimit": -1, "hardLimit": -1}]},
        {"jobDefinitionUlimits": [{"name": "nofile", "softLimit": 0, "hardLimit": -1}]},
        {"jobDefinitionTags": {f"k {number}": "v@/=+-:._" for number in range(7)}},
        {"bucketPrefix": "runs/today/", "bucketName": "mine"},
        {"bucketPrefix": "dt=2026-01-31/größe & co, 50%/"},
        {"bucketPrefix": "é" * 256},
        {"keyPrefix": "dt=2026-01-31/größe & co, 50%/.../..a/日本"},
        {"keyPrefix": "é" * 256},
        {
            "keyPrefix": "results/",
            "inputPrefixes": ["a", "b/c/", "ab", "s3://genomes", "s3://genomes2/"],
            "inputBuckets": ["genomes", "genomes2"],
        },
        {"bucketPrefix": "results", "inputPrefixes": list("abcdefg")},
        {"bucketName": "mine", "inputBuckets": ["min"], "inputPrefixes": ["s3://min/e"]},
        {"bucketPrefix": "é" * 128, "keyPrefix": "é" * 127 + "a/"},
        {"tags": {f"k{number}": "v" for number in range(40)}},
        {"tags": {"größe/ é:a=b+c-d@e_f.g": "日本 2026"}},
        {"tags": {"k" * 128: "v" * 256, "empty": ""}},
        {"jobDefinitionContainerImage": "busybox"},
        {"jobDefinitionContainerImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/job__a-b.c:v1.2_3"},
        {"jobDefinitionContainerImage": "localhost:5000/job:latest@sha256:" + "0123456789abcdef" * 4},
        {"jobDefinitionContainerImage": "public.ecr.aws/docker/library/" + "a" * 225},
    ],
)
def test_what_lies_just_within_the_rules_is_taken(values: dict[str, Any]) -> None:
    read = read_settings(values).model_dump(by_alias=True)
    assert {key: read[key] for key in values} == values


def test_several_mistakes_are_reported_together_one_line_each() -> None:
    lines = problems({"envName": "-", "jobDefinitionVcpus": 0, "autoExprot": True, "lambdaPeriodSeconds": 61})
    assert [line.split(":")[0] for line in lines] == [
        "envName",
        "jobDefinitionVcpus",
        "lambdaPeriodSeconds",
        "autoExprot",
    ]


def test_several_contradictions_are_reported_together() -> None:
    lines = problems({"jobDefinitionVcpus": 300, "computeEnvironmentDesiredvCpus": 300, "vpcId": "vpc-11111111"})
    assert [line.split(":")[0] for line in lines] == [
        "computeEnvironmentDesiredvCpus",
        "jobDefinitionVcpus",
        "subnetIds",
    ]


def test_settings_cannot_be_changed_behind_the_validation() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().job_definition_vcpus = 1


# ---------------------------------------------------------------------- rules at run time
def test_exactly_the_documented_parameters_may_be_overridden_by_a_run() -> None:
    assert set(Settings().run_time_values()) == RUN_TIME
    assert {rule["key"] for rule in run_time_rules(Settings())} == RUN_TIME


def test_the_rules_for_a_run_say_the_same_as_those_for_the_deployment() -> None:
    rules = {rule["key"]: rule for rule in run_time_rules(Settings())}
    assert rules["lustreStorageCapacity"] == {
        "key": "lustreStorageCapacity",
        "type": "integer",
        "rule": "1200, 2400 or a multiple of 2400 (GiB)",
        "minimum": 1200,
        "maximum": 2_400_000,
        "multipleOf": 2400,
        "orElse": [1200],
    }
    assert rules["lambdaPeriodSeconds"]["multipleOf"] == 60
    assert rules["lustreFileSystemTypeVersion"]["values"] == ["2.12", "2.15"]
    assert rules["autoExport"] == {"key": "autoExport", "type": "boolean", "rule": "true or false"}
    for key in RUN_TIME:
        for value, words in [(value, words) for name, value, words in BAD if name == key]:
            if key not in ("jobDefinitionContainerImage", "jobDefinitionVcpus"):
                assert words.split(" is not ")[-1] in rules[key]["rule"], (key, value)


def test_a_run_may_not_ask_for_more_vcpus_than_the_environment_has() -> None:
    rules = {rule["key"]: rule for rule in run_time_rules(read_settings({"computeEnvironmentMaxvCpus": 64}))}
    assert rules["jobDefinitionVcpus"]["maximum"] == 64
    assert "computeEnvironmentMaxvCpus" in rules["jobDefinitionVcpus"]["rule"]


def test_every_rule_for_a_run_is_one_that_the_state_machine_can_read() -> None:
    for rule in run_time_rules(Settings()):
        assert ("texts" in rule or "limits" in rule) == (
            rule["type"] in ("string", "array", "object") and "values" not in rule
        )
        if rule["type"] == "integer" and "values" not in rule:
            assert rule["minimum"] <= rule["maximum"], rule["key"]
