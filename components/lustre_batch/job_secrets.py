"""The role by which the ECS agent reads a job's secrets, and what else the agent then does by it. There is none where
the stack names no secret; which a run uses is the run's decision."""

import pulumi
import pulumi_aws as aws

from .entries import readable
from .owner import Owner
from .policy_room import no_room_for_secrets


def readable_secrets(owner: Owner) -> pulumi.Output[list[str]]:
    """The ARNs of the secrets and parameters that a run may give to its job."""
    settings = owner.settings
    arns = pulumi.Output.all(settings.job_secret_arns, settings.job_definition_secrets).apply(
        lambda known: readable(*known)
    )
    return owner.judged(arns, no_room_for_secrets)


def create_execution_role(
    owner: Owner, secrets: pulumi.Output[list[str]], log_group: aws.cloudwatch.LogGroup
) -> pulumi.Output[str] | None:
    """Create the role, and answer its ARN."""
    if not owner.settings.job_secret_arns and not owner.settings.job_definition_secrets:
        return None
    policy = owner.policy(
        "job_execution",
        {
            "JobLogGroupArn": log_group.arn,
            "ParameterArns": secrets.apply(lambda arns: [arn for arn in arns if ":ssm:" in arn]),
            "Partition": owner.surroundings.partition,
            "SecretArns": secrets.apply(lambda arns: [arn for arn in arns if ":secretsmanager:" in arn]),
        },
    )
    role, _ = owner.role("job-execution", "ecs-tasks", policy)
    return role.arn
