"""The secrets of a Batch job. Owns what the ECS agent does with them: it reads each by the job's execution role, or the
container does not start. The embedded account does not have what other people keep secret: a stand-in takes its
place."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ..calls import acting_as
from ..context import Context
from .job import Job, container

STAND_IN = "a stand-in for "


def variables(job: Job) -> dict[str, str]:
    """What the container sees in place of the secrets."""
    return {each["name"]: STAND_IN + each["valueFrom"] for each in container(job).get("secrets", [])}


def problem(context: Context, job: Job) -> str | None:
    """Why the agent cannot read one, as the container's reason has it (ECS guide, "Stopped tasks error messages")."""
    properties = container(job)
    with acting_as(properties.get("executionRoleArn")):
        for each in properties.get("secrets", []):
            # Without what may follow: a key of the JSON in it, a version's stage and id.
            arn = ":".join(each["valueFrom"].split(":")[:7])
            try:
                if ":ssm:" in arn:
                    context.calls.authorise("ssm", "GetParameters", {"Names": [arn]})
                else:
                    context.calls.authorise("secretsmanager", "GetSecretValue", {"SecretId": arn})
            except ClientError as error:
                why = error.response["Error"]["Message"]
                return f"ResourceInitializationError: unable to pull secrets or registry auth: {why}"
    return None
