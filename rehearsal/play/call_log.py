"""Every API call that the stack's roles made, for anyone to inspect: `--calls`. Owns the form of a line. It must never
change an answer: a body that can be read once is looked at, not read."""

from __future__ import annotations

import base64
import datetime
import io
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ..aws.calls import principal, whereabouts
from ..aws.clock import Clock


class CallLog:
    """Calls in the order in which they were made, as they would be sent to AWS. One that was cut off by the end of its
    execution has neither answer nor error."""

    def __init__(self, clock: Clock, began: float) -> None:
        self._clock = clock
        self._began = began
        self.calls: list[dict[str, Any]] = []

    def observe(self, service: str, operation: str, params: dict[str, Any]) -> Callable[[Any], None]:
        execution, state = whereabouts.get() or (None, None)
        call: dict[str, Any] = {
            "at": round(self._clock.now() - self._began, 3),
            "execution": execution,
            "state": state,
            "principal": principal.get(),
            "service": service,
            "operation": operation,
            "parameters": plain(params),
        }
        self.calls.append(call)
        return lambda outcome: call.update(_outcome(outcome))

    def lines(self) -> str:
        """One JSON object a line."""
        return "".join(json.dumps(call) + "\n" for call in self.calls)


def _outcome(outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, ClientError):
        details = outcome.response["Error"]
        return {"error": {"code": details.get("Code", ""), "message": details.get("Message", "")}}
    if isinstance(outcome, BaseException):  # a call that hangs is none that handlers see
        return {"error": {"code": type(outcome).__name__, "message": str(outcome)}}
    return {"answer": plain({key: value for key, value in outcome.items() if key != "ResponseMetadata"})}


def plain(value: Any) -> Any:
    """A parameter or an answer as JSON has it: times as AWS writes them, bytes as the text they are, else as base64."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, io.BytesIO):
        return plain(value.getvalue())
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
