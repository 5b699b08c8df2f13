"""`python -m rehearsal`: what it prints and how it exits."""

from __future__ import annotations

import gc
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from rehearsal.__main__ import _serve, main
from rehearsal.aws.account import Account
from rehearsal.options import with_hint
from rehearsal.play.report import left
from rehearsal.play.scenario import names
from rehearsal.play.stage import Stage
from rehearsal.provider.deployment import ROOT, DeployError
from rehearsal.provider.mocks import deploy


def test_the_json_report_is_the_last_line_and_the_status_is_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "task-export", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[-1])["outcome"] == "SUCCEEDED"
    assert "SubmitJob" in printed.err


def test_people_see_states_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "bad-parameter"]) == 0
    printed = capsys.readouterr().out
    assert "InvalidParameter" in printed
    assert "transitions" in printed
    assert "as expected" in printed


def test_a_planned_fault_that_fails_nothing_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    faults = '[{call: "s3:PutObject", times: 2}, {call: "secretsmanager:GetSecretValue"}]'
    (tmp_path / "mine.yaml").write_text(f"input: {{nonsense: 1}}\nexpect: FAILED\nfaults: {faults}\n")
    assert main(["--scenario", str(tmp_path / "mine.yaml"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["unmet_faults"] == [{"call": "s3:PutObject", "times": 2}]
    [row] = [line for line in said.err.splitlines() if "unmet fault" in line]
    assert row.endswith("s3:PutObject (times: 2) failed nothing: no such call was made")


def test_another_end_than_the_scenario_expects_is_status_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "task-export", "--input", '{"nonsense": 1}']) == 1
    assert "expected was SUCCEEDED" in capsys.readouterr().out


def test_another_error_than_the_scenario_expects_is_status_one(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "mine.yaml").write_text("input: {nonsense: 1}\nexpect: FAILED\nexpect_error: JobFailed\n")
    assert main(["--scenario", str(tmp_path / "mine.yaml")]) == 1
    assert "its error was InvalidParameter, expected was JobFailed" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "nonsense"], "is not a scenario"),
        (["--input", "{"], "--input {: it is not JSON: Expecting property name"),
        (["--input", '{"session": {}}', "--command", "true"], '--command: --input {"session": {}}: the run opens a'),
        (["--scenarios", "default"], "--scenarios: there is no such option (did you mean --scenario?)"),
        (["--bogus"], "--bogus: there is no such option; --help lists them"),
        (["default"], "default: it is more than the command takes"),
        (["--input"], "--input: its value is missing"),
        (["--job", "x", "--command", "true"], "--command: leave it or --job out, which says the same"),
        (
            ["--scenario", "late-burst", "--input", '{"session": {}}'],
            '--input {"session": {}}: job: the run opens a session (input.session)',
        ),
        (
            ["--scenario", "session", "--job", "examples/sample_job/job.sh"],
            "--job: --scenario session: the run opens a session",
        ),
        (["--set", "nonsense"], "KEY=VALUE"),
        (["--stack", "nonsense"], "nonsense"),
        (["--job", "nowhere.sh"], "--job nowhere.sh: there is no file nowhere.sh"),
        (["--job", "README.md"], "--job README.md: it may not be executed: chmod +x README.md"),
        (["--bucket-folder", "nowhere"], "--bucket-folder nowhere: there is no folder nowhere"),
        (["--job", ""], "--job '': it is empty"),
        (["--job", "examples"], "--job examples: it is a folder: name the file in it that is to be executed"),
        (["--bucket-folder", "README.md"], "--bucket-folder README.md: it is a file, and not a folder"),
        (["--bucket-folder", ""], "--bucket-folder '': it is empty"),
        (["--program", ""], "--program '': it is empty"),
        (["--scenario", ""], "'' is not a scenario"),
        (["--stack", ""], "'' is not the name of a stack"),
        (["--stack", "../x"], "../x is not the name of a stack: letters, digits, hyphens"),
        (["--set", "foo:bar=1"], "foo:bar: nothing reads it; a key is KEY or lustre-batch:KEY"),
        (["--set", "aws:region="], "aws:region: it is empty"),
        (["--serve"], "--serve: it is the engine that goes on with the stack, so add --engine"),
        (["--command", "pyhton", "a.py"], "--command pyhton a.py: there is no program pyhton on this machine"),
    ],
)
def test_what_cannot_be_played_is_status_two_with_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert words in line
    assert told.out == ""
    assert main(["--json", *arguments]) == 2
    assert words in json.loads(capsys.readouterr().out)["error"]


