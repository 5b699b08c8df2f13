"""CloudWatch Logs, as far as moto lacks it. Owns the events that AWS's own services write, FilterLogEvents by a
stream's prefix, streams that exist by the time they are listed, and the encryption key of a group that exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .calls import ModelError
from .context import Context


class Logs:
    """Answers logs: what moto leaves out."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Called before events are read, so that whoever writes them can write what is due by now.
        self.before_reading: Callable[[float], None] = lambda now: None
        context.calls.answer(
            "logs",
            FilterLogEvents=self.filter_events,
            DescribeLogStreams=self.describe_streams,
            AssociateKmsKey=self.associate_key,
            DisassociateKmsKey=self.disassociate_key,
        )

    @property
    def _groups(self) -> dict[str, Any]:
        groups: dict[str, Any] = self._context.backend("logs").groups
        return groups

    def reset(self) -> None:
        """Drop every stream; the groups belong to the deployment."""
        for group in self._groups.values():
            group.streams.clear()

    def write(self, group: str, stream: str, message: str) -> None:
        """Add one event; nothing happens when the group does not exist."""
        if group not in self._groups:
            return
        self._context.backend("logs").ensure_log_stream(group, stream)
        event = {"timestamp": int(self._context.clock.now() * 1000), "message": message}
        self._groups[group].put_log_events(stream, [event])

    def read(self, group: str, stream: str) -> list[str]:
        """The messages of a stream, if it exists."""
        found = self._groups[group].streams.get(stream) if group in self._groups else None
        return [str(event.message) for event in found.events] if found is not None else []

    def filter_events(self, params: dict[str, Any]) -> dict[str, Any]:
        """moto's answer, restricted to the prefix of the streams' names, which moto does not look at."""
        self.before_reading(self._context.clock.now())
        prefix = params.get("logStreamNamePrefix", "")
        asked = {key: value for key, value in params.items() if key != "logStreamNamePrefix"}
        answer = self._context.calls.ask_moto(self._context.client("logs"), "FilterLogEvents", asked)
        answer["events"] = [event for event in answer["events"] if event["logStreamName"].startswith(prefix)]
        return answer

    def describe_streams(self, params: dict[str, Any]) -> dict[str, Any]:
        """moto's answer, once everything is written that is due by now."""
        self.before_reading(self._context.clock.now())
        return self._context.calls.ask_moto(self._context.client("logs"), "DescribeLogStreams", params)

    def _group(self, params: dict[str, Any]) -> Any:
        if params["logGroupName"] not in self._groups:
            raise ModelError("ResourceNotFoundException", "The specified log group does not exist.")
        return self._groups[params["logGroupName"]]

    def associate_key(self, params: dict[str, Any]) -> None:
        """moto sets a key only when it creates the group."""
        self._group(params).kms_key_id = params["kmsKeyId"]

    def disassociate_key(self, params: dict[str, Any]) -> None:
        self._group(params).kms_key_id = None
