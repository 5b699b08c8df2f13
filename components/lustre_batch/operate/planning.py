"""Which file system a job should have: what somebody says of the job, and how the answer is told. Owns units, and the
choice of the cheapest and the fastest; every figure is a rehearsal's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ..rules import show
from .listing import columns
from .problems import Problem
from .screen import clock_time

_SIZES: Final = {
    "": 1,
    "b": 1,
    **{f"{sign}b": 1000**power for power, sign in enumerate("kmgt", 1)},
    **{f"{sign}ib": 1024**power for power, sign in enumerate("kmgt", 1)},
}
_TIMES: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_DAYS: Final = 90
MOST_FILES: Final = 10**9  # rehearsed in about a minute
# FSx guide, data repository event logs, S3ExportFileSizeTooLarge.
LARGEST_BYTES: Final = 5 * 1024**4
Option = dict[str, Any]


def count(text: str) -> int:
    """A number of files."""
    if re.fullmatch(r"\d{1,10}", text) is None or not 1 <= int(text) <= MOST_FILES:
        raise Problem(f"--files: {text} is not a whole number from 1 to {MOST_FILES}")
    return int(text)


def size(text: str) -> int:
    """Bytes, as `10000`, `10kB` or `1.5GiB`."""
    found = _measured(text, _SIZES)
    if found is None:
        raise Problem(f"--bytes-each: {text} is not a size such as 10000, 10kB, 10MB or 1.5GiB")
    if found > LARGEST_BYTES:
        raise Problem(f"--bytes-each: {text} exceeds 5TiB, the largest file that FSx exports")
    return round(found)


def seconds(text: str) -> float:
    """Seconds, as `90`, `30m`, `2h` or `1.5d`."""
    found = _measured(text, _TIMES)
    if not found:
        raise Problem(f"--runtime: {text} is not a time such as 90, 30m, 2h or 1.5d")
    if found > LONGEST_DAYS * _TIMES["d"]:
        raise Problem(f"--runtime: {text} exceeds {LONGEST_DAYS} days")
    return found


def _measured(text: str, units: dict[str, int]) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if match is None or match[2].lower() not in units:
        return None
    return float(match[1]) * units[match[2].lower()]


def answered(found: dict[str, Any], files: int, bytes_each: int, runtime_seconds: float) -> dict[str, Any]:
    """What was rehearsed, with the choice.

    Raises
    ------
    Problem
        When the run would fail on each file system.
    """
    works = [one for one in found["options"] if one["status"] == "SUCCEEDED"]
    if not works:
        first = found["options"][0]
        raise Problem(f"the run would fail on each of {len(found['options'])}: {first['error']}: {first['cause']}", 1)
    fitting = [one for one in works if not one["is_too_slow"]] or works
    ordered = sorted(fitting, key=lambda one: (_cents(one), _minutes(one)))
    return {
        "files": files,
        "bytes_each": bytes_each,
        "runtime_seconds": runtime_seconds,
        "cheapest": _named(ordered[0], found),
        "fastest": _named(min(fitting, key=lambda one: (_minutes(one), _cents(one))), found),
        "stack": next((_named(one, found) for one in works if one["values"] == found["stack"]), None),
        "stack_problem": _stack_problem(found),
        "best": [_named(one, found) for one in best(ordered)],
        "options": [_named(one, found) for one in found["options"]],
    }


def best(ordered: Sequence[Option]) -> Iterator[Option]:
    """Of those in the order of their cost, each that is done earlier than everything cheaper."""
    earliest: float | None = None
    for one in ordered:
        if earliest is None or _minutes(one) < earliest:
            earliest = _minutes(one)
            yield one


def dollars(option: Option) -> float:
    return float(option["file_system_dollars"] + option["transition_dollars"])


# Closer than a minute or a cent nothing is known: a poll may come a little sooner or later.
def _minutes(option: Option) -> int:
    return round(float(option["in_s3_seconds"]) / 60)


def _cents(option: Option) -> int:
    return round(100 * dollars(option))


def _named(option: Option, found: dict[str, Any]) -> Option:
    """With what gives it to a run: the parameters that differ from the stack's."""
    differs = {key: value for key, value in option["values"].items() if value != found["stack"][key]}
    return option | {
        "set": [f"{key}={value if isinstance(value, str) else show(value)}" for key, value in differs.items()]
    }


