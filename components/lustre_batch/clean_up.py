"""What starts a clean-up: an EventBridge rule over the state machine's own executions."""

import pulumi
import pulumi_aws as aws

from .owner import Owner
from .templates import read_data, render_output


def clean_up_after_executions(owner: Owner, state_machine: aws.sfn.StateMachine) -> None:
    """Start the state machine with the event of an execution that was stopped, timed out or failed."""
    rule = aws.cloudwatch.EventRule(
        owner.named("clean-up"),
        description="Starts a clean-up run after an execution that was stopped, timed out or failed",
        event_pattern=pulumi.Output.json_dumps(
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [state_machine.arn],
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                },
            }
        ),
        tags=owner.tags(),
        opts=owner.child(),
    )
    role, may = owner.role(
        "clean-up",
        "events",
        render_output(read_data("policies/clean_up_events.json"), {"StateMachineArn": state_machine.arn}),
    )
    aws.cloudwatch.EventTarget(
        owner.named("clean-up"),
        rule=rule.name,
        arn=state_machine.arn,
        role_arn=role.arn,
        opts=owner.child(depends_on=[may]),
    )