def test_the_list_names_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert "million-small-files" in capsys.readouterr().out


def test_the_list_can_be_had_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == names()
    assert all(set(one) == {"name", "description"} and one["description"] for one in listed)


def test_the_list_fits_a_narrow_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 40] == []
    assert [line.strip() for line in lines if not line.startswith("    ")] == names()


SWALLOWED = """
import os, signal, sys
from rehearsal import __main__ as command, options

class Late:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass

def parsed(arguments, called):
    late = Late()
    del late
    for _ in range(10):
        signal.pause()  # until the alarm
    return None

options.parsed = parsed
sys.exit(command.main([]))
"""


@pytest.mark.parametrize(("number", "line"), [(signal.SIGINT, "interrupted\n"), (signal.SIGTERM, "terminated\n")])
def test_an_interruption_that_python_ignores_in_a_destructor_still_ends_the_rehearsal(
    number: signal.Signals, line: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SWALLOWED, str(int(number))], capture_output=True, text=True, check=False, timeout=30
    )
    assert (ended.stderr, ended.returncode) == (line, 128 + number)


def test_the_example_is_a_scenario_that_can_be_played(
    capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    assert main(["--example"]) == 0
    (tmp_path / "mine.yaml").write_text(capsys.readouterr().out)
    assert main(["--scenario", str(tmp_path / "mine.yaml"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [attempt["exit_code"] for attempt in facts["attempts"]] == [None, 0]


def test_a_stack_that_is_served_says_what_to_type_and_stays_until_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(signal, "pause", interrupted)
    written = io.StringIO()
    typed = ["cd /tmp/project", "export PULUMI_HOME=/tmp/home"]
    _serve(Console(file=written, width=20), Stage(None, [], typed), "prod")  # type: ignore[arg-type]
    said = written.getvalue().splitlines()
    assert [line.strip() for line in said if line.startswith(("  cd", "  export"))] == typed
    assert "  pulumi preview -s prod" in said
    assert said[-1].startswith("closed: ")


def test_a_mistake_in_an_option_is_said_before_anything_else_and_a_list_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--set", "computeEnvironmentInstanceTypes=c7i"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert """--set 'computeEnvironmentInstanceTypes=["a", "b"]'""" in line


def test_a_job_of_ones_own_is_shown_with_what_it_prints_and_its_exit_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    script = tmp_path / "mine.sh"
    script.write_text("#!/bin/sh\nseq 100; sleep 60; exit 3\n")
    script.chmod(0o755)
    assert main(["--json", "--job", str(script)]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["attempts"][0]["exit_code"] == 3
    printed = said.err.splitlines()
    assert [line.split("│ ")[1] for line in printed if "│" in line] == [
        *map(str, range(1, 21)), "… 60 lines left out", *map(str, range(81, 101))
    ]  # fmt: skip
    [ended] = [line for line in printed if line.startswith("  job  ")]
    assert "attempt 1: exit code 3 after 0:01:00, 100 lines of output" in ended
    assert f"in place of the sample job: {script}" in printed[0]


def test_one_that_computes_for_too_long_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    scenario = tmp_path / "slow.yaml"
    scenario.write_text("job: {command: [sh, -c, 'while :; do :; done'], real_seconds: 0.2}\n")
    assert main(["--scenario", str(scenario)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("the job neither slept nor ended within 0.2 s of real time (job.real_seconds)")


def test_what_is_kept_is_named_in_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "keep-file-system"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"keep-file-system: as expected\. Nothing lost\. Kept and still billed: fs-\w+\.", last)


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ("tags=a", """a map is JSON: --set 'tags={"team": "cfd"}'"""),
        ("autoExport=yes", "the only export; write true or false: --set autoExport=true"),
        ("lustreStorageCapacity=much", "must be of type 'integer'"),
    ],
)
def test_a_value_of_the_wrong_type_gets_a_hint_how_to_write_it(
    capsys: pytest.CaptureFixture[str], setting: str, hint: str
) -> None:
    assert main(["--set", setting]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(hint) or hint in line


def test_a_wrong_value_in_a_file_gets_a_hint_without_an_option() -> None:
    message = (
        "Stack 'a' with configuration key 'lustre-batch:autoExport' must be of type 'boolean', and not 'x': Export."
    )
    assert with_hint(message).endswith("Export; write true or false")
    assert with_hint(message, ["lustre-batch:autoExport"]).endswith("true or false: --set autoExport=true")


@pytest.mark.parametrize(
    ("setting", "status", "words"),
    [
        ("aws:region=mars-1", 2, "aws:region: mars-1 is no region"),
        ("lustreStorageCapacity=1300", 1, "1300 is not 1200, 2400 or a multiple of 2400"),
        ("foo=1", 1, "lustre-batch:foo: there is no parameter of this name"),
        ('aws:defaultTags={"tags":{"a":"1","A":"2"}}', 1, "Duplicate tag keys found"),
    ],
)
def test_a_stack_that_cannot_be_deployed_is_one_line_that_says_why(
    capsys: pytest.CaptureFixture[str], setting: str, status: int, words: str
) -> None:
    assert main(["--set", setting]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert words in line


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise ValueError('a\\nb')", "the program failed in __main__.py, line 1: ValueError: a b"),
        ("import pulumi\npulumi.Output.from_input(1).apply(lambda n: [][n])", "__main__.py, line 2: IndexError"),
        ("import pulumi_aws as aws\naws.s3.Bucket('a', bucket=3)", "aws:s3/bucket:Bucket (a): bucket: "),
        (
            "import pulumi_aws as aws\naws.efs.FileSystem('a')",
            "aws:efs/fileSystem:FileSystem is not in the rehearsal's",
        ),
        (
            "import pulumi_aws as aws\naws.s3.Bucket('a', region='eu-west-1')",
            "what is in eu-west-1 cannot be rehearsed",
        ),
    ],
)
def test_whatever_a_program_does_wrong_is_one_line(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str], program: str, words: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: project\nruntime: python\n")
    (tmp_path / "Pulumi.mine.yaml").write_text("")
    (tmp_path / "__main__.py").write_text(program)
    with Account() as account, pytest.raises(DeployError) as caught:
        deploy(account, "mine", folder=tmp_path)
    gc.collect()  # a task that nobody waits for speaks up when it is collected
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_an_encrypted_value_is_said_in_one_line_and_its_default_is_rehearsed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    stack = ROOT / "Pulumi.test-encrypted.yaml"
    stack.write_text("encryptionsalt: v1:x\nconfig: {lustre-batch:notificationEmail: {secure: v1:AAAA}}\n")
    try:
        assert main(["--stack", "test-encrypted", "--scenario", "bad-parameter"]) == 0
    finally:
        stack.unlink()
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note")]
    assert len(notes) == 1
    assert "lustre-batch:notificationEmail is encrypted, and rehearsed with nothing" in notes[0]


def test_prices_are_said_to_be_of_another_region_than_the_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", "bad-parameter", "--set", "aws:region=ap-northeast-1"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "us-east-1; the stack is in ap-northeast-1, where they differ" in said


def test_what_is_kept_and_free_is_told_from_what_is_billed() -> None:
    system, template = {"type": "file-system", "id": "fs-1"}, {"type": "launch-template", "id": "lt-1"}
    assert left([]) == "Nothing lost, nothing left running."
    assert left([system]) == "Nothing lost. Kept and still billed: fs-1."
    assert left([system, template]) == "Nothing lost. Kept and still billed: fs-1. Kept, free of charge: lt-1."
    assert left([template]) == "Nothing lost, nothing left that is billed. Kept, free of charge: lt-1."


def test_a_system_without_what_a_real_job_needs_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    assert main([]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "needs Linux" in line


@pytest.mark.parametrize(
    ("number", "seconds", "line"),
    [(signal.SIGINT, 0.3, "interrupted"), (signal.SIGINT, 1.5, "interrupted"), (signal.SIGTERM, 3, "terminated")],
)
def test_an_interruption_is_one_line_and_leaves_nothing_behind(
    number: signal.Signals, seconds: float, line: str, tmp_path: pathlib.Path
) -> None:
    begun = subprocess.Popen(
        [sys.executable, "-m", "rehearsal"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        start_new_session=True,
        # What a shell starts in the background ignores the signal, and so would whatever it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    time.sleep(seconds)
    os.killpg(begun.pid, number)
    _, said = begun.communicate(timeout=60)
    assert said == f"{line}\n"
    # Python kills itself by the signal if that came during an exec(); shells call both 130.
    assert begun.returncode in (128 + number, -number)
    assert list(tmp_path.iterdir()) == []


INTERRUPTED_AT_WORK = """
import os, signal, sys
from pathlib import Path
from rehearsal.__main__ import main
from rehearsal.aws.batch import processes, work

script = Path(sys.argv[1])
script.write_text("setsid tail -f /dev/null & echo $! > " + sys.argv[2] + "; while :; do sleep 60; done")
work.SAMPLE_JOB = script
before, seen = processes.Processes.wake, []

def wake(self, sleeper):
    seen.append(sleeper)
    if len(seen) == 3:
        os.kill(os.getpid(), int(sys.argv[3]))
    return before(self, sleeper)

processes.Processes.wake = wake
sys.exit(main([]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_that_is_at_work_ends_with_the_rehearsal(number: signal.Signals, tmp_path: pathlib.Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = [str(tmp_path / "job.sh"), str(tmp_path / "pid"), str(int(number))]
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_WORK, *words],
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (
        128 + number,
        {signal.SIGINT: "interrupted\n", signal.SIGTERM: "terminated\n"}[number],
    )
    assert list(temporary.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("name", ["refused-files", "keep-file-system"])
def test_no_folder_is_left_of_a_file_system_that_is_kept(
    name: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["--scenario", name]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["--list"], ["--scenario", "bad-parameter"]])
def test_no_line_ends_in_blanks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    assert main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line != line.rstrip()] == []


def test_a_failed_run_reads_well_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["--scenario", "refused-files"], started=time.perf_counter() - 1000) == 0
    printed = capsys.readouterr().out
    timeline, _, summary = printed.partition("outcome")
    assert "the run ended FAILED with ExportIncomplete" in timeline
    assert timeline.rstrip().endswith("the clean-up ended SUCCEEDED"), "an end without its owner misleads"
    assert re.search(r"s3://\S+/failures\.csv", summary), "a URL stays in one piece"
    words = " ".join(summary.split())
    assert re.search(r"exported 47 files, .* not exported 3 files, .* only on fs-\w+", words)
    assert re.search(r"of virtual time in \d+\.\d s of real time; the command took 10\d\d\.\d s of real time", words)


def test_a_terminal_that_knows_only_ascii_gets_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", write_through=True))
    assert main(["--scenario", "bad-parameter"]) == 0
    assert "+ the run ended FAILED with InvalidParameter" in written.getvalue().decode("ascii")
