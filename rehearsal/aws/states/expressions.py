"""JSONata as Step Functions evaluates it. Owns parsing (once per expression) and evaluation with the workflow's
variables bound as values, AWS's extra functions included. It must never hand out a function or an absent value as a
result: Step Functions fails on both."""

from __future__ import annotations

import functools
import hashlib
import json
import random
import re
import uuid
from typing import Any

from jsonata.functions import Functions
from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

NULL = Utils.NULL_VALUE
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
# SFN guide, transforming data with JSONata: `$eval` is not there, `$` is not readable at the top level, `$$` nowhere.
_REFUSED = re.compile(r"\$eval\b|\$\$")
_ONLY_CONTEXT = re.compile(r"^\s*\$(?![A-Za-z0-9_$])")


class _AsStringify(Functions.Encoder):  # type: ignore[misc]  # the package has no types
    """docs.jsonata.org, $string: as JSON.stringify writes it, which leaves everything but ASCII as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


Functions.Encoder = _AsStringify


def _lookup(self: Jsonata.Frame, name: str) -> Any:
    """The same as jsonata's, which asks for hooks that nobody sets before and after every step, frame by frame."""
    if name in ("__evaluate_entry", "__evaluate_exit"):
        return None
    frame: Jsonata.Frame | None = self
    while frame is not None:
        found = frame.bindings.get(name, Utils.NONE)
        if found is not Utils.NONE:
            return found
        frame = frame.parent
    return None


Jsonata.Frame.lookup = _lookup


class QueryError(Exception):
    """What Step Functions reports as States.QueryEvaluationError."""


def bound(value: Any) -> Any:
    """A copy of a JSON value in the form expressions read: plain lists and objects, null as JSONata's own null."""
    if value is None:
        return NULL
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dict):
        return {key: bound(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [bound(item) for item in value]
    if value is NULL:
        return value
    raise QueryError("returned an unsupported result type")


def python(value: Any) -> Any:
    """The same value as Python's json module has it."""
    if isinstance(value, dict):
        return {key: python(item) for key, item in value.items()}
    if isinstance(value, list):
        return [python(item) for item in value]
    return None if value is NULL else value


def to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_null)


def _null(value: Any) -> None:
    if value is not NULL:
        raise TypeError(f"not a JSON value: {value!r}")


class Evaluator:
    """Evaluates expressions; `seed` makes `$random` and `$uuid` repeatable."""

    def __init__(self, seed: int = 0) -> None:
        self.reseed(seed)
        self._compile = functools.lru_cache(maxsize=None)(self._parse)

    def reseed(self, seed: int) -> None:
        self.random = random.Random(seed)

    def evaluate(self, expression: str, bindings: dict[str, Any]) -> Any:
        try:
            compiled = self._compile(expression)
            # What $millis and friends look at: without this, the instance that was parsed last in this thread.
            Jsonata.CURRENT.jsonata = compiled
            result = compiled.evaluate(None, bindings)
        except QueryError as error:
            raise QueryError(f"The JSONata expression '{expression}' failed: {error}") from error
        except RecursionError:
            raise QueryError(f"The JSONata expression '{expression}' recursed too deeply") from None
        except Exception as error:
            raise QueryError(f"The JSONata expression '{expression}' threw an error: {error}") from error
        if result is None:
            raise QueryError(f"The JSONata expression '{expression}' returned nothing (undefined).")
        try:
            return bound(result)
        except QueryError as error:
            raise QueryError(f"The JSONata expression '{expression}' {error}.") from None

    def _parse(self, expression: str) -> Jsonata:
        if _REFUSED.search(expression) or _ONLY_CONTEXT.match(expression):
            raise QueryError("`$`, `$$` and `$eval` are not available in Step Functions")
        parsed = Jsonata(expression)
        parsed.output_convert_nulls = False
        parsed.validate_input = False
        for name, function in {
            "partition": _partition,
            "range": _range,
            "hash": _hash,
            "parse": _parse_json,
            "random": self._random,
            "uuid": self.uuid,
        }.items():
            parsed.register_lambda(name, function)
        return parsed

    def _random(self, seed: Any = None) -> float:
        return self.random.random() if seed is None else random.Random(seed).random()

    def uuid(self) -> str:
        """What `$uuid()` gives next."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))


def _partition(values: Any = None, size: Any = None) -> Any:
    if not isinstance(values, list) or not isinstance(size, int | float) or size < 1:
        raise QueryError("$partition takes an array and a positive chunk size")
    step = int(size)
    return [list(values[start : start + step]) for start in range(0, len(values), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    if not all(isinstance(number, int) for number in (first, last, step)) or step == 0:
        raise QueryError("$range takes a first and a last integer and a step that is not zero")
    values = list(range(first, last + (1 if step > 0 else -1), step))
    if len(values) > 1000:
        raise QueryError("$range makes at most 1000 elements")
    return values


def _hash(value: Any = None, algorithm: Any = None) -> Any:
    if not isinstance(value, str) or algorithm not in _HASHES:
        raise QueryError(f"$hash takes a string and one of {', '.join(_HASHES)}")
    return hashlib.new(_HASHES[algorithm], value.encode()).hexdigest()


def _parse_json(text: Any = None) -> Any:
    if text is None:
        return None
    try:
        return bound(json.loads(text))
    except (TypeError, ValueError) as error:
        raise QueryError(f"$parse: {error}") from None
