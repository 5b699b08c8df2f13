"""What is generated is current, and says what its sources say."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from tests.docs import markdown
from tools import diagrams, generate

# Without the package around it, whose resources take seconds to import.
Settings, shape, run_time_names = generate.SETTINGS.Settings, generate.SETTINGS.shape, generate.SETTINGS.run_time_names
PARAMETERS = ("docs/parameters.md", "docs/parameters.ja.md")
KEYS = [to_camel(name) for name in Settings.model_fields]
RUN_TIME_KEYS = {to_camel(name) for name in run_time_names()}


def parameter_rows(page: str) -> list[list[str]]:
    [table] = [table for table in markdown.tables(page) if table[0][-2:] in (["default", "rule"], ["既定値", "規則"])]
    return table[1:]


def test_everything_that_is_generated_is_current() -> None:
    assert generate.bring_up_to_date(write=False) == []


def test_it_can_be_generated_anew_when_the_component_cannot_be_imported() -> None:
    program = "import sys; sys.modules['lustre_batch'] = None; import tools.generate as g; print(g.arguments(''))"
    made = subprocess.run([sys.executable, "-c", program], cwd=markdown.ROOT, capture_output=True, text=True)
    assert made.stderr == ""
    assert "class LustreBatchAutoExportArgs(Arguments):" in made.stdout


def test_a_table_without_its_markers_is_reported_rather_than_left_out() -> None:
    with pytest.raises(SystemExit, match="<!-- parameters --> … <!-- /parameters --> is missing"):
        generate.between("parameters", str.upper)("# A page\n")


def test_a_parameter_or_a_rule_without_its_japanese_is_reported() -> None:
    with pytest.raises(SystemExit, match=r"tools/translations/rules\.ja\.json: no translation of 'at most a dozen'"):
        generate.translated("rules", "at most a dozen")


@pytest.mark.parametrize("collection", ["parameters", "rules"])
def test_no_translation_is_left_over(collection: str) -> None:
    words = json.loads(markdown.text(f"tools/translations/{collection}.ja.json"))
    rules = {str(shape(name).get("rule", "")) for name in Settings.model_fields} - {""}
    assert set(words) == (set(KEYS) if collection == "parameters" else rules)


@pytest.mark.parametrize("page", PARAMETERS)
def test_the_table_has_every_parameter_in_order_with_its_default_and_its_run_time_mark(page: str) -> None:
    rows = parameter_rows(page)
    assert [markdown.code_words(row[0])[0] for row in rows] == KEYS
    assert {markdown.code_words(row[0])[0] for row in rows if "⟳" in row[0]} == RUN_TIME_KEYS
    defaults = [json.loads(row[2].strip("`")) for row in rows]
    assert defaults == [field.default for field in Settings.model_fields.values()]


def test_the_english_table_has_the_settings_own_words_and_the_japanese_one_none_of_them() -> None:
    meanings = [field.description for field in Settings.model_fields.values()]
    assert [row[1] for row in parameter_rows(PARAMETERS[0])] == meanings
    for row in parameter_rows(PARAMETERS[1]):
        assert re.search(r"[ぁ-んァ-ン一-龥]", row[1]), row
        assert row[1] not in meanings


def test_the_project_file_has_every_parameter_with_its_type_default_and_description() -> None:
    config = yaml.safe_load(markdown.text("Pulumi.yaml"))["config"]
    assert list(config) == [f"lustre-batch:{key}" for key in KEYS]
    for name, field in Settings.model_fields.items():
        entry = config[f"lustre-batch:{to_camel(name)}"]
        assert (entry["type"], entry["default"], entry["description"]) == (
            shape(name)["type"],
            field.default,
            field.description,
        )


@pytest.mark.parametrize("part", ["run", "clean_up"])
def test_the_full_diagram_has_every_state_and_every_transition_and_nothing_else(part: str) -> None:
    states: dict[str, dict[str, Any]] = diagrams.states(part)
    lines = markdown.between("docs/workflow.md", f"states of {part}").splitlines()
    drawn = {tuple(re.split(r" -->| -\.->", line.strip())) for line in lines if "->" in line}
    drawn_edges = {(source, target.strip()) for source, target in drawn}
    edges = set()
    for name, state in states.items():
        rules = [*state.get("Choices", []), *state.get("Catch", [])]
        targets = [rule["Next"] for rule in rules] + [state.get("Next"), state.get("Default")]
        edges |= {(name, target) for target in targets if target}
    assert drawn_edges == edges
    nodes = {re.match(r"\w+", line.strip()).group() for line in lines if line.startswith("  ") and "->" not in line}  # type: ignore[union-attr]
    assert nodes == set(states)


@pytest.mark.parametrize("page", ["docs/workflow.md", "docs/workflow.ja.md"])
def test_the_overview_shows_the_eleven_steps(page: str) -> None:
    """What needs nothing of the others comes earlier, or is prepared while FSx works (steps 5, 6 and 7)."""
    steps = re.findall(r'\["(\d+) · ', markdown.between(page, "overview"))
    assert steps == ["1", "7", "2", "3", "5", "6", "4", "8", "9", "10", "11"]


def test_the_overviews_of_both_languages_differ_in_words_only() -> None:
    english, japanese = (re.sub(r'"[^"]*"', '""', diagrams.overview(language)) for language in ("en", "ja"))
    assert english == japanese


def test_no_way_to_the_deletion_in_the_overview_goes_around_the_check_of_the_queue() -> None:
    arrows = re.findall(r"^  (\w+) [-=]+> (\w+)$", diagrams.overview("en"), re.M)
    reached, waiting = set(), list(diagrams.CALLERS)
    while waiting:
        state = waiting.pop()
        if state not in reached and state != "CheckMetrics":
            reached.add(state)
            waiting += [target for source, target in arrows if source == state]
    assert "ReleaseEnvironment" in reached
    assert "DeleteFileSystem" not in reached
