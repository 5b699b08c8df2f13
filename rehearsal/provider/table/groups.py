"""Rows of the table for security groups and their rules. Owns how they map to EC2's API; it must never delete a group
that an environment still names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .ec2 import TAGS, ec2_arn, retag, tagged, users_of
from .kind import Aws, Kind, Naming, Props, ResourceError, Update, given, gone_is_none, pascal, tag_map

# --- Security groups -------------------------------------------------------------------------------------------------


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
    for direction in ("ingress", "egress"):
        _set_rules(direction)(aws, identity, inputs, {})


def _permission(rule: Props) -> dict[str, Any]:
    return given(
        IpProtocol=str(rule["protocol"]),
        FromPort=rule.get("fromPort") if str(rule["protocol"]) != "-1" else None,
        ToPort=rule.get("toPort") if str(rule["protocol"]) != "-1" else None,
        IpRanges=[{"CidrIp": cidr} for cidr in rule.get("cidrBlocks") or []] or None,
    )


def _set_rules(direction: str) -> Update:
    def update(aws: Aws, identity: str, new: Props, old: Props) -> None:
        ec2 = aws.client("ec2")
        if old.get(direction):
            revoke = getattr(ec2, f"revoke_security_group_{direction}")
            revoke(GroupId=identity, IpPermissions=[_permission(rule) for rule in old[direction]])
        if new.get(direction):
            authorize = getattr(ec2, f"authorize_security_group_{direction}")
            authorize(GroupId=identity, IpPermissions=[_permission(rule) for rule in new[direction]])

    return update


@gone_is_none("InvalidGroup.NotFound")
def _read_group(aws: Aws, identity: str, state: Props) -> Props:
    group = aws.client("ec2").describe_security_groups(GroupIds=[identity])["SecurityGroups"][0]
    inline = {direction: state[direction] for direction in ("ingress", "egress") if state.get(direction)}
    return {
        "arn": ec2_arn(aws, "security-group", identity),
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group["VpcId"],
        "ownerId": aws.account_id,
        "tagsAll": tag_map(group.get("Tags")),
        **inline,
    }


def _delete_group(aws: Aws, identity: str, state: Props) -> None:
    if users := users_of(aws, "securityGroupIds", identity):
        raise ResourceError(f"DependencyViolation: resource {identity} has a dependent object ({', '.join(users)})")
    aws.client("ec2").delete_security_group(GroupId=identity)


_SOURCES = {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId"}


def _create_rule(direction: str) -> Callable[[Aws, Props], str]:
    def create(aws: Aws, inputs: Props) -> str:
        sources: dict[str, Any] = given(
            IpRanges=[given(CidrIp=inputs.get("cidrIpv4"), Description=inputs.get("description"))]
            if inputs.get("cidrIpv4")
            else None,
            Ipv6Ranges=[given(CidrIpv6=inputs.get("cidrIpv6"), Description=inputs.get("description"))]
            if inputs.get("cidrIpv6")
            else None,
            PrefixListIds=[given(PrefixListId=inputs.get("prefixListId"), Description=inputs.get("description"))]
            if inputs.get("prefixListId")
            else None,
            UserIdGroupPairs=[
                given(GroupId=inputs.get("referencedSecurityGroupId"), Description=inputs.get("description"))
            ]
            if inputs.get("referencedSecurityGroupId")
            else None,
        )
        if len(sources) != 1:
            raise ResourceError("exactly one of cidrIpv4, cidrIpv6, prefixListId, referencedSecurityGroupId is needed")
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
        # moto forgets the description of a rule that names a group
        "description": rule.get("Description") or state.get("description"),
        "referencedSecurityGroupId": (rule.get("ReferencedGroupInfo") or {}).get("GroupId"),
        "tagsAll": tag_map(rule.get("Tags")) or (state.get("tagsAll") or {}),
        **{name: rule[member] for name, member in _SOURCES.items() if rule.get(member)},
    }


def _change_rule(direction: str) -> Update:
    def update(aws: Aws, identity: str, new: Props, old: Props) -> None:
        members = {name: new.get(name) for name in ("ipProtocol", "fromPort", "toPort", "description", *_SOURCES)}
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
    changeable = ("ipProtocol", "fromPort", "toPort", "description", "referencedSecurityGroupId", *_SOURCES)
    return Kind(
        f"aws:vpc/{name}:{name[:1].upper()}{name[1:]}",
        _create_rule(direction),
        _read_rule,
        _delete_rule(direction),
        update=dict.fromkeys(changeable, _change_rule(direction)) | {"tags": retag},
    )


KINDS = (
    Kind(
        "aws:ec2/securityGroup:SecurityGroup",
        _create_group,
        _read_group,
        _delete_group,
        _finish_group,
        update={"ingress": _set_rules("ingress"), "egress": _set_rules("egress")} | TAGS,
        naming=Naming(limit=255),
        computed=frozenset({"vpcId", "ingress", "egress"}),
        defaults={"description": "Managed by Pulumi"},
    ),
    _rule_kind("ingress"),
    _rule_kind("egress"),
)
