"""Who can reach what: the network that is created."""

from __future__ import annotations

import ipaddress

import pytest
from lustre_batch.network import subnet_ranges

from tests.graph.recording import Graph, record_stack

SUBNET, ROUTE = "aws:ec2/subnet:Subnet", "aws:ec2/route:Route"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"


def test_the_group_lets_in_lustre_from_its_own_members_and_nothing_else(graph: Graph) -> None:
    """FSx guide, file system access control with Amazon VPC: TCP 988 and 1018-1023."""
    rules = graph.all(INGRESS)
    assert sorted((rule.inputs["fromPort"], rule.inputs["toPort"], rule.inputs["ipProtocol"]) for rule in rules) == [
        (988, 988, "tcp"),
        (1018, 1023, "tcp"),
    ]
    for rule in rules:
        assert rule.inputs["referencedSecurityGroupId"] == rule.inputs["securityGroupId"]
        assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule.inputs)


def test_no_rule_stands_in_the_group_itself_where_it_would_fight_the_separate_ones(graph: Graph) -> None:
    assert not {"ingress", "egress"} & set(graph.one("aws:ec2/securityGroup:SecurityGroup").inputs)


def test_the_only_address_range_in_any_rule_is_the_way_out(graph: Graph) -> None:
    ranges = [rule.inputs.get("cidrIpv4") for rule in graph.all(INGRESS) + graph.all(EGRESS)]
    assert [each for each in ranges if each] == ["0.0.0.0/0"]
    egress = graph.one(EGRESS).inputs
    assert (egress["cidrIpv4"], egress["ipProtocol"]) == ("0.0.0.0/0", "-1")


def test_two_public_and_two_private_subnets_share_the_vpcs_range_over_two_zones(graph: Graph) -> None:
    subnets = {subnet.name.removeprefix("autoexport-"): subnet.inputs for subnet in graph.all(SUBNET)}
    assert {name: (each["cidrBlock"], each["availabilityZone"]) for name, each in subnets.items()} == {
        "public-1": ("10.0.0.0/18", "us-east-1a"),
        "public-2": ("10.0.64.0/18", "us-east-1b"),
        "private-1": ("10.0.128.0/18", "us-east-1a"),
        "private-2": ("10.0.192.0/18", "us-east-1b"),
    }


def test_no_subnet_hands_out_public_addresses(graph: Graph) -> None:
    assert [subnet.name for subnet in graph.all(SUBNET) if subnet.inputs.get("mapPublicIpOnLaunch")] == []


@pytest.mark.parametrize("vpc_range", ["10.0.0.0/16", "172.31.4.0/22", "192.168.7.0/24"])
def test_the_four_subnets_never_overlap_and_fill_the_range(vpc_range: str) -> None:
    parts = [ipaddress.IPv4Network(part) for part in subnet_ranges(vpc_range)]
    assert len(parts) == 4
    assert list(ipaddress.collapse_addresses(parts)) == [ipaddress.IPv4Network(vpc_range)]


def test_only_the_public_table_leads_to_the_internet_gateway_and_the_private_one_to_the_nat_gateway(
    graph: Graph,
) -> None:
    public = graph.one(ROUTE, "autoexport-public").inputs
    private = graph.one(ROUTE, "autoexport-private").inputs
    assert public["gatewayId"].startswith("autoexport-internet-")
    assert "natGatewayId" not in public
    assert private["natGatewayId"].startswith("autoexport-nat-")
    assert "gatewayId" not in private
    assert {public["destinationCidrBlock"], private["destinationCidrBlock"]} == {"0.0.0.0/0"}


def test_each_subnet_is_in_the_table_of_its_kind(graph: Graph) -> None:
    pairs = {
        association.name: (association.inputs["subnetId"], association.inputs["routeTableId"])
        for association in graph.all("aws:ec2/routeTableAssociation:RouteTableAssociation")
    }
    assert len(pairs) == 4
    for name, (subnet, table) in pairs.items():
        kind = name.removeprefix("autoexport-").split("-")[0]
        assert subnet.startswith(f"{name}-")
        assert table.startswith(f"autoexport-{kind}-")


def test_one_nat_gateway_stands_in_a_public_subnet(graph: Graph) -> None:
    nat = graph.one("aws:ec2/natGateway:NatGateway").inputs
    assert nat["subnetId"].startswith("autoexport-public-1-")
    assert nat["allocationId"].startswith("eipalloc-")
    assert graph.one("aws:ec2/eip:Eip").inputs["domain"] == "vpc"


def test_bulk_traffic_reaches_s3_through_a_gateway_endpoint_on_both_tables(graph: Graph) -> None:
    endpoint = graph.one("aws:ec2/vpcEndpoint:VpcEndpoint").inputs
    assert endpoint["vpcEndpointType"] == "Gateway"
    assert endpoint["serviceName"] == "com.amazonaws.us-east-1.s3"
    tables = sorted(table.rsplit("-", 2)[0] for table in endpoint["routeTableIds"])
    assert tables == ["autoexport-private", "autoexport-public"]


def test_names_resolve_in_the_vpc_as_the_file_systems_dns_name_needs(graph: Graph) -> None:
    vpc = graph.one("aws:ec2/vpc:Vpc").inputs
    assert (vpc["enableDnsSupport"], vpc["enableDnsHostnames"]) == (True, True)


def test_instances_start_only_in_the_file_systems_zone_unless_asked_to_spread(graph: Graph) -> None:
    """FSx pricing: traffic between an instance and a file system in another zone is billed per GB each way."""

    def subnets(given: Graph) -> list[str]:
        environment = given.one("aws:batch/computeEnvironment:ComputeEnvironment")
        return [subnet.rsplit("-", 2)[0] for subnet in environment.inputs["computeResources"]["subnets"]]

    assert subnets(graph) == ["autoexport-private-1"]
    assert subnets(record_stack({"spreadAcrossZones": "true"})) == ["autoexport-private-1", "autoexport-private-2"]


def test_another_address_range_is_taken_over_by_vpc_and_subnets() -> None:
    graph = record_stack({"vpcCidr": "172.31.4.0/22"})
    assert graph.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "172.31.4.0/22"
    assert sorted(subnet.inputs["cidrBlock"] for subnet in graph.all(SUBNET)) == subnet_ranges("172.31.4.0/22")
