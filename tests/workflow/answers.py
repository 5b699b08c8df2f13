"""What AWS answers and what a clean-up knows, as the tests of its decisions hand them in."""

from __future__ import annotations

from typing import Any

from tests.workflow.evaluation import FILE_SYSTEM, NOW, RUN, STACK, evaluate

LATE, EARLY = NOW + 1, NOW - 1  # after and before the last job's end
STATUSES = ["PENDING", "EXECUTING", "SUCCEEDED", "FAILED", "CANCELED", "CANCELING"]
LIFECYCLES = ["CREATING", "AVAILABLE", "MISCONFIGURED", "UPDATING", "DELETING", "FAILED"]
REASON = {"type": "file-system", "id": FILE_SYSTEM, "reason": "an earlier one"}
EVENT: dict[str, Any] = {
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": {
        "executionArn": f"arn:aws:states:us-east-1:123456789012:execution:{STACK}:run",
        "stateMachineArn": f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK}",
        "status": "ABORTED",
    },
}
OURS = EVENT["detail"]["executionArn"]


def pending(assigned: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["type"], each["id"]) for each in assigned.get("pending", [])]


def left(assigned: dict[str, Any]) -> bool:
    """Whether the file system is left to the next clean-up, which is told why."""
    return bool(assigned.get("leaveReason"))


def task(status: str, failed: int = 0, created_at: int = LATE, number: int = 1) -> dict[str, Any]:
    return {
        "id": f"task-{number}",
        "status": status,
        "createdAt": created_at,
        "total": 10,
        "failed": failed,
        "reason": "",
    }


def data_repository_task(kind: str, status: str, number: int) -> dict[str, Any]:
    return {
        "TaskId": f"task-{number}",
        "Type": kind,
        "Lifecycle": status,
        "CreationTime": "2024-05-06T07:08:09.123Z",
        "Paths": ["scratch"],
    }


def file_system(execution: str = RUN, age_days: int = 400, **tags: str) -> dict[str, Any]:
    all_tags = {"execution": execution, "stack": STACK} | tags
    created = evaluate(f"{{% $fromMillis($millis() - {age_days} * 86400000 - 1000) %}}")
    pairs = [{"Key": f"lustre-batch:{key}", "Value": value} for key, value in all_tags.items()]
    return {"FileSystemId": FILE_SYSTEM, "Lifecycle": "AVAILABLE", "CreationTime": created, "Tags": pairs}
