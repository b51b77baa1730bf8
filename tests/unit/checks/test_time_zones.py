"""When the clocks of a zone change, whatever day the tests run on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pgflow_gen.checks.time_zones import clock_changes, zone_names


def test_a_gap_in_spring_and_an_hour_twice_in_autumn() -> None:
    spring, autumn, *_ = clock_changes("Europe/Berlin")
    assert (spring.start, spring.end) == (datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 3))
    assert (autumn.start, autumn.end) == (datetime(2026, 10, 25, 2), datetime(2026, 10, 25, 3))
    assert (spring.is_gap, autumn.is_gap) == (True, False)
    assert [moment.minute for moment in spring.minutes()] == list(range(60))


def test_half_an_hour_is_enough() -> None:
    autumn, spring, *_ = clock_changes("Australia/Lord_Howe")
    assert spring.end - spring.start == autumn.end - autumn.start == timedelta(minutes=30)
    assert (spring.is_gap, autumn.is_gap) == (True, False)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Argentina/Buenos_Aires"])
def test_some_clocks_never_change(zone: str) -> None:
    assert clock_changes(zone) == ()


def test_machines_own_zones_have_no_name() -> None:
    assert {"UTC", "Europe/Berlin"} <= zone_names()
    assert zone_names().isdisjoint({"localtime", "Factory", "posix/Europe/Berlin", "right/UTC"})
