"""Calls that the table makes and that neither moto nor the rehearsal's models answer. Owns filling those gaps in an
account; it must never replace an answer that there is."""

from __future__ import annotations

from typing import Any

from moto.logs.models import logs_backends

from .kind import Aws, Props


def fill(aws: Aws) -> None:
    """Teach the account what it lacks; an account without a switchboard of calls (plain moto) stays as it is."""
    calls = getattr(aws, "calls", None)
    if calls is None:
        return
    groups = _LogGroups(aws)
    batch = _BatchTags(aws)
    answers: dict[str, dict[str, Any]] = {
        "logs": {"AssociateKmsKey": groups.associate, "DisassociateKmsKey": groups.disassociate},
        "batch": {"TagResource": batch.tag, "UntagResource": batch.untag},
    }
    for service, operations in answers.items():
        missing = {name: answer for name, answer in operations.items() if (service, name) not in calls.operations}
        calls.answer(service, **missing)


class _LogGroups:
    """moto's log groups take a key only when they are created."""

    def __init__(self, aws: Aws) -> None:
        self._groups = logs_backends[aws.account_id][aws.region].groups

    def associate(self, params: Props) -> None:
        self._groups[params["logGroupName"]].kms_key_id = params["kmsKeyId"]

    def disassociate(self, params: Props) -> None:
        self._groups[params["logGroupName"]].kms_key_id = None


class _BatchTags:
    """Tags of the modelled environments and queues."""

    def __init__(self, aws: Any) -> None:
        self._aws = aws

    def _tags(self, arn: str) -> dict[str, str]:
        name = arn.rpartition("/")[2]
        queue = ":job-queue/" in arn
        found: dict[str, str] = (self._aws.queues.all if queue else self._aws.environments.environments)[name].tags
        return found

    def tag(self, params: Props) -> None:
        self._tags(params["resourceArn"]).update(params["tags"])

    def untag(self, params: Props) -> None:
        for key in params["tagKeys"]:
            self._tags(params["resourceArn"]).pop(key, None)
