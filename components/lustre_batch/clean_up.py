"""What starts a clean-up besides the run itself: a rule over executions that ended badly, and a schedule that sweeps.

Events are delivered on a best-effort basis (EventBridge events reference): the sweep finds what the rule has missed.
What neither could deliver lands in one dead-letter queue.
"""

import json

import pulumi
import pulumi_aws as aws

from .owner import Owner
from .templates import read_data, render_output
from .workflow import Workflow

# SQS API, SetQueueAttributes, MessageRetentionPeriod: 14 days at most.
UNDELIVERED_RETENTION_SECONDS = 14 * 24 * 3600


def create_clean_up_triggers(owner: Owner, workflow: Workflow) -> aws.sqs.Queue:
    """Create the rule, the schedule, and the queue for what they could not deliver, which is answered."""
    key = owner.settings.kms_key_arn or None
    undelivered = aws.sqs.Queue(
        owner.named("undelivered"),
        message_retention_seconds=UNDELIVERED_RETENTION_SECONDS,
        # The two exclude each other (aws_sqs_queue).
        kms_master_key_id=key,
        sqs_managed_sse_enabled=None if key else True,
        tags=owner.tags(),
        opts=owner.child(),
    )
    _create_rule(owner, workflow, undelivered)
    if owner.settings.sweep_interval_minutes:
        _create_schedule(owner, workflow.clean_up, undelivered)
    return undelivered


def _create_rule(owner: Owner, workflow: Workflow, undelivered: aws.sqs.Queue) -> None:
    rule = aws.cloudwatch.EventRule(
        owner.named("clean-up"),
        description="Starts a clean-up after an execution that was stopped, timed out or failed",
        event_pattern=pulumi.Output.json_dumps(
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [workflow.run.arn],
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                },
            }
        ),
        tags=owner.tags(),
        opts=owner.child(),
    )
    # Whoever starts an execution of a machine with a key has to use it (SFN guide, data at rest encryption).
    may_start = owner.policy_with_key("start_clean_up", {"StateMachineArn": workflow.clean_up.arn})
    role, may = owner.role("clean-up-rule", "events", may_start)
    may_be_kept = aws.sqs.QueuePolicy(
        owner.named("undelivered"),
        queue_url=undelivered.url,
        policy=render_output(
            read_data("policies/undelivered.json"), {"QueueArn": undelivered.arn, "RuleArn": rule.arn}
        ),
        opts=owner.child(),
    )
    aws.cloudwatch.EventTarget(
        owner.named("clean-up"),
        rule=rule.name,
        arn=workflow.clean_up.arn,
        role_arn=role.arn,
        dead_letter_config={"arn": undelivered.arn},
        opts=owner.child(depends_on=[may, may_be_kept]),
    )


def _create_schedule(owner: Owner, machine: aws.sfn.StateMachine, undelivered: aws.sqs.Queue) -> None:
    minutes = owner.settings.sweep_interval_minutes
    role, may = owner.role(
        "sweep",
        "scheduler",
        owner.policy_with_key("sweep", {"StateMachineArn": machine.arn, "QueueArn": undelivered.arn}),
    )
    aws.scheduler.Schedule(
        owner.named("sweep"),
        description="Cleans up after executions that are over and left something",
        schedule_expression=f"rate({minutes} minutes)",
        flexible_time_window={"mode": "OFF"},
        kms_key_arn=owner.settings.kms_key_arn or None,
        target={
            "arn": machine.arn,
            "role_arn": role.arn,
            "input": json.dumps({"sweep": True}),
            "dead_letter_config": {"arn": undelivered.arn},
        },
        opts=owner.child(depends_on=[may]),
    )
