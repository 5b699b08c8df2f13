"""Regenerates what is derived from the settings and the definition: `make docs`; `--check` only says what is stale.

Pulumi.yaml's configuration, the component's arguments, the parameter tables and the state diagrams are made here, so
that a parameter is described in one place only and a picture cannot lie.
"""

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel

from components.lustre_batch.settings import Settings, extra, shape

ROOT = Path(__file__).parents[1]
PYTHON_TYPES = {"string": "str", "boolean": "bool", "integer": "int", "array": "list[str]", "object": "dict[str, str]"}


def pulumi_yaml(current: str) -> str:
    """The project file, with one typed and described entry a parameter; what stands above `config:` is kept."""
    lines = [current.split("\nconfig:")[0].rstrip(), "config:"]
    for name, field in Settings.model_fields.items():
        stated = shape(name)
        lines += [
            f"  lustre-batch:{to_camel(name)}:",
            f"    type: {stated['type']}",
            *(["    items:", "      type: string"] if stated["type"] == "array" else []),
            f"    default: {json.dumps(field.default)}",
            f"    description: {json.dumps(field.description, ensure_ascii=False)}",
        ]
    return "\n".join(lines) + "\n"


def arguments(current: str) -> str:
    """The class of the component's arguments, whose docstrings are also the schema's descriptions."""
    fields, parameters, assignments = [], [], []
    for name, field in Settings.model_fields.items():
        kind = PYTHON_TYPES[shape(name)["type"]]
        if extra(name)["composed"]:
            kind = f"pulumi.Input[{kind.replace('list[str]', 'list[pulumi.Input[str]]')}]"
        default = json.dumps(field.default).replace("true", "True").replace("false", "False")
        text = textwrap.fill(f'"""{field.description} Default: {default}."""', 112, subsequent_indent="    ")
        fields.append(f"    {name}: {kind} | None\n    {text}")
        parameters.append(f"        {name}: {kind} | None = None,")
        assignments.append(f"        self.{name} = {name}")
    return "\n".join(
        [
            '"""The component\'s arguments. Made from settings.py by `make docs`: edit that, not this."""',
            "",
            "import pulumi",
            "",
            "",
            "class LustreBatchAutoExportArgs:",
            '    """Arguments of LustreBatchAutoExport; each has a default, and None stands for it."""',
            "",
            *fields,
            "",
            "    def __init__(",
            "        self,",
            "        *,",
            *parameters,
            "    ) -> None:",
            *assignments,
            "",
        ]
    )


def parameter_table(language: str) -> str:
    """A Markdown table of every parameter: key, meaning, default, rule."""
    from components.lustre_batch.validation import rule_of

    words: dict[str, Any] = json.loads((ROOT / "docs" / "parameters.ja.json").read_text("utf-8"))
    head = {
        "en": "| key | meaning | default | rule |",
        "ja": "| キー | 説明 | 既定値 | 規則 |",
    }[language]
    rows = [head, "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        key = to_camel(name)
        meaning = field.description if language == "en" else words[key]
        mark = " ⟳" if extra(name)["run_time"] else ""
        default = json.dumps(field.default)
        rows.append(f"| `{key}`{mark} | {meaning} | `{default}` | {rule_of(name)} |".replace("||", "|"))
    return "\n".join(rows)


def state_diagram() -> str:
    """The state machine as a Mermaid flow chart: what follows what, failures dotted."""
    states = json.loads((ROOT / "components/lustre_batch/workflow.asl.json").read_text("utf-8"))["States"]
    shapes = {"Choice": ("{", "}"), "Wait": ("([", "])"), "Succeed": ("(((", ")))"), "Fail": ("(((", ")))")}
    lines = ["```mermaid", "flowchart TD"]
    for name, state in states.items():
        opening, closing = shapes.get(state["Type"], ("[", "]"))
        lines.append(f"  {name}{opening}{name}{closing}")
        following = [rule["Next"] for rule in state.get("Choices", [])] + [state.get("Default"), state.get("Next")]
        lines += [f"  {name} --> {target}" for target in dict.fromkeys(following) if target]
        caught = dict.fromkeys(rule["Next"] for rule in state.get("Catch", []))
        lines += [f"  {name} -.-> {target}" for target in caught if target not in following]
    return "\n".join([*lines, "```"])


def between(marker: str, make: Callable[[], str]) -> Callable[[str], str]:
    """Replace what stands between a marker's two comments in a Markdown file."""

    def replace(current: str) -> str:
        begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
        if not pattern.search(current):
            raise SystemExit(f"{begin} … {end} is missing")
        return pattern.sub(lambda _: f"{begin}\n{make()}\n{end}", current)

    return replace


GENERATED: list[tuple[str, Callable[[str], str]]] = [
    ("Pulumi.yaml", pulumi_yaml),
    ("components/lustre_batch/args.py", arguments),
    ("README.md", between("parameters", lambda: parameter_table("en"))),
    ("README.ja.md", between("parameters", lambda: parameter_table("ja"))),
    ("docs/workflow.md", between("states", state_diagram)),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if anything is stale")
    only_check = parser.parse_args().check
    stale = []
    for name, make in GENERATED:
        path = ROOT / name
        current = path.read_text("utf-8") if path.exists() else ""
        wanted = make(current)
        if wanted != current:
            stale.append(name)
            if not only_check:
                path.write_text(wanted, "utf-8")
    for name in stale:
        print(f"{name}: {'stale, run make docs' if only_check else 'written'}")
    return 1 if stale and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
