"""Rows of the table for EC2's flow logs."""

from __future__ import annotations

from .ec2 import TAGS, ec2_arn, tagged
from .kind import Aws, Enumeration, Kind, Props, ResourceError
from .tags import tag_map


def _create(aws: Aws, inputs: Props) -> str:
    answer = aws.client("ec2").create_flow_logs(
        ResourceType="VPC",
        ResourceIds=[inputs["vpcId"]],
        TrafficType=inputs["trafficType"],
        LogDestinationType=inputs["logDestinationType"],
        LogDestination=inputs["logDestination"],
        DeliverLogsPermissionArn=inputs["iamRoleArn"],
        MaxAggregationInterval=int(inputs["maxAggregationInterval"]),
        **tagged("vpc-flow-log", inputs),
    )
    if answer["Unsuccessful"]:
        raise ResourceError(answer["Unsuccessful"][0]["Error"]["Message"])
    return str(answer["FlowLogIds"][0])


def _read(aws: Aws, identity: str, state: Props) -> Props | None:
    found = aws.client("ec2").describe_flow_logs(FlowLogIds=[identity])["FlowLogs"]
    if not found:
        return None
    return {
        "arn": ec2_arn(aws, "vpc-flow-log", identity),
        "vpcId": found[0]["ResourceId"],
        "trafficType": found[0]["TrafficType"],
        "logDestinationType": found[0]["LogDestinationType"],
        "logDestination": state.get("logDestination"),  # moto keeps only the name of a group
        "iamRoleArn": found[0]["DeliverLogsPermissionArn"],
        "maxAggregationInterval": found[0]["MaxAggregationInterval"],
        "tagsAll": tag_map(found[0].get("Tags")),
    }


def _delete(aws: Aws, identity: str, state: Props) -> None:
    aws.client("ec2").delete_flow_logs(FlowLogIds=[identity])


KINDS = (
    Kind(
        "aws:ec2/flowLog:FlowLog",
        _create,
        _read,
        _delete,
        update=TAGS,
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        enumerations={"trafficType": Enumeration("ec2", "TrafficType")},
    ),
)
