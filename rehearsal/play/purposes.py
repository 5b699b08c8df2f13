"""What an execution was started for. Owns reading that from its input: whom a clean-up or a reclaim is about, and which
executions only look around."""

from __future__ import annotations

import contextlib
import json

from ..aws.states.executions import Execution


def about(execution: Execution) -> str | None:
    """The execution that a clean-up, or a reclaim, was told of by its ARN; the rule's event names it too."""
    with contextlib.suppress(ValueError):
        content = json.loads(execution.input)
        if isinstance(content, dict):
            detail = content.get("detail")
            named = detail.get("executionArn") if isinstance(detail, dict) else None
            return content.get("execution") or content.get("reclaim") or content.get("waitedFor") or named
    return None


def cleans_up(execution: Execution, after: str) -> bool:
    """Whether an execution was started to clean up after that one."""
    with contextlib.suppress(ValueError):
        content = json.loads(execution.input)
        return isinstance(content, dict) and content.get("execution") == after
    return False


def is_sweep(execution: Execution) -> bool:
    """Whether an execution was started by the schedule, to look around."""
    with contextlib.suppress(ValueError):
        content = json.loads(execution.input)
        return execution.machine_arn.endswith("-clean-up") and content == {"sweep": True}
    return False
