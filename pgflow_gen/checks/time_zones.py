"""Time zones, and when their clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from pgflow_gen.light_dataclass import dataclass

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FIRST, _LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2037, 1, 1, tzinfo=UTC)
"""Years whose clock changes are looked at: fixed ones, for what is found must not depend on the day."""


@cache
def zone_names() -> frozenset[str]:
    """The names of all zones. Their module is imported by who has schedules."""
    from zoneinfo import available_timezones

    return frozenset(available_timezones()) - {"localtime", "Factory"}


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Between ``start`` and ``end`` the clock on the wall shows no time, or shows each time twice."""

    start: datetime
    end: datetime
    is_gap: bool

    def minutes(self) -> Iterator[datetime]:
        """The times on the wall in question."""
        moment = self.start
        while moment < self.end:
            yield moment
            moment += timedelta(minutes=1)


@cache
def clock_changes(name: str) -> tuple[ClockChange, ...]:
    """The changes of a zone's clock in the years to come, in order."""
    from zoneinfo import ZoneInfo

    zone, found = ZoneInfo(name), list[ClockChange]()
    day = _FIRST
    while day < _LAST:
        following = day + timedelta(days=1)
        before, after = _offset(zone, day), _offset(zone, following)
        if before != after:
            instant = _moment(zone, day, following, before).replace(tzinfo=None)
            is_gap = after > before
            early, late = instant + min(before, after), instant + max(before, after)
            found.append(ClockChange(early, late, is_gap))
        day = following
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _moment(zone: ZoneInfo, low: datetime, high: datetime, before: timedelta) -> datetime:
    """The minute at which the offset is ``before`` no more."""
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
        if _offset(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high
