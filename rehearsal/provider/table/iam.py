"""Rows of the table for IAM: roles, their policies, and instance profiles. A row must never clear the way for the
deletion of a role that still has policies or is in an instance profile: IAM's DeleteConflict has to reach the
caller."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

from .kind import Aws, Kind, Naming, Props, ResourceError, given, gone_is_none
from .tags import retag, tag_list, tag_map

_GONE = gone_is_none("NoSuchEntity")
# IAM guide, "IAM and AWS STS quotas": of all inline policies of a role together, and IAM does not count white space.
_INLINE_CHARACTERS = 10_240


def _document(value: Any) -> str:
    """IAM answers policies URL-encoded (IAM API reference, GetRole); boto3 decodes them into objects."""
    return json.dumps(value) if isinstance(value, dict) else urllib.parse.unquote(str(value))


def _create_role(aws: Aws, inputs: Props) -> str:
    return str(
        aws.client("iam").create_role(
            RoleName=inputs["name"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Path=inputs.get("path", "/"),
            **given(
                PermissionsBoundary=inputs.get("permissionsBoundary"),
                Tags=tag_list(inputs.get("tagsAll")) or None,
            ),
        )["Role"]["RoleName"]
    )


@_GONE
def _read_role(aws: Aws, identity: str, state: Props) -> Props:
    role = aws.client("iam").get_role(RoleName=identity)["Role"]
    return {
        "arn": role["Arn"],
        "name": role["RoleName"],
        "uniqueId": role["RoleId"],
        "path": role["Path"],
        "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
        "permissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        "tagsAll": tag_map(role.get("Tags")),
    }


def _set_trust(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("iam").update_assume_role_policy(RoleName=identity, PolicyDocument=new["assumeRolePolicy"])


def _set_boundary(aws: Aws, identity: str, new: Props, old: Props) -> None:
    iam = aws.client("iam")
    if new.get("permissionsBoundary"):
        iam.put_role_permissions_boundary(RoleName=identity, PermissionsBoundary=new["permissionsBoundary"])
    else:
        iam.delete_role_permissions_boundary(RoleName=identity)


def _delete_role(aws: Aws, identity: str, state: Props) -> None:
    aws.client("iam").delete_role(RoleName=identity)


def _put_policy(aws: Aws, inputs: Props) -> str:
    _put(aws, inputs["role"], inputs["name"], inputs["policy"])
    return f"{inputs['role']}:{inputs['name']}"


def _put(aws: Aws, role: str, name: str, policy: str) -> None:
    iam = aws.client("iam")
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    others = [other for page in pages for other in page["PolicyNames"] if other != name]
    documents = [_document(iam.get_role_policy(RoleName=role, PolicyName=other)["PolicyDocument"]) for other in others]
    if sum(len("".join(document.split())) for document in (policy, *documents)) > _INLINE_CHARACTERS:
        # In the words that people report (aws-cdk #12403, serverless #7643: LimitExceeded, status 409).
        raise ResourceError(
            f"LimitExceeded: Maximum policy size of {_INLINE_CHARACTERS} bytes exceeded for role {role}"
        )
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=policy)


@_GONE
def _read_policy(aws: Aws, identity: str, state: Props) -> Props:
    role, _, name = identity.partition(":")
    found = aws.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return {"role": role, "name": name, "policy": _document(found["PolicyDocument"])}


def _change_policy(aws: Aws, identity: str, new: Props, old: Props) -> None:
    role, _, name = identity.partition(":")
    _put(aws, role, name, new["policy"])


def _delete_policy(aws: Aws, identity: str, state: Props) -> None:
    role, _, name = identity.partition(":")
    aws.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


def _attach(aws: Aws, inputs: Props) -> str:
    aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}-{inputs['policyArn']}"


@_GONE
def _read_attachment(aws: Aws, identity: str, state: Props) -> Props | None:
    pages = aws.client("iam").get_paginator("list_attached_role_policies").paginate(RoleName=state["role"])
    attached = {policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]}
    return {"role": state["role"], "policyArn": state["policyArn"]} if state["policyArn"] in attached else None


def _detach(aws: Aws, identity: str, state: Props) -> None:
    aws.client("iam").detach_role_policy(RoleName=state["role"], PolicyArn=state["policyArn"])


def _create_profile(aws: Aws, inputs: Props) -> str:
    name = aws.client("iam").create_instance_profile(
        InstanceProfileName=inputs["name"],
        Path=inputs.get("path", "/"),
        **given(Tags=tag_list(inputs.get("tagsAll")) or None),
    )["InstanceProfile"]["InstanceProfileName"]
    return str(name)


@_GONE
def _read_profile(aws: Aws, identity: str, state: Props) -> Props:
    profile = aws.client("iam").get_instance_profile(InstanceProfileName=identity)["InstanceProfile"]
    return {
        "arn": profile["Arn"],
        "name": profile["InstanceProfileName"],
        "uniqueId": profile["InstanceProfileId"],
        "path": profile["Path"],
        "role": profile["Roles"][0]["RoleName"] if profile["Roles"] else None,
        "tagsAll": tag_map(profile.get("Tags")),
    }


def _set_role(aws: Aws, identity: str, new: Props, old: Props) -> None:
    iam = aws.client("iam")
    if old.get("role"):
        iam.remove_role_from_instance_profile(InstanceProfileName=identity, RoleName=old["role"])
    if new.get("role"):
        iam.add_role_to_instance_profile(InstanceProfileName=identity, RoleName=new["role"])


def _delete_profile(aws: Aws, identity: str, state: Props) -> None:
    _set_role(aws, identity, {}, _read_profile(aws, identity, state) or {})
    aws.client("iam").delete_instance_profile(InstanceProfileName=identity)


KINDS = (
    Kind(
        "aws:iam/role:Role",
        _create_role,
        _read_role,
        _delete_role,
        update={
            "assumeRolePolicy": _set_trust,
            "permissionsBoundary": _set_boundary,
            "tags": retag("iam", "RoleName", by="name", kind="role"),
        },
        # IAM User Guide, "IAM and AWS STS quotas": role names up to 64 characters.
        naming=Naming(limit=64),
        defaults={"path": "/"},
        documents=frozenset({"assumeRolePolicy"}),
    ),
    Kind(
        "aws:iam/rolePolicy:RolePolicy",
        _put_policy,
        _read_policy,
        _delete_policy,
        update={"policy": _change_policy},
        naming=Naming(limit=128),
        documents=frozenset({"policy"}),
    ),
    Kind("aws:iam/rolePolicyAttachment:RolePolicyAttachment", _attach, _read_attachment, _detach),
    Kind(
        "aws:iam/instanceProfile:InstanceProfile",
        _create_profile,
        _read_profile,
        _delete_profile,
        lambda aws, identity, inputs: _set_role(aws, identity, inputs, {}),
        update={"role": _set_role, "tags": retag("iam", "InstanceProfileName", by="name", kind="instance_profile")},
        naming=Naming(limit=128),
        defaults={"path": "/"},
    ),
)
