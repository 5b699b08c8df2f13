"""The component's arguments. Made from settings.py by `make docs`: edit that, not this."""

from typing import Any, Literal

import pulumi

from .arguments import Arguments


class LustreBatchAutoExportArgs(Arguments):
    """Arguments of LustreBatchAutoExport; each has a default, and None stands for it."""

    env_name: str | None = None
    """Environment name: names the file systems, and appears in the subject of notifications. Default:
    "AutoExport"."""
    auto_export: bool | None = None
    """Export every new, changed and deleted file to the bucket while the job runs. When false, one export task
    after the job is the only export. Default: True."""
    delete_lustre: bool | None = None
    """Delete the file system after the job, once everything on it is in the bucket. Default: True."""
    lustre_file_system_type_version: Literal["2.12", "2.15"] | None = None
    """Lustre version. Default: "2.15"."""
    lustre_storage_capacity: int | None = None
    """Storage capacity (GiB). Default: 2400."""
    lustre_imported_file_chunk_size: int | None = None
    """Import chunk size (MiB): the largest part of an imported file that is stored on one disk. Default: 1024."""
    ecr_repository_name: str | None = None
    """Name of the image repository to create; it is prefixed with the stack's name and gets a unique suffix.
    Default: "batch-job-with-lustre-auto-export"."""
    compute_environment_type: Literal["SPOT", "EC2"] | None = None
    """Spot or On-Demand instances. Default: "SPOT"."""
    compute_environment_allocation_strategy: (
        Literal["BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"] | None
    ) = None
    """How Batch chooses instance types. Default: "BEST_FIT_PROGRESSIVE"."""
    compute_environment_instance_types: list[str] | None = None
    """Instance types or families that Batch may launch. Default: ["optimal"]."""
    compute_environment_minv_cpus: int | None = None
    """vCPUs that keep running even when there are no jobs (0: none). Default: 0."""
    compute_environment_maxv_cpus: int | None = None
    """Maximum number of vCPUs running at any time. Default: 256."""
    compute_environment_desiredv_cpus: int | None = None
    """Initial number of vCPUs; Batch adjusts it as jobs come and go. Default: 0."""
    job_definition_retry_attempts: int | None = None
    """Attempts of a job, counting those ended by the loss of their instance (Spot reclaim). Default: 5."""
    job_definition_vcpus: int | None = None
    """vCPUs of the job. Default: 32."""
    job_definition_memory: int | None = None
    """Memory of the job (MiB). Default: 30000."""
    wait_for_lustre_creation_seconds: int | None = None
    """Polling interval while the file system and the compute environment are being prepared (s). Default: 30."""
    wait_for_job_completion_seconds: int | None = None
    """Longest polling interval of a short job (s); a long one is polled after 2 % of the time already waited.
    Default: 300."""
    wait_for_check_metrics_seconds: int | None = None
    """Longest polling interval for the export queue (s), up to 60 s; grows to 5 % of the time already waited.
    Default: 60."""
    lambda_period_seconds: int | None = None
    """Period of the metric that the Lambda function reads (s). Default: 60."""
    lambda_time_diff_minutes: int | None = None
    """How far back the Lambda function reads the metric (min); with exportVerification: metrics also how long the
    queue must stay empty. Default: 15."""
    lustre_deployment_type: Literal["SCRATCH_2", "PERSISTENT_1", "PERSISTENT_2"] | None = None
    """Deployment type. Scratch is the cheapest, and a file server that fails takes its data with it; persistent
    types replace it within minutes. Default: "SCRATCH_2"."""
    lustre_per_unit_storage_throughput: Literal[0, 50, 100, 125, 200, 250, 500, 1000] | None = None
    """Throughput of a persistent file system per TiB of its capacity (MB/s/TiB): 50, 100 or 200 with PERSISTENT_1;
    125, 250, 500 or 1000 with PERSISTENT_2. 0 with SCRATCH_2, which has 200. Default: 0."""
    lustre_data_compression_type: Literal["NONE", "LZ4"] | None = None
    """Compression of the data on the file system; what arrives in the bucket is the same. Default: "NONE"."""
    lustre_metadata_iops: int | None = None
    """Provisioned metadata IOPS, with PERSISTENT_2 and Lustre 2.15; 0: what FSx gives. Default: 0."""
    compute_environment_root_volume_gib: int | None = None
    """Size of an instance's root volume (GiB), which holds the job's image; gp3, encrypted. Default: 100."""
    compute_environment_metadata_hop_limit: int | None = None
    """Reach of the instance metadata service (hops). 1: the instance alone; 2: the job's container too, which can
    then take the credentials of the instance. Default: 1."""
    job_definition_container_image: pulumi.Input[str] | None = None
    """Image of the job, from any registry. Empty: a repository is created and its tag ecrImageTag is used. Default:
    ""."""
    job_definition_command: list[str] | None = None
    """Command of the job; empty: the image's own. Default: []."""
    job_definition_environment: dict[str, str] | None = None
    """Environment variables of the job. Everyone who may look at the job can read them: no place for passwords.
    Default: {}."""
    job_definition_secrets: pulumi.Input[dict[str, pulumi.Input[str]]] | None = None
    """Environment variables of the job whose values are secrets: the ARN of a Secrets Manager secret, which a key
    of its JSON may follow (:KEY::), or of a Parameter Store parameter. A run may use those that are named here
    and in jobSecretArns. Default: {}."""
    job_secret_arns: pulumi.Input[list[pulumi.Input[str]]] | None = None
    """Secrets and parameters that a run may give to its job, besides those of jobDefinitionSecrets; no others can
    be read. Default: []."""
    job_definition_array_size: int | None = None
    """Children of an array job, each with the vCPUs, memory and attempts of the job and its own number in
    AWS_BATCH_JOB_ARRAY_INDEX; 0: the job is no array. Default: 0."""
    job_definition_attempt_seconds: int | None = None
    """Longest time of one attempt of the job, after which Batch ends the job (s); 0: as long as jobTimeoutMinutes.
    Default: 0."""
    job_definition_gpus: int | None = None
    """GPUs of the job. Default: 0."""
    job_definition_shared_memory_mib: int | None = None
    """Size of /dev/shm in the job's container (MiB); 0: Docker's own 64. Default: 0."""
    job_definition_ulimits: list[dict[str, Any]] | None = None
    """Limits of the job's processes. Default: []."""
    job_definition_user: str | None = None
    """User that the job runs as; empty: the image's own. Default: ""."""
    job_definition_tags: dict[str, str] | None = None
    """Tags for the job, its definition and its ECS task, besides those of every resource, which win. Default:
    {}."""
    job_definition_privileged: bool | None = None
    """Give the job's container the rights of root on its instance, which other jobs of the stack may share.
    Default: False."""
    job_role_arns: pulumi.Input[list[pulumi.Input[str]]] | None = None
    """Roles that a run may give to its job; no others can be passed. Default: []."""
    job_role_arn: pulumi.Input[str] | None = None
    """Role that the job has, one of jobRoleArns; empty: none. Default: ""."""
    ecr_image_tag: str | None = None
    """Tag of the job's image in the repository that is created. With any other than latest a tag that was pushed
    once cannot be pushed again. Default: "latest"."""
    export_verification: Literal["task", "metrics"] | None = None
    """What proves that everything is in the bucket: an export task without failed files (task), or a full quiet
    window of the export queue and no logged failure (metrics). Default: "task"."""
    max_concurrent_runs: int | None = None
    """Number of runs that may go on side by side, each in a lane of its own: a compute environment with its job
    queue, which costs nothing while it is idle. computeEnvironmentMaxvCpus holds for each lane. Default: 2."""
    lane_timeout_minutes: int | None = None
    """Maximum time a run may wait for a lane, or for another run whose results go under the same prefix (min).
    Default: 1440."""
    provisioning_timeout_minutes: int | None = None
    """Maximum wait for a file system, an association or the compute environment to be created, updated or deleted
    (min). Default: 60."""
    job_start_timeout_minutes: int | None = None
    """Maximum time a job may wait for an instance before it is terminated (min). Default: 120."""
    job_timeout_minutes: int | None = None
    """Maximum total time of a job before it is terminated (min); the default is 90 days. Default: 129600."""
    session_timeout_minutes: int | None = None
    """Maximum time a session stays open for the jobs of others before those that are left are terminated (min).
    Default: 1440."""
    cleanup_timeout_minutes: int | None = None
    """Maximum wait for the export queue to drain, and for the export task to finish (min). Default: 1440."""
    continue_after_import_failure: bool | None = None
    """Run the job although the listing of the bucket could not be imported completely. When false, such a run fails
    with ImportFailed: the job would not see every object. Default: False."""
    sweep_interval_minutes: int | None = None
    """Interval of the sweep that cleans up after executions which are over and left something (min); 0: no sweep,
    and what an outage left behind stays until somebody starts a clean-up. Default: 60."""
    notification_email: str | None = None
    """E-mail address for notifications of failures, kept file systems and reclaims; empty: they go to the topic
    only. Default: ""."""
    dashboard: bool | None = None
    """Create a CloudWatch dashboard of the stack. Default: True."""
    kept_alarm_hours: int | None = None
    """An alarm rises when a file system has been kept for longer (h); 0: none does. The sweep measures it. Default:
    24."""
    vpc_id: pulumi.Input[str] | None = None
    """Existing VPC to use; empty: one is created. Default: ""."""
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]] | None = None
    """Existing subnets of vpcId; the file system goes into the first. Instances in them have to reach S3 (a gateway
    endpoint is enough), and ECR, ECS and CloudWatch Logs, by a NAT gateway, public addresses or interface
    endpoints. Default: []."""
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]] | None = None
    """Existing security groups for the file system and the instances (open to each other on TCP 988 and 1018-1023);
    empty: one is created. Default: []."""
    vpc_cidr: str | None = None
    """Address range of the VPC that is created. Default: "10.0.0.0/16"."""
    availability_zone_ids: list[str] | None = None
    """Availability Zones of the VPC that is created, by their ids; the file system goes into the first. Empty: the
    first two that have the instance types. FSx does not say which zones it serves: if it refuses one, name
    others. Default: []."""
    egress: Literal["nat", "public"] | None = None
    """How instances in the VPC that is created reach AWS: through a NAT gateway, billed by the hour, or with public
    addresses of their own, billed while they run. Either way nothing can reach them from outside. Default:
    "nat"."""
    reachable_buckets: pulumi.Input[list[pulumi.Input[str]]] | None = None
    """Buckets of this region that jobs may reach from the VPC that is created, besides the linked one, such as one
    with public data; ["*"]: all of them. Default: []."""
    vpc_flow_logs: bool | None = None
    """Log the traffic of the VPC that is created to CloudWatch Logs, which is billed per GB. Default: False."""
    spread_across_zones: bool | None = None
    """Let instances start in every zone of the VPC instead of only in the file system's: more Spot capacity, but
    traffic between zones is billed. Default: False."""
    bucket_name: pulumi.Input[str] | None = None
    """Existing bucket to link; empty: one is created. Default: ""."""
    bucket_prefix: str | None = None
    """Key prefix in the bucket that the file system is linked to. Default: ""."""
    key_prefix: str | None = None
    """Key prefix below bucketPrefix that a run links /scratch to: what is there is on the file system, and its
    results go there. Empty: bucketPrefix itself. Default: ""."""
    input_prefixes: list[str] | None = None
    """Prefixes that a run also links to read from: each is imported once, never exported, and mounted read-only at
    /input/ and its own text (without s3://). They may overlap neither each other nor the results (bucketPrefix,
    keyPrefix). Default: []."""
    input_buckets: pulumi.Input[list[pulumi.Input[str]]] | None = None
    """Buckets of this region, besides the stack's own, that inputPrefixes may be in. Default: []."""
    permissions_boundary_arn: pulumi.Input[str] | None = None
    """Permissions boundary for every role that is created. Default: ""."""
    kms_key_arn: pulumi.Input[str] | None = None
    """Customer managed KMS key for whatever takes one: bucket, secret, topic, repository, log groups, state
    machines, Lambda functions, table, queue, schedule, and file systems of a persistent type. Default: ""."""
    tags: dict[str, str] | None = None
    """Tags for every resource, including those that a run creates. Default: {}."""
    retain_data_on_destroy: bool | None = None
    """Keep the created bucket and image repository, with their contents, when the stack is destroyed. Default:
    True."""
    noncurrent_version_days: int | None = None
    """Days until replaced or deleted versions of objects expire in the created bucket (d). Default: 30."""
    log_retention_days: (
        Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653] | None
    ) = None
    """Retention of logs (d). Default: 30."""
