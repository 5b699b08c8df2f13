"""The interpreter behaves as Step Functions does, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.aws.account import Account
from rehearsal.aws.calls import Fault
from rehearsal.aws.states.executions import Execution

Run = Callable[..., Execution]
SDK = "arn:aws:states:::aws-sdk:"


def task(service: str, action: str, arguments: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"{SDK}{service}:{action}", "Arguments": arguments or {}, "End": True, **more}


def test_output_and_assign_read_the_variables_as_they_were_before_the_state(run: Run) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1, "n": None}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "{% $x + 1 %}"}, "Output": {"x": "{% $x %}"}, "Next": "C"},
        "C": {"Type": "Succeed", "Output": {"before": "{% $states.input.x %}", "now": "{% $x %}", "n": "{% $n %}"}},
    }
    assert run(states).output == {"before": 1, "now": 2, "n": None}


def test_an_expression_that_yields_nothing_fails_the_execution(run: Run) -> None:
    execution = run({"A": {"Type": "Pass", "Output": "{% $states.input.absent %}", "End": True}})
    assert (execution.status, execution.error) == ("FAILED", "States.QueryEvaluationError")
    assert "returned nothing" in (execution.cause or "")


@pytest.mark.parametrize("expression", ["$sum", "'a' + 1", "$parse('{')", "$$", "$eval('1')", "function($v){$v}"])
def test_a_failing_expression_is_a_query_evaluation_error(run: Run, expression: str) -> None:
    execution = run({"A": {"Type": "Pass", "Output": {"x": f"{{% {expression} %}}"}, "End": True}})
    assert execution.error == "States.QueryEvaluationError"


def test_awss_extra_functions_are_there(run: Run) -> None:
    output = {
        "parse": "{% $parse('{\"a\": [1, null]}') %}",
        "partition": "{% $partition([1, 2, 3], 2) %}",
        "range": "{% $range(0, 10, 5) %}",
        "hash": "{% $hash('a', 'SHA-256') %}",
        "uuid": "{% $length($uuid()) %}",
        "random": "{% $random() < 1 %}",
    }
    got = run({"A": {"Type": "Pass", "Output": output, "End": True}}).output
    assert got["parse"] == {"a": [1, None]}
    assert got["partition"] == [[1, 2], [3]]
    assert got["range"] == [0, 5, 10]
    assert got["hash"] == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert (got["uuid"], got["random"]) == (36, True)


def test_a_day_of_waiting_passes_in_virtual_time_and_is_seen_by_the_expressions(run: Run) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"t": "{% $millis() %}"}, "Next": "W"},
        "W": {"Type": "Wait", "Seconds": "{% 86400 %}", "Next": "B"},
        "B": {"Type": "Succeed", "Output": "{% $millis() - $t %}"},
    }
    assert run(states).output == 86_400_000


def test_the_context_object_has_virtual_times(run: Run) -> None:
    output = "{% $states.context.Execution.StartTime & ' ' & $states.context.State.EnteredTime %}"
    execution = run(
        {"W": {"Type": "Wait", "Seconds": 60, "Next": "A"}, "A": {"Type": "Pass", "Output": output, "End": True}}
    )
    assert execution.output == "2026-01-15T09:00:17.000Z 2026-01-15T09:01:17.000Z"


def test_sdk_tasks_take_and_give_pascal_case_and_leave_map_keys_alone(run: Run, account: Account) -> None:
    account.calls.answer("batch", DescribeJobs=lambda params: {"jobs": [
        {"jobId": params["jobs"][0], "jobName": "n", "tags": {"camelKey": "v"}, "startedAt": 5}]})  # fmt: skip
    execution = run({"A": task("batch", "describeJobs", {"Jobs": ["j-1"]})})
    assert execution.output == {"Jobs": [{"JobId": "j-1", "JobName": "n", "Tags": {"camelKey": "v"}, "StartedAt": 5}]}


def test_camel_case_arguments_are_refused(run: Run) -> None:
    execution = run({"A": task("batch", "describeJobs", {"jobs": ["j-1"]})})
    assert execution.error == "States.Runtime"
    assert "'jobs' is not supported by Step Functions" in (execution.cause or "")


@pytest.mark.parametrize(
    ("service", "action", "error", "name"),
    [
        ("fsx", "describeFileSystems", "BadRequest", "FSx.BadRequestException"),
        ("fsx", "describeFileSystems", "ThrottlingException", "FSx.FSxException"),
        ("batch", "describeJobQueues", "ServerException", "Batch.ServerException"),
        ("batch", "describeJobQueues", "TooManyRequestsException", "Batch.BatchException"),
        ("ec2", "describeLaunchTemplates", "RequestLimitExceeded", "Ec2.Ec2Exception"),
    ],
)
def test_errors_are_named_as_the_sdk_for_java_names_them(
    run: Run, account: Account, service: str, action: str, error: str, name: str
) -> None:
    account.calls.faults = [Fault(call=f"{service}:{action[0].upper()}{action[1:]}", error=error)]
    execution = run({"A": task(service, action)})
    assert execution.error == name
    assert "Status Code:" in (execution.cause or "")


def retry(**more: Any) -> list[dict[str, Any]]:
    return [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 5, **more}]


def test_retries_back_off_in_virtual_time_up_to_the_maximum_delay(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="ec2:DescribeLaunchTemplates", error="RequestLimitExceeded", times=4)]
    states = {"A": task("ec2", "describeLaunchTemplates", Retry=retry(MaxDelaySeconds=30))}
    execution = run(states)
    assert execution.status == "SUCCEEDED"
    assert execution.stopped is not None
    assert execution.stopped - execution.started == pytest.approx(10 + 20 + 30 + 30, abs=2)


def test_full_jitter_waits_no_longer_than_the_interval(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="ec2:DescribeLaunchTemplates", error="RequestLimitExceeded", times=3)]
    execution = run({"A": task("ec2", "describeLaunchTemplates", Retry=retry(JitterStrategy="FULL"))})
    assert execution.stopped is not None
    assert 0 < execution.stopped - execution.started < 70


def test_a_call_that_hangs_ends_at_the_tasks_time_out(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="ec2:DescribeLaunchTemplates", error="hang")]
    caught = [{"ErrorEquals": ["States.Timeout"], "Output": "{% $states.errorOutput %}", "Next": "B"}]
    states = {
        "A": task("ec2", "describeLaunchTemplates", TimeoutSeconds=45, Catch=caught),
        "B": {"Type": "Succeed"},
    }
    execution = run(states)
    assert execution.output == {"Error": "States.Timeout", "Cause": ""}
    assert (execution.stopped or 0) - execution.started == pytest.approx(45)


def test_without_a_time_out_the_sdk_gives_up(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="fsx:DescribeFileSystems", error="hang")]
    execution = run({"A": task("fsx", "describeFileSystems")})
    assert execution.error == "FSx.SdkClientException"
    assert (execution.stopped or 0) - execution.started == pytest.approx(60)


def test_a_time_out_may_be_retried_by_its_name(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="ec2:DescribeLaunchTemplates", error="hang", times=2)]
    again = [{"ErrorEquals": ["States.TaskFailed", "States.Timeout"], "IntervalSeconds": 1}]
    execution = run({"A": task("ec2", "describeLaunchTemplates", TimeoutSeconds=10, Retry=again)})
    assert execution.status == "SUCCEEDED"
    assert (execution.stopped or 0) - execution.started == pytest.approx(10 + 1 + 10 + 2, abs=1)


def test_a_catcher_sees_the_error_and_assigns_and_outputs(run: Run, account: Account) -> None:
    account.calls.faults = [Fault(call="ec2:DescribeLaunchTemplates", error="RequestLimitExceeded", times=9)]
    caught = [
        {
            "ErrorEquals": ["States.TaskFailed"],
            "Assign": {"failure": "{% $states.errorOutput %}"},
            "Output": {"kept": "{% $states.input.k %}"},
            "Next": "B",
        }
    ]
    states = {
        "A": task("ec2", "describeLaunchTemplates", Catch=caught),
        "B": {"Type": "Succeed", "Output": "{% $merge([$states.input, {'error': $failure.Error}]) %}"},
    }
    assert run(states, {"k": 1}).output == {"kept": 1, "error": "Ec2.Ec2Exception"}


def test_a_fail_state_passes_on_an_error_of_step_functions_own(run: Run) -> None:
    execution = run({"A": {"Type": "Fail", "Error": "{% 'States.Timeout' %}", "Cause": "{% 'late' %}"}})
    assert (execution.error, execution.status) == ("States.Timeout", "FAILED")


def test_what_is_not_rehearsed_says_so_instead_of_failing_the_execution(run: Run) -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}
    with pytest.raises(NotImplementedError, match="Parallel"):
        run({"A": {"Type": "Parallel", "Branches": [branch], "End": True}})


def test_a_payload_over_256_kib_fails(run: Run) -> None:
    execution = run({"A": {"Type": "Pass", "Output": "{% $pad('', 300000, 'x') %}", "End": True}})
    assert execution.error == "States.DataLimitExceeded"


def test_an_execution_dies_at_25000_history_events(run: Run) -> None:
    states = {
        "A": {"Type": "Wait", "Seconds": 1, "Next": "B"},
        "B": {"Type": "Pass", "Next": "A"},
    }
    execution = run(states)
    assert execution.status == "FAILED"
    assert execution.history_events == 25_000
    assert "history events" in (execution.cause or "")


def test_the_history_has_what_every_state_was_given_and_gave_unless_it_is_not_asked_for(
    run: Run, account: Account
) -> None:
    states = {
        "A": {"Type": "Pass", "Output": {"place": "{% 2 + 1 %}", "waitsFor": ""}, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.place = 3 %}", "Next": "C"}]},
        "C": {"Type": "Succeed", "Output": "text"},
    }
    execution = run(states, {"a": None})
    client = account.client("stepfunctions")
    events = client.get_execution_history(executionArn=execution.arn)["events"]
    entered = {one["name"]: one for event in events if (one := event.get("stateEnteredEventDetails"))}
    exited = {one["name"]: one for event in events if (one := event.get("stateExitedEventDetails"))}
    assert {name: one["input"] for name, one in entered.items()} == {
        "A": '{"a":null}', "B": '{"place":3,"waitsFor":""}', "C": '{"place":3,"waitsFor":""}',
    }  # fmt: skip
    assert (exited["A"]["output"], exited["C"]["output"]) == ('{"place":3,"waitsFor":""}', '"text"')
    assert entered["A"]["inputDetails"] == exited["A"]["outputDetails"] == {"truncated": False}
    started, ended = events[0]["executionStartedEventDetails"], events[-1]["executionSucceededEventDetails"]
    assert (json.loads(started["input"]), started["roleArn"], ended["output"]) == (
        {"a": None}, execution.role_arn, '"text"',
    )  # fmt: skip
    bare = client.get_execution_history(executionArn=execution.arn, includeExecutionData=False)["events"]
    assert [event["type"] for event in bare] == [event["type"] for event in events]
    assert not [key for event in bare for one in event.values() if isinstance(one, dict) for key in one if "put" in key]


def test_the_history_has_what_every_task_was_given_and_answered_unless_it_is_not_asked_for(
    run: Run, account: Account
) -> None:
    task = "arn:aws:states:::aws-sdk:fsx:describeFileSystems"
    states = {"A": {"Type": "Task", "Resource": task, "Arguments": {"MaxResults": 5}, "Output": "x", "End": True}}
    execution = run(states, {})
    client = account.client("stepfunctions")
    for asked, given, answer in ((True, '{"MaxResults":5}', '{"FileSystems":[]}'), (False, "", None)):
        events = client.get_execution_history(executionArn=execution.arn, includeExecutionData=asked)["events"]
        [scheduled] = [one for event in events if (one := event.get("taskScheduledEventDetails"))]
        [succeeded] = [one for event in events if (one := event.get("taskSucceededEventDetails"))]
        assert (scheduled["resourceType"], scheduled["resource"]) == ("aws-sdk:fsx", "describeFileSystems")
        assert (scheduled["region"], scheduled["parameters"], succeeded.get("output")) == (
            account.region,
            given,
            answer,
        )


def test_deleting_the_machine_ends_its_executions_at_their_next_transition(run: Run, account: Account) -> None:
    states = {"A": {"Type": "Wait", "Seconds": 1000, "Next": "B"}, "B": {"Type": "Succeed"}}
    execution = run(states, seconds=100)
    account.client("stepfunctions").delete_state_machine(stateMachineArn=execution.machine_arn)
    account.clock.advance(800)
    assert execution.status == "RUNNING"
    account.clock.advance(200)
    assert (execution.status, execution.transitions) == ("ABORTED", 1)


def test_a_stopped_execution_is_aborted_at_that_instant_and_its_rule_starts_the_target(
    run: Run, account: Account
) -> None:
    rule = {"source": ["aws.states"], "detail": {"status": ["ABORTED", "FAILED"]}}
    account.client("events").put_rule(Name="r", EventPattern=json.dumps(rule))
    definition = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}, "QueryLanguage": "JSONata"}
    states = account.client("stepfunctions")
    role = "arn:aws:iam::123456789012:role/x"
    target = states.create_state_machine(name="target", definition=json.dumps(definition), roleArn=role)
    account.client("events").put_targets(
        Rule="r", Targets=[{"Id": "t", "Arn": target["stateMachineArn"], "RoleArn": role}]
    )
    execution = run({"A": {"Type": "Wait", "Seconds": 1000, "End": True}}, seconds=100)
    states.stop_execution(executionArn=execution.arn)
    account.clock.advance(10)
    assert (execution.status, execution.stopped) == ("ABORTED", execution.started + 100)
    started = [found for found in account.executions.all.values() if found.machine_arn == target["stateMachineArn"]]
    assert [found.status for found in started] == ["SUCCEEDED"]
    event = json.loads(started[0].input)
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["detail"]["executionArn"] == execution.arn
    assert json.loads(event["detail"]["input"]) == {}
    assert account.events.undelivered == []
