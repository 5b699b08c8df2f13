"""The state machine: its definition with every name filled in, and the role that may do exactly what the definition
calls.

What a run does is written in definition/run.asl.yaml alone; no decision about a run belongs here.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import definition
from .clean_up import clean_up_after_executions
from .compute import Compute
from .network import Network
from .owner import Owner
from .storage import Storage, run_time_parameters
from .templates import read_data, render, render_output
from .user_data import user_data
from .validation import run_time_rules

# How often one clean-up run tries; few enough for its history, which has room for 25,000 events.
CLEAN_UP_ATTEMPTS = 4
REPORTS = "lustre-batch-reports"


@dataclass(frozen=True)
class Workflow:
    """What users start."""

    state_machine_arn: pulumi.Output[str]


def create_workflow(
    owner: Owner,
    topic: aws.sns.Topic,
    network: Network,
    storage: Storage,
    compute: Compute,
    check_metrics: aws.lambda_.Function,
) -> Workflow:
    """Create the state machine, and what starts a clean-up after an execution that could not do it itself."""
    settings, here = owner.settings, owner.surroundings
    stack_id = topic.name
    log_group = owner.log_group("workflow", "/aws/vendedlogs/states")
    # The SDK's LustreLogCreateConfiguration: the name must begin with /aws/fsx.
    file_system_log_group = owner.log_group("file-systems", "/aws/fsx")
    prefix = settings.bucket_prefix.rstrip("/")
    data_repository_path = pulumi.Output.concat("s3://", storage.bucket_name, "/", f"{prefix}/" if prefix else "")
    values = {
        "AccountId": here.account_id,
        "BatchArn": _service_arn(owner, "batch"),
        "BucketArn": storage.bucket_arn,
        "CheckMetricsFunctionArn": check_metrics.arn,
        "CleanUpAttempts": CLEAN_UP_ATTEMPTS,
        "CleanupTimeoutMinutes": settings.cleanup_timeout_minutes,
        "ComputeEnvironmentArn": compute.compute_environment_arn,
        "DataRepositoryPath": data_repository_path,
        "Ec2Arn": _service_arn(owner, "ec2"),
        "EnvName": settings.env_name,
        "ExecutionArns": here.arn("states", pulumi.Output.concat("execution:", stack_id, ":*")),
        "ExportVerification": settings.export_verification,
        "FileSystemArnPrefix": here.arn("fsx", "file-system/"),
        "FileSystemLogGroupArn": file_system_log_group.arn,
        "FileSystemLogGroupName": file_system_log_group.name,
        "FileSystemSubnetId": network.file_system_subnet_id,
        "FsxArn": _service_arn(owner, "fsx"),
        "JobDefinitionName": stack_id,
        "JobQueueArn": compute.job_queue_arn,
        "JobStartTimeoutMinutes": settings.job_start_timeout_minutes,
        "JobTimeoutMinutes": settings.job_timeout_minutes,
        "LaunchTemplateName": stack_id,
        "ParameterDefaults": pulumi.Output.json_dumps(run_time_parameters(owner, storage.image)),
        "ParameterRules": run_time_rules(settings),
        "ParametersSecretArn": storage.parameters_secret_arn,
        "Partition": here.partition,
        "ProvisioningTimeoutMinutes": settings.provisioning_timeout_minutes,
        "ReportPath": pulumi.Output.concat(data_repository_path, REPORTS),
        "SecurityGroupIds": pulumi.Output.json_dumps(network.security_group_ids),
        "StackId": stack_id,
        "Tags": owner.tags(),
        "TopicArn": topic.arn,
        "UserData": user_data(),
    }
    role, may = owner.role("workflow", "states", _policy(owner, values))
    state_machine = aws.sfn.StateMachine(
        owner.named("workflow"),
        name=stack_id,
        type="STANDARD",
        definition=render_output(json.dumps(definition.read("run")), values),
        role_arn=role.arn,
        logging_configuration={
            "level": "ERROR",
            "include_execution_data": True,
            "log_destination": pulumi.Output.concat(log_group.arn, ":*"),
        },
        tracing_configuration={"enabled": True},
        tags=owner.tags(),
        # Step Functions tries the log's permissions out when the state machine is made.
        opts=owner.child(depends_on=[may]),
    )
    clean_up_after_executions(owner, state_machine)
    return Workflow(state_machine_arn=state_machine.arn)


def _service_arn(owner: Owner, service: str) -> pulumi.Output[str]:
    """``arn:<partition>:<service>:<region>:<account>``, to which policies append the resource."""
    here = owner.surroundings
    return pulumi.Output.concat("arn:", here.partition, f":{service}:", here.region, ":", here.account_id)


def _policy(owner: Owner, values: dict[str, pulumi.Input[object]]) -> pulumi.Output[str]:
    """The workflow's policy, with the use of the customer's key where there is one."""
    policy = render_output(read_data("policies/workflow.json"), values)
    if not owner.settings.kms_key_arn:
        return policy

    def with_key(known: list[str]) -> str:
        document = json.loads(known[0])
        document["Statement"].append(json.loads(render(read_data("policies/kms.json"), {"KmsKeyArn": known[1]})))
        return json.dumps(document)

    return pulumi.Output.all(policy, owner.settings.kms_key_arn).apply(with_key)
