"""The two state machines, with every name filled in, and the roles that may do exactly what their definitions call.

What a run and a clean-up do is written in definition/ alone; no decision about either belongs here.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from . import definition, entries, rules
from .combinations import COMBINATIONS
from .instance_types import image_types, vcpu_quota
from .job_secrets import create_execution_role, readable_secrets
from .lanes import Lanes
from .links import as_folder
from .network import Network
from .owner import Owner, answered
from .policy_room import bucket_arns, no_room_for_a_run
from .prices import prices_a_day
from .storage import Storage, run_time_parameters
from .templates import render_output
from .user_data import user_data
from .validation import instance_offers, run_time_rules, values_of_the_stack

REPORTS = "lustre-batch-reports"
# The Lambda's own: a zero counts when its minute began so long after the job's end (functions/check_metrics).
SETTLE_SECONDS = 15


@dataclass(frozen=True)
class Workflow:
    """What users start, and what cleans up after it."""

    run: aws.sfn.StateMachine
    clean_up: aws.sfn.StateMachine


def run_machine_arn(owner: Owner, topic: aws.sns.Topic) -> pulumi.Output[str]:
    """The ARN of the machine that users start, before it exists."""
    return owner.surroundings.arn("states", pulumi.Output.concat("stateMachine:", topic.name))


def create_workflow(
    owner: Owner,
    topic: aws.sns.Topic,
    network: Network,
    storage: Storage,
    lanes: Lanes,
    check_metrics: aws.lambda_.Function,
) -> Workflow:
    """Create both state machines. Each knows the other by its name, so that neither has to exist first."""
    settings, here = owner.settings, owner.surroundings
    stack_id, tags = topic.name, owner.run_time_tags()
    quota = vcpu_quota(settings.compute_environment_instance_types, settings.compute_environment_type)
    clean_up_name = pulumi.Output.concat(stack_id, "-clean-up")
    # The SDK's LustreLogCreateConfiguration: the name must begin with /aws/fsx.
    file_system_log_group = owner.log_group("file-systems", "/aws/fsx")
    job_log_group, secrets = owner.log_group("jobs", "/aws/batch"), readable_secrets(owner)
    execution_role_arn = create_execution_role(owner, secrets, job_log_group)
    named = owner.judged(
        pulumi.Output.all(settings.input_buckets, settings.job_role_arns, settings.kms_key_arn),
        lambda known: no_room_for_a_run(*known),
    )
    values = {
        "AccountId": here.account_id,
        "BatchArn": _service_arn(owner, "batch"),
        "BucketArn": storage.bucket_arn,
        "BucketName": storage.bucket_name,
        "BucketPrefix": as_folder(settings.bucket_prefix),
        "BytesAnEntry": entries.BYTES_AN_ENTRY,
        "CheckMetricsFunctionArn": check_metrics.arn,
        "CleanUpExecutionArns": here.arn("states", pulumi.Output.concat("execution:", clean_up_name, ":*")),
        "CleanUpMachineArn": here.arn("states", pulumi.Output.concat("stateMachine:", clean_up_name)),
        "CleanupTimeoutMinutes": settings.cleanup_timeout_minutes,
        "ComputeEnvironmentArns": lanes.compute_environment_arns,
        "Ec2Arn": _service_arn(owner, "ec2"),
        "Ec2Configurations": [{"ImageType": each} for each in image_types(settings.compute_environment_instance_types)],
        "EnvName": settings.env_name,
        "ExecutionArnPrefix": here.arn("states", pulumi.Output.concat("execution:", stack_id, ":")),
        "ExecutionArns": here.arn("states", pulumi.Output.concat("execution:", stack_id, ":*")),
        "ExportVerification": settings.export_verification,
        # Unless a name was given for everything.
        "FileSystemName": tags.apply(lambda given: rules.without_taken({"Name": settings.env_name}, given)),
        "FileSystemArnPrefix": here.arn("fsx", "file-system/"),
        "FileSystemLogGroupArn": file_system_log_group.arn,
        "FileSystemLogGroupName": file_system_log_group.name,
        "FileSystemSubnetId": network.file_system_subnet_id,
        "FsxArn": _service_arn(owner, "fsx"),
        "ImagePattern": entries.PATTERNS["image"],
        "InputArns": pulumi.Output.all(here.partition, named).apply(lambda known: bucket_arns(known[0], known[1][0])),
        "InputBuckets": pulumi.Output.json_dumps(settings.input_buckets),
        "InputPattern": entries.PATTERNS["input"],
        "InstanceOffers": instance_offers(settings),
        "JobDefinitionName": stack_id,
        "JobDefinitionPrivileged": settings.job_definition_privileged,
        "JobDefinitionRoom": entries.room(settings.tags),
        "JobExecutionRoleArn": execution_role_arn or "",
        "JobLogGroupName": job_log_group.name,
        "JobQueueArns": lanes.job_queue_arns,
        "JobStartTimeoutMinutes": settings.job_start_timeout_minutes,
        "JobTimeoutMinutes": settings.job_timeout_minutes,
        "KmsKeyArn": settings.kms_key_arn,
        "LaneTimeoutMinutes": settings.lane_timeout_minutes,
        "LanesTableArn": lanes.table_arn,
        "LanesTableName": lanes.table_name,
        "MaxConcurrentRuns": settings.max_concurrent_runs,
        "MetadataHopLimit": settings.compute_environment_metadata_hop_limit,
        "MinvCpus": settings.compute_environment_minv_cpus,
        "NestedExecutionRuleArn": here.arn("events", "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"),
        "ParameterCombinations": list(COMBINATIONS),
        "ParameterDefaults": pulumi.Output.json_dumps(run_time_parameters(owner, storage.image)),
        "ParameterRules": run_time_rules(settings),
        "ParametersSecretArn": storage.parameters_secret_arn,
        "Partition": here.partition,
        "PassableRoleArns": pulumi.Output.all(named, *([execution_role_arn] if execution_role_arn else [])).apply(
            lambda known: [*known[0][1], *known[1:]]
        ),
        "PrefixBytes": rules.PREFIX_BYTES,
        "PrefixPattern": entries.PATTERNS["prefix"],
        "PricesADay": json.dumps(prices_a_day()),
        "ProvisioningTimeoutMinutes": settings.provisioning_timeout_minutes,
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Region": here.region,
        "Reports": REPORTS,
        "RoleArnPattern": entries.PATTERNS["roleArn"],
        "RootVolumeGib": settings.compute_environment_root_volume_gib,
        "RunMachineArn": run_machine_arn(owner, topic),
        "SecurityGroupIds": pulumi.Output.json_dumps(network.security_group_ids),
        "SessionTimeoutMinutes": settings.session_timeout_minutes,
        "SettleSeconds": SETTLE_SECONDS,
        "StackId": stack_id,
        "SecretPattern": entries.PATTERNS["secret"],
        "StackValues": pulumi.Output.json_dumps(values_of_the_stack(settings) | {"jobSecretArns": secrets}),
        "SweepIntervalMinutes": settings.sweep_interval_minutes,
        "TagKeyPattern": entries.PATTERNS["tagKey"],
        "TagValuePattern": entries.PATTERNS["tagValue"],
        "Tags": tags,
        "TopicArn": topic.arn,
        "TooManyBytes": entries.too_many_bytes(entries.room(settings.tags)),
        "UserData": user_data(),
        "UserPattern": entries.PATTERNS["user"],
        "VariablePattern": entries.PATTERNS["variable"],
    }
    # FSx guide, encrypting data at rest: what a persistent file system needs of a key, besides using it.
    may_run = owner.policy_with_key("run", values, "kms_for_file_systems")
    may_clean_up = owner.policy_with_key("clean_up", values)
    return Workflow(
        run=_state_machine(owner, "workflow", stack_id, "run", values, may_run),
        clean_up=_state_machine(owner, "clean-up", clean_up_name, "clean_up", values, may_clean_up),
    )


def _state_machine(
    owner: Owner,
    part: str,
    name: pulumi.Output[str],
    source: str,
    values: dict[str, pulumi.Input[object]],
    policy: pulumi.Output[str],
) -> aws.sfn.StateMachine:
    """One state machine, with its log and its role."""
    log_group = owner.log_group(part, "/aws/vendedlogs/states")
    role, may = owner.role(part, "states", policy)
    return aws.sfn.StateMachine(
        owner.named(part),
        name=name,
        type="STANDARD",
        definition=render_output(json.dumps(definition.read(source)), values),
        role_arn=role.arn,
        logging_configuration={
            "level": "ERROR",
            "include_execution_data": True,
            "log_destination": pulumi.Output.concat(answered("arn of aws.cloudwatch.LogGroup", log_group.arn), ":*"),
        },
        tracing_configuration={"enabled": True},
        # Always said: left out, the provider would keep a key that is no longer wanted (aws_sfn_state_machine).
        encryption_configuration={"type": "CUSTOMER_MANAGED_KMS_KEY", "kms_key_id": key}
        if (key := owner.settings.kms_key_arn)
        else {"type": "AWS_OWNED_KEY"},
        tags=owner.tags(),
        # Step Functions tries the log's permissions out when the state machine is made.
        opts=owner.child(depends_on=[may]),
    )


def _service_arn(owner: Owner, service: str) -> pulumi.Output[str]:
    """``arn:<partition>:<service>:<region>:<account>``, to which policies append the resource."""
    here = owner.surroundings
    return pulumi.Output.concat("arn:", here.partition, f":{service}:", here.region, ":", here.account_id)
