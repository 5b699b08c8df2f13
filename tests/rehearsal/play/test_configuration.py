"""A stack's configuration is read as the engine reads it; what cannot be read is said in one line."""

from __future__ import annotations

import pathlib

import pytest

from rehearsal.provider.configuration import configuration
from rehearsal.provider.deployment import ConfigurationError


def refused(folder: pathlib.Path, stack_file: str) -> str:
    (folder / "Pulumi.yaml").write_text("name: project\n")
    (folder / "Pulumi.mine.yaml").write_text(stack_file)
    with pytest.raises(ConfigurationError) as caught:
        configuration("mine", folder=folder)
    return str(caught.value)


@pytest.mark.parametrize("broken", ["config: [", "- a list", "config: text"])
def test_a_stack_file_that_is_broken_is_named_in_one_line(tmp_path: pathlib.Path, broken: str) -> None:
    message = refused(tmp_path, broken)
    assert message.startswith("Pulumi.mine.yaml is not ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        ("{secure: AAAB}", "the default"),
        ("{team: {secure: AAAB}, cost: '1'}", '{"team": "encrypted", "cost": "1"}'),
        ("[{secure: AAAB}]", '["encrypted"]'),
    ],
)
def test_what_is_encrypted_has_its_default_or_a_text_in_its_place(
    tmp_path: pathlib.Path, value: str, instead: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\nconfig: {project:key: {default: the default}}\n")
    (tmp_path / "Pulumi.mine.yaml").write_text(f"config: {{'project:key': {value}}}\n")
    found = configuration("mine", folder=tmp_path)
    assert found.values["project:key"] == instead
    assert list(found.stand_ins) == ["project:key"]


def test_an_encrypted_value_that_is_overridden_needs_nothing_in_its_place(tmp_path: pathlib.Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    (tmp_path / "Pulumi.mine.yaml").write_text("config: {'project:password': {secure: AAAB}}\n")
    found = configuration("mine", {"password": "open"}, tmp_path)
    assert (found.values["project:password"], found.stand_ins) == ("open", {})


def test_a_stack_that_names_no_region_is_where_prices_are_for(tmp_path: pathlib.Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    (tmp_path / "Pulumi.mine.yaml").write_text("")
    assert configuration("mine", folder=tmp_path).region == "us-east-1"
    assert configuration("mine", {"aws:region": "eu-west-1"}, tmp_path).region == "eu-west-1"


@pytest.mark.parametrize("value", ["2026-01-31", "{created: 2026-01-31}", "[{at: 2026-01-31}]"])
def test_a_date_which_yaml_makes_of_bare_digits_is_named_with_the_way_to_write_it(
    tmp_path: pathlib.Path, value: str
) -> None:
    message = refused(tmp_path, f"config: {{'project:tags': {value}}}\n")
    assert message == 'project:tags: 2026-01-31 is a date to YAML; in quotes, "2026-01-31", it is text'


def test_the_stacks_that_there_are_are_named_in_full(tmp_path: pathlib.Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    (tmp_path / "Pulumi.prod.v2.yaml").write_text("config: {}\n")
    with pytest.raises(ConfigurationError, match=r"known: prod\.v2\)"):
        configuration("prod", folder=tmp_path)


def test_a_value_of_another_type_is_shown_with_what_the_key_means_and_in_which_unit() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configuration("autoexport", {"jobDefinitionMemory": "30 GB"})
    assert str(caught.value) == (
        "Stack 'autoexport' with configuration key 'lustre-batch:jobDefinitionMemory' must be of type 'integer', and "
        "not '30 GB': Memory of the job (MiB)."
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"config: {project:a: '\xff'}", "Pulumi.mine.yaml is not text in UTF-8"),
        (
            b"config:\n  aws:region: eu-west-1\n  project:a: b\n  aws:region: us-east-1\n",
            "Pulumi.mine.yaml is not YAML: line 4, column 3: the key aws:region is in line 2 already",
        ),
        (b"config: []", "Pulumi.mine.yaml is not a mapping of keys, with a mapping as its config"),
        (
            b"conifg: {}",
            "Pulumi.mine.yaml: conifg: Pulumi knows no such key in a stack's file; did you mean config?",
        ),
        (b"config: {'aws:regin': a}", "aws:regin: the AWS provider has no such key; did you mean region?"),
        (b"config: {'aws:region': ''}", "aws:region: it is empty; name a region, such as us-east-1"),
    ],
)
def test_a_stack_file_that_nobody_can_have_meant_is_one_line(tmp_path: pathlib.Path, content: bytes, line: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    (tmp_path / "Pulumi.mine.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        configuration("mine", folder=tmp_path)
    assert str(caught.value) == line


def test_a_folder_in_the_place_of_a_stacks_file_is_one_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    (tmp_path / "Pulumi.mine.yaml").mkdir()
    with pytest.raises(ConfigurationError, match=r"^Pulumi\.mine\.yaml: Is a directory$"):
        configuration("mine", folder=tmp_path)


def test_what_pulumi_and_other_providers_have_in_a_stacks_file_is_left_to_them(tmp_path: pathlib.Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\n")
    config = "{docker:host: a, aws:defaultTags: {tags: {a: b}}, aws:s3UsEast1RegionalEndpoint: regional}"
    (tmp_path / "Pulumi.mine.yaml").write_text(f"encryptionsalt: v1:x\nsecretsprovider: passphrase\nconfig: {config}\n")
    assert configuration("mine", {"docker:host": "b"}, tmp_path).values["docker:host"] == "b"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("aws:regin", "aws:regin: the AWS provider has no such key; did you mean region?"),
        (
            "lustrebatch:tags",
            "lustrebatch:tags: nothing reads it; a key is KEY or lustre-batch:KEY, or aws:KEY for the AWS provider; "
            "did you mean lustre-batch?",
        ),
    ],
)
def test_what_nothing_reads_cannot_be_set(key: str, line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configuration("autoexport", {key: "1"})
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 101])
def test_what_cannot_be_a_stacks_name_is_said_so(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configuration(name)
    said = "is not the name of a stack: letters, digits, hyphens, underscores and periods"
    assert str(caught.value) == f"{name or repr('')} {said}"
