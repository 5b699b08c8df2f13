"""The Lambda function that says whether the export queue has been seen empty since the job stopped.

Its code is one file that is shipped as it is; this module only deploys it and must not know how it decides.
"""

from importlib import resources
from pathlib import Path

import pulumi
import pulumi_aws as aws

from .owner import Owner
from .templates import read_data, render_output


def handler_file() -> Path:
    """The handler's one file, which the package has as its part ``check_metrics``."""
    return Path(str(resources.files("lustre_batch.check_metrics") / "handler.py"))


def create_check_metrics(owner: Owner) -> aws.lambda_.Function:
    """Deploy the function, with a log group of its own that is kept for a limited time."""
    settings = owner.settings
    log_group = owner.log_group("check-metrics", "/aws/lambda")
    role, may = owner.role(
        "check-metrics", "lambda", render_output(read_data("policies/metrics.json"), {"LogGroupArn": log_group.arn})
    )
    return aws.lambda_.Function(
        owner.named("check-metrics"),
        description="Says whether the export queue of a file system has been seen empty since its job stopped",
        runtime="python3.13",
        architectures=["arm64"],
        handler="handler.handler",
        code=pulumi.AssetArchive({"handler.py": pulumi.FileAsset(str(handler_file()))}),
        role=role.arn,
        memory_size=256,
        timeout=60,
        environment={
            "variables": {
                "PERIOD": str(settings.lambda_period_seconds),
                "TIME_DIFF": str(settings.lambda_time_diff_minutes),
            }
        },
        logging_config={"log_format": "JSON", "log_group": log_group.name},
        kms_key_arn=settings.kms_key_arn or None,
        tags=owner.tags(),
        opts=owner.child(depends_on=[may]),
    )
