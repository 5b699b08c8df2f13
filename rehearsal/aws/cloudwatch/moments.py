"""Moments in requests to CloudWatch: SDKs send them as dates, Step Functions as text (SFN guide, AWS SDK service
integrations: ISO 8601)."""

from __future__ import annotations

import datetime

from ..calls import ModelError


def seconds(given: datetime.datetime | str, name: str) -> float:
    """Seconds since the epoch."""
    if isinstance(given, str):
        try:
            parsed = datetime.datetime.fromisoformat(given)
        except ValueError:
            raise ModelError("InvalidParameterValue", f"The parameter {name} is not a date: {given}") from None
        given = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=datetime.UTC)
    return given.timestamp()
