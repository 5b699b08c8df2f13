"""What the pages tell people to type and to click exists, and both languages tell the same."""

import ast
import json
import re
import shlex
import tomllib
from typing import Any, get_args

import botocore.session
import pytest
import yaml
from botocore import xform_name
from lustre_batch import command
from lustre_batch.key_users import KEY_USERS
from lustre_batch.metrics_catalogue import catalogue
from pydantic.alias_generators import to_camel
from typer.testing import CliRunner

from rehearsal.aws.fsx.creation_rules import DEPLOYMENT_TYPES, automatic_metadata_iops
from rehearsal.options import parser
from rehearsal.play import scenario
from rehearsal.play.prices import HOURS_PER_MONTH, PERSISTENT, PRICES
from tests.docs import markdown
from tools.generate import SETTINGS, VALIDATION

KEYS = {to_camel(name) for name in SETTINGS.Settings.model_fields}
METRICS = set(catalogue())
SESSION = botocore.session.get_session()
PAGES = markdown.every_page()
EITHER = pytest.mark.parametrize("readme", markdown.READMES)
EITHER_LANGUAGE = pytest.mark.parametrize("pages", [markdown.ENGLISH, markdown.JAPANESE])
EACH_PAIR = pytest.mark.parametrize("pair", markdown.PAIRS)
README_LINES = 210
WIDTH = 127


def command_words(pages: tuple[str, ...], *beginning: str) -> list[list[str]]:
    """The commands that begin like this, as a shell would split them, whatever variable takes their output."""
    commands = [command for page in pages for command in markdown.commands(page)]
    bare = [re.sub(r"^\w+=\$\((.*)\)$", r"\1", command) for command in commands]
    pieces = [shlex.split(piece) for command in bare for piece in re.split(r" \| | && ", command)]
    return [words for words in pieces if words[: len(beginning)] == list(beginning)]


def prose_code(page: str) -> list[str]:
    return markdown.code_words(markdown.prose(page))


@EITHER
def test_a_readme_is_read_in_three_minutes(readme: str) -> None:
    assert len(markdown.text(readme).splitlines()) <= README_LINES


@pytest.mark.parametrize("page", [page for page in PAGES if not page.endswith(".ja.md")])
def test_prose_is_wrapped_where_it_has_a_blank_to_wrap_at(page: str) -> None:
    lines = [line for line in markdown.prose(page).splitlines() if not line.startswith("|")]
    assert [line for line in lines if " " in line[WIDTH:]] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    here = markdown.ROOT / page
    for link in markdown.links(page):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (here.parent / path).resolve() if path else here
        assert target.exists(), link
        if anchor:
            assert anchor in markdown.anchors(str(target.relative_to(markdown.ROOT))), link


def test_every_page_is_in_the_index() -> None:
    indexed = {link.partition("#")[0] for link in markdown.links("docs/README.md")}
    pages = {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")}
    assert pages - {"README.md"} <= indexed


@pytest.mark.parametrize("page", [page for page in PAGES if not page.endswith(".ja.md")])
def test_nothing_but_the_name_of_the_language_is_japanese_on_an_english_page(page: str) -> None:
    assert re.findall(r"[ぁ-んァ-ン一-龥]+", markdown.text(page).replace("日本語", "")) == []


@pytest.mark.parametrize("page", markdown.JAPANESE)
def test_punctuation_beside_japanese_words_is_full_width(page: str) -> None:
    japanese = "[ぁ-んァ-ンー一-龥]"
    words = re.sub(r"\]\([^)]*\)|`[^`]*`", "", markdown.prose(page))
    assert re.findall(rf".*(?:{japanese}[(),;:?!]|[(),;:?!] ?{japanese}).*", words) == []


@pytest.mark.parametrize("page", markdown.JAPANESE)
def test_a_term_has_one_japanese_form(page: str) -> None:
    others = re.compile(r"諦め|パラメーター|サーバ(?!ー)|ユーザ(?!ー)|[スす]ポット回収|です。|ます。")
    assert others.findall(re.sub(r"(?s)<!-- overview -->.*?<!-- /overview -->", "", markdown.text(page))) == []
    assert not re.search(r"\bSpot\b(?! Inst)", re.sub(r"`[^`]*`", "", markdown.prose(page)))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_is_named_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", markdown.text("Makefile"), re.M))
    named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)", "\n".join([*markdown.commands(page), *prose_code(page)])))
    assert named <= targets
    if page in markdown.READMES:
        assert {"rehearse", "test", "engine", "soak", "compare"} <= named


