"""What pulumi-aws itself declares. Owns the check of a resource's inputs against the signature of its `…Args` class
(known and required properties, types) and against the enumerations of botocore's models."""

from __future__ import annotations

import collections.abc
import functools
import importlib
import inspect
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session
import pulumi
from pulumi._types import _py_properties, input_type_py_to_pulumi_names, is_input_type

from .kind import Enumeration, Failure, Props


@dataclass(frozen=True)
class Unknown:
    """A value, of any type, that a preview does not know yet."""


UNKNOWN = Unknown()


def class_of(token: str) -> type:
    """The pulumi-aws class that registers this type token."""
    package, module, name = token.split(":")
    if package != "aws":
        raise LookupError(f"{token} is not a type of pulumi-aws")
    folder = module.split("/")[0]
    for attempt in (folder, f"{folder}_"):
        try:
            found = getattr(importlib.import_module(f"pulumi_aws.{attempt}"), name)
        except (ImportError, AttributeError):
            continue
        return typing.cast(type, found)
    raise LookupError(f"pulumi-aws declares no type {token}")


@functools.cache
def arguments_of(token: str) -> type:
    """The class of its arguments; `…InitArgs` where `…Args` is a nested type of another resource (BucketVersioning)."""
    owner = class_of(token)
    module = sys.modules[owner.__module__]
    return typing.cast(
        type, getattr(module, f"{owner.__name__}InitArgs", None) or getattr(module, f"{owner.__name__}Args")
    )


@functools.cache
def properties_of(arguments: type) -> dict[str, tuple[str, bool, Any]]:
    """Pulumi name -> Python name, whether it is required, annotation."""
    names = input_type_py_to_pulumi_names(arguments)
    return {
        names[python_name]: (python_name, parameter.default is inspect.Parameter.empty, parameter.annotation)
        for python_name, parameter in inspect.signature(arguments.__init__).parameters.items()  # type: ignore[misc]
        if python_name in names
    }


def declared_properties(token: str) -> set[str]:
    return set(properties_of(arguments_of(token)))


@functools.cache
def output_properties(token: str) -> frozenset[str]:
    """The names of everything the resource has once it exists."""
    return frozenset(name for _, name, _ in _py_properties(class_of(token))) - {"id", "urn"}


def check(token: str, inputs: Props, enumerations: Mapping[str, Enumeration]) -> list[Failure]:
    """Everything in these inputs that the real provider would refuse, as far as pulumi-aws and botocore tell."""
    return [
        *check_object(arguments_of(token), inputs),
        *(
            failure
            for path, enumeration in enumerations.items()
            for failure in _check_values(inputs, path, enumeration)
        ),
    ]


def check_object(arguments: type, value: Mapping[str, Any], path: str = "") -> Iterator[Failure]:
    properties = properties_of(arguments)
    for name, given in value.items():
        here = f"{path}.{name}" if path else name
        if name.startswith("__"):
            continue
        if name not in properties:
            python_names = {python_name: pulumi_name for pulumi_name, (python_name, _, _) in properties.items()}
            hint = f"; it is {python_names[name]}" if name in python_names else ""
            yield Failure(here, f"there is no property {name!r} in {arguments.__name__.removesuffix('Args')}{hint}")
        elif given is not None:
            yield from _check_type(properties[name][2], given, here, sys.modules[arguments.__module__])
    for name, (_, required, _) in properties.items():
        if required and value.get(name) is None:
            yield Failure(f"{path}.{name}" if path else name, "this required property is missing")


def _check_type(annotation: Any, value: Any, path: str, module: Any) -> Iterator[Failure]:
    if isinstance(value, Unknown) or value is None:
        return
    choices = [choice for choice in _choices(annotation, module) if choice is not type(None)]
    failures: list[Failure] = []
    for choice in choices:
        attempt = list(_check_one(choice, value, path, module))
        if not attempt:
            return
        failures = failures or attempt
        if _is_object(choice) and isinstance(value, Mapping):
            failures = attempt  # the object's own complaint says more than "expected text"
    yield from failures


def _check_one(choice: Any, value: Any, path: str, module: Any) -> Iterator[Failure]:
    origin = typing.get_origin(choice)
    if choice is Any:
        return
    if origin is collections.abc.Sequence or origin is list:
        if not isinstance(value, list):
            yield Failure(path, f"expected a list, got {_describe(value)}")
            return
        for number, item in enumerate(value):
            yield from _check_type(typing.get_args(choice)[0], item, f"{path}[{number}]", module)
    elif origin is collections.abc.Mapping or origin is dict:
        if not isinstance(value, Mapping):
            yield Failure(path, f"expected a map, got {_describe(value)}")
            return
        for key, item in value.items():
            yield from _check_type(typing.get_args(choice)[1], item, f"{path}.{key}", module)
    elif _is_object(choice):
        if isinstance(value, Mapping):
            yield from check_object(choice, value, path)
        else:
            yield Failure(path, f"expected an object, got {_describe(value)}")
    elif not _is_plain(choice, value):
        yield Failure(path, f"expected {_WORDS.get(choice, str(choice))}, got {_describe(value)}")


# The engine carries every number as a double.
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def _is_plain(choice: Any, value: Any) -> bool:
    if choice is str:
        return isinstance(value, str)
    if choice is bool:
        return isinstance(value, bool)
    if choice is int or choice is float:
        if isinstance(value, bool):
            return False
        return isinstance(value, int | float) and (choice is float or float(value).is_integer())
    if choice in (pulumi.Asset, pulumi.Archive):
        return isinstance(value, choice)
    return False


def _is_object(choice: Any) -> bool:
    return isinstance(choice, type) and is_input_type(choice)


def _describe(value: Any) -> str:
    return f"{value!r}" if isinstance(value, str | int | float | bool) else f"a {type(value).__name__}"


def _choices(annotation: Any, module: Any) -> Iterator[Any]:
    """The types that an annotation allows on the wire: not awaitables, outputs, or the typed dictionaries of
    objects."""
    origin = typing.get_origin(annotation)
    if origin is typing.Union:
        for part in typing.get_args(annotation):
            yield from _choices(part, module)
    elif isinstance(annotation, typing.ForwardRef | str):
        name = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        if name.startswith("Output["):
            return
        if name.endswith("Args"):
            found = _resolve(name, module)
            if _is_object(found):
                yield found
        elif "." not in name and not name.endswith("ArgsDict"):
            yield str  # an enumeration pulumi-aws lists for convenience: any text is accepted
    elif (
        origin is collections.abc.Awaitable
        or origin is pulumi.Output
        or annotation is pulumi.Output
        or isinstance(annotation, typing.TypeVar)
    ):
        return
    else:
        yield annotation


def _resolve(name: str, module: Any) -> Any:
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


@functools.cache
def _enumeration(enumeration: Enumeration) -> tuple[str, ...]:
    model = _session().get_service_model(enumeration.service)
    return tuple(model.shape_for(enumeration.shape).enum)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def _check_values(inputs: Props, path: str, enumeration: Enumeration) -> Iterator[Failure]:
    for found in _at(inputs, path.split(".")):
        if isinstance(found, str) and found not in (allowed := _enumeration(enumeration)):
            yield Failure(path, f"{found!r} is not one of {', '.join(allowed)}")


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _at(item, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
