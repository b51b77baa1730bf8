"""Cron expressions, for tests: random ones as bit masks, and when they fire, found minute by minute.

Written without a look at how the core finds a next fire: a clock is watched, minute after minute, and what
its hands show decides. It knows zones from Python's own tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Minutes: TypeAlias = "list[tuple[datetime, datetime]]"
"""Instants, and what a zone's clock shows then."""
EVERY_HOUR = frozenset(range(24))


@dataclass(frozen=True)
class Cron:
    """What the five fields of an expression name; ``day_or``: one of the two kinds of days is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    day_or: bool

    def spec(self, timezone: str, **policies: Any) -> dict[str, Any]:
        """As ``create_schedule`` takes it."""
        return {
            "minutes": mask(self.minutes),
            "hours": mask(self.hours),
            "days": mask(self.days),
            "months": mask(self.months),
            "weekdays": mask(self.weekdays),
            "day_or": self.day_or,
            "timezone": timezone,
            "overlap": "allow",
            "catch_up": "latest",
            **policies,
        }

    def shows(self, shown: datetime) -> bool:
        """Whether it names what a clock shows."""
        is_day, is_weekday = shown.day in self.days, shown.isoweekday() % 7 in self.weekdays
        return (
            shown.minute in self.minutes
            and shown.hour in self.hours
            and shown.month in self.months
            and ((is_day or is_weekday) if self.day_or else (is_day and is_weekday))
        )


def mask(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)


class Watch:
    """A zone's clock, watched from one instant to another. Both are whole minutes in UTC."""

    def __init__(self, timezone: str, start: datetime, end: datetime) -> None:
        zone = ZoneInfo(timezone)
        self.minutes: Minutes = []
        at = start
        while at <= end:
            self.minutes.append((at, at.astimezone(zone).replace(tzinfo=None)))
            at += MINUTE

    @property
    def start(self) -> datetime:
        """A day after the beginning: who looks from then on has seen what clocks repeat."""
        return self.minutes[0][0] + timedelta(days=1)

    def fires(self, cron: Cron, after: datetime) -> Iterator[datetime]:
        """When an expression fires while the clock is watched, after an instant not before its start."""
        minutes = self.minutes[(after - self.start) // MINUTE :]
        find = _in_real_time if cron.hours == EVERY_HOUR else _shown_once
        return (at for at in find(cron, minutes) if at > after)


def _in_real_time(cron: Cron, minutes: Minutes) -> Iterator[datetime]:
    return (at for at, shown in minutes if cron.shows(shown))


def _shown_once(cron: Cron, minutes: Minutes) -> Iterator[datetime]:
    """What was never shown, when the clock has gone beyond it; what is shown again, not again."""
    seen_to = minutes[0][1] - MINUTE
    for at, shown in minutes:
        if shown <= seen_to:
            continue
        if shown == seen_to + MINUTE:
            is_due = cron.shows(shown)
        else:
            passed = (seen_to + MINUTE * number for number in range(1, (shown - seen_to) // MINUTE + 1))
            is_due = any(cron.shows(each) for each in passed)
        seen_to = shown
        if is_due:
            yield at


def random_cron(random: Random) -> Cron:
    days, weekdays = _days(random), _weekdays(random)
    is_or = len(days) < 31 and len(weekdays) < 7 and random.random() < 0.8
    return Cron(_minutes(random), _hours(random), days, _months(random), weekdays, is_or)


def _minutes(random: Random) -> frozenset[int]:
    return _some(random, range(60), (1, 1, 1, 2, 4, 60), (0, 0, 15, 29, 30, 31, 45, 59))


def _hours(random: Random) -> frozenset[int]:
    return _some(random, range(24), (1, 1, 2, 3, 8, 23, 24), (0, 0, 1, 2, 2, 3, 23))


def _days(random: Random) -> frozenset[int]:
    return _some(random, range(1, 32), (31, 31, 31, 1, 3), (1, 28, 29, 30, 31))


def _months(random: Random) -> frozenset[int]:
    return _some(random, range(1, 13), (12, 12, 12, 6), (3, 10, 11))


def _weekdays(random: Random) -> frozenset[int]:
    return _some(random, range(7), (7, 7, 7, 1, 5), (0, 0, 6))


def _some(
    random: Random, numbers: range, counts: tuple[int, ...], favourites: tuple[int, ...]
) -> frozenset[int]:
    count = random.choice(counts)
    if count == len(numbers):
        return frozenset(numbers)
    found = set(random.sample(numbers, count))
    if random.random() < 0.5:
        found = {random.choice(favourites), *list(found)[1:]}
    return frozenset(found)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