def test_every_make_target_has_a_help_text() -> None:
    targets = re.findall(r"^([a-z]+):(.*)$", markdown.text("Makefile"), re.M)
    assert [name for name, rest in targets if "## " not in rest] == []


@EITHER
def test_every_rehearsal_that_is_shown_is_one_that_the_command_takes(readme: str) -> None:
    shown = [words[2].removeprefix("ARGS=") for words in command_words((readme,), "make", "rehearse") if len(words) > 2]
    assert len(shown) >= 4
    for arguments in shown:
        options = parser().parse_args(shlex.split(arguments))
        assert options.list or options.scenario in scenario.names()
        assert {item.partition("=")[0] for item in options.set} <= KEYS


@EITHER_LANGUAGE
def test_every_aws_command_is_one_of_that_service_and_its_options_are_members_of_the_call(
    pages: tuple[str, ...],
) -> None:
    services = {"stepfunctions", "secretsmanager", "iam", "batch", "dynamodb", "ec2", "fsx", "logs", "sqs", "ssm"}
    services |= {"cloudtrail", "cloudwatch", "service-quotas", "s3api"}
    calls = [words for words in command_words(pages, "aws") if words[1] in services]
    assert {words[1] for words in calls} == services
    for words in calls:
        model = SESSION.get_service_model(words[1].removesuffix("api"))
        operation = {xform_name(name, "-"): name for name in model.operation_names}[words[2]]
        members = model.operation_model(operation).input_shape.members
        options = {word[2:] for word in words[3:] if word.startswith("--")} - {"query", "output"}
        assert options <= {xform_name(member, "-") for member in members}, words


@EITHER_LANGUAGE
def test_every_input_that_is_shown_is_one_that_the_state_machine_takes(pages: tuple[str, ...]) -> None:
    started = [
        (words[words.index("--state-machine-arn") + 1], words[words.index("--input") + 1])
        for words in command_words(pages, "aws", "stepfunctions", "start-execution")
    ]
    assert {given for machine, given in started if machine == "$clean_up"} == {'{"sweep": true}'}
    inputs = [given for machine, given in started if machine == "$machine"]
    assert {"{}", '{"reclaim": "fs-0123456789abcdef0"}'} < set(inputs)
    assert len(inputs) < len(started)
    for given in map(json.loads, inputs):
        taken = {to_camel(name) for name in SETTINGS.run_time_names()} | {"session"}
        assert set(given) == {"reclaim"} or set(given) <= taken
        assert set(given.get("session", {})) <= {"idleMinutes"}
        values = {key: value for key, value in given.items() if key not in ("reclaim", "session")}
        VALIDATION.read_settings(values)


@EITHER_LANGUAGE
def test_every_stack_output_that_is_read_is_exported(pages: tuple[str, ...]) -> None:
    exported = set(re.findall(r'pulumi\.export\("(\w+)"', markdown.text("__main__.py")))
    read = {words[3] for words in command_words(pages, "pulumi", "stack", "output") if words[3] != "-s"}
    nested = re.findall(r"pulumi stack output (\w+)", "\n".join(map(markdown.text, pages)))
    assert {"stateMachineArn", "repositoryUrl", "parametersSecretArn"} <= read <= exported
    assert set(nested) <= exported


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/changes.md"])
def test_every_configuration_key_that_is_named_is_a_parameter(page: str) -> None:
    named = set(re.findall(r"lustre-batch:(\w+)", markdown.text(page)))
    of_tags = {"stack", "execution", "retained", "retainedAt", "index"}
    assert named - of_tags <= KEYS | {"KEY"}
    waits = {
        word for word in markdown.code_words(markdown.prose(page)) if re.fullmatch(r"\w+(Seconds|Minutes|Days)", word)
    }
    assert waits <= KEYS | {"idleMinutes"} | METRICS  # idleMinutes: of a session, in a run's input


