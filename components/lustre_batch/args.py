"""The component's arguments. Made from settings.py by `make docs`: edit that, not this."""

import pulumi


class LustreBatchAutoExportArgs:
    """Arguments of LustreBatchAutoExport; each has a default, and None stands for it."""

    env_name: str | None
    """Environment name: names the file systems, and appears in the subject of notifications. Default:
    "AutoExport"."""
    auto_export: bool | None
    """Export every new, changed and deleted file to the bucket while the job runs. When false, one export task
    after the job is the only export. Default: True."""
    delete_lustre: bool | None
    """Delete the file system after the job, once everything on it is in the bucket. Default: True."""
    lustre_file_system_type_version: str | None
    """Lustre version. Default: "2.15"."""
    lustre_storage_capacity: int | None
    """Storage capacity (GiB). Default: 2400."""
    lustre_imported_file_chunk_size: int | None
    """Import chunk size (MiB): the largest part of an imported file that is stored on one disk. Default: 1024."""
    ecr_repository_name: str | None
    """Name of the image repository to create; it is prefixed with the stack's name and gets a unique suffix.
    Default: "batch-job-with-lustre-auto-export"."""
    compute_environment_type: str | None
    """Spot or On-Demand instances. Default: "SPOT"."""
    compute_environment_allocation_strategy: str | None
    """How Batch chooses instance types. Default: "BEST_FIT_PROGRESSIVE"."""
    compute_environment_instance_types: list[str] | None
    """Instance types or families that Batch may launch. Default: ["optimal"]."""
    compute_environment_minv_cpus: int | None
    """vCPUs that keep running even when there are no jobs (0: none). Default: 0."""
    compute_environment_maxv_cpus: int | None
    """Maximum number of vCPUs running at any time. Default: 256."""
    compute_environment_desiredv_cpus: int | None
    """Initial number of vCPUs; Batch adjusts it as jobs come and go. Default: 0."""
    job_definition_retry_attempts: int | None
    """Attempts of a job, counting those ended by the loss of their instance (Spot reclaim). Default: 5."""
    job_definition_vcpus: int | None
    """vCPUs of the job. Default: 32."""
    job_definition_memory: int | None
    """Memory of the job (MiB). Default: 30000."""
    wait_for_lustre_creation_seconds: int | None
    """Polling interval while the file system and the compute environment are being prepared (s). Default: 30."""
    wait_for_job_completion_seconds: int | None
    """Longest polling interval of a short job (s); a long one is polled after 2 % of the time already waited.
    Default: 300."""
    wait_for_check_metrics_seconds: int | None
    """Longest polling interval for the export queue (s), up to 60 s; grows to 5 % of the time already waited.
    Default: 60."""
    lambda_period_seconds: int | None
    """Period of the metric that the Lambda function reads (s). Default: 60."""
    lambda_time_diff_minutes: int | None
    """How far back the Lambda function reads the metric (min); with exportVerification: metrics also how long the
    queue must stay empty. Default: 15."""
    lustre_deployment_type: str | None
    """Deployment type. Scratch is the cheapest, and a file server that fails takes its data with it; persistent
    types replace it within minutes. Default: "SCRATCH_2"."""
    lustre_per_unit_storage_throughput: int | None
    """Throughput of a persistent file system per TiB of its capacity (MB/s/TiB): 50, 100 or 200 with PERSISTENT_1;
    125, 250, 500 or 1000 with PERSISTENT_2. 0 with SCRATCH_2, which has 200. Default: 0."""
    lustre_data_compression_type: str | None
    """Compression of the data on the file system; what arrives in the bucket is the same. Default: "NONE"."""
    lustre_metadata_iops: int | None
    """Provisioned metadata IOPS, with PERSISTENT_2 and Lustre 2.15; 0: what FSx gives. Default: 0."""
    compute_environment_root_volume_gib: int | None
    """Size of an instance's root volume (GiB), which holds the job's image; gp3, encrypted. Default: 100."""
    compute_environment_metadata_hop_limit: int | None
    """Reach of the instance metadata service (hops). 1: the instance alone; 2: the job's container too, which can
    then take the credentials of the instance. Default: 1."""
    job_definition_container_image: pulumi.Input[str] | None
    """Image of the job, from any registry. Empty: a repository is created and its tag ecrImageTag is used. Default:
    ""."""
    ecr_image_tag: str | None
    """Tag of the job's image in the repository that is created. With any other than latest a tag that was pushed
    once cannot be pushed again. Default: "latest"."""
    export_verification: str | None
    """What proves that everything is in the bucket: an export task without failed files (task), or a full quiet
    window of the export queue and no logged failure (metrics). Default: "task"."""
    provisioning_timeout_minutes: int | None
    """Maximum wait for a file system, an association or the compute environment to be created, updated or deleted
    (min). Default: 60."""
    job_start_timeout_minutes: int | None
    """Maximum time a job may wait for an instance before it is terminated (min). Default: 120."""
    job_timeout_minutes: int | None
    """Maximum total time of a job before it is terminated (min); the default is 90 days. Default: 129600."""
    cleanup_timeout_minutes: int | None
    """Maximum wait for the export queue to drain, and for the export task to finish (min). Default: 1440."""
    continue_after_import_failure: bool | None
    """Run the job although the listing of the bucket could not be imported completely. When false, such a run fails
    with ImportFailed: the job would not see every object. Default: False."""
    sweep_interval_minutes: int | None
    """Interval of the sweep that cleans up after executions which are over and left something (min); 0: no sweep,
    and what an outage left behind stays until somebody starts a clean-up. Default: 60."""
    notification_email: str | None
    """E-mail address for notifications of failures, kept file systems and reclaims; empty: they go to the topic
    only. Default: ""."""
    vpc_id: pulumi.Input[str] | None
    """Existing VPC to use; empty: one is created. Default: ""."""
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]] | None
    """Existing subnets of vpcId; the file system goes into the first. Instances in them have to reach S3 (a gateway
    endpoint is enough), and ECR, ECS and CloudWatch Logs, by a NAT gateway, public addresses or interface
    endpoints. Default: []."""
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]] | None
    """Existing security groups for the file system and the instances (open to each other on TCP 988 and 1018-1023);
    empty: one is created. Default: []."""
    vpc_cidr: str | None
    """Address range of the VPC that is created. Default: "10.0.0.0/16"."""
    availability_zone_ids: list[str] | None
    """Availability Zones of the VPC that is created, by their ids; the file system goes into the first. Empty: the
    first two that have the instance types. FSx does not say which zones it serves: if it refuses one, name
    others. Default: []."""
    egress: str | None
    """How instances in the VPC that is created reach AWS: through a NAT gateway, billed by the hour, or with public
    addresses of their own, billed while they run. Either way nothing can reach them from outside. Default:
    "nat"."""
    reachable_buckets: pulumi.Input[list[pulumi.Input[str]]] | None
    """Buckets of this region that jobs may reach from the VPC that is created, besides the linked one, such as one
    with public data; ["*"]: all of them. Default: []."""
    vpc_flow_logs: bool | None
    """Log the traffic of the VPC that is created to CloudWatch Logs, which is billed per GB. Default: False."""
    spread_across_zones: bool | None
    """Let instances start in every zone of the VPC instead of only in the file system's: more Spot capacity, but
    traffic between zones is billed. Default: False."""
    bucket_name: pulumi.Input[str] | None
    """Existing bucket to link; empty: one is created. Default: ""."""
    bucket_prefix: str | None
    """Key prefix in the bucket that the file system is linked to. Default: ""."""
    permissions_boundary_arn: pulumi.Input[str] | None
    """Permissions boundary for every role that is created. Default: ""."""
    kms_key_arn: pulumi.Input[str] | None
    """Customer managed KMS key for whatever takes one: bucket, secret, topic, repository, log groups, state
    machines, Lambda functions, table, queue, schedule, and file systems of a persistent type. Default: ""."""
    tags: dict[str, str] | None
    """Tags for every resource, including those that a run creates. Default: {}."""
    retain_data_on_destroy: bool | None
    """Keep the created bucket and image repository, with their contents, when the stack is destroyed. Default:
    True."""
    noncurrent_version_days: int | None
    """Days until replaced or deleted versions of objects expire in the created bucket (d). Default: 30."""
    log_retention_days: int | None
    """Retention of logs (d). Default: 30."""

    def __init__(
        self,
        *,
        env_name: str | None = None,
        auto_export: bool | None = None,
        delete_lustre: bool | None = None,
        lustre_file_system_type_version: str | None = None,
        lustre_storage_capacity: int | None = None,
        lustre_imported_file_chunk_size: int | None = None,
        ecr_repository_name: str | None = None,
        compute_environment_type: str | None = None,
        compute_environment_allocation_strategy: str | None = None,
        compute_environment_instance_types: list[str] | None = None,
        compute_environment_minv_cpus: int | None = None,
        compute_environment_maxv_cpus: int | None = None,
        compute_environment_desiredv_cpus: int | None = None,
        job_definition_retry_attempts: int | None = None,
        job_definition_vcpus: int | None = None,
        job_definition_memory: int | None = None,
        wait_for_lustre_creation_seconds: int | None = None,
        wait_for_job_completion_seconds: int | None = None,
        wait_for_check_metrics_seconds: int | None = None,
        lambda_period_seconds: int | None = None,
        lambda_time_diff_minutes: int | None = None,
        lustre_deployment_type: str | None = None,
        lustre_per_unit_storage_throughput: int | None = None,
        lustre_data_compression_type: str | None = None,
        lustre_metadata_iops: int | None = None,
        compute_environment_root_volume_gib: int | None = None,
        compute_environment_metadata_hop_limit: int | None = None,
        job_definition_container_image: pulumi.Input[str] | None = None,
        ecr_image_tag: str | None = None,
        export_verification: str | None = None,
        provisioning_timeout_minutes: int | None = None,
        job_start_timeout_minutes: int | None = None,
        job_timeout_minutes: int | None = None,
        cleanup_timeout_minutes: int | None = None,
        continue_after_import_failure: bool | None = None,
        sweep_interval_minutes: int | None = None,
        notification_email: str | None = None,
        vpc_id: pulumi.Input[str] | None = None,
        subnet_ids: pulumi.Input[list[pulumi.Input[str]]] | None = None,
        security_group_ids: pulumi.Input[list[pulumi.Input[str]]] | None = None,
        vpc_cidr: str | None = None,
        availability_zone_ids: list[str] | None = None,
        egress: str | None = None,
        reachable_buckets: pulumi.Input[list[pulumi.Input[str]]] | None = None,
        vpc_flow_logs: bool | None = None,
        spread_across_zones: bool | None = None,
        bucket_name: pulumi.Input[str] | None = None,
        bucket_prefix: str | None = None,
        permissions_boundary_arn: pulumi.Input[str] | None = None,
        kms_key_arn: pulumi.Input[str] | None = None,
        tags: dict[str, str] | None = None,
        retain_data_on_destroy: bool | None = None,
        noncurrent_version_days: int | None = None,
        log_retention_days: int | None = None,
    ) -> None:
        self.env_name = env_name
        self.auto_export = auto_export
        self.delete_lustre = delete_lustre
        self.lustre_file_system_type_version = lustre_file_system_type_version
        self.lustre_storage_capacity = lustre_storage_capacity
        self.lustre_imported_file_chunk_size = lustre_imported_file_chunk_size
        self.ecr_repository_name = ecr_repository_name
        self.compute_environment_type = compute_environment_type
        self.compute_environment_allocation_strategy = compute_environment_allocation_strategy
        self.compute_environment_instance_types = compute_environment_instance_types
        self.compute_environment_minv_cpus = compute_environment_minv_cpus
        self.compute_environment_maxv_cpus = compute_environment_maxv_cpus
        self.compute_environment_desiredv_cpus = compute_environment_desiredv_cpus
        self.job_definition_retry_attempts = job_definition_retry_attempts
        self.job_definition_vcpus = job_definition_vcpus
        self.job_definition_memory = job_definition_memory
        self.wait_for_lustre_creation_seconds = wait_for_lustre_creation_seconds
        self.wait_for_job_completion_seconds = wait_for_job_completion_seconds
        self.wait_for_check_metrics_seconds = wait_for_check_metrics_seconds
        self.lambda_period_seconds = lambda_period_seconds
        self.lambda_time_diff_minutes = lambda_time_diff_minutes
        self.lustre_deployment_type = lustre_deployment_type
        self.lustre_per_unit_storage_throughput = lustre_per_unit_storage_throughput
        self.lustre_data_compression_type = lustre_data_compression_type
        self.lustre_metadata_iops = lustre_metadata_iops
        self.compute_environment_root_volume_gib = compute_environment_root_volume_gib
        self.compute_environment_metadata_hop_limit = compute_environment_metadata_hop_limit
        self.job_definition_container_image = job_definition_container_image
        self.ecr_image_tag = ecr_image_tag
        self.export_verification = export_verification
        self.provisioning_timeout_minutes = provisioning_timeout_minutes
        self.job_start_timeout_minutes = job_start_timeout_minutes
        self.job_timeout_minutes = job_timeout_minutes
        self.cleanup_timeout_minutes = cleanup_timeout_minutes
        self.continue_after_import_failure = continue_after_import_failure
        self.sweep_interval_minutes = sweep_interval_minutes
        self.notification_email = notification_email
        self.vpc_id = vpc_id
        self.subnet_ids = subnet_ids
        self.security_group_ids = security_group_ids
        self.vpc_cidr = vpc_cidr
        self.availability_zone_ids = availability_zone_ids
        self.egress = egress
        self.reachable_buckets = reachable_buckets
        self.vpc_flow_logs = vpc_flow_logs
        self.spread_across_zones = spread_across_zones
        self.bucket_name = bucket_name
        self.bucket_prefix = bucket_prefix
        self.permissions_boundary_arn = permissions_boundary_arn
        self.kms_key_arn = kms_key_arn
        self.tags = tags
        self.retain_data_on_destroy = retain_data_on_destroy
        self.noncurrent_version_days = noncurrent_version_days
        self.log_retention_days = log_retention_days
