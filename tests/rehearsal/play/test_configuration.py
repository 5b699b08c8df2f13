"""A stack's configuration is read as the engine reads it; what cannot be read is said in one line."""

from __future__ import annotations

import pathlib

import pytest

from rehearsal.provider.configuration import configuration
from rehearsal.provider.deployment import DeployError


def refused(folder: pathlib.Path, stack_file: str) -> str:
    (folder / "Pulumi.yaml").write_text("name: project\n")
    (folder / "Pulumi.mine.yaml").write_text(stack_file)
    with pytest.raises(DeployError) as caught:
        configuration("mine", folder=folder)
    return str(caught.value)


@pytest.mark.parametrize("broken", ["config: [", "- a list", "config: text"])
def test_a_stack_file_that_is_broken_is_named_in_one_line(tmp_path: pathlib.Path, broken: str) -> None:
    message = refused(tmp_path, broken)
    assert message.startswith("Pulumi.mine.yaml is not ")
    assert "\n" not in message


@pytest.mark.parametrize("value", ["{secure: AAAB}", "{a: [{secure: AAAB}]}"])
def test_an_encrypted_value_is_named_by_its_key(tmp_path: pathlib.Path, value: str) -> None:
    message = refused(tmp_path, f"config: {{'project:password': {value}}}\n")
    assert message == "project:password: an encrypted value cannot be read without the engine (--engine)"
