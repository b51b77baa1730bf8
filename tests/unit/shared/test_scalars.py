"""Texts of times, UUIDs, decimals, bytes and paths: both ways, and what the patterns let through."""

from __future__ import annotations

import datetime as d
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgflow_gen.render.scalars import SCALARS as SCHEMAS
from pgflow_shared.scalars import SCALARS

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: d.timezone(d.timedelta(minutes=minutes)))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "datetime": st.datetimes(
        d.datetime(1, 1, 3), d.datetime(9999, 12, 29), timezones=OFFSETS | st.timezones()
    ),
    "date": st.dates(),
    "time": st.times(),
    "timedelta": st.timedeltas(),
    "UUID": st.uuids(),
    "Decimal": st.decimals(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=40),
    "Path": st.text("ab/.-", min_size=1, max_size=10).map(Path),
}


def fits(kind: str, text: str) -> bool:
    schema = {"type": "string", **SCHEMAS[kind]}  # type: ignore[index]
    return bool(jsonschema_rs.Draft202012Validator(schema).is_valid(text))


@pytest.mark.parametrize("kind", SCALARS)
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_was_written_fits_its_pattern_and_reads_as_the_same(kind: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[kind])
    text = SCALARS[kind].encode(value)
    assert fits(kind, text)
    again = SCALARS[kind].decode(text)
    if kind == "datetime":  # in the hour that a clock repeats, no other zone's datetime equals it
        value = value.astimezone(d.UTC)
    assert (again, type(again)) == (value, type(value))
    if kind == "Decimal":
        assert again.as_tuple() == value.as_tuple()


GOOD = {
    "datetime": ["2024-02-29T23:59:59Z", "0001-01-01T00:00:00.1+23:59", "2024-02-29T00:00:00.123456-00:30"],
    "date": ["2024-02-29"],
    "time": ["23:59:59.999999", "00:00:00"],
    "timedelta": ["PT0S", "-P1DT2H3M4.5S", "P3D", "PT90M", "PT0.000001S"],
    "UUID": ["F47AC10B-58CC-4372-A567-0E02B2C3D479", "f47ac10b-58cc-4372-a567-0e02b2c3d479"],
    "Decimal": ["1", "-0", "1.50", "1E+2", "0.1e-7"],
    "bytes": ["", "AA==", "AAA=", "+/+/"],
}
BAD = {
    "datetime": [
        "2024-02-29T23:59:60Z", "2024-02-29T23:59Z", "2024-02-29T23:59:59", "2024-02-29 23:59:59Z",
        "2024-02-29",
        "2024-02-29T23:59:59.1234567Z", "2024-02-29T23:59:59+0100", "\u0662024-02-29T23:59:59Z",

        "2024-02-29T23:59:59Z\n",
    ],
    "date": ["20240229", "2024-13-01", "2024-02-29T00:00:00Z"],
    "time": ["24:00:00", "23:59", "23:59:59Z", "23:59:60"],
    "timedelta": ["P", "PT", "P1Y", "P1W", "1", "PT1.5H", "P1DT", "+PT1S", "PT1.1234567S"],
    "UUID": ["f47ac10b58cc4372a5670e02b2c3d479", "{f47ac10b-58cc-4372-a567-0e02b2c3d479}"],
    "Decimal": ["NaN", "Infinity", ".5", "5.", "1_000", " 1", ""],
    "bytes": ["A", "AA", "AA=", "-_-_", "AA==\n"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in GOOD.items() for text in texts])
def test_other_spellings_of_the_standards_are_read(kind: str, text: str) -> None:
    assert fits(kind, text)
    SCALARS[kind].decode(text)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in BAD.items() for text in texts])
def test_what_another_language_would_read_otherwise_is_refused(kind: str, text: str) -> None:
    assert not fits(kind, text)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("datetime", d.datetime(2024, 1, 1), "naive"),
        ("date", d.datetime(2024, 1, 1), "datetime where a date"),
        ("time", d.time(1, tzinfo=d.UTC), "zone"),
        ("Decimal", Decimal("NaN"), "no number"),
        ("Decimal", Decimal("-Infinity"), "no number"),
    ],
)
def test_what_has_no_text_is_refused_in_words(kind: str, value: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SCALARS[kind].encode(value)


def test_an_offset_with_seconds_is_written_in_utc() -> None:
    value = d.datetime(1880, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam"))
    assert SCALARS["datetime"].encode(value) == "1879-12-31T23:40:28+00:00"


def test_texts_of_a_uuid_are_lower_case() -> None:
    assert SCALARS["UUID"].encode(UUID(GOOD["UUID"][0])) == GOOD["UUID"][1]
