"""The role by which the ECS agent reads a job's secrets, and what else the agent then does by it. There is none where
the stack names no secret; which a run uses is the run's decision."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from .entries import readable
from .owner import Owner
from .templates import read_data, render


def readable_secrets(owner: Owner) -> pulumi.Output[list[str]]:
    """The ARNs of the secrets and parameters that a run may give to its job."""
    settings = owner.settings
    return pulumi.Output.all(settings.job_secret_arns, settings.job_definition_secrets).apply(
        lambda known: readable(*known)
    )


def create_execution_role(
    owner: Owner, secrets: pulumi.Output[list[str]], log_group: aws.cloudwatch.LogGroup
) -> pulumi.Output[str] | None:
    """Create the role, and answer its ARN."""
    if not owner.settings.job_secret_arns and not owner.settings.job_definition_secrets:
        return None
    policy = pulumi.Output.all(secrets, log_group.arn, owner.surroundings.partition).apply(
        lambda known: _policy(*known)
    )
    role, _ = owner.role("job-execution", "ecs-tasks", policy)
    return role.arn


def _policy(arns: Sequence[str], log_group_arn: str, partition: str) -> str:
    """The policy's document, without the statements that would be about nothing."""
    kinds = {
        "${SecretArns}": [arn for arn in arns if ":secretsmanager:" in arn],
        "${ParameterArns}": [arn for arn in arns if ":ssm:" in arn],
    }
    document = json.loads(read_data("policies/job_execution.json"))
    statements = []
    for statement in document["Statement"]:
        text = json.dumps(statement)
        named = next((kind for kind in kinds if kind in text), None)
        if named is None:
            statements.append(text)
        elif kinds[named]:
            statements.append(text.replace(json.dumps(named), json.dumps(kinds[named])))
    here = {"JobLogGroupArn": log_group_arn, "Partition": partition}
    return json.dumps(document | {"Statement": [json.loads(render(each, here)) for each in statements]})
