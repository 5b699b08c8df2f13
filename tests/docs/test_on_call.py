"""What somebody is told at night, and the lines that find the cause and mend it: none is missing, and each is tried."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lustre_batch import definition
from lustre_batch.command import app
from lustre_batch.operate import follow
from pydantic.alias_generators import to_camel
from typer.testing import CliRunner

from rehearsal.aws.account import Account
from rehearsal.aws.fsx import tree
from rehearsal.play.prices import HOURS_PER_MONTH, PRICES
from rehearsal.play.session import Played, Session
from rehearsal.provider.mocks import deploy
from tests.docs import asked, markdown
from tests.docs.test_errors import PAGES as ERRORS
from tests.docs.test_errors import error_rows
from tests.operate.conftest import Desk
from tools.generate import SETTINGS, VALIDATION
from tools.messages import CATALOGUE

OPERATIONS = ("docs/operations.md", "docs/operations.ja.md")
PAGE, ERROR_PAGE = OPERATIONS[0], ERRORS[0]
LINES = {"docs/errors.md": "Lines to type", "docs/errors.ja.md": "打つコマンド"}
EITHER = pytest.mark.parametrize("page", OPERATIONS)


def subject_rows(page: str) -> list[list[str]]:
    [table] = [table for table in markdown.tables(page) if table[0][0] in ("subject", "件名")]
    return table[1:]


def subject_words() -> set[str]:
    """What the definitions put together to subjects, errors' names aside."""
    subjects = [
        state["Arguments"]["Subject"]
        for name in definition.names()
        for state in definition.read(name)["States"].values()
        if state.get("Resource", "").endswith(":sns:publish")
    ]
    assert len(subjects) == len({message.state for message in CATALOGUE})
    return {words for subject in subjects for words in re.findall(r"'((?:[^'])+)'", subject)}


@functools.cache
def sent() -> frozenset[str]:
    subjects = (message.text()["Subject"].removeprefix("Lustre Batch AutoExport: ") for message in CATALOGUE)
    return frozenset(re.sub(r"\(\w+\)", "(ERROR)", subject) for subject in subjects)


@EITHER
def test_every_subject_of_a_notification_has_a_row_that_says_what_to_do(page: str) -> None:
    listed = [markdown.code_words(row[0])[0] for row in subject_rows(page)]
    assert sent() <= set(listed)
    said = "\n".join(listed)
    missing = [
        words for words in subject_words() if words.removeprefix("Lustre Batch ${EnvName}: ").strip() not in said
    ]
    assert [words for words in missing if words != ")"] == []
    assert all(len(row) == 3 and all(row) for row in subject_rows(page))


ALARMS = [alarm["name"] for alarm in yaml.safe_load(markdown.text("components/lustre_batch/alarms.yaml"))]


@EITHER
def test_every_alarm_has_a_row_that_says_what_to_type(page: str) -> None:
    rows = [line.split("|")[1:-1] for line in markdown.between(page, "alarms").strip().splitlines()[2:]]
    assert sorted(markdown.code_words(row[0])[0] for row in rows) == sorted(ALARMS)
    for row in rows:
        assert "](#" in row[2] or "`lustre-batch " in row[2], row


@pytest.mark.parametrize("page", ERRORS)
def test_the_table_of_errors_is_seen_without_turning_many_pages(page: str) -> None:
    lines = markdown.text(page).splitlines()
    [head] = [number for number, line in enumerate(lines) if line.startswith(("| error |", "| エラー |"))]
    assert head < 40
    assert "```mermaid" not in markdown.text(page)


def recipes(page: str) -> dict[str, str]:
    """The sections with lines to type, by their headings."""
    _, _, below = markdown.text(page).partition(f"\n## {LINES[page]}\n")
    assert below
    sections = re.split(r"^### (.+)$", below, flags=re.M)
    return dict(zip(sections[1::2], sections[2::2], strict=True))


@pytest.mark.parametrize("page", ERRORS)
def test_every_error_is_in_one_group_of_lines_to_type_and_nothing_else_is(page: str) -> None:
    named = [word for section in recipes(page).values() for word in _errors(section)]
    listed = [word for row in error_rows(page) for word in markdown.code_words(row[0])]
    assert sorted(named) == sorted(listed)


def _errors(section: str) -> list[str]:
    """Those that its first words are about."""
    [first] = re.findall(r"\A\s*((?:`[\w.*]+`(?:[,、]\s*)?)+)", section)
    return markdown.code_words(first)


@pytest.mark.parametrize("page", ERRORS)
def test_every_group_has_a_line_of_the_command_and_says_what_to_do_without_it(page: str) -> None:
    for heading, section in recipes(page).items():
        assert ".venv/bin/lustre-batch " in section, heading
        assert re.search(r"^(\w+=\$\()?aws ", section, re.M) or "operations" in section, heading


