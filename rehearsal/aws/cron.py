"""Cron and one-time expressions of EventBridge Scheduler. Owns when the next moment is that one names, in its time zone
(Scheduler guide, "Schedule types"). It knows no schedule and no clock."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo

_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_MOST_DAYS = 366 * 9  # 29 February comes again after eight years at most
_SATURDAY, _SUNDAY = 5, 6  # datetime.date.weekday


def next_moment(expression: str, zone: str, after: float) -> float | None:
    """The first moment of the expression after that one; None if there is none.

    Raises
    ------
    ValueError
        When it is neither a cron expression nor a single moment.
    """
    here = ZoneInfo(zone)
    if once := _AT.fullmatch(expression):
        moment = datetime.datetime.fromisoformat(once[1]).replace(tzinfo=here).timestamp()
        return moment if moment > after else None
    fields = _CRON.fullmatch(expression)
    if fields is None:
        raise ValueError(f"{expression} is neither cron(…) nor at(…)")
    minutes, hours, days, months, weekdays, years = fields.groups()
    day = datetime.datetime.fromtimestamp(after, here).date()
    for _ in range(_MOST_DAYS):
        in_time = day.month in _values(months, 1, 12, _MONTHS) and day.year in _values(years, 1970, 2199, {})
        if in_time and _is_day_of_month(days, day) and _is_weekday(weekdays, day):
            for moment in _moments(day, hours, minutes, here):
                if moment > after:
                    return moment
        day += datetime.timedelta(days=1)
    return None


def _moments(day: datetime.date, hours: str, minutes: str, here: ZoneInfo) -> Iterator[float]:
    """Scheduler guide, daylight saving time: what the clocks skip is left out, what they repeat comes once."""
    for hour in _values(hours, 0, 23, {}):
        for minute in _values(minutes, 0, 59, {}):
            local = datetime.datetime.combine(day, datetime.time(hour, minute), here)
            moment = local.timestamp()
            if datetime.datetime.fromtimestamp(moment, here).hour == hour:
                yield moment


def _values(field: str, low: int, high: int, names: dict[str, int]) -> list[int]:
    """The numbers that a field names, in order."""
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = low if first in {"*", "?"} else names.get(first) or int(first)
        end = names.get(last) or int(last) if last else (high if step or first in {"*", "?"} else begin)
        found |= set(range(begin, end + 1, int(step or 1)))
    return sorted(found)


def _is_day_of_month(field: str, day: datetime.date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if field == "L":
        return day.day == last
    if field.endswith("W"):
        wanted = day.replace(day=last if field == "LW" else min(int(field[:-1]), last))
        return day == _nearest_weekday(wanted, last)
    return day.day in _values(field, 1, 31, {})


def _nearest_weekday(day: datetime.date, last: int) -> datetime.date:
    """In the same month."""
    if day.weekday() == _SATURDAY:
        return day + datetime.timedelta(days=2 if day.day == 1 else -1)
    if day.weekday() == _SUNDAY:
        return day + datetime.timedelta(days=-2 if day.day == last else 1)
    return day


def _is_weekday(field: str, day: datetime.date) -> bool:
    number = (day.weekday() + 1) % 7 + 1  # Sunday is 1
    if field == "L":
        return number == _DAYS["SAT"]
    if field.endswith("L"):
        last = calendar.monthrange(day.year, day.month)[1]
        return number == _day(field[:-1]) and day.day > last - 7
    if "#" in field:
        wanted, _, nth = field.partition("#")
        return number == _day(wanted) and (day.day - 1) // 7 + 1 == int(nth)
    return number in _values(field, 1, 7, _DAYS)


def _day(name: str) -> int:
    return _DAYS.get(name) or int(name)
