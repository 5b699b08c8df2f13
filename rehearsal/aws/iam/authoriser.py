"""Who may do what. Owns the decision on a call that a role makes, from the policies it has in this account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..context import Context
from .demands import Place, Tags, refusal


class Authoriser:
    """Decides about calls with the caller's own policies, read once: roles do not change during a run."""

    def __init__(self, context: Context, tags: Callable[[str], Tags], file_system_of: Callable[[str], str]) -> None:
        self._context = context
        self._policies: dict[str, list[dict[str, Any]]] = {}
        self._place = Place(context.account_id, context.region, context.partition, tags, file_system_of)

    def __call__(self, role_arn: str, service: str, operation: str, params: dict[str, Any]) -> str | None:
        """AWS's message when the role may not make the call, or None when it may."""
        if role_arn not in self._policies:
            self._policies[role_arn] = self._read(role_arn)
        return refusal(self._policies[role_arn], role_arn, service, operation, params, self._place)

    def _read(self, role_arn: str) -> list[dict[str, Any]]:
        role = next(role for role in self._context.backend("iam").roles.values() if role.arn == role_arn)
        managed = [policy.versions for policy in role.managed_policies.values()]
        documents = [next(one.document for one in versions if one.is_default) for versions in managed]
        return [json.loads(text) for text in (*role.policies.values(), *documents)]
