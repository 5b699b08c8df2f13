"""docs/rehearsal.md describes the command and the format of scenarios as they are."""

import json
import re
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rehearsal.__main__ import _parser
from rehearsal.play.scenario import Scenario, names, parse
from tests.docs import markdown

PAGE = "docs/rehearsal.md"


def parts(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from parts(inner)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key of a scenario with its default; `[]` stands for the items of a list."""
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        found = list(parts(field.annotation))
        listed = "list[" in str(field.annotation)
        if listed or not found:
            yield key, field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
        for part in found:
            yield from keys(part, f"{key}[]." if listed else f"{key}.")


def as_shown(key: str, default: Any) -> str:
    """A default in the words of the table."""
    if default is PydanticUndefined:
        return "required"
    if key == "name":
        return "the file's name"
    if default == "":
        return "empty"
    if default in ([], {}):
        return "none"
    if isinstance(default, list):
        return f"`[{', '.join(default)}]`"
    if isinstance(default, bool) or default is None or isinstance(default, str):
        return f"`{default if isinstance(default, str) else json.dumps(default)}`"
    return f"{default:g}" if isinstance(default, float) else str(default)


def test_the_table_has_every_key_of_a_scenario_once_and_with_its_default() -> None:
    [table] = [table for table in markdown.tables(PAGE) if table[0][0] == "key"]
    listed = [(markdown.code_words(row[0])[0], row[1]) for row in table[1:]]
    assert sorted(listed) == sorted((key, as_shown(key, default)) for key, default in keys(Scenario))


def test_the_scenario_that_is_shown_can_be_played() -> None:
    import yaml

    [shown] = markdown.blocks(PAGE, "yaml")
    parse(yaml.safe_load(shown), PAGE)


def test_the_table_of_options_has_every_option_of_the_command() -> None:
    [table] = [table for table in markdown.tables(PAGE) if table[0][0] == "option"]
    options = {option for action in _parser()._actions for option in action.option_strings} - {"-h", "--help"}
    assert {markdown.code_words(row[0])[0] for row in table[1:]} == options


def test_every_scenario_that_a_page_plays_exists() -> None:
    for page in markdown.every_page():
        assert set(re.findall(r"--scenario ([a-z-]+)", markdown.text(page))) <= {*names()}, page