def test_every_value_that_is_set_for_a_run_is_one_that_a_run_takes() -> None:
    lines = [line for page in (PAGE, ERROR_PAGE) for line in markdown.commands(page) if "lustre-batch " in line]
    lines += markdown.code_words(markdown.prose(PAGE))
    shown = [pair for line in lines for pair in re.findall(r"--set (\w+)=(\S+)", line)]
    assert len(shown) >= 4
    for key, value in shown:
        assert key in {to_camel(name) for name in SETTINGS.run_time_names()}
        VALIDATION.read_settings({key: value})


# ------------------------------------------------------------------ tried
@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """With public egress, where not every subnet has a way out."""
    with Account() as account:
        yield Desk(Session(account, deploy(account, config={"egress": "public"}).exports))


@pytest.fixture(autouse=True)
def virtual_pauses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "desk" in request.fixturenames:
        clock = request.getfixturevalue("desk").account.clock
        monkeypatch.setattr(follow, "pause", clock.advance)


def ask(desk: Desk, page: str, service: str, operation: str, **variables: str) -> list[Any]:
    """What each command of the page for that operation answers."""
    exports = desk.session.exports
    known = {
        "machine": desk.arn,
        "clean_up": exports["cleanUpStateMachineArn"],
        "stack": desk.arn.rpartition(":")[2],
        "environment": exports["computeEnvironmentArn"],
        **variables,
    }
    found = asked.commands(page, service, operation)
    assert found, f"{page} has no aws {service} {operation}"
    return [asked.answer(desk.account.client(service), command, known) for command in found]


def told(played: Played) -> list[str]:
    """The notifications of runs; alarms tell the rest."""
    return [one["message"] for one in played.witness.messages if one["message"].startswith("Run ")]


def test_a_mail_about_a_failed_job_has_its_exit_code_and_where_its_log_is_and_the_pages_lines_print_it(
    desk: Desk,
) -> None:
    printed: list[list[str]] = []

    def doing() -> None:
        assert desk.type("run", "--name", "fails").status == 1
        printed.append(desk.type("logs", "fails").lines)

    script = "echo 'cannot open model.bin' >&2; exit 3"
    played = desk.play(doing, job={"command": ["sh", "-c", script]}, expect="FAILED")
    [message] = told(played)
    assert "exit code 3" in message
    [(group, stream)] = re.findall(r"log group (\S+), log stream (\S+?)\.?\s", message)
    assert f"lustre-batch logs fails --state-machine {desk.arn}" in message
    assert printed == [["cannot open model.bin"]]
    [found] = ask(desk, ERROR_PAGE, "logs", "get-log-events", GROUP=group, STREAM=stream)
    assert found == printed[0]
    # As the page of operations finds both.
    [its_group] = ask(desk, PAGE, "logs", "describe-log-groups")
    assert its_group == group
    [cause] = ask(desk, ERROR_PAGE, "stepfunctions", "describe-execution", execution=desk.stack.execution_arn("fails"))
    assert stream in cause


def test_the_boot_log_of_an_instance_that_could_not_mount_is_found_by_the_mail_and_by_the_pages_lines(
    desk: Desk,
) -> None:
    found: list[Any] = []

    def doing() -> None:
        assert desk.type("run", "--name", "unmounted").status == 1
        found.extend(ask(desk, PAGE, "ec2", "describe-instances"))
        instance = found[0][0][0]
        found.extend(ask(desk, PAGE, "ec2", "get-console-output", INSTANCE_ID=instance))

    played = desk.play(doing, job={"mounts": False}, expect="FAILED")
    [message] = told(played)
    assert f"lustre-batch logs unmounted --instance --state-machine {desk.arn}" in message
    instances, output = found
    assert {each[0] for each in instances} >= set(re.findall(r"\bi-[0-9a-f]{17}\b", message)) != set()
    assert any(line.startswith("lustre: ") or "lustre: " in line for line in output.splitlines())


@dataclass
class Seen:
    """What the page's lines answer while one run goes on and the file system of another is kept."""

    failed: list[Any]
    running: list[Any]
    clean_ups: list[Any]
    file_systems: list[Any]
    place: tuple[str, str]
    mount: tuple[str, str]
    listed: str
    left: str


