"""Cron expressions, as Vixie's cron reads them, as sets of numbers.

Five fields: minute, hour, day of the month, month, day of the week; in each a star, numbers, ranges, lists
and steps, and names for months and weekdays. A day counts if both fields of days take it; where neither
begins with a star, if one of them does. What other programs add (seconds, L, W, #, ?) is refused with words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""The most days that a month has."""
_ALIASES: Mapping[str, str] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_PART = re.compile(r"(?P<low>\*|\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\w+))?")


class CronFault(Exception):
    """An expression that is none: a sentence, and a way out."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Cron:
    """When it fires: the numbers that each field takes. Sunday is 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    """Whether one of ``days`` and ``weekdays`` is enough."""

    @property
    def takes_every_hour(self) -> bool:
        """Whether it goes by real time; else by the clock on the wall."""
        return len(self.hours) == 24

    @property
    def ever_fires(self) -> bool:
        """Whether there is a day that it takes: not so on February 30."""
        if self.either_day and self.weekdays:
            return True
        return any(day <= _LENGTHS[month - 1] for month in self.months for day in self.days)

    def takes_day(self, month: int, day: int, weekday: int) -> bool:
        """Whether it fires on such a day; ``weekday`` counts from Sunday, 0."""
        by_day, by_weekday = day in self.days, weekday in self.weekdays
        fits = by_day or by_weekday if self.either_day else by_day and by_weekday
        return fits and month in self.months


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    names: Mapping[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of the month", 1, 31, {}),
    _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    _Field("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


def read_cron(text: str) -> Cron:
    """What ``text`` says. Raises CronFault."""
    written = text.strip()
    if written.startswith("@"):
        written = _expanded(written)
    fields = written.split()
    if len(fields) != len(_FIELDS):
        raise _wrong_count(text, len(fields))
    sets = [_numbers(field, rule) for field, rule in zip(fields, _FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = sets
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    return Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either)


def _expanded(written: str) -> str:
    known = _ALIASES.get(written.lower())
    if known is not None:
        return known
    if written.lower() == "@reboot":
        raise CronFault("@reboot is no time: no machine is rebooted here", "start a run from the program")
    if written.lower().startswith("@every"):
        raise CronFault("@every is no cron expression", "write every=SECONDS in place of cron=")
    raise CronFault(f"there is no {written!r}", f"there are {', '.join(_ALIASES)}")


def _wrong_count(text: str, count: int) -> CronFault:
    help = "write minute, hour, day of the month, month and day of the week: 30 2 * * mon-fri"
    if count in (6, 7):
        help = "a schedule counts in minutes: leave out the field of seconds, and that of years"
    has = f"{count} field{'' if count == 1 else 's'}"
    return CronFault(f"{text!r} has {has}, a cron expression has five", help)


def _numbers(text: str, field: _Field) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_range(part, text, field))
    return frozenset(found)


def _range(part: str, text: str, field: _Field) -> range:
    match = _PART.fullmatch(part)
    if match is None or (match["low"] == "*" and match["high"] is not None):
        raise _unreadable(part, field)
    step = _step(match["step"], part, field)
    if match["low"] == "*":
        return range(field.low, field.high + 1, step)
    low = _number(match["low"], part, field)
    if match["high"] is None:
        if match["step"] is not None:
            help = f"write {match['low']}-{field.high}/{match['step']}"
            raise CronFault(f"{part!r} is no {field.name}: a step divides a range or a star", help)
        return range(low, low + 1)
    high = _number(match["high"], part, field)
    if match["high"].lower() == "sun":
        high = 7  # the end of the week: fri-sun
    if high < low:
        help = f"a range goes upwards: write {match['low']}-{_last(field)},{field.low}-{match['high']}"
        raise CronFault(f"{part!r} is no range of the field {field.name}", help)
    return range(low, high + 1, step)


def _last(field: _Field) -> int:
    """The highest number that is not another one's second name."""
    return 6 if "sun" in field.names else field.high


def _step(text: str | None, part: str, field: _Field) -> int:
    if text is None:
        return 1
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise CronFault(f"{part!r} is no {field.name}: the step {text!r} is no number above 0")
    return int(text)


def _number(text: str, part: str, field: _Field) -> int:
    named = field.names.get(text.lower())
    if named is not None:
        return named
    if not (text.isascii() and text.isdigit()):
        raise _unreadable(part, field)
    number = int(text) if len(text) < 5 else field.high + 1
    if not field.low <= number <= field.high:
        raise CronFault(f"{text} is no {field.name}", f"write {field.low} to {field.high}")
    return number


_ELSEWHERE = {
    "L": "the last day of a month cannot be named",
    "W": "the nearest weekday cannot be named",
    "#": "the nth weekday of a month cannot be named",
    "?": "write * in place of ?",
    "H": "there is no H: choose a number",
}


def _unreadable(part: str, field: _Field) -> CronFault:
    for sign, words in _ELSEWHERE.items():
        if sign in part.upper():
            help = words if words.startswith("write") else f"{words}: let the flow's first step decide"
            return CronFault(f"{part!r} is no {field.name} of a cron expression", help)
    names = f", or {next(iter(field.names))} and its like" if field.names else ""
    return CronFault(
        f"{part!r} is no {field.name}", f"write *, {field.low} to {field.high}{names}; ranges, lists, steps"
    )
