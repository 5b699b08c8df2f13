"""What outlives a run: the bucket with the results, the repository with the job's image, the run-time parameters.

Nothing that holds data may be destroyed by default, and an adopted bucket is neither changed nor destroyed.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .owner import Owner, answered
from .templates import read_data, render_output

# Secrets Manager API, DeleteSecret: 7 to 30 days. Names are unique: a deleted secret does not block a later deployment.
SECRET_RECOVERY_DAYS = 7
UNTAGGED_IMAGE_DAYS = 14
# A version without a label is deleted by AWS when it likes, and the provider would then put its value again: over what
# people wrote since (terraform-provider-aws #37302). This one stays on the deployment's version while edits move on.
DEPLOYED = "lustre-batch-deployed"


@dataclass(frozen=True)
class Storage:
    """The data that runs work on."""

    bucket_name: pulumi.Output[str]
    bucket_arn: pulumi.Output[str]
    repository_url: pulumi.Output[str] | None
    image: pulumi.Input[str]
    parameters_secret_arn: pulumi.Output[str]


def create_storage(owner: Owner) -> Storage:
    """Create what is not adopted, and the secret with the run-time parameters."""
    settings = owner.settings
    bucket_name = pulumi.Output.from_input(settings.bucket_name) if settings.bucket_name else _create_bucket(owner)
    repository_url = None
    image: pulumi.Input[str] = settings.job_definition_container_image
    if not image:
        repository_url = answered("repository_url of aws.ecr.Repository", _create_repository(owner).repository_url)
        image = pulumi.Output.concat(repository_url, ":", settings.ecr_image_tag)
    return Storage(
        bucket_name=bucket_name,
        bucket_arn=pulumi.Output.concat("arn:", owner.surroundings.partition, ":s3:::", bucket_name),
        repository_url=repository_url,
        image=image,
        parameters_secret_arn=_create_parameters(owner, image),
    )


def run_time_parameters(owner: Owner, image: pulumi.Input[str]) -> dict[str, pulumi.Input[object]]:
    """The run-time parameters with the deployment's values."""
    return owner.settings.run_time_values() | {"jobDefinitionContainerImage": image}


def _create_bucket(owner: Owner) -> pulumi.Output[str]:
    """A private, encrypted, versioned bucket that accepts only TLS; kept with its protection when the stack goes."""
    settings = owner.settings
    keep = settings.retain_data_on_destroy
    bucket = aws.s3.Bucket(
        owner.named("data"),
        force_destroy=not keep,
        tags=owner.tags("data"),
        opts=owner.child(retain_on_delete=keep),
    )

    def protection() -> pulumi.ResourceOptions:
        return owner.child(retain_on_delete=keep)

    block = aws.s3.BucketPublicAccessBlock(
        owner.named("data"),
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=protection(),
    )
    aws.s3.BucketOwnershipControls(
        owner.named("data"), bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=protection()
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        owner.named("data"),
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms" if settings.kms_key_arn else "AES256",
                    "kms_master_key_id": settings.kms_key_arn or None,
                },
                "bucket_key_enabled": bool(settings.kms_key_arn),
            }
        ],
        opts=protection(),
    )
    versioning = aws.s3.BucketVersioning(
        owner.named("data"),
        bucket=bucket.id,
        versioning_configuration={"status": "Enabled"},
        opts=protection(),
    )
    aws.s3.BucketPolicy(
        owner.named("data"),
        bucket=bucket.id,
        policy=render_output(read_data("policies/bucket.json"), {"BucketArn": bucket.arn}),
        # S3 refuses a policy while the public access block is being put (S3 guide, conflicting conditional operation).
        opts=owner.child(retain_on_delete=keep, depends_on=[block]),
    )
    # Every exported change is a new version: without these rules a busy directory is paid for many times over.
    aws.s3.BucketLifecycleConfiguration(
        owner.named("data"),
        bucket=bucket.id,
        rules=[
            {
                "id": "expire-replaced-versions",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrent_version_expiration": {"noncurrent_days": settings.noncurrent_version_days},
                "expiration": {"expired_object_delete_marker": True},
            },
            {
                "id": "abort-incomplete-uploads",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            },
        ],
        opts=owner.child(retain_on_delete=keep, depends_on=[versioning]),
    )
    return answered("bucket of aws.s3.Bucket", bucket.bucket)


def _create_repository(owner: Owner) -> aws.ecr.Repository:
    """The job's image repository, scanned on push; its images are retained when the stack goes."""
    settings = owner.settings
    keep = settings.retain_data_on_destroy
    repository = aws.ecr.Repository(
        # Named by Pulumi, with a new suffix each time: one that was retained does not block a later deployment.
        owner.named(settings.ecr_repository_name),
        image_scanning_configuration={"scan_on_push": True},
        # A tag that stands for one image for ever, unless it is the one that is made to be pushed again.
        image_tag_mutability="MUTABLE" if settings.ecr_image_tag == "latest" else "IMMUTABLE",
        encryption_configurations=(
            [{"encryption_type": "KMS", "kms_key": settings.kms_key_arn}] if settings.kms_key_arn else None
        ),
        force_delete=not keep,
        tags=owner.tags(),
        # Its encryption is fixed when it is created (ECR API, CreateRepository): a key that is set later does not
        # replace it, and with it the images.
        opts=owner.child(retain_on_delete=keep, ignore_changes=["encryptionConfigurations"]),
    )
    aws.ecr.LifecyclePolicy(
        owner.named("image"),
        repository=repository.name,
        policy=pulumi.Output.json_dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "description": "Images that a newer push has replaced",
                        "selection": {
                            "tagStatus": "untagged",
                            "countType": "sinceImagePushed",
                            "countUnit": "days",
                            "countNumber": UNTAGGED_IMAGE_DAYS,
                        },
                        "action": {"type": "expire"},
                    }
                ]
            }
        ),
        opts=owner.child(retain_on_delete=keep),
    )
    return repository


def _create_parameters(owner: Owner, image: pulumi.Input[str]) -> pulumi.Output[str]:
    """The secret that people edit between runs. It holds no secret values, but its contents decide what is billed."""
    secret = aws.secretsmanager.Secret(
        owner.named("parameters"),
        description=f"Run-time parameters of {owner.settings.env_name}: edit them, the next run reads them",
        kms_key_id=owner.settings.kms_key_arn or None,
        recovery_window_in_days=SECRET_RECOVERY_DAYS,
        tags=owner.tags(),
        opts=owner.child(),
    )
    aws.secretsmanager.SecretVersion(
        owner.named("parameters"),
        secret_id=secret.id,
        secret_string=pulumi.Output.json_dumps(run_time_parameters(owner, image), indent=2),
        version_stages=["AWSCURRENT", DEPLOYED],
        # An edit takes AWSCURRENT away, and that is left alone. A version goes with its secret and is not deleted: its
        # labels have moved by then, and removing them once more is an error (API, UpdateSecretVersionStage).
        opts=owner.child(ignore_changes=["versionStages"], retain_on_delete=True),
    )
    return secret.arn
