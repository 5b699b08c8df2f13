"""Answers logs: AssociateKmsKey and DisassociateKmsKey. moto's log groups take a key only when they are created."""

from __future__ import annotations

from typing import Any

from moto.logs.models import logs_backends

from .calls import Calls, ModelError


class LogKeys:
    """Changes the key of an existing log group."""

    def __init__(self, calls: Calls, account_id: str, region: str) -> None:
        self._place = (account_id, region)
        calls.answer("logs", AssociateKmsKey=self.associate, DisassociateKmsKey=self.disassociate)

    def associate(self, params: dict[str, Any]) -> None:
        self._group(params).kms_key_id = params["kmsKeyId"]

    def disassociate(self, params: dict[str, Any]) -> None:
        self._group(params).kms_key_id = None

    def _group(self, params: dict[str, Any]) -> Any:
        account_id, region = self._place
        group = logs_backends[account_id][region].groups.get(params["logGroupName"])
        if group is None:
            raise ModelError("ResourceNotFoundException", "The specified log group does not exist.")
        return group
