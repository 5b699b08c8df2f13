"""What a bucket's policy denies whom. Owns the decision for those of whom FSx asks it: its own role for a file system,
and the role that links one. Only what a policy denies counts: within an account, the roles' own policies allow.

It is stricter than it need be where it cannot tell: an element or operator that the evaluation does not know denies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..buckets import Buckets
from .evaluation import UnsupportedPolicy, evaluate

# AWS re:Post, linking a bucket of another account: what FSx's role needs of it, and what whoever links it.
LINKED = (
    "s3:ListBucket", "s3:GetBucketNotification", "s3:PutBucketNotification", "s3:GetObject", "s3:PutObject",
    "s3:DeleteObject", "s3:AbortMultipartUpload",
)  # fmt: skip
LINKING = ("s3:ListBucket", "s3:GetObject", "s3:PutObject")
ALLOW_ALL: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
Statement = Mapping[str, Any]


class BucketAccess:
    """Answers by the policies that buckets have now."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def refusal(self, role_arn: str, bucket: str, prefix: str) -> str | None:
        """What the policy denies a role of a bucket and of what is below a prefix, if it does."""
        found = self._buckets.find(bucket)
        if found is None or not found.policy:
            return None
        document = json.loads(found.policy)
        listed = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        denied = [_without_principal(one) for one in listed if one["Effect"] == "Deny" and _concerns(one, role_arn)]
        policies = [ALLOW_ALL, {"Version": document.get("Version"), "Statement": denied}]
        is_fsx = "/aws-service-role/" in role_arn
        for action in LINKED if is_fsx else LINKING:
            on_objects = action.endswith(("Object", "Upload"))
            resource = f"{found.arn}/{prefix}x" if on_objects else found.arn
            try:
                decision = evaluate(policies, action, resource, _context(role_arn, is_fsx))
            except UnsupportedPolicy as unknown:
                return f"{action}: {unknown}"
            if not decision.allowed:
                return f"{action}: {decision.reason}"
        return None


def _context(role_arn: str, is_fsx: bool) -> dict[str, str]:
    """What is known of such a call. It comes from outside of the VPC, and of FSx without a header for encryption (FSx
    guide, working with server-side encrypted buckets: the bucket's default applies)."""
    return {
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": role_arn,
        "aws:PrincipalAccount": role_arn.split(":")[4],
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalIsAWSService": "false",
        "aws:ViaAWSService": "false" if is_fsx else "true",
        "aws:userid": "AROAEXAMPLE:fsx",
        "s3:TlsVersion": "1.2",
    }


def _concerns(statement: Statement, role_arn: str) -> bool:
    """IAM guide, Principal and NotPrincipal."""
    account = role_arn.split(":")[4]
    given = statement.get("Principal", statement.get("NotPrincipal"))
    given = {"AWS": given} if isinstance(given, str) else given
    names = given.get("AWS", [])
    named = [names] if isinstance(names, str) else names
    is_named = bool({"*", role_arn} & set(named))
    whole = any(one == account or re.fullmatch(rf"arn:[^:]+:iam::{account}:root", one) for one in named)
    return is_named or whole if "Principal" in statement else not is_named


def _without_principal(statement: Statement) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key not in ("Principal", "NotPrincipal")}
