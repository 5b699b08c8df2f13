"""Whether the customer's KMS key admits the services that use it by themselves. Owns this check of `doctor`. The roles
of the stack are not looked at: their own policies allow them the key, where its policy leaves that to IAM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ..key_users import KEY_USERS
from .bucket_policy import Known, Verdict, conditions_of, like, listed
from .findings import OK, TROUBLE, UNKNOWN, Finding
from .stack import Stack

_CHECK: Final = "KMS key"


def policy(stack: Stack) -> Finding:
    """That of the topic's key, which is the one of everything else."""
    topic = stack.client("sns").get_topic_attributes(TopicArn=stack.value("TopicArn"))["Attributes"]
    key = topic.get("KmsMasterKeyId")
    if not key:
        return Finding(_CHECK, OK, "the stack has none of yours")
    document = json.loads(stack.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    # IAM guide, global condition keys; CloudWatch Logs guide, encrypt log data: the group is in the context. Whether a
    # service says for whom it calls (aws:SourceAccount, aws:SourceArn) is another matter with each.
    group = f"{stack.arn.partition(':states:')[0]}:logs:{stack.region}:{stack.account_id}:log-group:"
    names = (stack.value("FileSystemLogGroupName"), f"/aws/batch/{stack.id}", f"/aws/vendedlogs/states/{stack.id}")
    known: Known = {
        "aws:principalisawsservice": ("true",),
        "kms:encryptioncontext:aws:logs:arn": tuple(f"{group}{one}" for one in names),
    }
    verdicts: dict[Verdict, list[str]] = {}
    for name, use in KEY_USERS.items():
        service = name.replace("<region>", stack.region)
        by_verdict: dict[Verdict, list[str]] = {}
        for action in use.actions:
            by_verdict.setdefault(admits(document, service, action, known), []).append(action)
        for verdict, actions in by_verdict.items():
            verdicts.setdefault(verdict, []).append(f"{service} ({', '.join(actions)}) for {use.purpose}")
    if lacking := verdicts.get(False):
        to_do = "allow them that in the key's policy (docs/limits.md): without CloudWatch, alarms reach nobody"
        return Finding(_CHECK, TROUBLE, f"the policy of {key} does not admit {', '.join(lacking)}", to_do)
    if open_ones := verdicts.get(None):
        return Finding(_CHECK, UNKNOWN, f"whether it admits {', '.join(open_ones)} depends on conditions of its policy")
    return Finding(_CHECK, OK, f"the policy of {key} admits the services that use it")


def admits(document: Mapping[str, Any], service: str, action: str, known: Known) -> Verdict:
    """Whether a key's policy lets a service call something on its own behalf; None if that cannot be told."""
    found: dict[str, set[Verdict]] = {"Allow": set(), "Deny": set()}
    for statement in listed(document.get("Statement", [])):
        actions = listed(statement.get("Action", statement.get("NotAction", [])))
        if any(like(one.lower(), action.lower()) for one in actions) != ("Action" in statement):
            continue
        verdicts = [verdict for _, verdict in conditions_of(statement.get("Condition", {}), known)]
        verdicts.append(_is_meant(statement, service))
        found[statement["Effect"]].add(False if False in verdicts else None if None in verdicts else True)
    if True in found["Deny"] or not found["Allow"] & {True, None}:
        return False
    return True if True in found["Allow"] and None not in found["Deny"] else None


def _is_meant(statement: Mapping[str, Any], service: str) -> Verdict:
    """IAM guide, Principal: everybody is in a denial; that a service is among whom an allowance of everybody is for, is
    not said."""
    if "NotPrincipal" in statement:
        return None
    given = statement.get("Principal", {})
    if given == "*" or "*" in listed(given.get("AWS", [])):
        return True if statement["Effect"] == "Deny" else None
    return service in listed(given.get("Service", []))