@EITHER
def test_what_pulumi_is_told_to_set_is_valid(readme: str) -> None:
    values: dict[str, Any] = {}
    for words in command_words((readme,), "pulumi", "config", "set"):
        key, value = [word for word in words[3:] if not word.startswith("-") and word != "autoexport"]
        if key.startswith("lustre-batch:"):
            name, is_list, _ = key.removeprefix("lustre-batch:").partition("[0]")
            values[name] = [value] if is_list else value
    assert len(values) == 2
    VALIDATION.read_settings(values)


@EITHER_LANGUAGE
def test_the_command_that_is_shown_has_the_options_that_it_is_given(pages: tuple[str, ...]) -> None:
    shown = command_words(pages, ".venv/bin/lustre-batch")
    assert shown
    for words in shown:
        assert CliRunner().invoke(command.app, [*words[1:], "--help"]).exit_code == 0, words


@EITHER
def test_the_stack_that_is_brought_up_is_the_one_that_is_shipped(readme: str) -> None:
    assert ["pulumi", "up", "-s", "autoexport"] in command_words((readme,), "pulumi", "up")
    assert "aws:region" in yaml.safe_load(markdown.text("Pulumi.autoexport.yaml"))["config"]


@EITHER
def test_the_way_from_a_machine_without_pulumi_is_whole(readme: str) -> None:
    steps = ["login", "stack init", "config set", "install", "up"]
    typed = [" ".join(words[1:]) for words in command_words((readme,), "pulumi")]
    places = [next(place for place, words in enumerate(typed) if words.startswith(step)) for step in steps]
    assert places == sorted(places)
    assert "PULUMI_CONFIG_PASSPHRASE" in markdown.text(readme)


