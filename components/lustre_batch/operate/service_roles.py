"""Whether the account has the service-linked roles without which a run fails, or lets them be made. Owns these checks
of `doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from .findings import OK, TROUBLE, Finding
from .problems import code_of
from .stack import Stack

SPOT: Final = "AWSServiceRoleForEC2Spot"  # EC2 guide, service-linked role for Spot Instance requests
BATCH: Final = "AWSServiceRoleForBatch"  # Batch guide, using service-linked roles
FSX: Final = "AWSServiceRoleForAmazonFSx"  # FSx guide, using service-linked roles
_FSX_SERVICE: Final = "fsx.amazonaws.com"
# FSx guide, adding permissions to use data repositories in S3: what FSx does as whoever links a bucket, since each
# linked file system gets a role of its own.
_LINK_SERVICE: Final = "s3.data-source.lustre.fsx.amazonaws.com"
_LINK_ACTIONS: Final = ("iam:CreateServiceLinkedRole", "iam:AttachRolePolicy", "iam:PutRolePolicy")


def spot(stack: Stack, environments: Sequence[Mapping[str, Any]]) -> Finding:
    """Of Spot Instances: EC2 makes it in the console alone."""
    if not any("SPOT" in one["computeResources"]["type"] for one in environments):
        return Finding("Spot role", OK, "not needed: the compute environments are On-Demand")
    if _exists(stack, SPOT):
        return Finding("Spot role", OK, f"{SPOT} exists")
    words = f"the account has no role {SPOT}, without which no Spot Instance starts"
    return Finding("Spot role", TROUBLE, words, _to_make("spot.amazonaws.com"))


def batch(stack: Stack, environments: Sequence[Mapping[str, Any]]) -> Finding:
    """Of Batch. Batch guide, updating compute environments: with any other role, no launch template is taken."""
    others = [one for one in environments if not str(one.get("serviceRole", "")).endswith(f"/{BATCH}")]
    if others:
        words = "; ".join(f"{one['computeEnvironmentName']} has {one.get('serviceRole') or 'none'}" for one in others)
        to_do = "replace it: with another role, Batch refuses the run's launch template"
        return Finding("Batch role", TROUBLE, f"{words} in place of {BATCH}", to_do)
    if _exists(stack, BATCH):
        return Finding("Batch role", OK, f"{BATCH} exists")
    words = f"the account has no role {BATCH}, without which Batch starts and updates nothing"
    return Finding("Batch role", TROUBLE, words, _to_make("batch.amazonaws.com"))


def fsx(stack: Stack) -> Finding:
    """Of FSx: one for the account, which FSx makes with the first file system, and one for each file system that is
    linked. Whoever creates and links it has to be allowed that, which is the run's role."""
    role = stack.role_arn
    if not _may(stack, role, _LINK_SERVICE, _LINK_ACTIONS):
        words = f"{role} may not let FSx make a role for each file system ({', '.join(_LINK_ACTIONS)})"
        return Finding("FSx roles", TROUBLE, words, _LET_IT.format(service=_LINK_SERVICE))
    if _exists(stack, FSX):
        return Finding("FSx roles", OK, f"{FSX} exists, and FSx may make one for each file system")
    if _may(stack, role, _FSX_SERVICE, _LINK_ACTIONS[:1]):
        return Finding("FSx roles", OK, f"FSx makes {FSX} with the account's first file system")
    words = f"the account has no role {FSX}, and {role} may not let FSx make it"
    return Finding("FSx roles", TROUBLE, words, _to_make(_FSX_SERVICE))


_LET_IT: Final = "let the permissions boundary (permissionsBoundaryArn), or the organisation, allow it for {service}"


def _to_make(service: str) -> str:
    return f"aws iam create-service-linked-role --aws-service-name {service}"


def _exists(stack: Stack, name: str) -> bool:
    try:
        stack.client("iam").get_role(RoleName=name)
    except ClientError as error:
        if code_of(error) not in ("NoSuchEntity", "NoSuchEntityException"):
            raise
        return False
    return True


def _may(stack: Stack, role: str, service: str, actions: Sequence[str]) -> bool:
    """By the role's policies, its boundary and the organisation's policies (IAM API, SimulatePrincipalPolicy)."""
    partition = stack.arn.split(":")[1]
    answer = stack.client("iam").simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=list(actions),
        ResourceArns=[f"arn:{partition}:iam::{stack.account_id}:role/aws-service-role/{service}/*"],
        ContextEntries=[
            {"ContextKeyName": "iam:AWSServiceName", "ContextKeyValues": [service], "ContextKeyType": "string"}
        ],
    )
    return all(one["EvalDecision"] == "allowed" for one in answer["EvaluationResults"])
