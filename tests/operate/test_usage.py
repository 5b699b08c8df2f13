"""What cannot be understood is told in one line that names the word, with exit status 2, and as an object if asked."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from lustre_batch import command

ROOT = Path(__file__).parents[2]


def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit status of a command, and what it has written where."""
    monkeypatch.setattr(sys, "argv", ["lustre-batch", *words])
    with pytest.raises(SystemExit) as end:
        command.main()
    told = capsys.readouterr()
    return int(str(end.value.code)), told.out, told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--array", "abc"), "--array: 'abc' is not a whole number"),
        (("run", "--array", "1_0"), "--array: '1_0' is not a whole number"),
        (("logs", "--child", "-1"), "--child: '-1' is not a whole number of 0 or more"),
        (("list", "--most", "0"), "--most: '0' is not a whole number from 1 to 1000"),
        (
            ("session", "start", "--idle-minutes", "1441"),
            "--idle-minutes: '1441' is not a whole number from 1 to 1440",
        ),
        (("run", "--arry", "3"), "--arry: run has no such option (did you mean --array?)"),
        (("--version",), "--version: lustre-batch has no such option"),
        (("run", "--array"), "--array: its value is missing"),
        (("list", "--json=yes"), "--json: it takes no value"),
        (("plan", "--bytes-each", "1kB"), "--files: it is missing, and plan needs it"),
        (("reclaim",), "RUN|FILE-SYSTEM: it is missing, and reclaim needs it"),
        (("push",), "CONTEXT: it is missing, and push needs it"),
        (("watch", "one", "two"), "watch: two is more than it takes"),
        (("rnu",), "rnu: there is no such verb (did you mean run?); lustre-batch --help lists them"),
        (
            ("session", "strat"),
            "session strat: there is no such verb (did you mean start?); lustre-batch --help lists them",
        ),
        (("quux",), "quux: there is no such verb; lustre-batch --help lists them"),
        (("config", "--from", "x", "--stack", "a b"), "a b is not the name of a stack: "),
    ],
)
def test_it_is_told_in_one_line(
    words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = typed(monkeypatch, capsys, *words)
    if not any(word.startswith("--json") for word in words):
        assert out == ""
    (line,) = err.splitlines()
    assert (status, line[: len(said) + 14]) == (2, f"lustre-batch: {said}")


@pytest.mark.parametrize("option", ["--json", "--query=run", "--query"])
def test_with_json_or_a_query_standard_output_has_one_object_with_the_error(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [option, "run"] if option == "--query" else [option]
    status, out, err = typed(monkeypatch, capsys, "watch", *given, "--array", "3")
    assert json.loads(out) == {"error": "--array: watch has no such option", "exit_status": 2}
    assert (status, err) == (2, "lustre-batch: --array: watch has no such option\n")


def test_what_follows_the_command_of_a_job_asks_for_no_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = typed(monkeypatch, capsys, "run", "--array", "x", "--command", "tool", "--json")
    assert (status, out, err.splitlines()) == (2, "", ["lustre-batch: --array: 'x' is not a whole number"])


def test_a_verb_of_several_without_one_shows_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = typed(monkeypatch, capsys, "session")
    assert (status, "Commands:" in err) == (2, True)


@pytest.mark.parametrize(
    ("typing", "offered"),
    [
        ("ru", ["run"]),
        ("session st", ["start", "stop"]),
        ("run --arr", ["--array"]),
        ("orphans --c", ["--clean"]),
        ("rehearse --scen", ["--scenario"]),
        ("rehearse --json --scenario late-b", ["late-burst"]),
        ("rehearse --command tool --j", []),
    ],
)
def test_the_shell_completes_verbs_and_options(
    typing: str, offered: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = f"lustre-batch {typing}"
    for name, value in (
        ("_LUSTRE_BATCH_COMPLETE", "complete_bash"), ("COMP_WORDS", words), ("COMP_CWORD", str(words.count(" ")))
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    _, out, _ = typed(monkeypatch, capsys)
    assert out.split() == offered


def test_no_help_has_a_type_of_python() -> None:
    root: Any = typer.main.get_command(command.app)
    commands = [one for each in root.commands.values() for one in [each, *getattr(each, "commands", {}).values()]]
    for one in commands:
        if one.name != "rehearse":
            said = one.get_help(typer.Context(one, info_name=one.name))
            assert re.findall(r"<[a-z\[\]]+>", said) == [], one.name


@pytest.mark.parametrize("page", ["command.md", "command.ja.md"])
def test_every_verb_is_on_the_page_of_the_command_with_a_line_to_type(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    root: Any = typer.main.get_command(command.app)
    verbs = [
        f"{name} {sub}" if sub else name
        for name, one in root.commands.items()
        for sub in getattr(one, "commands", [""])
    ]
    assert {"config", "rehearse", "session stop", "report"} <= set(verbs)
    for verb in verbs:
        assert f"\n.venv/bin/lustre-batch {verb}" in text, verb
        assert re.search(rf"`{verb}[` ]", text), verb
