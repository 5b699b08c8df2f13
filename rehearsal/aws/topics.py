"""SNS, from within: the messages that were published. moto answers the API and keeps what was sent; nothing is
delivered anywhere."""

from __future__ import annotations

from typing import Any

from .context import Context


class Topics:
    """The account's topics."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def _all(self) -> list[Any]:
        return list(self._context.backend("sns").topics.values())

    def reset(self) -> None:
        for topic in self._all:
            topic.sent_notifications.clear()

    def messages(self) -> list[dict[str, Any]]:
        """What was published, topic by topic, in the order of publication."""
        return [
            {"topic": topic.name, "subject": note[2], "message": note[1]}
            for topic in self._all
            for note in topic.sent_notifications
        ]
