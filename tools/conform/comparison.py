"""What came back from TestState, held against what the rehearsal did. Owns the differences, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.conform.attempts import Attempt
from tools.conform.requests import retrier_of

ABSENT = object()

Json = Any


def differences(attempt: Attempt, answer: Mapping[str, Any]) -> list[str]:
    """Every way in which an answer of TestState is not what the rehearsal did; none, if it conforms."""
    return list(_differences(attempt, answer))


def _differences(attempt: Attempt, answer: Mapping[str, Any]) -> Iterator[str]:
    expected = attempt.outcome
    inspection = answer.get("inspectionData", {})
    yield from compared("status", expected.status, answer.get("status"))
    yield from compared("next state", expected.next_state or ABSENT, answer.get("nextState", ABSENT))
    if expected.error is not None:
        yield from compared("error", expected.error[0], answer.get("error"))
    elif answer.get("error") is not None:
        yield f"error: none in the rehearsal, {_shown(answer['error'])} on AWS ({answer.get('cause', '')})"
    if _words_are_ours(attempt):
        yield from compared("cause", (expected.error or ("", ""))[1], answer.get("cause"))
    if attempt.calls and "afterArguments" in inspection:
        yield from compared("arguments", attempt.calls[-1].arguments, json.loads(inspection["afterArguments"]))
    if expected.status == "RETRIABLE" and expected.error is not None:
        retrier = inspection.get("errorDetails", {}).get("retryIndex")
        yield from compared("retrier", retrier_of(attempt.definition, attempt.calls[-1]), retrier)
    if expected.status in {"SUCCEEDED", "CAUGHT_ERROR"}:
        yield from compared("output", expected.output, _parsed(answer.get("output")))
        # Without any variable there is no such member.
        yield from compared("variables", expected.variables, _parsed(inspection.get("variables", "{}")))


def _words_are_ours(attempt: Attempt) -> bool:
    """A mocked error's cause is our own, and a Fail state's is the definition's; all others are in AWS's words."""
    mocked = bool(attempt.calls) and attempt.calls[-1].error == attempt.outcome.error
    return attempt.outcome.error is not None and (mocked or attempt.definition["Type"] == "Fail")


def _parsed(text: str | None) -> Json:
    return ABSENT if text is None else json.loads(text)


def compared(path: str, rehearsed: Json, found: Json) -> Iterator[str]:
    """Where two values differ. For JSON, 1 and 1.0 are one number, and true is none."""
    if isinstance(rehearsed, dict) and isinstance(found, dict):
        for name in [*rehearsed, *(name for name in found if name not in rehearsed)]:
            yield from compared(f"{path}.{name}", rehearsed.get(name, ABSENT), found.get(name, ABSENT))
    elif isinstance(rehearsed, list) and isinstance(found, list) and len(rehearsed) == len(found):
        for number, (one, other) in enumerate(zip(rehearsed, found, strict=True)):
            yield from compared(f"{path}[{number}]", one, other)
    elif isinstance(rehearsed, bool) != isinstance(found, bool) or rehearsed != found:
        yield f"{path}: {_shown(rehearsed)} in the rehearsal, {_shown(found)} on AWS"


def _shown(value: Json) -> str:
    if value is ABSENT or value is None:
        return "none" if value is ABSENT else "null"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:199] + "…"
