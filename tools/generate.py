"""Regenerates what is derived from the settings and the definition: `make docs`; `--check` only says what is stale.

Pulumi.yaml's configuration, the component's arguments, the parameter tables, the table of a scenario's keys, the state
diagrams and the recorded session are made here, so that a parameter is described in one place only and a picture cannot
lie.
"""

import argparse
import functools
import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args, get_origin

from pydantic.alias_generators import to_camel

from tools import messages, metrics_page, recording, scenario_keys
from tools.diagrams import overview, state_diagram
from tools.excerpt import refreshed
from tools.package import described

ROOT = Path(__file__).parents[1]
TRANSLATIONS = ROOT / "tools" / "translations"


SETTINGS, VALIDATION, FACTS = described("settings"), described("validation"), described("report.facts")
PYTHON_TYPES = {"string": "str", "boolean": "bool", "integer": "int", "array": "list[str]", "object": "dict[str, str]"}
UNITS_IN_JAPANESE = {"s": "秒", "min": "分", "d": "日"}


def _item_type(name: str) -> str:
    return str(SETTINGS.shape(name)["items"]["type"])


def pulumi_yaml(current: str) -> str:
    """The project file, with one typed and described entry a parameter; what stands above `config:` is kept."""
    lines = [current.split("\nconfig:")[0].rstrip(), "config:"]
    for name, field in SETTINGS.Settings.model_fields.items():
        stated = SETTINGS.shape(name)
        lines += [
            f"  lustre-batch:{to_camel(name)}:",
            f"    type: {stated['type']}",
            *(["    items:", f"      type: {_item_type(name)}"] if stated["type"] == "array" else []),
            f"    default: {json.dumps(field.default)}",
            f"    description: {json.dumps(field.description, ensure_ascii=False)}",
        ]
    return "\n".join(lines) + "\n"


def arguments(current: str) -> str:
    """The class of the component's arguments, whose docstrings are also the schema's descriptions."""
    fields = []
    for name, field in SETTINGS.Settings.model_fields.items():
        kind = PYTHON_TYPES[SETTINGS.shape(name)["type"]]
        if kind == "list[str]" and _item_type(name) == "object":
            kind = "list[dict[str, Any]]"
        if choices := get_args(field.annotation) if get_origin(field.annotation) is Literal else ():
            kind = f"Literal[{', '.join(json.dumps(choice) for choice in choices)}]"
        if SETTINGS.extra(name)["composed"]:
            kind = kind.replace("list[str]", "list[pulumi.Input[str]]").replace(", str]", ", pulumi.Input[str]]")
            kind = f"pulumi.Input[{kind}]"
        text = textwrap.fill(f'"""{VALIDATION.meaning_of(name)}"""', 112, subsequent_indent="    ")
        line = f"    {name}: {kind} | None = None"
        if len(line) > 120:  # as the formatter has it
            line = f"    {name}: (\n        {kind} | None\n    ) = None"
        fields.append(f"{line}\n    {text}")
    return "\n".join(
        [
            '"""The component\'s arguments. Made from settings.py by `make docs`: edit that, not this."""',
            "",
            "from typing import Any, Literal",
            "",
            "import pulumi",
            "",
            "from .arguments import Arguments",
            "",
            "",
            "class LustreBatchAutoExportArgs(Arguments):",
            '    """Arguments of LustreBatchAutoExport; each has a default, and None stands for it."""',
            "",
            *fields,
            "",
        ]
    )


def parameter_table(language: str) -> str:
    """A Markdown table of every parameter: key, meaning, default, rule."""
    head = {"en": "| key | meaning | default | rule |", "ja": "| キー | 説明 | 既定値 | 規則 |"}[language]
    rows = [head, "|---|---|---|---|"]
    for name, field in SETTINGS.Settings.model_fields.items():
        key = to_camel(name)
        mark = " ⟳" if SETTINGS.extra(name)["run_time"] else ""
        meaning = field.description if language == "en" else translated("parameters", key)
        rule = VALIDATION.rule_of(name) if language == "en" else rule_in_japanese(name)
        cells = [f"`{key}`{mark}", meaning, f"`{json.dumps(field.default)}`", rule]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def trace_table() -> str:
    """A Markdown table of the columns of a trace."""
    rows = [f"| `{one.key}` | {one.words} | {one.unit} |" for one in FACTS.COLUMNS]
    return "\n".join(["| column | meaning | unit |", "|---|---|---|", *rows])


