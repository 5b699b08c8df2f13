"""A run every night at two o'clock, started by EventBridge Scheduler."""

import pulumi
import pulumi_aws as aws
from lustre_batch import LustreBatchAutoExport

nightly = LustreBatchAutoExport("nightly")

role = aws.iam.Role(
    "schedule",
    assume_role_policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "scheduler.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": aws.get_caller_identity_output().account_id}},
                }
            ],
        }
    ),
)
may_start = aws.iam.RolePolicy(
    "schedule",
    role=role.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "states:StartExecution", "Resource": nightly.state_machine_arn}
            ],
        }
    ),
)
aws.scheduler.Schedule(
    "nightly",
    description="Starts a run every night",
    schedule_expression="cron(0 2 * * ? *)",
    schedule_expression_timezone="Europe/Berlin",
    flexible_time_window={"mode": "OFF"},
    target={
        "arn": nightly.state_machine_arn,
        "role_arn": role.arn,
        "input": "{}",  # run-time parameters for these runs, or none: Scheduler's own input would be refused
    },
    opts=pulumi.ResourceOptions(depends_on=[may_start]),
)
pulumi.export("stateMachineArn", nightly.state_machine_arn)
pulumi.export("repositoryUrl", nightly.repository_url)
