"""The Lambda function that says whether the export queue has been seen empty since the job stopped.

This module only deploys it and must not know how it decides.
"""

import pulumi_aws as aws

from .functions import create_function
from .owner import Owner


def create_check_metrics(owner: Owner) -> aws.lambda_.Function:
    """Deploy the function, with the metric's period and window as its defaults."""
    settings = owner.settings
    return create_function(
        owner,
        "check-metrics",
        "check_metrics",
        description="Says whether the export queue of a file system has been seen empty since its job stopped",
        policy="metrics",
        variables={
            "PERIOD": str(settings.lambda_period_seconds),
            "TIME_DIFF": str(settings.lambda_time_diff_minutes),
        },
    )
