"""Who can reach what: the network that is created."""

from __future__ import annotations

import ipaddress
import json
import re

import pulumi
import pytest
from lustre_batch.instance_types import patterns
from lustre_batch.network import subnet_ranges
from lustre_batch.zones import ranked

from tests.graph.recording import Graph, Mocks, record_stack

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
    assert {name: (each["cidrBlock"], each["availabilityZoneId"]) for name, each in subnets.items()} == {
        "public-1": ("10.0.0.0/18", "use1-az6"),
        "public-2": ("10.0.64.0/18", "use1-az1"),
        "private-1": ("10.0.128.0/18", "use1-az6"),
        "private-2": ("10.0.192.0/18", "use1-az1"),
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
        environment = given.all("aws:batch/computeEnvironment:ComputeEnvironment")[0]
        return [subnet.rsplit("-", 2)[0] for subnet in environment.inputs["computeResources"]["subnets"]]

    assert subnets(graph) == ["autoexport-private-1"]
    assert subnets(record_stack({"spreadAcrossZones": "true"})) == ["autoexport-private-1", "autoexport-private-2"]


# ---------------------------------------------------------------------- zones
def zones(graph: Graph) -> dict[str, str]:
    return {
        subnet.name.removeprefix("autoexport-"): subnet.inputs["availabilityZoneId"] for subnet in graph.all(SUBNET)
    }


def test_a_zone_without_the_instance_types_is_passed_over() -> None:
    graph = record_stack(mocks=Mocks(lacking=("use1-az6",)))
    assert zones(graph)["private-1"] == "use1-az1"
    assert zones(graph)["private-2"] == "use1-az2"


def test_zones_come_in_the_order_of_what_they_lack_of_the_types_and_families_that_are_named() -> None:
    offers = {
        "a": {"c7i.large"},
        "b": {"c7i.metal", "m7i.8xlarge"},
        "c": set[str](),
        "d": {"c7i.xlarge", "m7i.8xlarge"},
    }
    assert ranked(list(offers), patterns(["c7i", "m7i.8xlarge"]), offers) == ["b", "d", "a", "c"]


def test_what_batch_takes_for_a_name_is_what_ec2_is_asked_for() -> None:
    assert patterns(["c7i", "m7i.8xlarge", "c7i"]) == ["c7i.*", "m7i.8xlarge"]
    assert patterns(["optimal"]) == patterns(["default_x86_64"]) == ["m6i.*", "c6i.*", "r6i.*", "c7i.*"]
    assert patterns(["default_arm64"]) == ["m6g.*", "c6g.*", "r6g.*", "c7g.*"]


def test_the_zones_that_are_named_are_taken_in_their_order_and_moving_means_another_network() -> None:
    graph = record_stack({"availabilityZoneIds": '["use1-az2", "use1-az1"]'})
    assert zones(graph) == {
        "public-1": "use1-az2",
        "private-1": "use1-az2",
        "public-2": "use1-az1",
        "private-2": "use1-az1",
    }
    assert [subnet.ignore_changes for subnet in graph.all(SUBNET)] == [[]] * 4
    vpc = graph.one("aws:ec2/vpc:Vpc")
    assert vpc.inputs["tags"]["AvailabilityZoneIds"] == "use1-az2 use1-az1"
    assert vpc.replace_on_changes == ["tags.AvailabilityZoneIds"]


def test_one_zone_is_enough_and_has_one_subnet_of_each_kind() -> None:
    graph = record_stack({"availabilityZoneIds": '["use1-az2"]'})
    assert zones(graph) == {"public-1": "use1-az2", "private-1": "use1-az2"}


@pytest.mark.parametrize(
    ("config", "mocks", "message"),
    [
        (
            {"availabilityZoneIds": '["use1-az9"]'},
            Mocks(),
            "availabilityZoneIds: use1-az9 is not an Availability Zone that this account has here: "
            "use1-az6, use1-az1, use1-az2",
        ),
        (
            {"availabilityZoneIds": '["use1-az1", "use1-az2"]', "computeEnvironmentInstanceTypes": '["c7i"]'},
            Mocks(lacking=("use1-az1",)),
            'computeEnvironmentInstanceTypes: ["c7i"] cannot be had in use1-az1',
        ),
        (
            {"computeEnvironmentInstanceTypes": '["hpc7g"]'},
            Mocks(lacking=Mocks.zones),
            'computeEnvironmentInstanceTypes: ["hpc7g"] cannot be had in use1-az6, use1-az1, use1-az2',
        ),
        (
            {},
            Mocks(zones=("use1-az1",)),
            "availabilityZoneIds: [] is not enough where there is only one Availability Zone: name it (use1-az1)",
        ),
    ],
)
def test_zones_that_cannot_work_are_refused_in_the_preview(config: dict[str, str], mocks: Mocks, message: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        record_stack(config, mocks=mocks, preview=True)
    assert str(refused.value) == message


# ---------------------------------------------------------------------- the way out
@pytest.fixture(scope="module")
def public() -> Graph:
    return record_stack({"egress": "public"})


def test_with_public_egress_nothing_is_billed_by_the_hour_and_instances_have_addresses(public: Graph) -> None:
    assert public.all("aws:ec2/natGateway:NatGateway") == public.all("aws:ec2/eip:Eip") == []
    mapping = {subnet.name: subnet.inputs.get("mapPublicIpOnLaunch") for subnet in public.all(SUBNET)}
    assert {name for name, maps in mapping.items() if maps} == {"autoexport-public-1", "autoexport-public-2"}
    (used,) = public.all("aws:batch/computeEnvironment:ComputeEnvironment")[0].inputs["computeResources"]["subnets"]
    assert used.startswith("autoexport-public-1-")
    assert [route.name for route in public.all(ROUTE)] == ["autoexport-public"]


def test_with_public_egress_the_file_system_stays_where_nothing_leads_in_or_out(public: Graph) -> None:
    """Beside the instances: traffic between zones is billed."""
    definition = json.loads(public.one("aws:sfn/stateMachine:StateMachine", "autoexport-workflow").inputs["definition"])
    (created,) = [
        state["Arguments"]
        for state in definition["States"].values()
        if state.get("Resource", "").endswith(":createFileSystem")
    ]
    assert re.search(r"'SubnetIds': \['autoexport-private-1-[0-9a-f]+-id'\]", created)
    subnets = {subnet.name: subnet.inputs["availabilityZoneId"] for subnet in public.all(SUBNET)}
    assert subnets["autoexport-private-1"] == subnets["autoexport-public-1"]
    assert public.one(ROUTE).inputs["routeTableId"].startswith("autoexport-public-")


def test_no_rule_lets_anything_in_but_lustre_among_members_whichever_the_way_out(graph: Graph, public: Graph) -> None:
    def rules(given: Graph) -> list[dict[str, object]]:
        return [rule.inputs for kind in (INGRESS, EGRESS) for rule in given.all(kind)]

    assert rules(public) == rules(graph)


def test_the_group_that_comes_with_the_vpc_lets_nothing_in_or_out(graph: Graph) -> None:
    """The provider takes over the group, and leaves the rules that are named: none."""
    group = graph.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").inputs
    assert group["vpcId"].startswith("autoexport-vpc-")
    assert not {"ingress", "egress"} & set(group)


def statements(graph: Graph) -> dict[str, dict[str, object]]:
    policy = json.loads(graph.one("aws:ec2/vpcEndpoint:VpcEndpoint").inputs["policy"])
    return {each.pop("Sid"): each for each in policy["Statement"]}


def test_s3_is_reached_as_far_as_images_packages_and_the_linked_bucket(graph: Graph) -> None:
    """ECR guide, "Minimum Amazon S3 bucket permissions for Amazon ECR"; Amazon Linux 2023's repository."""
    read = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    bucket = f"arn:aws:s3:::{graph.exports['bucketName']}"
    assert statements(graph) == {
        "PullImages": {**read, "Resource": "arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"},
        "InstallPackages": {**read, "Resource": "arn:aws:s3:::al2023-repos-us-east-1-de612dc2/*"},
        "UseBucketsOfJobs": {**read, "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]},
    }


def test_jobs_reach_the_buckets_that_are_named_as_well() -> None:
    graph = record_stack({"bucketName": "results", "reachableBuckets": '["genomes"]'})
    assert statements(graph)["UseBucketsOfJobs"]["Resource"] == [
        "arn:aws:s3:::results",
        "arn:aws:s3:::results/*",
        "arn:aws:s3:::genomes",
        "arn:aws:s3:::genomes/*",
    ]
    everything = statements(record_stack({"reachableBuckets": '["*"]'}))["UseBucketsOfJobs"]["Resource"]
    assert isinstance(everything, list)
    assert "arn:aws:s3:::*" in everything


def test_traffic_is_logged_only_on_request_by_a_role_that_writes_to_that_log_alone(graph: Graph) -> None:
    kind = "aws:ec2/flowLog:FlowLog"
    assert graph.all(kind) == []
    logged = record_stack({"vpcFlowLogs": "true", "logRetentionDays": "7"})
    flow_log = logged.one(kind).inputs
    assert flow_log["trafficType"] == "ALL"
    assert flow_log["vpcId"].startswith("autoexport-vpc-")
    group = logged.one("aws:cloudwatch/logGroup:LogGroup", "autoexport-flow-logs").inputs
    assert (group["namePrefix"], group["retentionInDays"]) == ("/aws/vpc/autoexport-", 7)
    trust = logged.one("aws:iam/role:Role", "autoexport-flow-logs").inputs["assumeRolePolicy"]
    (statement,) = json.loads(trust)["Statement"]
    assert statement["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    policy = logged.one("aws:iam/rolePolicy:RolePolicy", "autoexport-flow-logs")
    write, find = json.loads(policy.inputs["policy"])["Statement"]
    assert write["Resource"] == [flow_log["logDestination"], f"{flow_log['logDestination']}:*"]
    assert find["Action"] == "logs:DescribeLogGroups"
    assert policy.urn in logged.one(kind).depends_on


def test_another_address_range_is_taken_over_by_vpc_and_subnets() -> None:
    graph = record_stack({"vpcCidr": "172.31.4.0/22"})
    assert graph.one("aws:ec2/vpc:Vpc").inputs["cidrBlock"] == "172.31.4.0/22"
    assert sorted(subnet.inputs["cidrBlock"] for subnet in graph.all(SUBNET)) == subnet_ranges("172.31.4.0/22")
