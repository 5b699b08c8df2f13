"""From the arguments of a component to its settings: what a program gave, and how a mistake is told in its own words.

Arguments are in snake_case in a Python program, in camelCase in other languages and in a stack's configuration: each is
told of what it wrote itself. What a value may be, validation decides.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self, dataclass_transform, get_args, get_origin

import pulumi
from pydantic.alias_generators import to_camel, to_snake

from .rules import show
from .settings import Settings, extra
from .validation import SettingsError, meaning_of, read_settings

_CAMEL_CASE = re.compile(r"\b[a-z]+(?:[A-Z][A-Za-z]*)+\b")
# What Pulumi makes of an output that is put into text (pulumi/output.py).
_OUTPUT_AS_TEXT = "Calling __str__ on an Output[T] is not supported"


class ArgumentsError(SettingsError, pulumi.RunError):
    """One or more arguments of a component are wrong; Pulumi shows the message without a traceback."""

    def __init__(self, told: "Told", problems: Iterable[str]) -> None:
        self.bare = list(problems)
        """Without the component: key, value and rule."""
        super().__init__(map(told, self.bare))


@dataclass_transform(kw_only_default=True)
class Arguments:
    """Keyword arguments, each of which has a default. What there is no argument for is kept, for the component, which
    has a name to tell of it by."""

    _from_configuration = False

    def __init__(self, **arguments: Any) -> None:
        """Take the arguments that the class describes; None stands for the default."""
        self.__dict__.update(dict.fromkeys(type(self).__annotations__) | arguments)

    def __init_subclass__(cls) -> None:
        """Say in the class's docstring what each argument means, so that `help()` does."""
        entries = [cls.__doc__ or ""]
        for name in cls.__annotations__:
            meaning = textwrap.indent(textwrap.fill(meaning_of(name), 100), "    ")
            entries.append(f"{name}: {_kind(name)}\n{meaning}")
            delattr(cls, name)  # the values are the instances'
        cls.__doc__ = "\n\n".join(entries)
        # Pulumi's analysis of components knows no literal types: to other languages they are what their values are.
        cls.__annotations__ = {name: _without_literal(kind) for name, kind in cls.__annotations__.items()}

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Arguments that were read from a stack's configuration, and are told of by its keys."""
        arguments = cls(**dict(settings))
        arguments._from_configuration = True
        return arguments


def _kind(name: str) -> str:
    kind = Settings.model_fields[name].annotation
    words = kind.__name__ if type(kind) is type else str(kind).removeprefix("typing.")
    return f"{words} or an output" if extra(name)["composed"] else words


def _without_literal(kind: Any) -> Any:
    values = [value for part in get_args(kind) if get_origin(part) is Literal for value in get_args(part)]
    return type(values[0]) | None if values else kind


class Told:
    """How the program that created a component is told of its arguments."""

    def __init__(self, name: str, args: Arguments | Mapping[str, Any]) -> None:
        # A component provider hands over a mapping, in which every number is one with a fraction.
        self.values = _with_whole_numbers(dict(args)) if isinstance(args, Mapping) else vars(args).copy()
        self._configured = bool(self.values.pop("_from_configuration", False))
        self._component = f"LustreBatchAutoExport {name!r}: "
        self.python = not self._configured and not isinstance(args, Mapping)

    def __call__(self, problem: str) -> str:
        """A line about a parameter, which begins with its key, as that program would have it."""
        if self._configured:
            return problem
        return self._component + (self._in_snake_case(problem) if self.python else problem)

    def _in_snake_case(self, problem: str) -> str:
        key, _, rest = problem.partition(":")
        names = {to_camel(name): name for name in (*Settings.model_fields, *self.values)}
        value = show(self.values.get(names.get(key, key)))  # stays as it was given, whatever it says
        words = re.compile(f"{re.escape(value)}|{_CAMEL_CASE.pattern}")
        rest = words.sub(lambda word: word[0] if word[0] == value else names.get(word[0], word[0]), rest)
        return f"{names.get(key, key)}:{rest}"


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_whole_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_whole_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def settings_from_args(told: Told) -> Settings:
    """Check the arguments, and take those that are outputs as they are.

    Raises
    ------
    ArgumentsError
        With a line for every problem: the component, the argument, the value and the rule.
    """
    given = {key: value for key, value in told.values.items() if value is not None}
    if told.python and (keys := [key for key in given if key != to_snake(key) in Settings.model_fields]):
        raise ArgumentsError(
            told, [f"{key}: there is no parameter of this name (did you mean {to_snake(key)}?)" for key in keys]
        )
    outputs = {key: value for key, value in given.items() if _has_output(value)}
    refused = [_problem_with_output(key, value) for key, value in given.items()]
    if problems := [problem for problem in refused if problem]:
        raise ArgumentsError(told, problems)
    try:
        # Their values come later; that they are given is all that the rules can ask for now.
        return read_settings(given, unknown=outputs).model_copy(update=outputs)
    except SettingsError as error:
        raise ArgumentsError(told, error.problems) from None


def _problem_with_output(key: str, value: Any) -> str | None:
    """Why an output cannot be what this value is or holds. The values of unknown arguments are nobody's concern."""
    if key not in Settings.model_fields:
        return None
    takes = "pulumi.Output.concat and .apply make an output of it" if extra(key)["composed"] else "it takes no output"
    if _has(value, lambda each: isinstance(each, str) and _OUTPUT_AS_TEXT in each):
        return f"{to_camel(key)}: an output was put into text, which only says so; {takes}"
    if _has_output(value) and not extra(key)["composed"]:
        return f"{to_camel(key)}: an output is no value for it; it has to be known before anything is created"
    return None


def _has_output(value: Any) -> bool:
    return _has(value, lambda each: isinstance(each, pulumi.Output))


def _has(value: Any, is_one: Any) -> bool:
    """Whether a value, or one that it holds, is such a one."""
    if isinstance(value, Mapping):
        return any(_has(each, is_one) for each in value.values())
    if isinstance(value, list | tuple):
        return any(_has(each, is_one) for each in value)
    return bool(is_one(value))
