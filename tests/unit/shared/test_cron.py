"""Cron expressions: what each field takes, which days count, and what is said of those that are none."""

from __future__ import annotations

import pytest

from pgflow_shared.cron import CronFault, read_cron

EVERY_WEEKDAY = frozenset(range(7))


def test_each_field_is_a_set_of_numbers() -> None:
    cron = read_cron("*/15 8-18/5,20 1,15 JAN-mar mon-Fri")
    assert cron.minutes == {0, 15, 30, 45}
    assert cron.hours == {8, 13, 18, 20}
    assert cron.days == {1, 15}
    assert cron.months == {1, 2, 3}
    assert cron.weekdays == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("field", "weekdays"),
    [("7", {0}), ("0", {0}), ("sun", {0}), ("5-7", {5, 6, 0}), ("fri-sun", {5, 6, 0}), ("*/3", {0, 3, 6})],
)
def test_sunday_begins_the_week_and_ends_it(field: str, weekdays: set[int]) -> None:
    assert read_cron(f"0 0 * * {field}").weekdays == weekdays


@pytest.mark.parametrize(
    ("days", "either"),
    [("1 * mon", True), ("* * mon", False), ("1 * *", False), ("*/2 * mon", False), ("1-31 * mon", True)],
)
def test_one_of_two_fields_of_days_is_enough_where_neither_begins_with_a_star(
    days: str, either: bool
) -> None:
    assert read_cron(f"0 0 {days}").either_day is either


def test_the_first_or_a_monday() -> None:
    cron = read_cron("0 0 1 * mon")
    assert cron.takes_day(3, 1, weekday=4)
    assert cron.takes_day(3, 2, weekday=1)
    assert not cron.takes_day(3, 2, weekday=2)


def test_every_other_day_that_is_a_monday() -> None:
    cron = read_cron("0 0 */2 * mon")
    assert cron.takes_day(3, 1, weekday=1)
    assert not cron.takes_day(3, 2, weekday=1)
    assert not cron.takes_day(3, 3, weekday=2)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        (" @Hourly ", "0 * * * *"),
    ],
)
def test_some_expressions_have_a_name(name: str, fields: str) -> None:
    assert read_cron(name) == read_cron(fields)


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("0 0 29 2 *", True),
        ("0 0 30 2 *", False),
        ("0 0 31 2,4,6,9,11 *", False),
        ("0 0 31 2-5 *", True),
        ("0 0 30 2 mon", True),  # either: every Monday of February
        ("0 0 */30 2 mon", True),  # the first, where it is a Monday
    ],
)
def test_an_expression_may_name_days_that_no_month_has(text: str, fires: bool) -> None:
    assert read_cron(text).ever_fires is fires


@pytest.mark.parametrize(
    "text",
    [
        "", "*", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
        "* * * 13 *", "* * * 0 *", "* * * * 8", "-1 * * * *", "5-1 * * * *", "5/2 * * * *",
        "*/0 * * * *", "*/x * * * *",
        "*-5 * * * *", "1- * * * *", "1,,2 * * * *", "1;2 * * * *", "mon * * * *", "* * * mon *", "* * L * *",
        "* * LW * *", "* * ? * *", "* * * * 5L", "* * * * mon#2", "H * * * *", "٣ * * * *", "1.5 * * * *",
        "@reboot", "@every 5m", "@", "@often", "* * * * 5-0", "999999999999 * * * *",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_told_in_words(text: str) -> None:
    with pytest.raises(CronFault) as raised:
        read_cron(text)
    assert raised.value.message


def test_an_hour_in_each_of_24_goes_by_real_time() -> None:
    assert read_cron("0 * * * *").takes_every_hour
    assert read_cron("0 0-23 * * *").takes_every_hour
    assert not read_cron("0 0-22 * * *").takes_every_hour