def _stack_problem(found: dict[str, Any]) -> str | None:
    """Why the stack's own file system is none to choose from."""
    own = next((one for one in found["options"] if one["values"] == found["stack"]), None)
    if own is None:
        return f"its {found['stack']['lustreStorageCapacity']:,} GiB do not hold so much"
    return None if own["status"] == "SUCCEEDED" else f"the run would fail: {own['error']}: {own['cause']}"


def size_words(count: int) -> str:
    """Bytes as people say them."""
    power = max(each for each in range(5) if count >= 1000**each or each == 0)
    return f"{count / 1000**power:,.1f} {'kMGT'[power - 1]}B" if power else f"{count} B"


def lines(answer: dict[str, Any], every: bool, command: Callable[[str], str]) -> Iterator[str]:
    """The same for people."""
    together = size_words(answer["files"] * answer["bytes_each"])
    files = "1 file" if answer["files"] == 1 else f"{answer['files']:,} files"
    yield f"{files}, {together}, written over {clock_time(answer['runtime_seconds'])}:"
    shown = [one for one in answer["options"] if one["status"] == "SUCCEEDED"] if every else list(answer["best"])
    if answer["stack"] is not None and answer["stack"] not in shown:
        shown.append(answer["stack"])
    shown.sort(key=lambda one: (_cents(one), _minutes(one)))
    head = ["", "GiB", "MB/s", "autoExport", "in S3", "deleted", "about", ""]
    rows = [
        [
            str(one["values"]["lustreDeploymentType"]),
            f"{one['values']['lustreStorageCapacity']:,}",
            f"{one['throughput_mb_per_second']:,.0f}",
            show(one["values"]["autoExport"]),
            clock_time(one["in_s3_seconds"]),
            clock_time(one["over_seconds"]),
            f"${dollars(one):,.2f}",
            ", ".join([*(word for word, key in _MARKS if answer[key] == one), *(["*"] if one["is_too_slow"] else [])]),
        ]
        for one in shown
    ]
    yield from columns([head, *rows])
    if answer["stack_problem"] is not None:
        yield f"this stack's own file system is not among them: {answer['stack_problem']}"
    failing = len([one for one in answer["options"] if one["status"] != "SUCCEEDED"])
    if failing:
        yield f"on {failing} others the run would fail (--json says why)"
    if any(one["is_too_slow"] for one in shown):
        written = answer["files"] * answer["bytes_each"] / answer["runtime_seconds"] / 1_000_000
        yield f"*: the job writes {written:,.0f} MB/s, more than this file system takes: it would run for longer"
    best_of_all = answer["cheapest"] == answer["fastest"]
    for word, key in [("cheapest and fastest", "cheapest")] if best_of_all else _MARKS[:2]:
        settings = "".join(f" --set {each}" for each in answer[key]["set"])
        yield f"{word}: {command('run' + settings)}"
    yield from _NOTES


_MARKS: Final = (("cheapest", "cheapest"), ("fastest", "fastest"), ("this stack", "stack"))
_NOTES: Final = (
    "Times count from the start of the run: until everything is in S3, and until everything is removed.",
    "The job is taken to run for that long on every file system; one that is bound by I/O gains from throughput.",
    "How fast FSx exports was measured on PERSISTENT_2 of 300 to 1,200 MB/s alone; the rest follows from throughput.",
    "Costs are those of file system and state transitions, by list prices of us-east-1; instances and S3 come on top.",
)
