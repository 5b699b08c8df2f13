"""Short words for what tests of events and schedules deploy: a machine to start, a role, a dead-letter queue."""

from __future__ import annotations

import json
from typing import Any

from rehearsal.aws.account import Account, Baseline
from rehearsal.aws.plans import Plans
from rehearsal.aws.states.executions import Execution


class Deployment:
    """A target machine, a role that may start it, and a queue for what is not delivered."""

    def __init__(self, account: Account) -> None:
        self.account = account
        states = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "QueryLanguage": "JSONata"}
        self.role = self._role()
        client = account.client("stepfunctions")
        created = client.create_state_machine(name="target", definition=json.dumps(states), roleArn=self.role)
        self.target = str(created["stateMachineArn"])
        source = {**states, "States": {"S": {"Type": "Wait", "Seconds": 60, "End": True}}}
        created = client.create_state_machine(name="source", definition=json.dumps(source), roleArn=self.role)
        self.source = str(created["stateMachineArn"])
        url = account.client("sqs").create_queue(QueueName="letters")["QueueUrl"]
        self.queue = "arn:aws:sqs:us-east-1:123456789012:letters"
        self.queue_url = str(url)
        self.allow("states:StartExecution", "sqs:SendMessage")

    def _role(self) -> str:
        created = self.account.client("iam").create_role(RoleName="starter", AssumeRolePolicyDocument="{}")
        self.trust("events.amazonaws.com", "scheduler.amazonaws.com")
        return str(created["Role"]["Arn"])

    def trust(self, *services: str, **condition: str) -> None:
        """Let those services assume the role, on a condition of equality."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": list(services)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {f"aws:{key}": value for key, value in condition.items()}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.account.client("iam").update_assume_role_policy(RoleName="starter", PolicyDocument=policy)

    def allow(self, *actions: str) -> None:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.account.client("iam").put_role_policy(RoleName="starter", PolicyName="p", PolicyDocument=document)
        self.account.authorise()

    def open_queue(self) -> None:
        """Let EventBridge send to the queue."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue,
            "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/*"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.account.client("sqs").set_queue_attributes(QueueUrl=self.queue_url, Attributes={"Policy": policy})

    def reset(self, baseline: Baseline, **plans: Any) -> None:
        self.account.reset(baseline, Plans.model_validate(plans))
        self.account.authorise()

    def started(self) -> list[Execution]:
        """What was started on the target, and when after the baseline, in order."""
        return [one for one in self.account.executions.all.values() if one.machine_arn == self.target]
