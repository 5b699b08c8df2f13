"""The component's arguments as a program has them: what an editor and `help()` show, and how a mistake is told."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from lustre_batch import (
    ArgumentsError,
    LustreBatchAutoExport,
    LustreBatchAutoExportArgs,
    Settings,
    SettingsError,
    auto_export,
    testing,
)
from lustre_batch.plugin import PACKAGE, Provider
from lustre_batch.settings import shape
from lustre_batch.validation import meaning_of
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.server import ComponentInitError

from tests.graph.recording import Mocks, record_stack

TYPE = "lustre-batch:index:LustreBatchAutoExport"
WHO = "LustreBatchAutoExport 'simulation': "


def told(args: Callable[[], Any]) -> list[str]:
    """What a program is told of these arguments, line by line; nothing is registered."""
    graph = testing.Graph()
    with pytest.raises(ArgumentsError) as refused:
        testing.record(lambda: LustreBatchAutoExport("simulation", args()), into=graph)
    assert graph.registrations == []
    return str(refused.value).splitlines()


def python(**args: Any) -> list[str]:
    return told(lambda: LustreBatchAutoExportArgs(**args))


# ---------------------------------------------------------------------- how a mistake is told
def test_a_wrong_value_is_one_line_with_component_argument_value_and_rule() -> None:
    assert python(lustre_storage_capacity=1300) == [
        WHO + "lustre_storage_capacity: 1300 is not 1200, 2400 or a multiple of 2400 (GiB)"
    ]
    (line,) = python(job_definition_container_image="not an image!!")
    assert line.startswith(WHO + "job_definition_container_image: not an image!! is not an image such as registry/name")


def test_an_unknown_argument_is_one_line_beside_the_other_mistakes() -> None:
    assert sorted(python(lustre_capacity=4, compute_environment_type="EC")) == [
        WHO + "compute_environment_type: EC is not one of SPOT, EC2",
        WHO + "lustre_capacity: there is no parameter of this name (did you mean lustre_storage_capacity?); "
        "its value was 4",
    ]


def test_a_key_of_the_configuration_is_no_argument_in_python() -> None:
    assert python(deleteLustre=False) == [
        WHO + "deleteLustre: there is no parameter of this name (did you mean delete_lustre?)"
    ]


def test_arguments_that_contradict_each_other_are_all_spelled_as_in_python() -> None:
    assert python(compute_environment_maxv_cpus=16) == [
        WHO + "job_definition_vcpus: 32 exceeds compute_environment_maxv_cpus (16); the job would never start"
    ]


def test_a_value_stays_as_it_was_given_even_where_it_looks_like_a_key() -> None:
    (line,) = python(env_name="autoExport deleteLustre")
    assert line.startswith(WHO + "env_name: autoExport deleteLustre is not 1 to 32 letters")


def test_in_other_languages_the_argument_keeps_its_key() -> None:
    """A component provider hands over a mapping."""
    (line,) = told(lambda: {"env_name": "not one"})
    assert line.startswith(WHO + "envName: not one is not 1 to 32")


def test_a_program_in_another_language_is_told_by_property_without_a_traceback() -> None:
    """Pulumi shows an InputPropertiesError as it is, and anything else with our frames above it."""

    def program() -> None:
        provider = Provider([LustreBatchAutoExport], PACKAGE)
        inputs = {"lustreStorageCapacity": 1300.0, "tags": {"CostCenter": 12.0}, "vpcId": "vpc-1"}
        provider.construct("nightly", TYPE, inputs)

    with pytest.raises(pulumi.InputPropertiesError) as refused:
        testing.record(program)
    assert refused.value.errors == [
        {"property_path": "lustreStorageCapacity", "reason": "1300 is not 1200, 2400 or a multiple of 2400 (GiB)"},
        {
            "property_path": "vpcId",
            "reason": "vpc-1 is not the id of a VPC (vpc- and at least 8 hexadecimal digits) or empty",
        },
    ]


def test_a_mistake_of_our_own_is_not_told_as_one_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(told: object) -> None:
        raise LookupError("ours")

    monkeypatch.setattr(auto_export, "settings_from_args", broken)
    with pytest.raises(ComponentInitError, match="ours"):
        testing.record(lambda: Provider([LustreBatchAutoExport], PACKAGE).construct("nightly", TYPE, {}))


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            lambda output: {"lustre_storage_capacity": output},
            "lustre_storage_capacity: an output is no value for it; it has to be known before anything is created",
        ),
        (
            lambda output: {"tags": {"Owner": output}},
            "tags: an output is no value for it; it has to be known before anything is created",
        ),
        (
            lambda output: {"bucket_prefix": f"{output}/results"},
            "bucket_prefix: an output was put into text, which only says so; it takes no output",
        ),
        (
            lambda output: {"bucket_name": f"{output}-results"},
            "bucket_name: an output was put into text, which only says so; "
            "pulumi.Output.concat and .apply make an output of it",
        ),
    ],
)
def test_an_output_where_none_can_be_is_one_line(args: Callable[[Any], dict[str, Any]], line: str) -> None:
    assert told(lambda: LustreBatchAutoExportArgs(**args(pulumi.Output.from_input("x")))) == [WHO + line]


def test_what_only_the_account_can_tell_is_told_in_the_same_way() -> None:
    zones = LustreBatchAutoExportArgs(availability_zone_ids=["use9-az1"])
    with pytest.raises(pulumi.RunError) as refused:
        testing.record(lambda: LustreBatchAutoExport("simulation", zones))
    assert str(refused.value).startswith(WHO + "availability_zone_ids: use9-az1 is not an Availability Zone that this")
    with pytest.raises(pulumi.RunError) as refused:
        record_stack({"availabilityZoneIds": '["use9-az1"]'}, mocks=Mocks())
    assert str(refused.value).startswith("availabilityZoneIds: use9-az1 is not an Availability Zone that this account")


def test_pulumi_shows_a_mistake_without_a_traceback() -> None:
    """pulumi-language-python-exec shows of a RunError the message alone."""
    assert issubclass(ArgumentsError, pulumi.RunError)
    assert issubclass(ArgumentsError, SettingsError)


# ---------------------------------------------------------------------- what editors and help() show
def test_type_checkers_know_every_argument_and_the_values_it_takes() -> None:
    """The comments are the proof: `make lint` refuses one where mypy has nothing to say."""
    LustreBatchAutoExportArgs(compute_environment_type="SPOT", log_retention_days=90, vpc_id=None)
    LustreBatchAutoExportArgs(compute_environment_type="ON_DEMAND")  # type: ignore[arg-type]
    LustreBatchAutoExportArgs(log_retention_days=91)  # type: ignore[arg-type]
    LustreBatchAutoExportArgs(lustre_capacity=1200)  # type: ignore[call-arg]
    assert 'Literal["SPOT", "EC2"]' in inspect.getsource(LustreBatchAutoExportArgs)


def test_help_has_each_argument_once_with_its_meaning_and_default_and_no_long_signature() -> None:
    page = pydoc.plain(pydoc.render_doc(LustreBatchAutoExportArgs))
    words = " ".join(page.replace(" |", "").split())
    for name in Settings.model_fields:
        assert words.count(f" {name}: ") == 1, name
        assert " ".join(meaning_of(name).split()) in words, name
    assert max(map(len, page.splitlines())) < 140


def test_the_schema_for_other_languages_has_the_plain_types_of_literal_arguments() -> None:
    component = Analyzer("lustre-batch").analyze([LustreBatchAutoExport])["component_definitions"]
    inputs = component["LustreBatchAutoExport"].inputs
    assert set(inputs) == {field.alias for field in Settings.model_fields.values()}
    for name, field in Settings.model_fields.items():
        described = inputs[str(field.alias)]
        assert described.type is not None
        assert described.type.value == shape(name)["type"]
        assert described.description
        assert described.optional


def test_arguments_that_are_not_given_are_none() -> None:
    args = LustreBatchAutoExportArgs(env_name="Nightly")
    assert (args.env_name, args.tags) == ("Nightly", None)
    assert set(vars(args)) == set(Settings.model_fields)
