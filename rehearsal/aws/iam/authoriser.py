"""Who may do what. Owns the decision on a call that a role makes, from the policies it has in this account."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ..context import Context
from .demands import Place, Tags, refusal

Document = dict[str, Any]


class Authoriser:
    """Decides about calls with the caller's own policies, read once: roles do not change during a run."""

    def __init__(self, context: Context, tags: Callable[[str], Tags], file_system_of: Callable[[str], str]) -> None:
        self._context = context
        self._known: dict[str, tuple[list[Document], Document | None]] = {}
        self._place = Place(context.account_id, context.region, context.partition, tags, file_system_of)

    def __call__(self, role_arn: str, service: str, operation: str, params: dict[str, Any]) -> str | None:
        """AWS's message when the role may not make the call, or None when it may."""
        if role_arn not in self._known:
            self._known[role_arn] = policies_of(self._context, role_arn)
        policies, boundary = self._known[role_arn]
        return refusal(policies, role_arn, service, operation, params, self._place, boundary)


def policies_of(context: Context, role_arn: str) -> tuple[list[Document], Document | None]:
    """The role's policies and its permissions boundary."""
    iam = context.backend("iam")
    role = next(role for role in iam.roles.values() if role.arn == role_arn)
    inline = [json.loads(text) for text in role.policies.values()]
    managed = [_document(policy) for policy in role.managed_policies.values()]
    boundary = role.permissions_boundary_arn
    return inline + managed, _document(iam.managed_policies[boundary]) if boundary else None


def _document(policy: Any) -> Document:
    document: Document = json.loads(next(one.document for one in policy.versions if one.is_default))
    return document
