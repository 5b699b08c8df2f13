"""How a Lambda function is deployed: the one file of its package, as it is, with a role and a log of its own."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import pulumi
import pulumi_aws as aws

from .owner import Owner


def handler_file(package: str) -> Path:
    """The one file of a function, which this package has as its part ``package``."""
    return Path(str(resources.files(f"lustre_batch.{package}") / "handler.py"))


def create_function(
    owner: Owner,
    part: str,
    package: str,
    *,
    description: str,
    policy: str,
    values: Mapping[str, pulumi.Input[str]] | None = None,
    variables: Mapping[str, str] | None = None,
    with_key: bool = False,
) -> aws.lambda_.Function:
    """Deploy a function.

    ``policy`` is the name of its role's policy, which may name ``LogGroupArn`` besides ``values``; ``variables`` are
    those of its environment. ``with_key``: it reads or writes what a customer's key encrypts.
    """
    log_group = owner.log_group(part, "/aws/lambda")
    given = {"LogGroupArn": log_group.arn, **(values or {})}
    role, may = owner.role(part, "lambda", (owner.policy_with_key if with_key else owner.policy)(policy, given))
    return aws.lambda_.Function(
        owner.named(part),
        description=description,
        runtime="python3.13",
        architectures=["arm64"],
        handler="handler.handler",
        code=pulumi.AssetArchive({"handler.py": pulumi.FileAsset(str(handler_file(package)))}),
        role=role.arn,
        memory_size=256,
        timeout=60,
        environment={"variables": dict(variables)} if variables else None,
        logging_config={"log_format": "JSON", "log_group": log_group.name},
        kms_key_arn=owner.settings.kms_key_arn or None,
        tags=owner.tags(),
        opts=owner.child(depends_on=[may]),
    )
