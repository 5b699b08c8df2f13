"""Starting a state machine on behalf of a rule or a schedule. Owns what EventBridge does when that fails: it tries
again what may pass, and sends what does not to the target's dead-letter queue. What was not delivered is noted, never
dropped in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from .calls import THROTTLES, NoAnswer, acting_as, internally
from .context import Context
from .iam.evaluation import evaluate

# EventBridge guide, retrying event delivery; Scheduler API reference, RetryPolicy: a day and 185 attempts by default.
LONGEST_SECONDS = 86_400.0
MOST_ATTEMPTS = 185
# "With exponential back off" is all that is documented; 185 attempts in a day are one every eight minutes.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 480.0


@dataclass
class Delivery:
    """One start of one state machine."""

    service: str  # events or scheduler
    sender: str  # the ARN of the rule or schedule
    source: str  # what the service names as aws:SourceArn
    target: str
    role_arn: str | None
    input: str
    queue: str | None = None  # the ARN of the dead-letter queue
    longest_seconds: float = LONGEST_SECONDS
    most_attempts: int = MOST_ATTEMPTS
    began: float = field(default=0.0, init=False)
    attempts: int = field(default=0, init=False)


class Deliveries:
    """All that rules and schedules start."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.pending: list[Delivery] = []  # what is tried again
        self.undelivered: list[str] = []
        # Told of a queue, by its name, in which a message has just arrived.
        self.on_buried: Callable[[str], None] = lambda queue: None

    def reset(self) -> None:
        self.pending, self.undelivered = [], []
        for queue in self._context.backend("sqs").queues.values():
            queue._messages.clear()

    def send(self, delivery: Delivery) -> None:
        delivery.began = self._context.clock.now()
        self._try(delivery)

    def _try(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        if not self._may_assume(delivery):
            reason = f"{delivery.service}.amazonaws.com may not assume {delivery.role_arn}"
            self._failed(delivery, "AccessDenied", reason, False)
            return
        try:
            with acting_as(delivery.role_arn):
                client = self._context.client("stepfunctions")
                client.start_execution(stateMachineArn=delivery.target, input=delivery.input)
        except ClientError as error:
            details = error.response["Error"]
            self._failed(delivery, details["Code"], details.get("Message", ""), _may_pass(error))
        except NoAnswer as error:
            self._failed(delivery, "Timeout", str(error), True)

    def _failed(self, delivery: Delivery, code: str, message: str, may_pass: bool) -> None:
        """EventBridge guide, retrying event delivery: what cannot pass goes to the dead-letter queue at once."""
        now = self._context.clock.now()
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(delivery.attempts - 1, 20))
        too_old = now + pause - delivery.began > delivery.longest_seconds
        if may_pass and delivery.attempts <= delivery.most_attempts and not too_old:
            self.pending.append(delivery)
            self._context.clock.after(pause, lambda: self._again(delivery))
            return
        note = f"{delivery.sender.rpartition('/')[2]}: {message or code}"
        if delivery.queue is not None:
            problem = self._bury(delivery, code, message)
            note += f" (in the dead-letter queue {delivery.queue})" if problem is None else f" ({problem})"
        self.undelivered.append(note)

    def _again(self, delivery: Delivery) -> None:
        self.pending = [one for one in self.pending if one is not delivery]
        self._try(delivery)

    def _bury(self, delivery: Delivery, code: str, message: str) -> str | None:
        """Send it to the dead-letter queue; why not, if not."""
        name = str(delivery.queue).rpartition(":")[2]
        queue = self._context.backend("sqs").queues.get(name)
        if queue is None:
            return f"there is no dead-letter queue {delivery.queue}"
        by_role = delivery.service == "scheduler"  # Scheduler guide, dead-letter queues: the execution role sends
        if not by_role and not self._may_send(delivery, queue.policy):
            return f"the policy of the dead-letter queue {delivery.queue} does not let EventBridge send to it"
        sender = "SCHEDULE_ARN" if by_role else "RULE_ARN"
        known = {sender: delivery.sender, "TARGET_ARN": delivery.target, "ERROR_CODE": code, "ERROR_MESSAGE": message}
        attributes = {key: {"DataType": "String", "StringValue": text or "-"} for key, text in known.items()}
        request = {"QueueUrl": self._url(name), "MessageBody": delivery.input, "MessageAttributes": attributes}
        try:
            if by_role:
                with acting_as(delivery.role_arn):
                    self._context.client("sqs").send_message(**request)
            else:
                with internally():
                    self._context.client("sqs").send_message(**request)
            self.on_buried(name)
        except (ClientError, NoAnswer) as error:
            return f"the dead-letter queue {delivery.queue} did not take it: {error}"
        return None

    def _url(self, name: str) -> str:
        return f"https://sqs.{self._context.region}.amazonaws.com/{self._context.account_id}/{name}"

    def _may_send(self, delivery: Delivery, policy: Any) -> bool:
        """EventBridge guide, dead-letter queues: the queue's own policy lets the service send for that rule."""
        return self._allows(policy, delivery, "sqs:SendMessage", str(delivery.queue))

    def _may_assume(self, delivery: Delivery) -> bool:
        """Whether the role trusts the service, with what that says of itself; asked for once calls are authorised."""
        if delivery.role_arn is None or self._context.calls.authoriser is None:
            return True
        roles = self._context.backend("iam").roles.values()
        role = next((role for role in roles if role.arn == delivery.role_arn), None)
        policy = role.assume_role_policy_document if role is not None else None
        return self._allows(policy, delivery, "sts:AssumeRole", delivery.role_arn)

    def _allows(self, policy: Any, delivery: Delivery, action: str, resource: str) -> bool:
        """Whether a policy of the resource's own allows that to the service."""
        document = json.loads(policy) if isinstance(policy, str) else policy or {}
        statements = [
            {"Resource": "*", **{key: value for key, value in statement.items() if key != "Principal"}}
            for statement in document.get("Statement", [])
            if _names(statement.get("Principal"), f"{delivery.service}.amazonaws.com")
        ]
        given = {"aws:SourceArn": delivery.source, "aws:SourceAccount": self._context.account_id}
        policies = [{"Version": document.get("Version", "2008-10-17"), "Statement": statements}]
        return evaluate(policies, action, resource, given).allowed

    def dead_letters(self, queue_arn: str) -> list[Mapping[str, Any]]:
        """What lies in a dead-letter queue, ten messages at most: their bodies, the error's code and message."""
        queue = self._url(queue_arn.rpartition(":")[2])
        request = {
            "QueueUrl": queue,
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"],
            "VisibilityTimeout": 0,
        }
        with internally():
            messages = self._context.client("sqs").receive_message(**request).get("Messages", [])
        return [
            {"body": one["Body"], **{key: value["StringValue"] for key, value in one["MessageAttributes"].items()}}
            for one in messages
        ]


def _names(principal: Any, service: str) -> bool:
    if not isinstance(principal, dict):
        return bool(principal == "*")
    services: str | list[str] = principal.get("Service", [])
    return service == services or service in services


def _may_pass(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return status >= 500 or status == 429 or error.response["Error"]["Code"] in THROTTLES
