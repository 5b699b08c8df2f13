"""The catalogue of notifications: each is printed in full (docs/messages.md, which is compared with the definitions),
and says first what happened and whether money is running, and last what to type."""

from __future__ import annotations

import re

import pytest
from lustre_batch import definition
from lustre_batch.command import app
from lustre_batch.prices import file_system_dollars, prices_a_day
from typer.testing import CliRunner

from tests.workflow.conftest import Definition
from tests.workflow.evaluation import RUN, evaluate
from tools.messages import CATALOGUE, MACHINE, Message

MONEY = re.compile(
    r"(fs-[0-9a-f]+ is (kept and )?billed, about \$[0-9,]+\.\d\d a day, until .*|Its file system may still be billed\.|"
    r"Nothing is left, and nothing of it is billed any more\.|No file system of it is billed any more\.|"
    r"What that run created may still be billed\.)$"
)
COMMAND = re.compile(rf"^  lustre-batch (.+) --state-machine {re.escape(MACHINE)}$", re.MULTILINE)

each = pytest.mark.parametrize("message", CATALOGUE, ids=lambda message: message.title)


@each
def test_the_first_line_says_what_happened_and_whether_money_is_running(message: Message) -> None:
    first = message.text()["Message"].splitlines()[0]
    assert re.match(r"(Run|The clean-up after run) brisk-heron-4f2a91\b", first)
    assert MONEY.search(first), first


@each
def test_there_is_one_command_to_type_unless_there_is_nothing_to_do_and_it_is_one_that_there_is(
    message: Message,
) -> None:
    text = message.text()["Message"]
    commands = COMMAND.findall(text)
    assert len(commands) == text.count("\n  lustre-batch ")
    if re.search(r"^To do: Nothing(\.|, )", text, re.MULTILINE) and "What is left" not in text:
        assert commands == []
        return
    (command,) = commands
    words = [word for word in command.split() if not word.startswith(("fs-", "brisk-"))]
    verb = words[: 2 if words[0] == "session" else 1]
    shown = CliRunner().invoke(app, [*verb, "--help"])
    assert shown.exit_code == 0, command
    assert all(word in shown.stdout for word in words if word.startswith("--")), command


def test_every_state_that_publishes_takes_its_words_from_the_catalogue_which_has_each_of_them() -> None:
    publishing = {
        (name, state)
        for name in definition.names()
        for state, content in definition.read(name)["States"].items()
        if content.get("Resource", "").endswith(":sns:publish")
    }
    assert {message.state for message in CATALOGUE} == publishing


def test_every_piece_of_advice_is_in_the_catalogue(run: Definition, clean_up: Definition) -> None:
    """Whatever the expressions can say under "To do"."""
    told = "\n".join(message.text()["Message"] for message in CATALOGUE)
    for part, state in (("run", "Notify"), ("clean_up", "Notify"), ("clean_up", "NotifyOfFailure")):
        source = definition.read(part)["States"][state]["Arguments"]["Message"].partition("'To do: '")[2]
        advice = [text for text in re.findall(r"'([^']*)'", source) if re.match(r"[A-Z][a-z]+[ ,.]", text)]
        assert advice
        assert [text for text in advice if text.partition("\\n")[0] not in told] == []


@pytest.mark.parametrize("deleting", [False, True])
@pytest.mark.parametrize(
    ("gib", "throughput", "iops"),
    [
        (2400, None, None),
        (1200, 50, None),
        (4800, 125, 6000),
        (4800, 1000, 12_000),
        (96_000, 250, 60_000),
        (1_200_000, 500, 192_000),
    ],
)
def test_what_a_file_system_costs_a_day_is_what_the_list_prices_say(
    clean_up: Definition, gib: int, throughput: int | None, iops: int | None, deleting: bool
) -> None:
    lustre = {"PerUnitStorageThroughput": throughput} if throughput else {}
    system = {
        "FileSystemId": "fs-1",
        "Lifecycle": "DELETING" if deleting else "AVAILABLE",
        "StorageCapacity": gib,
        "LustreConfiguration": lustre | ({"MetadataConfiguration": {"Iops": iops}} if iops else {}),
        "Tags": [{"Key": "lustre-batch:execution", "Value": RUN}],
    }
    others = system | {"Tags": [{"Key": "lustre-batch:execution", "Value": "another"}]}
    expression = clean_up.states["FindFileSystems"]["Assign"]["dollarsADay"]
    for page, before, sum_before in (("", 99.0, 0.0), ("next", 1.5, 1.5)):
        seen = {"result": {"FileSystems": [others, system]}}
        found = evaluate(expression, seen, executionTag=RUN, nextToken=page, dollarsADay=before)
        assert found - sum_before == pytest.approx(0 if deleting else file_system_dollars(system, 86_400), abs=0.01)
    assert evaluate(expression, {"result": {"FileSystems": []}}, executionTag=RUN, nextToken="", dollarsADay=3) == 0


def test_the_prices_are_those_of_one_table() -> None:
    prices = prices_a_day()
    assert round(prices["gib"]["scratch"] * 2400, 2) == 11.05
    assert set(prices["gib"]) == {"scratch", "50", "100", "200", "125", "250", "500", "1000"}
