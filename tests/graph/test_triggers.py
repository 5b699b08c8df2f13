"""The inputs of the state machines, of what starts a clean-up and of the guard, and what their roles may do."""

from __future__ import annotations

import json

import pytest

from tests.graph.recording import Graph, record_stack

MACHINE = "aws:sfn/stateMachine:StateMachine"
QUEUE, SCHEDULE = "aws:sqs/queue:Queue", "aws:scheduler/schedule:Schedule"


@pytest.mark.parametrize("name", ["autoexport-workflow", "autoexport-clean-up"])
def test_each_state_machine_is_standard_logged_and_traced(graph: Graph, name: str) -> None:
    machine = graph.one(MACHINE, name).inputs
    assert machine["type"] == "STANDARD"
    assert machine["tracingConfiguration"] == {"enabled": True}
    logging = machine["loggingConfiguration"]
    assert logging["level"] == "ERROR"
    assert logging["logDestination"].startswith("arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/")
    assert logging["logDestination"].endswith(":*")


def test_the_two_machines_have_a_role_and_a_log_each(graph: Graph) -> None:
    machines = [machine.inputs for machine in graph.all(MACHINE)]
    assert len({machine["roleArn"] for machine in machines}) == 2
    assert len({machine["loggingConfiguration"]["logDestination"] for machine in machines}) == 2


# Whatever ends something, or could lose what is not in S3.
ENDING = {
    "batch:DeregisterJobDefinition",
    "batch:TerminateJob",
    "ec2:DeleteLaunchTemplate",
    "fsx:CreateDataRepositoryTask",
    "fsx:DeleteDataRepositoryAssociation",
    "fsx:DeleteFileSystem",
    "fsx:UpdateDataRepositoryAssociation",
}


def allowed(graph: Graph, role: str) -> set[str]:
    """The actions that a role's policy allows."""
    document = json.loads(graph.one("aws:iam/rolePolicy:RolePolicy", f"autoexport-{role}").inputs["policy"])
    actions = [statement["Action"] for statement in document["Statement"]]
    return {action for each in actions for action in (each if isinstance(each, list) else [each])}


def test_only_the_clean_ups_role_may_delete_stop_a_job_or_switch_export_off(graph: Graph) -> None:
    policies = [policy.name.removeprefix("autoexport-") for policy in graph.all("aws:iam/rolePolicy:RolePolicy")]
    able = {role for role in policies for action in allowed(graph, role) if action in ENDING}
    assert able == {"clean-up"}
    assert allowed(graph, "clean-up") >= ENDING - {"fsx:DeleteDataRepositoryAssociation"}
    patterns = [action for role in policies for action in allowed(graph, role) if "*" in action]
    assert [pattern for pattern in patterns if not pattern.startswith("s3:")] == []


def test_executions_that_ended_without_their_own_clean_up_start_one(graph: Graph) -> None:
    machine = graph.exports["stateMachineArn"]
    assert json.loads(graph.one("aws:cloudwatch/eventRule:EventRule").inputs["eventPattern"]) == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [machine], "status": ["ABORTED", "FAILED", "TIMED_OUT"]},
    }
    target = graph.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    assert target["arn"] == graph.exports["cleanUpStateMachineArn"]
    assert not {"input", "inputPath", "inputTransformer"} & set(target), "the event has to arrive as it is"


def test_what_rule_and_schedule_cannot_deliver_is_kept_for_two_weeks_in_one_queue(graph: Graph) -> None:
    queue = graph.one(QUEUE)
    assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 3600
    assert queue.inputs["sqsManagedSseEnabled"] is True
    (statement,) = json.loads(graph.one("aws:sqs/queuePolicy:QueuePolicy").inputs["policy"])["Statement"]
    target = graph.one("aws:cloudwatch/eventTarget:EventTarget").inputs
    schedule = graph.one(SCHEDULE).inputs["target"]
    assert target["deadLetterConfig"] == schedule["deadLetterConfig"] == {"arn": statement["Resource"]}
    # EventBridge sends in its own name, Scheduler in that of the role.
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    source = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert source.rpartition(":")[2].startswith("rule/autoexport-clean-up-")
    assert allowed(graph, "sweep") == {"states:StartExecution", "sqs:SendMessage"}
    assert allowed(graph, "clean-up-rule") == {"states:StartExecution"}