@EITHER
def test_the_program_that_is_shown_uses_arguments_and_outputs_that_exist(readme: str) -> None:
    [program] = markdown.blocks(readme, "python")
    tree = ast.parse(program)
    calls = {ast.unparse(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    keywords = {keyword.arg for keyword in calls["LustreBatchAutoExportArgs"].keywords}
    assert len(keywords) >= 4
    assert keywords <= set(SETTINGS.Settings.model_fields)
    outputs = re.findall(r"^    (\w+): pulumi\.Output", markdown.text("components/lustre_batch/auto_export.py"), re.M)
    [used] = re.findall(r"simulation\.(\w+)\)", program)
    assert used in outputs


@pytest.mark.parametrize("page", ["docs/limits.md", "docs/limits.ja.md"])
def test_the_prices_are_those_that_the_rehearsal_reckons_with(page: str) -> None:
    cells = [cell for table in markdown.tables(page) for row in table for cell in row]
    scratch, transition = PRICES["scratch"].dollars, PRICES["transition"].dollars
    hourly = scratch * SETTINGS.Settings().lustre_storage_capacity / HOURS_PER_MONTH
    [file_system] = [cell for cell in cells if f"{hourly:.2f}" in cell]
    assert f"{scratch:.2f}" in file_system
    assert len([cell for cell in cells if f"{transition * 1000:g}" in cell and "1,000" in cell]) == 1
    readme = "README.ja.md" if page.endswith(".ja.md") else "README.md"
    nat, address = PRICES["nat"].dollars, PRICES["address"].dollars
    monthly = f"{(nat + address) * HOURS_PER_MONTH:.2f}"
    assert len([cell for cell in cells if monthly in cell and f"{nat:g}" in cell]) == 1
    assert len([cell for cell in cells if f"{address:g} " in cell]) >= 1
    volume = PRICES["root volume"].dollars
    volume_hourly = volume * SETTINGS.Settings().compute_environment_root_volume_gib / HOURS_PER_MONTH
    assert len([cell for cell in cells if f"{volume:.2f}" in cell and f"{volume_hourly:.3f}" in cell]) == 1
    # The job's log, and the traffic's.
    assert len([cell for cell in cells if f"{PRICES['logs'].dollars:.2f}" in cell and "GB" in cell]) == 2
    assert f"{hourly:.2f}" in markdown.text(readme)
    [transitions] = re.findall(r"^ +transitions +(\d+):", markdown.between(readme, "rehearsal"), re.M)
    assert len([cell for cell in cells if transitions in cell]) == 1


@pytest.mark.parametrize("page", ["docs/limits.md", "docs/limits.ja.md"])
def test_the_services_that_a_key_has_to_admit_are_those_that_up_names(page: str) -> None:
    named = re.findall(r"`((?:[a-z]+\.)*(?:<region>\.)?amazonaws\.com)`", markdown.text(page))
    assert sorted(named) == sorted(KEY_USERS)


def test_whatever_replaces_the_network_is_said_to_wait_until_nothing_runs() -> None:
    """Among the deployments that replace instances: the rows in whose last cells the VPC is replaced or removed."""
    moving = [
        "+".join(re.findall(r"`\w+`", row[0]))
        for table in markdown.tables("docs/changes.md")
        for row in table
        if "vpc (Vpc)" in row[3] + row[5]
    ]
    assert moving
    text = " ".join(markdown.text("docs/changes.md").split())
    assert f"These replace the VPC: {', '.join(moving)}. Make them while nothing runs" in text
    [waited_for] = re.findall(r"have Batch replace instances: (.*?)\. A running job is waited for", text)
    assert not set(moving) & set(waited_for.split(", "))


@pytest.mark.parametrize("page", ["docs/limits.md", "docs/limits.ja.md"])
def test_each_type_of_file_system_is_shown_with_its_throughputs_and_their_prices(page: str) -> None:
    rows = {row[0]: row[1:] for table in markdown.tables(page) for row in table}
    assert list(DEPLOYMENT_TYPES) == list(get_args(SETTINGS.Settings.model_fields["lustre_deployment_type"].annotation))
    for kind, rules in DEPLOYMENT_TYPES.items():
        throughputs, prices = rows[kind][:2]
        dollars = [PERSISTENT[each].dollars for each in rules.throughputs] or [PRICES["scratch"].dollars]
        shown = [int(number) for number in re.findall(r"\d+", throughputs)]
        assert (shown if rules.throughputs else shown[:1]) == [*(rules.throughputs or [0])]
        assert [float(number) for number in re.findall(r"\d\.\d+", prices)] == dollars
    for capacity_gib in (1200, 2400, 9600, 45_600):
        text = markdown.text(page)
        assert f"{capacity_gib:,}" in text
        assert re.search(rf"\b{automatic_metadata_iops(capacity_gib)}\b", text)
    assert f"{PRICES['metadata'].dollars:g}" in markdown.text(page)


def test_the_version_is_the_projects_and_the_newest_in_the_changelog() -> None:
    import lustre_batch

    version = tomllib.loads(markdown.text("pyproject.toml"))["project"]["version"]
    assert lustre_batch.__version__ == version
    assert [words for depth, words in markdown.headings("CHANGELOG.md") if depth == 2][:2] == ["Unreleased", version]


@EACH_PAIR
def test_both_languages_show_the_same_commands_programs_and_output(pair: tuple[str, str]) -> None:
    for language in ("bash", "python", "text", "json"):
        assert markdown.blocks(pair[0], language) == markdown.blocks(pair[1], language)


@EACH_PAIR
def test_both_languages_have_the_same_sections_with_the_same_tables_lists_and_code(pair: tuple[str, str]) -> None:
    def outline(page: str) -> list[tuple[int, int, int, int]]:
        """Of each section: its depth, its table rows, its list items, its code blocks."""
        counts = []
        for section in re.split(r"^(?=#+ )", re.sub(r"(?s)```bash.*?```", "```", markdown.text(page)), flags=re.M)[1:]:
            lines = section.splitlines()
            rows = sum(line.startswith("|") for line in lines)
            items = sum(bool(re.match(r"- |\d+\. ", line)) for line in lines)
            counts.append((len(section) - len(section.lstrip("#")), rows, items, section.count("```")))
        return counts

    english, japanese = map(outline, pair)
    assert english == japanese


@EACH_PAIR
def test_both_languages_name_the_same_parameters_commands_and_errors(pair: tuple[str, str]) -> None:
    def names(page: str) -> set[str]:
        """The words in backticks, whatever language the placeholders in them are in."""
        words = (re.sub(r"<[^>]*>", "<>", word) for word in markdown.code_words(markdown.prose(page)))
        return {word for word in words if word.isascii()}

    english, japanese = map(names, pair)
    assert english == japanese


@EACH_PAIR
def test_both_languages_link_to_the_same_pages(pair: tuple[str, str]) -> None:
    def targets(page: str) -> list[str]:
        return sorted(link.partition("#")[0].replace(".ja.md", ".md") for link in markdown.links(page))

    english, japanese = map(targets, pair)
    assert english == japanese