@pytest.fixture(scope="module")
def seen(desk: Desk) -> Seen:
    found: list[Seen] = []

    def doing() -> None:
        assert desk.type("run", "--name", "kept", "--set", "deleteLustre=false").status == 0
        assert desk.type("run", "--name", "runs", "--prefix", "b/", "--detach").status == 4
        desk.account.clock.advance(900)
        failed, clean_ups_failed, running, clean_ups = ask(desk, PAGE, "stepfunctions", "list-executions")
        [systems] = ask(desk, PAGE, "fsx", "describe-file-systems --output")
        [place] = ask(desk, PAGE, "batch", "describe-compute-environments")
        [kept] = [system for system, *_, reason in systems if reason]
        [command] = asked.commands(PAGE, "fsx", "describe-file-systems --file-system-ids")
        named = [kept if word.startswith("fs-") else word for word in command]
        mount = asked.answer(desk.account.client("fsx"), named, {})
        listed, left = ("\n".join(desk.type(verb).lines) for verb in ("list", "orphans"))
        found.append(Seen(failed + clean_ups_failed, running, clean_ups, systems, place, mount, listed, left))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(follow, "pause", desk.account.clock.advance)
        desk.play(doing)
    return found[0]


def test_what_runs_and_what_is_left_is_told_with_and_without_the_command(seen: Seen) -> None:
    assert [name for name, _ in seen.running] == ["runs"]
    assert seen.failed == seen.clean_ups == []
    reasons = {re.split("[:/]", execution)[-1]: reason for *_, execution, reason in seen.file_systems}
    assert reasons == {"kept": "deleteLustre is false", "runs": None}
    for system, lifecycle, capacity, *_, reason in seen.file_systems:
        assert (lifecycle, capacity) == ("AVAILABLE", 2400)
        assert re.search(rf"{system}.* a day", seen.listed)
        assert (system in seen.left) == (reason is not None)


def test_the_instance_that_mends_goes_where_those_of_jobs_go_and_has_a_way_out_and_to_the_file_system(
    seen: Seen, desk: Desk
) -> None:
    (subnet, groups), (dns_name, mount_name) = seen.place, seen.mount
    assert re.fullmatch(r"fs-\w+\.fsx\.us-east-1\.amazonaws\.com", dns_name)
    assert mount_name
    ec2 = desk.account.client("ec2")
    tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [subnet]}])["RouteTables"]
    assert any(route.get("DestinationCidrBlock") == "0.0.0.0/0" for table in tables for route in table["Routes"])
    [described] = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"]
    assert described["MapPublicIpOnLaunch"]
    [group] = ec2.describe_security_groups(GroupIds=groups.split())["SecurityGroups"]
    lustre = [rule for rule in group["IpPermissions"] if rule["FromPort"] == 988]
    assert [pair["GroupId"] for rule in lustre for pair in rule["UserIdGroupPairs"]] == [group["GroupId"]]


@EITHER
def test_before_files_are_deleted_on_a_kept_file_system_automatic_export_is_switched_off_and_looked_at(
    page: str,
) -> None:
    [off] = asked.commands(page, "fsx", "update-data-repository-association")
    assert json.loads(off[-1]) == {policy: {"Events": []} for policy in ("AutoImportPolicy", "AutoExportPolicy")}
    lines = markdown.commands(page)
    [look], [switch], [mount] = (
        [number for number, line in enumerate(lines) if line.startswith(begins)]
        for begins in (
            "aws fsx describe-data-repository-associations",
            "aws fsx update-data-repository-association",
            "sudo mount ",
        )
    )
    assert look < switch < mount


@pytest.mark.parametrize("switched_off", [True, False])
def test_what_is_deleted_on_a_kept_file_system_stays_in_the_bucket_only_once_export_is_off_as_the_page_says(
    desk: Desk, switched_off: bool
) -> None:
    bucket, buckets, fsx = desk.session.exports["bucketName"], desk.account.buckets, desk.account.client("fsx")
    found: list[bytes | None] = []

    def look(system: str) -> list[Any]:
        [command] = asked.commands(PAGE, "fsx", "describe-data-repository-associations")
        [one] = asked.answer(fsx, [word.replace("fs-0123456789abcdef0", system) for word in command], {})
        return list(one)

    def doing() -> None:
        assert desk.type("run", "--set", "deleteLustre=false").status == 0
        [link] = [one for one in desk.account.associations.living() if not one.is_input]
        buckets.put(bucket, "again.txt", b"of a later run")
        desk.account.clock.advance(900)  # meanwhile its import ends
        identifier, lifecycle, events = look(link.file_system.id)
        assert (lifecycle, len(events)) == ("AVAILABLE", 3)
        if switched_off:
            ask(desk, PAGE, "fsx", "update-data-repository-association", ASSOCIATION_ID=identifier)
            desk.account.clock.advance(900)
            assert look(link.file_system.id) == [identifier, "AVAILABLE", []]
        assert link.file_system.folder is not None
        scratch = link.file_system.folder / "scratch"
        (scratch / "again.txt").unlink()
        link.content.remove("again.txt", desk.account.clock.now())
        link.content.seen = tree.listing(scratch)
        desk.account.clock.advance(900)
        desk.type("reclaim", link.file_system.id)
        found.append(buckets.read(bucket, "again.txt"))

    desk.play(doing, job={"command": ["sh", "-c", 'echo 1 > "${SCRATCH_DIR:-/scratch}/again.txt"; sleep 60']})
    assert found == [b"of a later run" if switched_off else None]


