"""Rows of the table for EC2's route tables, routes and VPC endpoints. A row must never take over a
route that something else created."""

from __future__ import annotations

from typing import Any

from .ec2 import TAGS, ec2_arn, tagged
from .kind import Aws, Kind, Props, ResourceError, given, gone_is_none
from .tags import tag_map

# --- Routes ----------------------------------------------------------------------------------------------------------


def _create_route_table(aws: Aws, inputs: Props) -> str:
    table = aws.client("ec2").create_route_table(VpcId=inputs["vpcId"], **tagged("route-table", inputs))["RouteTable"]
    return str(table["RouteTableId"])


def _route_table(aws: Aws, identity: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.client("ec2").describe_route_tables(RouteTableIds=[identity])["RouteTables"][0]
    return found


@gone_is_none("InvalidRouteTableID.NotFound")
def _read_route_table(aws: Aws, identity: str, state: Props) -> Props:
    table = _route_table(aws, identity)
    return {
        "arn": ec2_arn(aws, "route-table", identity),
        "vpcId": table["VpcId"],
        "ownerId": aws.account_id,
        "tagsAll": tag_map(table.get("Tags")),
    }


def _delete_route_table(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ec2").delete_route_table(RouteTableId=identity)


_TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}


def _target(inputs: Props) -> dict[str, str]:
    return {member: inputs[name] for name, member in _TARGETS.items() if inputs.get(name)}


def _create_route(aws: Aws, inputs: Props) -> str:
    table, destination = inputs["routeTableId"], inputs["destinationCidrBlock"]
    if _read_route(aws, "", inputs) is not None:
        raise ResourceError(f"RouteAlreadyExists: the route identified by {destination} already exists in {table}")
    aws.client("ec2").create_route(RouteTableId=table, DestinationCidrBlock=destination, **_target(inputs))
    return f"r-{table}-{destination}"


@gone_is_none("InvalidRouteTableID.NotFound")
def _read_route(aws: Aws, identity: str, state: Props) -> Props | None:
    for route in _route_table(aws, state["routeTableId"])["Routes"]:
        if route.get("DestinationCidrBlock") == state["destinationCidrBlock"]:
            return {
                "routeTableId": state["routeTableId"],
                "destinationCidrBlock": route["DestinationCidrBlock"],
                "state": route.get("State", "active"),
                **{name: route[member] for name, member in _TARGETS.items() if route.get(member)},
            }
    return None


def _replace_route(aws: Aws, identity: str, new: Props, old: Props) -> None:
    aws.client("ec2").replace_route(
        RouteTableId=new["routeTableId"], DestinationCidrBlock=new["destinationCidrBlock"], **_target(new)
    )


def _delete_route(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ec2").delete_route(
        RouteTableId=state["routeTableId"], DestinationCidrBlock=state["destinationCidrBlock"]
    )


def _associate(aws: Aws, inputs: Props) -> str:
    table = aws.client("ec2").associate_route_table(RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"])
    return str(table["AssociationId"])


def _read_association(aws: Aws, identity: str, state: Props) -> Props | None:
    found = aws.client("ec2").describe_route_tables(
        Filters=[{"Name": "association.route-table-association-id", "Values": [identity]}]
    )["RouteTables"]
    for table in found:
        for association in table["Associations"]:
            if association.get("RouteTableAssociationId") == identity:
                return {"routeTableId": table["RouteTableId"], "subnetId": association.get("SubnetId")}
    return None


def _delete_association(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ec2").disassociate_route_table(AssociationId=identity)


# --- Endpoint --------------------------------------------------------------------------------------------------------


# PrivateLink guide, quotas: characters of an endpoint's policy, white space included.
_POLICY_CHARACTERS = 20_480


def _refuse_long_policy(inputs: Props) -> None:
    """In words of our own: those of EC2 are not documented."""
    if (size := len(inputs.get("policy") or "")) > _POLICY_CHARACTERS:
        raise ResourceError(f"the endpoint's policy has {size} characters, more than the {_POLICY_CHARACTERS} allowed")


def _create_endpoint(aws: Aws, inputs: Props) -> str:
    _refuse_long_policy(inputs)
    return str(
        aws.client("ec2").create_vpc_endpoint(
            VpcId=inputs["vpcId"],
            ServiceName=inputs["serviceName"],
            VpcEndpointType=inputs.get("vpcEndpointType", "Gateway"),
            **given(RouteTableIds=inputs.get("routeTableIds"), PolicyDocument=inputs.get("policy")),
            **tagged("vpc-endpoint", inputs),
        )["VpcEndpoint"]["VpcEndpointId"]
    )


@gone_is_none("InvalidVpcEndpointId.NotFound")
def _read_endpoint(aws: Aws, identity: str, state: Props) -> Props | None:
    found = aws.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"]
    if not found or found[0]["State"] in ("deleted", "deleting"):
        return None
    return {
        "arn": ec2_arn(aws, "vpc-endpoint", identity),
        "vpcId": found[0]["VpcId"],
        "serviceName": found[0]["ServiceName"],
        "vpcEndpointType": found[0].get("VpcEndpointType", "Gateway"),
        "routeTableIds": list(found[0].get("RouteTableIds", [])),
        "policy": found[0]["PolicyDocument"],
        "state": found[0]["State"],
        "tagsAll": tag_map(found[0].get("Tags")),
    }


def _set_policy(aws: Aws, identity: str, new: Props, old: Props) -> None:
    # Without a policy the endpoint gets the default one, which allows everything (VPC guide, endpoint policies).
    _refuse_long_policy(new)
    policy = given(PolicyDocument=new.get("policy")) or {"ResetPolicy": True}
    aws.client("ec2").modify_vpc_endpoint(VpcEndpointId=identity, **policy)


def _change_endpoint(aws: Aws, identity: str, new: Props, old: Props) -> None:
    before, after = set(old.get("routeTableIds") or []), set(new.get("routeTableIds") or [])
    aws.client("ec2").modify_vpc_endpoint(
        VpcEndpointId=identity,
        **given(
            AddRouteTableIds=sorted(after - before) or None,
            RemoveRouteTableIds=sorted(before - after) or None,
        ),
    )


def _delete_endpoint(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[identity])


KINDS = (
    Kind("aws:ec2/routeTable:RouteTable", _create_route_table, _read_route_table, _delete_route_table, update=TAGS),
    Kind(
        "aws:ec2/route:Route",
        _create_route,
        _read_route,
        _delete_route,
        update=dict.fromkeys(_TARGETS, _replace_route),
    ),
    Kind("aws:ec2/routeTableAssociation:RouteTableAssociation", _associate, _read_association, _delete_association),
    Kind(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        _create_endpoint,
        _read_endpoint,
        _delete_endpoint,
        update={"routeTableIds": _change_endpoint, "policy": _set_policy} | TAGS,
        computed=frozenset({"routeTableIds", "policy"}),
        documents=frozenset({"policy"}),
        defaults={"vpcEndpointType": "Gateway"},
        unordered=frozenset({"routeTableIds"}),
    ),
)
