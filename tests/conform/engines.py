"""JSONata as Step Functions has it, told anew for the stand-in: the engine in Python, and the reference implementation
in JavaScript where `make jsonata` has put it. It must never use the evaluator of the rehearsal."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any, Protocol

from jsonata.jsonata import Jsonata
from jsonata.utils import Utils

REFERENCE = Path(__file__).parent / "jsonata"
Json = Any


class EvaluationError(Exception):
    """An expression that has no JSON value."""


class Engine(Protocol):
    def evaluate(self, expression: str, bindings: dict[str, Json]) -> Json: ...


class PythonEngine:
    """jsonata-python, with values going in and out through JSON."""

    def evaluate(self, expression: str, bindings: dict[str, Json]) -> Json:
        try:
            parsed = Jsonata(expression)
            parsed.output_convert_nulls = False
            for name, function in FUNCTIONS.items():
                parsed.register_lambda(name, function)
            value = parsed.evaluate(None, {name: _inward(item) for name, item in bindings.items()})
        except Exception as error:
            raise EvaluationError(f"{expression}: {error}") from error
        if value is None:
            raise EvaluationError(f"{expression}: nothing")
        return _outward(value, expression)


def _inward(value: Json) -> Any:
    if isinstance(value, dict):
        return {key: _inward(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_inward(item) for item in value]
    return Utils.NULL_VALUE if value is None else value


def _outward(value: Any, expression: str) -> Json:
    if value is Utils.NULL_VALUE:
        return None
    if isinstance(value, dict):
        return {key: _outward(item, expression) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_outward(item, expression) for item in value]
    if isinstance(value, str | bool | int | float):
        return value
    raise EvaluationError(f"{expression}: a {type(value).__name__} is no JSON")


# SFN guide, transforming data with JSONata: the functions it adds.
FUNCTIONS: dict[str, Any] = {
    "parse": lambda text=None: None if text is None else _inward(json.loads(text)),
    "hash": lambda text=None, algorithm=None: hashlib.new(algorithm.replace("-", ""), text.encode()).hexdigest(),
    "partition": lambda values=None, size=None: [values[at : at + size] for at in range(0, len(values), size)],
    "range": lambda first=None, last=None, step=None: list(range(first, last + (1 if step > 0 else -1), step)),
    "uuid": lambda: str(uuid.uuid4()),
}


class ReferenceEngine:
    """The implementation that defines the language, in a process of Node.js."""

    def __init__(self) -> None:
        program = ["node", str(REFERENCE / "evaluate.mjs")]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def is_there() -> bool:
        return shutil.which("node") is not None and (REFERENCE / "node_modules" / "jsonata").is_dir()

    def evaluate(self, expression: str, bindings: dict[str, Json]) -> Json:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"expression": expression, "bindings": bindings}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "value" not in answer:
            raise EvaluationError(f"{expression}: {answer.get('error', 'nothing')}")
        return answer["value"]

    def close(self) -> None:
        self._process.communicate()


_MARKED = re.compile(r"^\{%(.*)%\}$", re.S)


def evaluated(engine: Engine, template: Json, bindings: dict[str, Json]) -> Json:
    """A template with every expression in it replaced by its value (Amazon States Language, JSONata)."""
    if isinstance(template, dict):
        return {key: evaluated(engine, item, bindings) for key, item in template.items()}
    if isinstance(template, list):
        return [evaluated(engine, item, bindings) for item in template]
    if isinstance(template, str) and (match := _MARKED.match(template)):
        return engine.evaluate(match.group(1), bindings)
    return template
