"""The parameters: names, defaults, units, bounds and help texts, all in one place.

Everything that names a parameter is derived from here: the stack configuration in Pulumi.yaml, the component's
arguments, the rules by which the state machine checks run-time values, the tables in docs/. This module holds data and
the bounds of single values; it knows neither resources nor where values come from.
"""

import ipaddress
import re
from functools import cache
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel

from .entries import MOST_INPUTS, MOST_JOB_TAGS, PATTERNS, matches, read_entries
from .rules import BUCKET_NAME, IMAGE_LENGTH, IMAGE_PATTERN, check_prefix, read_tags

# SDK CreateFileSystemLustreMetadataConfiguration, Iops.
METADATA_IOPS_STEP: Final = 12_000
METADATA_IOPS_BELOW_IT: Final = (1500, 3000, 6000)
# FSx guide as published in China, "Deployment options": persistent file systems only.
NOT_IN_CHINA: Final = "the AWS regions in China have no scratch file systems of FSx for Lustre"
LISTS_AND_MAPS: Final = (
    "job_definition_command",
    "job_definition_environment",
    "job_definition_secrets",
    "job_definition_ulimits",
    "job_definition_tags",
    "input_prefixes",
)
# The least of what may also be 0, which stands for none: Batch guide, array jobs; SDK JobTimeout,
# attemptDurationSeconds; and what keeps sweeps from following each other at once.
NONE_OR_AT_LEAST: Final = {
    "job_definition_array_size": 2,
    "job_definition_attempt_seconds": 60,
    "sweep_interval_minutes": 15,
}
# What each of a list has to look like: SDK FSx, SubnetId and SecurityGroupId; EC2 guide, AZ IDs; IAM's ARNs.
IDENTIFIERS: Final = {
    "subnet_ids": "subnet-[0-9a-f]{8,}",
    "security_group_ids": "sg-[0-9a-f]{8,}",
    "availability_zone_ids": "[a-z]+[0-9]-az[0-9]+",
    "job_role_arns": PATTERNS["roleArn"],
    "job_secret_arns": PATTERNS["secretArn"],
    "input_buckets": BUCKET_NAME,
}


def _parameter(
    default: Any, help_text: str, *, rule: str = "", run_time: bool = False, composed: bool = False, **bounds: Any
) -> Any:
    """A field: its default, its help text, its bounds, and the rule an error message names when they are broken.

    ``run_time``: a run may override it. ``composed``: the component takes it as another resource's output, too.
    """
    stated: dict[str, Any] = {"rule": rule, "run_time": run_time, "composed": composed}
    return Field(default=default, description=help_text, json_schema_extra=stated, **bounds)


