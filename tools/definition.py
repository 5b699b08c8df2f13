"""Writes the state machines as the JSON that Workflow Studio opens: `make definition`. Names in ${…} stay open."""

import json
from pathlib import Path

from tools.package import described

definition = described("definition")

BUILD = Path(__file__).parents[1] / "build"


def write(folder: Path) -> list[Path]:
    """Write ``<name>.asl.json`` for every definition, and say which files were written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in definition.names():
        path = folder / f"{name}.asl.json"
        path.write_text(json.dumps(definition.read(name), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for path in write(BUILD):
        print(path.relative_to(BUILD.parent))
