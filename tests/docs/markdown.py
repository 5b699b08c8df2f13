"""Reads the Markdown that the tests compare with the code: headings, code blocks, tables, links. It must not judge."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.ja.md")
# English and Japanese; each pair says the same.
PAIRS = (
    READMES,
    *(
        (f"docs/{name}.md", f"docs/{name}.ja.md")
        for name in ("errors", "limits", "operations", "parameters", "security", "workflow")
    ),
)
ENGLISH, JAPANESE = (tuple(pair[language] for pair in PAIRS) for language in (0, 1))
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


def every_page() -> list[str]:
    """Every Markdown file of the repository, new ones included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(page for page in listed.stdout.splitlines() if (ROOT / page).exists())


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def prose(page: str) -> str:
    """The page without its code blocks."""
    return _FENCED.sub("", text(page))


def blocks(page: str, language: str) -> list[str]:
    """The contents of the code blocks in a language."""
    return [content for kind, content in _FENCED.findall(text(page)) if kind == language]


def commands(page: str) -> list[str]:
    """The shell commands, one each, continued lines joined."""
    joined = "".join(blocks(page, "bash")).replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line).strip() for line in joined.splitlines() if line.strip()]


def headings(page: str) -> list[tuple[int, str]]:
    """Depth and words of each heading."""
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", prose(page), re.M)]


def anchors(page: str) -> set[str]:
    """What GitHub makes of the headings, for links to point at."""
    return {re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for _, words in headings(page)}


def links(page: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(page))


def tables(page: str) -> list[list[list[str]]]:
    """Each table as its rows of cells, the head first."""
    found = []
    for match in re.finditer(r"(?:^\|.*\|\n)+", prose(page), re.M):
        rows = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in match.group().splitlines()]
        found.append([[cell.strip().replace("\\|", "|") for cell in row] for row in rows if set(row[0]) - set("-: ")])
    return found


def between(page: str, marker: str) -> str:
    return text(page).split(f"<!-- {marker} -->")[1].split(f"<!-- /{marker} -->")[0]


def code_words(words: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", words)
