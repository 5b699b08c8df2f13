"""The definitions' YAML sources: pleasant to read, and the same thing as the JSON that is made of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from lustre_batch import definition
from yaml.nodes import MappingNode

from tools.definition import write

NAMES = definition.names()


@pytest.mark.parametrize("name", NAMES)
def test_no_key_is_given_twice(name: str) -> None:
    """YAML forbids it, and PyYAML takes the last one without a word."""

    def check(node: yaml.Node) -> None:
        if isinstance(node, MappingNode):
            keys = [key.value for key, _ in node.value]
            assert sorted(keys) == sorted(set(keys)), node.start_mark
        for child in node.value if isinstance(node.value, list) else []:
            for part in child if isinstance(child, tuple) else (child,):
                check(part)

    root = yaml.compose(definition.source(name), Loader=yaml.SafeLoader)
    assert root is not None
    check(root)


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_a_screen_or_ends_in_a_space(name: str) -> None:
    lines = definition.source(name).splitlines()
    assert [line for line in lines if len(line) > 120 or line != line.rstrip() or "\t" in line] == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_is_named_is_used(name: str) -> None:
    text = definition.source(name)
    anchors, aliases = (set(re.findall(rf"[ \[]{sign}([a-z][\w-]*)", text)) for sign in "&*")
    assert anchors - aliases == set()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_and_what_is_commented_does_not_reach_aws(name: str) -> None:
    rendered = definition.read(name)
    assert [key for key in rendered if key.startswith("x-")] == []
    text = json.dumps(rendered)
    assert "/*" not in text
    assert "\\n " not in text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{%\n  $max([\n    1,\n    2\n  ])\n%}", "{% $max([1, 2]) %}"),
        ("{% $a /* why */ + 1 %}", "{% $a  + 1 %}"),
        ("{%\n  /* why,\n     at length */\n  $a\n%}", "{% $a %}"),
        ("{% 's3://*/' & $a /* all of it */ & '/*' %}", "{% 's3://*/' & $a  & '/*' %}"),
        ("plain /* text */\nas it is", "plain /* text */\nas it is"),
        ("{% $twice(\n  $a\n) %}", "{% ($twice := function($x) {$x * 2}; $twice($a)) %}"),
        ("{% $twice %}", "{% $twice %}"),
    ],
)
def test_an_expression_is_joined_with_the_functions_that_it_calls_and_its_strings_are_left_alone(
    written: str, read: str
) -> None:
    assert definition._joined(written, {"twice": "function($x) {$x * 2}", "thrice": "function($x) {$x * 3}"}) == read


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_has_the_name_of_a_function(name: str) -> None:
    """The function would hide it."""
    content = yaml.safe_load(definition.source(name))
    functions = {each for key, found in content.items() if key.startswith("x-functions") for each in found}
    assigned = {key for state in content["States"].values() for key in state.get("Assign", {})}
    assert functions
    assert functions & assigned == set()


def test_make_definition_writes_the_json_that_workflow_studio_opens(tmp_path: Path) -> None:
    for path in write(tmp_path):
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        assert content == definition.read(path.name.removesuffix(".asl.json"))
        assert content["QueryLanguage"] == "JSONata"
