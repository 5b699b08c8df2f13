"""The alarms and the dashboard: what each watches is published, by AWS or by the stack, under just those dimensions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from lustre_batch import dashboard, definition
from lustre_batch.metrics_catalogue import NAMESPACE, catalogue, entries, metric
from lustre_batch.templates import read_data

from tests.graph.recording import Graph, Registration, record_stack

ALARM, DASHBOARD = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/dashboard:Dashboard"
TOPIC, MACHINE, QUEUE = "aws:sns/topic:Topic", "aws:sfn/stateMachine:StateMachine", "aws:sqs/queue:Queue"
SEARCH = re.compile(r"SEARCH\('\{([^}]+)\} ([^']+)', '(\w+)', (\d+)\)")


def published(graph: Graph) -> set[tuple[str, str, tuple[tuple[str, str | None], ...]]]:
    """Every metric of the catalogue as this stack has it."""
    known = {
        "${RunMachineArn}": graph.one(MACHINE, "autoexport-workflow").outputs["arn"],
        "${StackId}": graph.one(TOPIC).outputs["name"],
        "${UndeliveredQueueName}": graph.one(QUEUE).outputs["name"],
    }
    return {
        (
            one.namespace,
            one.name,
            tuple(sorted((key, known.get(str(value), value)) for key, value in one.dimensions.items())),
        )
        for one in catalogue().values()
    }


def body(graph: Graph) -> dict[str, Any]:
    return dict(json.loads(graph.one(DASHBOARD).text("dashboardBody")))


def shown(graph: Graph) -> Iterator[tuple[tuple[str, str, tuple[tuple[str, str | None], ...]], str]]:
    """Every metric of the dashboard, by its identity, and its statistic."""
    for widget in body(graph)["widgets"]:
        for line in widget["properties"].get("metrics", []):
            options = line[-1]
            if "expression" not in options:
                namespace, name, *pairs = line[:-1]
                yield (namespace, name, tuple(sorted(zip(pairs[::2], pairs[1::2], strict=True)))), options["stat"]
                continue
            found = SEARCH.fullmatch(options["expression"])
            assert found, options
            (namespace, *names), terms = found[1].split(","), dict(re.findall(r'(\w+)="([^"]+)"', found[2]))
            name = terms.pop("MetricName")
            assert set(terms) <= set(names)
            yield (namespace, name, tuple(sorted((key, terms.get(key)) for key in names))), found[3]


def test_each_alarm_watches_a_metric_that_is_published_under_just_those_dimensions(graph: Graph) -> None:
    for alarm in graph.all(ALARM):
        given = alarm.inputs
        # AWS counts executions of each state machine; the catalogue's are those of runs.
        run, clean_up = (graph.one(MACHINE, f"autoexport-{part}").outputs["arn"] for part in ("workflow", "clean-up"))
        of = {key: run if value == clean_up else value for key, value in given["dimensions"].items()}
        identity = (given["namespace"], given["metricName"], tuple(sorted(of.items())))
        assert identity in published(graph), alarm.name
        assert (alarm.name == "autoexport-clean-up-failed") == (of != given["dimensions"])
        assert given["statistic"] in catalogue()[given["metricName"]].statistics, alarm.name
        assert not catalogue()[given["metricName"]].is_searched, alarm.name


def test_the_dashboard_shows_only_metrics_that_are_published_under_just_those_dimensions(graph: Graph) -> None:
    found = list(shown(graph))
    assert [identity for identity, _ in found if identity not in published(graph)] == []
    assert [(name, stat) for (_, name, _), stat in found if stat not in catalogue()[name].statistics] == []


def test_the_catalogue_has_only_what_is_shown_or_watched_and_says_where_each_is_from(graph: Graph) -> None:
    used = {name for (_, name, _), _ in shown(graph)} | {one.inputs["metricName"] for one in graph.all(ALARM)}
    assert set(catalogue()) == used
    names = [name for group in yaml.safe_load(read_data("metrics_catalogue.yaml")) for name in group["metrics"]]
    assert len(names) == len(set(names))
    for one in catalogue().values():
        own = one.namespace == NAMESPACE
        assert (one.source in ("run", "clean-up", "sweep")) == own, one.name
        assert own or "guide" in one.source, one.name


def test_the_definitions_put_just_what_the_catalogue_says_each_in_its_unit() -> None:
    put = {
        (name, unit, part)
        for part in definition.names()
        for name, unit in re.findall(r"\$metric\('(\w+)', '(\w+)'", json.dumps(definition.read(part)))
    }
    parts = {"run": "run", "clean-up": "clean_up", "sweep": "clean_up"}
    assert put == {
        (one.name, one.unit, parts[one.source]) for one in catalogue().values() if one.namespace == NAMESPACE
    }


def test_a_metric_that_nobody_publishes_and_a_statistic_without_sense_are_refused() -> None:
    with pytest.raises(LookupError, match="no Sum of JobsLost"):
        metric("JobsLost", "Sum")
    with pytest.raises(LookupError, match="no Sum of KeptHours"):
        metric("KeptHours", "Sum")


def by_name(graph: Graph) -> dict[str, Registration]:
    return {one.name.removeprefix("autoexport-"): one for one in graph.all(ALARM)}


def test_every_alarm_publishes_to_the_topic_when_it_goes_off_and_at_no_other_time(graph: Graph) -> None:
    for name, alarm in by_name(graph).items():
        assert alarm.inputs["alarmActions"] == [graph.exports["notificationTopicArn"]], name
        assert not {"okActions", "insufficientDataActions", "actionsEnabled"} & set(alarm.inputs), name
        assert (alarm.inputs["treatMissingData"], alarm.inputs["evaluationPeriods"]) == ("notBreaching", 1), name


def test_the_alarms_go_off_at_these_thresholds(graph: Graph) -> None:
    compared = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}
    found = {
        name: (
            f"{one.inputs['statistic']} {one.inputs['metricName']} "
            f"{compared[one.inputs['comparisonOperator']]} {one.inputs['threshold']:g}",
            one.inputs["period"],
        )
        for name, one in by_name(graph).items()
    }
    assert found == {
        "run-failed": ("Sum ExecutionsFailed >= 1", 300),
        "clean-up-failed": ("Sum ExecutionsFailed >= 1", 300),
        "without-run": ("Maximum HoursWithoutRun >= 2", 7200),
        "kept": ("Maximum KeptHours >= 24", 7200),
        "full": ("Minimum LowestFreePercent < 2", 300),
        "undelivered": ("Maximum ApproximateNumberOfMessagesVisible >= 1", 300),
    }


def test_what_the_sweep_tells_is_watched_over_two_of_its_intervals_and_not_without_one() -> None:
    rare, none = record_stack({"sweepIntervalMinutes": "1440"}), record_stack({"sweepIntervalMinutes": "0"})
    assert {by_name(rare)[name].inputs["period"] for name in ("kept", "without-run")} == {172_800}
    assert set(by_name(none)) == {"run-failed", "clean-up-failed", "full", "undelivered"}
    assert len(body(none)["widgets"][0]["properties"]["alarms"]) == 4


def test_keptAlarmHours_is_the_threshold_and_0_is_no_alarm_and_dashboard_false_no_dashboard() -> None:
    long, never = record_stack({"keptAlarmHours": "72"}), record_stack({"keptAlarmHours": "0", "dashboard": "false"})
    assert by_name(long)["kept"].inputs["threshold"] == 72
    assert "for 72 hours or more" in by_name(long)["kept"].text("alarmDescription")
    assert set(by_name(never)) == {"run-failed", "clean-up-failed", "without-run", "full", "undelivered"}
    assert (len(long.all(DASHBOARD)), never.all(DASHBOARD)) == (1, [])


@pytest.mark.parametrize("name", [entry["name"] for entry in entries("alarms")])
def test_an_alarm_says_what_happened_and_the_one_command_to_type(graph: Graph, name: str) -> None:
    from lustre_batch.command import app  # late: the command takes a second to import

    text = by_name(graph)[name].text("alarmDescription")
    happened, *commands = re.split(r"^  lustre-batch ", text, flags=re.M)
    [command] = commands
    verb, *options = command.split()
    assert verb in {one.name or one.callback.__name__ for one in app.registered_commands if one.callback}
    assert options == ["--state-machine", graph.exports["stateMachineArn"]]
    assert "${" not in text
    assert len(text) + 100 <= 1024  # SDK PutMetricAlarm; names may be longer than these
    assert happened.startswith("A ")


def test_what_lives_for_one_run_only_is_searched_for_and_its_widget_says_whose_it_is(graph: Graph) -> None:
    for widget in body(graph)["widgets"]:
        searched = "SEARCH(" in json.dumps(widget)
        assert searched == ("every file system of the account and region" in widget["properties"].get("title", ""))


def test_no_widget_lies_on_another_and_none_beyond_the_last_column(graph: Graph) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in body(graph)["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not cells & taken, widget
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_dashboard_is_named_after_the_stacks_identity_and_fits_into_what_costs_nothing(graph: Graph) -> None:
    assert graph.one(DASHBOARD).inputs["dashboardName"] == graph.one(TOPIC).outputs["name"]
    # CloudWatch pricing, free tier: three dashboards of up to 50 metrics each.
    assert len(list(shown(graph))) <= 50
    assert "${" not in graph.one(DASHBOARD).text("dashboardBody").replace("${PROP('Dim.FileSystemId')}", "")


def test_the_placeholders_are_those_that_the_component_fills_in() -> None:
    text = read_data("alarms.yaml") + read_data("metrics_catalogue.yaml") + json.dumps(dashboard.widgets())
    assert set(re.findall(r"\$\{(\w+)\}", text)) == {
        "CleanUpMachineArn",
        "EnvName",
        "KeptAlarmHours",
        "Region",
        "RunMachineArn",
        "StackId",
        "UndeliveredQueueName",
    }
