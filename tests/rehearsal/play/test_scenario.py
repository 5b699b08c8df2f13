"""Scenario files: one clear error for every mistake, and the defaults that are written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.play import schedules
from rehearsal.play.scenario import Scenario, ScenarioError, load, names, parse


def test_every_key_is_optional_and_has_the_default_that_is_written_down() -> None:
    scenario = parse({}, "file")
    assert (scenario.job.start_delay, scenario.job.runtime, scenario.job.outcome) == (180, 3600, "SUCCEEDED")
    assert (scenario.export.files_per_second, scenario.export.bytes_per_second) == (None, None)
    assert (scenario.file_system.create, scenario.file_system.delete) == (None, None)
    assert (scenario.metric.delay, scenario.metric.gaps) == (90, [])
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


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"job": {"runtime": "10m"}}, 'job.runtime: "10m": is not a number (seconds)'),
        ({"job": {"runtime": -5}}, "job.runtime: -5: is less than 0 s"),
        ({"job": {"interruptions": ["soon"]}}, 'job.interruptions.0: "soon": is not a number (seconds)'),
        ({"job": {"interruptions": 600}}, "job.interruptions: 600: is not a list"),
        ({"job": {"writes": [{"bytes_each": "1M"}]}}, 'job.writes.0.bytes_each: "1M": is not a whole number (bytes)'),
        ({"job": {"writes": [{"files": 1.5}]}}, "job.writes.0.files: 1.5: is not a whole number"),
        ({"job": {"exit_code": 256}}, "job.exit_code: 256: is greater than 255"),
        ({"job": {"mounts": "no way"}}, 'job.mounts: "no way": is not true or false'),
        ({"job": []}, "job: []: is not a mapping of keys"),
        ({"export": {"files_per_second": "fast"}}, 'export.files_per_second: "fast": is not a number (files a second)'),
        ({"export": {"bytes_per_second": 0}}, "export.bytes_per_second: 0: is not greater than 0 bytes/s"),
        ({"export": {"stalls": [{"for": "1h"}]}}, 'export.stalls.0.for: "1h": is not a number (seconds)'),
        ({"expect": "DONE"}, 'expect: "DONE": is not SUCCEEDED, FAILED, ABORTED or TIMED_OUT'),
        ({"faults": [{}]}, "faults.0.call: is missing"),
        ({"faults": [{"error": "X"}]}, "faults.0.call: is missing"),
        (
            {"faults": [{"call": "fsx:createFileSystem"}]},
            'faults.0.call: "fsx:createFileSystem": write service:Operation, such as fsx:CreateFileSystem; did you '
            "mean fsx:CreateFileSystem?",
        ),
        (
            {"faults": [{"call": "Batch.SubmitJobs"}]},
            'faults.0.call: "Batch.SubmitJobs": write service:Operation, such as fsx:CreateFileSystem; did you mean '
            "batch:SubmitJob?",
        ),
        ({"faults": [{"call": "fxs:*"}]}, 'faults.0.call: "fxs:*": AWS has no such call; did you mean fsx:*?'),
        (
            {"faults": [{"call": "*:SubmitJob"}]},
            'faults.0.call: "*:SubmitJob": write service:Operation, such as fsx:CreateFileSystem',
        ),
        (
            {"bucket": {"notifications": [{"events": ["ObjectCreated"]}]}},
            'bucket.notifications.0.events.0: "ObjectCreated": is no type of event: write one of S3\'s, such as '
            "s3:ObjectCreated:*",
        ),
        ({"bucket": {"notifications": [{"events": []}]}}, "bucket.notifications.0.events: []: is empty"),
        ({"job": {"blocked": ""}}, 'job.blocked: "": is empty'),
        ({"expect_error": 5}, "expect_error: 5: is not a text"),
    ],
)
def test_a_wrong_value_gets_its_rule_and_a_number_its_unit(content: object, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(content, "my.yaml")
    assert str(caught.value) == f"my.yaml: {line}"


def test_several_mistakes_are_reported_together() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse({"expect": "DONE", "job": {"runtime": -1}}, "my.yaml")
    assert len(str(caught.value).splitlines()) == 2


def test_a_scenario_may_be_a_file_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("job: {runtime: 5}\n")
    assert (load(str(path)).name, load(str(path)).job.runtime) == ("mine", 5)


def test_a_file_that_is_not_yaml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("job: {runtime: 600\n")
    with pytest.raises(ScenarioError) as caught:
        load(str(path))
    problem = "expected ',' or '}', but got '<stream end>'"
    assert str(caught.value) == f"{path} is not YAML: line 2, column 1: {problem}"
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml: No such file or directory"):
        load("nowhere.yaml")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("late_burst", "late_burst is not a scenario; did you mean late-burst?"),
        ("Defalt", "Defalt is not a scenario; did you mean default?"),
        ("nonsense", "nonsense is not a scenario; --list names those that there are"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one_and_no_list_of_all(name: str, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(name)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({"job": {"runtme": 5}}, "job.runtme: 5: there is no such key; did you mean runtime?"),
        ({"runtime": 5}, "runtime: 5: there is no such key; did you mean job.runtime?"),
        (
            {"job": {"writes": [{"byte_each": 5}]}},
            "job.writes.0.byte_each: 5: there is no such key; did you mean bytes_each?",
        ),
        ({"export": {"stalls": [{"form": 5}]}}, "export.stalls.0.form: 5: there is no such key; did you mean for?"),
        ({"zzz": 1}, "zzz: 1: there is no such key"),
    ],
)
def test_an_unknown_key_gets_the_nearest_one(content: object, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(content, "my.yaml")
    assert str(caught.value) == f"my.yaml: {line}"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            {"job": {"runtime": 600, "writes": [{"files": 6}, {"over": 1200}]}},
            'job.writes.1: {"over": 1200}: it goes on until 1200 s, but an attempt ends after 600 s (job.runtime)',
        ),
        (
            {"job": {"runtime": 60, "writes": [{"at": 3600}]}},
            'job.writes.0: {"at": 3600}: it goes on until 3600 s, but an attempt ends after 60 s (job.runtime)',
        ),
        (
            {"input": {"session": {}}, "session": {"jobs": [{"runtime": 100, "writes": [{"over": 200}]}]}},
            'session.jobs.0.writes.0: {"over": 200}: it goes on until 200 s, but the job ends after 100 s (runtime)',
        ),
        (
            {"input": {"session": {}}, "job": {"runtime": 3600}, "session": {"end_at": 600}},
            'job: {"runtime": 3600}: the run opens a session (input.session), which has only the jobs of others '
            "(session.jobs)",
        ),
        (
            {"job": {"runtime": 60, "interruptions": [30, 90]}},
            "job.interruptions: [30, 90]: an attempt ends after 60 s (job.runtime), before it is interrupted",
        ),
        (
            {"job": {"exit_code": 137}},
            "job.exit_code: 137: only a job with the outcome FAILED (job.outcome) ends with another exit code than 0",
        ),
        (
            {"job": {"start_delay": None, "mounts": False}},
            "job.mounts: false: no instance starts (job.start_delay), so none fails to mount",
        ),
        (
            {"job": {"start_delay": 60, "blocked": "CAPACITY"}},
            'job.blocked: "CAPACITY": a job that is blocked never starts, but it starts after job.start_delay',
        ),
        (
            {"job": {"blocked": "CAPACITY", "interruptions": [60]}},
            "job.interruptions: [60]: no attempt of the job ever starts (job.blocked)",
        ),
        (
            {"job": {"mounts": False, "interruptions": [60]}},
            "job.interruptions: [60]: no attempt of the job ever starts (job.mounts)",
        ),
        (
            {"association": {"breaks_at": 60, "heals_at": 30}},
            "association.heals_at: 30: it heals after it broke (association.breaks_at)",
        ),
        (
            {"association": {"stays_broken": True}},
            "association.stays_broken: true: it never breaks (association.breaks_at)",
        ),
        (
            {"file_system": {"outcome": "FAILED", "deleted_by_others_at": 5}},
            "file_system.deleted_by_others_at: 5: it counts from when the file system became AVAILABLE, which it never "
            "does",
        ),
        (
            {"faults": [{"call": "batch:SubmitJob"}, {"call": "batch:SubmitJob", "state": "Submit"}]},
            'faults.1.state: "Submit": no state has this name; did you mean SubmitJob?',
        ),
        (
            {"expect_error": "JobFailed"},
            'expect_error: "JobFailed": an execution that is expected to succeed (expect) has no error',
        ),
    ],
)
def test_a_scenario_that_contradicts_itself_is_refused_in_one_line(content: object, line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(content, "my.yaml")
    assert str(caught.value) == f"my.yaml: {line}"


def test_files_may_be_written_and_attempts_interrupted_up_to_the_end_of_the_runtime() -> None:
    parse({"job": {"runtime": 600, "writes": [{"over": 600}, {"at": 600}], "interruptions": [600]}}, "my.yaml")
    parse({"job": {"interruptions": [90_000]}}, "my.yaml")  # of a real job nobody knows how long it takes


def test_no_schedule_that_is_drawn_contradicts_itself() -> None:
    for seed in range(300):
        parse(schedules.hostile(schedules.seeded(seed)), "drawn")


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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"description: \xff", "is not text in UTF-8"),
        (b"job: {}\nname: a\njob: {}\n", "is not YAML: line 3, column 1: the key job is in line 1 already"),
        (b"job: {runtime: 5, runtime: 6}", "is not YAML: line 1, column 19: the key runtime is in line 1 already"),
        (b"false", "is not a mapping of keys, but False"),
    ],
)
def test_a_file_that_says_nothing_clear_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load(str(path))
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith(words)


def test_a_name_gets_a_hint_at_the_file_that_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sc.yaml").write_text("job: {}")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ScenarioError, match=r"^sc is not a scenario; did you mean the file sc\.yaml\?$"):
        load("sc")
    with pytest.raises(ScenarioError, match=r"folder\.yaml: Is a directory$"):
        load("folder.yaml")
