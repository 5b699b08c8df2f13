"""Rows of the table for EC2's security groups and their rules. moto deletes a group that a compute environment still
names; a row must never let it."""

from __future__ import annotations

from collections.abc import Callable

from .ec2 import TAGS, ec2_arn, retag, tagged, users_of
from .kind import Aws, Kind, Naming, Props, ResourceError, Update, given, gone_is_none, pascal
from .tags import tag_map


def _create_group(aws: Aws, inputs: Props) -> str:
    group = aws.client("ec2").create_security_group(
        GroupName=inputs["name"],
        Description=inputs.get("description", "Managed by Pulumi"),
        **given(VpcId=inputs.get("vpcId")),
        **tagged("security-group", inputs),
    )["GroupId"]
    return str(group)


def _finish_group(aws: Aws, identity: str, inputs: Props) -> None:
    ec2 = aws.client("ec2")
    # terraform-provider-aws, vpc_security_group.go: AWS's default allow-all egress rule is removed.
    defaults = ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"][0]["IpPermissionsEgress"]
    if defaults:
        ec2.revoke_security_group_egress(GroupId=identity, IpPermissions=defaults)


@gone_is_none("InvalidGroup.NotFound")
def _read_group(aws: Aws, identity: str, state: Props) -> Props:
    group = aws.client("ec2").describe_security_groups(GroupIds=[identity])["SecurityGroups"][0]
    return {
        "arn": ec2_arn(aws, "security-group", identity),
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "ownerId": aws.account_id,
        "tagsAll": tag_map(group.get("Tags")),
    }


def _delete_group(aws: Aws, identity: str, state: Props) -> None:
    if users := users_of(aws, "securityGroupIds", identity):
        raise ResourceError(f"DependencyViolation: resource {identity} has a dependent object ({', '.join(users)})")
    aws.client("ec2").delete_security_group(GroupId=identity)


def _adopt_default_group(aws: Aws, inputs: Props) -> str:
    """EC2 makes the group with its VPC; the provider takes it over (vpc_default_security_group.go)."""
    inside = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    return str(aws.client("ec2").describe_security_groups(Filters=inside)["SecurityGroups"][0]["GroupId"])


def _empty_default_group(aws: Aws, identity: str, inputs: Props) -> None:
    ec2 = aws.client("ec2")
    group = ec2.describe_security_groups(GroupIds=[identity])["SecurityGroups"][0]
    # VPC guide, default security groups: everything from its own members comes in, and everything goes out. moto has
    # the second only.
    if group["IpPermissions"]:
        ec2.revoke_security_group_ingress(GroupId=identity, IpPermissions=group["IpPermissions"])
    if group["IpPermissionsEgress"]:
        ec2.revoke_security_group_egress(GroupId=identity, IpPermissions=group["IpPermissionsEgress"])
    retag(aws, identity, inputs, {})


def _leave_default_group(aws: Aws, identity: str, state: Props) -> None:
    """It cannot be deleted: it goes with its VPC."""


def _create_rule(direction: str) -> Callable[[Aws, Props], str]:
    def create(aws: Aws, inputs: Props) -> str:
        cidr, group, description = (
            inputs.get(name) for name in ("cidrIpv4", "referencedSecurityGroupId", "description")
        )
        if (cidr is None) == (group is None):
            raise ResourceError("exactly one of cidrIpv4 and referencedSecurityGroupId is needed")
        sources = given(
            IpRanges=[given(CidrIp=cidr, Description=description)] if cidr else None,
            UserIdGroupPairs=[given(GroupId=group, Description=description)] if group else None,
        )
        permission = given(
            IpProtocol=str(inputs["ipProtocol"]),
            FromPort=inputs.get("fromPort"),
            ToPort=inputs.get("toPort"),
            **sources,
        )
        authorize = getattr(aws.client("ec2"), f"authorize_security_group_{direction}")
        answer = authorize(
            GroupId=inputs["securityGroupId"], IpPermissions=[permission], **tagged("security-group-rule", inputs)
        )
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    return create


@gone_is_none("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound")
def _read_rule(aws: Aws, identity: str, state: Props) -> Props | None:
    found = aws.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[identity])["SecurityGroupRules"]
    if not found:
        return None
    rule = found[0]
    everything = rule["IpProtocol"] == "-1"
    return {
        "arn": ec2_arn(aws, "security-group-rule", identity),
        "securityGroupRuleId": identity,
        "securityGroupId": rule["GroupId"],
        "ipProtocol": rule["IpProtocol"],
        "fromPort": None if everything else rule.get("FromPort"),
        "toPort": None if everything else rule.get("ToPort"),
        # moto forgets the description of a rule that names a group.
        "description": rule.get("Description") or state.get("description"),
        "cidrIpv4": rule.get("CidrIpv4"),
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
        "tagsAll": tag_map(rule.get("Tags")) or (state.get("tagsAll") or {}),
    }


# Spelled alike by EC2, but for the first letter.
_RULE_MEMBERS = ("ipProtocol", "fromPort", "toPort", "description", "cidrIpv4")


def _change_rule(direction: str) -> Update:
    def update(aws: Aws, identity: str, new: Props, old: Props) -> None:
        members = {name: new.get(name) for name in _RULE_MEMBERS}
        rule = pascal(members) | given(ReferencedGroupId=new.get("referencedSecurityGroupId"))
        aws.client("ec2").modify_security_group_rules(
            GroupId=new["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": identity, "SecurityGroupRule": rule}],
        )

    return update


def _delete_rule(direction: str) -> Callable[[Aws, str, Props], None]:
    def delete(aws: Aws, identity: str, state: Props) -> None:
        revoke = getattr(aws.client("ec2"), f"revoke_security_group_{direction}")
        revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[identity])

    return delete


def _rule_kind(direction: str) -> Kind:
    name = f"securityGroup{direction.capitalize()}Rule"
    return Kind(
        f"aws:vpc/{name}:{name[:1].upper()}{name[1:]}",
        _create_rule(direction),
        _read_rule,
        _delete_rule(direction),
        update=dict.fromkeys((*_RULE_MEMBERS, "referencedSecurityGroupId"), _change_rule(direction)) | {"tags": retag},
    )


KINDS = (
    Kind(
        "aws:ec2/securityGroup:SecurityGroup",
        _create_group,
        _read_group,
        _delete_group,
        _finish_group,
        update=TAGS,
        naming=Naming(limit=255),
        computed=frozenset({"vpcId"}),
        defaults={"description": "Managed by Pulumi"},
    ),
    Kind(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        _adopt_default_group,
        _read_group,
        _leave_default_group,
        _empty_default_group,
        update=TAGS,
    ),
    _rule_kind("ingress"),
    _rule_kind("egress"),
)