class Settings(BaseModel):
    """What a user can set, in the order of the documentation. Units are in the help texts."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    # ------------------------------------------------------------------ the 21 of the reference system
    env_name: str = _parameter(
        "AutoExport",
        "Environment name: names the file systems, and appears in the subject of notifications.",
        rule="1 to 32 letters, digits or hyphens, starting with a letter",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,31}$",
    )
    auto_export: bool = _parameter(
        True,
        "Export every new, changed and deleted file to the bucket while the job runs. "
        "When false, one export task after the job is the only export.",
        run_time=True,
    )
    delete_lustre: bool = _parameter(
        True, "Delete the file system after the job, once everything on it is in the bucket.", run_time=True
    )
    # SDK CreateDataRepositoryAssociation: supported on 2.12 and 2.15.
    lustre_file_system_type_version: Literal["2.12", "2.15"] = _parameter("2.15", "Lustre version.", run_time=True)
    # SDK CreateFileSystem, StorageCapacity: with SSD every type takes 1200, 2400 and multiples of 2400 GiB.
    lustre_storage_capacity: int = _parameter(
        2400,
        "Storage capacity (GiB).",
        rule="1200, 2400 or a multiple of 2400 (GiB)",
        run_time=True,
        ge=1200,
        le=2_400_000,
    )
    # SDK CreateDataRepositoryAssociation, ImportedFileChunkSize: 1 to 512,000.
    lustre_imported_file_chunk_size: int = _parameter(
        1024,
        "Import chunk size (MiB): the largest part of an imported file that is stored on one disk.",
        run_time=True,
        ge=1,
        le=512_000,
    )
    # ECR API, CreateRepository: repositoryName; 40 characters leave room for the unique suffix.
    ecr_repository_name: str = _parameter(
        "batch-job-with-lustre-auto-export",
        "Name of the image repository to create; it is prefixed with the stack's name and gets a unique suffix.",
        rule="2 to 200 lower-case letters and digits, separated by single hyphens, dots, underscores or slashes",
        pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$",
        min_length=2,
        max_length=200,
    )
    compute_environment_type: Literal["SPOT", "EC2"] = _parameter("SPOT", "Spot or On-Demand instances.")
    compute_environment_allocation_strategy: Literal[
        "BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"
    ] = _parameter("BEST_FIT_PROGRESSIVE", "How Batch chooses instance types.")
    compute_environment_instance_types: list[str] = _parameter(
        ["optimal"],
        "Instance types or families that Batch may launch.",
        rule="a list of at least one instance type or family in lower case, "
        'such as ["optimal"] or ["c7i", "m7i.8xlarge"]',
        min_length=1,
    )
    compute_environment_minv_cpus: int = _parameter(
        0, "vCPUs that keep running even when there are no jobs (0: none).", ge=0, le=100_000
    )
    compute_environment_maxv_cpus: int = _parameter(
        256, "Maximum number of vCPUs running at any time.", ge=1, le=100_000
    )
    compute_environment_desiredv_cpus: int = _parameter(
        0, "Initial number of vCPUs; Batch adjusts it as jobs come and go.", ge=0, le=100_000
    )
    # SDK RetryStrategy: attempts 1 to 10.
    job_definition_retry_attempts: int = _parameter(
        5,
        "Attempts of a job, counting those ended by the loss of their instance (Spot reclaim).",
        run_time=True,
        ge=1,
        le=10,
    )
    job_definition_vcpus: int = _parameter(32, "vCPUs of the job.", run_time=True, ge=1, le=100_000)
    # SDK ResourceRequirement: a job needs at least 4 MiB.
    job_definition_memory: int = _parameter(30000, "Memory of the job (MiB).", run_time=True, ge=4, le=100_000_000)
    wait_for_lustre_creation_seconds: int = _parameter(
        30,
        "Polling interval while the file system and the compute environment are being prepared (s).",
        run_time=True,
        ge=1,
        le=3600,
    )
    wait_for_job_completion_seconds: int = _parameter(
        300,
        "Longest polling interval of a short job (s); a long one is polled after 2 % of the time already waited.",
        run_time=True,
        ge=1,
        le=86_400,
    )
    wait_for_check_metrics_seconds: int = _parameter(
        60,
        "Longest polling interval for the export queue (s), up to 60 s; grows to 5 % of the time already waited.",
        run_time=True,
        ge=1,
        le=3600,
    )
    # FSx guide, metrics: one datapoint a minute. CloudWatch: periods of standard metrics are multiples of 60 s.
    lambda_period_seconds: int = _parameter(
        60,
        "Period of the metric that the Lambda function reads (s).",
        rule="a multiple of 60 from 60 to 3600 (s)",
        run_time=True,
        ge=60,
        le=3600,
        multiple_of=60,
    )
    # A datapoint is readable 1 to 3 minutes after its minute: a shorter window would never hold one that counts.
    lambda_time_diff_minutes: int = _parameter(
        15,
        "How far back the Lambda function reads the metric (min); "
        "with exportVerification: metrics also how long the queue must stay empty.",
        run_time=True,
        ge=5,
        le=1440,
    )

    # ------------------------------------------------------------------ kinds of file systems
    # SDK CreateDataRepositoryAssociation: every type but SCRATCH_1 can be linked to a bucket.
    lustre_deployment_type: Literal["SCRATCH_2", "PERSISTENT_1", "PERSISTENT_2"] = _parameter(
        "SCRATCH_2",
        "Deployment type. Scratch is the cheapest, and a file server that fails takes its data with it; persistent "
        "types replace it within minutes.",
        run_time=True,
    )
    # SDK CreateFileSystemLustreConfiguration, PerUnitStorageThroughput: the values for SSD.
    lustre_per_unit_storage_throughput: Literal[0, 50, 100, 125, 200, 250, 500, 1000] = _parameter(
        0,
        "Throughput of a persistent file system per TiB of its capacity (MB/s/TiB): 50, 100 or 200 with PERSISTENT_1; "
        "125, 250, 500 or 1000 with PERSISTENT_2. 0 with SCRATCH_2, which has 200.",
        run_time=True,
    )
    lustre_data_compression_type: Literal["NONE", "LZ4"] = _parameter(
        "NONE", "Compression of the data on the file system; what arrives in the bucket is the same.", run_time=True
    )
    lustre_metadata_iops: int = _parameter(
        0,
        "Provisioned metadata IOPS, with PERSISTENT_2 and Lustre 2.15; 0: what FSx gives.",
        rule="0, 1500, 3000, 6000, 12000 or a multiple of 12000 up to 192000",
        run_time=True,
        ge=0,
        le=192_000,
    )

    # ------------------------------------------------------------------ the instances
    # amazon-ecs-ami, block_device_size_gb: 30. SDK LaunchTemplateEbsBlockDeviceRequest, VolumeSize: gp3 up to 65,536.
    compute_environment_root_volume_gib: int = _parameter(
        100,
        "Size of an instance's root volume (GiB), which holds the job's image; gp3, encrypted.",
        rule="a whole number from 30 (the size of the AMI) to 65536 (GiB)",
        ge=30,
        le=65_536,
    )
    # EC2 guide, instance metadata options: a container behind Docker's bridge is one hop further away.
    compute_environment_metadata_hop_limit: int = _parameter(
        1,
        "Reach of the instance metadata service (hops). 1: the instance alone; 2: the job's container too, which can "
        "then take the credentials of the instance.",
        rule="1 or 2",
        ge=1,
        le=2,
    )

    # ------------------------------------------------------------------ the job's image
    job_definition_container_image: str = _parameter(
        "",
        "Image of the job, from any registry. Empty: a repository is created and its tag ecrImageTag is used.",
        rule="an image such as registry/name:tag or registry/name@sha256:…, the name in lower case "
        "(at most 255 characters, without https://, spaces and line breaks)",
        run_time=True,
        composed=True,
        pattern=f"^({IMAGE_PATTERN})?$",
        max_length=IMAGE_LENGTH,
    )
    job_definition_command: list[str] = _parameter(
        [],
        "Command of the job; empty: the image's own.",
        rule='a list of strings, such as ["python3", "/app/run.py"]',
        run_time=True,
    )
    job_definition_environment: dict[str, str] = _parameter(
        {},
        "Environment variables of the job. Everyone who may look at the job can read them: no place for passwords.",
        rule='a map of text, such as {"STEPS": "1000"}, with names of letters, digits and _ . - '
        "that begin with a letter or _ and not with AWS_BATCH",
        run_time=True,
    )
    job_definition_secrets: dict[str, str] = _parameter(
        {},
        "Environment variables of the job whose values are secrets: the ARN of a Secrets Manager secret, which a key "
        "of its JSON may follow (:KEY::), or of a Parameter Store parameter. A run may use those that are named here "
        "and in jobSecretArns.",
        rule="a map of names, as in jobDefinitionEnvironment, to ARNs of Secrets Manager secrets (whole, with the six "
        "signs at the end) or Parameter Store parameters",
        run_time=True,
        composed=True,
    )
    job_secret_arns: list[str] = _parameter(
        [],
        "Secrets and parameters that a run may give to its job, besides those of jobDefinitionSecrets; no others can "
        "be read.",
        rule="a list of ARNs of Secrets Manager secrets (whole, with the six signs at the end) or Parameter Store "
        "parameters, each once",
        composed=True,
    )
    # Batch guide, array jobs.
    job_definition_array_size: int = _parameter(
        0,
        "Children of an array job, each with the vCPUs, memory and attempts of the job and its own number in "
        "AWS_BATCH_JOB_ARRAY_INDEX; 0: the job is no array.",
        rule="0, or a whole number from 2 to 10000",
        run_time=True,
        ge=0,
        le=10_000,
    )
    # SDK JobTimeout: at least 60 s. One of that kind is not tried again.
    job_definition_attempt_seconds: int = _parameter(
        0,
        "Longest time of one attempt of the job, after which Batch ends the job (s); 0: as long as jobTimeoutMinutes.",
        rule="0, or a whole number from 60 to 31104000 (s)",
        run_time=True,
        ge=0,
        le=31_104_000,
    )
    job_definition_gpus: int = _parameter(0, "GPUs of the job.", run_time=True, ge=0, le=16)
    job_definition_shared_memory_mib: int = _parameter(
        0, "Size of /dev/shm in the job's container (MiB); 0: Docker's own 64.", run_time=True, ge=0, le=100_000_000
    )
    job_definition_ulimits: list[dict[str, str | int]] = _parameter(
        [],
        "Limits of the job's processes.",
        rule='a list of limits, each once, such as {"name": "memlock", "softLimit": -1, "hardLimit": -1}, of which the '
        "soft one is not above the hard one (-1: unlimited)",
        run_time=True,
    )
    # SDK ECS, ContainerDefinition, user: user, user:group, uid, uid:gid, user:gid, uid:group.
    job_definition_user: str = _parameter(
        "",
        "User that the job runs as; empty: the image's own.",
        rule="a user or user:group by name or number, or empty",
        run_time=True,
        pattern=f"^({PATTERNS['user']})$",
        max_length=255,
    )
    job_definition_tags: dict[str, str] = _parameter(
        {},
        "Tags for the job, its definition and its ECS task, besides those of every resource, which win.",
        rule=f"a map of at most {MOST_JOB_TAGS} tags: keys of up to 128, values of up to 256 of A to Z, a to z, "
        "digits, spaces and _ . : / = + - @; keys must not start with aws: or lustre-batch:, nor differ by case only",
        run_time=True,
    )
    job_definition_privileged: bool = _parameter(
        False, "Give the job's container the rights of root on its instance, which other jobs of the stack may share."
    )
    job_role_arns: list[str] = _parameter(
        [],
        "Roles that a run may give to its job; no others can be passed.",
        rule="a list of ARNs of IAM roles, each once",
        composed=True,
    )
    job_role_arn: str = _parameter(
        "",
        "Role that the job has, one of jobRoleArns; empty: none.",
        rule="the ARN of an IAM role or empty",
        run_time=True,
        composed=True,
        pattern=f"^({PATTERNS['roleArn']})?$",
    )
    # ECR API, PutImage, imageTag: at most 300; Docker takes 128.
    ecr_image_tag: str = _parameter(
        "latest",
        "Tag of the job's image in the repository that is created. With any other than latest a tag that was pushed "
        "once cannot be pushed again.",
        rule="a tag of 1 to 128 letters, digits, underscores, dots or hyphens, such as v1.2",
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
    )

    # ------------------------------------------------------------------ what makes it safe
    export_verification: Literal["task", "metrics"] = _parameter(
        "task",
        "What proves that everything is in the bucket: an export task without failed files (task), "
        "or a full quiet window of the export queue and no logged failure (metrics).",
    )
    max_concurrent_runs: int = _parameter(
        2,
        "Number of runs that may go on side by side, each in a lane of its own: a compute environment with its job "
        "queue, which costs nothing while it is idle. computeEnvironmentMaxvCpus holds for each lane.",
        ge=1,
        le=20,
    )
    # Two weeks of waiting stay far from the 25,000 events of a history (SFN guide, quotas).
    lane_timeout_minutes: int = _parameter(
        1440,
        "Maximum time a run may wait for a lane, or for another run whose results go under the same prefix (min).",
        ge=1,
        le=20_160,
    )
    provisioning_timeout_minutes: int = _parameter(
        60,
        "Maximum wait for a file system, an association or the compute environment to be created, updated or "
        "deleted (min).",
        ge=10,
        le=240,
    )
    job_start_timeout_minutes: int = _parameter(
        120, "Maximum time a job may wait for an instance before it is terminated (min).", ge=5, le=43_200
    )
    job_timeout_minutes: int = _parameter(
        129_600, "Maximum total time of a job before it is terminated (min); the default is 90 days.", ge=5, le=518_400
    )
    session_timeout_minutes: int = _parameter(
        1440,
        "Maximum time a session stays open for the jobs of others before those that are left are terminated (min).",
        ge=1,
        le=20_160,
    )
    cleanup_timeout_minutes: int = _parameter(
        1440, "Maximum wait for the export queue to drain, and for the export task to finish (min).", ge=10, le=10_080
    )
    continue_after_import_failure: bool = _parameter(
        False,
        "Run the job although the listing of the bucket could not be imported completely. "
        "When false, such a run fails with ImportFailed: the job would not see every object.",
        run_time=True,
    )
    # EventBridge Scheduler guide, rate expressions; a sweep leaves alone what is younger than 15 minutes.
    sweep_interval_minutes: int = _parameter(
        60,
        "Interval of the sweep that cleans up after executions which are over and left something (min); 0: no sweep, "
        "and what an outage left behind stays until somebody starts a clean-up.",
        rule="0, or a whole number from 15 to 1440 (min)",
        ge=0,
        le=1440,
    )
    notification_email: str = _parameter(
        "",
        "E-mail address for notifications of failures, kept file systems and reclaims; empty: they go to the "
        "topic only.",
        rule="an e-mail address or empty",
        pattern=r"^$|^[^@\s]+@[^@\s]+\.[^@\s]+$",
    )
    dashboard: bool = _parameter(True, "Create a CloudWatch dashboard of the stack.")
    kept_alarm_hours: int = _parameter(
        24,
        "An alarm rises when a file system has been kept for longer (h); 0: none does. The sweep measures it.",
        rule="0, or a whole number from 1 to 8760 (h)",
        ge=0,
        le=8760,
    )

    # ------------------------------------------------------------------ what exists already
    vpc_id: str = _parameter(
        "",
        "Existing VPC to use; empty: one is created.",
        rule="the id of a VPC (vpc- and at least 8 hexadecimal digits) or empty",
        pattern=r"^$|^vpc-[0-9a-f]{8,}$",  # SDK FSx, VpcId, SubnetId and SecurityGroupId
        composed=True,
    )
    subnet_ids: list[str] = _parameter(
        [],
        "Existing subnets of vpcId; the file system goes into the first. Instances in them have to reach S3 (a gateway "
        "endpoint is enough), and ECR, ECS and CloudWatch Logs, by a NAT gateway, public addresses or interface "
        "endpoints.",
        rule="a list of ids of subnets (subnet- and at least 8 hexadecimal digits), each once",
        composed=True,
    )
    security_group_ids: list[str] = _parameter(
        [],
        "Existing security groups for the file system and the instances (open to each other on TCP 988 and "
        "1018-1023); empty: one is created.",
        rule="a list of ids of security groups (sg- and at least 8 hexadecimal digits), each once",
        composed=True,
    )
    vpc_cidr: str = _parameter(
        "10.0.0.0/16",
        "Address range of the VPC that is created.",
        rule="an IPv4 range of size /16 to /24 that begins at its network address, such as 10.0.0.0/16",
    )
    # EC2 guide, AZ IDs: the same place in every account, unlike names such as us-east-1a.
    availability_zone_ids: list[str] = _parameter(
        [],
        "Availability Zones of the VPC that is created, by their ids; the file system goes into the first. Empty: "
        "the first two that have the instance types. FSx does not say which zones it serves: if it refuses one, "
        "name others.",
        rule="a list of at most two ids of Availability Zones, each once, such as use1-az4 "
        "(not names such as us-east-1a)",
        max_length=2,
    )
    egress: Literal["nat", "public"] = _parameter(
        "nat",
        "How instances in the VPC that is created reach AWS: through a NAT gateway, billed by the hour, or with public "
        "addresses of their own, billed while they run. Either way nothing can reach them from outside.",
    )
    reachable_buckets: list[str] = _parameter(
        [],
        "Buckets of this region that jobs may reach from the VPC that is created, besides the linked one, such as one "
        'with public data; ["*"]: all of them.',
        rule='a list of names of buckets, or ["*"]',
        composed=True,
    )
    vpc_flow_logs: bool = _parameter(
        False, "Log the traffic of the VPC that is created to CloudWatch Logs, which is billed per GB."
    )
    spread_across_zones: bool = _parameter(
        False,
        "Let instances start in every zone of the VPC instead of only in the file system's: more Spot capacity, but "
        "traffic between zones is billed.",
    )
    bucket_name: str = _parameter(
        "",
        "Existing bucket to link; empty: one is created.",
        rule="the name of a bucket, without s3://, or empty",
        pattern=f"^$|^{BUCKET_NAME}$",
        composed=True,
    )
    bucket_prefix: str = _parameter(
        "",
        "Key prefix in the bucket that the file system is linked to.",
        rule="empty, or a key prefix such as runs/today/ or dt=2026-01-31/ "
        "(at most 512 bytes; no leading or double slash, no . or .. as a name, no control characters)",
    )
    key_prefix: str = _parameter(
        "",
        "Key prefix below bucketPrefix that a run links /scratch to: what is there is on the file system, and its "
        "results go there. Empty: bucketPrefix itself.",
        rule="empty, or a key prefix such as runs/today/ or dt=2026-01-31/ (at most 512 bytes; no leading or double "
        "slash, no . or .. as a name, no control characters, no signs beyond U+FFFF)",
        run_time=True,
    )
    # SDK CreateDataRepositoryAssociation: eight associations a file system, of which the results take one.
    input_prefixes: list[str] = _parameter(
        [],
        "Prefixes that a run also links to read from: each is imported once, never exported, and mounted read-only at "
        "/input/ and its own text (without s3://). They may overlap neither each other nor the results (bucketPrefix, "
        "keyPrefix).",
        rule=f"a list of at most {MOST_INPUTS} prefixes, such as reference/ in the stack's own bucket or "
        "s3://bucket/reference/ in another (at most 512 bytes; no leading or double slash, no . or .. as a name, "
        "no control characters, no signs beyond U+FFFF)",
        run_time=True,
    )
    input_buckets: list[str] = _parameter(
        [],
        "Buckets of this region, besides the stack's own, that inputPrefixes may be in.",
        rule="a list of names of buckets, without s3://, each once",
        composed=True,
    )
    permissions_boundary_arn: str = _parameter(
        "",
        "Permissions boundary for every role that is created.",
        rule="the ARN of an IAM policy or empty",
        pattern=r"^$|^arn:[a-z-]+:iam::[0-9a-z]*:policy/.+$",
        composed=True,
    )
    kms_key_arn: str = _parameter(
        "",
        "Customer managed KMS key for whatever takes one: bucket, secret, topic, repository, log groups, state "
        "machines, Lambda functions, table, queue, schedule, and file systems of a persistent type.",
        rule="the ARN of a KMS key (not of an alias) or empty",
        pattern=r"^$|^arn:[a-z-]+:kms:.+:key/.+$",
        composed=True,
    )
    tags: dict[str, str] = _parameter(
        {},
        "Tags for every resource, including those that a run creates.",
        rule="a map of at most 40 tags: keys of up to 128, values of up to 256 letters, digits, spaces and "
        "_ . : / = + - @; keys must not start with aws: or lustre-batch:, nor differ by case only",
    )

    # ------------------------------------------------------------------ keeping
    retain_data_on_destroy: bool = _parameter(
        True, "Keep the created bucket and image repository, with their contents, when the stack is destroyed."
    )
    noncurrent_version_days: int = _parameter(
        30, "Days until replaced or deleted versions of objects expire in the created bucket (d).", ge=1, le=3650
    )
    # CloudWatch Logs API, PutRetentionPolicy: the values it takes.
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653] = (
        _parameter(30, "Retention of logs (d).")
    )

    # ------------------------------------------------------------------ rules for one value
    @field_validator("*", mode="before")
    @classmethod
    def _only_true_and_false_are_booleans(cls, value: Any, info: Any) -> Any:
        """Text is read as the type it stands for; 1, "yes" and the like are refused rather than guessed at."""
        wanted = cls.model_fields[info.field_name].annotation
        if wanted is bool:
            if value in ("true", "false"):
                return value == "true"
            if not isinstance(value, bool):
                raise ValueError("not a boolean")
        if wanted is int and isinstance(value, bool):
            raise ValueError("not a number")
        if wanted is int and isinstance(value, str) and not value.isascii():
            raise ValueError("not a number")
        choices = get_args(wanted)
        if choices and all(isinstance(choice, int) for choice in choices):
            if isinstance(value, bool):
                raise ValueError("not a number")
            if isinstance(value, str) and value.isascii() and value.isdigit():
                return int(value)
        if info.field_name == "lustre_file_system_type_version" and isinstance(value, float):
            return str(value)
        if info.field_name in ("job_definition_user", "key_prefix") and type(value) is int:
            return str(value)
        return value

    @field_validator("lustre_storage_capacity")
    @classmethod
    def _capacity_comes_in_steps(cls, value: int) -> int:
        if value != 1200 and value % 2400:
            raise ValueError("not a step")
        return value

    @field_validator("lustre_metadata_iops")
    @classmethod
    def _metadata_iops_come_in_steps(cls, value: int) -> int:
        if value % METADATA_IOPS_STEP and value not in METADATA_IOPS_BELOW_IT:
            raise ValueError("not a step")
        return value

    @field_validator(*NONE_OR_AT_LEAST)
    @classmethod
    def _it_is_none_or_enough(cls, value: int, info: ValidationInfo) -> int:
        if 0 < value < NONE_OR_AT_LEAST[str(info.field_name)]:
            raise ValueError("too little")
        return value

    @field_validator("vpc_cidr")
    @classmethod
    def _range_is_a_network(cls, value: str) -> str:
        if not 16 <= ipaddress.IPv4Network(value).prefixlen <= 24:
            raise ValueError("not a usable size")
        return value

    @field_validator(*IDENTIFIERS)
    @classmethod
    def _each_is_named_once(cls, value: list[str], info: ValidationInfo) -> list[str]:
        pattern = IDENTIFIERS[str(info.field_name)]
        if len(set(value)) != len(value) or not all(re.fullmatch(pattern, each) for each in value):
            raise ValueError("not identifiers, each once")
        return value

    @field_validator("reachable_buckets")
    @classmethod
    def _buckets_are_names(cls, value: list[str]) -> list[str]:
        if value != ["*"] and not all(re.fullmatch(BUCKET_NAME, name) for name in value):
            raise ValueError("not names of buckets")
        return value

    @field_validator("compute_environment_instance_types")
    @classmethod
    def _instance_types_look_like_some(cls, value: list[str]) -> list[str]:
        if any(not item or item != item.strip().lower() for item in value):
            raise ValueError("not instance types")
        return value

    @field_validator("bucket_prefix")
    @classmethod
    def _prefix_is_one_that_fsx_links(cls, value: str) -> str:
        check_prefix(value)
        return value

    @field_validator("key_prefix")
    @classmethod
    def _prefix_of_a_run_is_one_too(cls, value: str) -> str:
        if not matches("prefix", value):
            raise ValueError("not a prefix")
        return value

    @field_validator(*LISTS_AND_MAPS, mode="before")
    @classmethod
    def _entries_are_what_a_job_takes(cls, value: Any, info: ValidationInfo) -> Any:
        name = str(info.field_name)
        return read_entries(name, value, str(extra(name)["rule"]))

    @field_validator("tags", mode="before")
    @classmethod
    def _tags_are_what_aws_takes(cls, value: Any) -> dict[str, str]:
        return read_tags(value)

    # ------------------------------------------------------------------ what a run may override
    def run_time_values(self) -> dict[str, Any]:
        """The parameters that the secret holds and a run may override, by their camelCase names."""
        return {to_camel(name): getattr(self, name) for name in run_time_names()}


def run_time_names() -> list[str]:
    """The snake_case names of the parameters that can be tuned from run to run, without a deployment."""
    return [name for name in Settings.model_fields if extra(name)["run_time"]]


def lists_and_maps() -> list[str]:
    """The keys of those that a run may choose for its job definition, in order."""
    return [to_camel(name) for name in LISTS_AND_MAPS if name.startswith("job_definition")]


def extra(name: str) -> dict[str, Any]:
    """What a parameter states in addition to its type: ``rule`` (in words), ``run_time`` and ``composed``."""
    stated = Settings.model_fields[name].json_schema_extra
    assert isinstance(stated, dict)
    return stated


@cache
def _shapes() -> dict[str, dict[str, Any]]:
    shapes: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
    return shapes


def shape(name: str) -> dict[str, Any]:
    """The JSON schema of one parameter."""
    return _shapes()[to_camel(name)]
