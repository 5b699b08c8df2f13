"""Scenario files: one clear error for every mistake, and the defaults that are written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.play.scenario import Scenario, ScenarioError, load, names, parse


def test_every_key_is_optional_and_has_the_default_that_is_written_down() -> None:
    scenario = parse({}, "file")
    assert (scenario.job.start_delay, scenario.job.runtime, scenario.job.outcome) == (180, 3600, "SUCCEEDED")
    assert (scenario.export.files_per_second, scenario.export.bytes_per_second) == (213, 500_000_000)
    assert (scenario.metric.delay, scenario.metric.gaps) == (90, [])
    assert (scenario.file_system.create, scenario.file_system.delete) == (420, 120)
    assert (scenario.association.create, scenario.compute_environment.update) == (60, 120)
    assert (scenario.faults, scenario.execution.abort_at, scenario.expect) == ([], None, "SUCCEEDED")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"jobs": {}}, "jobs"),
        ({"job": {"runtme": 5}}, "job.runtme"),
        ({"job": {"runtime": -5}}, "job.runtime: -5"),
        ({"job": {"writes": [{"at": 0, "every": 5}]}}, "job.writes.0.every"),
        ({"export": {"stalls": [{"at": 0, "length": 5}]}}, "export.stalls.0.length"),
        ({"faults": [{"call": "fsx.CreateFileSystem"}]}, "faults.0.call"),
        (
            {"faults": [{"call": "fsx:CreateFilesistem"}]},
            'faults.0.call: "fsx:CreateFilesistem": AWS has no such call; did you mean fsx:CreateFileSystem?',
        ),
        ({"faults": [{"call": "fxs:*"}]}, 'faults.0.call: "fxs:*": AWS has no such call'),
        ({"expect": "DONE"}, "expect"),
        ([], "not a mapping"),
    ],
)
def test_a_mistake_names_file_key_and_value(content: object, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(content, "my.yaml")
    assert str(caught.value).startswith("my.yaml: ")
    assert words in str(caught.value)


def test_several_mistakes_are_reported_together() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse({"expect": "DONE", "job": {"runtime": -1}}, "my.yaml")
    assert len(str(caught.value).splitlines()) == 2


def test_a_scenario_may_be_a_file_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("job: {runtime: 5}\n")
    assert (load(str(path)).name, load(str(path)).job.runtime) == ("mine", 5)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ScenarioError, match="late-burst"):
        load("nonsense")


def test_every_shipped_scenario_says_what_it_shows() -> None:
    found = [load(name) for name in names()]
    assert all(isinstance(scenario, Scenario) and scenario.description for scenario in found)
    assert [scenario.name for scenario in found] == names()
    wanted = {"default", "spot-interruption", "million-small-files", "late-burst", "keep-file-system"}
    assert wanted | {"task-export", "job-fails", "bad-parameter"} <= set(names())


@pytest.mark.parametrize(
    ("job", "real"),
    [({}, True), ({"interruptions": [60]}, True), ({"outcome": "FAILED"}, False), ({"runtime": 60}, False)],
)
def test_the_sample_job_runs_unless_the_scenario_says_how_the_job_goes(job: dict[str, object], real: bool) -> None:
    assert parse({"job": job}, "here").job.is_real is real
