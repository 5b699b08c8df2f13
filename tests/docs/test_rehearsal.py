"""docs/rehearsal.md describes the command and the format of scenarios as they are."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from rehearsal.options import parser
from rehearsal.play.keys import Key
from rehearsal.play.scenario import SCENARIOS, Scenario, names, parse
from tests.docs import markdown
from tools import scenario_keys

PAGE = "docs/rehearsal.md"


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key of a scenario, as pydantic's schema of it has them; `[]` stands for the items of a list."""
    schema = model.model_json_schema(by_alias=True)
    yield from _keys(schema, schema["$defs"], prefix)


def _keys(node: dict[str, Any], others: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, field in node.get("properties", {}).items():
        inner = [field, *field.get("anyOf", [])]
        lists = [one["items"] for one in inner if "$ref" in one.get("items", {})]
        holds = [one for one in inner if "$ref" in one]
        if not holds:
            yield f"{prefix}{name}"
        for one, between in (*((each, ".") for each in holds), *((each, "[].") for each in lists)):
            yield from _keys(others[one["$ref"].rpartition("/")[2]], others, f"{prefix}{name}{between}")


def described(key: str) -> bool:
    """What a run has in common with the scenario is described once."""
    name = key.removeprefix("runs[].")
    return name == key or name not in set(keys(Scenario))


def rows() -> list[list[str]]:
    [table] = [table for table in markdown.tables(PAGE) if table[0] == ["key", "meaning", "unit", "default", "example"]]
    return table[1:]


def test_the_table_has_every_key_of_a_scenario_once() -> None:
    assert sorted(markdown.code_words(row[0])[0] for row in rows()) == sorted(filter(described, keys(Scenario)))


def test_every_key_has_a_meaning_and_a_default_and_whatever_is_measured_has_its_unit() -> None:
    units = {}
    for key, meaning, unit, default, _ in rows():
        assert len(meaning) > 5, key
        assert default, key
        units[markdown.code_words(key)[0]] = unit
    assert units["job.runtime"] == units["job.interruptions"] == units["faults[].for"] == "s"
    measured = {key.shown for key in scenario_keys.described() if "float" in str(key.field.annotation)}
    assert {key for key, unit in units.items() if unit} == measured | {key for key in units if "bytes_each" in key}


def test_every_example_is_one_that_a_scenario_may_have() -> None:
    parse(yaml.safe_load(scenario_keys.MORE), "more")
    included = "".join((SCENARIOS / f"{name}.yaml").read_text("utf-8") for name in names()) + scenario_keys.MORE
    said = " ".join(included.replace('"', "").replace("'", "").split())
    for key, *_, example in rows():
        name = key.strip("`").rpartition(".")[2]
        assert f"{name}:" in said, key
        assert yaml.safe_load(example.strip("`")) is not None, key


def test_a_key_without_a_text_that_says_what_it_means_is_reported() -> None:
    class Silent(BaseModel):
        key: int = 1

    with pytest.raises(SystemExit, match=r"Silent\.key: no text below it says what it means"):
        scenario_keys.meaning(Key(("key",), "key", Silent, "key"))


def test_the_scenarios_that_are_shown_can_be_played() -> None:
    shown = markdown.blocks(PAGE, "yaml")
    assert len(shown) == 2
    for each in shown:
        parse(yaml.safe_load(each), PAGE)


def test_the_table_of_options_has_every_option_of_the_command() -> None:
    [table] = [table for table in markdown.tables(PAGE) if table[0][0] == "option"]
    options = {option for action in parser()._actions for option in action.option_strings} - {"-h", "--help"}
    assert {markdown.code_words(row[0])[0] for row in table[1:]} == options


def test_every_scenario_that_a_page_plays_exists() -> None:
    for page in markdown.every_page():
        assert set(re.findall(r"--scenario ([a-z-]+)", markdown.text(page))) <= {*names()}, page
