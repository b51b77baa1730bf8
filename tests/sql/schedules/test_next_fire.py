"""When schedules fire, beside a clock that is watched minute by minute.

`--schedules N` compares N random expressions instead of a few hundred, `--schedule-seed N` others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from random import Random

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.fires import fires_of, last_fire
from tests.support.core import Core
from tests.support.cron import EVERY_HOUR, Cron, Watch, mask, random_cron, utc

DAYS = 20  # before and after a change of clocks
CHANGES = {
    "Europe/Berlin": ("2024-03-31T01:00", "2024-10-27T01:00"),
    "America/New_York": ("2023-03-12T07:00", "2023-11-05T06:00"),
    "America/St_Johns": ("2010-03-14T03:31", "2010-11-07T02:31"),  # a minute after midnight
    "Australia/Lord_Howe": ("2024-04-06T15:00", "2024-10-05T15:30"),  # by half an hour
    "America/Sao_Paulo": ("2018-02-18T02:00", "2018-11-04T03:00"),  # at midnight
    "Asia/Beirut": ("2022-03-26T22:00", "2022-10-29T21:00"),  # at midnight
    "America/Havana": ("2023-03-12T05:00", "2023-11-05T05:00"),  # at midnight
    "Africa/Casablanca": ("2024-03-10T02:00", "2024-04-14T02:00"),
    "Pacific/Apia": ("2011-12-30T10:00", "2011-09-24T14:00"),  # a day that never was
    "Asia/Kathmandu": ("2024-02-29T00:00",),
}
PLACES = [(zone, change) for zone, changes in CHANGES.items() for change in changes]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", PLACES, ids=[f"{zone}-{change[:10]}" for zone, change in PLACES])


@cache
def watch(zone: str, change: str) -> Watch:
    around, days = utc(change), timedelta(days=DAYS)
    return Watch(zone, around - days - timedelta(days=1), around + days)


def next_fires(core: Core, spec: dict[str, object], after: datetime, count: int) -> list[datetime]:
    """The next so many fires of the core."""
    rows = core.rows(
        """with recursive f (number, at) as (
             select 1, pgflow._next_fire(%(spec)s, %(after)s)
             union all
             select f.number + 1, pgflow._next_fire(%(spec)s, f.at) from f
             where f.number < %(count)s and f.at is not null
           )
           select at from f where at is not null order by number""",
        {"spec": Jsonb(spec), "after": after, "count": count},
    )
    return [row.at.astimezone(UTC) for row in rows]


def memory_fires(spec: dict[str, object], after: datetime, count: int) -> list[datetime]:
    """The same of the test kit."""
    fires, found = fires_of(spec), list[datetime]()
    while len(found) < count and (at := fires.next_fire(found[-1] if found else after)) is not None:
        found.append(at)
    return found


def test_a_clock_that_is_watched_says_the_same(
    core: Core, place: tuple[str, str], pytestconfig: pytest.Config
) -> None:
    zone, change = place
    clock = watch(zone, change)
    count = -(-pytestconfig.getoption("--schedules") // len(PLACES))
    for seed in range(count):
        random = Random(f"{zone} {change} {seed + pytestconfig.getoption('--schedule-seed')}")
        cron = random_cron(random)
        hours = random.choice((1, 5, 30, 24 * DAYS))
        after = utc(change) + timedelta(seconds=random.randint(-hours * 3600, hours * 3600 // 2))
        wanted = list(islice(clock.fires(cron, after), 12))
        end = clock.minutes[-1][0]
        found = [at for at in next_fires(core, cron.spec(zone), after, 12) if at <= end]
        assert found == wanted, (seed, zone, cron, after)
        in_memory = [at for at in memory_fires(cron.spec(zone), after, 12) if at <= end]
        assert in_memory == wanted, (seed, zone, cron, after)


@pytest.mark.parametrize(
    ("hours", "wanted"),
    [
        # the clock goes from 2:00 to 3:00
        ({2}, ["2024-03-30T01:30", "2024-03-31T01:00", "2024-04-01T00:30"]),
        (EVERY_HOUR, ["2024-03-30T00:30", "2024-03-30T01:30", "2024-03-30T02:30"]),
    ],
)
def test_a_time_that_is_skipped(core: Core, hours: set[int], wanted: list[str]) -> None:
    cron = Cron(frozenset({30}), frozenset(hours), ALL_DAYS, ALL_MONTHS, ALL_WEEKDAYS, False)
    found = next_fires(core, cron.spec("Europe/Berlin"), utc("2024-03-30T00:00"), 3)
    assert found == [utc(each) for each in wanted]


ALL_DAYS, ALL_MONTHS, ALL_WEEKDAYS = frozenset(range(1, 32)), frozenset(range(1, 13)), frozenset(range(7))


@pytest.mark.parametrize(
    ("hours", "wanted"),
    [
        # the clock goes from 3:00 to 2:00
        ({2}, ["2024-10-27T00:30", "2024-10-28T01:30"]),
        (EVERY_HOUR, ["2024-10-27T00:30", "2024-10-27T01:30", "2024-10-27T02:30"]),
    ],
)
def test_a_time_that_is_there_twice(core: Core, hours: set[int], wanted: list[str]) -> None:
    cron = Cron(frozenset({30}), frozenset(hours), ALL_DAYS, ALL_MONTHS, ALL_WEEKDAYS, False)
    found = next_fires(core, cron.spec("Europe/Berlin"), utc("2024-10-27T00:00"), len(wanted))
    assert found == [utc(each) for each in wanted]


def test_rare_days(core: Core) -> None:
    leap = Cron(frozenset({0}), frozenset({0}), frozenset({29}), frozenset({2}), ALL_WEEKDAYS, False)
    assert next_fires(core, leap.spec("UTC"), utc("2096-03-01T00:00"), 1) == [utc("2104-02-29T00:00")]
    monday = Cron(frozenset({0}), frozenset({0}), frozenset({29}), frozenset({2}), frozenset({1}), False)
    assert next_fires(core, monday.spec("UTC"), utc("2024-03-01T00:00"), 1) == [utc("2044-02-29T00:00")]
    never = Cron(frozenset({0}), frozenset({0}), frozenset({30}), frozenset({2}), ALL_WEEKDAYS, False)
    assert next_fires(core, never.spec("UTC"), utc("2024-03-01T00:00"), 1) == []
    assert memory_fires(leap.spec("UTC"), utc("2096-03-01T00:00"), 1) == [utc("2104-02-29T00:00")]
    assert memory_fires(monday.spec("UTC"), utc("2024-03-01T00:00"), 1) == [utc("2044-02-29T00:00")]
    assert memory_fires(never.spec("UTC"), utc("2024-03-01T00:00"), 1) == []


@pytest.mark.parametrize("every", [1, 7, 90, 3_600, 86_400])
def test_by_seconds(core: Core, every: int) -> None:
    after = utc("2024-03-31T00:59:59")
    spec: dict[str, object] = {"every": every, "timezone": "Europe/Berlin"}
    found = next_fires(core, spec, after, 3)
    assert memory_fires(spec, after, 3) == found
    first = (int(after.timestamp()) // every + 1) * every
    assert [int(at.timestamp()) for at in found] == [first, first + every, first + 2 * every]


@pytest.mark.parametrize("seed", range(12))
def test_the_last_fire_is_found_among_many(core: Core, seed: int) -> None:
    random = Random(seed)
    zone, change = random.choice(PLACES)
    clock = watch(zone, change)
    found = next(
        fires
        for _ in range(100)
        if len(fires := list(clock.fires(cron := random_cron(random), clock.start))) > 2
    )
    first = random.choice(found[:-1])
    until = clock.minutes[-1][0] - timedelta(minutes=random.randint(0, 60 * 24))
    until = max(until, first)
    wanted = max(at for at in found if at <= until)
    last = core.value("select pgflow._last_fire(%s, %s, %s)", Jsonb(cron.spec(zone)), first, until)
    assert last.astimezone(UTC) == wanted
    assert last_fire(fires_of(cron.spec(zone)), first, until) == wanted


def test_masks() -> None:
    assert (mask({0, 59}), mask({1, 31}), mask(())) == (1 | 1 << 59, 2 | 1 << 31, 0)