def test_a_schedule_starts_a_sweep_as_often_as_configured() -> None:
    graph = record_stack({"sweepIntervalMinutes": "15"})
    schedule = graph.one(SCHEDULE).inputs
    assert schedule["scheduleExpression"] == "rate(15 minutes)"
    assert schedule["flexibleTimeWindow"] == {"mode": "OFF"}
    assert schedule["target"]["arn"] == graph.exports["cleanUpStateMachineArn"]
    assert json.loads(schedule["target"]["input"]) == {"sweep": True}


def test_an_interval_of_zero_creates_no_schedule_and_no_role_for_one() -> None:
    graph = record_stack({"sweepIntervalMinutes": "0"})
    assert graph.all(SCHEDULE) == []
    assert [child.name for child in graph.children if "sweep" in child.name] == []
    assert len(graph.all(QUEUE)) == 1


def test_the_table_of_lanes_is_billed_by_the_request_and_has_the_tickets_in_order(graph: Graph) -> None:
    table = graph.one("aws:dynamodb/table:Table").inputs
    assert (table["billingMode"], table["hashKey"], table["rangeKey"]) == ("PAY_PER_REQUEST", "kind", "id")
    assert table["attributes"] == [{"name": name, "type": "S"} for name in ("kind", "id", "since")]
    in_order = {"name": "in-order", "rangeKey": "since", "projectionType": "ALL"}
    assert table["localSecondaryIndexes"] == [in_order]
    assert table["serverSideEncryption"] == {"enabled": False}


def test_the_guard_is_invoked_on_every_change_and_told_both_machines_and_the_stack(graph: Graph) -> None:
    guard = graph.one("aws:lambda/invocation:Invocation", "autoexport-guard-destroy").inputs
    assert guard["lifecycleScope"] == "CRUD"
    assert json.loads(guard["input"]) == {
        "stateMachineArns": [graph.exports["stateMachineArn"], graph.exports["cleanUpStateMachineArn"]],
        "stack": graph.exports["notificationTopicArn"].rpartition(":")[2],
    }
    assert allowed(graph, "guard-destroy") == {
        "states:ListExecutions",
        "fsx:DescribeFileSystems",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }


@pytest.mark.parametrize(
    ("part", "service", "names_the_account"),
    [
        ("workflow", "states", True),
        ("clean-up", "states", True),
        ("clean-up-rule", "events", True),
        ("sweep", "scheduler", True),
        ("guard-destroy", "lambda", False),
        ("check-metrics", "lambda", False),
        ("instance", "ec2", False),
    ],
)
def test_only_the_service_that_needs_a_role_may_assume_it_and_for_this_account_where_it_says_so(
    graph: Graph, part: str, service: str, names_the_account: bool
) -> None:
    trust = json.loads(graph.one("aws:iam/role:Role", f"autoexport-{part}").inputs["assumeRolePolicy"])
    condition = {"StringEquals": {"aws:SourceAccount": "123456789012"}} if names_the_account else None
    assert [(each["Principal"], each["Action"], each.get("Condition")) for each in trust["Statement"]] == [
        ({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole", condition)
    ]


def test_an_address_is_subscribed_only_when_one_is_given(graph: Graph) -> None:
    kind = "aws:sns/topicSubscription:TopicSubscription"
    assert graph.all(kind) == []
    subscription = record_stack({"notificationEmail": "ops@example.com"}).one(kind).inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "ops@example.com")