def rule_in_japanese(name: str) -> str:
    """A parameter's rule: the general ones are put together here, the worded ones are in rules.ja.json."""
    if stated := SETTINGS.extra(name)["rule"]:
        return translated("rules", stated)
    match SETTINGS.shape(name):
        case {"enum": values}:
            return "、".join(str(value) for value in values) + " のいずれか"
        case {"type": "boolean"}:
            return "true または false"
        case {"type": "integer", "minimum": low, "maximum": high}:
            unit = UNITS_IN_JAPANESE.get(VALIDATION.unit_of(name), VALIDATION.unit_of(name))
            return f"{low} から {high} までの整数{f'（{unit}）' if unit else ''}"
        case {"type": "array"}:
            return "文字列のリスト"
        case _:
            return "文字列"


def translated(collection: str, text: str) -> str:
    """The Japanese for a parameter's key (parameters) or for the English wording of a rule (rules)."""
    path = TRANSLATIONS / f"{collection}.ja.json"
    words: dict[str, str] = json.loads(path.read_text("utf-8"))
    if text not in words:
        raise SystemExit(f"{path.relative_to(ROOT)}: no translation of {text!r}")
    return words[text]


def between(marker: str, make: Callable[[str], str]) -> Callable[[str], str]:
    """Replace what stands between a marker's two comments in a Markdown file by what is made of it."""

    def replace(current: str) -> str:
        begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
        pattern = re.compile(re.escape(begin) + "(.*?)" + re.escape(end), re.S)
        if not pattern.search(current):
            raise SystemExit(f"{begin} … {end} is missing")
        return pattern.sub(lambda match: f"{begin}\n{make(match.group(1))}\n{end}", current)

    return replace


def _drawn(name: str, _: str) -> str:
    return state_diagram(name)


GENERATED: list[tuple[str, Callable[[str], str]]] = [
    ("Pulumi.yaml", pulumi_yaml),
    ("components/lustre_batch/args.py", arguments),
    ("README.md", between("rehearsal", refreshed)),
    ("README.ja.md", between("rehearsal", refreshed)),
    ("docs/parameters.md", between("parameters", lambda _: parameter_table("en"))),
    ("docs/parameters.ja.md", between("parameters", lambda _: parameter_table("ja"))),
    ("docs/rehearsal.md", between("scenario keys", lambda _: scenario_keys.table())),
    ("docs/rehearsal.md", between("trace columns", lambda _: trace_table())),
    ("docs/images/session.svg", lambda _: recording.picture()),
    ("docs/messages.md", lambda _: messages.page()),
    ("docs/metrics.md", lambda _: metrics_page.page()),
    ("docs/workflow.md", between("overview", lambda _: overview("en"))),
    ("docs/workflow.ja.md", between("overview", lambda _: overview("ja"))),
    *(
        (page, between(f"states of {name}", functools.partial(_drawn, name)))
        for page in ("docs/workflow.md", "docs/workflow.ja.md")
        for name in ("run", "clean_up")
    ),
]


def bring_up_to_date(*, write: bool) -> list[str]:
    """The files that were stale, and are not any more if they may be written."""
    stale = []
    for name, make in GENERATED:
        path = ROOT / name
        current = path.read_text("utf-8") if path.exists() else ""
        wanted = make(current)
        if wanted != current:
            stale.append(name)
            if write:
                path.write_text(wanted, "utf-8")
    return list(dict.fromkeys(stale))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if anything is stale")
    only_check = parser.parse_args().check
    stale = bring_up_to_date(write=not only_check)
    for name in stale:
        print(f"{name}: {'stale, run make docs' if only_check else 'written'}")
    if only_check and not stale:
        print("everything is current")
    return 1 if stale and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
