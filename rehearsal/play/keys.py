"""The keys of a scenario, as its models declare them. Owns every key with its path, unit and default, and what may have
been meant by one that does not exist, and the rule that a wrong value breaks; what they mean is read from the models'
source by whoever writes the page."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

UNITS = {"s": "seconds", "files/s": "files a second", "bytes/s": "bytes a second"}


class Key(NamedTuple):
    parts: tuple[str, ...]  # of its path; the number of an item in a list is left out
    shown: str  # the path, with [] for the items of a list
    model: type[BaseModel]
    field_name: str

    @property
    def field(self) -> FieldInfo:
        return self.model.model_fields[self.field_name]

    @property
    def unit(self) -> str:
        """Of its number, or of the numbers in its list; empty where there is none."""
        found = [one.json_schema_extra for one in (self.field, *_fields(self.field.annotation))]
        return next((str(extra["unit"]) for extra in found if isinstance(extra, dict) and "unit" in extra), "")


def keys(model: type[BaseModel], above: tuple[str, ...] = (), prefix: str = "") -> Iterator[Key]:
    """Every key, those that only hold others included."""
    for name, field in model.model_fields.items():
        part = field.alias or name
        yield Key((*above, part), prefix + part, model, name)
        listed = "[]" if "list[" in str(field.annotation) else ""
        for inner in models(field.annotation):
            yield from keys(inner, (*above, part), f"{prefix}{part}{listed}.")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from models(inner)


def _fields(annotation: Any) -> Iterator[FieldInfo]:
    """What is annotated inside of a type, such as the items of a list."""
    yield from (one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, FieldInfo))
    for inner in typing.get_args(annotation):
        yield from _fields(inner)


def at(model: type[BaseModel], place: Iterable[int | str]) -> Key | None:
    """The key at a place in a scenario, if there is one."""
    parts = tuple(part for part in place if not isinstance(part, int))
    return next((key for key in keys(model) if key.parts == parts), None)


def rule(model: type[BaseModel], failure: Any) -> str:
    """What pydantic says of a value, in this project's words: of numbers with the unit."""
    key = at(model, failure["loc"])
    unit, limits = key.unit if key is not None else "", failure.get("ctx", {})
    of_unit, in_unit = (f" ({UNITS.get(unit, unit)})", f" {unit}") if unit else ("", "")
    match failure["type"]:
        case "extra_forbidden":
            return f"there is no such key{nearest(model, failure['loc'])}"
        case "missing":
            return "is missing"
        case "float_parsing" | "float_type" | "finite_number":
            return f"is not a number{of_unit}"
        case "int_parsing" | "int_type" | "int_from_float":
            return f"is not a whole number{of_unit}"
        case "bool_parsing" | "bool_type":
            return "is not true or false"
        case "string_type" | "path_type":
            return "is not a text"
        case "list_type":
            return "is not a list"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "is not a mapping of keys"
        case "string_too_short" | "too_short":
            return "is empty"
        case "literal_error":
            return f"is not {limits['expected'].replace(chr(39), '')}"
        case "greater_than_equal":
            return f"is less than {limits['ge']:g}{in_unit}"
        case "greater_than":
            return f"is not greater than {limits['gt']:g}{in_unit}"
        case "less_than_equal":
            return f"is greater than {limits['le']:g}{in_unit}"
        case _:
            return str(failure["msg"]).removeprefix("Value error, ")


def nearest(model: type[BaseModel], place: Iterable[int | str]) -> str:
    """What may have been meant: a key of about that name at that place, or one of that name somewhere else."""
    *above, name = [part for part in place if not isinstance(part, int)]
    every = [key.parts for key in keys(model)]
    beside = [parts[-1] for parts in every if list(parts[:-1]) == above]
    elsewhere = [".".join(parts) for parts in every if parts[-1] == name]
    return did_you_mean(str(name), beside) or did_you_mean(elsewhere[0] if elsewhere else "", elsewhere)


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint at what is nearest to a word that is not known, or nothing."""
    spelt = {one.casefold().replace("-", "_"): one for one in known}
    near = difflib.get_close_matches(word.casefold().replace("-", "_"), spelt, 1)
    return f"; did you mean {spelt[near[0]]}?" if near else ""