@EITHER
def test_the_queue_of_what_was_not_delivered_is_emptied_by_lines_of_their_own_after_those_that_read_it(
    page: str,
) -> None:
    about = [line for line in markdown.commands(page) if " sqs " in line]
    assert about[-1] == 'aws sqs purge-queue --queue-url "$queue"'
    assert 'aws sqs purge-queue --queue-url "$queue"\n' in markdown.blocks(page, "bash")
    # SQS guide, monitoring: until when a queue is active.
    assert re.search("six hours|6 時間", markdown.prose(page))


@EITHER
def test_an_adopted_network_is_told_what_a_session_goes_through(page: str) -> None:
    assert {"subnetIds", "ssm", "ssmmessages"} <= {*markdown.code_words(markdown.prose(page))}


@EITHER
def test_an_instance_is_terminated_after_its_file_system_was_unmounted(page: str) -> None:
    blocks = markdown.blocks(page, "bash")
    [ends] = [number for number, block in enumerate(blocks) if " terminate-instances " in block]
    assert blocks[ends - 1] == "sudo umount /fsx\n"  # so that nobody types both at once


@EITHER
def test_what_a_file_system_costs_a_day_is_what_the_messages_reckon(page: str) -> None:
    [line] = [line for line in markdown.text(page).splitlines() if "SCRATCH_2" in line and "$" in line]
    daily = PRICES["scratch"].dollars * SETTINGS.Settings().lustre_storage_capacity / HOURS_PER_MONTH * 24
    assert "2,400 GiB" in line
    assert f"${daily:.2f}" in line


def test_a_file_whose_name_s3_refuses_is_renamed_on_the_kept_file_system_and_reclaimed_as_the_page_says(
    desk: Desk,
) -> None:
    bad = os.fsdecode(b"result-\xff.txt")
    mended: list[str] = []

    def doing() -> None:
        said = desk.type("run", "--name", "refused", "--json")
        assert (said.status, said.facts["error"]) == (3, "ExportIncomplete")
        [system] = [one for one in desk.account.file_systems.all.values() if one.folder is not None]
        assert system.folder is not None
        long, inodes, shown, rename = _find_commands(system.folder)
        listed = _run(inodes)
        [inode] = re.findall(rb"^(\d+) .*result-\xff\.txt$", listed, re.M)
        assert _run(long) == b""
        rename, shown = (line.replace("INODE", inode.decode()) for line in (rename, shown))
        scratch = system.folder / "scratch"
        # A name that another file has is not taken from it, and that is seen.
        _run(rename.replace("NEW_NAME", "good.txt"))
        assert (scratch / "good.txt").read_text() == "1\n"
        assert _run(shown).rstrip().endswith(b"result-\xff.txt")
        _run(rename.replace("NEW_NAME", "result.txt"))
        assert _run(shown).rstrip().endswith(b"/result.txt")
        assert sorted(path.name for path in scratch.iterdir()) == ["good.txt", "result.txt"]
        # The client's close is what FSx learns of it.
        [content] = [one.content for one in desk.account.associations.all if one.content.groups]
        content.rename(bad, "result.txt", desk.account.clock.now())
        content.seen = tree.listing(scratch)
        mended.extend(desk.type("reclaim", system.id).lines)
        assert desk.type("list", "--json").facts["file_systems"] == []

    script = 'cd "${SCRATCH_DIR:-/scratch}"; echo 1 > good.txt; echo 2 > "$(printf "result-\\377.txt")"; sleep 60'
    desk.play(doing, job={"command": ["sh", "-c", script]})
    client = desk.account.client("s3")
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=desk.session.exports["bucketName"])["Contents"]]
    assert {"good.txt", "result.txt"} <= set(keys), mended


def _find_commands(folder: Path) -> list[str]:
    lines = [line for line in markdown.commands(PAGE) if line.startswith("sudo find ")]
    told = [line.replace("sudo ", "").replace("/fsx/", f"{folder}/") for line in lines]
    return sorted(told, key=lambda line: ("INODE" in line, "%P" not in line, "mv" in line))


def _run(line: str) -> bytes:
    return subprocess.run(["bash", "-c", line], capture_output=True, check=False).stdout


@pytest.mark.parametrize("page", [PAGE, ERROR_PAGE])
def test_every_verb_that_is_named_in_a_table_is_one_that_there_is(page: str) -> None:
    named = {
        words.split()[1] for words in markdown.code_words(markdown.prose(page)) if words.startswith("lustre-batch ")
    }
    for verb in named:
        assert CliRunner().invoke(app, [verb, "--help"]).exit_code == 0, verb
