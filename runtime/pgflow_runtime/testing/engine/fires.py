"""When a schedule fires: what the core computes from masks of bits, by Python's own tables of time zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
SEARCHED_DAYS = 15_000
"""29 February on a certain day of the week is there every forty years at least."""


@dataclass(frozen=True, slots=True)
class Every:
    """So many seconds apart, at their multiples since 1970."""

    seconds: int

    def next_fire(self, after: datetime) -> datetime:
        return datetime.fromtimestamp((after.timestamp() // self.seconds + 1) * self.seconds, UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A cron expression in a zone.

    With every hour real time counts: what clocks repeat is there twice, what they skip is not there. With
    given hours each time they show counts once: of two the first, and one that they skip at the end of the
    gap.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    either_day: bool
    zone: ZoneInfo

    def next_fire(self, after: datetime) -> datetime | None:
        """The first fire after an instant; None: there is none."""
        today = after.astimezone(self.zone).date()
        fire: datetime | None = None
        # from the day before on: clocks that are turned back at midnight show it again
        for number in range(-1, SEARCHED_DAYS):
            day = today + timedelta(days=number)
            if not self._takes(day):
                continue
            # for the same reason a day may begin before the one before has ended
            if fire is not None and fire < self._instant(datetime.combine(day, time())):
                break
            found = next((at for at in self._of_day(day, after) if at > after), None)
            fire = min((at for at in (fire, found) if at is not None), default=None)
        return fire

    def _takes(self, day: date) -> bool:
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        fits = by_day or by_weekday if self.either_day else by_day and by_weekday
        return fits and day.month in self.months

    def _of_day(self, day: date, after: datetime) -> Iterator[datetime]:
        if len(self.hours) == 24:
            return self._in_real_time(day, after)
        shown = (datetime.combine(day, time(hour, minute)) for hour, minute in self._times())
        by_then = after.astimezone(self.zone).replace(tzinfo=None)  # what was shown till then, counts no more
        return (self._instant(at) for at in shown if at > by_then)

    def _times(self) -> Iterator[tuple[int, int]]:
        return ((hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes))

    def _in_real_time(self, day: date, after: datetime) -> Iterator[datetime]:
        midnight = datetime.combine(day, time())
        first = after.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        at = max(self._instant(midnight) - timedelta(hours=3), first)
        end = self._instant(midnight + timedelta(days=1)) + timedelta(hours=3)
        while at < end:
            shown = at.astimezone(self.zone)
            if shown.date() == day and shown.minute in self.minutes:
                yield at
            at += MINUTE

    def _instant(self, shown: datetime) -> datetime:
        """When the clocks show that: the first of two times, and where they skip it, the end of the gap."""
        first, last = (shown.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if self._shown(first) == shown:
            return first
        low, high = (last - first) // MINUTE, 0  # minutes from ``first``: the gap ends between
        while high - low > 1:
            middle = (low + high) // 2
            if self._shown(first + middle * MINUTE) >= shown:
                high = middle
            else:
                low = middle
        return first + high * MINUTE

    def _shown(self, at: datetime) -> datetime:
        return at.astimezone(self.zone).replace(tzinfo=None)


def fires_of(spec: Mapping[str, Any]) -> Every | Calendar:
    """What a schedule's spec says of its times, worded as ``pgflow.create_schedule`` takes it."""
    if "every" in spec:
        return Every(int(spec["every"]))
    return Calendar(
        minutes=_numbers(spec["minutes"]),
        hours=_numbers(spec["hours"]),
        days=_numbers(spec["days"]),
        months=_numbers(spec["months"]),
        weekdays=_numbers(spec["weekdays"]),
        either_day=bool(spec["day_or"]),
        zone=ZoneInfo(spec["timezone"]),
    )


def last_fire(fires: Every | Calendar, fire: datetime, until: datetime) -> datetime:
    """The last fire up to an instant, given one before it: halves what lies between."""
    low, high = fire, until
    while (following := fires.next_fire(low)) is not None and following <= until:
        low = following
        middle = low + (high - low) / 2
        found = fires.next_fire(middle)
        if found is not None and found <= until:
            low = found
        else:
            high = middle
    return low


def _numbers(mask: int) -> frozenset[int]:
    return frozenset(bit for bit in range(60) if int(mask) >> bit & 1)
