"""Everything that a stack of this project could leave behind, as the account itself reports it."""

from __future__ import annotations

from typing import Any

from rehearsal.aws.account import Account

# Service, operation, the member of the answer that holds the list, the member of an item that holds its id.
_LISTS = (
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("secretsmanager", "list_secrets", "SecretList", "ARN"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("events", "list_rules", "Rules", "Name"),
    ("stepfunctions", "list_state_machines", "stateMachines", "stateMachineArn"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmArn"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("scheduler", "list_schedules", "Schedules", "Arn"),
)


def inventory(account: Account) -> set[str]:
    """The ids of everything that exists now."""
    found = {
        f"{service} {item[key]}"
        for service, operation, where, key in _LISTS
        for item in getattr(account.client(service), operation)()[where]
        if not item.get("Path", "").startswith("/aws-service-role/")  # they are the services', and stay
    }
    ec2, batch = account.client("ec2"), account.client("batch")
    found |= _alive("ec2", ec2.describe_nat_gateways()["NatGateways"], "NatGatewayId", "State", "deleted")
    found |= _alive("ec2", ec2.describe_vpc_endpoints()["VpcEndpoints"], "VpcEndpointId", "State", "deleted")
    environments = batch.describe_compute_environments()["computeEnvironments"]
    found |= _alive("batch", environments, "computeEnvironmentName", "status", "DELETED")
    found |= _alive("batch", batch.describe_job_queues()["jobQueues"], "jobQueueName", "status", "DELETED")
    found |= {f"dynamodb {name}" for name in account.client("dynamodb").list_tables()["TableNames"]}
    found |= {f"sqs {url}" for url in account.client("sqs").list_queues().get("QueueUrls", [])}
    return found


def _alive(service: str, items: list[dict[str, Any]], key: str, state: str, gone: str) -> set[str]:
    return {f"{service} {item[key]}" for item in items if item[state] != gone}
