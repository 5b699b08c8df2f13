"""The page: one HTML file with everything in it, for a phone as for a desk, light and dark, without scripts.

Owns words and layout. It says what the story says, and what is not known.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator
from html import escape
from importlib.resources import files
from typing import Any, Final

from ..operate.screen import clock_time
from . import charts, drawing, facts
from .facts import COLUMNS
from .story import KINDS, Run, Story

# Each colour of the charts on a dark page.
_DARK: Final = {
    **dict(
        zip(
            (drawing.COLOURS[kind] for kind in KINDS),
            ("#545d68", "#539bf6", "#3fb950", "#9198a1", "#5c564a", "#f0883e"),
            strict=True,
        )
    ),
    drawing.INK: "#e6edf4",
    drawing.FAINT: "#9da7b2",
    drawing.LINE: "#30363e",
    drawing.BAD: "#f8514a",
}
# Runs that are told of one by one; of the others there is a line in the table.
MOST_RUNS: Final = 12
MOST_LINES: Final = 100
_GOOD: Final = "SUCCEEDED"
PRICE_NOTE: Final = ". Instances, requests and objects are billed beside it."
STILL_WORKED: Final = (
    "The last change was in S3 while the job still worked: idle_seconds counts from then on, the idle part of the cost "
    "from the job's end."
)
GREY: Final = "Grey is waiting, colours are work."


def of(story: Story) -> str:
    """The page.

    Raises
    ------
    NoCharts
        When the library that draws is not installed.
    """
    template = string.Template(files(__package__).joinpath("page.html").read_text("utf-8"))
    return template.substitute(title=escape(story.title), dark="\n".join(_dark()), body="\n".join(_body(story)))


def _dark() -> Iterator[str]:
    for light, dark in _DARK.items():
        yield f'  svg [fill="{light}"] {{ fill: {dark}; }}'
        yield f'  svg [stroke="{light}"] {{ stroke: {dark}; }}'


def _body(story: Story) -> Iterator[str]:
    yield f"<header><h1>{escape(story.title)}</h1><p class=faint>{escape(story.subtitle)}</p></header><main>"
    for note in story.notes:
        yield f"<p>{escape(note)}</p>"
    if len(story.runs) == 1:
        yield from _run(story.runs[0], "h2")
    else:
        yield from _several(story)
    yield "</main>"


def _several(story: Story) -> Iterator[str]:
    yield "<h2>Runs, lane by lane</h2>"
    said = f"{len(story.runs)} runs in {len({run.lane for run in story.runs if run.lane is not None})} lanes"
    yield _figure("Runs", said, f"{said}. {GREY}", charts.of_lanes, story)
    rows = [
        (
            run.name,
            "–" if run.lane is None else str(run.lane),
            _waited(run) or "–",
            str(run.facts.get("error") or run.facts.get("outcome") or "–"),
            clock_time(run.until - run.began),
            _dollars(sum(run.dollars.values())) if run.dollars else "–",
        )
        for run in story.runs
    ]
    yield _table(("run", "lane", "waited", "ended", "took", "cost"), rows)
    for run in story.runs[:MOST_RUNS]:
        yield f"<details><summary>{escape(run.name)}</summary>"
        yield from _run(run, "h3")
        yield "</details>"
    if (more := len(story.runs) - MOST_RUNS) > 0:
        yield f"<p class=faint>{more} more runs have a line in the table above, and in the CSV of --trace.</p>"


def _run(run: Run, heading: str) -> Iterator[str]:
    def head(words: str) -> str:
        return f"<{heading}>{words}</{heading}>"

    known = facts.of(run)
    yield _numbers(run, known)
    if run.cause:
        yield f"<pre>{escape(run.cause)}</pre>"
    if run.spans:
        yield head("Phases")
        yield _figure("Phases of the run", _phases_in_words(run), GREY, charts.of_phases, run)
        if waited := _waited(run):
            yield f"<p>Before it began, it waited {escape(waited)}.</p>"
        yield _folded("The phases in words", _table(("from", "for", "phase", "kind"), _spans_in_words(run)))
    if run.attempts:
        yield head("Job attempts")
        reclaimed = sum(one.reclaimed for one in run.attempts)
        said = f"{_count(len(run.attempts), 'attempt')}, {reclaimed} of them ended by Spot"
        yield _figure("Job attempts", said, f"{said}.", charts.of_attempts, run)
        yield _folded("The attempts in words", _list(f"{one.label}: {one.words}" for one in run.attempts[:MOST_LINES]))
    for unit in dict.fromkeys(one.unit for one in run.series):
        shown = [one for one in run.series if one.unit == unit and one.points]
        if shown:
            yield head(f"{unit.capitalize()} over time")
            said = "; ".join(f"{one.words}: {one.points[-1][1]:,.0f} {unit} in the end" for one in shown)
            yield _figure(f"{unit} over time", said, f"{said}.", charts.of_series, run, unit)
    if run.ages:
        yield head("Export queue")
        said = _ages(run)
        yield _figure("Age of the oldest change in the queue", said, f"{said}.", charts.of_ages, run)
    if run.looks:
        rows = [(clock_time(one.at), "empty" if one.is_empty else "not yet", one.words) for one in run.looks]
        table = _table(("at", "queue", "why"), rows[:MOST_LINES])
        more = f"<p class=faint>and {len(rows) - MOST_LINES} more</p>" if len(rows) > MOST_LINES else ""
        yield _folded("What the clean-up was told of the queue", table + more)
    if run.decision is not None:
        yield head("The decision")
        yield f"<p>After {clock_time(run.decision.at)}: {escape(run.decision.words)}</p>"
        yield _list(run.decision.reasons)
    if run.dollars and run.file_system is not None:
        yield head("What the file system cost")
        said = "; ".join(f"{KINDS[kind]}: {_dollars(amount)}" for kind, amount in run.dollars.items())
        yield _figure("Cost", said, run.file_system.price_words + PRICE_NOTE, charts.of_costs, run)
        costs = [(f"{KINDS[kind]} ({kind})", _dollars(amount)) for kind, amount in run.dollars.items()]
        yield _table(("for", "cost"), costs)
        if (known["drained_at"] or 0.0) < (known["job_ended_at"] or 0.0) and known["idle_seconds"] is not None:
            yield f"<p class=faint>{STILL_WORKED}</p>"
    if run.unknown:
        yield head("What is not known")
        yield _list(run.unknown)
    yield head("Facts")
    yield _facts(known)


def _numbers(run: Run, known: dict[str, Any]) -> str:
    """What one looks for first."""
    outcome = str(known["outcome"] or "not known")
    style = "good" if outcome == _GOOD else "bad"
    shown = [("outcome", f"<span class={style}>{escape(outcome)}</span>")]
    if known["error"]:
        shown.append(("error", escape(str(known["error"]))))
    shown.append(("took", clock_time(run.until - run.began)))
    if run.dollars:
        shown.append(("file system", f"about {_dollars(sum(run.dollars.values()))}"))
    if run.file_system is not None and run.file_system.is_there:
        shown.append(("and still there, a day", _dollars(run.file_system.dollars_per_second * 86_400)))
    for words, key in (("files in S3", "exported_files"), ("lost files", "lost_files")):
        if known[key] is not None:
            shown.append((words, f"{known[key]:,}"))
    if known["idle_seconds"] is not None:
        shown.append(("idle before deletion", clock_time(known["idle_seconds"])))
    cells = "".join(f"<div><dt>{words}</dt><dd>{value}</dd></div>" for words, value in shown)
    return f"<dl class=numbers>{cells}</dl>"


def _facts(known: dict[str, Any]) -> str:
    rows = [
        f"<tr><td>{escape(column.words)}<br><code class=faint>{column.key}</code></td>"
        f"<td class=number>{escape(_value(known[column.key], column.unit))}</td></tr>"
        for column in COLUMNS
        if known[column.key] is not None
    ]
    missing = [column.key for column in COLUMNS if known[column.key] is None]
    table = f"<table><thead><tr><th>fact</th><th>value</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return table + (f"<p class=faint>Never was, or is not known: {escape(', '.join(missing))}.</p>" if missing else "")


def _value(value: Any, unit: str) -> str:
    if unit == "$":
        return f"${value:,.4f}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")
    also = f" ({clock_time(value)})" if unit == "s" and abs(value) >= 60 else ""
    return f"{number}{' ' + unit if unit else ''}{also}"


def _figure(name: str, words: str, caption: str, draw: Callable[..., dict[str, Any]], *of: Any) -> str:
    """A chart, once for a phone and once for a desk: `name` and `words` are for who cannot see it."""
    drawn = "".join(
        drawing.svg(draw(*of, size), name, words).replace("<svg", f'<svg class="{size}"', 1) for size in drawing.WIDTHS
    )
    return f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>"


def _waited(run: Run) -> str:
    """For what, if there was anything."""
    waited = run.facts.get("queued_for")
    return "" if waited in (None, facts.NONE) else str(waited)


def _phases_in_words(run: Run) -> str:
    seconds = dict.fromkeys(KINDS, 0.0)
    for span in run.spans:
        seconds[span.kind] += span.seconds
    return "; ".join(f"{KINDS[kind]}: {clock_time(total)}" for kind, total in seconds.items() if total)


def _spans_in_words(run: Run) -> list[tuple[str, str, str, str]]:
    return [
        (clock_time(span.began), clock_time(span.seconds), span.words, span.kind) for span in run.spans[:MOST_LINES]
    ]


def _ages(run: Run) -> str:
    oldest = max(one.age_seconds for one in run.ages)
    said = f"{_count(len(run.ages), 'datapoint')} of AgeOfOldestQueuedMessage, at most {clock_time(oldest)}"
    if len(run.ages) > charts.MOST_POINTS:
        said += f" ({charts.MOST_POINTS} of them are drawn)"
    delays = [one.readable_at - one.at for one in run.ages if one.readable_at is not None]
    if delays:
        said += f"; the line at each leads to the moment it became readable, at most {clock_time(max(delays))} later"
    return said


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{''.join(f'<th>{one}</th>' for one in head)}</tr></thead><tbody>{body}</tbody></table>"


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _folded(words: str, content: str) -> str:
    return f"<details><summary>{words}</summary>{content}</details>"


def _count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
